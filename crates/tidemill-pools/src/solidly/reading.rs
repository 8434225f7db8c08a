//! What only a node tells of a Solidly pool: its fee, and its tokens' decimals.

use ruint::aliases::U256;

use crate::checked::{mul_div, sub};
use crate::error::PoolError;
use crate::uniswap_v2::Fee;

/// A fee of one, in the factory's ten-thousandths.
const FEE_ONE: u32 = 10_000;
/// The custom fee that stands for none at all.
const NO_FEE: u128 = 420;
/// Most decimals whose unit, 10^decimals, fits 64 bits.
const MOST_DECIMALS: u32 = 19;

/// What no log tells of a pool: its fee, and the decimals of its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Which part of the amount paid in is swapped.
    pub fee: Fee,
    decimals0: u32,
    decimals1: u32,
}

impl Reading {
    /// Returns a fee, and the decimals of token 0 and token 1.
    ///
    /// # Errors
    /// `Overflow` where a token has more than 19 decimals.
    pub const fn new(fee: Fee, decimals0: u32, decimals1: u32) -> Result<Self, PoolError> {
        if decimals0 > MOST_DECIMALS || decimals1 > MOST_DECIMALS {
            return Err(PoolError::Overflow);
        }
        Ok(Self { fee, decimals0, decimals1 })
    }

    /// Returns the decimals of token 0 and token 1.
    pub const fn decimals(&self) -> (u32, u32) {
        (self.decimals0, self.decimals1)
    }

    pub(super) fn unit0(&self) -> U256 {
        U256::from(10_u64.pow(self.decimals0))
    }

    pub(super) fn unit1(&self) -> U256 {
        U256::from(10_u64.pow(self.decimals1))
    }

    /// Returns what is swapped of `amount_in`; the fee is rounded down.
    pub(super) fn without_fee(&self, amount_in: U256) -> Result<U256, PoolError> {
        let (kept, whole) = self.fee.parts();
        sub(amount_in, mul_div(amount_in, U256::from(whole - kept), U256::from(whole))?)
    }

    /// Returns the least amount of which `net` is swapped.
    pub(super) fn with_fee(&self, net: U256) -> Result<U256, PoolError> {
        let (kept, whole) = self.fee.parts();
        let below = sub(net, U256::ONE)?;
        Ok(mul_div(below, U256::from(whole), U256::from(kept))? + U256::ONE)
    }

    /// Returns the reading with another fee; `None` where the factory's own fee is back in force, which no log tells.
    pub(super) fn with_custom_fee(self, fee: u128) -> Option<Self> {
        let part = match fee {
            0 => return None,
            NO_FEE => 0,
            fee => u32::try_from(fee).ok()?,
        };
        let fee = Fee::new(FEE_ONE.checked_sub(part)?, FEE_ONE).ok()?;
        Some(Self { fee, ..self })
    }
}
