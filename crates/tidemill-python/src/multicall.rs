//! Many contract calls asked as one: Multicall3's `aggregate3`, and the program that the question carries itself.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tidemill_pools::bundle::{decode_bundle, encode_bundle, ADDRESS, CODE};
use tidemill_pools::multicall::{decode_aggregate3, encode_aggregate3, Answer, Call};

use crate::errors;

type Questions = Vec<([u8; 20], Vec<u8>)>;
type Found<'py> = Vec<Option<Bound<'py, PyBytes>>>;

fn calls(questions: Questions) -> Vec<Call> {
    questions.into_iter().map(|(to, data)| Call { to, data }).collect()
}

fn found(py: Python<'_>, answers: Vec<Answer>) -> Found<'_> {
    answers.into_iter().map(|answer| answer.ok().map(|bytes| PyBytes::new(py, &bytes))).collect()
}

/// Returns the calldata of `aggregate3` for these contracts and calldata, in which every call may fail by itself.
#[pyfunction(name = "encode_aggregate3")]
pub fn encode(py: Python<'_>, questions: Questions) -> Bound<'_, PyBytes> {
    PyBytes::new(py, &encode_aggregate3(calls(questions).iter()))
}

/// Returns what each of `expected` calls gave, `None` where it failed.
#[pyfunction(name = "decode_aggregate3")]
pub fn decode<'py>(py: Python<'py>, data: &[u8], expected: usize) -> PyResult<Found<'py>> {
    let answers = decode_aggregate3(data, expected).map_err(|error| errors::malformed(py, &error))?;
    Ok(found(py, answers))
}

/// Returns the calldata of the program that asks these contracts with this calldata, each of which may fail.
#[pyfunction(name = "encode_bundle")]
pub fn encode_bundled(py: Python<'_>, questions: Questions) -> Bound<'_, PyBytes> {
    PyBytes::new(py, &encode_bundle(calls(questions).iter()))
}

/// Returns what each of `expected` bundled calls gave, `None` where it failed.
#[pyfunction(name = "decode_bundle")]
pub fn decode_bundled<'py>(py: Python<'py>, data: &[u8], expected: usize) -> PyResult<Found<'py>> {
    let answers = decode_bundle(data, expected).map_err(|error| errors::malformed(py, &error))?;
    Ok(found(py, answers))
}

/// Returns the address that bundled calls are sent to, and the program that a node is to run there.
#[pyfunction]
pub fn bundle_program(py: Python<'_>) -> (Bound<'_, PyBytes>, Bound<'_, PyBytes>) {
    (PyBytes::new(py, &ADDRESS), PyBytes::new(py, &CODE))
}
