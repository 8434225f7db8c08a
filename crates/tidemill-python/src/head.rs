//! A block's header, as a small frozen class.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use tidemill_pools::{Hash, Head as Inner};

use crate::numbers::{hex, Uint};

/// What a block says about itself.
#[pyclass(frozen, eq, module = "tidemill._rust", from_py_object)]
#[derive(Clone, PartialEq, Eq)]
pub struct Head(pub Inner);

#[pymethods]
impl Head {
    #[new]
    #[pyo3(signature = (*, number, hash, parent_hash, timestamp_s, base_fee_wei=None, gas_used, gas_limit))]
    fn new(
        number: u64,
        hash: Hash,
        parent_hash: Hash,
        timestamp_s: u64,
        base_fee_wei: Option<Uint>,
        gas_used: u64,
        gas_limit: u64,
    ) -> Self {
        let base_fee_wei = base_fee_wei.map(|fee| fee.0);
        Self(Inner { number, hash, parent_hash, timestamp_s, base_fee_wei, gas_used, gas_limit })
    }

    #[getter]
    fn number(&self) -> u64 {
        self.0.number
    }

    #[getter]
    fn hash<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.hash)
    }

    #[getter]
    fn parent_hash<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.parent_hash)
    }

    #[getter]
    fn timestamp_s(&self) -> u64 {
        self.0.timestamp_s
    }

    #[getter]
    fn base_fee_wei(&self) -> Option<Uint> {
        self.0.base_fee_wei.map(Uint)
    }

    #[getter]
    fn gas_used(&self) -> u64 {
        self.0.gas_used
    }

    #[getter]
    fn gas_limit(&self) -> u64 {
        self.0.gas_limit
    }

    fn __hash__(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0.hash;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    fn __repr__(&self) -> String {
        format!("Head(number={}, hash={})", self.0.number, hex(&self.0.hash))
    }

    /// Returns the head with the fields in the order that `__reduce__` gives them.
    #[staticmethod]
    fn _make(
        number: u64,
        hash: Hash,
        parent_hash: Hash,
        timestamp_s: u64,
        base_fee_wei: Option<Uint>,
        gas_used: u64,
        gas_limit: u64,
    ) -> Self {
        Self::new(number, hash, parent_hash, timestamp_s, base_fee_wei, gas_used, gas_limit)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let make = py.get_type::<Self>().getattr("_make")?;
        let fields = (
            self.0.number,
            self.hash(py),
            self.parent_hash(py),
            self.0.timestamp_s,
            self.base_fee_wei(),
            self.0.gas_used,
            self.0.gas_limit,
        );
        Ok((make, fields.into_pyobject(py)?))
    }
}
