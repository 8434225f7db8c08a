//! What a node said in its frames, as small frozen classes.

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyList};
use tidemill_frames::{Heard, HeardIn};

use crate::errors::malformed;
use crate::head::Head;
use crate::logs::Logs;

/// What a subscription says.
#[pyclass(frozen, get_all, module = "tidemill._rust")]
pub struct Notice {
    subscription: String,
    head: Option<Py<Head>>,
    announced: Option<Py<PyList>>,
    is_removed: bool,
    other: Option<Py<PyBytes>>,
    frame: usize,
}

#[pymethods]
impl Notice {
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let said = match (&self.head, &self.announced) {
            (Some(head), _) => head.bind(py).repr()?.to_string(),
            (None, Some(blocks)) => format!("logs of {} blocks", blocks.bind(py).len()),
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
    frame: usize,
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
    message: String,
    frame: usize,
}

#[pymethods]
impl MalformedFrame {
    fn __repr__(&self) -> String {
        format!("MalformedFrame({}, {:?})", self.frame, self.message)
    }
}

fn bytes(py: Python<'_>, json: &[u8]) -> Py<PyBytes> {
    PyBytes::new(py, json).unbind()
}

fn notice(py: Python<'_>, HeardIn { heard, frame }: HeardIn<'_>) -> PyResult<Py<PyAny>> {
    let mut notice = Notice {
        subscription: String::new(),
        head: None,
        announced: None,
        is_removed: false,
        other: None,
        frame,
    };
    match heard {
        Heard::Head { subscription, head } => {
            notice.subscription = subscription.into_owned();
            notice.head = Some(Py::new(py, Head(head))?);
        }
        Heard::Logs { subscription, blocks, is_removed } => {
            notice.subscription = subscription.into_owned();
            let blocks = blocks.into_iter().map(|(hash, indexes)| (PyBytes::new(py, &hash), indexes));
            notice.announced = Some(PyList::new(py, blocks.collect::<Vec<_>>())?.unbind());
            notice.is_removed = is_removed;
        }
        Heard::Other { subscription, result } => {
            notice.subscription = subscription.into_owned();
            notice.other = Some(bytes(py, result));
        }
        Heard::Answer { id, result } => {
            let result = Some(bytes(py, result));
            let answer = Answer { id: Some(id), result, error: None, error_data: None, frame };
            return Ok(Py::new(py, answer)?.into_any());
        }
        Heard::Refusal { id, code, message, data } => {
            let error_data = data.map(|data| bytes(py, data));
            let error = Some((code, message.into_owned()));
            return Ok(Py::new(py, Answer { id, result: None, error, error_data, frame })?.into_any());
        }
        Heard::Malformed { error } => {
            return Ok(Py::new(py, MalformedFrame { message: error.to_string(), frame })?.into_any());
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
