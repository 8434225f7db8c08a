//! Venues' frames to batches of events.

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict};
use tidemill_books::{kraken, polymarket, Connection, Read};
use tidemill_events::{BookChangeColumns, BookSnapshotColumns, BookTopColumns, TradeColumns};

use crate::batches::{filled, to_dict};

/// What some frames say.
#[pyclass(frozen, get_all, module = "tidemill._rust")]
pub struct VenueRead {
    batches: Py<PyDict>,
    others: Vec<(u64, i64, Py<PyBytes>)>,
    unread: Vec<(usize, String, Vec<String>)>,
    next_sequence: u64,
}

impl VenueRead {
    fn of(py: Python<'_>, read: Read) -> PyResult<Self> {
        let Read { snapshots, changes, trades, tops, others, unread, next_sequence } = read;
        let batches = py.detach(|| {
            filled([
                (BookSnapshotColumns::TAG, snapshots.finish()),
                (BookChangeColumns::TAG, changes.finish()),
                (TradeColumns::TAG, trades.finish()),
                (BookTopColumns::TAG, tops.finish()),
            ])
        });
        let others = others.into_iter();
        let unread = unread.into_iter();
        Ok(Self {
            batches: to_dict(py, batches)?.unbind(),
            others: others
                .map(|one| (one.sequence, one.recv_ns, PyBytes::new(py, &one.json).unbind()))
                .collect(),
            unread: unread.map(|one| (one.frame, one.detail, one.instruments)).collect(),
            next_sequence,
        })
    }
}

type Frames = Vec<(i64, PyBackedBytes)>;

fn borrowed(frames: &Frames) -> impl Iterator<Item = (i64, &[u8])> {
    frames.iter().map(|(recv_ns, frame)| (*recv_ns, frame.as_ref()))
}

/// Reads frames of Polymarket's market channel, each with the time at which it came, in their order.
#[pyfunction]
#[pyo3(signature = (frames, *, source, connection, first_sequence, is_hash_checked))]
pub fn read_polymarket(
    py: Python<'_>,
    frames: Frames,
    source: &str,
    connection: &str,
    first_sequence: u64,
    is_hash_checked: bool,
) -> PyResult<VenueRead> {
    let connection = Connection { source, name: connection };
    let read =
        py.detach(|| polymarket::read(&connection, first_sequence, is_hash_checked, borrowed(&frames)));
    VenueRead::of(py, read)
}

/// Reads frames of Kraken's books and trades, each with the time at which it came, in their order.
#[pyfunction]
#[pyo3(signature = (frames, *, source, connection, first_sequence))]
pub fn read_kraken(
    py: Python<'_>,
    frames: Frames,
    source: &str,
    connection: &str,
    first_sequence: u64,
) -> PyResult<VenueRead> {
    let connection = Connection { source, name: connection };
    let read = py.detach(|| kraken::read(&connection, first_sequence, borrowed(&frames)));
    VenueRead::of(py, read)
}
