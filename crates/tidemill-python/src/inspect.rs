//! What the transactions of a block were.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tidemill_inspect::Facts;

use crate::errors;

/// Reads answers of a Solana node and returns, as JSON, what the transactions were.
#[pyfunction]
pub fn inspect_solana<'py>(py: Python<'py>, document: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let report = py.detach(|| tidemill_inspect::inspect_solana(document));
    report.map(|report| PyBytes::new(py, &report)).map_err(|error| errors::malformed(py, &error))
}

/// Reads a document with a block's receipts, traces or both and returns, as JSON, what its transactions were.
#[pyfunction]
#[pyo3(signature = (document, *, wrapped, stables, routers))]
pub fn inspect_block<'py>(
    py: Python<'py>,
    document: &[u8],
    wrapped: Option<[u8; 20]>,
    stables: Vec<([u8; 20], u32)>,
    routers: Vec<([u8; 20], String)>,
) -> PyResult<Bound<'py, PyBytes>> {
    let facts = Facts { wrapped, stables, routers };
    let report = py.detach(|| tidemill_inspect::inspect(document, &facts));
    report.map(|report| PyBytes::new(py, &report)).map_err(|error| errors::malformed(py, &error))
}
