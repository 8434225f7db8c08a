//! Signed numbers of 256 bits whose quotients are rounded towards zero, as those of contracts are.

use ruint::aliases::U256;

use crate::checked::{add, div, mul};
use crate::error::PoolError;

/// A signed number: zero is not negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) is_negative: bool,
    pub(crate) size: U256,
}

impl Signed {
    /// Returns a number; the contract reverts at 2^255.
    pub(crate) fn new(is_negative: bool, size: U256) -> Result<Self, PoolError> {
        if size.bit(255) {
            return Err(PoolError::Overflow);
        }
        Ok(Self { is_negative: is_negative && !size.is_zero(), size })
    }

    /// Returns a number that is not negative.
    pub(crate) fn of(size: U256) -> Result<Self, PoolError> {
        Self::new(false, size)
    }

    /// Returns the number with the other sign.
    pub(crate) fn negated(self) -> Self {
        Self { is_negative: !self.is_negative && !self.size.is_zero(), size: self.size }
    }

    /// Adds.
    pub(crate) fn plus(self, other: Self) -> Result<Self, PoolError> {
        if self.is_negative == other.is_negative {
            return Self::new(self.is_negative, add(self.size, other.size)?);
        }
        let is_negative = if self.size >= other.size { self.is_negative } else { other.is_negative };
        Self::new(is_negative, self.size.abs_diff(other.size))
    }

    /// Subtracts.
    pub(crate) fn minus(self, other: Self) -> Result<Self, PoolError> {
        self.plus(other.negated())
    }

    /// Multiplies.
    pub(crate) fn times(self, other: Self) -> Result<Self, PoolError> {
        Self::new(self.is_negative != other.is_negative, mul(self.size, other.size)?)
    }

    /// Divides, rounding towards zero.
    pub(crate) fn over(self, other: Self) -> Result<Self, PoolError> {
        Self::new(self.is_negative != other.is_negative, div(self.size, other.size)?)
    }
}
