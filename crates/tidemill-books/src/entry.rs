//! One kept book: it waits for a snapshot, then takes what its venue's rule lets it take, and says what proves it wrong.

use std::collections::VecDeque;

use tidemill_events::fixed18;

use crate::book::{Book, Level, Side, Top};
use crate::decimal::ONE;
use crate::rule::{ChecksumKind, Ordering, Rule};
use crate::state::{is_newer, step, Mark, Place, Step};

/// What became of messages, beyond what is told of the books.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages that were in a snapshot already, or older than one.
    pub skipped: u64,
    /// Messages of instruments that are not followed.
    pub unfollowed: u64,
    /// Snapshots that told what the kept book had.
    pub snapshots_agreeing: u64,
    /// Snapshots that told otherwise.
    pub snapshots_differing: u64,
}

/// One level's new size.
#[derive(Clone, Copy)]
pub struct Set {
    pub side: Side,
    pub level: Level,
}

/// One message of one book.
pub struct Message<'a> {
    pub mark: Mark,
    pub sets: &'a [Set],
    pub checksum: Option<u32>,
    /// The best bid after it, as the venue tells it; none where it does not.
    pub told_bid: Option<i128>,
    pub told_ask: Option<i128>,
}

/// A change that waits for the snapshot before it.
pub struct Kept {
    mark: Mark,
    sets: Vec<Set>,
    checksum: Option<u32>,
}

pub enum State {
    Waiting(VecDeque<Kept>),
    Live(Place),
}

/// One kept book.
pub struct Entry {
    pub book: Book,
    pub state: State,
    /// The best levels that were told last.
    pub top: Top,
    /// Messages in a row whose best prices are not the book's.
    strikes: u32,
    /// Digits after the point of prices and of sizes.
    pub decimals: Option<(u8, u8)>,
    /// The checksum; none where levels that it is made of changed since it was made.
    checksum: Option<u32>,
}

impl Default for Entry {
    fn default() -> Self {
        let state = State::Waiting(VecDeque::new());
        Self { book: Book::default(), state, top: Top::default(), strikes: 0, decimals: None, checksum: None }
    }
}

/// What became of a message.
pub enum Outcome {
    Nothing,
    Changed,
    Began,
    Missing(String),
}

impl Entry {
    /// Says whether the book can be relied on.
    pub fn is_live(&self) -> bool {
        matches!(self.state, State::Live(_))
    }

    /// Forgets the book until its next snapshot.
    pub fn void(&mut self) {
        *self = Self { decimals: self.decimals, ..Self::default() };
    }

    /// Takes a whole book, and the changes since that were kept.
    pub fn begin(&mut self, rule: &Rule, message: &Message<'_>, counts: &mut Counts) -> Outcome {
        let was_live = match &self.state {
            State::Live(place) if !is_newer(rule.ordering, place, &message.mark) => {
                counts.skipped += 1;
                return Outcome::Nothing;
            }
            State::Live(_) => true,
            State::Waiting(_) => false,
        };
        let before = std::mem::take(&mut self.book);
        self.checksum = None;
        self.write(rule, message.sets);
        if was_live && self.book == before {
            counts.snapshots_agreeing += 1;
        } else if was_live {
            counts.snapshots_differing += 1;
        }
        self.strikes = 0;
        let Mark { event_ns, last_update, .. } = message.mark;
        let place = Place { snapshot_ns: event_ns, newest_ns: event_ns, last_update };
        let waiting = match std::mem::replace(&mut self.state, State::Live(place)) {
            State::Waiting(kept) => kept,
            State::Live(_) => VecDeque::new(),
        };
        if let Err(problem) = self.check(rule, message) {
            self.void();
            self.state = State::Waiting(waiting); // the next snapshot may be of before them
            return Outcome::Missing(problem);
        }
        let mut waiting = waiting.into_iter();
        for kept in waiting.by_ref() {
            let Kept { mark, sets, checksum } = &kept;
            let late = Message { mark: *mark, sets, checksum: *checksum, told_bid: None, told_ask: None };
            if let Outcome::Missing(problem) = self.change(rule, &late, counts) {
                if let State::Waiting(again) = &mut self.state {
                    again.extend(waiting);
                }
                return Outcome::Missing(problem);
            }
        }
        if was_live {
            Outcome::Changed
        } else {
            Outcome::Began
        }
    }

    /// Takes a change.
    pub fn change(&mut self, rule: &Rule, message: &Message<'_>, counts: &mut Counts) -> Outcome {
        let place = match &self.state {
            State::Live(place) => *place,
            State::Waiting(_) => {
                self.keep(rule, message);
                return Outcome::Nothing;
            }
        };
        match step(rule.ordering, &place, &message.mark) {
            Step::Skip => {
                counts.skipped += 1;
                Outcome::Nothing
            }
            Step::Missing(problem) => {
                self.void();
                self.keep(rule, message); // the snapshot that is asked for now may be of before it
                Outcome::Missing(problem)
            }
            Step::Apply(next) => {
                self.write(rule, message.sets);
                self.state = State::Live(next);
                match self.check(rule, message) {
                    Ok(()) => Outcome::Changed,
                    Err(problem) => {
                        self.void();
                        Outcome::Missing(problem)
                    }
                }
            }
        }
    }

    /// Keeps a change until the snapshot comes, where it can be told what of it the snapshot has.
    fn keep(&mut self, rule: &Rule, message: &Message<'_>) {
        let State::Waiting(kept) = &mut self.state else { return };
        if rule.ordering == Ordering::Arrival {
            return;
        }
        if kept.len() >= rule.waiting_max {
            kept.pop_front();
        }
        kept.push_back(Kept { mark: message.mark, sets: message.sets.to_vec(), checksum: message.checksum });
    }

    fn write(&mut self, rule: &Rule, sets: &[Set]) {
        let depth = rule.checksum.map_or(0, ChecksumKind::depth);
        for set in sets {
            if self.book.set(set.side, set.level.price, set.level.size) < depth {
                self.checksum = None;
            }
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
            let found = *self.checksum.get_or_insert_with(|| kind.of(&self.book, price, size));
            if found != expected {
                return Err(format!("expected checksum {expected}, the kept book has {found}"));
            }
        }
        let Some(strikes_max) = rule.top_strikes_max else { return Ok(()) };
        let price = |level: Option<Level>| level.map_or(0, |level| level.price);
        let is_bid_other = message.told_bid.is_some_and(|told| told != price(top.bid));
        // a side without asks is told as 0 or as 1
        let is_ask_other = message
            .told_ask
            .is_some_and(|told| told != price(top.ask) && !(top.ask.is_none() && told == ONE));
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
}

fn shown(value: i128) -> String {
    fixed18::text(value.unsigned_abs())
}
