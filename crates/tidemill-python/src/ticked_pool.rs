//! What pools whose liquidity lies between ticks have in common, as a frozen class that each kind's own extends.

use pyo3::prelude::*;
use tidemill_pools::{Pool as Inner, PoolError, PoolSpec, Ticked};

use crate::errors;
use crate::numbers::Uint;
use crate::pool::{object, one_side, Pool};

/// A pool with ticks.
#[pyclass(frozen, subclass, extends = Pool, module = "tidemill._rust")]
pub struct TickedPool;

/// One initialised tick: its index, gross and net liquidity.
pub type TickRow = (i32, u128, i128);

/// What a pool's slot says: price, tick, liquidity in range.
pub type Slot = (Uint, i32, u128);

/// Returns the pool with this slot and these ticks, which are all that are initialised.
pub fn filled<P: Ticked>(mut pool: P, slot: Slot, ticks: &[TickRow]) -> Result<P, PoolError> {
    pool.set_slot(slot.0 .0, slot.1, slot.2);
    for (tick, gross, net) in ticks {
        pool.set_tick(*tick, Some((*gross, *net)))?;
    }
    Ok(pool)
}

/// Returns what a class of a kind with ticks is made of.
pub fn initializer(spec: Option<PoolSpec>, pool: Inner) -> PyClassInitializer<TickedPool> {
    PyClassInitializer::from(Pool { spec, pool }).add_subclass(TickedPool)
}

fn of<'a>(own: &'a PyRef<'_, TickedPool>) -> PyResult<&'a dyn Ticked> {
    own.as_super().pool.as_ticked().ok_or_else(|| errors::pool(PoolError::Uninitialised))
}

#[pymethods]
impl TickedPool {
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
        let mut after = own.as_super().pool.clone();
        if let Some(ticked) = after.as_ticked_mut() {
            ticked.set_slot(swapped.sqrt_price_x96, swapped.tick, swapped.liquidity);
        }
        let after = object(own.py(), own.as_super().spec.clone(), after)?;
        Ok((after, Uint(swapped.amount_in), Uint(swapped.amount_out)))
    }
}
