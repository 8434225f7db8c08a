//! What is kept of a run of values: two runs, one after the other, join to one.

use serde::{Deserialize, Serialize};

/// Statistics of a run of values in order.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Aggregate {
    /// How many values.
    pub count: u64,
    /// The first of them; as the following, without meaning where there is none.
    pub first: f64,
    /// The last.
    pub last: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// Their sum.
    pub sum: f64,
    /// Sum of the squared distances from their mean.
    pub m2: f64,
    /// Sum of the changes upwards from value to value.
    pub rises: f64,
    /// Sum of the changes downwards, as a positive number.
    pub falls: f64,
    /// Sum of the squared changes.
    pub squares: f64,
}

impl Aggregate {
    /// Of no values.
    pub const EMPTY: Self = Self {
        count: 0,
        first: 0.0,
        last: 0.0,
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
        sum: 0.0,
        m2: 0.0,
        rises: 0.0,
        falls: 0.0,
        squares: 0.0,
    };

    /// Returns that of one value.
    pub const fn of(value: f64) -> Self {
        Self { count: 1, first: value, last: value, min: value, max: value, sum: value, ..Self::EMPTY }
    }

    /// Returns that of these values and then the `later` ones.
    ///
    /// Squared distances are joined as Chan, Golub and `LeVeque` (1983) do.
    #[must_use]
    pub fn then(&self, later: &Self) -> Self {
        if self.count == 0 {
            return *later;
        }
        if later.count == 0 {
            return *self;
        }
        let (before, after) = (float(self.count), float(later.count));
        let apart = later.sum / after - self.sum / before;
        let change = later.first - self.last;
        Self {
            count: self.count + later.count,
            first: self.first,
            last: later.last,
            min: self.min.min(later.min),
            max: self.max.max(later.max),
            sum: self.sum + later.sum,
            m2: self.m2 + later.m2 + apart * apart * before * after / (before + after),
            rises: self.rises + later.rises + change.max(0.0),
            falls: self.falls + later.falls + (-change).max(0.0),
            squares: self.squares + later.squares + change * change,
        }
    }

    /// Adds a later value, as `then` that of it alone.
    pub fn add(&mut self, value: f64) {
        if self.count == 0 {
            *self = Self::of(value);
            return;
        }
        let before = float(self.count);
        let apart = value - self.sum / before;
        let change = value - self.last;
        self.count += 1;
        self.last = value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.sum += value;
        self.m2 += apart * apart * before / (before + 1.0);
        self.rises += change.max(0.0);
        self.falls += (-change).max(0.0);
        self.squares += change * change;
    }

    /// Returns the mean.
    pub fn mean(&self) -> f64 {
        self.sum / float(self.count)
    }

    /// Returns the deviation, of the population.
    pub fn deviation(&self) -> f64 {
        (self.m2.max(0.0) / float(self.count)).sqrt()
    }
}

/// Returns a count as a float, exact below 2^53.
#[allow(clippy::cast_precision_loss)] // no window has 2^53 values
pub(crate) const fn float(count: u64) -> f64 {
    count as f64
}
