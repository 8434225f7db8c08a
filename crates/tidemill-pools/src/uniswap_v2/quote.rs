//! What an amount buys and what it costs, to the last unit.
//!
//! Source: Uniswap/v2-periphery, UniswapV2Library.getAmountOut and getAmountIn, with the fee as a fraction.

use ruint::aliases::U256;

use crate::error::PoolError;
use crate::full_math::to_u128;
use crate::limbs::{divide_256_by_128, divide_near, multiply_128};

use super::{Fee, MAX_RESERVE};

/// Returns in·n·Rout / (Rin·d + in·n), rounded down.
#[inline]
pub(super) fn amount_out(
    reserve_in: u128,
    reserve_out: u128,
    fee: Fee,
    amount_in: U256,
) -> Result<U256, PoolError> {
    let Some(amount_in) = to_u128(amount_in).filter(|amount| *amount <= MAX_RESERVE) else {
        return amount_out_of_much(reserve_in, reserve_out, fee, amount_in);
    };
    if amount_in == 0 || reserve_in == 0 || reserve_out == 0 {
        return Err(PoolError::Empty);
    }
    // 112 bits times 15 bits, twice: the sum stays below 2^128, and the quotient below the reserve.
    let net_in = amount_in * u128::from(fee.numerator);
    let (upper, lower) = multiply_128(net_in, reserve_out);
    let divisor = reserve_in * u128::from(fee.denominator) + net_in;
    Ok(U256::from(divide_256_by_128(upper, lower, divisor).0))
}

/// Returns the same for an amount whose quotient is known to be next to `amount_out`, and what is divided by to be next to
/// `1 / inverse`; `None` where that does not lead to it.
#[inline]
pub(super) fn amount_out_near(
    (reserve_in, reserve_out): (u128, u128),
    fee: Fee,
    amount_in: u128,
    amount_out: f64,
    inverse: f64,
) -> Option<u128> {
    if amount_in == 0 || amount_in > MAX_RESERVE || reserve_in == 0 || reserve_out == 0 {
        return None;
    }
    let net_in = amount_in * u128::from(fee.numerator);
    let (upper, lower) = multiply_128(net_in, reserve_out);
    let divisor = reserve_in * u128::from(fee.denominator) + net_in;
    divide_near(upper, lower, divisor, amount_out, inverse)
}

#[cold]
fn amount_out_of_much(
    reserve_in: u128,
    reserve_out: u128,
    fee: Fee,
    amount_in: U256,
) -> Result<U256, PoolError> {
    if reserve_in == 0 || reserve_out == 0 {
        return Err(PoolError::Empty);
    }
    let net_in = amount_in.checked_mul(U256::from(fee.numerator)).ok_or(PoolError::Overflow)?;
    let product = net_in.checked_mul(U256::from(reserve_out)).ok_or(PoolError::Overflow)?;
    let divisor = U256::from(reserve_in) * U256::from(fee.denominator);
    let divisor = divisor.checked_add(net_in).ok_or(PoolError::Overflow)?;
    Ok(product / divisor)
}

/// Returns Rin·out·d / ((Rout - out)·n) + 1, the quotient rounded down.
#[inline]
pub(super) fn amount_in(
    reserve_in: u128,
    reserve_out: u128,
    fee: Fee,
    amount_out: U256,
) -> Result<U256, PoolError> {
    if amount_out.is_zero() || reserve_in == 0 || reserve_out == 0 {
        return Err(PoolError::Empty);
    }
    let amount_out = to_u128(amount_out).filter(|amount| *amount < reserve_out);
    let amount_out = amount_out.ok_or(PoolError::Insufficient)?;
    let (upper, lower) = multiply_128(reserve_in * u128::from(fee.denominator), amount_out);
    let divisor = (reserve_out - amount_out) * u128::from(fee.numerator);
    let quotient = if upper < divisor {
        U256::from(divide_256_by_128(upper, lower, divisor).0)
    } else {
        (U256::from(upper) << 128_u32 | U256::from(lower)) / U256::from(divisor)
    };
    Ok(quotient + U256::ONE)
}
