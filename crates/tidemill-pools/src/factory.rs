//! Which factories make the pools that are followed: a fork of a protocol is one of these values.

use crate::algebra::Generation;
use crate::chain::Address;
use crate::uniswap_v2::Fee;

/// A factory contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Factory {
    /// The contract's address.
    pub address: Address,
    /// Protocol of its pools, one of `KINDS`.
    pub protocol: String,
    /// Whose it is, such as `sushiswap`.
    pub dex: String,
    /// Fee of its pools where the factory's event does not say it, as for Uniswap V2 and its forks.
    pub fee: Fee,
    /// Code base of its pools where the protocol is Algebra, which has several.
    pub generation: Generation,
}
