//! An Algebra pool, as a frozen class.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use tidemill_pools::algebra::{Algebra, Fees, Generation};
use tidemill_pools::{Pool as Inner, PoolError};

use crate::errors;
use crate::ticked_pool::{filled, initializer, Slot, TickRow, TickedPool};

/// An Algebra pool, such as one of `QuickSwap` V3.
#[pyclass(frozen, extends = TickedPool, module = "tidemill._rust")]
pub struct AlgebraPool;

/// Returns a pool with these fees and without a price.
pub fn pool(generation: Generation, fees: Fees) -> Result<Algebra, PoolError> {
    let mut pool = Algebra::new(generation);
    pool.set_fees(fees)?;
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
    match &own.as_super().as_super().pool {
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
        let pool = pool(generation_named(generation)?, fees).and_then(|pool| filled(pool, slot, &ticks));
        Ok(initializer(None, pool.map_err(errors::pool)?.into()).add_subclass(Self))
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
}
