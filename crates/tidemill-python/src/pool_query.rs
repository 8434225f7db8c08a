//! Pools read by their addresses: the calls of many as one, and what the answers make of them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use tidemill_pools::query::{kinds_of, Batch, Coin, Detail, Exact, Query, QueryError, Reading, DEX_TYPES};
use tidemill_pools::uniswap_v2::Fee;

use crate::errors;
use crate::numbers::{hex, Uint};
use crate::pool::object;
use crate::round::{self, Question};

/// A pool that was read.
#[pyclass(frozen, module = "tidemill._rust")]
pub struct PoolReading {
    reading: Reading,
}

impl PoolReading {
    fn exact(&self) -> PyResult<&Exact> {
        let exact = self.reading.exact.as_ref();
        exact.map_err(|doubt| errors::PoolError::new_err(format!("Doubt: {doubt}")))
    }
}

/// One token of a pool that was read.
#[pyclass(frozen, module = "tidemill._rust")]
pub struct PoolCoin {
    coin: Coin,
}

#[pymethods]
impl PoolCoin {
    #[getter]
    fn address<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.coin.address)
    }

    #[getter]
    fn reserve(&self) -> Uint {
        Uint(self.coin.reserve)
    }

    #[getter]
    fn decimals(&self) -> Option<u8> {
        self.coin.decimals.ok()
    }

    #[getter]
    fn decimals_fault(&self) -> Option<String> {
        self.coin.decimals.err().map(|fault| fault.to_string())
    }

    fn __repr__(&self) -> String {
        format!("PoolCoin({}, reserve={})", hex(&self.coin.address), self.coin.reserve)
    }
}

#[pymethods]
impl PoolReading {
    #[getter]
    fn address<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.reading.address)
    }

    #[getter]
    fn kind(&self) -> &'static str {
        self.reading.kind.name()
    }

    #[getter]
    fn factory<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.reading.factory.map(|factory| PyBytes::new(py, &factory))
    }

    #[getter]
    fn holder<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.reading.holder())
    }

    #[getter]
    fn coins<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.reading.coins.iter().map(|coin| PoolCoin { coin: coin.clone() }))
    }

    #[getter]
    fn decimals_fault<'py>(&self, py: Python<'py>) -> Option<(Bound<'py, PyBytes>, String)> {
        let told = |coin: &Coin| Some((PyBytes::new(py, &coin.address), coin.decimals.err()?.to_string()));
        self.reading.coins.iter().find_map(told)
    }

    #[getter]
    fn fee_e18(&self) -> Option<Uint> {
        self.reading.fee_e18.map(Uint)
    }

    #[getter]
    fn sqrt_price_x96(&self) -> Option<Uint> {
        self.reading.slot.map(|slot| Uint(slot.sqrt_price_x96))
    }

    #[getter]
    fn tick(&self) -> Option<i32> {
        self.reading.slot.map(|slot| slot.tick)
    }

    #[getter]
    fn liquidity(&self) -> Option<u128> {
        self.reading.slot.map(|slot| slot.liquidity)
    }

    #[getter]
    fn tick_spacing(&self) -> Option<i32> {
        self.reading.slot.map(|slot| slot.tick_spacing)
    }

    #[getter]
    fn doubt(&self) -> Option<String> {
        self.reading.exact.as_ref().err().map(ToString::to_string)
    }

    #[getter]
    fn pool(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        match &self.reading.exact {
            Ok(Exact::Pool(pool)) => object(py, None, pool.clone()).map(Some),
            _ => Ok(None),
        }
    }

    fn amount_out(&self, coin_in: usize, coin_out: usize, amount_in: Uint) -> PyResult<Uint> {
        self.exact()?.amount_out(coin_in, coin_out, amount_in.0).map(Uint).map_err(errors::pool)
    }

    fn amount_in(&self, coin_in: usize, coin_out: usize, amount_out: Uint) -> PyResult<Uint> {
        self.exact()?.amount_in(coin_in, coin_out, amount_out.0).map(Uint).map_err(errors::pool)
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.reading == other.reading
    }

    fn __repr__(&self) -> String {
        format!("PoolReading({}, {})", self.kind(), hex(&self.reading.address))
    }
}

/// Why a pool could not be read.
#[pyclass(frozen, get_all, module = "tidemill._rust")]
pub struct PoolUnread {
    address: Py<PyBytes>,
    reason: &'static str,
    message: String,
}

/// Many pools being read in the same rounds; the results are handed out once.
#[pyclass(frozen, module = "tidemill._rust")]
pub struct PoolQueries {
    batch: Mutex<Batch>,
    addresses: Vec<[u8; 20]>,
}

fn detail(is_exact: bool) -> Detail {
    if is_exact {
        Detail::Exact
    } else {
        Detail::Reserves
    }
}

#[pymethods]
impl PoolQueries {
    #[new]
    #[pyo3(signature = (pools, *, is_exact, again=Vec::new()))]
    fn new(
        pools: Vec<([u8; 20], Option<String>)>,
        is_exact: bool,
        again: Vec<PyRef<'_, PoolReading>>,
    ) -> PyResult<Self> {
        let mut queries = Vec::with_capacity(pools.len() + again.len());
        for (address, dex_type) in pools {
            let kinds = match dex_type {
                None => &[],
                Some(name) => kinds_of(&name).ok_or_else(|| unknown(&name))?,
            };
            queries.push(Query::new(address, kinds, detail(is_exact)));
        }
        for before in again {
            queries.push(Query::again(before.reading.clone(), detail(is_exact)));
        }
        let addresses = queries.iter().map(Query::address).collect();
        Ok(Self { batch: Mutex::new(Batch::new(queries)), addresses })
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

    fn bundle<'py>(&self, py: Python<'py>, first: usize, last: usize) -> Bound<'py, PyBytes> {
        round::bundle(py, self.batch().round(), first, last)
    }

    fn put_bundle(&self, py: Python<'_>, first: usize, last: usize, answer: &[u8]) -> PyResult<()> {
        round::put_bundle(py, self.batch().round_mut(), (first, last), answer)
    }

    fn put(&self, index: usize, answer: Option<&[u8]>) {
        round::put(self.batch().round_mut(), index, answer);
    }

    fn advance(&self, py: Python<'_>) {
        py.detach(|| self.batch().advance());
    }

    /// A V2 pair that tells no fee has that of its factory's pairs, a fraction of which the rest is paid on.
    #[pyo3(signature = (pair_fees=HashMap::new()))]
    fn results(&self, py: Python<'_>, pair_fees: HashMap<[u8; 20], (u32, u32)>) -> PyResult<Vec<Py<PyAny>>> {
        let results = std::mem::take(&mut *self.batch()).results();
        let mut objects = Vec::with_capacity(results.len());
        for (result, address) in results.into_iter().zip(&self.addresses) {
            objects.push(match result {
                None => {
                    return Err(PyRuntimeError::new_err(
                        "expected every pool at its end, found one that is not",
                    ))
                }
                Some(Ok(mut reading)) => {
                    let fee = reading.factory.and_then(|factory| pair_fees.get(&factory));
                    if let (Some((numerator, denominator)), None) = (fee, reading.fee_e18) {
                        let set =
                            Fee::new(*numerator, *denominator).and_then(|fee| reading.set_pair_fee(fee));
                        set.map_err(errors::pool)?;
                    }
                    Py::new(py, PoolReading { reading: *reading })?.into_any()
                }
                Some(Err(error)) => Py::new(py, unread(py, address, &error))?.into_any(),
            });
        }
        Ok(objects)
    }
}

impl PoolQueries {
    fn batch(&self) -> MutexGuard<'_, Batch> {
        self.batch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns why a pool could not be read.
pub fn unread(py: Python<'_>, address: &[u8; 20], error: &QueryError) -> PoolUnread {
    PoolUnread {
        address: PyBytes::new(py, address).unbind(),
        reason: error.reason(),
        message: error.to_string(),
    }
}

/// Returns the error that no exchange is called `name`.
pub fn unknown(name: &str) -> PyErr {
    let known: Vec<_> = DEX_TYPES.iter().map(|(name, _)| *name).collect();
    PyValueError::new_err(format!("dex_type: expected one of {}, found {name:?}", known.join(", ")))
}

/// Returns the kinds of pools that each name of an exchange means.
#[pyfunction]
pub fn dex_types() -> Vec<(&'static str, Vec<&'static str>)> {
    DEX_TYPES.iter().map(|(name, kinds)| (*name, kinds.iter().map(|kind| kind.name()).collect())).collect()
}
