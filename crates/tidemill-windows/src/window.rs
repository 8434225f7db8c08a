//! One sliding window: buckets of time, and their aggregate in constant time however long the window is.
//!
//! Two stacks: what lies in front is kept as aggregates to its end, so that the oldest bucket is taken off without a
//! subtraction, which floats would not forgive. Source: Tangwongsan et al. (2017), Low-Latency Sliding-Window Aggregation.

use serde::{Deserialize, Serialize};

use crate::aggregate::Aggregate;

/// How long a window is, and how finely it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The window at a time has what came after `time - span_ns`...
    pub span_ns: i64,
    /// ...to the edges of buckets of this length: of the oldest bucket all or nothing.
    pub bucket_ns: i64,
}

impl Span {
    /// Returns the bucket that a time lies in.
    pub const fn bucket(self, time_ns: i64) -> i64 {
        time_ns.div_euclid(self.bucket_ns)
    }

    /// Returns the newest bucket that a window at a time has no more.
    pub const fn expired(self, time_ns: i64) -> i64 {
        time_ns.saturating_sub(self.span_ns).div_euclid(self.bucket_ns)
    }
}

/// The values of one window. What most steps need lies together; the rest is reached for where a bucket comes or goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// The oldest of the older buckets, with the aggregate from it to the end of this part: the last of `front`.
    top: Option<(i64, Aggregate)>,
    /// The oldest of the newer buckets.
    back_first: Option<i64>,
    /// The newest bucket, where it is not in front.
    newest: Option<(i64, Aggregate)>,
    /// The aggregate of the newer buckets, the newest with them.
    back_whole: Aggregate,
    /// The older buckets, the oldest last; each with the aggregate from it to the end of this part.
    front: Vec<(i64, Aggregate)>,
    /// The newer buckets but the newest, the oldest first.
    back: Vec<(i64, Aggregate)>,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            top: None,
            back_first: None,
            newest: None,
            back_whole: Aggregate::EMPTY,
            front: Vec::new(),
            back: Vec::new(),
        }
    }
}

impl Window {
    /// Adds a value at a time that is not before the last one's.
    pub fn add(&mut self, span: Span, time_ns: i64, value: f64) {
        let expired = span.expired(time_ns);
        if !self.is_current(expired) {
            self.expire(expired);
        }
        let bucket = span.bucket(time_ns);
        match &mut self.newest {
            Some((newest, held)) if *newest == bucket => held.add(value),
            newest => {
                self.back.extend(newest.replace((bucket, Aggregate::of(value))));
                self.back_first.get_or_insert(bucket);
            }
        }
        self.back_whole.add(value);
    }

    /// Returns the aggregate of the window at a time that is not before the last value's; what is held stays as it is.
    pub fn at(&self, span: Span, time_ns: i64) -> Aggregate {
        let expired = span.expired(time_ns);
        if self.is_current(expired) {
            return self.top.as_ref().map_or(self.back_whole, |(_, front)| front.then(&self.back_whole));
        }
        // the oldest is the last: those that are expired are a run at the end, mostly of one or two
        if self.front.first().is_some_and(|(newest, _)| *newest > expired) {
            if let Some((_, front)) = self.front.iter().rfind(|(bucket, _)| *bucket > expired) {
                return front.then(&self.back_whole);
            }
        }
        if self.back_first.is_none_or(|first| first > expired) {
            return self.back_whole;
        }
        let held = self.back.iter().chain(&self.newest).filter(|(bucket, _)| *bucket > expired);
        held.fold(Aggregate::EMPTY, |whole, (_, bucket)| whole.then(bucket))
    }

    /// Returns the number of buckets that are held.
    pub fn buckets(&self) -> usize {
        self.front.len() + self.back.len() + usize::from(self.newest.is_some())
    }

    /// Says whether no bucket that is held is expired.
    fn is_current(&self, expired: i64) -> bool {
        self.top.as_ref().map(|(bucket, _)| *bucket).or(self.back_first).is_none_or(|first| first > expired)
    }

    fn expire(&mut self, expired: i64) {
        loop {
            while self.front.last().is_some_and(|(bucket, _)| *bucket <= expired) {
                self.front.pop();
            }
            if !self.front.is_empty() || self.back_first.is_none_or(|first| first > expired) {
                self.top = self.front.last().copied();
                return;
            }
            self.turn();
        }
    }

    /// Moves the newer part to the front.
    fn turn(&mut self) {
        let mut whole = Aggregate::EMPTY;
        self.back.extend(self.newest.take());
        while let Some((bucket, held)) = self.back.pop() {
            whole = held.then(&whole);
            self.front.push((bucket, whole));
        }
        self.back_first = None;
        self.back_whole = Aggregate::EMPTY;
    }
}
