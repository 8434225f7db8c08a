//! Which messages a live book takes: a pure step from its place in the venue's order to the next.

use crate::rule::Ordering;

/// Where a live book stands in its venue's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// When the snapshot was so.
    pub snapshot_ns: i64,
    /// When the newest message was so.
    pub newest_ns: i64,
    /// The number of the newest change.
    pub last_update: Option<u64>,
}

/// What orders one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// When it was so.
    pub event_ns: i64,
    /// The number of its first change.
    pub first_update: Option<u64>,
    /// The number of its last change.
    pub last_update: Option<u64>,
}

/// Whether a message counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It does, and the book is there afterwards.
    Apply(Place),
    /// It is in the snapshot already.
    Skip,
    /// One before it is missing.
    Missing(String),
}

/// Returns whether a snapshot that is so marked replaces a live book: one that is older than what was applied does not.
#[must_use]
pub fn is_newer(ordering: Ordering, place: &Place, snapshot: &Mark) -> bool {
    match ordering {
        Ordering::Arrival => true,
        Ordering::Time => snapshot.event_ns >= place.newest_ns,
        Ordering::Updates => snapshot.last_update >= place.last_update,
    }
}

/// Returns the step that a change makes.
#[must_use]
pub fn step(ordering: Ordering, place: &Place, change: &Mark) -> Step {
    let next = Place {
        newest_ns: place.newest_ns.max(change.event_ns),
        last_update: change.last_update.or(place.last_update),
        ..*place
    };
    match ordering {
        Ordering::Time if change.event_ns < place.snapshot_ns => Step::Skip,
        Ordering::Arrival | Ordering::Time => Step::Apply(next),
        Ordering::Updates => {
            let (Some(last), Some(first), Some(newest)) =
                (place.last_update, change.first_update, change.last_update)
            else {
                return Step::Missing("expected update numbers, found a message without".to_owned());
            };
            if newest <= last {
                Step::Skip
            } else if first <= last + 1 {
                Step::Apply(next)
            } else {
                Step::Missing(format!("expected update {}, the next is {first}", last + 1))
            }
        }
    }
}
