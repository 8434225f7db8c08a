//! The invariant of `CryptoSwap` by Newton's method: D, a balance at given D, and the geometric mean it starts from.
//!
//! Source: curvefi/curve-crypto-contract, `CurveCryptoSwap2`, `CurveCryptoMath3`.

use ruint::aliases::U256;

use crate::checked::{add, div, mul, mul_div, small, sub, ten_to};
use crate::error::PoolError;

/// One.
pub(super) const ONE: U256 = ten_to(18);
/// What A is multiplied by.
pub(super) const A_MULTIPLIER: U256 = ten_to(4);
const PRECISE: U256 = ten_to(14);
const ROUNDS_MAX: usize = 255;

/// The shape of a curve: how many coins, A·n^n·10^4, gamma.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) coins: usize,
    pub(super) ann: U256,
    pub(super) gamma: U256,
}

/// Reverts where a number is outside its limits.
pub(super) fn within(value: U256, low: U256, high: U256) -> Result<(), PoolError> {
    if value < low || value > high {
        Err(PoolError::Unsafe)
    } else {
        Ok(())
    }
}

/// Sorts from high to low.
pub(super) fn sorted(x: &[U256]) -> [U256; 3] {
    let mut kept = [U256::ZERO; 3];
    for (slot, value) in kept.iter_mut().zip(x) {
        *slot = *value;
    }
    kept.sort_unstable_by(|a, b| b.cmp(a));
    kept
}

/// Returns the geometric mean of two or three numbers, sorted from high to low.
pub(super) fn geometric_mean(x: &[U256]) -> Result<U256, PoolError> {
    let coins = small(x.len() as u64);
    let mut d = x.first().copied().ok_or(PoolError::Empty)?;
    for _ in 0..ROUNDS_MAX {
        let before = d;
        if let [x0, x1] = x {
            d = add(d, mul_div(*x0, *x1, d)?)? >> 1_u32;
        } else {
            let mut product = ONE;
            for value in x {
                product = mul_div(product, *value, d)?;
            }
            let others = mul(sub(coins, U256::ONE)?, ONE)?;
            d = mul_div(d, add(others, product)?, mul(coins, ONE)?)?;
        }
        let change = d.abs_diff(before);
        if change <= U256::ONE || mul(change, ONE)? < d {
            return Ok(d);
        }
    }
    Err(PoolError::Unconverged)
}

impl Shape {
    fn n(&self) -> U256 {
        small(self.coins as u64)
    }

    /// Reverts where A or gamma is outside the contract's limits.
    pub(super) fn check(&self) -> Result<(), PoolError> {
        let (a_low, a_high, gamma_high) = if self.coins == 2 {
            (4_000, 4_000_000_000, small(20_000_000_000_000_000))
        } else {
            (2_700, 270_000_000, small(50_000_000_000_000_000))
        };
        within(self.ann, small(a_low), small(a_high))?;
        within(self.gamma, ten_to(10), gamma_high)
    }

    /// Returns |gamma + 1 − K0| + 10^-18.
    pub(super) fn g1k0(&self, k0: U256) -> Result<U256, PoolError> {
        let above = add(self.gamma, ONE)?;
        add(above.abs_diff(k0), U256::ONE)
    }

    /// Returns D / ANN · g² / gamma².
    pub(super) fn mul1(&self, d: U256, g1k0: U256) -> Result<U256, PoolError> {
        let part = mul_div(mul_div(ONE, d, self.gamma)?, g1k0, self.gamma)?;
        div(mul(mul(part, g1k0)?, A_MULTIPLIER)?, self.ann)
    }

    /// Returns D of these balances.
    pub(super) fn newton_d(&self, x: &[U256]) -> Result<U256, PoolError> {
        self.check()?;
        let x = sorted(x);
        let x = x.get(..self.coins).ok_or(PoolError::Uninitialised)?;
        let highest = x.first().copied().ok_or(PoolError::Empty)?;
        within(highest, ten_to(9), ten_to(33))?;
        let least = if self.coins == 2 { PRECISE } else { ten_to(11) };
        for value in x.iter().skip(1) {
            within(mul_div(*value, ONE, highest)?, least, U256::MAX)?;
        }
        let sum = x.iter().try_fold(U256::ZERO, |sum, value| add(sum, *value))?;
        let mut d = mul(self.n(), geometric_mean(x)?)?;
        for _ in 0..ROUNDS_MAX {
            let before = d;
            d = self.d_step(d, self.k0(x, d)?, sum)?;
            if mul(d.abs_diff(before), PRECISE)? < d.max(ten_to(16)) {
                for value in x {
                    within(mul_div(*value, ONE, d)?, ten_to(16), ten_to(20))?;
                }
                return Ok(d);
            }
        }
        Err(PoolError::Unconverged)
    }

    /// Returns K0: what the product of the balances is of that in balance.
    pub(super) fn k0(&self, x: &[U256], d: U256) -> Result<U256, PoolError> {
        if let [x0, x1] = x {
            return mul_div(mul_div(mul(ONE, small(4))?, *x0, d)?, *x1, d);
        }
        x.iter().try_fold(ONE, |k0, value| div(mul(mul(k0, *value)?, self.n())?, d))
    }

    /// Returns the next D of the iteration.
    pub(super) fn d_step(&self, d: U256, k0: U256, sum: U256) -> Result<U256, PoolError> {
        let g1k0 = self.g1k0(k0)?;
        let mul1 = self.mul1(d, g1k0)?;
        let mul2 = div(mul(mul(ONE << 1_u32, self.n())?, k0)?, g1k0)?;
        let up = add(add(sum, mul_div(sum, mul2, ONE)?)?, mul_div(mul1, self.n(), k0)?)?;
        let neg_fprime = sub(up, mul_div(mul2, d, ONE)?)?;
        let plus = mul_div(d, add(neg_fprime, sum)?, neg_fprime)?;
        let minus = mul_div(d, d, neg_fprime)?;
        let scaled = div(mul(d, div(mul1, neg_fprime)?)?, ONE)?;
        let bend = mul_div(scaled, ONE.abs_diff(k0), k0)?;
        let minus = if ONE > k0 { add(minus, bend)? } else { sub(minus, bend)? };
        Ok(if plus > minus { plus - minus } else { (minus - plus) >> 1_u32 })
    }

    /// Reverts where D or the balance of a coin but `i` is outside the contract's limits.
    pub(super) fn check_y(&self, x: &[U256], d: U256, i: usize) -> Result<(), PoolError> {
        self.check()?;
        within(d, ten_to(17), ten_to(33))?;
        for (k, value) in x.iter().enumerate() {
            if k != i {
                within(mul_div(*value, ONE, d)?, ten_to(16), ten_to(20))?;
            }
        }
        Ok(())
    }

    /// Returns what coin `i` holds at this D and the other balances.
    pub(super) fn newton_y(&self, x: &[U256], d: U256, i: usize) -> Result<U256, PoolError> {
        self.check_y(x, d, i)?;
        let mut others = [U256::ZERO; 3];
        for (k, (slot, value)) in others.iter_mut().zip(x).enumerate() {
            *slot = if k == i { U256::ZERO } else { *value };
        }
        let others = sorted(&others);
        let others = others.get(..self.coins.saturating_sub(1)).unwrap_or_default();
        let highest = others.first().copied().unwrap_or_default();
        let limit = (highest / PRECISE).max(d / PRECISE).max(small(100));
        let (start, k0_i) = self.y_start(others, d)?;
        let others_sum = others.iter().try_fold(U256::ZERO, |sum, value| add(sum, *value))?;
        let mut y = start;
        for _ in 0..ROUNDS_MAX {
            let before = y;
            let Some(next) = self.y_step(y, d, k0_i, others_sum)? else {
                y = before >> 1_u32;
                continue;
            };
            y = next;
            if y.abs_diff(before) < limit.max(y / PRECISE) {
                within(mul_div(y, ONE, d)?, ten_to(16), ten_to(20))?;
                return Ok(y);
            }
        }
        Err(PoolError::Unconverged)
    }

    /// Returns the first y and K0 without y; `others` from high to low.
    fn y_start(&self, others: &[U256], d: U256) -> Result<(U256, U256), PoolError> {
        if let [x_j] = others {
            let start = div(mul(d, d)?, mul(*x_j, small(4))?)?;
            return Ok((start, mul_div(ONE << 1_u32, *x_j, d)?));
        }
        let mut start = div(d, self.n())?;
        for x in others.iter().rev() {
            start = mul_div(start, d, mul(*x, self.n())?)?;
        }
        let k0_i = others.iter().try_fold(ONE, |k0, x| div(mul(mul(k0, *x)?, self.n())?, d))?;
        Ok((start, k0_i))
    }

    /// Returns the next y of the iteration; `None` where the contract halves y and goes on.
    fn y_step(&self, y: U256, d: U256, k0_i: U256, others: U256) -> Result<Option<U256>, PoolError> {
        let k0 = div(mul(mul(k0_i, y)?, self.n())?, d)?;
        let sum = add(others, y)?;
        let g1k0 = self.g1k0(k0)?;
        let mul1 = self.mul1(d, g1k0)?;
        let mul2 = add(ONE, mul_div(ONE << 1_u32, k0, g1k0)?)?;
        let yfprime = add(add(mul(ONE, y)?, mul(sum, mul2)?)?, mul1)?;
        let Some(yfprime) = yfprime.checked_sub(mul(d, mul2)?) else { return Ok(None) };
        let fprime = div(yfprime, y)?;
        let minus = div(mul1, fprime)?;
        let plus = add(div(add(yfprime, mul(ONE, d)?)?, fprime)?, mul_div(minus, ONE, k0)?)?;
        let minus = add(minus, mul_div(ONE, sum, fprime)?)?;
        Ok(Some(if plus < minus { y >> 1_u32 } else { plus - minus }))
    }

    /// Returns `fee_gamma / (fee_gamma + 1 − K)`, where K is 1 in balance and falls to 0.
    pub(super) fn reduction(&self, x: &[U256], fee_gamma: U256) -> Result<U256, PoolError> {
        let sum = x.iter().try_fold(U256::ZERO, |sum, value| add(sum, *value))?;
        let k = if let [x0, x1] = x {
            mul_div(mul_div(mul(ONE, small(4))?, *x0, sum)?, *x1, sum)?
        } else {
            x.iter().try_fold(ONE, |k, value| div(mul(mul(k, self.n())?, *value)?, sum))?
        };
        if fee_gamma.is_zero() && self.coins > 2 {
            return Ok(k);
        }
        mul_div(fee_gamma, ONE, sub(add(fee_gamma, ONE)?, k)?)
    }
}
