//! An Algebra pool, as a frozen class.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use tidemill_pools::algebra::{Algebra, Fees, Generation};
use tidemill_pools::{Pool as Inner, PoolError};

use crate::errors;
use crate::numbers::Uint;
use crate::pool::{object, one_side, Pool};
use crate::uniswap_v3::{Slot, TickRow};

/// An Algebra pool, such as one of `QuickSwap` V3.
#[pyclass(frozen, extends = Pool, module = "tidemill._rust")]
pub struct AlgebraPool;

/// Returns a pool with this slot and these ticks, which are all that are initialised.
pub fn pool(terms: (Generation, Fees), slot: Slot, ticks: &[TickRow]) -> Result<Algebra, PoolError> {
    let mut pool = Algebra::new(terms.0);
    pool.set_fees(terms.1)?;
    pool.set_slot(slot.0 .0, slot.1, slot.2);
    for (tick, gross, net) in ticks {
        pool.set_tick(*tick, Some((*gross, *net)))?;
    }
    Ok(pool)
}

/// Returns the generation of that name.
pub fn generation_named(name: &str) -> PyResult<Generation> {
    Generation::named(name).ok_or_else(|| {
        let known = Generation::ALL.map(|(name, _)| name).join(", ");
        PyValueError::new_err(format!("expected an Algebra generation of {known}, found {name:?}"))
    })
}

fn of<'a>(own: &'a PyRef<'_, AlgebraPool>) -> PyResult<&'a Algebra> {
    match &own.as_super().pool {
        Inner::Algebra(pool) => Ok(pool),
        _ => Err(errors::pool(PoolError::Uninitialised)),
    }
}

#[pymethods]
impl AlgebraPool {
    #[new]
    #[pyo3(signature = (*, generation, fees_ppm, slot, ticks))]
    fn new(
        generation: &str,
        fees_ppm: (u32, u32),
        slot: Slot,
        ticks: Vec<TickRow>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let fees = Fees { ppm: Some(fees_ppm), ..Fees::default() };
        let pool = pool((generation_named(generation)?, fees), slot, &ticks).map_err(errors::pool)?.into();
        Ok(PyClassInitializer::from(Pool { spec: None, pool }).add_subclass(Self))
    }

    #[getter]
    fn generation(own: PyRef<'_, Self>) -> PyResult<&'static str> {
        Ok(of(&own)?.generation().name())
    }

    #[getter]
    fn fees_ppm(own: PyRef<'_, Self>) -> PyResult<Option<(u32, u32)>> {
        Ok(of(&own)?.fees().ppm)
    }

    #[getter]
    fn is_fee_overridden(own: PyRef<'_, Self>) -> PyResult<bool> {
        Ok(of(&own)?.fees().is_overridden)
    }

    #[getter]
    fn has_limit_orders(own: PyRef<'_, Self>) -> PyResult<bool> {
        Ok(of(&own)?.fees().has_limit_orders)
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
