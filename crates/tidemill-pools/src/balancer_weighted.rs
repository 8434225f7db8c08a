//! Balancer's weighted pools: the product of the balances, each to the power of its weight, does not fall.
//!
//! Source: balancer-v2-monorepo, `WeightedMath`, `BaseWeightedPool`; balancer-v3-monorepo, `WeightedMath`.

mod v2;
mod v3;

use ruint::aliases::{U256, U512};

use crate::balancer_fixed_point::{
    add, bounds_of_pow_up, complement, div_down, div_up, mul_down, mul_up, pow_up, sub, PowVersion, ONE,
};
use crate::error::PoolError;
use crate::kind::Price;

pub use v2::{WeightedTerms, WeightedV2};
pub use v3::WeightedV3;

/// Most that one swap may add to or take from a balance: 30%.
const MAX_RATIO: U256 = U256::from_limbs([300_000_000_000_000_000, 0, 0, 0]);

/// A token's balance and its weight, both with 18 decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weighted {
    /// Balance.
    pub balance: U256,
    /// Weight; those of a pool add up to one.
    pub weight: U256,
}

/// Returns what `amount_in`, net of the fee, buys: Bo·(1 - (Bi / (Bi + in))^(wi/wo)), rounded down.
///
/// # Errors
/// `Ratio` where `amount_in` is above 30% of the balance, `Empty` without balance or weight, `Overflow` where the
/// contract's checked arithmetic reverts.
pub fn out_given_in(
    token_in: Weighted,
    token_out: Weighted,
    amount_in: U256,
    version: PowVersion,
) -> Result<U256, PoolError> {
    let (base, exponent) = power_given_in(token_in, token_out, amount_in)?;
    mul_down(token_out.balance, complement(pow_up(base, exponent, version)?))
}

/// Returns between which amounts `out_given_in` is, whatever the version; `None` where all versions give the same.
///
/// # Errors
/// As `out_given_in`.
pub fn bounds_given_in(
    token_in: Weighted,
    token_out: Weighted,
    amount_in: U256,
) -> Result<Option<(U256, U256)>, PoolError> {
    let (base, exponent) = power_given_in(token_in, token_out, amount_in)?;
    let Some(bounds) = bounds_of_pow_up(base, exponent) else { return Ok(None) };
    let (lowest, highest) = bounds?;
    let bought = |power| mul_down(token_out.balance, complement(power));
    Ok(Some((bought(highest)?, bought(lowest)?)))
}

/// Returns base and exponent of what is left of the balance that is bought from.
fn power_given_in(
    token_in: Weighted,
    token_out: Weighted,
    amount_in: U256,
) -> Result<(U256, U256), PoolError> {
    if amount_in > mul_down(token_in.balance, MAX_RATIO)? {
        return Err(PoolError::Ratio);
    }
    let base = div_up(token_in.balance, add(token_in.balance, amount_in)?)?;
    Ok((base, div_down(token_in.weight, token_out.weight)?))
}

/// Returns what `amount_out` costs before the fee: Bi·((Bo / (Bo - out))^(wo/wi) - 1), rounded up.
///
/// # Errors
/// `Ratio` where `amount_out` is above 30% of the balance, `Empty` without balance or weight, `Overflow` where the
/// contract's checked arithmetic reverts.
pub fn in_given_out(
    token_in: Weighted,
    token_out: Weighted,
    amount_out: U256,
    version: PowVersion,
) -> Result<U256, PoolError> {
    if amount_out > mul_down(token_out.balance, MAX_RATIO)? {
        return Err(PoolError::Ratio);
    }
    let base = div_up(token_out.balance, sub(token_out.balance, amount_out)?)?;
    let exponent = div_up(token_out.weight, token_in.weight)?;
    let power = pow_up(base, exponent, version)?;
    mul_up(token_in.balance, sub(power, ONE)?)
}

/// Returns (Bo / wo) / (Bi / wi), exactly, in the units of the balances given.
///
/// # Errors
/// `Empty` where a balance or a weight is zero.
pub fn spot_price(token_in: Weighted, token_out: Weighted) -> Result<Price, PoolError> {
    if [token_in.balance, token_in.weight, token_out.balance, token_out.weight].contains(&U256::ZERO) {
        return Err(PoolError::Empty);
    }
    let numerator: U512 = token_out.balance.widening_mul(token_in.weight);
    let denominator: U512 = token_in.balance.widening_mul(token_out.weight);
    Ok(Price { numerator, denominator })
}
