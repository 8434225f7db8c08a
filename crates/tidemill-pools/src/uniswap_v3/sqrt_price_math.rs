//! How amounts move the square root of the price, and which amounts a move takes; rounded as the contract rounds.
//!
//! Source: Uniswap/v3-core, `SqrtPriceMath`.

use ruint::aliases::U256;

use crate::error::PoolError;
use crate::full_math::{divide_rounding, low, multiply, narrow, to_u128, Rounding};
use crate::limbs::divide_256_by_128;

/// Which token an amount is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The token with the lower address.
    Token0,
    /// The token with the higher address.
    Token1,
}

#[inline]
const fn limbs_of(value: u128) -> [u64; 2] {
    [low(value), low(value >> 64)]
}

/// Returns the limbs of `value · 2^96`.
#[inline]
const fn shifted_96(value: u128) -> [u64; 4] {
    [0, low(value << 32), low(value >> 32), low(value >> 96)]
}

/// Returns the limbs of a price; `None` where it is wider than 160 bits.
#[inline]
fn price_limbs(price: U256) -> Option<[u64; 3]> {
    let [l0, l1, l2, l3] = price.into_limbs();
    (l2 >> 32 | l3 == 0).then_some([l0, l1, l2])
}

#[inline]
fn to_price(value: U256) -> Result<U256, PoolError> {
    price_limbs(value).map(|_| value).ok_or(PoolError::Overflow)
}

/// Returns the amount of token 0 between two prices at `liquidity`.
///
/// # Errors
/// `Empty` where a price is zero, `Overflow` where one is wider than 160 bits.
#[inline]
pub fn amount0_delta(a: U256, b: U256, liquidity: u128, rounding: Rounding) -> Result<U256, PoolError> {
    let (lower, upper) = if a <= b { (a, b) } else { (b, a) };
    if lower.is_zero() {
        return Err(PoolError::Empty);
    }
    let difference = price_limbs(upper - lower).ok_or(PoolError::Overflow)?;
    let lower = price_limbs(lower).ok_or(PoolError::Overflow)?;
    let upper = price_limbs(upper).ok_or(PoolError::Overflow)?;
    // Two divisions rounded the same way are one division by the product of the divisors.
    let [d0, d1, d2, d3, d4, ..] = multiply(lower, upper);
    let value = multiply(shifted_96(liquidity), difference);
    divide_rounding(value, [d0, d1, d2, d3, d4], rounding).ok_or(PoolError::Overflow)
}

/// Returns the amount of token 1 between two prices at `liquidity`.
///
/// # Errors
/// `Overflow` where a price is wider than 160 bits.
#[inline]
pub fn amount1_delta(a: U256, b: U256, liquidity: u128, rounding: Rounding) -> Result<U256, PoolError> {
    let difference = price_limbs(if a <= b { b - a } else { a - b }).ok_or(PoolError::Overflow)?;
    let [l0, l1, l2, l3, l4, ..] = multiply(limbs_of(liquidity), difference);
    let whole =
        U256::from_limbs([l1 >> 32 | l2 << 32, l2 >> 32 | l3 << 32, l3 >> 32 | l4 << 32, l4 >> 32]);
    let has_rest = l0 != 0 || l1 & 0xffff_ffff != 0;
    Ok(if has_rest && rounding == Rounding::Up { whole + U256::ONE } else { whole })
}

/// Returns the price after `amount` of the token `side` is paid in.
///
/// # Errors
/// `Empty` where the price or the liquidity is zero, `Overflow` where the contract's numbers overflow.
#[inline]
pub fn next_price_from_input(
    price: U256,
    liquidity: u128,
    amount: U256,
    side: Side,
) -> Result<U256, PoolError> {
    if price.is_zero() || liquidity == 0 {
        return Err(PoolError::Empty);
    }
    match side {
        Side::Token0 => next_price_from_input0(price, liquidity, amount),
        Side::Token1 => {
            let step = amount1_to_step(liquidity, amount, Rounding::Down)?;
            to_price(price.checked_add(step).ok_or(PoolError::Overflow)?)
        }
    }
}

/// Returns the price after `amount` of the token `side` is paid out.
///
/// # Errors
/// `Empty` where the price or the liquidity is zero, `Insufficient` where there is less than `amount`, `Overflow`
/// where the contract's numbers overflow.
#[inline]
pub fn next_price_from_output(
    price: U256,
    liquidity: u128,
    amount: U256,
    side: Side,
) -> Result<U256, PoolError> {
    if price.is_zero() || liquidity == 0 {
        return Err(PoolError::Empty);
    }
    match side {
        Side::Token0 => next_price_from_output0(price, liquidity, amount),
        Side::Token1 => {
            let step = amount1_to_step(liquidity, amount, Rounding::Up)?;
            if step >= price {
                return Err(PoolError::Insufficient);
            }
            Ok(price - step)
        }
    }
}

/// Returns `amount · 2^96 / liquidity`.
#[inline]
fn amount1_to_step(liquidity: u128, amount: U256, rounding: Rounding) -> Result<U256, PoolError> {
    if let Some(amount) = to_u128(amount).filter(|amount| amount >> 32 < liquidity) {
        let (step, rest) = divide_256_by_128(amount >> 32, amount << 96, liquidity);
        let up = u8::from(rest != 0 && rounding == Rounding::Up);
        return Ok(U256::from(step) + U256::from(up));
    }
    let value = multiply(amount.into_limbs(), [0, 1 << 32]);
    divide_rounding(value, limbs_of(liquidity), rounding).ok_or(PoolError::Overflow)
}

#[inline]
fn next_price_from_input0(price: U256, liquidity: u128, amount: U256) -> Result<U256, PoolError> {
    if amount.is_zero() {
        return Ok(price);
    }
    let price_limbs = price_limbs(price).ok_or(PoolError::Overflow)?;
    let scaled = shifted_96(liquidity);
    let product = narrow(&multiply(amount.into_limbs(), price_limbs));
    let denominator = product.and_then(|product| U256::from_limbs(scaled).checked_add(product));
    if let Some(denominator) = denominator {
        let value = multiply(scaled, price_limbs);
        return divide_rounding(value, denominator.into_limbs(), Rounding::Up).ok_or(PoolError::Overflow);
    }
    // The contract's other formula, for where the product overflows; it loses precision in the first division.
    let scaled = U256::from_limbs(scaled);
    let denominator = (scaled / price).checked_add(amount).ok_or(PoolError::Overflow)?;
    Ok(scaled.div_ceil(denominator))
}

#[inline]
fn next_price_from_output0(price: U256, liquidity: u128, amount: U256) -> Result<U256, PoolError> {
    if amount.is_zero() {
        return Ok(price);
    }
    let price_limbs = price_limbs(price).ok_or(PoolError::Overflow)?;
    let scaled = U256::from_limbs(shifted_96(liquidity));
    let product = narrow(&multiply(amount.into_limbs(), price_limbs)).ok_or(PoolError::Insufficient)?;
    if scaled <= product {
        return Err(PoolError::Insufficient);
    }
    let value = multiply(scaled.into_limbs(), price_limbs);
    let next = divide_rounding(value, (scaled - product).into_limbs(), Rounding::Up);
    to_price(next.ok_or(PoolError::Overflow)?)
}
