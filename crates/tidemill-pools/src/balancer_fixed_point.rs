//! Balancer's decimals: 256-bit numbers with 18 digits after the point, and the way each operation rounds.
//!
//! Source: balancer-v2-monorepo and balancer-v3-monorepo, `FixedPoint`.

mod log_exp_math;

use ruint::aliases::U256;

use crate::error::PoolError;
use crate::limbs::Divisor;

pub(crate) use crate::checked::{add, div as quotient_down, mul as times, sub};
pub use log_exp_math::pow;

/// The number one.
pub const ONE: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);
const TWO: U256 = U256::from_limbs([2_000_000_000_000_000_000, 0, 0, 0]);
const FOUR: U256 = U256::from_limbs([4_000_000_000_000_000_000, 0, 0, 0]);

/// Relative error that the contracts allow their power, in units of the last digit.
const MAX_POW_RELATIVE_ERROR: U256 = U256::from_limbs([10_000, 0, 0, 0]);
const TWICE_MAX_POW_ERROR: U256 = U256::from_limbs([20_000, 0, 0, 0]);

const BY_ONE: Divisor = Divisor::new(1_000_000_000_000_000_000);

/// Which powers the pool's code computes without logarithms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PowVersion {
    /// None: the pools of 2021.
    Logarithms,
    /// The exponents 1, 2 and 4: later V2 pools, and V3.
    Shortcuts,
}

/// Divides by `ONE`, rounded down.
#[inline]
pub(crate) fn by_one(value: U256) -> U256 {
    let mut limbs = value.into_limbs();
    BY_ONE.divide(&mut limbs);
    U256::from_limbs(limbs)
}

/// Returns the quotient of two plain integers, rounded up; `Empty` where `b` is zero.
#[inline]
pub(crate) fn quotient_up(a: U256, b: U256) -> Result<U256, PoolError> {
    let Some(less) = a.checked_sub(U256::ONE) else {
        return if b.is_zero() { Err(PoolError::Empty) } else { Ok(U256::ZERO) };
    };
    Ok(quotient_down(less, b)? + U256::ONE)
}

/// Returns a·b / 1e18, rounded down.
///
/// # Errors
/// `Overflow` where a·b does not fit 256 bits.
#[inline]
pub fn mul_down(a: U256, b: U256) -> Result<U256, PoolError> {
    Ok(by_one(times(a, b)?))
}

/// Returns a·b / 1e18, rounded up.
///
/// # Errors
/// `Overflow` where a·b does not fit 256 bits.
#[inline]
pub fn mul_up(a: U256, b: U256) -> Result<U256, PoolError> {
    let product = times(a, b)?;
    Ok(product.checked_sub(U256::ONE).map_or(U256::ZERO, |less| by_one(less) + U256::ONE))
}

/// Returns a·1e18 / b, rounded down.
///
/// # Errors
/// `Overflow` where a·1e18 does not fit 256 bits, `Empty` where `b` is zero.
#[inline]
pub fn div_down(a: U256, b: U256) -> Result<U256, PoolError> {
    quotient_down(times(a, ONE)?, b)
}

/// Returns a·1e18 / b, rounded up.
///
/// # Errors
/// `Overflow` where a·1e18 does not fit 256 bits, `Empty` where `b` is zero.
#[inline]
pub fn div_up(a: U256, b: U256) -> Result<U256, PoolError> {
    quotient_up(times(a, ONE)?, b)
}

/// Says whether a factor is one and `amount` so small that no product with it overflows: scaling leaves it as it is.
#[inline]
pub(crate) fn is_unscaled(amount: U256, factor: U256) -> bool {
    factor == ONE && amount.into_limbs()[3] == 0
}

/// Returns 1 - x, and zero where x is above one.
#[inline]
pub fn complement(x: U256) -> U256 {
    ONE.saturating_sub(x)
}

/// Returns x^y, surely not below the true power.
///
/// # Errors
/// `Overflow` where base, exponent or power is outside what the contract's logarithms take.
pub fn pow_up(x: U256, y: U256, version: PowVersion) -> Result<U256, PoolError> {
    if version == PowVersion::Shortcuts {
        if let Some(power) = shortcut(x, y, mul_up) {
            return power;
        }
    }
    let raw = pow(x, y)?;
    add(raw, mul_up(raw, MAX_POW_RELATIVE_ERROR)? + U256::ONE)
}

/// Returns x^y, surely not above the true power.
///
/// # Errors
/// `Overflow` where base, exponent or power is outside what the contract's logarithms take.
pub fn pow_down(x: U256, y: U256, version: PowVersion) -> Result<U256, PoolError> {
    if version == PowVersion::Shortcuts {
        if let Some(power) = shortcut(x, y, mul_down) {
            return power;
        }
    }
    let raw = pow(x, y)?;
    Ok(raw.saturating_sub(mul_up(raw, MAX_POW_RELATIVE_ERROR)? + U256::ONE))
}

/// Says whether the code with shortcuts multiplies for this exponent, where the other takes a logarithm.
pub(crate) fn is_shortcut(y: U256) -> bool {
    shortcut(ONE, y, mul_up).is_some()
}

/// Returns between which powers `pow_up` is, whatever the version; `None` where all versions compute the same.
pub(crate) fn bounds_of_pow_up(x: U256, y: U256) -> Option<Result<(U256, U256), PoolError>> {
    let exact = shortcut(x, y, mul_up)?;
    Some(exact.and_then(|power| {
        // Neither is below the true power, and the one by logarithms above it by their error and what is added for it.
        let roundings = U256::from(8);
        let above = mul_up(power, TWICE_MAX_POW_ERROR)? + roundings;
        Ok((power.saturating_sub(roundings), add(power, above)?))
    }))
}

type Multiply = fn(U256, U256) -> Result<U256, PoolError>;

#[inline]
fn shortcut(x: U256, y: U256, multiply: Multiply) -> Option<Result<U256, PoolError>> {
    if y == ONE {
        Some(Ok(x))
    } else if y == TWO {
        Some(multiply(x, x))
    } else if y == FOUR {
        Some(multiply(x, x).and_then(|square| multiply(square, square)))
    } else {
        None
    }
}
