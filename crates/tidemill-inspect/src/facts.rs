//! What has to be known of a chain before its blocks can be explained.

use tidemill_pools::Address;

/// A chain's facts.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The contract of the wrapped native coin.
    pub wrapped: Option<Address>,
    /// Tokens that stand for a USD, with their decimals.
    pub stables: Vec<(Address, u32)>,
    /// Contracts that strangers trade through: no one of them is who trades.
    pub routers: Vec<Address>,
}
