//! Deposits and one-coin withdrawals of a `StableSwap` pool: what metapools do with the pool beneath them.

use ruint::aliases::U256;

use crate::error::PoolError;

use super::{StableSwap, COINS_MAX, FEE_ONE, PRECISION};
use crate::checked::{add, div, mul, mul_div, small, sub};
use crate::curve_coins::{at, check_pair};

/// LP tokens after a deposit or a withdrawal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minted {
    /// LP tokens minted, or raw units of the coin paid out.
    pub amount: U256,
    /// LP tokens there are afterwards.
    pub supply: U256,
    /// The pool afterwards.
    pub pool: StableSwap,
}

impl StableSwap {
    /// Returns the pool with other balances.
    fn holding(&self, balances: &[U256; COINS_MAX]) -> Result<Self, PoolError> {
        let mut pool = Self { balances: *balances, ..self.clone() };
        pool.settle()?;
        Ok(pool)
    }

    fn moved(&self, amounts: &[U256], is_deposit: bool) -> Result<[U256; COINS_MAX], PoolError> {
        if amounts.len() != self.coins {
            return Err(PoolError::Coins { i: amounts.len(), j: self.coins, coins: self.coins });
        }
        let mut balances = self.balances;
        for (balance, amount) in balances.iter_mut().zip(amounts) {
            *balance = if is_deposit { add(*balance, *amount)? } else { sub(*balance, *amount)? };
        }
        Ok(balances)
    }

    /// Returns the fee of an unbalanced deposit or withdrawal, a coin's share of the swap fee, in 10^-10.
    fn imbalance_fee(&self) -> Result<U256, PoolError> {
        let coins = U256::from(self.coins);
        mul_div(self.terms.fee, coins, mul(small(4), sub(coins, U256::ONE)?)?)
    }

    /// Returns LP tokens for a deposit or withdrawal, fees left out: `calc_token_amount` of all pools before NG.
    ///
    /// # Errors
    /// `Coins` where there are not as many amounts as coins, else where the contract would revert.
    pub fn token_amount(&self, amounts: &[U256], is_deposit: bool, supply: U256) -> Result<U256, PoolError> {
        let d0 = self.d?;
        let d1 = self.holding(&self.moved(amounts, is_deposit)?)?.d?;
        let change = if is_deposit { sub(d1, d0)? } else { sub(d0, d1)? };
        mul_div(change, supply, d0)
    }

    /// Returns what each coin pays for the difference between its new balance and its share of the new D.
    fn fees(&self, new: &Self, multiplier: U256) -> Result<[U256; COINS_MAX], PoolError> {
        let (d0, d1) = (self.d?, new.d?);
        let base = self.imbalance_fee()?;
        let ys = div(add(d0, d1)?, U256::from(self.coins))?;
        let mut fees = [U256::ZERO; COINS_MAX];
        for (k, slot) in fees.iter_mut().enumerate().take(self.coins) {
            let (old, held) = (at(&self.balances, k)?, at(&new.balances, k)?);
            let difference = mul_div(d1, old, d0)?.abs_diff(held);
            let xs = mul_div(at(&self.rates, k)?, add(old, held)?, PRECISION)?;
            *slot = mul_div(self.scaled_fee((xs, ys), base, multiplier)?, difference, FEE_ONE)?;
        }
        Ok(fees)
    }

    /// Returns the LP tokens that `add_liquidity` mints, fees taken, and the pool after it.
    ///
    /// # Errors
    /// `Coins` where there are not as many amounts as coins, `Empty` where nothing is added, else where the contract
    /// would revert.
    pub fn add_liquidity(&self, amounts: &[U256], supply: U256) -> Result<Minted, PoolError> {
        let new = self.holding(&self.moved(amounts, true)?)?;
        let d1 = new.d?;
        if supply.is_zero() {
            return Ok(Minted { amount: d1, supply: d1, pool: new });
        }
        let d0 = self.d?;
        if d1 <= d0 {
            return Err(PoolError::Empty);
        }
        let fees = self.fees(&new, self.terms.offpeg_fee_multiplier)?;
        let (mut kept, mut shared) = (new.balances, new.balances);
        for ((booked, left), fee) in kept.iter_mut().zip(&mut shared).zip(fees) {
            *booked = sub(*booked, mul_div(fee, self.terms.admin_fee, FEE_ONE)?)?;
            *left = sub(*left, fee)?;
        }
        let d2 = self.holding(&shared)?.d?;
        let amount = mul_div(supply, sub(d2, d0)?, d0)?;
        Ok(Minted { amount, supply: add(supply, amount)?, pool: self.holding(&kept)? })
    }

    /// Returns LP tokens for a deposit, fees taken: `calc_token_amount` of `CurveStableSwapNGViews`.
    ///
    /// The views use the dynamic fee of NG pools only, as `add_liquidity` here does.
    ///
    /// # Errors
    /// As `add_liquidity`.
    pub fn views_token_amount(&self, amounts: &[U256], supply: U256) -> Result<U256, PoolError> {
        self.add_liquidity(amounts, supply).map(|minted| minted.amount)
    }

    /// Returns what `calc_withdraw_one_coin` pays in coin `i` for LP tokens, and the fee, both in raw units.
    ///
    /// # Errors
    /// `Coins` where `i` is not a coin, `Insufficient` where there are fewer LP tokens, else where the contract would
    /// revert.
    pub fn withdrawn(&self, burned: U256, i: usize, supply: U256) -> Result<(U256, U256), PoolError> {
        check_pair(i, usize::from(i == 0), self.coins)?;
        let d0 = self.d?;
        let d1 = sub(d0, mul_div(burned, d0, supply)?)?;
        let curve = self.curve()?;
        let y = curve.y_of_d(i, self.xp(), d1)?;
        let base = self.imbalance_fee()?;
        let ys = div(add(d0, d1)?, mul(small(2), curve.coins)?)?;
        let mut reduced = self.xp;
        for (k, x) in reduced.iter_mut().enumerate().take(self.coins) {
            let ideal = mul_div(*x, d1, d0)?;
            let (expected, average) =
                if k == i { (sub(ideal, y)?, add(*x, y)? >> 1_u32) } else { (sub(*x, ideal)?, *x) };
            let fee = self.scaled_fee((average, ys), base, self.terms.offpeg_fee_multiplier)?;
            *x = sub(*x, mul_div(fee, expected, FEE_ONE)?)?;
        }
        let rate = at(&self.rates, i)?;
        let left = curve.y_of_d(i, reduced.get(..self.coins).unwrap_or_default(), d1)?;
        let kept = U256::from(u8::from(self.rules.keeps_a_unit));
        let paid = mul_div(sub(sub(at(&reduced, i)?, left)?, kept)?, PRECISION, rate)?;
        let without_fee = mul_div(sub(at(&self.xp, i)?, y)?, PRECISION, rate)?;
        Ok((paid, without_fee.saturating_sub(paid)))
    }

    /// Returns what `remove_liquidity_one_coin` pays in coin `i`, and the pool after it.
    ///
    /// # Errors
    /// As `withdrawn`.
    pub fn remove_one_coin(&self, burned: U256, i: usize, supply: U256) -> Result<Minted, PoolError> {
        let (paid, fee) = self.withdrawn(burned, i, supply)?;
        let admin_fee = mul_div(fee, self.terms.admin_fee, FEE_ONE)?;
        let mut balances = self.balances;
        for (k, balance) in balances.iter_mut().enumerate() {
            if k == i {
                *balance = sub(*balance, add(paid, admin_fee)?)?;
            }
        }
        Ok(Minted { amount: paid, supply: sub(supply, burned)?, pool: self.holding(&balances)? })
    }
}
