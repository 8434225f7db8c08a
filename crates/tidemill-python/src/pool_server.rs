//! The pool server for Python: started, asked where it listens, stopped.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use tidemill_server::{Config, Notify, Server};

use crate::errors;

/// A pool server on threads of its own.
#[pyclass(frozen, module = "tidemill._rust")]
pub struct PoolServer {
    server: Mutex<Server>,
    address: String,
}

#[pymethods]
impl PoolServer {
    #[new]
    fn new(py: Python<'_>, config: &[u8], notify: Py<PyAny>) -> PyResult<Self> {
        let notify: Notify = Arc::new(move |said| {
            // While the interpreter ends nobody is left to be told.
            Python::try_attach(|py| {
                if let Err(error) = notify.call1(py, (said,)) {
                    error.write_unraisable(py, None);
                }
            });
        });
        let started = py.detach(|| Config::read(config).and_then(|config| Server::start(&config, &notify)));
        let server = started.map_err(|error| errors::refused(py, &error))?;
        let address = server.address().to_string();
        Ok(Self { server: Mutex::new(server), address })
    }

    #[getter]
    fn address(&self) -> &str {
        &self.address
    }

    fn stop(&self, py: Python<'_>) -> bool {
        py.detach(|| self.server.lock().unwrap_or_else(PoisonError::into_inner).stop())
    }
}
