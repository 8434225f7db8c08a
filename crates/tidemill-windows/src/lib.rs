//! Sliding-window aggregates by key, kept incrementally, and features made of them: of what came before, never after.
//!
//! A plan says which measures are kept by which key in which windows, and which program makes features of them. No I/O, no clock.

mod aggregate;
mod engine;
mod error;
mod layout;
mod plan;
mod program;
mod quantiles;
mod registers;
mod rows;
mod window;

pub use aggregate::{width, Kind};
pub use engine::Engine;
pub use error::WindowError;
pub use plan::{Output, Plan, Read, Series, Statistic, Track};
pub use program::Step;
pub use quantiles::{Quantiles, ACCURACY};
pub use rows::{Key, Rows};
pub use window::{Span, Window};
