//! A block's receipts and what its header should say of them, as one frozen class.

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use tidemill_frames::{BlockReceipts, FrameError};
use tidemill_pools::Hash;
use tidemill_proof::{prove, Proof};

use crate::errors::malformed;
use crate::logs::Logs;
use crate::numbers::hex;

/// The receipts of one block, proven against nothing yet: that is for who has the header.
#[pyclass(frozen, module = "tidemill._rust")]
pub struct Receipts {
    proof: Proof,
    block: Option<(u64, Hash)>,
    count: usize,
    outside_root: usize,
    logs: Logs,
}

impl From<BlockReceipts> for Receipts {
    fn from(read: BlockReceipts) -> Self {
        let BlockReceipts { block, receipts, logs, outside_root } = read;
        let proof = prove(&receipts, &logs);
        let count = receipts.len() + outside_root;
        Self { proof, block, count, outside_root, logs: Logs::keep(logs) }
    }
}

#[pymethods]
impl Receipts {
    #[getter]
    fn root<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.proof.root)
    }

    #[getter]
    fn bloom<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.proof.bloom)
    }

    #[getter]
    fn block_number(&self) -> Option<u64> {
        self.block.map(|(number, _)| number)
    }

    #[getter]
    fn block_hash<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.block.map(|(_, hash)| PyBytes::new(py, &hash))
    }

    #[getter]
    fn count(&self) -> usize {
        self.count
    }

    #[getter]
    fn outside_root(&self) -> usize {
        self.outside_root
    }

    #[getter]
    fn logs(&self) -> Logs {
        self.logs.clone()
    }

    fn __repr__(&self) -> String {
        let block = self.block.map_or_else(|| "no block".to_owned(), |(_, hash)| hex(&hash));
        format!("Receipts({} of {block}, {} logs)", self.count, self.logs.inner().len())
    }
}

/// Reads the answer to `eth_getBlockReceipts`.
#[pyfunction]
pub fn parse_receipts(py: Python<'_>, result: PyBackedBytes) -> PyResult<Option<Receipts>> {
    let read: Result<_, FrameError> =
        py.detach(|| Ok(tidemill_frames::parse_receipts(&result)?.map(Receipts::from)));
    read.map_err(|error| malformed(py, &error))
}
