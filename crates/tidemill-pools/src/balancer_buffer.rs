//! The V3 vault's buffers: a token for its ERC-4626 wrapper at the wrapper's own rate.
//!
//! Source: balancer-v3-monorepo, `Vault.erc4626BufferWrapOrUnwrap`. A buffer is made of what is given: none is read from
//! a chain.

use ruint::aliases::U256;

use crate::balancer_fixed_point::{add, quotient_down, quotient_up, sub, times};
use crate::checked::small;
use crate::error::PoolError;

/// Least amount that the vault wraps or unwraps, raw units.
pub const LEAST_WRAP: U256 = small(1_000);

/// Which way a buffer trades.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapping {
    /// The token is paid in, its wrapper out.
    Wrap,
    /// The wrapper is paid in, its token out.
    Unwrap,
}

/// A wrapper's rate: so many shares are worth so many assets, raw units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buffer {
    assets: U256,
    shares: U256,
    /// Units by which the vault lowers what it asks the wrapper for, and what the wrapper answers.
    margin: U256,
}

impl Buffer {
    /// Returns the buffer of a wrapper whose `shares` are worth `assets`; `is_cautious` says that its vault takes a unit
    /// off an amount in and off what that buys, and adds them to an amount out and to what that costs, as deployed ones do.
    ///
    /// # Errors
    /// `Empty` where either is zero.
    pub fn new(assets: U256, shares: U256, is_cautious: bool) -> Result<Self, PoolError> {
        if assets.is_zero() || shares.is_zero() {
            return Err(PoolError::Empty);
        }
        Ok(Self { assets, shares, margin: U256::from(is_cautious) })
    }

    /// Returns what `amount_in` buys.
    ///
    /// # Errors
    /// `Small` below `LEAST_WRAP`, `Insufficient` where it buys nothing, `Overflow` beyond 256 bits.
    pub fn amount_out(&self, wrapping: Wrapping, amount_in: U256) -> Result<U256, PoolError> {
        let (product, divisor) = self.converted(wrapping, sub(enough(amount_in)?, self.margin)?, true)?;
        sub(quotient_down(product, divisor)?, self.margin)
    }

    /// Returns what `amount_out` costs.
    ///
    /// # Errors
    /// `Small` below `LEAST_WRAP`, `Overflow` beyond 256 bits.
    pub fn amount_in(&self, wrapping: Wrapping, amount_out: U256) -> Result<U256, PoolError> {
        let (product, divisor) = self.converted(wrapping, add(enough(amount_out)?, self.margin)?, false)?;
        add(quotient_up(product, divisor)?, self.margin)
    }

    /// Returns an amount at the rate, as a fraction: of what is paid in, or of what is paid out.
    fn converted(
        &self,
        wrapping: Wrapping,
        amount: U256,
        is_paid_in: bool,
    ) -> Result<(U256, U256), PoolError> {
        // Assets become shares where they are wrapped, and where they are what unwrapping is to give.
        if (wrapping == Wrapping::Wrap) == is_paid_in {
            Ok((times(amount, self.shares)?, self.assets))
        } else {
            Ok((times(amount, self.assets)?, self.shares))
        }
    }
}

fn enough(amount: U256) -> Result<U256, PoolError> {
    if amount < LEAST_WRAP {
        Err(PoolError::Small)
    } else {
        Ok(amount)
    }
}
