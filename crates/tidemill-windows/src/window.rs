//! One sliding window of one key: buckets of time, and the aggregates of all its tracks in constant time however long it is.
//!
//! Two stacks in one run of rows: the older part is kept as aggregates to its end, so that the oldest bucket is taken off
//! without a subtraction, which floats would not forgive. Source: Tangwongsan et al. (2017), Low-Latency Sliding-Window Aggregation.

use serde::{Deserialize, Serialize};

use crate::aggregate::{add, then, width, Kind};

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

/// The values of one window; what its tracks are is told at each call, and always the same.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// The oldest bucket that is held.
    oldest: Option<i64>,
    /// The newest, where it is not among `buckets`.
    newest: Option<i64>,
    /// The others, in order.
    buckets: Vec<i64>,
    /// How many of these are expired.
    gone: usize,
    /// How many are of the older part.
    turned: usize,
    /// Rows: the aggregate of the newer part, the newest with it; the newest; then each of `buckets`, those of the older
    /// part with the aggregate from it to the end of that part.
    rows: Vec<f64>,
}

impl Window {
    /// Adds a value of each track at a time that is not before the last one's; what is not finite is none.
    pub fn add(&mut self, kinds: &[Kind], span: Span, time_ns: i64, values: &[f64]) {
        let expired = span.expired(time_ns);
        if self.oldest.is_some_and(|oldest| oldest <= expired) {
            self.expire(kinds, expired);
        }
        if !values.iter().any(|value| value.is_finite()) {
            return;
        }
        let width = width(kinds);
        let bucket = span.bucket(time_ns);
        if self.newest != Some(bucket) {
            self.keep_newest(width);
            self.newest = Some(bucket);
            self.oldest.get_or_insert(bucket);
        }
        let Some((whole, rest)) = self.rows.split_at_mut_checked(width) else { return };
        add(kinds, whole, values);
        if let Some(newest) = rest.get_mut(..width) {
            add(kinds, newest, values);
        }
    }

    /// Writes the aggregates at a time that is not before the last value's to `into`, a row; what is held stays as it is.
    pub fn at(&self, kinds: &[Kind], span: Span, time_ns: i64, into: &mut [f64]) {
        let width = into.len();
        let (Some(whole), Some(oldest)) = (self.rows.get(..width), self.oldest) else {
            into.fill(0.0);
            return;
        };
        let expired = span.expired(time_ns);
        let is_held = |at: &usize| self.buckets.get(*at).is_some_and(|bucket| *bucket > expired);
        // mostly the first is; those that are expired are a run of one or two
        let front = if oldest > expired {
            Some(self.gone).filter(|gone| *gone < self.turned)
        } else {
            (self.gone..self.turned).find(is_held)
        };
        if let Some(front) = front.and_then(|front| self.row(front, width)) {
            into.copy_from_slice(front);
            then(kinds, into, whole);
        } else if self.back_first().is_none_or(|first| first > expired) {
            into.copy_from_slice(whole);
        } else {
            into.fill(0.0);
            let held = (self.turned..self.buckets.len()).filter(is_held);
            for row in held.filter_map(|at| self.row(at, width)) {
                then(kinds, into, row);
            }
            if let Some(row) = self.newest_row(width).filter(|_| self.newest > Some(expired)) {
                then(kinds, into, row);
            }
        }
    }

    /// Returns the number of buckets that are held.
    pub fn buckets(&self) -> usize {
        self.buckets.len() - self.gone + usize::from(self.newest.is_some())
    }

    fn row(&self, at: usize, width: usize) -> Option<&[f64]> {
        self.rows.get((at + 2) * width..(at + 3) * width)
    }

    fn newest_row(&self, width: usize) -> Option<&[f64]> {
        self.newest.and_then(|_| self.rows.get(width..2 * width))
    }

    /// Returns the oldest bucket of the newer part.
    fn back_first(&self) -> Option<i64> {
        self.buckets.get(self.turned).copied().or(self.newest)
    }

    /// Moves the newest bucket to the others, and makes room for another.
    fn keep_newest(&mut self, width: usize) {
        if self.rows.is_empty() {
            self.rows.resize(2 * width, 0.0);
        }
        if let Some(newest) = self.newest.take() {
            self.buckets.push(newest);
            self.rows.extend_from_within(width..2 * width);
        }
        if let Some(row) = self.rows.get_mut(width..2 * width) {
            row.fill(0.0);
        }
    }

    fn expire(&mut self, kinds: &[Kind], expired: i64) {
        loop {
            while self.gone < self.turned && self.buckets.get(self.gone).is_some_and(|gone| *gone <= expired)
            {
                self.gone += 1;
            }
            let back_first = self.back_first();
            if self.gone < self.turned {
                self.oldest = self.buckets.get(self.gone).copied();
                return;
            }
            self.forget(width(kinds));
            if back_first.is_none_or(|first| first > expired) {
                self.oldest = back_first;
                return;
            }
            self.turn(kinds);
        }
    }

    /// Lets go of the older part, of which all is expired.
    fn forget(&mut self, width: usize) {
        self.buckets.drain(..self.gone);
        self.rows.drain(2 * width..(2 + self.gone) * width);
        (self.gone, self.turned) = (0, 0);
    }

    /// Makes the newer part the older one; of that nothing is left.
    fn turn(&mut self, kinds: &[Kind]) {
        let width = width(kinds);
        self.keep_newest(width);
        self.turned = self.buckets.len();
        for at in (0..self.turned.saturating_sub(1)).rev() {
            let Some((before, later)) = self.rows.split_at_mut_checked((at + 3) * width) else { return };
            if let (Some(row), Some(later)) = (before.get_mut((at + 2) * width..), later.get(..width)) {
                then(kinds, row, later);
            }
        }
        if let Some(whole) = self.rows.get_mut(..width) {
            whole.fill(0.0);
        }
    }
}
