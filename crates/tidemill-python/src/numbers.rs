//! Integers of any width between Python and Rust.

use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt};
use ruint::aliases::{U256, U512};

/// A 256-bit unsigned integer that is a Python int on the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uint(pub U256);

impl Uint {
    /// Nothing.
    pub const ZERO: Self = Self(U256::ZERO);
}

/// Returns the integers of `list`.
pub fn raw(list: &[Uint]) -> Vec<U256> {
    list.iter().map(|one| one.0).collect()
}

impl<'py> FromPyObject<'_, 'py> for Uint {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let py = value.py();
        if let Ok(small) = value.extract::<u64>() {
            return Ok(Self(U256::from(small)));
        }
        let value = value.cast::<PyInt>()?;
        let bytes = value.call_method1(intern!(py, "to_bytes"), (32, "little")).map_err(|error| {
            if error.is_instance_of::<PyOverflowError>(py) {
                PyValueError::new_err(format!("expected 0 <= integer < 2^256, found {}", *value))
            } else {
                error
            }
        })?;
        let bytes: [u8; 32] = bytes.extract()?;
        Ok(Self(U256::from_le_bytes(bytes)))
    }
}

/// A 512-bit unsigned integer that is a Python int on the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wide(pub U512);

fn int<'py>(py: Python<'py>, little_endian: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let bytes = PyBytes::new(py, little_endian);
    py.get_type::<PyInt>().call_method1(intern!(py, "from_bytes"), (bytes, "little"))
}

impl<'py> IntoPyObject<'py> for Uint {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        match u64::try_from(self.0) {
            Ok(small) => Ok(small.into_pyobject(py)?.into_any()),
            Err(_) => int(py, &self.0.to_le_bytes::<32>()),
        }
    }
}

impl<'py> IntoPyObject<'py> for Wide {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        int(py, &self.0.to_le_bytes::<64>())
    }
}

/// Spells bytes as `0x` and hex digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("0x".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}
