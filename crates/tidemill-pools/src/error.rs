//! What can go wrong with a pool: a swap the contract would refuse, a log that is not what it claims, a bad record.

use thiserror::Error;

/// Why a swap or a change of liquidity cannot happen; the contract would revert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PoolError {
    /// An amount, a reserve or the liquidity is zero.
    #[error("expected amounts, reserves and liquidity above zero, found zero")]
    Empty,
    /// A number does not fit its width in the contract.
    #[error("expected a number that fits the contract's width, found an overflow")]
    Overflow,
    /// The pool cannot deliver what was asked.
    #[error("expected an output the pool can deliver in full, found too little liquidity")]
    Insufficient,
    /// The price limit is on the wrong side of the price, or out of range.
    #[error("expected a price limit beyond the price and within range, found one that is not")]
    PriceLimit,
    /// A tick is out of range, not a multiple of the spacing, or the lower is not below the upper.
    #[error("expected ticks in range, in order and on the spacing, found {lower} to {upper}")]
    Ticks {
        /// Lower tick of the position.
        lower: i32,
        /// Upper tick of the position.
        upper: i32,
    },
    /// The pool has no price yet.
    #[error("expected an initialised pool, found one without a price")]
    Uninitialised,
    /// A hook of the pool's own may change a swap.
    #[error("expected a pool without hooks, found one whose hook may change a swap")]
    Hooked,
    /// The fee is set while a swap runs.
    #[error("expected a fee that is known before the swap, found one that is set during it")]
    DynamicFee,
    /// Limit orders stand at the pool's ticks.
    #[error("expected liquidity in ranges only, found limit orders")]
    LimitOrders,
    /// The pool's ticks, its fee or its tokens' decimals are not known.
    #[error("expected a pool that is known in full, found one whose ticks, fee or decimals were not read")]
    Incomplete,
    /// A fee is not a fraction below one, or finer than this crate computes with.
    #[error("expected a fee below one with a supported denominator, found {numerator}/{denominator}")]
    Fee {
        /// Numerator as given.
        numerator: u32,
        /// Denominator as given.
        denominator: u32,
    },
    /// The coins of a swap are the same, or not the pool's.
    #[error("expected two different coins below {coins}, found {i} and {j}")]
    Coins {
        /// Coin paid in.
        i: usize,
        /// Coin paid out.
        j: usize,
        /// Number of coins the pool has.
        coins: usize,
    },
    /// An iteration of the contract does not settle.
    #[error("expected an iteration that converges, found one that does not")]
    Unconverged,
    /// A number is outside the limits within which the contract's maths is safe.
    #[error("expected numbers within the contract's safe limits, found one outside")]
    Unsafe,
    /// A swap would add to or take from a balance more than the contract lets one swap.
    #[error("expected a swap of at most 30% of a balance, found a larger one")]
    Ratio,
    /// A change of liquidity would move the invariant further than the pool lets one change.
    #[error("expected a change of liquidity within the pool's bounds, found a larger one")]
    Growth,
    /// The pool's hook refuses a change of liquidity that unbalances it.
    #[error("expected a change of liquidity that keeps the pool balanced, found one that its hook refuses")]
    Surge,
    /// A swap would leave less than the pool's invariant asks for.
    #[error("expected a swap that keeps the pool's invariant, found one that lowers it")]
    Invariant,
    /// A trade is below the vault's minimum.
    #[error("expected a trade of at least the vault's minimum, found a smaller one")]
    Small,
    /// The tokens of a swap are the same or not the pool's, or a list has not one value for each token.
    #[error("expected two different tokens of the pool and one value for each, found otherwise")]
    Tokens,
}

/// Why a log is not the event that its first topic names. Remedy: keep the log aside and go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The number of topics differs.
    #[error("{event}: expected {expected} topics, found {found}")]
    Topics {
        /// Name of the event.
        event: &'static str,
        /// Topics the event has.
        expected: usize,
        /// Topics the log has.
        found: usize,
    },
    /// The length of the data differs.
    #[error("{event}: expected {expected} bytes of data, found {found}")]
    Length {
        /// Name of the event.
        event: &'static str,
        /// Bytes the event has.
        expected: usize,
        /// Bytes the log has.
        found: usize,
    },
    /// A word does not fit the type of its field.
    #[error("{event}: expected {field} in range, found the word 0x{}", hex(word))]
    Range {
        /// Name of the event.
        event: &'static str,
        /// Name of the field and its type.
        field: &'static str,
        /// The word as it stands in the log.
        word: [u8; 32],
    },
}

/// Why recorded state cannot be read back.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RecordError {
    /// The record was written by another version.
    #[error("expected records of version {expected}, found version {found}")]
    Version {
        /// Version this code writes.
        expected: u8,
        /// Version found.
        found: u8,
    },
    /// The bytes do not follow the layout.
    #[error("expected {expected}, found {found} bytes, in the record of {}", hex(key))]
    Layout {
        /// What the layout asks for.
        expected: &'static str,
        /// Length found.
        found: usize,
        /// Key of the record.
        key: Vec<u8>,
    },
    /// The record names a protocol this build does not have.
    #[error("expected one of {expected}, found protocol {found:?}")]
    Protocol {
        /// Protocols known.
        expected: String,
        /// Protocol found.
        found: String,
    },
}

/// Spells bytes in lower-case hex, without a prefix.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
