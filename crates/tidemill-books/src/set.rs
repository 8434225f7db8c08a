//! All the books of one venue: batches of snapshots and changes in, changed tops, states and gaps out.

use std::collections::VecDeque;

use arrow_array::RecordBatch;
use rustc_hash::FxHashMap;
use tidemill_events::{BookStatus, BookStatusColumns, BookTop, BookTopColumns};

use crate::book::{Book, Level, Side, Top};
use crate::rows::{some, Changes, RowsError, Shared, Snapshots};
use crate::rule::Rule;
use crate::state::{is_newer, step, Mark, Place, Step};

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
    /// Messages that were in a snapshot already, or older than one.
    pub skipped: u64,
    /// Messages of instruments that are not followed.
    pub unfollowed: u64,
    /// Snapshots that told what the kept book had.
    pub snapshots_agreeing: u64,
    /// Snapshots that told otherwise.
    pub snapshots_differing: u64,
}

/// Where a message stands.
#[derive(Clone, Copy)]
struct Origin<'a> {
    event_ns: i64,
    recv_ns: i64,
    connection: &'a str,
    sequence: u64,
}

#[derive(Clone, Copy)]
struct Set {
    side: Side,
    level: Level,
}

/// One message of one book.
struct Message<'a> {
    mark: Mark,
    sets: &'a [Set],
    checksum: Option<u32>,
    told_bid: Option<i128>,
    told_ask: Option<i128>,
}

#[derive(Clone)]
struct Kept {
    mark: Mark,
    sets: Vec<Set>,
    checksum: Option<u32>,
}

enum State {
    Waiting(VecDeque<Kept>),
    Live(Place),
}

struct Entry {
    book: Book,
    state: State,
    top: Top,
    strikes: u32,
    decimals: Option<(u8, u8)>,
}

impl Default for Entry {
    fn default() -> Self {
        let state = State::Waiting(VecDeque::new());
        Self { book: Book::default(), state, top: Top::default(), strikes: 0, decimals: None }
    }
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
        self.entries.values().filter(|entry| matches!(entry.state, State::Live(_))).count()
    }

    /// Returns a book that is live.
    #[must_use]
    pub fn live(&self, instrument: &str) -> Option<&Book> {
        let entry = self.entries.get(instrument)?;
        matches!(entry.state, State::Live(_)).then_some(&entry.book)
    }

    /// Voids the book of an instrument until its next snapshot, and tells so where it was live.
    pub fn restart(&mut self, instrument: &str, detail: &str, row: &Row<'_>, applied: &mut Applied) {
        let Some(entry) = self.entries.get_mut(instrument) else { return };
        if matches!(entry.state, State::Live(_)) {
            let origin = Origin {
                event_ns: row.event_ns,
                recv_ns: row.recv_ns,
                connection: row.connection,
                sequence: row.sequence,
            };
            tell(&self.source, applied, &origin, instrument, "gap", detail);
        }
        *entry = Entry { decimals: entry.decimals, ..Entry::default() };
    }

    /// Applies what one connection told, in its order.
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
        let mut work = Work { sets: Vec::new(), met: Vec::new() };
        let (mut at, mut row) = (0, 0);
        loop {
            let next = snapshots.as_ref().filter(|all| at < all.count);
            let snapshot = next.map(|all| all.shared.sequence.value(at));
            let change = changes.as_ref().filter(|all| row < all.count);
            let sequence = change.map(|all| all.shared.sequence.value(row));
            let end = change.map_or(row, |all| run_end(all, row));
            match (next, snapshot, change, sequence) {
                (Some(all), Some(whole), levels, level) if level.is_none_or(|level| whole <= level) => {
                    let is_its_own = level == Some(whole);
                    self.snapshot(
                        all,
                        at,
                        levels.filter(|_| is_its_own).map(|all| (all, row, end)),
                        &mut work,
                        &mut applied,
                    );
                    at += 1;
                    row = if is_its_own { end } else { row };
                }
                (_, _, Some(all), _) => {
                    self.changes(all, row, end, &mut work, &mut applied);
                    row = end;
                }
                _ => return Ok(applied),
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
            applied.unfollowed += 1;
            return;
        };
        work.sets.clear();
        if let Some((rows, from, to)) = levels {
            work.sets.extend((from..to).map(|row| set(rows, row)));
        }
        if let (Some(price), Some(size)) = (some(all.price_decimals, at), some(all.size_decimals, at)) {
            entry.decimals = Some((price, size));
        }
        let last_update = some(all.shared.last_update, at);
        let mark = Mark { event_ns: origin.event_ns, first_update: None, last_update };
        let checksum = some(all.shared.checksum, at);
        let message = Message { mark, sets: &work.sets, checksum, told_bid: None, told_ask: None };
        let problem = entry.begin(&self.rule, &message, applied);
        entry.conclude(&self.source, &origin, instrument, problem, applied);
    }

    /// Applies the rows of one message, book by book.
    fn changes(&mut self, all: &Changes<'_>, from: usize, to: usize, work: &mut Work, applied: &mut Applied) {
        work.met.clear();
        work.met.resize(to - from, false);
        for first in from..to {
            if work.met.get(first - from).copied().unwrap_or(true) {
                continue;
            }
            let instrument = all.shared.instrument.value(first);
            work.sets.clear();
            let mut last = first;
            for row in first..to {
                if all.shared.instrument.value(row) == instrument {
                    work.sets.push(set(all, row));
                    last = row;
                    if let Some(met) = work.met.get_mut(row - from) {
                        *met = true;
                    }
                }
            }
            let Some(entry) = self.entries.get_mut(instrument) else {
                applied.unfollowed += 1;
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
                sets: &work.sets,
                checksum: some(all.shared.checksum, last),
                told_bid: some(all.best_bid, last),
                told_ask: some(all.best_ask, last),
            };
            let problem = entry.change(&self.rule, &message, applied);
            entry.conclude(&self.source, &origin, instrument, problem, applied);
        }
    }
}

/// Which message a voided book is told of with.
pub struct Row<'a> {
    /// When it was noticed.
    pub event_ns: i64,
    /// The same.
    pub recv_ns: i64,
    /// The connection that ended or told something unreadable.
    pub connection: &'a str,
    /// Its last message.
    pub sequence: u64,
}

/// Room that is used again.
struct Work {
    sets: Vec<Set>,
    met: Vec<bool>,
}

/// What became of a message.
enum Outcome {
    Nothing,
    Changed,
    Began,
    Missing(String),
}

impl Entry {
    /// Takes a whole book, and the changes since that were kept.
    fn begin(&mut self, rule: &Rule, message: &Message<'_>, applied: &mut Applied) -> Outcome {
        let was_live = match &self.state {
            State::Live(place) if !is_newer(rule.ordering, place, &message.mark) => {
                applied.skipped += 1;
                return Outcome::Nothing;
            }
            State::Live(_) => true,
            State::Waiting(_) => false,
        };
        let before = std::mem::take(&mut self.book);
        self.write(rule, message.sets);
        if was_live && self.book == before {
            applied.snapshots_agreeing += 1;
        } else if was_live {
            applied.snapshots_differing += 1;
        }
        self.strikes = 0;
        let Mark { event_ns, last_update, .. } = message.mark;
        let place = Place { snapshot_ns: event_ns, newest_ns: event_ns, last_update };
        let waiting = match std::mem::replace(&mut self.state, State::Live(place)) {
            State::Waiting(kept) => kept,
            State::Live(_) => VecDeque::new(),
        };
        if let Err(problem) = self.check(rule, message) {
            return Outcome::Missing(problem);
        }
        for kept in waiting {
            let Kept { mark, sets, checksum } = &kept;
            let late = Message { mark: *mark, sets, checksum: *checksum, told_bid: None, told_ask: None };
            if let Outcome::Missing(problem) = self.change(rule, &late, applied) {
                return Outcome::Missing(problem);
            }
        }
        if was_live {
            Outcome::Changed
        } else {
            Outcome::Began
        }
    }

    fn change(&mut self, rule: &Rule, message: &Message<'_>, applied: &mut Applied) -> Outcome {
        let place = match &mut self.state {
            State::Live(place) => *place,
            State::Waiting(kept) => {
                if rule.ordering != crate::rule::Ordering::Arrival {
                    if kept.len() >= rule.waiting_max {
                        kept.pop_front();
                    }
                    let (mark, checksum) = (message.mark, message.checksum);
                    kept.push_back(Kept { mark, sets: message.sets.to_vec(), checksum });
                }
                return Outcome::Nothing;
            }
        };
        match step(rule.ordering, &place, &message.mark) {
            Step::Skip => {
                applied.skipped += 1;
                Outcome::Nothing
            }
            Step::Missing(problem) => Outcome::Missing(problem),
            Step::Apply(next) => {
                self.write(rule, message.sets);
                self.state = State::Live(next);
                match self.check(rule, message) {
                    Ok(()) => Outcome::Changed,
                    Err(problem) => Outcome::Missing(problem),
                }
            }
        }
    }

    fn write(&mut self, rule: &Rule, sets: &[Set]) {
        for set in sets {
            self.book.set(set.side, set.level.price, set.level.size);
        }
        if let Some(depth) = rule.depth_max {
            self.book.truncate(depth);
        }
    }

    /// Says what proves that the book lacks a change.
    fn check(&mut self, rule: &Rule, message: &Message<'_>) -> Result<(), String> {
        let top = self.book.top();
        if let (true, Some(bid), Some(ask)) = (top.is_crossed(), top.bid, top.ask) {
            let (bid, ask) = (shown(bid.price), shown(ask.price));
            return Err(format!("expected the best bid below the best ask, found {bid} and {ask}"));
        }
        if let (Some(kind), Some(expected), Some((price, size))) =
            (rule.checksum, message.checksum, self.decimals)
        {
            let found = kind.of(&self.book, price, size);
            if found != expected {
                return Err(format!("expected checksum {expected}, the kept book has {found}"));
            }
        }
        let Some(strikes_max) = rule.top_strikes_max else { return Ok(()) };
        let price = |level: Option<Level>| level.map_or(0, |level| level.price);
        let is_bid_other = message.told_bid.is_some_and(|told| told != price(top.bid));
        // a side without asks is told as 0 or as 1
        let is_ask_other = message.told_ask.is_some_and(|told| {
            told != price(top.ask) && !(top.ask.is_none() && told == crate::decimal::ONE)
        });
        if !(is_bid_other || is_ask_other) {
            self.strikes = 0;
            return Ok(());
        }
        self.strikes += 1;
        if self.strikes < strikes_max {
            return Ok(());
        }
        let told =
            [message.told_bid, message.told_ask].map(|told| told.map_or_else(|| "none".to_owned(), shown));
        let kept = [price(top.bid), price(top.ask)].map(shown);
        Err(format!(
            "expected best prices {} and {}, the kept book has {} and {}",
            told[0], told[1], kept[0], kept[1]
        ))
    }

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
                *self = Self { decimals: self.decimals, ..Self::default() };
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

fn shown(value: i128) -> String {
    let one = crate::decimal::ONE;
    let text = format!("{}.{:018}", value / one, value % one);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
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

/// Returns the row after the last of the message that begins at `row`.
fn run_end(all: &Changes<'_>, row: usize) -> usize {
    let sequence = all.shared.sequence.value(row);
    let mut end = row + 1;
    while end < all.count && all.shared.sequence.value(end) == sequence {
        end += 1;
    }
    end
}
