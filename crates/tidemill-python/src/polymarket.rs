//! Frames of Polymarket's market channel to batches of events.

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict};
use tidemill_books::polymarket::{read, Connection, Read};
use tidemill_events::{BookChangeColumns, BookSnapshotColumns, BookTopColumns, TradeColumns};

use crate::batches::{filled, to_dict};

/// What some frames say.
#[pyclass(frozen, get_all, module = "tidemill._rust")]
pub struct PolymarketRead {
    batches: Py<PyDict>,
    others: Vec<(u64, i64, Py<PyBytes>)>,
    unread: Vec<(usize, String, Vec<String>)>,
    next_sequence: u64,
}

/// Reads frames of the market channel, each with the time at which it came, in their order.
#[pyfunction]
#[pyo3(signature = (frames, *, source, connection, first_sequence, is_hash_checked))]
pub fn read_polymarket(
    py: Python<'_>,
    frames: Vec<(i64, PyBackedBytes)>,
    source: &str,
    connection: &str,
    first_sequence: u64,
    is_hash_checked: bool,
) -> PyResult<PolymarketRead> {
    let connection = Connection { source, name: connection, is_hash_checked };
    let frames = frames.iter().map(|(recv_ns, frame)| (*recv_ns, frame.as_ref()));
    let (batches, others, unread, next_sequence) = py.detach(|| {
        let Read { snapshots, changes, trades, tops, others, unread, next_sequence } =
            read(&connection, first_sequence, frames);
        let batches = filled([
            (BookSnapshotColumns::TAG, snapshots.finish()),
            (BookChangeColumns::TAG, changes.finish()),
            (TradeColumns::TAG, trades.finish()),
            (BookTopColumns::TAG, tops.finish()),
        ]);
        (batches, others, unread, next_sequence)
    });
    let others = others.into_iter();
    let unread = unread.into_iter();
    Ok(PolymarketRead {
        batches: to_dict(py, batches)?.unbind(),
        others: others.map(|one| (one.sequence, one.recv_ns, PyBytes::new(py, &one.json).unbind())).collect(),
        unread: unread.map(|one| (one.frame, one.detail, one.instruments)).collect(),
        next_sequence,
    })
}
