//! What was told last of each instrument's book, and how a key-value server is told it: many books in one command.

use arrow_array::types::{Decimal128Type, TimestampNanosecondType, UInt64Type};
use arrow_array::{PrimitiveArray, RecordBatch, StringArray};
use rustc_hash::FxHashMap;
use tidemill_events::fixed18;

use crate::book::{Book, Level, Side};
use crate::rows::{numbers, some, texts, RowsError};

/// Instruments of which what was told is kept; of more, those that were silent for longest go.
const KNOWN_MAX: usize = 100_000;
/// So large a part of all goes at once.
const GOING: usize = 16;

/// Source and instrument.
pub type Name = (String, String);

/// A message that told of a book: the greater is the newer.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Message {
    /// When it came.
    pub recv_ns: i64,
    /// Its number on its connection.
    pub sequence: u64,
    /// When what it tells was so.
    pub event_ns: i64,
    /// The connection that it came over.
    pub connection: String,
}

impl Message {
    /// Becomes the message of a row that is as new or newer; says whether it did.
    fn advance(&mut self, row: &Row<'_>) -> bool {
        let own = (self.recv_ns, self.sequence, self.event_ns, self.connection.as_str());
        if (row.recv_ns, row.sequence, row.event_ns, row.connection) < own {
            return false;
        }
        (self.recv_ns, self.sequence, self.event_ns) = (row.recv_ns, row.sequence, row.event_ns);
        if self.connection != row.connection {
            row.connection.clone_into(&mut self.connection);
        }
        true
    }
}

/// A row's message.
struct Row<'a> {
    recv_ns: i64,
    sequence: u64,
    event_ns: i64,
    connection: &'a str,
}

/// A best level that was told: its size may not have been.
pub type Best = Option<(i128, Option<i128>)>;

/// What was told last of one book.
#[derive(Debug, Default)]
pub struct Told {
    /// The newest message of any kind.
    pub newest: Message,
    /// live or gap; none where nobody said.
    pub state: Option<String>,
    /// Best bid and ask; none where nobody said.
    pub top: Option<[Best; 2]>,
    state_from: Message,
    top_from: Message,
    noted: u64,
}

impl Told {
    /// Whether it was said that the book lacks a change.
    #[must_use]
    pub fn is_void(&self) -> bool {
        self.state.as_deref() == Some("gap")
    }

    /// Writes the book as JSON: of `kept`, which is live, the best levels, or else the best that was told.
    fn write(&self, (source, instrument): (&str, &str), kept: Option<&Book>, most: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"source\":");
        quoted(source, out);
        out.extend_from_slice(b",\"instrument\":");
        quoted(instrument, out);
        out.extend_from_slice(b",\"state\":");
        match &self.state {
            Some(state) => quoted(state, out),
            None => out.extend_from_slice(b"null"),
        }
        for (at, (name, side)) in [("bids", Side::Bid), ("asks", Side::Ask)].into_iter().enumerate() {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            match (kept, self.top.and_then(|top| top.get(at).copied())) {
                _ if self.is_void() => out.extend_from_slice(b"null"),
                (Some(book), _) => write_levels(book.levels(side).take(most).map(told), out),
                (None, Some(best)) => write_levels(best.into_iter(), out),
                (None, None) => out.extend_from_slice(b"null"),
            }
        }
        let mut number = itoa::Buffer::new();
        for (name, value) in [("event_ns", self.newest.event_ns), ("recv_ns", self.newest.recv_ns)] {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            out.extend_from_slice(number.format(value).as_bytes());
        }
        out.extend_from_slice(b",\"connection\":");
        quoted(&self.newest.connection, out);
        out.extend_from_slice(b",\"sequence\":");
        out.extend_from_slice(number.format(self.newest.sequence).as_bytes());
        out.push(b'}');
    }
}

/// What was told last of every book; the topics of one message may come in any order.
#[derive(Debug, Default)]
pub struct Latest {
    known: FxHashMap<String, FxHashMap<String, Told>>,
    turn: u64,
}

impl Latest {
    /// Takes rows of a topic that tells of books; returns whose they are of, each once.
    ///
    /// # Errors
    /// Where the batch is none of the schema's.
    pub fn note(&mut self, topic: &'static str, batch: &RecordBatch) -> Result<Vec<Name>, RowsError> {
        let columns = Columns::of(topic, batch)?;
        let mut touched: Vec<Name> = Vec::new();
        self.turn += 1;
        for row in 0..batch.num_rows() {
            if row > 0 && columns.is_same(row - 1, row) {
                continue; // a level more of the same book
            }
            let (source, instrument) = (columns.source.value(row), columns.instrument.value(row));
            let its = self.known.entry(source.to_owned()).or_default();
            let told = its.entry(instrument.to_owned()).or_default();
            if told.noted != self.turn {
                told.noted = self.turn;
                touched.push((source.to_owned(), instrument.to_owned()));
            }
            columns.tell(row, told);
        }
        let count: usize = self.known.values().map(FxHashMap::len).sum();
        if count > KNOWN_MAX {
            self.forget(count / GOING);
        }
        Ok(touched)
    }

    /// Returns the instruments of which anything was told.
    pub fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.known.iter().flat_map(|(source, its)| its.keys().map(|name| (source.as_str(), name.as_str())))
    }

    /// Returns what was told of an instrument's book.
    #[must_use]
    pub fn told(&self, source: &str, instrument: &str) -> Option<&Told> {
        self.known.get(source)?.get(instrument)
    }

    /// Returns the command that has a server run `put.script` with the keys of books, `put.settings` and each book
    /// as JSON; `kept` says which of them is kept, and live.
    pub fn command<'a>(
        &self,
        names: &[Name],
        put: &Put<'_>,
        kept: impl Fn(&str, &str) -> Option<&'a Book>,
    ) -> Vec<u8> {
        let (mut keys, mut books, mut count) = (Vec::new(), Vec::new(), 0_usize);
        let (mut key, mut book) = (Vec::new(), Vec::new());
        for (source, instrument) in names {
            let Some(told) = self.told(source, instrument) else { continue };
            key.clear();
            for part in [put.prefix, source, ":", instrument] {
                key.extend_from_slice(part.as_bytes());
            }
            push(&key, &mut keys);
            book.clear();
            told.write((source, instrument), kept(source, instrument), put.levels_max, &mut book);
            push(&book, &mut books);
            count += 1;
        }
        let mut out = Vec::with_capacity(keys.len() + books.len() + put.script.len() + 256);
        let parts = 3 + put.settings.len() + 2 * count;
        out.push(b'*');
        out.extend_from_slice(itoa::Buffer::new().format(parts).as_bytes());
        out.extend_from_slice(b"\r\n");
        push(b"EVAL", &mut out);
        push(put.script.as_bytes(), &mut out);
        push(itoa::Buffer::new().format(count).as_bytes(), &mut out);
        out.append(&mut keys);
        for setting in put.settings {
            push(itoa::Buffer::new().format(*setting).as_bytes(), &mut out);
        }
        out.append(&mut books);
        out
    }

    /// Lets go of so many that were silent for longest.
    fn forget(&mut self, count: usize) {
        let its = self.known.values().flat_map(FxHashMap::values);
        let mut turns: Vec<u64> = its.map(|told| told.noted).collect();
        let last = *turns.select_nth_unstable(count).1;
        for its in self.known.values_mut() {
            its.retain(|_, told| told.noted > last || told.noted == self.turn);
        }
        self.known.retain(|_, its| !its.is_empty());
    }
}

/// How books are put.
pub struct Put<'a> {
    /// What the server runs.
    pub script: &'a str,
    /// What a key begins with; source, a colon and instrument follow.
    pub prefix: &'a str,
    /// Levels of each side at most.
    pub levels_max: usize,
    /// What the script is given before the books.
    pub settings: &'a [u64],
}

/// The columns of a batch that are read.
struct Columns<'a> {
    source: &'a StringArray,
    instrument: &'a StringArray,
    connection: &'a StringArray,
    recv_ns: &'a PrimitiveArray<TimestampNanosecondType>,
    event_ns: &'a PrimitiveArray<TimestampNanosecondType>,
    sequence: &'a PrimitiveArray<UInt64Type>,
    state: Option<&'a StringArray>,
    top: Option<[&'a PrimitiveArray<Decimal128Type>; 4]>,
}

impl<'a> Columns<'a> {
    fn of(topic: &'static str, batch: &'a RecordBatch) -> Result<Self, RowsError> {
        let top = |name| numbers(batch, topic, name);
        Ok(Self {
            source: texts(batch, topic, "source")?,
            instrument: texts(batch, topic, "instrument")?,
            connection: texts(batch, topic, "connection")?,
            recv_ns: numbers(batch, topic, "recv_ns")?,
            event_ns: numbers(batch, topic, "event_ns")?,
            sequence: numbers(batch, topic, "sequence")?,
            state: (topic == "book_status").then(|| texts(batch, topic, "state")).transpose()?,
            top: if topic == "book_top" {
                Some([top("bid_price")?, top("bid_size")?, top("ask_price")?, top("ask_size")?])
            } else {
                None
            },
        })
    }

    /// Whether a row is of the same message and instrument as another, and tells no more than that.
    fn is_same(&self, row: usize, other: usize) -> bool {
        self.state.is_none()
            && self.top.is_none()
            && self.sequence.value(row) == self.sequence.value(other)
            && self.instrument.value(row) == self.instrument.value(other)
            && self.recv_ns.value(row) == self.recv_ns.value(other)
            && self.event_ns.value(row) == self.event_ns.value(other)
            && self.connection.value(row) == self.connection.value(other)
            && self.source.value(row) == self.source.value(other)
    }

    fn tell(&self, row: usize, told: &mut Told) {
        let message = Row {
            recv_ns: self.recv_ns.value(row),
            sequence: self.sequence.value(row),
            event_ns: self.event_ns.value(row),
            connection: self.connection.value(row),
        };
        told.newest.advance(&message);
        if let Some(state) = self.state {
            if told.state_from.advance(&message) {
                told.state = Some(state.value(row).to_owned());
            }
        }
        if let Some([bid, bid_size, ask, ask_size]) = self.top {
            if told.top_from.advance(&message) {
                let best = |price, size| some(price, row).map(|price| (price, some(size, row)));
                told.top = Some([best(bid, bid_size), best(ask, ask_size)]);
            }
        }
    }
}

fn told(level: &Level) -> (i128, Option<i128>) {
    (level.price, Some(level.size))
}

/// Writes levels as JSON: `[["price","size"],…]`, exact.
fn write_levels(levels: impl Iterator<Item = (i128, Option<i128>)>, out: &mut Vec<u8>) {
    out.push(b'[');
    let begin = out.len();
    for (price, size) in levels {
        out.extend_from_slice(if out.len() == begin { b"[\"" } else { b",[\"" });
        fixed18::write(price.unsigned_abs(), out);
        match size {
            Some(size) => {
                out.extend_from_slice(b"\",\"");
                fixed18::write(size.unsigned_abs(), out);
                out.extend_from_slice(b"\"]");
            }
            None => out.extend_from_slice(b"\",null]"),
        }
    }
    out.push(b']');
}

/// Writes a text as JSON, which cannot fail in memory.
fn quoted(value: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).unwrap_or_default();
}

/// Writes one part of a command: its length, and its bytes.
fn push(part: &[u8], out: &mut Vec<u8>) {
    out.push(b'$');
    out.extend_from_slice(itoa::Buffer::new().format(part.len()).as_bytes());
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(part);
    out.extend_from_slice(b"\r\n");
}
