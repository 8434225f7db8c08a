//! All the pools of one chain, as a class: blocks in, batches of events and records of state out.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict};
use tidemill_pools::{
    check_block, Address, Applied as Step, ApplyError, Cause, EventColumns, Hash, Head as BlockHead, Patch,
    PoolSet as Inner, RecordError,
};

use crate::batches::{finish, to_dict};
use crate::errors;
use crate::factory::Factory;
use crate::head::Head;
use crate::logs::Logs;
use crate::numbers::hex;
use crate::pool::to_object;
use crate::snapshot::Snapshot;

/// Key and value of a record; an absent value means that there is none any more.
type Record = (Py<PyBytes>, Option<Py<PyBytes>>);

/// A pool that was not read, and why.
type Unread = (Py<PyBytes>, String);

/// A pool whose ticks a log contradicts.
#[pyclass(frozen, module = "tidemill._rust")]
pub struct Drift(tidemill_pools::Drift);

#[pymethods]
impl Drift {
    #[getter]
    fn pool<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.pool)
    }

    #[getter]
    fn block_number(&self) -> u64 {
        self.0.block_number
    }

    #[getter]
    fn log_index(&self) -> u32 {
        self.0.log_index
    }

    #[getter]
    fn expected(&self) -> Option<u128> {
        self.0.contradiction.expected
    }

    #[getter]
    fn found(&self) -> u128 {
        self.0.contradiction.found
    }

    fn __str__(&self) -> String {
        let tidemill_pools::Drift { pool, block_number, log_index, contradiction } = &self.0;
        let expected = contradiction.expected.map_or_else(
            || "liquidity that the ticks make up".to_owned(),
            |expected| format!("liquidity {expected}"),
        );
        let (pool, found) = (hex(pool), contradiction.found);
        format!("pool {pool}, block {block_number}, log {log_index}: expected {expected}, found {found}")
    }
}

/// Records of state that steps set, or deleted.
#[pyclass(frozen, module = "tidemill._rust")]
pub struct Changed(Patch);

#[pymethods]
impl Changed {
    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn pools(&self, py: Python<'_>) -> Vec<Py<PyBytes>> {
        self.0.pools().iter().map(|pool| bytes(py, pool)).collect()
    }

    fn records(&self, py: Python<'_>, prefix: &[u8]) -> PyResult<Vec<Record>> {
        let prefixed = |key: &[u8]| {
            let size = prefix.len() + key.len();
            PyBytes::new_with(py, size, |into| {
                let (first, rest) = into.split_at_mut(prefix.len());
                first.copy_from_slice(prefix);
                rest.copy_from_slice(key);
                Ok(())
            })
        };
        let records = self.0.iter();
        records
            .map(|(key, value)| Ok((prefixed(key)?.unbind(), value.map(|value| bytes(py, value)))))
            .collect()
    }
}

/// What some blocks did.
#[pyclass(frozen, get_all, module = "tidemill._rust")]
pub struct Applied {
    lapsed: Vec<Py<PyBytes>>,
    undo: Vec<(u64, Py<PyBytes>, Py<PyBytes>)>,
    pools: Vec<Py<PyBytes>>,
    drift: Vec<Py<Drift>>,
    malformed: Vec<String>,
}

/// What some blocks did, before it is Python's.
#[derive(Default)]
struct Outcome {
    redo: Patch,
    undo: Vec<(u64, Hash, Patch)>,
    created: Vec<Address>,
    drifts: Vec<tidemill_pools::Drift>,
    faults: Vec<tidemill_pools::LogFault>,
}

impl Outcome {
    fn add(&mut self, block: (u64, Hash), step: Step) {
        self.redo.merge_redo(step.redo);
        match self.undo.last_mut() {
            Some((_, hash, undo)) if *hash == block.1 => undo.merge_undo(step.undo),
            _ => self.undo.push((block.0, block.1, step.undo)),
        }
        self.created.extend(step.created);
        self.drifts.extend(step.drifts);
        self.faults.extend(step.faults);
    }

    /// Hands out all but the changed records, which join `changed`.
    fn into_applied(self, py: Python<'_>, changed: &mut Patch) -> PyResult<Applied> {
        let pools = self.created.iter().map(|pool| bytes(py, pool)).collect();
        let undo = self.undo.iter();
        let undo = undo
            .map(|(number, hash, patch)| (*number, bytes(py, hash), bytes(py, &patch.to_bytes())))
            .collect();
        let drift =
            self.drifts.into_iter().map(|drift| Py::new(py, Drift(drift))).collect::<PyResult<_>>()?;
        let malformed = self.faults.iter().map(|fault| {
            let (block, log) = (fault.block_number, fault.log_index);
            format!("contract {}, block {block}, log {log}: {}", hex(&fault.address), fault.error)
        });
        let lapsed = self.redo.lapsed().iter().map(|pool| bytes(py, pool)).collect();
        changed.merge_redo(self.redo);
        Ok(Applied { lapsed, undo, pools, drift, malformed: malformed.collect() })
    }
}

fn bytes(py: Python<'_>, bytes: &[u8]) -> Py<PyBytes> {
    PyBytes::new(py, bytes).unbind()
}

/// The pools of one chain.
#[pyclass(module = "tidemill._rust")]
pub struct PoolSet {
    pools: Inner,
    /// What all steps changed since that was taken last.
    changed: Patch,
    /// The rows that all steps made since they were taken last.
    columns: EventColumns,
}

impl PoolSet {
    /// Returns the set itself.
    pub const fn inner(&self) -> &Inner {
        &self.pools
    }
}

#[pymethods]
impl PoolSet {
    #[new]
    #[pyo3(signature = (source, chain_id, factories))]
    fn new(source: String, chain_id: u64, factories: Vec<Factory>) -> Self {
        let pools = Inner::new(source, chain_id, factories.into_iter().map(|factory| factory.0));
        Self { pools, changed: Patch::default(), columns: EventColumns::default() }
    }

    #[getter]
    fn source(&self) -> &str {
        self.pools.source()
    }

    #[getter]
    fn chain_id(&self) -> u64 {
        self.pools.chain_id()
    }

    fn __len__(&self) -> usize {
        self.pools.len()
    }

    fn __contains__(&self, address: Address) -> bool {
        self.pools.get(&address).is_some()
    }

    fn addresses<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyBytes>> {
        let mut addresses: Vec<Address> = self.pools.iter().map(|tracked| tracked.spec.address).collect();
        addresses.sort_unstable();
        addresses.iter().map(|address| PyBytes::new(py, address)).collect()
    }

    fn get(&self, py: Python<'_>, address: Address) -> PyResult<Option<Py<PyAny>>> {
        self.pools.get(&address).map(|tracked| to_object(py, tracked)).transpose()
    }

    fn insert(&mut self, snapshot: &Bound<'_, PyAny>) -> PyResult<Applied> {
        let Snapshot { spec, pool, block } = Snapshot::of(snapshot)?;
        let mut outcome = Outcome::default();
        outcome.add(block, self.pools.insert(spec, pool));
        // Nobody follows such a set: what changed in it is not kept for anyone.
        outcome.into_applied(snapshot.py(), &mut Patch::default())
    }

    #[pyo3(signature = (snapshots, sequence, undo=None))]
    fn read(
        &mut self,
        py: Python<'_>,
        snapshots: Vec<Bound<'_, PyAny>>,
        sequence: u64,
        undo: Option<PyBackedBytes>,
    ) -> PyResult<(Applied, Vec<Unread>)> {
        let (mut read, mut unread) = (Vec::with_capacity(snapshots.len()), Vec::new());
        for object in &snapshots {
            match Snapshot::of(object) {
                Ok(snapshot) => {
                    let at = snapshot.at(object)?;
                    read.push((snapshot, at));
                }
                Err(error) if errors::is_malformed(py, &error)? => {
                    let address = object.getattr("address")?.cast_into::<PyBytes>()?;
                    unread.push((address.unbind(), error.value(py).to_string()));
                }
                Err(error) => return Err(error),
            }
        }
        let outcome = py.detach(|| {
            let undo = undo.as_ref().map(|undo| Patch::from_bytes(undo)).transpose()?;
            Ok::<_, RecordError>(put((&mut self.pools, &mut self.columns), read, sequence, undo))
        });
        let outcome = outcome.map_err(|error| errors::malformed(py, &error))?;
        Ok((outcome.into_applied(py, &mut self.changed)?, unread))
    }

    #[pyo3(signature = (heads, logs, recv_ns, emit=true))]
    fn apply(
        &mut self,
        py: Python<'_>,
        heads: Vec<Head>,
        logs: &Logs,
        recv_ns: Vec<i64>,
        emit: bool,
    ) -> PyResult<Applied> {
        if heads.len() != recv_ns.len() {
            let (heads, times) = (heads.len(), recv_ns.len());
            return Err(PyValueError::new_err(format!(
                "expected a time for each of {heads} heads, found {times}"
            )));
        }
        let known: usize =
            heads.iter().filter_map(|head| logs.find(&head.0.hash)).map(|block| block.count).sum();
        if known != logs.inner().len() {
            let others = logs.inner().len().saturating_sub(known);
            return Err(errors::malformed(
                py,
                &format!("expected logs of the {} heads only, found {others} others", heads.len()),
            ));
        }
        let mut unwanted = EventColumns::default();
        let columns = if emit { &mut self.columns } else { &mut unwanted };
        let applied = py.detach(|| apply((&mut self.pools, columns), &heads, logs, &recv_ns));
        applied.map_err(|error| errors::malformed(py, &error))?.into_applied(py, &mut self.changed)
    }

    fn revert(&mut self, py: Python<'_>, undo: PyBackedBytes) -> PyResult<Vec<Py<PyBytes>>> {
        let reverted = py.detach(|| {
            let patch = Patch::from_bytes(&undo)?;
            self.pools.patch(&patch)?;
            Ok::<_, RecordError>(patch)
        });
        let reverted = reverted.map_err(|error| errors::malformed(py, &error))?;
        let pools = reverted.pools();
        self.changed.merge_redo(reverted);
        Ok(pools.iter().map(|pool| bytes(py, pool)).collect())
    }

    fn take_batches<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let columns = self.columns.take();
        if columns.is_empty() {
            return Ok(PyDict::new(py));
        }
        to_dict(py, py.detach(|| finish(columns)))
    }

    fn take_changed(&mut self) -> Changed {
        Changed(std::mem::take(&mut self.changed))
    }

    fn follow(&mut self, py: Python<'_>, changed: &Changed) -> PyResult<()> {
        let followed = py.detach(|| self.pools.patch(&changed.0));
        followed.map_err(|error| errors::malformed(py, &error))
    }

    fn load(&mut self, py: Python<'_>, records: Vec<(PyBackedBytes, Option<PyBackedBytes>)>) -> PyResult<()> {
        let loaded = py.detach(|| {
            let mut patch = Patch::default();
            for (key, value) in &records {
                patch.set(key.to_vec(), value.as_ref().map(|value| value.to_vec()));
            }
            self.pools.patch(&patch)
        });
        loaded.map_err(|error| errors::malformed(py, &error))
    }

    fn records(&self, py: Python<'_>) -> Vec<(Py<PyBytes>, Py<PyBytes>)> {
        let patch = py.detach(|| self.pools.records());
        patch.iter().filter_map(|(key, value)| Some((bytes(py, key), bytes(py, value?)))).collect()
    }
}

/// Puts pools into the set, each as it was at a block and when that was told, and tells their states; `undo` is
/// what undoes the block so far.
fn put(
    (pools, columns): (&mut Inner, &mut EventColumns),
    read: Vec<(Snapshot, (BlockHead, i64))>,
    sequence: u64,
    undo: Option<Patch>,
) -> Outcome {
    let mut outcome = Outcome::default();
    if let (Some(undo), Some((Snapshot { block: (number, hash), .. }, _))) = (undo, read.first()) {
        outcome.undo.push((*number, *hash, undo));
    }
    for (Snapshot { spec, pool, block }, (head, recv_ns)) in read {
        let address = spec.address;
        outcome.add(block, pools.insert(spec, pool));
        pools.push_state(&address, Cause::Bootstrap(sequence), (&head, recv_ns), columns);
    }
    outcome
}

/// Applies blocks in order; the logs of all are checked before anything changes.
fn apply(
    (pools, columns): (&mut Inner, &mut EventColumns),
    heads: &[Head],
    logs: &Logs,
    recv_ns: &[i64],
) -> Result<Outcome, ApplyError> {
    let of = |head: &BlockHead| {
        let (start, count) = logs.find(&head.hash).map_or((0, 0), |block| (block.start, block.count));
        logs.inner().range(start, count)
    };
    for Head(head) in heads {
        check_block(head, of(head))?;
    }
    let mut outcome = Outcome::default();
    for (Head(head), recv_ns) in heads.iter().zip(recv_ns) {
        let step = pools.apply_block(head, of(head), *recv_ns, columns)?;
        outcome.add((head.number, head.hash), step);
    }
    Ok(outcome)
}
