//! A factory whose pools are followed, as a small frozen class.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tidemill_pools::uniswap_v2::Fee;
use tidemill_pools::{Address, Factory as Inner};

use crate::errors;
use crate::snapshot::unknown_protocol;

/// A factory: a fork of a protocol is one of these values.
#[pyclass(frozen, eq, module = "tidemill._rust", from_py_object)]
#[derive(Clone, PartialEq, Eq)]
pub struct Factory(pub Inner);

#[pymethods]
impl Factory {
    #[new]
    #[pyo3(signature = (address, protocol, dex, fee_numerator=997, fee_denominator=1000))]
    fn new(
        address: Address,
        protocol: String,
        dex: String,
        fee_numerator: u32,
        fee_denominator: u32,
    ) -> PyResult<Self> {
        if !tidemill_pools::KINDS.contains(&protocol.as_str()) {
            return Err(unknown_protocol(&protocol));
        }
        let fee = Fee::new(fee_numerator, fee_denominator).map_err(errors::pool)?;
        Ok(Self(Inner { address, protocol, dex, fee }))
    }

    #[getter]
    fn address<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.address)
    }

    #[getter]
    fn protocol(&self) -> &str {
        &self.0.protocol
    }

    #[getter]
    fn dex(&self) -> &str {
        &self.0.dex
    }

    #[getter]
    fn fee_numerator(&self) -> u32 {
        self.0.fee.parts().0
    }

    #[getter]
    fn fee_denominator(&self) -> u32 {
        self.0.fee.parts().1
    }

    fn __repr__(&self) -> String {
        format!("Factory({}, {})", self.0.protocol, self.0.dex)
    }
}
