//! Pools of coins read to be followed: what is asked of all of them together, and the pools that the answers make.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use tidemill_pools::query::kinds_of;
use tidemill_pools::{Address, CoinBatch, CoinReading as Reading, CoinWanted};

use crate::numbers::hex;
use crate::pool_query::{unknown, unread};
use crate::round::{self, Question};

/// A pool of coins that was read.
#[pyclass(frozen, module = "tidemill._rust")]
pub struct CoinReading(Arc<Reading>);

impl CoinReading {
    /// Returns the reading itself.
    pub fn inner(&self) -> &Reading {
        &self.0
    }
}

#[pymethods]
impl CoinReading {
    #[getter]
    fn kind(&self) -> &'static str {
        self.0.kind.name()
    }

    #[getter]
    fn factory<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.0.factory.map(|factory| PyBytes::new(py, &factory))
    }

    #[getter]
    fn coins<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.coins.iter().map(|coin| PyBytes::new(py, coin)))
    }

    #[getter]
    fn fee_ppm(&self) -> Option<u32> {
        self.0.pool.as_ref().ok()?.fee_ppm()
    }

    #[getter]
    fn doubt(&self) -> Option<&str> {
        self.0.pool.as_ref().err().map(String::as_str)
    }

    fn __repr__(&self) -> String {
        let coins: Vec<_> = self.0.coins.iter().map(|coin| hex(coin)).collect();
        format!("CoinReading({}, {})", self.kind(), coins.join(", "))
    }
}

/// Many such pools being read in the same rounds; the results are handed out once.
#[pyclass(frozen, module = "tidemill._rust")]
pub struct CoinQueries {
    batch: Mutex<CoinBatch>,
    addresses: Vec<Address>,
}

/// A pool, its kind, and what was read of it before.
type Wanted<'py> = (Address, Option<String>, Option<PyRef<'py, CoinReading>>);

#[pymethods]
impl CoinQueries {
    #[new]
    #[pyo3(signature = (pools, timestamp_s, *, is_described=false))]
    fn new(pools: Vec<Wanted<'_>>, timestamp_s: u64, is_described: bool) -> PyResult<Self> {
        let mut wanted = Vec::with_capacity(pools.len());
        for (address, kind, before) in pools {
            let kind = match kind.as_deref() {
                None => None,
                Some(name) => match kinds_of(name) {
                    Some(&[kind]) => Some(kind),
                    _ => return Err(unknown(name)),
                },
            };
            wanted.push(CoinWanted { address, kind, before: before.map(|before| before.0.clone()) });
        }
        let addresses = wanted.iter().map(|one| one.address).collect();
        // For the pools of one block this takes less time than to get the interpreter back from a thread that waits for it.
        let batch = CoinBatch::new(&wanted, timestamp_s, is_described);
        Ok(Self { batch: Mutex::new(batch), addresses })
    }

    /// The number of calls of this round; 0 where every pool is at its end.
    fn __len__(&self) -> usize {
        self.batch().round().calls().len()
    }

    fn aggregate<'py>(&self, py: Python<'py>, first: usize, last: usize) -> Bound<'py, PyBytes> {
        round::aggregate(py, self.batch().round(), first, last)
    }

    fn call<'py>(&self, py: Python<'py>, index: usize) -> PyResult<Question<'py>> {
        round::call(py, self.batch().round(), index)
    }

    fn put_aggregate(&self, py: Python<'_>, first: usize, last: usize, answer: &[u8]) -> PyResult<()> {
        round::put_aggregate(py, self.batch().round_mut(), (first, last), answer)
    }

    fn put(&self, index: usize, answer: Option<&[u8]>) {
        round::put(self.batch().round_mut(), index, answer);
    }

    fn advance(&self, py: Python<'_>) {
        py.detach(|| self.batch().advance());
    }

    fn results(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        let ended = mem::take(&mut *self.batch()).results();
        let ended = ended.into_iter().zip(&self.addresses);
        ended
            .map(|(result, address)| match result {
                None => {
                    let problem = "expected every pool at its end, found one that is not";
                    Err(PyRuntimeError::new_err(problem))
                }
                Some(Ok(reading)) => Py::new(py, CoinReading(Arc::from(reading))).map(Py::into_any),
                Some(Err(error)) => Py::new(py, unread(py, address, &error)).map(Py::into_any),
            })
            .collect()
    }
}

impl CoinQueries {
    fn batch(&self) -> MutexGuard<'_, CoinBatch> {
        self.batch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
