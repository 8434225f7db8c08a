//! Receipts and traces of a block to transfers, swaps, and what its transactions were: arbitrages, sandwiches and the like; no I/O.
//!
//! What is said rests on value: every token's flows over all parties of a transaction sum to zero by how they are kept, and a circle of
//! swaps counts as a gain only by what those who made it have afterwards.

mod arbitrage;
mod block;
mod component;
mod facts;
mod gain;
mod inspect;
mod ledger;
mod liquidation;
mod liquidity;
mod loan;
mod price;
mod read;
mod report;
mod route;
mod sandwich;
mod solana;
mod swap;
mod transfer;
mod worth;

pub use arbitrage::{Arbitrage, Shape, Verdict};
pub use block::{Block, Call, CallKind, Event, Tx};
pub use facts::Facts;
pub use gain::Gain;
pub use inspect::{explain, Explained, Kind};
pub use ledger::{Flow, Ledger, Sum};
pub use read::read_block;
pub use report::inspect;
pub use solana::inspect_solana;
pub use swap::{Protocol, Swap};
pub use transfer::{Place, Transfer, NATIVE, NOBODY};
