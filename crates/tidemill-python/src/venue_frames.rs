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
        let Read { snapshots, changes, trades, tops, others, unread, next_sequence, .. } = read;
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

/// What frames of several connections say.
#[pyclass(frozen, get_all, module = "tidemill._rust")]
pub struct ConnectionsRead {
    batches: Py<PyDict>,
    others: Vec<(usize, u64, i64, Py<PyBytes>)>,
    unread: Vec<(usize, String, Vec<String>)>,
    next_sequences: Vec<u64>,
    newest_ns: Vec<Option<i64>>,
}

/// How far reading was after one connection.
struct End {
    next_sequence: u64,
    newest_ns: Option<i64>,
    others: usize,
    unread: usize,
}

/// Reads frames of Polymarket's market channel, of each connection by its name and the number of its next message.
#[pyfunction]
#[pyo3(signature = (heard, *, source, is_hash_checked))]
pub fn read_polymarket_connections(
    py: Python<'_>,
    heard: Vec<(String, u64, Frames)>,
    source: &str,
    is_hash_checked: bool,
) -> PyResult<ConnectionsRead> {
    let (read, ends) = py.detach(|| {
        let mut read = Read::default();
        let mut ends = Vec::with_capacity(heard.len());
        for (name, first_sequence, frames) in &heard {
            (read.next_sequence, read.newest_ns) = (*first_sequence, None);
            let connection = Connection { source, name };
            polymarket::read_on(&mut read, &connection, is_hash_checked, borrowed(frames));
            ends.push(End {
                next_sequence: read.next_sequence,
                newest_ns: read.newest_ns,
                others: read.others.len(),
                unread: read.unread.len(),
            });
        }
        (read, ends)
    });
    let told = VenueRead::of(py, read)?;
    let whose = |at: usize, end: fn(&End) -> usize| ends.partition_point(|one| end(one) <= at);
    let others = told.others.into_iter().enumerate();
    let unread = told.unread.into_iter().enumerate();
    Ok(ConnectionsRead {
        batches: told.batches,
        others: others.map(|(at, one)| (whose(at, |end| end.others), one.0, one.1, one.2)).collect(),
        unread: unread.map(|(at, one)| (whose(at, |end| end.unread), one.1, one.2)).collect(),
        next_sequences: ends.iter().map(|end| end.next_sequence).collect(),
        newest_ns: ends.iter().map(|end| end.newest_ns).collect(),
    })
}
