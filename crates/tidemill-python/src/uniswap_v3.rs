//! A Uniswap V3 pool, as a frozen class.

use pyo3::prelude::*;
use tidemill_pools::uniswap_v3::UniswapV3;
use tidemill_pools::{Pool as Inner, PoolError};

use crate::errors;
use crate::numbers::Uint;
use crate::pool::{object, one_side, Pool};

/// A Uniswap V3 pool, or one of a fork.
#[pyclass(frozen, extends = Pool, module = "tidemill._rust")]
pub struct UniswapV3Pool;

/// One initialised tick: its index, gross and net liquidity.
pub type TickRow = (i32, u128, i128);

/// What a pool's slot says: price, tick, liquidity in range.
pub type Slot = (Uint, i32, u128);

/// Returns a pool with this slot and these ticks, which are all that are initialised.
pub fn pool(terms: (u32, i32), slot: Slot, ticks: &[TickRow]) -> Result<UniswapV3, PoolError> {
    let mut pool = UniswapV3::new(terms.0, terms.1)?;
    pool.set_slot(slot.0 .0, slot.1, slot.2);
    for (tick, gross, net) in ticks {
        pool.set_tick(*tick, Some((*gross, *net)))?;
    }
    Ok(pool)
}

fn of<'a>(own: &'a PyRef<'_, UniswapV3Pool>) -> PyResult<&'a UniswapV3> {
    match &own.as_super().pool {
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
        let pool = pool((fee_ppm, tick_spacing), (sqrt_price_x96, tick, liquidity), &ticks);
        let pool = pool.map_err(errors::pool)?.into();
        Ok(PyClassInitializer::from(Pool { spec: None, pool }).add_subclass(Self))
    }

    #[getter]
    fn sqrt_price_x96(own: PyRef<'_, Self>) -> Option<Uint> {
        own.as_super().pool.state().sqrt_price_x96.map(Uint)
    }

    #[getter]
    fn tick(own: PyRef<'_, Self>) -> Option<i32> {
        own.as_super().pool.state().tick
    }

    #[getter]
    fn liquidity(own: PyRef<'_, Self>) -> Option<u128> {
        own.as_super().pool.state().liquidity
    }

    #[getter]
    fn tick_spacing(own: PyRef<'_, Self>) -> Option<i32> {
        own.as_super().pool.tick_spacing()
    }

    #[getter]
    fn ticks(own: PyRef<'_, Self>) -> PyResult<Vec<TickRow>> {
        let ticks = of(&own)?.ticks().iter();
        Ok(ticks.map(|(tick, at)| (tick, at.liquidity_gross, at.liquidity_net)).collect())
    }

    #[pyo3(signature = (zero_for_one, *, amount_in=None, amount_out=None, sqrt_price_limit_x96=None))]
    fn swap(
        own: PyRef<'_, Self>,
        zero_for_one: bool,
        amount_in: Option<Uint>,
        amount_out: Option<Uint>,
        sqrt_price_limit_x96: Option<Uint>,
    ) -> PyResult<(Py<PyAny>, Uint, Uint)> {
        let amount = one_side(amount_in, amount_out)?;
        let limit = sqrt_price_limit_x96.map(|limit| limit.0);
        let swapped = of(&own)?.swap_to(zero_for_one, amount, limit).map_err(errors::pool)?;
        let mut after = of(&own)?.clone();
        after.set_slot(swapped.sqrt_price_x96, swapped.tick, swapped.liquidity);
        let after = object(own.py(), own.as_super().spec.clone(), after.into())?;
        Ok((after, Uint(swapped.amount_in), Uint(swapped.amount_out)))
    }

    fn with_liquidity(
        own: PyRef<'_, Self>,
        tick_lower: i32,
        tick_upper: i32,
        delta: i128,
    ) -> PyResult<Py<PyAny>> {
        let mut after = of(&own)?.clone();
        after.change_liquidity(tick_lower, tick_upper, delta).map_err(errors::pool)?;
        object(own.py(), own.as_super().spec.clone(), after.into())
    }
}
