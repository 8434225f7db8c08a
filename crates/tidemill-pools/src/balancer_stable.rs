//! Balancer's stable pools: balances that trade near par, by an invariant between a sum and a product.
//!
//! Source: balancer-v2-monorepo, `StableMath`, `StablePool`, `ComposableStablePool`; balancer-v3-monorepo, `StableMath`.

pub mod stable_math;
mod surge;
mod v2;
mod v3;

use ruint::aliases::{U256, U512};

use crate::balancer_fixed_point::{add, sub};
use crate::error::PoolError;
use crate::kind::Price;

use stable_math::{balance_given_invariant, d_p, invariant, StableVersion, AMP_PRECISION};
pub use surge::Surge;
pub use v2::{StableTerms, StableV2};
pub use v3::{StableV3, IMBALANCE_MAX};

/// Balances with 18 decimals, rates included, and how the pool computes with them.
#[derive(Debug)]
pub struct Curve<'a> {
    /// A·n^(n-1) times `AMP_PRECISION`.
    pub amp: U256,
    /// Which code the pool runs.
    pub version: StableVersion,
    /// Balances with 18 decimals; left changed by the swap.
    pub balances: &'a mut [U256],
}

impl Curve<'_> {
    /// Returns what `amount_in`, net of the fee, buys, rounded down and less one unit.
    ///
    /// # Errors
    /// Where the contract would revert: `Insufficient`, `Unconverged`, `Overflow`, `Empty`, `Tokens`.
    pub fn out_given_in(
        &mut self,
        token_in: usize,
        token_out: usize,
        amount_in: U256,
    ) -> Result<U256, PoolError> {
        let kept = invariant(self.amp, self.balances, self.version)?;
        let balance_out = *self.balances.get(token_out).ok_or(PoolError::Tokens)?;
        let balance_in = self.balances.get_mut(token_in).ok_or(PoolError::Tokens)?;
        *balance_in = add(*balance_in, amount_in)?;
        let after = balance_given_invariant(self.amp, self.balances, kept, token_out, self.version)?;
        sub(sub(balance_out, after)?, U256::ONE)
    }

    /// Returns what `amount_out` costs before the fee, rounded up and one unit more.
    ///
    /// # Errors
    /// Where the contract would revert: `Insufficient`, `Unconverged`, `Overflow`, `Empty`, `Tokens`.
    pub fn in_given_out(
        &mut self,
        token_in: usize,
        token_out: usize,
        amount_out: U256,
    ) -> Result<U256, PoolError> {
        let kept = invariant(self.amp, self.balances, self.version)?;
        let balance_in = *self.balances.get(token_in).ok_or(PoolError::Tokens)?;
        let balance_out = self.balances.get_mut(token_out).ok_or(PoolError::Tokens)?;
        *balance_out = sub(*balance_out, amount_out)?;
        let after = balance_given_invariant(self.amp, self.balances, kept, token_in, self.version)?;
        add(sub(after, balance_in)?, U256::ONE)
    }

    /// Returns the slope of the invariant at these balances: token out per token in, both with 18 decimals.
    ///
    /// With P = D^(n+1) / (n^n·Πx) it is (A·n + P / balance in) / (A·n + P / balance out), exact but for D and P, which
    /// are the contract's integers.
    ///
    /// # Errors
    /// `Empty` where a balance is zero, `Tokens` where there is no such token, and as the invariant.
    pub fn spot_price(&self, token_in: usize, token_out: usize) -> Result<Price, PoolError> {
        let of = |token: usize| self.balances.get(token).copied().ok_or(PoolError::Tokens);
        let (balance_in, balance_out) = (of(token_in)?, of(token_out)?);
        if self.balances.contains(&U256::ZERO) {
            return Err(PoolError::Empty);
        }
        let kept = invariant(self.amp, self.balances, self.version)?;
        let d_p = U512::from(d_p(self.balances, kept)?) * U512::from(AMP_PRECISION);
        let amp = U512::from(self.amp) * U512::from(self.balances.len());
        let slope = |balance: U256| {
            amp.checked_mul(U512::from(balance)).and_then(|weighted| weighted.checked_add(d_p))
        };
        let fraction = |over: U256, under: U256| slope(over)?.checked_mul(U512::from(under));
        Ok(Price {
            numerator: fraction(balance_in, balance_out).ok_or(PoolError::Overflow)?,
            denominator: fraction(balance_out, balance_in).ok_or(PoolError::Overflow)?,
        })
    }
}
