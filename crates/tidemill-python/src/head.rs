//! A block's header, as a small frozen class.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use tidemill_pools::{Hash, Head as Inner};

use crate::numbers::{hex, Uint};

/// What a block says about itself.
#[pyclass(frozen, eq, module = "tidemill._rust", from_py_object)]
#[derive(Clone, PartialEq, Eq)]
pub struct Head(pub Inner);

/// A filter of logs that is 256 bytes on the other side.
struct Bloom(Arc<[u8; 256]>);

impl<'py> FromPyObject<'_, 'py> for Bloom {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let bytes = value.cast::<PyBytes>()?;
        let bytes: [u8; 256] = bytes.as_bytes().try_into().map_err(|_| {
            PyValueError::new_err(format!("expected a filter of 256 bytes, found {}", bytes.as_bytes().len()))
        })?;
        Ok(Self(Arc::new(bytes)))
    }
}

#[pymethods]
impl Head {
    #[new]
    #[pyo3(signature = (
        *, number, hash, parent_hash, timestamp_s, base_fee_wei=None, gas_used, gas_limit, receipts_root=None,
        logs_bloom=None, is_hash_proven=false
    ))]
    #[allow(clippy::too_many_arguments)] // a header has so many fields, and each is named where it is called
    fn new(
        number: u64,
        hash: Hash,
        parent_hash: Hash,
        timestamp_s: u64,
        base_fee_wei: Option<Uint>,
        gas_used: u64,
        gas_limit: u64,
        receipts_root: Option<Hash>,
        logs_bloom: Option<Bloom>,
        is_hash_proven: bool,
    ) -> Self {
        Self(Inner {
            number,
            hash,
            parent_hash,
            timestamp_s,
            base_fee_wei: base_fee_wei.map(|fee| fee.0),
            gas_used,
            gas_limit,
            receipts_root,
            logs_bloom: logs_bloom.map(|bloom| bloom.0),
            is_hash_proven,
        })
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

    #[getter]
    fn receipts_root<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.0.receipts_root.map(|root| PyBytes::new(py, &root))
    }

    #[getter]
    fn logs_bloom<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.0.logs_bloom.as_deref().map(|bloom| PyBytes::new(py, bloom))
    }

    #[getter]
    fn is_hash_proven(&self) -> bool {
        self.0.is_hash_proven
    }

    fn __hash__(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0.hash;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    fn __repr__(&self) -> String {
        format!("Head(number={}, hash={})", self.0.number, hex(&self.0.hash))
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let fields = PyDict::new(py);
        fields.set_item("number", self.0.number)?;
        fields.set_item("hash", self.hash(py))?;
        fields.set_item("parent_hash", self.parent_hash(py))?;
        fields.set_item("timestamp_s", self.0.timestamp_s)?;
        fields.set_item("base_fee_wei", self.base_fee_wei())?;
        fields.set_item("gas_used", self.0.gas_used)?;
        fields.set_item("gas_limit", self.0.gas_limit)?;
        fields.set_item("receipts_root", self.receipts_root(py))?;
        fields.set_item("logs_bloom", self.logs_bloom(py))?;
        fields.set_item("is_hash_proven", self.0.is_hash_proven)?;
        Ok((PyTuple::empty(py), fields))
    }
}
