//! Errors of the crates below, as the exceptions that say what to do about them.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyModule, PyType};
use tidemill_pools::PoolError as Refusal;

pyo3::create_exception!(
    tidemill._rust,
    PoolError,
    PyValueError,
    "The contract would refuse, or the pool cannot tell; the message says why."
);

static FAULTS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();

/// Returns the exception `name` of the Python package's faults, which says `message`.
///
/// The module is found by name at the first fault: the schema does not depend on the compiled module.
fn fault(py: Python<'_>, name: &str, message: String) -> PyErr {
    match class_of(py, name) {
        Ok(class) => PyErr::from_type(class, message),
        Err(error) => error,
    }
}

fn class_of<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyType>> {
    let faults =
        FAULTS.get_or_try_init(py, || PyModule::import(py, "tidemill.schema.faults").map(Bound::unbind))?;
    Ok(faults.bind(py).getattr(name)?.cast_into::<PyType>()?)
}

/// Returns `Malformed`, with the words of `error`: what came, or was kept, cannot be read.
pub fn malformed(py: Python<'_>, error: &impl std::fmt::Display) -> PyErr {
    fault(py, "Malformed", error.to_string())
}

/// Says whether an exception is `Malformed`.
pub fn is_malformed(py: Python<'_>, error: &PyErr) -> PyResult<bool> {
    Ok(error.is_instance(py, class_of(py, "Malformed")?.as_any()))
}

/// Returns `Refused`, with the words of `error`: it is of no use to try again.
pub fn refused(py: Python<'_>, error: &impl std::fmt::Display) -> PyErr {
    fault(py, "Refused", error.to_string())
}

/// Returns `PoolError`, which begins with the reason's name.
pub fn pool(error: Refusal) -> PyErr {
    let reason = format!("{error:?}");
    let name = reason.split(' ').next().unwrap_or_default();
    PoolError::new_err(format!("{name}: {error}"))
}
