//! Rows of events as the bytes of files.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use tidemill_export::{rows, Form};

use crate::arrow;

fn form_of(form: &str) -> PyResult<Form> {
    match form {
        "csv" => Ok(Form::Csv),
        "json_lines" => Ok(Form::JsonLines),
        "json_items" => Ok(Form::JsonItems),
        "tfrecord" => Ok(Form::TfRecord),
        _ => Err(PyValueError::new_err(format!(
            "expected csv, json_lines, json_items or tfrecord, found {form}"
        ))),
    }
}

/// Returns the rows of `batch` as pieces of a file; `kinds` are the logical types of its columns.
#[pyfunction]
pub fn export_rows<'py>(
    batch: &Bound<'py, PyAny>,
    kinds: Vec<String>,
    form: &str,
) -> PyResult<Bound<'py, PyList>> {
    let py = batch.py();
    let (batch, form) = (arrow::batch_of(batch)?, form_of(form)?);
    let pieces =
        py.detach(|| rows(&batch, &kinds, form)).map_err(|error| PyValueError::new_err(error.to_string()))?;
    PyList::new(py, pieces.iter().map(|piece| PyBytes::new(py, piece)))
}
