//! What is kept of runs of values, in slots beside each other: two runs, one after the other, join to one.

/// How much is kept of the values of one track: no more than is read of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// How many.
    Count,
    /// That, and their sum.
    Sum,
    /// These, and the sum of the squared distances from their mean.
    Moments,
    /// How many, the first and the last.
    Ends,
    /// All of these, the least and the greatest, and the sums of changes upwards, downwards and squared.
    Path,
}

impl Kind {
    /// Returns the least that has what both have.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        use Kind::{Count, Ends, Moments, Path, Sum};
        match (self, other) {
            (Count, kept) | (kept, Count) => kept,
            (Sum, Sum) => Sum,
            (Sum | Moments, Sum | Moments) => Moments,
            (Ends, Ends) => Ends,
            _ => Path,
        }
    }

    /// Returns how many slots it has; the first is the count.
    pub const fn width(self) -> usize {
        match self {
            Self::Count => 1,
            Self::Sum => 2,
            Self::Moments | Self::Ends => 3,
            Self::Path => 10,
        }
    }
}

/// Returns how many slots tracks of these kinds have together: a row.
pub fn width(kinds: &[Kind]) -> usize {
    kinds.iter().map(|kind| kind.width()).sum()
}

/// Adds a later value to each track of a row; one that is not finite is none. A track without values has 0 in all slots.
pub fn add(kinds: &[Kind], mut row: &mut [f64], values: &[f64]) {
    for (kind, value) in kinds.iter().zip(values) {
        let Some((slots, rest)) = row.split_at_mut_checked(kind.width()) else { return };
        row = rest;
        if value.is_finite() {
            add_one(*kind, slots, *value);
        }
    }
}

fn add_one(kind: Kind, slots: &mut [f64], value: f64) {
    match (kind, slots) {
        (Kind::Count, [count]) => *count += 1.0,
        (Kind::Sum, [count, sum]) => {
            *sum = if *count == 0.0 { value } else { *sum + value };
            *count += 1.0;
        }
        (Kind::Moments, [count, sum, m2]) => {
            let before = *count;
            *count += 1.0;
            if before == 0.0 {
                *sum = value;
                return;
            }
            *m2 += apart(value - *sum / before, before, 1.0);
            *sum += value;
        }
        (Kind::Ends, [count, first, last]) => {
            if *count == 0.0 {
                *first = value;
            }
            *count += 1.0;
            *last = value;
        }
        (Kind::Path, [count, sum, m2, first, last, min, max, rises, falls, squares]) => {
            let before = *count;
            *count += 1.0;
            if before == 0.0 {
                (*sum, *first, *last, *min, *max) = (value, value, value, value, value);
                return;
            }
            *m2 += apart(value - *sum / before, before, 1.0);
            *sum += value;
            let change = value - *last;
            *last = value;
            *min = min.min(value);
            *max = max.max(value);
            *rises += change.max(0.0);
            *falls += (-change).max(0.0);
            *squares += change * change;
        }
        _ => {}
    }
}

/// Returns what two runs' squared distances lack, whose means are so far apart, as Chan, Golub and `LeVeque` (1983) have it.
fn apart(means: f64, before: f64, after: f64) -> f64 {
    means * means * before * after / (before + after)
}

/// Makes of a row that of its values and then the `later` ones.
pub fn then(kinds: &[Kind], mut row: &mut [f64], mut later: &[f64]) {
    for kind in kinds {
        let width = kind.width();
        let Some((slots, rest)) = row.split_at_mut_checked(width) else { return };
        let Some((added, later_rest)) = later.split_at_checked(width) else { return };
        (row, later) = (rest, later_rest);
        if slots.first() == Some(&0.0) {
            slots.copy_from_slice(added);
        } else if added.first() != Some(&0.0) {
            then_one(*kind, slots, added);
        }
    }
}

fn then_one(kind: Kind, slots: &mut [f64], added: &[f64]) {
    match (kind, slots, added) {
        (Kind::Count, [count], [more]) => *count += more,
        (Kind::Sum, [count, sum], [more, more_sum]) => {
            *count += more;
            *sum += more_sum;
        }
        (Kind::Moments, [count, sum, m2], [more, more_sum, more_m2]) => {
            *m2 = *m2 + more_m2 + apart(more_sum / more - *sum / *count, *count, *more);
            *count += more;
            *sum += more_sum;
        }
        (Kind::Ends, [count, _, last], [more, _, newest]) => {
            *count += more;
            *last = *newest;
        }
        (
            Kind::Path,
            [count, sum, m2, _, last, min, max, rises, falls, squares],
            [more, more_sum, more_m2, next, newest, least, greatest, up, down, squared],
        ) => {
            *m2 = *m2 + more_m2 + apart(more_sum / more - *sum / *count, *count, *more);
            *count += more;
            *sum += more_sum;
            let change = next - *last;
            *last = *newest;
            *min = min.min(*least);
            *max = max.max(*greatest);
            *rises = *rises + up + change.max(0.0);
            *falls = *falls + down + (-change).max(0.0);
            *squares = *squares + squared + change * change;
        }
        _ => {}
    }
}

/// Returns a count as a float, exact below 2^53.
#[allow(clippy::cast_precision_loss)] // no window has 2^53 values
pub const fn float(count: u64) -> f64 {
    count as f64
}
