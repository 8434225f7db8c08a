//! A factory whose pools are followed, as a small frozen class.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tidemill_pools::algebra::{Algebra, Generation};
use tidemill_pools::uniswap_v2::Fee;
use tidemill_pools::{Address, Factory as Inner, PoolKind as _};

use crate::algebra::generation_named;
use crate::errors;
use crate::snapshot::unknown_protocol;

/// A factory: a fork of a protocol is one of these values.
#[pyclass(frozen, eq, module = "tidemill._rust", from_py_object)]
#[derive(Clone, PartialEq, Eq)]
pub struct Factory(pub Inner);

#[pymethods]
impl Factory {
    #[new]
    #[pyo3(signature = (address, protocol, dex, fee_numerator=997, fee_denominator=1000, generation=None))]
    fn new(
        address: Address,
        protocol: String,
        dex: String,
        fee_numerator: u32,
        fee_denominator: u32,
        generation: Option<&str>,
    ) -> PyResult<Self> {
        if !tidemill_pools::KINDS.contains(&protocol.as_str()) {
            return Err(unknown_protocol(&protocol));
        }
        let fee = Fee::new(fee_numerator, fee_denominator).map_err(errors::pool)?;
        // Nobody asks it of another protocol.
        let generation = match (protocol.as_str(), generation) {
            (Algebra::PROTOCOL, name) => generation_named(name.unwrap_or_default())?,
            (_, None) => Generation::Integral,
            (other, Some(_)) => {
                return Err(PyValueError::new_err(format!("expected no generation of {other}, found one")));
            }
        };
        Ok(Self(Inner { address, protocol, dex, fee, generation }))
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

    #[getter]
    fn generation(&self) -> Option<&'static str> {
        (self.0.protocol == Algebra::PROTOCOL).then(|| self.0.generation.name())
    }

    fn __repr__(&self) -> String {
        format!("Factory({}, {})", self.0.protocol, self.0.dex)
    }
}
