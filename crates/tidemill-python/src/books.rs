//! The books of one venue, as a class: batches of snapshots and changes in, batches of tops and states out.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tidemill_books::{
    Applied, Book, BookSet as Inner, ChecksumKind, Level, Ordering, Origin, RowsError, Rule, Side,
};
use tidemill_events::{BookStatusColumns, BookTopColumns};

use crate::arrow::batch_of;
use crate::batches::{filled, to_dict};

/// Price and size, numbers of 10^-18.
pub type Pair = (i128, i128);

/// What some messages did to the books.
#[pyclass(frozen, get_all, module = "tidemill._rust")]
pub struct BooksApplied {
    batches: Py<PyDict>,
    gaps: Vec<(String, String)>,
    skipped: u64,
    unfollowed: u64,
    snapshots_agreeing: u64,
    snapshots_differing: u64,
}

impl BooksApplied {
    pub fn of(py: Python<'_>, applied: Applied) -> PyResult<Self> {
        let Applied { top, status, gaps, counts } = applied;
        let batches = py.detach(|| {
            filled([(BookTopColumns::TAG, top.finish()), (BookStatusColumns::TAG, status.finish())])
        });
        Ok(Self {
            batches: to_dict(py, batches)?.unbind(),
            gaps: gaps.into_iter().map(|gap| (gap.instrument, gap.detail)).collect(),
            skipped: counts.skipped,
            unfollowed: counts.unfollowed,
            snapshots_agreeing: counts.snapshots_agreeing,
            snapshots_differing: counts.snapshots_differing,
        })
    }
}

/// The books of one venue, for one thread at a time: another waits.
#[pyclass(frozen, module = "tidemill._rust")]
pub struct BookSet(Mutex<Inner>);

impl BookSet {
    pub fn set(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of_book<T>(&self, instrument: &str, read: impl FnOnce(&Book) -> T) -> Option<T> {
        self.set().live(instrument).map(read)
    }
}

#[pymethods]
impl BookSet {
    #[new]
    #[pyo3(signature = (source, *, ordering, checksum, depth_max, top_strikes_max, waiting_max))]
    fn new(
        source: String,
        ordering: &str,
        checksum: Option<&str>,
        depth_max: Option<usize>,
        top_strikes_max: Option<u32>,
        waiting_max: usize,
    ) -> PyResult<Self> {
        let ordering = match ordering {
            "arrival" => Ordering::Arrival,
            "time" => Ordering::Time,
            "updates" => Ordering::Updates,
            other => return Err(unknown("ordering", other)),
        };
        let checksum = match checksum {
            None => None,
            Some("crc32_top_ten") => Some(ChecksumKind::Crc32TopTen),
            Some(other) => return Err(unknown("checksum", other)),
        };
        let rule = Rule { ordering, checksum, depth_max, top_strikes_max, waiting_max };
        Ok(Self(Mutex::new(Inner::new(source, rule))))
    }

    fn __len__(&self) -> usize {
        self.set().len()
    }

    fn live_count(&self) -> usize {
        self.set().live_count()
    }

    fn is_live(&self, instrument: &str) -> bool {
        self.set().live(instrument).is_some()
    }

    fn follow(&self, instruments: Vec<String>) {
        let mut set = self.set();
        for instrument in instruments {
            set.follow(instrument);
        }
    }

    fn forget(&self, instruments: Vec<String>) {
        let mut set = self.set();
        for instrument in &instruments {
            set.forget(instrument);
        }
    }

    #[pyo3(signature = (snapshots, changes))]
    fn apply(
        &self,
        py: Python<'_>,
        snapshots: Option<&Bound<'_, PyAny>>,
        changes: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<BooksApplied> {
        let snapshots = snapshots.map(batch_of).transpose()?;
        let changes = changes.map(batch_of).transpose()?;
        let applied = py.detach(|| self.set().apply(snapshots.as_ref(), changes.as_ref()));
        BooksApplied::of(py, applied.map_err(|error| refused(&error))?)
    }

    #[pyo3(signature = (instruments, detail, *, event_ns, connection, sequence))]
    fn restart(
        &self,
        py: Python<'_>,
        instruments: Vec<String>,
        detail: &str,
        event_ns: i64,
        connection: &str,
        sequence: u64,
    ) -> PyResult<BooksApplied> {
        let origin = Origin { event_ns, recv_ns: event_ns, connection, sequence };
        let mut applied = Applied::default();
        let mut set = self.set();
        for instrument in &instruments {
            set.restart(instrument, detail, &origin, &mut applied);
        }
        drop(set);
        BooksApplied::of(py, applied)
    }

    fn top(&self, instrument: &str) -> Option<(Option<Pair>, Option<Pair>)> {
        self.of_book(instrument, Book::top).map(|top| (top.bid.map(pair), top.ask.map(pair)))
    }

    fn depth(&self, instrument: &str, levels_max: usize) -> Option<(Vec<Pair>, Vec<Pair>)> {
        self.of_book(instrument, |book| {
            let side = |side| book.levels(side).take(levels_max).copied().map(pair).collect();
            (side(Side::Bid), side(Side::Ask))
        })
    }

    fn imbalance(&self, instrument: &str, levels_max: usize) -> Option<f64> {
        self.of_book(instrument, |book| book.imbalance(levels_max)).flatten()
    }

    fn microprice(&self, instrument: &str) -> Option<f64> {
        self.of_book(instrument, Book::microprice).flatten()
    }
}

fn pair(level: Level) -> Pair {
    (level.price, level.size)
}

fn unknown(what: &str, found: &str) -> PyErr {
    PyValueError::new_err(format!("expected a known {what}, found {found:?}"))
}

pub fn refused(error: &RowsError) -> PyErr {
    PyValueError::new_err(error.to_string())
}
