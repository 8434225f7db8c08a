//! A pool of two to eight coins that is followed, as a frozen class; its coins are named by their places.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tidemill_pools::query::Exact;
use tidemill_pools::PoolError;

use crate::errors;
use crate::numbers::Uint;
use crate::pool::Pool;

/// A Curve or Balancer pool as the node told it; without coins where its state is not known.
#[pyclass(frozen, extends = Pool, module = "tidemill._rust")]
pub struct CoinsPool;

fn exact<'a>(own: &'a PyRef<'_, CoinsPool>) -> PyResult<&'a Exact> {
    own.as_super().pool.by_coin().unwrap_or(Err(PoolError::Incomplete)).map_err(errors::pool)
}

#[pymethods]
impl CoinsPool {
    #[getter]
    fn coins(own: PyRef<'_, Self>) -> Vec<Bound<'_, PyBytes>> {
        own.as_super().pool.coins().0.iter().map(|coin| PyBytes::new(own.py(), coin)).collect()
    }

    #[getter]
    fn balances(own: PyRef<'_, Self>) -> Vec<Uint> {
        own.as_super().pool.coins().1.iter().map(|balance| Uint(*balance)).collect()
    }

    #[getter]
    fn reserve0(own: PyRef<'_, Self>) -> Option<u128> {
        own.as_super().pool.state().reserve0
    }

    #[getter]
    fn reserve1(own: PyRef<'_, Self>) -> Option<u128> {
        own.as_super().pool.state().reserve1
    }

    #[getter]
    fn is_momentary(own: PyRef<'_, Self>) -> bool {
        own.as_super().pool.is_momentary()
    }

    fn coin_out(own: PyRef<'_, Self>, coin_in: usize, coin_out: usize, amount_in: Uint) -> PyResult<Uint> {
        exact(&own)?.amount_out(coin_in, coin_out, amount_in.0).map(Uint).map_err(errors::pool)
    }
}
