//! How the V2 vault and its pools scale amounts, take the fee, and move balances.
//!
//! Source: balancer-v2-monorepo, `BaseGeneralPool`, `BaseMinimalSwapInfoPool`, `BasePool`.

use ruint::aliases::U256;

use crate::balancer_fixed_point::{add, complement, div_down, div_up, is_unscaled, mul_down, mul_up, sub};
use crate::balancer_pool::Swapped;
use crate::error::PoolError;

/// The V2 vault keeps a balance in 112 bits.
const MAX_BALANCE_BITS: usize = 112;

/// A raw balance and the factor that brings raw amounts to 18 decimals, its rate included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scaled {
    pub(crate) balance: U256,
    pub(crate) factor: U256,
}

impl Scaled {
    #[inline]
    pub(crate) fn up_scale(self, amount: U256) -> Result<U256, PoolError> {
        if is_unscaled(amount, self.factor) {
            Ok(amount)
        } else {
            mul_down(amount, self.factor)
        }
    }

    #[inline]
    pub(crate) fn down_scale_down(self, amount: U256) -> Result<U256, PoolError> {
        if is_unscaled(amount, self.factor) {
            Ok(amount)
        } else {
            div_down(amount, self.factor)
        }
    }

    #[inline]
    pub(crate) fn down_scale_up(self, amount: U256) -> Result<U256, PoolError> {
        if is_unscaled(amount, self.factor) {
            Ok(amount)
        } else {
            div_up(amount, self.factor)
        }
    }
}

/// Returns the value of a token; `Tokens` where there is none.
#[inline]
pub(crate) fn side(values: &[U256], token: usize) -> Result<U256, PoolError> {
    values.get(token).copied().ok_or(PoolError::Tokens)
}

/// Takes the fee, rounded up, from what is paid in; `Empty` where nothing is.
#[inline]
pub(crate) fn subtract_fee(amount_in: U256, fee: U256) -> Result<U256, PoolError> {
    if amount_in.is_zero() {
        return Err(PoolError::Empty);
    }
    sub(amount_in, mul_up(amount_in, fee)?)
}

/// Adds the fee to what is due, rounded up.
#[inline]
pub(crate) fn add_fee(amount_in: U256, fee: U256) -> Result<U256, PoolError> {
    div_up(amount_in, complement(fee))
}

/// Returns the balances after a swap.
pub(crate) fn moved(balances: &[U256], swapped: &Swapped) -> Result<Vec<U256>, PoolError> {
    let mut after = balances.to_vec();
    let balance = after.get_mut(swapped.token_in).ok_or(PoolError::Tokens)?;
    *balance = add(*balance, swapped.amount_in)?;
    if balance.bit_len() > MAX_BALANCE_BITS {
        return Err(PoolError::Overflow);
    }
    let balance = after.get_mut(swapped.token_out).ok_or(PoolError::Tokens)?;
    *balance = sub(*balance, swapped.amount_out)?;
    Ok(after)
}
