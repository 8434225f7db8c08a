//! Curve `CryptoSwap`: two or three coins of free prices, liquidity gathered around a price scale that follows them.
//!
//! Source: curvefi/curve-crypto-contract, `CurveCryptoSwap2`, `CurveCryptoSwap`, `CurveCryptoViews3`;
//! curvefi/twocrypto-ng, `CurveTwocryptoOptimized`; curvefi/tricrypto-ng, `CurveTricryptoOptimizedWETH`.

mod analytic;
mod newton;
mod ng;
mod tweak;

use ruint::aliases::{U256, U512};

use crate::checked::{add, div, mul, mul_div, small, sub, ten_to};
use crate::chain::{Address, Log};
use crate::coins::{CoinPool, Dialect};
use crate::curve_coins::{self, at, check_pair, check_wanted};
use crate::error::{DecodeError, PoolError};
use crate::kind::{CallTerms, Deed, PoolSpec, Price};
use newton::{Shape, A_MULTIPLIER, ONE};

/// One of fees.
const FEE_ONE: U256 = ten_to(10);

/// Which contracts a pool is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// The first: y by Newton's method, the price scale follows a halving average.
    First,
    /// NG: y from the cubic's root.
    Ng,
}

/// What an owner may change about a pool; on a ramp, A and gamma as they are at the time of the swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// A · n^n · 10^4: what the contract's `A` tells.
    pub ann: U256,
    /// Width of the liquidity, in 10^-18.
    pub gamma: U256,
    /// Fee in balance, in 10^-10.
    pub mid_fee: U256,
    /// Fee far from balance, in 10^-10.
    pub out_fee: U256,
    /// How fast the fee rises, in 10^-18.
    pub fee_gamma: U256,
    /// Profit kept back before the price scale moves, in 10^-18.
    pub allowed_extra_profit: U256,
    /// Step of the price scale, in 10^-18.
    pub adjustment_step: U256,
    /// Half-life of the price oracle; of NG pools the time in which it moves by 1 − 1/e.
    pub ma_half_time_s: u64,
    /// Share of the profit that is the owner's, in 10^-10; two-coin pools of the first generation claim it in a swap.
    pub admin_fee: U256,
    /// When the ramp of A and gamma ends; 0 where there is none, 1 for the one swap after it, as the contract keeps it.
    pub ramp_ends_s: u64,
}

/// Prices of coins 1 and 2 in coin 0, in 10^-18.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prices {
    /// Where the liquidity is gathered.
    pub scale: [U256; 2],
    /// The moving average.
    pub oracle: [U256; 2],
    /// The last swap's.
    pub last: [U256; 2],
    /// When the average was last moved; `None` where it was told as moved to the block in which it was read.
    pub last_s: Option<u64>,
}

/// What the pool has earned, and whom it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profit {
    /// Growth of the constant product, in 10^-18.
    pub xcp: U256,
    /// The same when fees were last claimed.
    pub xcp_claimed: U256,
    /// Worth of an LP token, in 10^-18.
    pub virtual_price: U256,
    /// LP tokens.
    pub supply: U256,
    /// Whether the price scale is on its way (`not_adjusted` of the contract).
    pub is_adjusting: bool,
}

/// A `CryptoSwap` pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CryptoSwap {
    generation: Generation,
    coins: usize,
    balances: [U256; 3],
    precisions: [U256; 3],
    /// Invariant as the contract stores it.
    d: U256,
    terms: Terms,
    prices: Prices,
    profit: Profit,
}

/// A swap before it is booked.
struct Step {
    dy: U256,
    d: U256,
    /// Balances in common units after the swap, the fee not yet put back.
    xp: [U256; 3],
    /// K0 of NG's root, which its D starts from.
    k0: U256,
}

impl CryptoSwap {
    /// Returns a pool of two or three coins; `precisions` are 10^(18 − decimals), `d` is what the contract stores.
    ///
    /// # Errors
    /// `Coins` where there are neither two nor three coins, or not as many precisions.
    pub fn new(
        generation: Generation,
        (balances, precisions): (&[U256], &[U256]),
        d: U256,
        terms: Terms,
        (prices, profit): (Prices, Profit),
    ) -> Result<Self, PoolError> {
        let coins = balances.len();
        if !(2..=3).contains(&coins) || precisions.len() != coins {
            return Err(PoolError::Coins { i: coins, j: precisions.len(), coins: 3 });
        }
        let three = |of: &[U256]| std::array::from_fn(|k| of.get(k).copied().unwrap_or_default());
        let (balances, precisions) = (three(balances), three(precisions));
        Ok(Self { generation, coins, balances, precisions, d, terms, prices, profit })
    }

    /// Returns the balances in raw units.
    pub fn balances(&self) -> &[U256] {
        self.balances.get(..self.coins).unwrap_or_default()
    }

    /// Returns the stored invariant.
    pub const fn d(&self) -> U256 {
        self.d
    }

    /// Returns what an owner may change.
    pub const fn terms(&self) -> Terms {
        self.terms
    }

    /// Returns price scale, oracle and last prices.
    pub const fn prices(&self) -> Prices {
        self.prices
    }

    /// Returns what the pool has earned.
    pub const fn profit(&self) -> Profit {
        self.profit
    }

    const fn shape(&self) -> Shape {
        Shape { coins: self.coins, ann: self.terms.ann, gamma: self.terms.gamma }
    }

    fn set(of: &mut [U256], index: usize, value: U256) -> Result<(), PoolError> {
        let coins = of.len();
        *of.get_mut(index).ok_or(PoolError::Coins { i: index, j: index, coins })? = value;
        Ok(())
    }

    /// Returns a balance in common units: coin 0's, 18 decimals.
    fn common(&self, k: usize, balance: U256) -> Result<U256, PoolError> {
        let precision = at(&self.precisions, k)?;
        match k.checked_sub(1) {
            None => mul(balance, precision),
            Some(price) => div(mul(mul(balance, at(&self.prices.scale, price)?)?, precision)?, ONE),
        }
    }

    fn raw(&self, k: usize, x: U256) -> Result<U256, PoolError> {
        let x = match k.checked_sub(1) {
            None => x,
            Some(price) => mul_div(x, ONE, at(&self.prices.scale, price)?)?,
        };
        div(x, at(&self.precisions, k)?)
    }

    fn commons(&self) -> Result<[U256; 3], PoolError> {
        let mut xp = [U256::ZERO; 3];
        for (k, (x, balance)) in xp.iter_mut().zip(self.balances()).enumerate() {
            *x = self.common(k, *balance)?;
        }
        Ok(xp)
    }

    fn held<'a>(&self, xp: &'a [U256; 3]) -> &'a [U256] {
        xp.get(..self.coins).unwrap_or_default()
    }

    /// Returns the fee at these balances in common units, in 10^-10.
    fn fee(&self, xp: &[U256; 3]) -> Result<U256, PoolError> {
        let f = self.shape().reduction(self.held(xp), self.terms.fee_gamma)?;
        let mid = mul(self.terms.mid_fee, f)?;
        div(add(mid, mul(self.terms.out_fee, sub(ONE, f)?)?)?, ONE)
    }

    /// Returns y and, of NG, K0 of its root.
    fn y(&self, xp: &[U256; 3], d: U256, j: usize) -> Result<(U256, U256), PoolError> {
        match self.generation {
            Generation::First => Ok((self.shape().newton_y(self.held(xp), d, j)?, U256::ZERO)),
            Generation::Ng => self.shape().root_y(self.held(xp), d, j),
        }
    }

    fn step(&self, (i, j): (usize, usize), dx: U256, is_ramping: bool) -> Result<Step, PoolError> {
        check_pair(i, j, self.coins)?;
        if dx.is_zero() {
            return Err(PoolError::Empty);
        }
        let mut xp = self.commons()?;
        // While A and gamma are on a ramp the stored D is not theirs.
        let d = match self.generation {
            _ if !is_ramping => self.d,
            Generation::First => self.shape().newton_d(self.held(&xp))?,
            Generation::Ng => self.shape().newton_d_from(self.held(&xp), U256::ZERO)?,
        };
        let x_i = self.common(i, add(at(&self.balances, i)?, dx)?)?;
        Self::set(&mut xp, i, x_i)?;
        let (y, k0) = self.y(&xp, d, j)?;
        let dy = sub(sub(at(&xp, j)?, y)?, U256::ONE)?;
        Self::set(&mut xp, j, y)?;
        let dy = self.raw(j, dy)?;
        let dy = sub(dy, mul_div(self.fee(&xp)?, dy, FEE_ONE)?)?;
        Ok(Step { dy, d, xp, k0 })
    }

    /// Returns what `dx` of coin `i` buys of coin `j`: `get_dy`, and what `exchange` pays.
    ///
    /// # Errors
    /// Where the contract would revert: `Coins`, `Empty` where `dx` is zero, `Unsafe` where a number is outside its
    /// limits, `Insufficient` where nothing would come out, `Overflow`, `Unconverged`.
    pub fn amount_out(&self, i: usize, j: usize, dx: U256) -> Result<U256, PoolError> {
        Ok(self.step((i, j), dx, self.terms.ramp_ends_s > 0)?.dy)
    }

    /// Returns the least `dx` of coin `i` that buys at least `dy` of coin `j`.
    ///
    /// Exact: `amount_out(dx)` reaches `dy` and `amount_out(dx - 1)` does not; what NG's views tell with their five
    /// rounds is "never exact" by their own word.
    ///
    /// # Errors
    /// `Empty` where `dy` is zero, `Insufficient` where the pool cannot pay `dy`, else as `amount_out`.
    pub fn amount_in(&self, i: usize, j: usize, dy: U256) -> Result<U256, PoolError> {
        check_pair(i, j, self.coins)?;
        check_wanted(dy, at(&self.balances, j)?)?;
        let mut xp = self.commons()?;
        let left = self.common(j, sub(at(&self.balances, j)?, dy)?)?;
        Self::set(&mut xp, j, left)?;
        let guess = self.y(&xp, self.d, i).and_then(|(x, _)| self.raw(i, sub(x, at(&xp, i)?)?));
        crate::least::least(guess.unwrap_or(dy), dy, |dx| self.amount_out(i, j, dx))
    }

    /// Returns the price of coin `i` in coin `j`, raw units, before the fee.
    ///
    /// With `g = gamma + 1 − K0` and `T = (g + 2·K0)·(S − D) + D·g³ / (ANN·gamma²)` it is
    /// `x_j·(T + x_i·g) / (x_i·(T + x_j·g))`, times the coins' scales: the exact slope of the curve, but for T and K0,
    /// which are rounded to 10^-18.
    ///
    /// # Errors
    /// `Coins`; `Empty` where a balance is zero; `Unsafe` where K0 is above gamma + 1; `Overflow`.
    pub fn spot_price(&self, i: usize, j: usize) -> Result<Price, PoolError> {
        check_pair(i, j, self.coins)?;
        let xp = self.commons()?;
        let (shape, n) = (self.shape(), small(self.coins as u64));
        let mut k0 = ONE;
        let mut sum = U256::ZERO;
        for x in self.held(&xp) {
            k0 = div(mul(mul(k0, *x)?, n)?, self.d)?;
            sum = add(sum, *x)?;
        }
        let g = add(shape.gamma, ONE)?.checked_sub(k0).ok_or(PoolError::Unsafe)?;
        let part = mul_div(mul_div(self.d, g, shape.gamma)?, g, shape.gamma)?;
        let bend = div(mul(mul(part, g)?, A_MULTIPLIER)?, shape.ann)?;
        let t = add(mul(add(g, k0 << 1_u32)?, sum.saturating_sub(self.d))?, bend)?;
        let side = |k: usize, other: usize| -> Result<U512, PoolError> {
            let (x, held) = (at(&xp, k)?, at(&xp, other)?);
            let scale = k.checked_sub(1).map_or(Ok(ONE), |price| at(&self.prices.scale, price))?;
            let unit = mul(scale, at(&self.precisions, k)?)?;
            let slope = U512::from(add(t, mul(x, g)?)?);
            slope
                .checked_mul(U512::from(held))
                .and_then(|part| part.checked_mul(U512::from(unit)))
                .ok_or(PoolError::Overflow)
        };
        let (numerator, denominator) = (side(i, j)?, side(j, i)?);
        if denominator.is_zero() {
            return Err(PoolError::Empty);
        }
        Ok(Price { numerator, denominator })
    }
}

/// Curve's `CryptoSwap` pools as they are followed: each speaks for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed;

impl Dialect for Followed {
    const PROTOCOL: &'static str = "curve_crypto";

    fn call_terms(
        pool: &CoinPool<Self>,
        spec: &PoolSpec,
        token_in: &Address,
        token_out: &Address,
    ) -> Option<CallTerms> {
        curve_coins::call_terms(spec, pool.coins(), [token_in, token_out], true)
    }

    fn deed(log: &Log<'_>, coins: &[Address]) -> Result<Option<Deed>, DecodeError> {
        curve_coins::deed(log, coins)
    }
}

/// A `CryptoSwap` pool that is followed.
pub type CurveCrypto = CoinPool<Followed>;
