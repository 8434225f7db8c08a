//! Where a trade in a circle pays, how large it must be, and what is left after all costs; no input or output.

mod autopsy;
mod book;
mod chain;
mod costs;
mod cycle;
mod cycles;
mod float;
mod followed;
mod graph;
mod leg;
mod market;
mod rows;
mod scan;
pub mod sizing;
mod usd;

pub use autopsy::{Ending, FoundPath, PathHop, PathWatch, PathWorth, Taker};
pub use book::{BookTerms, Level, NamedBook, OrderBook, Trade};
pub use chain::{ChainOptions, ChainScan, ChainSearch};
pub use costs::{Costs, Fraction, GasTable, HopKind, L1Fee, Net, Outcome, Signed};
pub use cycle::Cycle;
pub use followed::Followed;
pub use graph::Graph;
pub use leg::{Leg, Quoting};
pub use market::{Hop, Market, PoolFault};
pub use scan::{Opportunity, Scan, Search};
pub use sizing::{size, Effort, SizeError, Sized};
pub use usd::{usd_price, StableToken, UsdPrice, UsdStep};
