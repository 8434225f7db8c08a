//! All the books of one venue: batches of snapshots and changes in, changed tops, states and gaps out.

use std::ops::Range;

use arrow_array::RecordBatch;
use rustc_hash::FxHashMap;
use tidemill_events::{BookStatus, BookStatusColumns, BookTop, BookTopColumns};

use crate::book::{Book, Level, Side};
use crate::entry::{Counts, Entry, Message, Outcome, Set};
use crate::rows::{some, Changes, RowsError, Shared, Snapshots};
use crate::rule::Rule;
use crate::state::Mark;

/// A book that lacks a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Whose book it is.
    pub instrument: String,
    /// What was expected, and what was found.
    pub detail: String,
}

/// What some messages did.
#[derive(Debug, Default)]
pub struct Applied {
    /// Best levels that changed.
    pub top: BookTopColumns,
    /// Books that are live now, and those that are not any more.
    pub status: BookStatusColumns,
    /// Books that need a snapshot.
    pub gaps: Vec<Gap>,
    /// What became of the messages.
    pub counts: Counts,
}

/// The message with which something is told.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// When it was so.
    pub event_ns: i64,
    /// When it came.
    pub recv_ns: i64,
    /// The connection that it came over.
    pub connection: &'a str,
    /// Its number there.
    pub sequence: u64,
}

/// The books of one venue.
pub struct BookSet {
    source: String,
    rule: Rule,
    entries: FxHashMap<String, Entry>,
}

impl BookSet {
    /// Returns a set without books.
    #[must_use]
    pub fn new(source: String, rule: Rule) -> Self {
        Self { source, rule, entries: FxHashMap::default() }
    }

    /// Begins to keep the book of an instrument, which waits for its snapshot; one that is kept stays as it is.
    pub fn follow(&mut self, instrument: String) {
        self.entries.entry(instrument).or_default();
    }

    /// Ends keeping the book of an instrument.
    pub fn forget(&mut self, instrument: &str) {
        self.entries.remove(instrument);
    }

    /// Returns how many books are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Says whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns how many books are live.
    #[must_use]
    pub fn live_count(&self) -> usize {
        self.entries.values().filter(|entry| entry.is_live()).count()
    }

    /// Returns a book that is live.
    #[must_use]
    pub fn live(&self, instrument: &str) -> Option<&Book> {
        let entry = self.entries.get(instrument)?;
        entry.is_live().then_some(&entry.book)
    }

    /// Voids the book of an instrument until its next snapshot, and tells so where it was live.
    pub fn restart(&mut self, instrument: &str, detail: &str, origin: &Origin<'_>, applied: &mut Applied) {
        let Some(entry) = self.entries.get_mut(instrument) else { return };
        if entry.is_live() {
            tell(&self.source, applied, origin, instrument, "gap", detail);
        }
        entry.void();
    }

    /// Applies what connections told: the rows of each lie together, and are in its order.
    ///
    /// # Errors
    /// Where a batch is none of the schema's; nothing was applied then.
    pub fn apply(
        &mut self,
        snapshots: Option<&RecordBatch>,
        changes: Option<&RecordBatch>,
    ) -> Result<Applied, RowsError> {
        let snapshots = snapshots.map(Snapshots::of).transpose()?;
        let changes = changes.map(Changes::of).transpose()?;
        let mut applied = Applied::default();
        let mut work = Work { sets: Vec::new(), rows: Vec::new() };
        let wholes = snapshots.as_ref().map_or_else(Vec::new, |all| runs(&all.shared, all.count));
        let parts = changes.as_ref().map_or_else(Vec::new, |all| runs(&all.shared, all.count));
        for (connection, range) in &parts {
            let own = wholes.iter().find(|(name, _)| name == connection);
            let told = Told {
                snapshots: snapshots.as_ref(),
                at: own.map_or(0..0, |(_, range)| range.clone()),
                changes: changes.as_ref(),
                row: range.clone(),
            };
            self.converse(told, &mut work, &mut applied);
        }
        for (connection, range) in wholes {
            if !parts.iter().any(|(name, _)| *name == connection) {
                let told = Told { snapshots: snapshots.as_ref(), at: range, changes: None, row: 0..0 };
                self.converse(told, &mut work, &mut applied);
            }
        }
        Ok(applied)
    }

    /// Applies what one connection told, in its order.
    fn converse(&mut self, mut told: Told<'_>, work: &mut Work, applied: &mut Applied) {
        loop {
            let next = told.snapshots.filter(|_| !told.at.is_empty());
            let snapshot = next.map(|all| all.shared.sequence.value(told.at.start));
            let change = told.changes.filter(|_| !told.row.is_empty());
            let sequence = change.map(|all| all.shared.sequence.value(told.row.start));
            let (row, end) = (told.row.start, change.map_or(told.row.start, |all| run_end(all, &told.row)));
            match (next, snapshot, change, sequence) {
                (Some(all), Some(whole), levels, level) if level.is_none_or(|level| whole <= level) => {
                    let levels = levels.filter(|_| level == Some(whole)).map(|all| (all, row, end));
                    told.row.start = if levels.is_some() { end } else { row };
                    self.snapshot(all, told.at.start, levels, work, applied);
                    told.at.start += 1;
                }
                (_, _, Some(all), _) => {
                    self.changes(all, row, end, work, applied);
                    told.row.start = end;
                }
                _ => return,
            }
        }
    }

    fn snapshot(
        &mut self,
        all: &Snapshots<'_>,
        at: usize,
        levels: Option<(&Changes<'_>, usize, usize)>,
        work: &mut Work,
        applied: &mut Applied,
    ) {
        let (instrument, origin) = (all.shared.instrument.value(at), origin(&all.shared, at));
        let Some(entry) = self.entries.get_mut(instrument) else {
            applied.counts.unfollowed += 1;
            return;
        };
        work.sets.clear();
        if let Some((rows, from, to)) = levels {
            work.sets.extend((from..to).map(|row| set(rows, row)));
            // The best come last, as a book has them: a level that is put before others has all of them moved.
            work.sets.sort_by_key(|set| match set.side {
                Side::Bid => set.level.price,
                Side::Ask => -set.level.price,
            });
        }
        if let (Some(price), Some(size)) = (some(all.price_decimals, at), some(all.size_decimals, at)) {
            entry.decimals = Some((price, size));
        }
        let last_update = some(all.shared.last_update, at);
        let mark = Mark { event_ns: origin.event_ns, first_update: None, last_update };
        let checksum = some(all.shared.checksum, at);
        let message = Message { mark, sets: &work.sets, checksum, told_bid: None, told_ask: None };
        let problem = entry.begin(&self.rule, &message, &mut applied.counts);
        entry.conclude(&self.source, &origin, instrument, problem, applied);
    }

    /// Applies the rows of one message, book by book.
    fn changes(&mut self, all: &Changes<'_>, from: usize, to: usize, work: &mut Work, applied: &mut Applied) {
        let Work { sets, rows } = work;
        gather(all, from..to, rows);
        for its in rows.chunk_by(|one, other| one.0 == other.0) {
            let ([(first, _), ..], [.., (_, last)]) = (its, its) else { continue };
            let (first, last) = (*first, *last);
            let instrument = all.shared.instrument.value(first);
            sets.clear();
            sets.extend(its.iter().map(|(_, row)| set(all, *row)));
            let Some(entry) = self.entries.get_mut(instrument) else {
                applied.counts.unfollowed += 1;
                continue;
            };
            let origin = origin(&all.shared, last);
            let mark = Mark {
                event_ns: origin.event_ns,
                first_update: some(all.first_update, first),
                last_update: some(all.shared.last_update, last),
            };
            let message = Message {
                mark,
                sets,
                checksum: some(all.shared.checksum, last),
                told_bid: some(all.best_bid, last),
                told_ask: some(all.best_ask, last),
            };
            let problem = entry.change(&self.rule, &message, &mut applied.counts);
            entry.conclude(&self.source, &origin, instrument, problem, applied);
        }
    }
}

/// What one connection told: rows of snapshots, and of changes.
struct Told<'a> {
    snapshots: Option<&'a Snapshots<'a>>,
    at: Range<usize>,
    changes: Option<&'a Changes<'a>>,
    row: Range<usize>,
}

/// Room that is used again.
struct Work {
    sets: Vec<Set>,
    /// Rows, each after the first one of its instrument.
    rows: Vec<(usize, usize)>,
}

impl Entry {
    /// Tells what became of a message.
    fn conclude(
        &mut self,
        source: &str,
        origin: &Origin<'_>,
        instrument: &str,
        outcome: Outcome,
        applied: &mut Applied,
    ) {
        match outcome {
            Outcome::Nothing => return,
            Outcome::Missing(detail) => {
                tell(source, applied, origin, instrument, "gap", &detail);
                applied.gaps.push(Gap { instrument: instrument.to_owned(), detail });
                return;
            }
            Outcome::Began => tell(source, applied, origin, instrument, "live", ""),
            Outcome::Changed => {}
        }
        let top = self.book.top();
        if top == self.top && !matches!(outcome, Outcome::Began) {
            return;
        }
        self.top = top;
        applied.top.push(&BookTop {
            event_ns: origin.event_ns,
            recv_ns: origin.recv_ns,
            source,
            connection: origin.connection,
            sequence: origin.sequence,
            instrument,
            cause: "kept",
            bid_price: top.bid.map(|level| level.price),
            bid_size: top.bid.map(|level| level.size),
            ask_price: top.ask.map(|level| level.price),
            ask_size: top.ask.map(|level| level.size),
        });
    }
}

fn tell(
    source: &str,
    applied: &mut Applied,
    origin: &Origin<'_>,
    instrument: &str,
    state: &str,
    detail: &str,
) {
    applied.status.push(&BookStatus {
        event_ns: origin.event_ns,
        recv_ns: origin.recv_ns,
        source,
        connection: origin.connection,
        sequence: origin.sequence,
        instrument,
        state,
        detail,
    });
}

fn origin<'a>(shared: &Shared<'a>, row: usize) -> Origin<'a> {
    Origin {
        event_ns: shared.event_ns.value(row),
        recv_ns: shared.recv_ns.value(row),
        connection: shared.connection.value(row),
        sequence: shared.sequence.value(row),
    }
}

fn set(all: &Changes<'_>, row: usize) -> Set {
    let side = if all.side.value(row) == "bid" { Side::Bid } else { Side::Ask };
    Set { side, level: Level { price: all.price.value(row), size: all.size.value(row) } }
}

/// Puts the rows of a message together by instrument, in the order in which these come.
fn gather(all: &Changes<'_>, message: Range<usize>, rows: &mut Vec<(usize, usize)>) {
    let instrument = |row: usize| all.shared.instrument.value(row);
    rows.clear();
    rows.extend(message.map(|row| (row, row)));
    rows.sort_unstable_by_key(|(_, row)| (instrument(*row), *row));
    let mut known: Option<usize> = None;
    for (first, row) in rows.iter_mut() {
        match known {
            Some(known) if instrument(known) == instrument(*row) => *first = known,
            _ => known = Some(*row),
        }
    }
    rows.sort_unstable();
}

/// Returns the row after the last of the message that begins a range.
fn run_end(all: &Changes<'_>, rows: &Range<usize>) -> usize {
    let sequence = all.shared.sequence.value(rows.start);
    let mut later = rows.start + 1..rows.end;
    later.find(|row| all.shared.sequence.value(*row) != sequence).unwrap_or(rows.end)
}

/// Returns the connections, each with its rows.
fn runs<'a>(shared: &Shared<'a>, count: usize) -> Vec<(&'a str, Range<usize>)> {
    let mut found: Vec<(&str, Range<usize>)> = Vec::new();
    for row in 0..count {
        let name = shared.connection.value(row);
        match found.last_mut() {
            Some((last, range)) if *last == name => range.end = row + 1,
            _ => found.push((name, row..row + 1)),
        }
    }
    found
}
