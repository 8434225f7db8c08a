//! The power of two decimals as the contracts compute it: tables, series and truncation alike.
//!
//! Source: balancer-v2-monorepo, `LogExpMath`. Signed numbers are kept as sign and magnitude: Solidity divides
//! towards zero, so that the magnitudes are the same.

use ruint::aliases::U256;

use crate::error::PoolError;
use crate::full_math::to_u128;
use crate::limbs::{divide_256_by_128, multiply_128, Divisor};

use super::{by_one, ONE};

const ONE_18: u128 = 10_u128.pow(18);
const ONE_20: u128 = 10_u128.pow(20);
const ONE_36: u128 = 10_u128.pow(36);
const LN_36_LOWER: u128 = ONE_18 - 10_u128.pow(17);
const LN_36_UPPER: u128 = ONE_18 + 10_u128.pow(17);
const MAX_EXPONENT: u128 = 130 * ONE_18;
const MIN_EXPONENT: u128 = 41 * ONE_18;

/// 2^254 / 1e20: with a larger exponent the product with a logarithm might not fit.
const EXPONENT_BOUND: U256 =
    U256::from_limbs([4_720_311_721_447_089_458, 12_146_009_947_018_874_712, 850_705_917_302_346_158, 0]);

/// x0 = 128 and x1 = 64, with 18 decimals; e^x as integers.
const X0: u128 = 128 * ONE_18;
const A0: U256 =
    U256::from_limbs([171_843_153_341_448_192, 17_670_479_068_478_958_691, 114_249_481_722_274_167, 0]);
const X1: u128 = 64 * ONE_18;
const A1: u128 = 6_235_149_080_811_616_882_910_000_000;

/// From x2 = 32 to x11 = 1/16, with 20 decimals, and e^x with 20 decimals.
const TABLE: [(u128, u128); 10] = [
    (32 * ONE_20, 7_896_296_018_268_069_516_100_000_000_000_000),
    (16 * ONE_20, 888_611_052_050_787_263_676_000_000),
    (8 * ONE_20, 298_095_798_704_172_827_474_000),
    (4 * ONE_20, 5_459_815_003_314_423_907_810),
    (2 * ONE_20, 738_905_609_893_065_022_723),
    (ONE_20, 271_828_182_845_904_523_536),
    (ONE_20 / 2, 164_872_127_070_012_814_685),
    (ONE_20 / 4, 128_402_541_668_774_148_407),
    (ONE_20 / 8, 113_314_845_306_682_631_683),
    (ONE_20 / 16, 106_449_445_891_785_942_956),
];

const BY_ONE_20: Divisor = Divisor::new(5_u64.pow(20));
const BY_HUNDRED: Divisor = Divisor::new(100);

/// A number with a sign; zero may have either.
#[derive(Clone, Copy)]
struct Signed {
    is_negative: bool,
    magnitude: u128,
}

/// Returns x^y, up to the error that `MAX_POW_RELATIVE_ERROR` bounds.
///
/// # Errors
/// `Overflow` where base, exponent or power is outside what the contract takes.
pub fn pow(x: U256, y: U256) -> Result<U256, PoolError> {
    if y.is_zero() {
        return Ok(ONE);
    }
    if x.is_zero() {
        return Ok(U256::ZERO);
    }
    if x.bit(255) || y >= EXPONENT_BOUND {
        return Err(PoolError::Overflow);
    }
    let near_one = to_u128(x).filter(|x| LN_36_LOWER < *x && *x < LN_36_UPPER);
    let (is_negative, product) = if let Some(near_one) = near_one {
        let log = ln_36(near_one);
        let (whole, rest) = (U256::from(log.magnitude / ONE_18), U256::from(log.magnitude % ONE_18));
        (log.is_negative, whole * y + by_one(rest * y))
    } else {
        let log = ln(x);
        (log.is_negative, U256::from(log.magnitude) * y)
    };
    let magnitude = to_u128(by_one(product)).ok_or(PoolError::Overflow)?;
    if magnitude > if is_negative { MIN_EXPONENT } else { MAX_EXPONENT } {
        return Err(PoolError::Overflow);
    }
    if is_negative {
        // Between 1 and e^41: neither zero nor beyond 128 bits.
        let inverse = to_u128(exp(magnitude)).filter(|inverse| *inverse > 0).ok_or(PoolError::Overflow)?;
        return Ok(U256::from(ONE_36 / inverse));
    }
    Ok(exp(magnitude))
}

/// Returns e^x for `x` of at most 130, all with 18 decimals.
fn exp(mut x: u128) -> U256 {
    let mut first = U256::ONE;
    if x >= X0 {
        x -= X0;
        first = A0;
    } else if x >= X1 {
        x -= X1;
        first = U256::from(A1);
    }
    x *= 100;
    let mut product = U256::from(ONE_20);
    for (power, exponential) in TABLE.into_iter().take(8) {
        if x >= power {
            x -= power;
            product = by_one_20(product * U256::from(exponential));
        }
    }
    let (mut series, mut term) = (ONE_20 + x, x);
    for n in 2..=12 {
        // One division for the contract's two: rounded down twice is rounded down once. After a zero all are zero.
        term = mul_div(term, x, ONE_20 * n);
        if term == 0 {
            break;
        }
        series += term;
    }
    let mut power = (by_one_20(product * U256::from(series)) * first).into_limbs();
    BY_HUNDRED.divide(&mut power);
    U256::from_limbs(power)
}

/// Returns the natural logarithm of `a`, above zero and below 2^255, with 18 decimals.
fn ln(a: U256) -> Signed {
    match to_u128(a) {
        Some(below_one @ 1..ONE_18) => {
            Signed { is_negative: true, magnitude: ln_above_one(U256::from(ONE_36 / below_one)) }
        }
        _ => Signed { is_negative: false, magnitude: ln_above_one(a) },
    }
}

fn ln_above_one(mut a: U256) -> u128 {
    let mut sum = 0;
    if a >= A0 * ONE {
        a /= A0;
        sum += X0;
    }
    if a >= U256::from(A1) * ONE {
        a /= U256::from(A1);
        sum += X1;
    }
    sum *= 100;
    a *= U256::from(100);
    for (power, exponential) in TABLE {
        if a >= U256::from(exponential) {
            a = a * U256::from(ONE_20) / U256::from(exponential);
            sum += power;
        }
    }
    // What is left is at least one and at most e^(1/16).
    let rest = to_u128(a).unwrap_or(ONE_20);
    let z = mul_div(rest - ONE_20, ONE_20, rest + ONE_20);
    let z_squared = mul_20(z, z);
    let (mut series, mut power) = (z, z);
    for n in [3, 5, 7, 9, 11] {
        power = mul_20(power, z_squared);
        series += power / n;
    }
    (sum + 2 * series) / 100
}

/// Returns the natural logarithm of `x`, between 0.9 and 1.1, with 36 decimals.
fn ln_36(x: u128) -> Signed {
    let x = x * ONE_18;
    let z = mul_div(x.abs_diff(ONE_36), ONE_36, x + ONE_36);
    let z_squared = mul_div(z, z, ONE_36);
    let (mut series, mut power) = (z, z);
    for n in [3, 5, 7, 9, 11, 13, 15] {
        power = mul_div(power, z_squared, ONE_36);
        if power == 0 {
            break;
        }
        series += power / n;
    }
    Signed { is_negative: x < ONE_36, magnitude: series * 2 }
}

/// Returns a·b / d; the callers' numbers leave the quotient within 128 bits.
#[inline]
fn mul_div(a: u128, b: u128, d: u128) -> u128 {
    let (upper, lower) = multiply_128(a, b);
    divide_256_by_128(upper, lower, d).0
}

/// Returns a·b / 1e20; the callers' numbers leave the quotient within 128 bits.
#[inline]
fn mul_20(a: u128, b: u128) -> u128 {
    mul_div(a, b, ONE_20)
}

/// Divides by 1e20: by 2^20, then by 5^20, which is one limb.
#[inline]
fn by_one_20(value: U256) -> U256 {
    let mut limbs = (value >> 20_usize).into_limbs();
    BY_ONE_20.divide(&mut limbs);
    U256::from_limbs(limbs)
}
