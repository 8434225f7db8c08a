//! Where pools live, as far as the search must know.

use thiserror::Error;
use tidemill_pools::PoolError;

use crate::leg::Leg;

/// Pools and tokens by dense numbers, which the caller gives out.
pub trait Market {
    /// Returns a pool in one direction.
    ///
    /// # Errors
    /// Where the pool is not there, has no such tokens, or cannot be priced.
    fn leg(&self, pool: u32, token_in: u32, token_out: u32) -> Result<Leg<'_>, PoolError>;
}

/// A pool that left the search, or a path that could not be sized for it; the others go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("pool {pool}: {error}")]
pub struct PoolFault {
    /// The pool.
    pub pool: u32,
    /// What it said.
    pub error: PoolError,
}

/// One hop of a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hop {
    /// The pool.
    pub pool: u32,
    /// What is paid in.
    pub token_in: u32,
    /// What comes out.
    pub token_out: u32,
}
