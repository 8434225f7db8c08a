//! What an amount out costs: the least that buys it, and what the views contract says.

use ruint::aliases::U256;

use crate::error::PoolError;

use super::{StableSwap, FEE_ONE, PRECISION};
use crate::checked::{add, mul_div, sub};
use crate::curve_coins::{at, check_pair, check_wanted};
use crate::least::least;

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
