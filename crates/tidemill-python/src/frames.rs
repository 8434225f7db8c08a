//! What a node said in its frames, as small frozen classes.

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyList};
use tidemill_frames::Heard;

use crate::errors::malformed;
use crate::head::Head;
use crate::logs::Logs;

/// What a subscription says.
#[pyclass(frozen, get_all, module = "tidemill._rust")]
pub struct Notice {
    subscription: String,
    head: Option<Py<Head>>,
    logs: Option<Py<Logs>>,
    is_removed: bool,
    other: Option<Py<PyBytes>>,
}

#[pymethods]
impl Notice {
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let said = match (&self.head, &self.logs) {
            (Some(head), _) => head.bind(py).repr()?.to_string(),
            (None, Some(logs)) => logs.bind(py).repr()?.to_string(),
            (None, None) => "other".to_owned(),
        };
        Ok(format!("Notice({}, {said}{})", self.subscription, if self.is_removed { ", removed" } else { "" }))
    }
}

/// The answer to a call, or its refusal.
#[pyclass(frozen, get_all, module = "tidemill._rust")]
pub struct Answer {
    id: Option<u64>,
    result: Option<Py<PyBytes>>,
    error: Option<(i64, String)>,
    error_data: Option<Py<PyBytes>>,
}

#[pymethods]
impl Answer {
    fn __repr__(&self) -> String {
        let id = self.id.map_or_else(|| "None".to_owned(), |id| id.to_string());
        match &self.error {
            Some((code, message)) => format!("Answer({id}, error {code}: {message})"),
            None => format!("Answer({id})"),
        }
    }
}

/// A frame, or one answer of it, that cannot be read.
#[pyclass(frozen, get_all, module = "tidemill._rust")]
pub struct MalformedFrame {
    index: usize,
    message: String,
}

#[pymethods]
impl MalformedFrame {
    fn __repr__(&self) -> String {
        format!("MalformedFrame({}, {:?})", self.index, self.message)
    }
}

fn bytes(py: Python<'_>, json: &[u8]) -> Py<PyBytes> {
    PyBytes::new(py, json).unbind()
}

fn notice(py: Python<'_>, heard: Heard<'_>) -> PyResult<Py<PyAny>> {
    let mut notice =
        Notice { subscription: String::new(), head: None, logs: None, is_removed: false, other: None };
    match heard {
        Heard::Head { subscription, head } => {
            notice.subscription = subscription.into_owned();
            notice.head = Some(Py::new(py, Head(head))?);
        }
        Heard::Logs { subscription, logs, is_removed } => {
            notice.subscription = subscription.into_owned();
            notice.logs = Some(Py::new(py, Logs::keep(logs))?);
            notice.is_removed = is_removed;
        }
        Heard::Other { subscription, result } => {
            notice.subscription = subscription.into_owned();
            notice.other = Some(bytes(py, result));
        }
        Heard::Answer { id, result } => {
            let result = Some(bytes(py, result));
            return Ok(
                Py::new(py, Answer { id: Some(id), result, error: None, error_data: None })?.into_any()
            );
        }
        Heard::Refusal { id, code, message, data } => {
            let error_data = data.map(|data| bytes(py, data));
            let error = Some((code, message.into_owned()));
            return Ok(Py::new(py, Answer { id, result: None, error, error_data })?.into_any());
        }
        Heard::Malformed { index, error } => {
            return Ok(Py::new(py, MalformedFrame { index, message: error.to_string() })?.into_any());
        }
    }
    Ok(Py::new(py, notice)?.into_any())
}

/// Reads frames in the order they came.
#[pyfunction]
pub fn read_frames(py: Python<'_>, frames: Vec<PyBackedBytes>) -> PyResult<Bound<'_, PyList>> {
    let heard = py.detach(|| tidemill_frames::read_frames(frames.iter().map(AsRef::as_ref)));
    let objects: Vec<Py<PyAny>> = heard.into_iter().map(|one| notice(py, one)).collect::<PyResult<_>>()?;
    PyList::new(py, objects)
}

/// Reads the answer to `eth_getLogs`.
#[pyfunction]
pub fn parse_logs(py: Python<'_>, result: PyBackedBytes) -> PyResult<Logs> {
    let logs = py.detach(|| tidemill_frames::parse_logs(&result).map(Logs::keep));
    logs.map_err(|error| malformed(py, &error))
}

/// Reads the answer to `eth_getBlockByNumber` or `eth_getBlockByHash`.
#[pyfunction]
pub fn parse_head(py: Python<'_>, result: PyBackedBytes) -> PyResult<Option<Head>> {
    let head = py.detach(|| tidemill_frames::parse_head(&result));
    Ok(head.map_err(|error| malformed(py, &error))?.map(Head))
}
