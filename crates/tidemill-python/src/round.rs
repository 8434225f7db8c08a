//! A round of calls, as those who ask them see it: the calldata of many as one, and what that gave.

use std::fmt::Display;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tidemill_pools::bundle::{decode_bundle, encode_bundle};
use tidemill_pools::multicall::{decode_aggregate3, encode_aggregate3, Answer, Call, Reverted};
use tidemill_pools::query::Round;

use crate::errors;

fn some(round: &Round, first: usize, last: usize) -> impl ExactSizeIterator<Item = &Call> + Clone {
    round.calls().get(first..last).unwrap_or_default().iter()
}

pub fn aggregate<'py>(py: Python<'py>, round: &Round, first: usize, last: usize) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &encode_aggregate3(some(round, first, last)))
}

pub fn bundle<'py>(py: Python<'py>, round: &Round, first: usize, last: usize) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &encode_bundle(some(round, first, last)))
}

pub fn put_aggregate(
    py: Python<'_>,
    round: &mut Round,
    (first, last): (usize, usize),
    answer: &[u8],
) -> PyResult<()> {
    put_all(py, round, first, decode_aggregate3(answer, last.saturating_sub(first)))
}

pub fn put_bundle(
    py: Python<'_>,
    round: &mut Round,
    (first, last): (usize, usize),
    answer: &[u8],
) -> PyResult<()> {
    put_all(py, round, first, decode_bundle(answer, last.saturating_sub(first)))
}

fn put_all<E: Display>(
    py: Python<'_>,
    round: &mut Round,
    first: usize,
    answers: Result<Vec<Answer>, E>,
) -> PyResult<()> {
    round.put(first, answers.map_err(|error| errors::malformed(py, &error))?);
    Ok(())
}

/// Contract and calldata.
pub type Question<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>);

pub fn call<'py>(py: Python<'py>, round: &Round, index: usize) -> PyResult<Question<'py>> {
    let call = round.calls().get(index);
    let call =
        call.ok_or_else(|| PyValueError::new_err(format!("expected a call of this round, found {index}")))?;
    Ok((PyBytes::new(py, &call.to), PyBytes::new(py, &call.data)))
}

pub fn put(round: &mut Round, index: usize, answer: Option<&[u8]>) {
    let answer: Answer = answer.map(<[u8]>::to_vec).ok_or_else(|| Reverted(Vec::new()));
    round.put(index, vec![answer]);
}
