//! Order books: a venue's frames to events, events to exact books; no I/O, and no clock.
//!
//! Prices and sizes are numbers of 10^-18. A book is void until a snapshot, follows its venue's rule from there on, and is
//! void again where a change is missing; no other book is touched by that.

mod book;
mod decimal;
mod entry;
mod frames;
pub mod kraken;
pub mod latest;
pub mod polymarket;
mod rows;
mod rule;
mod set;
mod state;

pub use book::{Book, Level, Side, Top};
pub use decimal::{digits, parse, ONE};
pub use entry::Counts;
pub use frames::{Connection, Other, Read, Unread};
pub use rows::RowsError;
pub use rule::{ChecksumKind, Ordering, Rule};
pub use set::{Applied, BookSet, Gap, Origin};
pub use state::Place;
