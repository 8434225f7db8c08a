//! Arithmetic as contracts have it: unsigned 256 bits, checked, quotients rounded down.

use ruint::aliases::U256;

use crate::error::PoolError;
use crate::full_math::to_u128;
use crate::limbs::{divide_256_by_128, multiply_128};

/// Returns `10^power`, for powers below 78.
pub(crate) const fn ten_to(power: u32) -> U256 {
    let mut value = U256::ONE;
    let mut step = 0;
    while step < power {
        value = value.wrapping_mul(U256::from_limbs([10, 0, 0, 0]));
        step += 1;
    }
    value
}

/// Returns a small number as 256 bits, in constants too.
pub(crate) const fn small(value: u64) -> U256 {
    U256::from_limbs([value, 0, 0, 0])
}

/// Adds; the contract reverts above 256 bits.
#[inline]
pub(crate) fn add(a: U256, b: U256) -> Result<U256, PoolError> {
    a.checked_add(b).ok_or(PoolError::Overflow)
}

/// Subtracts; the contract reverts below zero.
#[inline]
pub(crate) fn sub(a: U256, b: U256) -> Result<U256, PoolError> {
    a.checked_sub(b).ok_or(PoolError::Insufficient)
}

/// Multiplies; the contract reverts above 256 bits.
#[inline]
pub(crate) fn mul(a: U256, b: U256) -> Result<U256, PoolError> {
    if let (Some(a), Some(b)) = (to_u128(a), to_u128(b)) {
        let (upper, lower) = multiply_128(a, b);
        return Ok(join(upper, lower));
    }
    a.checked_mul(b).ok_or(PoolError::Overflow)
}

/// Divides, rounding down; the contract reverts on a divisor of zero.
#[inline]
pub(crate) fn div(n: U256, d: U256) -> Result<U256, PoolError> {
    if let Some(d) = to_u128(d) {
        let (upper, lower) = split(n);
        if upper < d {
            return Ok(U256::from(divide_256_by_128(upper, lower, d).0));
        }
    }
    n.checked_div(d).ok_or(PoolError::Empty)
}

/// Returns `a · b / d`, rounded down; the contract reverts where the product leaves 256 bits or `d` is zero.
#[inline]
pub(crate) fn mul_div(a: U256, b: U256, d: U256) -> Result<U256, PoolError> {
    div(mul(a, b)?, d)
}

#[inline]
fn split(value: U256) -> (u128, u128) {
    let [l0, l1, l2, l3] = value.into_limbs();
    (u128::from(l3) << 64 | u128::from(l2), u128::from(l1) << 64 | u128::from(l0))
}

#[inline]
// The cuts are the limbs.
#[allow(clippy::cast_possible_truncation)]
const fn join(upper: u128, lower: u128) -> U256 {
    U256::from_limbs([lower as u64, (lower >> 64) as u64, upper as u64, (upper >> 64) as u64])
}
