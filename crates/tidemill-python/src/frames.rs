//! What a node said in its frames, as small frozen classes.

use std::ops::Range;

use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyList, PyString};
use tidemill_frames::{read_entries, Entry, Heard, HeardIn};

use crate::errors::malformed;
use crate::head::Head;
use crate::log_indexes::LogIndexes;
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
            let blocks =
                blocks.into_iter().map(|(hash, indexes)| (PyBytes::new(py, &hash), LogIndexes::of(indexes)));
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

/// Frames of a recording that came one after another, and what was heard in them.
#[pyclass(frozen, module = "tidemill._rust")]
pub struct FramesRead {
    heard: Py<PyList>,
    content: PyBackedBytes,
    connections: Vec<Py<PyString>>,
    places: Vec<Place>,
}

/// Where a frame is in the content, when it came, and over which of the connections.
struct Place {
    bytes: Range<usize>,
    recv_ns: i64,
    connection: usize,
}

#[pymethods]
impl FramesRead {
    #[getter]
    fn heard(&self, py: Python<'_>) -> Py<PyList> {
        self.heard.clone_ref(py)
    }

    fn __len__(&self) -> usize {
        self.places.len()
    }

    /// When the frame came, and over which connection.
    fn origin<'py>(&self, py: Python<'py>, index: usize) -> PyResult<(i64, Option<Bound<'py, PyString>>)> {
        let place = self.place(index)?;
        Ok((place.recv_ns, self.connections.get(place.connection).map(|name| name.bind(py).clone())))
    }

    fn data<'py>(&self, py: Python<'py>, index: usize) -> PyResult<Bound<'py, PyBytes>> {
        let data = self.content.get(self.place(index)?.bytes.clone());
        Ok(PyBytes::new(py, data.unwrap_or_default()))
    }
}

impl FramesRead {
    fn place(&self, index: usize) -> PyResult<&Place> {
        let place = self.places.get(index);
        place.ok_or_else(|| PyIndexError::new_err(format!("expected a frame, found {index}")))
    }
}

/// Frames one after another, or something else that came.
enum Part<'a> {
    Frames(Vec<Entry<'a>>, Vec<HeardIn<'a>>),
    Other(Entry<'a>),
}

fn parts(content: &[u8], frame_kind: u8) -> Option<Vec<Part<'_>>> {
    let entries = read_entries(content)?;
    let mut parts = Vec::new();
    for run in entries.chunk_by(|before, after| before.kind == frame_kind && after.kind == frame_kind) {
        parts.push(match run {
            [other] if other.kind != frame_kind => Part::Other(*other),
            frames => {
                let heard = tidemill_frames::read_frames(frames.iter().map(|entry| entry.data));
                Part::Frames(frames.to_vec(), heard)
            }
        });
    }
    Some(parts)
}

/// Reads a chunk of a recording, and its frames; `None` where it is not encoded as the recorder does it.
#[pyfunction]
pub fn read_recorded(
    py: Python<'_>,
    content: PyBackedBytes,
    frame_kind: u8,
) -> PyResult<Option<Bound<'_, PyList>>> {
    let Some(parts) = py.detach(|| parts(&content, frame_kind)) else { return Ok(None) };
    let start = content.as_ptr() as usize;
    let mut told = Vec::with_capacity(parts.len());
    for part in parts {
        told.push(match part {
            Part::Other(Entry { kind, recv_ns, connection, data }) => {
                (kind, recv_ns, connection, PyBytes::new(py, data)).into_pyobject(py)?.into_any()
            }
            Part::Frames(frames, heard) => {
                let heard: Vec<_> = heard.into_iter().map(|one| notice(py, one)).collect::<PyResult<_>>()?;
                let mut names: Vec<&str> = Vec::new();
                let mut places = Vec::with_capacity(frames.len());
                for Entry { recv_ns, connection, data, .. } in frames {
                    let known = names.iter().position(|name| *name == connection);
                    let connection = known.unwrap_or_else(|| {
                        names.push(connection);
                        names.len() - 1
                    });
                    let first = data.as_ptr() as usize - start;
                    places.push(Place { bytes: first..first + data.len(), recv_ns, connection });
                }
                let connections = names.iter().map(|name| PyString::new(py, name).unbind()).collect();
                let heard = PyList::new(py, heard)?.unbind();
                let read = FramesRead { heard, content: content.clone_ref(py), connections, places };
                Bound::new(py, read)?.into_any()
            }
        });
    }
    PyList::new(py, told).map(Some)
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
    // It takes less time than to get the interpreter back from a thread that waits for it.
    let head = tidemill_frames::parse_head(&result);
    Ok(head.map_err(|error| malformed(py, &error))?.map(Head))
}

/// Reads the answer to `eth_call`.
#[pyfunction]
pub fn parse_bytes<'py>(py: Python<'py>, result: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let content = tidemill_frames::parse_bytes(result);
    Ok(PyBytes::new(py, &content.map_err(|error| malformed(py, &error))?))
}
