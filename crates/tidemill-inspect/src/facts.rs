//! What has to be known of a chain before its blocks can be explained.

use tidemill_pools::Address;

/// A chain's facts.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The contract of the wrapped native coin.
    pub wrapped: Option<Address>,
    /// Tokens that stand for a USD, with their decimals.
    pub stables: Vec<(Address, u32)>,
    /// Contracts that strangers trade through, with their names: no one of them is who trades.
    pub routers: Vec<(Address, String)>,
}

impl Facts {
    /// Returns the name of the router at `address`.
    pub fn router(&self, address: Address) -> Option<&str> {
        self.routers.iter().find(|(router, _)| *router == address).map(|(_, name)| name.as_str())
    }
}
