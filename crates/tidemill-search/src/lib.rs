//! Where a trade in a circle pays, how large it must be, and what is left after all costs; no input or output.

mod costs;
mod float;
mod least;
mod leg;
pub mod sizing;

pub use costs::{Costs, Fraction, GasTable, HopKind, L1Fee, Net, Outcome, Signed};
pub use leg::{Leg, Quoting};
pub use sizing::{size, Effort, Sized};
