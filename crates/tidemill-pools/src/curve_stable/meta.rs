//! A metapool: one coin against the LP token of a base pool, whose coins it swaps too.
//!
//! Source: curvefi/curve-contract, `SwapTemplateMeta`, `StableSwapRAI`; curvefi/stableswap-ng, `CurveStableSwapMetaNG`,
//! `CurveStableSwapNGViews`.

use ruint::aliases::U256;

use crate::error::PoolError;

use super::{StableSwap, COINS_MAX, FEE_ONE, PRECISION};
use crate::checked::{add, div, mul, mul_div, sub};
use crate::curve_coins::{at, check_pair};

/// Place of the base pool's LP token among a metapool's coins.
const LP: usize = 1;

/// A metapool of two coins and its base pool; coin 0 is its own, 1 onwards are the base pool's.
///
/// The metapool's rate of the LP token is the virtual price that the contract uses: that of `base` in NG, but pools
/// before it keep it for ten minutes, so that it is state to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetaSwap {
    /// The metapool itself, of two coins.
    pub pool: StableSwap,
    /// The base pool.
    pub base: StableSwap,
    /// LP tokens of the base pool.
    pub base_supply: U256,
}

impl MetaSwap {
    fn is_of_base(coin: usize) -> Option<usize> {
        coin.checked_sub(LP)
    }

    fn deposit(&self, coin: usize, amount: U256) -> Result<[U256; COINS_MAX], PoolError> {
        let mut amounts = [U256::ZERO; COINS_MAX];
        match amounts.get_mut(coin) {
            Some(slot) if coin < self.base.coins => *slot = amount,
            _ => return Err(PoolError::Coins { i: coin, j: coin, coins: self.base.coins }),
        }
        Ok(amounts)
    }

    /// Returns what a deposit to the base pool is estimated to add to the LP token's side, in common units.
    fn estimated(&self, coin: usize, dx: U256) -> Result<U256, PoolError> {
        let amounts = self.deposit(coin, dx)?;
        let amounts = amounts.get(..self.base.coins).unwrap_or_default();
        let rate = at(&self.pool.rates, LP)?;
        if self.pool.rules.has_dynamic_fee {
            let minted = self.base.views_token_amount(amounts, self.base_supply)?;
            return mul_div(minted, rate, PRECISION);
        }
        let x = mul_div(self.base.token_amount(amounts, true, self.base_supply)?, rate, PRECISION)?;
        // The older pools take half the swap fee for the fee of the deposit.
        sub(x, div(mul(x, self.base.terms.fee)?, FEE_ONE << 1_u32)?)
    }

    /// Returns what `get_dy_underlying` tells: an estimate where a deposit is on the way, as in the contract.
    ///
    /// # Errors
    /// Where the contract would revert.
    pub fn amount_out(&self, i: usize, j: usize, dx: U256) -> Result<U256, PoolError> {
        let (base_i, base_j) = (Self::is_of_base(i), Self::is_of_base(j));
        if let (Some(i), Some(j)) = (base_i, base_j) {
            return self.base.amount_out(i, j, dx);
        }
        let (meta_i, meta_j) = (i.min(LP), j.min(LP));
        check_pair(meta_i, meta_j, self.pool.coins)?;
        let held = at(&self.pool.xp, meta_i)?;
        let added = match base_i {
            None => mul_div(dx, at(&self.pool.rates, 0)?, PRECISION)?,
            Some(coin) => self.estimated(coin, dx)?,
        };
        let step = self.pool.step_to(meta_i, meta_j, add(held, added)?)?;
        let dy = StableSwap::paid(&step, at(&self.pool.rates, meta_j)?)?;
        match base_j {
            None => Ok(dy),
            Some(coin) => Ok(self.base.withdrawn(dy, coin, self.base_supply)?.0),
        }
    }

    /// Takes the base pool's price as it is now for the LP token's rate, as pools of NG do at every call.
    fn reprice(&mut self) -> Result<(), PoolError> {
        if self.pool.rules.has_dynamic_fee {
            let rates = [at(&self.pool.rates, 0)?, self.base.virtual_price(self.base_supply)?];
            self.pool = self.pool.with(self.pool.terms, self.pool.balances(), &rates)?;
        }
        Ok(())
    }

    /// Returns what `exchange_underlying` pays, and both pools after it; `self` is unchanged.
    ///
    /// # Errors
    /// Where the contract would revert.
    pub fn swap(&self, i: usize, j: usize, dx: U256) -> Result<(U256, Self), PoolError> {
        let (base_i, base_j) = (Self::is_of_base(i), Self::is_of_base(j));
        let mut after = self.clone();
        if let (Some(i), Some(j)) = (base_i, base_j) {
            let (dy, base) = self.base.swap(i, j, dx)?;
            after.base = base;
            after.reprice()?;
            return Ok((dy, after));
        }
        let (meta_i, meta_j) = (i.min(LP), j.min(LP));
        check_pair(meta_i, meta_j, self.pool.coins)?;
        let mut paid_in = dx;
        if let Some(coin) = base_i {
            let amounts = self.deposit(coin, dx)?;
            let amounts = amounts.get(..self.base.coins).unwrap_or_default();
            let minted = self.base.add_liquidity(amounts, self.base_supply)?;
            (paid_in, after.base, after.base_supply) = (minted.amount, minted.pool, minted.supply);
        }
        let (mut dy, pool) = self.pool.swap(meta_i, meta_j, paid_in)?;
        after.pool = pool;
        if let Some(coin) = base_j {
            let removed = after.base.remove_one_coin(dy, coin, after.base_supply)?;
            (dy, after.base, after.base_supply) = (removed.amount, removed.pool, removed.supply);
        }
        after.reprice()?;
        Ok((dy, after))
    }
}
