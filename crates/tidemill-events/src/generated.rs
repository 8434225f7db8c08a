//! Every event's fields. Written by `make generate`; do not edit.

mod arbitrage;
mod chain;
mod decision;
mod derived;
mod execution;
mod health;
mod market;
mod subgraph;
mod whale;

pub use arbitrage::*;
pub use chain::*;
pub use decision::*;
pub use derived::*;
pub use execution::*;
pub use health::*;
pub use market::*;
pub use subgraph::*;
pub use whale::*;
