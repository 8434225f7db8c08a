//! Quantiles of one sliding window, each to 1 % of its value.
//!
//! Values fall into classes whose bounds grow by a constant factor; a bucket keeps how many it has of each, so that what leaves the
//! window is subtracted, in whole numbers. Source: Masson, Rim and Lee (2019), `DDSketch`, PVLDB 12(12), section 2.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::window::Span;

/// A quantile is within this share of the value that it stands for.
pub const ACCURACY: f64 = 0.01;
/// Magnitudes below this are not told from 0.
const LEAST: f64 = 1e-18;

/// So many neighbouring classes are counted together, too: a rank is found among these first.
const GROUP: i32 = 32;

/// Neighbouring classes: how many values they have together, and each of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Group {
    count: u64,
    of_class: [u32; GROUP as usize],
}

/// The classes of one window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// Buckets, and how many values each has.
    buckets: VecDeque<(i64, usize)>,
    /// The class of each value, in the order of time.
    classes: VecDeque<i32>,
    /// Groups of neighbouring classes, in order.
    whole: Vec<(i32, Group)>,
}

impl Quantiles {
    /// Adds a value at a time that is not before the last one's.
    pub fn add(&mut self, span: Span, time_ns: i64, value: f64) {
        self.expire(span, time_ns);
        let bucket = span.bucket(time_ns);
        let class = class_of(value);
        match self.buckets.back_mut() {
            Some((newest, held)) if *newest == bucket => *held += 1,
            _ => self.buckets.push_back((bucket, 1)),
        }
        self.classes.push_back(class);
        let number = class.div_euclid(GROUP);
        let at = self.whole.partition_point(|(other, _)| *other < number);
        if self.whole.get(at).is_none_or(|(other, _)| *other != number) {
            self.whole.insert(at, (number, Group::default()));
        }
        let Some((_, group)) = self.whole.get_mut(at) else { return };
        group.count += 1;
        if let Some(held) = group.of_class.get_mut(place_of(class)) {
            *held += 1;
        }
    }

    /// Says whether nothing that is held is expired at a time.
    pub fn is_current(&self, span: Span, time_ns: i64) -> bool {
        let expired = span.expired(time_ns);
        self.buckets.front().is_none_or(|(bucket, _)| *bucket > expired)
    }

    /// Returns the value that the share `quantile` of the held values do not exceed; `None` where there are none.
    pub fn at(&self, quantile: f64) -> Option<f64> {
        let last = (self.classes.len() as u64).checked_sub(1)?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a share of a count
        let rank = (quantile.clamp(0.0, 1.0) * crate::aggregate::float(last)).floor() as u64;
        let mut passed = 0;
        let (number, group) = self.whole.iter().find(|(_, group)| {
            passed += group.count;
            passed > rank
        })?;
        passed -= group.count;
        let place = group.of_class.iter().position(|count| {
            passed += u64::from(*count);
            passed > rank
        })?;
        Some(value_of(number * GROUP + i32::try_from(place).ok()?))
    }

    /// Lets go of what is expired at a time.
    pub fn expire(&mut self, span: Span, time_ns: i64) {
        let expired = span.expired(time_ns);
        while self.buckets.front().is_some_and(|(bucket, _)| *bucket <= expired) {
            let Some((_, gone)) = self.buckets.pop_front() else { return };
            for class in self.classes.drain(..gone) {
                let number = class.div_euclid(GROUP);
                let Ok(at) = self.whole.binary_search_by_key(&number, |(other, _)| *other) else { continue };
                let Some((_, group)) = self.whole.get_mut(at) else { continue };
                group.count -= 1;
                if let Some(held) = group.of_class.get_mut(place_of(class)) {
                    *held -= 1;
                }
                if group.count == 0 {
                    self.whole.remove(at);
                }
            }
        }
    }
}

/// Returns the place of a class in its group.
#[allow(clippy::cast_sign_loss)] // a remainder
fn place_of(class: i32) -> usize {
    class.rem_euclid(GROUP) as usize
}

fn growth() -> f64 {
    (1.0 + ACCURACY) / (1.0 - ACCURACY)
}

/// Returns the class of a value: 0 for nothing, from 1 up by magnitude, below 0 for negative values.
fn class_of(value: f64) -> i32 {
    let magnitude = value.abs();
    if magnitude < LEAST {
        return 0;
    }
    #[allow(clippy::cast_possible_truncation)] // the logarithm of any float to this base has five digits
    let class = ((magnitude / LEAST).ln() / growth().ln()).ceil() as i32 + 1;
    if value < 0.0 {
        -class
    } else {
        class
    }
}

fn value_of(class: i32) -> f64 {
    if class == 0 {
        return 0.0;
    }
    let magnitude = LEAST * growth().powi(class.abs() - 1) * 2.0 / (growth() + 1.0);
    magnitude.copysign(f64::from(class))
}
