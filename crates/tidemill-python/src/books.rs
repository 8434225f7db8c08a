//! The books of one venue, as a class: batches of snapshots and changes in, batches of tops and states out.

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
type Pair = (i128, i128);

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

/// The books of one venue.
#[pyclass(module = "tidemill._rust")]
pub struct BookSet(Inner);

impl BookSet {
    fn book(&self, instrument: &str) -> Option<&Book> {
        self.0.live(instrument)
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
        Ok(Self(Inner::new(source, Rule { ordering, checksum, depth_max, top_strikes_max, waiting_max })))
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn live_count(&self) -> usize {
        self.0.live_count()
    }

    fn is_live(&self, instrument: &str) -> bool {
        self.book(instrument).is_some()
    }

    fn follow(&mut self, instruments: Vec<String>) {
        instruments.into_iter().for_each(|instrument| self.0.follow(instrument));
    }

    fn forget(&mut self, instruments: Vec<String>) {
        instruments.iter().for_each(|instrument| self.0.forget(instrument));
    }

    #[pyo3(signature = (snapshots, changes))]
    fn apply(
        &mut self,
        py: Python<'_>,
        snapshots: Option<&Bound<'_, PyAny>>,
        changes: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<BooksApplied> {
        let snapshots = snapshots.map(batch_of).transpose()?;
        let changes = changes.map(batch_of).transpose()?;
        let applied = py.detach(|| self.0.apply(snapshots.as_ref(), changes.as_ref()));
        BooksApplied::of(py, applied.map_err(|error| refused(&error))?)
    }

    #[pyo3(signature = (instruments, detail, *, event_ns, connection, sequence))]
    fn restart(
        &mut self,
        py: Python<'_>,
        instruments: Vec<String>,
        detail: &str,
        event_ns: i64,
        connection: &str,
        sequence: u64,
    ) -> PyResult<BooksApplied> {
        let origin = Origin { event_ns, recv_ns: event_ns, connection, sequence };
        let mut applied = Applied::default();
        for instrument in &instruments {
            self.0.restart(instrument, detail, &origin, &mut applied);
        }
        BooksApplied::of(py, applied)
    }

    fn top(&self, instrument: &str) -> Option<(Option<Pair>, Option<Pair>)> {
        let top = self.book(instrument)?.top();
        Some((top.bid.map(pair), top.ask.map(pair)))
    }

    fn depth(&self, instrument: &str, levels_max: usize) -> Option<(Vec<Pair>, Vec<Pair>)> {
        let book = self.book(instrument)?;
        let side = |side| book.levels(side).take(levels_max).copied().map(pair).collect();
        Some((side(Side::Bid), side(Side::Ask)))
    }

    fn imbalance(&self, instrument: &str, levels_max: usize) -> Option<f64> {
        self.book(instrument)?.imbalance(levels_max)
    }

    fn microprice(&self, instrument: &str) -> Option<f64> {
        self.book(instrument)?.microprice()
    }
}

fn pair(level: Level) -> Pair {
    (level.price, level.size)
}

fn unknown(what: &str, found: &str) -> PyErr {
    PyValueError::new_err(format!("expected a known {what}, found {found:?}"))
}

fn refused(error: &RowsError) -> PyErr {
    PyValueError::new_err(error.to_string())
}
