//! The trial of a token, driven by who asks the node.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use tidemill_pools::{Address, TokenTrial as Trial};

/// One token being tried on the state after a block.
#[pyclass(frozen, module = "tidemill._rust")]
pub struct TokenTrial {
    trial: Mutex<Trial>,
}

impl TokenTrial {
    fn trial(&self) -> MutexGuard<'_, Trial> {
        // Nothing that could panic runs while it is held.
        self.trial.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl TokenTrial {
    #[new]
    fn new(token: Address, holder: Address, block_number: u64) -> Self {
        Self { trial: Mutex::new(Trial::new(token, holder, block_number)) }
    }

    /// What to ask next: methods, and their parameters as JSON.
    fn questions<'py>(&self, py: Python<'py>) -> Vec<(&'static str, Bound<'py, PyBytes>)> {
        let asked = |question: &tidemill_pools::TrialQuestion| {
            (question.method, PyBytes::new(py, question.params.as_bytes()))
        };
        self.trial().questions().iter().map(asked).collect()
    }

    fn answer(&self, results: Vec<Option<PyBackedBytes>>) -> PyResult<()> {
        let mut trial = self.trial();
        let expected = trial.questions().len();
        if results.len() != expected {
            let found = results.len();
            return Err(PyValueError::new_err(format!("results: expected {expected}, found {found}")));
        }
        let results: Vec<Option<&[u8]>> = results.iter().map(|result| result.as_deref()).collect();
        trial.answer(&results);
        Ok(())
    }

    #[getter]
    fn is_over(&self) -> bool {
        self.trial().found().is_some()
    }

    #[getter]
    fn nature(&self) -> Option<&'static str> {
        self.trial().found().flatten().map(tidemill_pools::TokenNature::name)
    }
}
