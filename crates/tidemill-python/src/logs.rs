//! Many logs in the chain's order, as one frozen class.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tidemill_frames::{blocks, merge, reject_duplicates, BlockLogs};
use tidemill_pools::{Address, Hash, Logs as Inner};

use crate::arrow::{batch_of, to_record_batch};
use crate::errors::malformed;
use crate::log_columns::{to_batch, LogColumns};
use crate::log_indexes::LogIndexes;

/// Logs and where those of each block are.
struct Indexed {
    logs: Inner,
    blocks: Vec<BlockLogs>,
    by_hash: HashMap<Hash, BlockLogs>,
}

/// Logs by block number and log index.
#[pyclass(frozen, eq, module = "tidemill._rust", from_py_object)]
#[derive(Clone)]
pub struct Logs(Arc<Indexed>);

impl PartialEq for Logs {
    fn eq(&self, other: &Self) -> bool {
        self.0.logs.len() == other.0.logs.len() && self.0.logs.iter().eq(other.0.logs.iter())
    }
}

impl Logs {
    /// Keeps `logs`, which are in the chain's order.
    pub fn keep(logs: Inner) -> Self {
        let blocks = blocks(&logs);
        let by_hash = blocks.iter().map(|block| (block.hash, *block)).collect();
        Self(Arc::new(Indexed { logs, blocks, by_hash }))
    }

    /// Returns the logs.
    pub fn inner(&self) -> &Inner {
        &self.0.logs
    }

    /// Returns where the logs of the block `hash` are; absent where it has none here.
    pub fn find(&self, hash: &Hash) -> Option<BlockLogs> {
        self.0.by_hash.get(hash).copied()
    }

    /// Returns the blocks that the logs are of.
    pub fn blocks_of(&self) -> &[BlockLogs] {
        &self.0.blocks
    }
}

#[pymethods]
impl Logs {
    #[new]
    fn new() -> Self {
        Self::keep(Inner::new())
    }

    fn __len__(&self) -> usize {
        self.0.logs.len()
    }

    fn __repr__(&self) -> String {
        format!("Logs({} of {} blocks)", self.0.logs.len(), self.0.blocks.len())
    }

    fn blocks<'py>(&self, py: Python<'py>) -> Vec<(u64, Bound<'py, PyBytes>, usize)> {
        let listed = self.0.blocks.iter();
        listed.map(|block| (block.number, PyBytes::new(py, &block.hash), block.count)).collect()
    }

    fn of_block(&self, hash: Hash) -> Self {
        let Some(block) = self.find(&hash) else { return Self::new() };
        if block.count == self.0.logs.len() {
            return self.clone();
        }
        let mut logs = Inner::new();
        logs.extend(self.0.logs.range(block.start, block.count));
        Self::keep(logs)
    }

    fn matching(&self, topics: HashSet<Hash>, addresses: HashSet<Address>) -> Self {
        let mut logs = Inner::new();
        logs.extend(self.0.logs.iter().filter(|log| {
            log.topics.first().is_some_and(|topic| topics.contains(topic))
                && (addresses.is_empty() || addresses.contains(log.address))
        }));
        Self::keep(logs)
    }

    fn bloom<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let bloom = py.detach(|| tidemill_proof::bloom(&self.0.logs));
        PyBytes::new(py, &bloom)
    }

    fn keys<'py>(&self, py: Python<'py>) -> Vec<(Bound<'py, PyBytes>, u32)> {
        let mut keys = Vec::with_capacity(self.0.logs.len());
        for block in &self.0.blocks {
            let hash = PyBytes::new(py, &block.hash);
            keys.extend(self.0.logs.range(block.start, block.count).map(|log| (hash.clone(), log.log_index)));
        }
        keys
    }

    fn log_indexes(&self) -> LogIndexes {
        LogIndexes::of(self.0.logs.iter().map(|log| log.log_index).collect())
    }

    #[staticmethod]
    fn concat(py: Python<'_>, parts: Vec<Self>) -> PyResult<Self> {
        if let [only] = parts.as_slice() {
            return Ok(only.clone());
        }
        let merged = py.detach(|| {
            let logs = merge(parts.iter().flat_map(|part| part.0.logs.iter()));
            reject_duplicates(&logs).map(|()| Self::keep(logs))
        });
        merged.map_err(|error| malformed(py, &error))
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.logs.to_bytes())
    }

    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        let logs = Inner::from_bytes(data).map_err(|error| malformed(py, &error))?;
        let logs = merge(logs.iter());
        reject_duplicates(&logs).map_err(|error| malformed(py, &error))?;
        Ok(Self::keep(logs))
    }

    fn to_arrow<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let batch = py.detach(|| to_batch(&self.0.logs));
        to_record_batch(py, batch.map_err(|error| PyValueError::new_err(error.to_string()))?)
    }

    #[staticmethod]
    fn from_arrow(batch: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = batch.py();
        let batch = batch_of(batch)?;
        let columns = LogColumns::of(&batch).map_err(PyValueError::new_err)?;
        let merged = py.detach(|| {
            let logs = merge(columns.iter());
            reject_duplicates(&logs).map(|()| Self::keep(logs))
        });
        merged.map_err(|error| malformed(py, &error))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyAny>,))> {
        Ok((py.get_type::<Self>().getattr("from_arrow")?, (self.to_arrow(py)?,)))
    }
}
