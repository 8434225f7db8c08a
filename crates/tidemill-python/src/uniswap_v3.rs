//! A Uniswap V3 pool, as a frozen class.

use pyo3::prelude::*;
use tidemill_pools::uniswap_v3::UniswapV3;
use tidemill_pools::{Pool as Inner, PoolError};

use crate::errors;
use crate::numbers::Uint;
use crate::pool::object;
use crate::ticked_pool::{filled, initializer, TickRow, TickedPool};

/// A Uniswap V3 pool, or one of a fork.
#[pyclass(frozen, extends = TickedPool, module = "tidemill._rust")]
pub struct UniswapV3Pool;

fn of<'a>(own: &'a PyRef<'_, UniswapV3Pool>) -> PyResult<&'a UniswapV3> {
    match &own.as_super().as_super().pool {
        Inner::UniswapV3(pool) => Ok(pool),
        _ => Err(errors::pool(PoolError::Uninitialised)),
    }
}

#[pymethods]
impl UniswapV3Pool {
    #[new]
    #[pyo3(signature = (*, sqrt_price_x96, tick, liquidity, fee_ppm, tick_spacing, ticks))]
    fn new(
        sqrt_price_x96: Uint,
        tick: i32,
        liquidity: u128,
        fee_ppm: u32,
        tick_spacing: i32,
        ticks: Vec<TickRow>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let pool = UniswapV3::new(fee_ppm, tick_spacing);
        let pool = pool.and_then(|pool| filled(pool, (sqrt_price_x96, tick, liquidity), &ticks));
        Ok(initializer(None, pool.map_err(errors::pool)?.into()).add_subclass(Self))
    }

    fn with_liquidity(
        own: PyRef<'_, Self>,
        tick_lower: i32,
        tick_upper: i32,
        delta: i128,
    ) -> PyResult<Py<PyAny>> {
        let mut after = of(&own)?.clone();
        after.change_liquidity(tick_lower, tick_upper, delta).map_err(errors::pool)?;
        object(own.py(), own.as_super().as_super().spec.clone(), after.into())
    }
}
