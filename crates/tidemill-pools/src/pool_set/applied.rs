//! What applying a block comes to: records, and what must be told beside the events.

use thiserror::Error;

use crate::chain::Address;
use crate::error::DecodeError;
use crate::kind::Contradiction;
use crate::patch::Patch;

/// A block that cannot be applied; nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ApplyError {
    /// A log is of another block.
    #[error("block {number}: expected only its own logs, found log {log_index} of block {found}")]
    Block {
        /// The block being applied.
        number: u64,
        /// Block the log names.
        found: u64,
        /// The log's index.
        log_index: u32,
    },
    /// The logs are out of order, or one comes twice.
    #[error("block {number}: expected a log after log {previous}, found log {found}")]
    Order {
        /// The block being applied.
        number: u64,
        /// Index of the log before.
        previous: u32,
        /// Index found.
        found: u32,
    },
}

/// A pool whose ticks a log contradicts: it must be read anew, and quotes nothing until then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// The pool.
    pub pool: Address,
    /// Block of the log.
    pub block_number: u64,
    /// Index of the log.
    pub log_index: u32,
    /// What was expected and found.
    pub contradiction: Contradiction,
}

/// A log of a followed pool or factory that is malformed; it was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFault {
    /// The contract.
    pub address: Address,
    /// Block of the log.
    pub block_number: u64,
    /// Index of the log.
    pub log_index: u32,
    /// What is wrong with it.
    pub error: DecodeError,
}

/// What a step did beside the events it pushed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Records that take the step back.
    pub undo: Patch,
    /// Records as they are after the step.
    pub redo: Patch,
    /// Pools that factories made.
    pub created: Vec<Address>,
    /// Pools that must be read anew.
    pub drifts: Vec<Drift>,
    /// Logs left out.
    pub faults: Vec<LogFault>,
}
