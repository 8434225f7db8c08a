//! What a venue's frames say, whichever venue's they are.

use tidemill_events::{BookChangeColumns, BookSnapshotColumns, BookTopColumns, TradeColumns};

/// A message of a kind that is not read here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// Its number on the connection.
    pub sequence: u64,
    /// When its frame came.
    pub recv_ns: i64,
    /// As it came.
    pub json: Vec<u8>,
}

/// A message that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Which frame of those given has it.
    pub frame: usize,
    /// What was expected, and what was found.
    pub detail: String,
    /// Whose book may lack a change for it; none where that cannot be told.
    pub instruments: Vec<String>,
}

/// What frames say.
#[derive(Debug, Default)]
pub struct Read {
    /// Books that begin.
    pub snapshots: BookSnapshotColumns,
    /// Their levels, and changes.
    pub changes: BookChangeColumns,
    /// Trades.
    pub trades: TradeColumns,
    /// Best prices that the venue tells.
    pub tops: BookTopColumns,
    /// Messages of other kinds.
    pub others: Vec<Other>,
    /// What cannot be read.
    pub unread: Vec<Unread>,
    /// The number that the next message gets.
    pub next_sequence: u64,
    /// When the newest of what is told of books was so, by the venue's clock; only Polymarket's frames say.
    pub newest_ns: Option<i64>,
}

/// Whose frames they are.
#[derive(Debug, Clone, Copy)]
pub struct Connection<'a> {
    /// The venue's name in the configuration.
    pub source: &'a str,
    /// Names the connection.
    pub name: &'a str,
}

/// Returns what of a text fits into a message.
pub fn cut(text: &str) -> &str {
    let end = text.char_indices().nth(80).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}
