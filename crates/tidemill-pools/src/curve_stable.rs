//! Curve `StableSwap`: two to eight coins around one price, with the roundings of each generation of its contracts.
//!
//! Source: curvefi/curve-contract, `StableSwap3Pool`, `SwapTemplateBase`, `SwapTemplateMeta`, `StableSwapCompound`,
//! `StableSwapAave`; curvefi/stableswap-ng, `CurveStableSwapNG`, `CurveStableSwapNGViews`.

mod invariant;
mod inverse;
mod liquidity;
mod meta;
mod rules;

use ruint::aliases::{U256, U512};

use crate::checked::{add, div, mul, mul_div, small, sub, ten_to};
use crate::chain::{Address, Log};
use crate::coins::{CoinPool, Dialect};
use crate::curve_coins::{self, at, check_pair};
use crate::error::{DecodeError, PoolError};
use crate::kind::{CallTerms, Deed, PoolSpec, Price};
use invariant::Curve;

pub use liquidity::Minted;
pub use meta::MetaSwap;
pub use rules::{Booking, FeeTaken, Product, Rules};

/// Most coins a pool can have.
pub const COINS_MAX: usize = 8;

/// One of rates and of common units.
const PRECISION: U256 = ten_to(18);
/// One of fees.
const FEE_ONE: U256 = ten_to(10);

/// What an owner may change about a pool: amplification and fees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Amplification times `Rules::a_precision`: what `A_precise` tells, or `A` of pools without one.
    pub amp: U256,
    /// Fee of a swap in 10^-10 of what comes out.
    pub fee: U256,
    /// Share of the fee that leaves the pool, in 10^-10.
    pub admin_fee: U256,
    /// By how much the fee grows away from the peg, in 10^-10; at most 10^10 where it does not.
    pub offpeg_fee_multiplier: U256,
}

/// A `StableSwap` pool: balances without admin fees, rates, terms, and the D that follows from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StableSwap {
    rules: Rules,
    terms: Terms,
    coins: usize,
    balances: [U256; COINS_MAX],
    rates: [U256; COINS_MAX],
    xp: [U256; COINS_MAX],
    d: Result<U256, PoolError>,
}

/// A swap in common units, before anything is booked.
struct Step {
    x: U256,
    y: U256,
    /// What leaves before the fee.
    dy: U256,
    /// Fee in force for this swap, in 10^-10.
    fee: U256,
}

/// Returns A at `now_s` on its ramp from `a0` at `t0_s` to `a1` at `t1_s`, as the contracts do.
///
/// # Errors
/// `Overflow` or `Insufficient` where the contract would revert.
pub fn ramped(a0: U256, a1: U256, (t0_s, t1_s): (u64, u64), now_s: u64) -> Result<U256, PoolError> {
    if now_s >= t1_s {
        return Ok(a1);
    }
    let passed_s = U256::from(now_s.checked_sub(t0_s).ok_or(PoolError::Insufficient)?);
    let whole_s = U256::from(t1_s.checked_sub(t0_s).ok_or(PoolError::Insufficient)?);
    let change = mul_div(a0.abs_diff(a1), passed_s, whole_s)?;
    if a1 > a0 {
        add(a0, change)
    } else {
        sub(a0, change)
    }
}

impl StableSwap {
    /// Returns a pool with these balances and rates: `rate · balance / 10^18` is a balance in common units.
    ///
    /// A rate is 10^(36 − decimals), times the lending rate, the oracle's rate or the base pool's virtual price.
    ///
    /// # Errors
    /// `Coins` where there are fewer than two coins, more than `COINS_MAX` or not as many rates; `Overflow` where a
    /// balance in common units does not fit 256 bits.
    pub fn new(rules: Rules, terms: Terms, balances: &[U256], rates: &[U256]) -> Result<Self, PoolError> {
        let coins = balances.len();
        if !(2..=COINS_MAX).contains(&coins) || rates.len() != coins {
            return Err(PoolError::Coins { i: coins, j: rates.len(), coins: COINS_MAX });
        }
        let mut pool = Self {
            rules,
            terms,
            coins,
            balances: [U256::ZERO; COINS_MAX],
            rates: [U256::ZERO; COINS_MAX],
            xp: [U256::ZERO; COINS_MAX],
            d: Err(PoolError::Uninitialised),
        };
        for (slot, balance) in pool.balances.iter_mut().zip(balances) {
            *slot = *balance;
        }
        for (slot, rate) in pool.rates.iter_mut().zip(rates) {
            *slot = *rate;
        }
        pool.settle()?;
        Ok(pool)
    }

    /// Returns the pool with other terms, rates or balances; the rest stays.
    ///
    /// # Errors
    /// As `new`.
    pub fn with(&self, terms: Terms, balances: &[U256], rates: &[U256]) -> Result<Self, PoolError> {
        Self::new(self.rules, terms, balances, rates)
    }

    /// Brings common units and D up to balances, rates and terms.
    fn settle(&mut self) -> Result<(), PoolError> {
        for (x, (balance, rate)) in self.xp.iter_mut().zip(self.balances.iter().zip(&self.rates)) {
            *x = div(mul(*balance, *rate)?, PRECISION)?;
        }
        self.d = self.curve().and_then(|curve| curve.d(self.xp()));
        Ok(())
    }

    /// Returns the rules of the pool's generation.
    pub const fn rules(&self) -> Rules {
        self.rules
    }

    /// Returns amplification and fees.
    pub const fn terms(&self) -> Terms {
        self.terms
    }

    /// Returns the balances in raw units, admin fees left out.
    pub fn balances(&self) -> &[U256] {
        self.balances.get(..self.coins).unwrap_or_default()
    }

    /// Returns the rates.
    pub fn rates(&self) -> &[U256] {
        self.rates.get(..self.coins).unwrap_or_default()
    }

    /// Returns the invariant.
    ///
    /// # Errors
    /// `Empty` where a balance is zero, `Overflow` or `Unconverged` where the contract would revert.
    pub const fn d(&self) -> Result<U256, PoolError> {
        self.d
    }

    /// Returns what one LP token is worth, in 10^-18, at this supply.
    ///
    /// # Errors
    /// As `d`; `Empty` where the supply is zero.
    pub fn virtual_price(&self, supply: U256) -> Result<U256, PoolError> {
        mul_div(self.d?, PRECISION, supply)
    }

    fn xp(&self) -> &[U256] {
        self.xp.get(..self.coins).unwrap_or_default()
    }

    fn curve(&self) -> Result<Curve, PoolError> {
        let coins = U256::from(self.coins);
        Ok(Curve { rules: self.rules, ann: mul(self.terms.amp, coins)?, coins })
    }

    /// Returns the fee of a swap between balances of `x_i` and `x_j` in common units, in 10^-10.
    ///
    /// # Errors
    /// `Overflow` or `Empty` where the contract would revert.
    pub fn dynamic_fee(&self, x_i: U256, x_j: U256) -> Result<U256, PoolError> {
        let Terms { fee, offpeg_fee_multiplier: multiplier, .. } = self.terms;
        self.scaled_fee((x_i, x_j), fee, multiplier)
    }

    fn scaled_fee(&self, (x_i, x_j): (U256, U256), fee: U256, multiplier: U256) -> Result<U256, PoolError> {
        if !self.rules.has_dynamic_fee || multiplier <= FEE_ONE {
            return Ok(fee);
        }
        let sum = add(x_i, x_j)?;
        let excess = sub(multiplier, FEE_ONE)?;
        let nearness = div(mul(mul(mul(excess, small(4))?, x_i)?, x_j)?, mul(sum, sum)?)?;
        mul_div(multiplier, fee, add(nearness, FEE_ONE)?)
    }

    fn step(&self, i: usize, j: usize, dx: U256) -> Result<Step, PoolError> {
        check_pair(i, j, self.coins)?;
        let x_i = at(&self.xp, i)?;
        let x = add(x_i, div(mul(dx, at(&self.rates, i)?)?, PRECISION)?)?;
        self.step_to(i, j, x)
    }

    /// Swaps until coin `i` holds `x` in common units.
    fn step_to(&self, i: usize, j: usize, x: U256) -> Result<Step, PoolError> {
        let (x_i, x_j) = (at(&self.xp, i)?, at(&self.xp, j)?);
        let y = self.curve()?.y((i, j), x, self.xp(), self.d?)?;
        let kept = U256::from(u8::from(self.rules.keeps_a_unit));
        let dy = sub(sub(x_j, y)?, kept)?;
        let fee = if self.rules.has_dynamic_fee {
            self.dynamic_fee(add(x_i, x)? >> 1_u32, add(x_j, y)? >> 1_u32)?
        } else {
            self.terms.fee
        };
        Ok(Step { x, y, dy, fee })
    }

    /// Returns what `dx` of coin `i` buys of coin `j`, as the contract's `get_dy` tells.
    ///
    /// Of the older pools a swap may pay one unit less or more than this: they round the fee at another place in
    /// `exchange`. `exchange_out` and `swap` give that amount.
    ///
    /// # Errors
    /// Where the contract would revert: `Coins`, `Empty` where a balance is zero, `Insufficient` where nothing would
    /// come out, `Overflow`, `Unconverged`.
    pub fn amount_out(&self, i: usize, j: usize, dx: U256) -> Result<U256, PoolError> {
        let step = self.step(i, j, dx)?;
        let rate = at(&self.rates, j)?;
        match self.rules.quoted_fee {
            FeeTaken::InCommonUnits => Self::paid(&step, rate),
            FeeTaken::InRawUnits => {
                let dy = div(mul(step.dy, PRECISION)?, rate)?;
                sub(dy, mul_div(step.fee, dy, FEE_ONE)?)
            }
        }
    }

    /// Says whether `amount_out` is the same for every swap, as it is where the rules differ only in how they came to D.
    pub fn quotes_as(&self, other: &Self) -> bool {
        let rules = Rules { product: self.rules.product, booking: self.rules.booking, ..other.rules };
        *self == Self { rules, ..other.clone() }
    }

    /// Returns what `dx` of coin `i` buys of coin `j` in `exchange`.
    ///
    /// # Errors
    /// As `amount_out`.
    pub fn exchange_out(&self, i: usize, j: usize, dx: U256) -> Result<U256, PoolError> {
        Self::paid(&self.step(i, j, dx)?, at(&self.rates, j)?)
    }

    /// Returns what `exchange` pays for a step.
    fn paid(step: &Step, rate: U256) -> Result<U256, PoolError> {
        let fee = mul_div(step.dy, step.fee, FEE_ONE)?;
        div(mul(sub(step.dy, fee)?, PRECISION)?, rate)
    }

    /// Returns what `dx` of coin `i` buys of coin `j` in `exchange`, and the pool after it; `self` is unchanged.
    ///
    /// # Errors
    /// As `amount_out`.
    pub fn swap(&self, i: usize, j: usize, dx: U256) -> Result<(U256, Self), PoolError> {
        let step = self.step(i, j, dx)?;
        self.booked(&step, (i, j), dx)
    }

    fn booked(&self, step: &Step, (i, j): (usize, usize), dx: U256) -> Result<(U256, Self), PoolError> {
        let (rate_i, rate_j) = (at(&self.rates, i)?, at(&self.rates, j)?);
        let fee = mul_div(step.dy, step.fee, FEE_ONE)?;
        let dy = Self::paid(step, rate_j)?;
        let admin_fee = mul_div(fee, self.terms.admin_fee, FEE_ONE)?;
        let (after_i, after_j) = match self.rules.booking {
            Booking::Moved => {
                let admin_fee = div(mul(admin_fee, PRECISION)?, rate_j)?;
                let after_i = add(at(&self.balances, i)?, dx)?;
                (after_i, sub(sub(at(&self.balances, j)?, dy)?, admin_fee)?)
            }
            Booking::Recomputed => {
                let left = add(step.y, sub(fee, admin_fee)?)?;
                (div(mul(step.x, PRECISION)?, rate_i)?, div(mul(left, PRECISION)?, rate_j)?)
            }
        };
        let mut after = self.clone();
        for (index, balance) in after.balances.iter_mut().enumerate() {
            if index == i {
                *balance = after_i;
            } else if index == j {
                *balance = after_j;
            }
        }
        after.settle()?;
        Ok((dy, after))
    }

    /// Returns the price of coin `i` in coin `j`, raw units, before the fee.
    ///
    /// `x_j·(Ann·x_i + P) / (x_i·(Ann·x_j + P)) · rate_i / rate_j`, where `P = D^(n+1) / (n^n · Πx)`: the exact slope
    /// of the curve at the contract's D and P, which are rounded to a unit (about 10^-24 of a pool of a million).
    ///
    /// # Errors
    /// As `d`; `Coins`; `Empty` where a balance is zero; `Overflow` where the fraction does not fit 512 bits.
    pub fn spot_price(&self, i: usize, j: usize) -> Result<Price, PoolError> {
        check_pair(i, j, self.coins)?;
        let (x_i, x_j) = (at(&self.xp, i)?, at(&self.xp, j)?);
        let (rate_i, rate_j) = (at(&self.rates, i)?, at(&self.rates, j)?);
        let d = self.d?;
        let curve = self.curve()?;
        let mut product = mul(d, small(self.rules.a_precision))?;
        for x in self.xp() {
            product = mul_div(product, d, mul(*x, curve.coins)?)?;
        }
        let side = |x: U256, other: U256, rate: U256| {
            let slope = add(mul(curve.ann, x)?, product)?;
            U512::from(slope)
                .checked_mul(U512::from(other))
                .and_then(|part| part.checked_mul(U512::from(rate)))
                .ok_or(PoolError::Overflow)
        };
        let (numerator, denominator) = (side(x_i, x_j, rate_i)?, side(x_j, x_i, rate_j)?);
        if denominator.is_zero() {
            return Err(PoolError::Empty);
        }
        Ok(Price { numerator, denominator })
    }
}

/// Curve's `StableSwap` pools as they are followed: each speaks for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed;

impl Dialect for Followed {
    const PROTOCOL: &'static str = "curve_stable";

    fn call_terms(
        pool: &CoinPool<Self>,
        spec: &PoolSpec,
        token_in: &Address,
        token_out: &Address,
    ) -> Option<CallTerms> {
        curve_coins::call_terms(spec, pool.coins(), [token_in, token_out], false)
    }

    fn deed(log: &Log<'_>, coins: &[Address]) -> Result<Option<Deed>, DecodeError> {
        curve_coins::deed(log, coins)
    }
}

/// A `StableSwap` pool that is followed.
pub type CurveStable = CoinPool<Followed>;
