//! A Uniswap V4 pool, as a frozen class.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tidemill_pools::uniswap_v4::{Key, ProtocolFee, UniswapV4};
use tidemill_pools::{Address, Hash, Pool as Inner, PoolError};

use crate::errors;
use crate::numbers::Uint;
use crate::pool::{object, one_side, Pool};
use crate::uniswap_v3::{Slot, TickRow};

/// A Uniswap V4 pool.
#[pyclass(frozen, extends = Pool, module = "tidemill._rust")]
pub struct UniswapV4Pool;

/// Returns a pool with this slot and these ticks, which are all that are initialised.
pub fn pool(terms: (Key, u32), slot: Slot, ticks: &[TickRow]) -> Result<UniswapV4, PoolError> {
    let mut pool = UniswapV4::new(terms.0)?;
    pool.set_protocol_fee(ProtocolFee::unpacked(terms.1)?);
    pool.set_slot(slot.0 .0, slot.1, slot.2);
    for (tick, gross, net) in ticks {
        pool.set_tick(*tick, Some((*gross, *net)))?;
    }
    Ok(pool)
}

fn of<'a>(own: &'a PyRef<'_, UniswapV4Pool>) -> PyResult<&'a UniswapV4> {
    match &own.as_super().pool {
        Inner::UniswapV4(pool) => Ok(pool),
        _ => Err(errors::pool(PoolError::Uninitialised)),
    }
}

#[pymethods]
impl UniswapV4Pool {
    #[new]
    #[pyo3(signature = (*, pool_id, fee, tick_spacing, slot, ticks, hooks=[0; 20], protocol_fee=0))]
    fn new(
        pool_id: Hash,
        fee: u32,
        tick_spacing: i32,
        slot: Slot,
        ticks: Vec<TickRow>,
        hooks: Address,
        protocol_fee: u32,
    ) -> PyResult<PyClassInitializer<Self>> {
        let key = Key { id: pool_id, fee, tick_spacing, hooks };
        let pool = pool((key, protocol_fee), slot, &ticks).map_err(errors::pool)?.into();
        Ok(PyClassInitializer::from(Pool { spec: None, pool }).add_subclass(Self))
    }

    #[getter]
    fn pool_id(own: PyRef<'_, Self>) -> PyResult<Bound<'_, PyBytes>> {
        Ok(PyBytes::new(own.py(), &of(&own)?.key().id))
    }

    #[getter]
    fn hooks(own: PyRef<'_, Self>) -> PyResult<Option<Bound<'_, PyBytes>>> {
        let key = of(&own)?.key();
        Ok(key.is_hooked().then(|| PyBytes::new(own.py(), &key.hooks)))
    }

    #[getter]
    fn is_fee_dynamic(own: PyRef<'_, Self>) -> PyResult<bool> {
        Ok(of(&own)?.key().is_dynamic())
    }

    #[getter]
    fn tick_spacing(own: PyRef<'_, Self>) -> PyResult<i32> {
        Ok(of(&own)?.key().tick_spacing)
    }

    #[getter]
    fn protocol_fee(own: PyRef<'_, Self>) -> PyResult<u32> {
        Ok(of(&own)?.protocol_fee().packed())
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
    fn ticks(own: PyRef<'_, Self>) -> PyResult<Vec<TickRow>> {
        let ticks = of(&own)?.ticked().ticks().iter();
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
}
