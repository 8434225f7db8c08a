//! Calls run on chain state that is given: what they did, or which part of the state is missing; no I/O.

mod balances;
mod outcome;
mod run;
mod state;

pub use outcome::{BalanceChange, Outcome};
pub use run::{run, run_each, Block, Call, CannotRun};
pub use state::{spec_named, ChainState, Code, Missing, Override, Overrides, Reads};

/// Twenty bytes.
pub type Address = [u8; 20];
