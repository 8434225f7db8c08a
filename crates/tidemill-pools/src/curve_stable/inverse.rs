//! What an amount out costs: the least that buys it, and what the views contract says.

use ruint::aliases::U256;

use crate::error::PoolError;

use super::{StableSwap, FEE_ONE, PRECISION};
use crate::checked::{add, mul, mul_div, sub};
use crate::curve_coins::{at, check_pair, check_wanted};

/// Returns a `dx` where `out(dx)` reaches `wanted` and `out(dx - 1)` does not, near `guess`; `out` rises with `dx`.
///
/// A refusal of `out` counts as too little below what already worked, and ends the search above it.
pub(crate) fn least(
    guess: U256,
    wanted: U256,
    out: impl Fn(U256) -> Result<U256, PoolError>,
) -> Result<U256, PoolError> {
    let reaches = |dx: U256| out(dx).is_ok_and(|found| found >= wanted);
    let mut low = U256::ZERO;
    let mut high = guess.max(U256::ONE);
    let mut stride = (high >> 40_u32).max(U256::ONE);
    if reaches(high) {
        // Walk down in growing strides to a dx that does not reach.
        loop {
            let next = high.saturating_sub(stride);
            if next.is_zero() {
                break;
            }
            if !reaches(next) {
                low = next;
                break;
            }
            high = next;
            stride <<= 2_u32;
        }
    } else {
        loop {
            low = high;
            high = add(high, stride)?;
            match out(high) {
                Ok(found) if found >= wanted => break,
                Ok(_) | Err(PoolError::Insufficient) => stride = mul(stride, U256::from(4))?,
                // Beyond what the contract can compute, nothing buys that much.
                Err(_) => return Err(PoolError::Insufficient),
            }
        }
    }
    while sub(high, low)? > U256::ONE {
        let middle = low + ((high - low) >> 1_u32);
        if reaches(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(high)
}

impl StableSwap {
    /// Returns the least `dx` of coin `i` that buys at least `dy` of coin `j`.
    ///
    /// Exact: `amount_out(dx)` reaches `dy` and `amount_out(dx - 1)` does not. The contracts have no such function;
    /// what NG's views tell is `views_amount_in`, which may fall short by the change of the dynamic fee.
    ///
    /// # Errors
    /// `Empty` where `dy` is zero, `Insufficient` where the pool cannot pay `dy`, else as `amount_out`.
    pub fn amount_in(&self, i: usize, j: usize, dy: U256) -> Result<U256, PoolError> {
        check_pair(i, j, self.coins)?;
        check_wanted(dy, at(&self.balances, j)?)?;
        self.d()?;
        let guess = self.views_amount_in(i, j, dy).unwrap_or(dy);
        least(guess, dy, |dx| self.amount_out(i, j, dx))
    }

    /// Returns `get_dx` of `CurveStableSwapNGViews`: x from the y that remains, the fee as it is before the swap.
    ///
    /// # Errors
    /// Where the views contract would revert.
    pub fn views_amount_in(&self, i: usize, j: usize, dy: U256) -> Result<U256, PoolError> {
        check_pair(i, j, self.coins)?;
        let (x_i, x_j) = (at(&self.xp, i)?, at(&self.xp, j)?);
        let (rate_i, rate_j) = (at(&self.rates, i)?, at(&self.rates, j)?);
        let with_fee = add(mul_div(dy, rate_j, PRECISION)?, U256::ONE)?;
        let fee = self.dynamic_fee(x_i, x_j)?;
        let y = sub(x_j, mul_div(with_fee, FEE_ONE, sub(FEE_ONE, fee)?)?)?;
        let x = self.curve()?.y((j, i), y, self.xp(), self.d()?)?;
        mul_div(sub(x, x_i)?, PRECISION, rate_i)
    }

    /// Returns `get_dx` of the first lending pools: the fee is added in raw units, no unit is kept.
    ///
    /// # Errors
    /// Where the contract would revert.
    pub fn raw_fee_amount_in(&self, i: usize, j: usize, dy: U256) -> Result<U256, PoolError> {
        check_pair(i, j, self.coins)?;
        let (x_i, x_j) = (at(&self.xp, i)?, at(&self.xp, j)?);
        let (rate_i, rate_j) = (at(&self.rates, i)?, at(&self.rates, j)?);
        let with_fee = mul_div(dy, FEE_ONE, sub(FEE_ONE, self.terms.fee)?)?;
        let y = sub(x_j, mul_div(with_fee, rate_j, PRECISION)?)?;
        let x = self.curve()?.y((j, i), y, self.xp(), self.d()?)?;
        mul_div(sub(x, x_i)?, PRECISION, rate_i)
    }
}
