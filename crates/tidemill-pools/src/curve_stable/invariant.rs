//! The invariant D of a `StableSwap` pool and the balance that keeps it, iterated as each generation of contracts does.
//!
//! Source: curvefi/curve-contract, `get_D`, `get_y`, `get_y_D`; curvefi/stableswap-ng, `CurveStableSwapNG`.

use ruint::aliases::U256;

use crate::error::PoolError;

use super::{Product, Rules};
use crate::checked::{add, div, mul, mul_div, small, sub};

/// Rounds after which a contract gives up.
const ROUNDS_MAX: usize = 255;

/// What D and y share: the coefficient and how the contract iterates.
#[derive(Debug, Clone, Copy)]
pub(super) struct Curve {
    pub(super) rules: Rules,
    /// A · n · `a_precision`.
    pub(super) ann: U256,
    pub(super) coins: U256,
}

impl Curve {
    /// Returns D of these balances in common units; zero where there are none.
    pub(super) fn d(&self, xp: &[U256]) -> Result<U256, PoolError> {
        let mut sum = U256::ZERO;
        for x in xp {
            sum = add(sum, *x)?;
        }
        if sum.is_zero() {
            return Ok(sum);
        }
        let a_precision = small(self.rules.a_precision);
        let ann_sum = div(mul(self.ann, sum)?, a_precision)?;
        let ann_less = sub(self.ann, a_precision)?;
        let more_coins = add(self.coins, U256::ONE)?;
        let mut d = sum;
        for _ in 0..ROUNDS_MAX {
            let product = self.product(xp, d)?;
            let before = d;
            let numerator = add(ann_sum, mul(product, self.coins)?)?;
            let ann_d = mul(ann_less, d)?;
            let ann_d = if self.rules.a_precision == 1 { ann_d } else { div(ann_d, a_precision)? };
            d = mul_div(numerator, d, add(ann_d, mul(more_coins, product)?)?)?;
            if d.abs_diff(before) <= U256::ONE {
                return Ok(d);
            }
        }
        self.unconverged(d)
    }

    /// Returns D^(n+1) / (n^n · Πx), rounded where this generation rounds.
    fn product(&self, xp: &[U256], d: U256) -> Result<U256, PoolError> {
        let mut product = d;
        for x in xp {
            let divisor = match self.rules.product {
                Product::Guarded => add(mul(*x, self.coins)?, U256::ONE)?,
                Product::Sequential => mul(*x, self.coins)?,
                Product::Together => *x,
            };
            product = mul_div(product, d, divisor)?;
        }
        if self.rules.product == Product::Together {
            return div(product, self.coins.pow(self.coins));
        }
        Ok(product)
    }

    /// Returns what coin `j` holds once coin `i` holds `x`, at this D.
    pub(super) fn y(&self, (i, j): (usize, usize), x: U256, xp: &[U256], d: U256) -> Result<U256, PoolError> {
        let others = xp.iter().enumerate().filter(|(k, _)| *k != j);
        self.solve(others.map(|(k, held)| if k == i { x } else { *held }), d)
    }

    /// Returns what coin `i` holds once D is lowered to `d`, the others unchanged.
    pub(super) fn y_of_d(&self, i: usize, xp: &[U256], d: U256) -> Result<U256, PoolError> {
        self.solve(xp.iter().enumerate().filter(|(k, _)| *k != i).map(|(_, held)| *held), d)
    }

    fn solve(&self, others: impl Iterator<Item = U256>, d: U256) -> Result<U256, PoolError> {
        let a_precision = small(self.rules.a_precision);
        let mut c = d;
        let mut sum = U256::ZERO;
        for x in others {
            sum = add(sum, x)?;
            c = mul_div(c, d, mul(x, self.coins)?)?;
        }
        c = div(mul(mul(c, d)?, a_precision)?, mul(self.ann, self.coins)?)?;
        let b = add(sum, div(mul(d, a_precision)?, self.ann)?)?;
        let mut y = d;
        for _ in 0..ROUNDS_MAX {
            let before = y;
            let slope = sub(add(add(y, y)?, b)?, d)?;
            y = div(add(mul(y, y)?, c)?, slope)?;
            if y.abs_diff(before) <= U256::ONE {
                return Ok(y);
            }
        }
        self.unconverged(y)
    }

    /// The contracts without a precision of A go on with the last round's number, the later ones revert.
    fn unconverged(&self, last: U256) -> Result<U256, PoolError> {
        if self.rules.a_precision == 1 {
            Ok(last)
        } else {
            Err(PoolError::Unconverged)
        }
    }
}
