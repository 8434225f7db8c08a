//! What an ERC-20 token's log says of a transfer. Source: EIP-20.

use ruint::aliases::U256;

use crate::abi::{hash, Fields};
use crate::chain::{Address, Hash, Log};

/// Topic of `Transfer`.
pub const TRANSFER: Hash = hash("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

/// Tokens that changed hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// Who had them.
    pub from: Address,
    /// Who has them.
    pub to: Address,
    /// How many, raw units.
    pub amount: U256,
}

impl Transfer {
    /// Reads a log; `None` where it is no transfer of an ERC-20 token: an ERC-721's has another shape.
    pub fn decode(log: &Log<'_>) -> Option<Self> {
        if log.topics.first() != Some(&TRANSFER) {
            return None;
        }
        let fields = Fields::<3, 32>::of(log, "Transfer").ok()?;
        Some(Self {
            from: fields.topic(1, "address from").address().ok()?,
            to: fields.topic(2, "address to").address().ok()?,
            amount: fields.word(0, "uint256 value").u256(),
        })
    }
}
