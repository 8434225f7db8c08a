//! What the V3 vault takes for shares of a pool and gives for them: in proportion without a fee, else with the swap fee
//! on what is out of proportion.
//!
//! Source: balancer-v3-monorepo, `Vault`, `BasePoolMath`.

use ruint::aliases::U256;

use crate::balancer_fixed_point::{
    add, complement, div_down, div_up, mul_down, mul_up, quotient_down, quotient_up, sub, times,
};
use crate::error::PoolError;

use super::{Vault, MAX_BALANCE_BITS};

/// The fewest shares that a pool may have.
pub const MIN_SUPPLY: U256 = U256::from_limbs([1_000_000, 0, 0, 0]);

/// What is given for shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Add<'a> {
    /// Some of each token, as the pool has them, for this many shares.
    Proportional(U256),
    /// These raw amounts, one a token.
    Unbalanced(&'a [U256]),
    /// One token, for this many shares.
    Single {
        /// The token given.
        token: usize,
        /// Shares wanted.
        shares: U256,
    },
}

/// What shares are given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remove {
    /// Some of each token, as the pool has them, for this many shares.
    Proportional(U256),
    /// One token, for this many shares.
    SingleForShares {
        /// The token wanted.
        token: usize,
        /// Shares given.
        shares: U256,
    },
    /// This raw amount of one token.
    SingleAmount {
        /// The token wanted.
        token: usize,
        /// Raw amount wanted.
        amount: U256,
    },
}

/// A change of liquidity found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed<P> {
    /// Shares minted or burned.
    pub shares: U256,
    /// Raw amounts paid in or out, one a token.
    pub amounts: Vec<U256>,
    /// The pool after it.
    pub pool: P,
}

/// Which way an invariant is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// Not above the true one.
    Down,
    /// Not below the true one.
    Up,
}

/// A pool of the V3 vault whose shares can be bought and sold: its maths, and what the vault makes of it.
///
/// Live balances and invariants have 18 decimals.
pub trait LiquidityPool: Sized {
    /// The least and the greatest part of itself that the invariant may become when one token is added or taken alone or
    /// amounts are not in proportion, with 18 decimals.
    const RATIOS: [U256; 2];

    /// Returns the pool's share of the vault.
    fn vault(&self) -> &Vault;

    /// Returns the pool with another share of the vault.
    #[must_use]
    fn with_vault(&self, vault: Vault) -> Self;

    /// Returns the invariant of live balances, as the pool's `computeInvariant`.
    ///
    /// # Errors
    /// Where the contract would revert.
    fn invariant(&self, live: &[U256], rounding: Rounding) -> Result<U256, PoolError>;

    /// Returns the live balance of a token that has the invariant become `ratio` times itself, as the pool's
    /// `computeBalance`.
    ///
    /// # Errors
    /// Where the contract would revert.
    fn balance_at(&self, live: &[U256], token: usize, ratio: U256) -> Result<U256, PoolError>;

    /// Says whether the pool's hook lets live balances become others, where a change was not in proportion.
    ///
    /// # Errors
    /// `Surge` where it does not.
    fn check_change(&self, _before: &[U256], _after: &[U256]) -> Result<(), PoolError> {
        Ok(())
    }

    /// Adds liquidity to a pool of `supply` shares.
    ///
    /// # Errors
    /// `Tokens` where amounts are not one a token or there is no such token, `Small` below the vault's least trade,
    /// `Growth` where the invariant would grow too much, `Surge` where the hook refuses, and where the contract's
    /// arithmetic reverts.
    fn add_liquidity(&self, supply: U256, given: Add<'_>) -> Result<Changed<Self>, PoolError> {
        let change = Change { pool: self, supply, live: self.vault().live_up()? };
        let (exact, found) = match given {
            Add::Proportional(shares) => {
                let part = |balance| quotient_up(times(balance, shares)?, supply);
                (vec![U256::ZERO; change.live.len()], change.in_proportion(shares, part)?)
            }
            Add::Unbalanced(amounts) => (amounts.to_vec(), change.added(amounts)?),
            Add::Single { token, shares } => {
                (vec![U256::ZERO; change.live.len()], change.added_single(token, shares)?)
            }
        };
        check_supply(add(supply, found.shares)?)?;
        found.settled(self, &exact, true)
    }

    /// Takes liquidity from a pool of `supply` shares.
    ///
    /// # Errors
    /// As `add_liquidity`, `Growth` where the invariant would fall too much; `Insufficient` where the pool has not so
    /// much, or fewer than `MIN_SUPPLY` shares would be left.
    fn remove_liquidity(&self, supply: U256, wanted: Remove) -> Result<Changed<Self>, PoolError> {
        let live = self.vault().live()?.balances().to_vec();
        let change = Change { pool: self, supply, live };
        let mut exact = vec![U256::ZERO; change.live.len()];
        let found = match wanted {
            Remove::Proportional(shares) => {
                let part = |balance| quotient_down(times(balance, shares)?, supply);
                change.in_proportion(shares, part)?
            }
            Remove::SingleForShares { token, shares } => change.removed_for_shares(token, shares)?,
            Remove::SingleAmount { token, amount } => {
                *place(&mut exact, token)? = amount;
                change.removed_amount(token, amount)?
            }
        };
        check_supply(sub(supply, found.shares)?)?;
        found.settled(self, &exact, false)
    }
}

/// A pool before a change: its shares, and its live balances rounded so that the change favours it.
struct Change<'a, P> {
    pool: &'a P,
    supply: U256,
    live: Vec<U256>,
}

/// What a change is in live amounts, one a token.
struct Found {
    shares: U256,
    amounts: Vec<U256>,
    fees: Vec<U256>,
    is_proportional: bool,
}

impl<P: LiquidityPool> Change<'_, P> {
    fn in_proportion(
        &self,
        shares: U256,
        part: impl Fn(U256) -> Result<U256, PoolError>,
    ) -> Result<Found, PoolError> {
        let amounts = self.live.iter().map(|balance| part(*balance)).collect::<Result<_, _>>()?;
        Ok(Found { shares, amounts, fees: vec![U256::ZERO; self.live.len()], is_proportional: true })
    }

    /// Returns a change of one token.
    fn single(&self, shares: U256, token: usize, amount: U256, fee: U256) -> Result<Found, PoolError> {
        let (mut amounts, mut fees) = (vec![U256::ZERO; self.live.len()], vec![U256::ZERO; self.live.len()]);
        *place(&mut amounts, token)? = amount;
        *place(&mut fees, token)? = fee;
        Ok(Found { shares, amounts, fees, is_proportional: false })
    }

    fn balance(&self, token: usize) -> Result<U256, PoolError> {
        self.live.get(token).copied().ok_or(PoolError::Tokens)
    }

    fn fee(&self) -> U256 {
        self.pool.vault().fee()
    }

    /// Finds the shares for raw amounts: what of each is above its part of the greater invariant pays the fee.
    fn added(&self, given: &[U256]) -> Result<Found, PoolError> {
        let vault = self.pool.vault();
        if given.len() != self.live.len() {
            return Err(PoolError::Tokens);
        }
        let amounts: Vec<U256> = given
            .iter()
            .enumerate()
            .map(|(token, amount)| vault.live_of(token, *amount))
            .collect::<Result<_, _>>()?;
        // The balances were rounded up by a unit.
        let mut after: Vec<U256> = self
            .live
            .iter()
            .zip(&amounts)
            .map(|(balance, amount)| sub(add(*balance, *amount)?, U256::ONE))
            .collect::<Result<_, _>>()?;
        let before = self.pool.invariant(&self.live, Rounding::Up)?;
        let ratio = check_ratio::<P>(div_down(self.pool.invariant(&after, Rounding::Down)?, before)?)?;
        let mut fees = Vec::with_capacity(after.len());
        for (balance, after) in self.live.iter().zip(&mut after) {
            let taxed = after.saturating_sub(mul_down(ratio, *balance)?);
            let fee = mul_up(taxed, self.fee())?;
            *after = sub(*after, fee)?;
            fees.push(fee);
        }
        let grown = sub(self.pool.invariant(&after, Rounding::Down)?, before)?;
        let shares = quotient_down(times(self.supply, grown)?, before)?;
        Ok(Found { shares, amounts, fees, is_proportional: false })
    }

    /// Finds how much of one token buys shares: what is above its part of them pays the fee.
    fn added_single(&self, token: usize, shares: U256) -> Result<Found, PoolError> {
        let (balance, supply) = (self.balance(token)?, add(shares, self.supply)?);
        let ratio = check_ratio::<P>(div_up(supply, self.supply)?)?;
        let after = self.pool.balance_at(&self.live, token, ratio)?;
        let amount = sub(after, balance)?;
        let taxed = sub(after, quotient_down(times(supply, balance)?, self.supply)?)?;
        let fee = sub(div_up(taxed, complement(self.fee()))?, taxed)?;
        self.single(shares, token, add(amount, fee)?, fee)
    }

    /// Finds how much of one token shares buy: what is below its part of those left pays the fee.
    fn removed_for_shares(&self, token: usize, shares: U256) -> Result<Found, PoolError> {
        let (balance, supply) = (self.balance(token)?, sub(self.supply, shares)?);
        let ratio = check_ratio::<P>(div_up(supply, self.supply)?)?;
        let after = self.pool.balance_at(&self.live, token, ratio)?;
        let amount = sub(balance, after)?;
        let taxed = sub(quotient_up(times(supply, balance)?, self.supply)?, after)?;
        let fee = mul_up(taxed, self.fee())?;
        self.single(shares, token, sub(amount, fee)?, fee)
    }

    /// Finds the shares for a raw amount of one token: what is below its part of the smaller invariant pays the fee.
    fn removed_amount(&self, token: usize, wanted: U256) -> Result<Found, PoolError> {
        let balance = self.balance(token)?;
        let amount = self.pool.vault().live_up_of(token, wanted)?;
        let mut after: Vec<U256> =
            self.live.iter().map(|balance| sub(*balance, U256::ONE)).collect::<Result<_, _>>()?;
        let kept = sub(sub(balance, U256::ONE)?, amount)?;
        *place(&mut after, token)? = kept;
        let before = self.pool.invariant(&self.live, Rounding::Up)?;
        let ratio = check_ratio::<P>(div_up(self.pool.invariant(&after, Rounding::Up)?, before)?)?;
        let taxed = sub(mul_up(ratio, balance)?, kept)?;
        let fee = sub(div_up(taxed, complement(self.fee()))?, taxed)?;
        *place(&mut after, token)? = sub(kept, fee)?;
        let fallen = sub(before, self.pool.invariant(&after, Rounding::Down)?)?;
        let shares = quotient_up(times(self.supply, fallen)?, before)?;
        self.single(shares, token, amount, fee)
    }
}

impl Found {
    /// Returns the change in raw units; `exact` has those of the raw amounts that were said.
    fn settled<P: LiquidityPool>(
        &self,
        pool: &P,
        exact: &[U256],
        is_added: bool,
    ) -> Result<Changed<P>, PoolError> {
        let vault = pool.vault();
        vault.enough_if_any(self.shares)?;
        let (mut amounts, mut after) = (Vec::with_capacity(exact.len()), vault.clone());
        let tokens = self.amounts.iter().zip(&self.fees).zip(exact).enumerate();
        for (token, ((amount, fee), exact)) in tokens {
            vault.enough_if_any(*amount)?;
            let raw = match (exact.is_zero(), is_added) {
                (false, _) => *exact,
                (true, true) => div_up(*amount, vault.unit(token)?)?,
                (true, false) => div_down(*amount, vault.unit(token)?)?,
            };
            after.change_balance(token, raw, *fee, is_added)?;
            amounts.push(raw);
        }
        if !self.is_proportional {
            let live = after.live()?.balances().to_vec();
            let before = live.iter().zip(&self.amounts);
            let before = before
                .map(|(live, amount)| if is_added { sub(*live, *amount) } else { add(*live, *amount) })
                .collect::<Result<Vec<_>, _>>()?;
            pool.check_change(&before, &live)?;
        }
        Ok(Changed { shares: self.shares, amounts, pool: pool.with_vault(after) })
    }
}

impl Vault {
    /// Returns the live balances, rounded up.
    fn live_up(&self) -> Result<Vec<U256>, PoolError> {
        self.balances.iter().enumerate().map(|(token, balance)| self.live_up_of(token, *balance)).collect()
    }

    fn live_up_of(&self, token: usize, amount: U256) -> Result<U256, PoolError> {
        let (factor, rate) = self.unit_parts(token)?;
        mul_up(times(amount, factor)?, rate)
    }

    fn enough_if_any(&self, trade: U256) -> Result<U256, PoolError> {
        if trade.is_zero() {
            Ok(trade)
        } else {
            self.enough(trade)
        }
    }

    /// Moves a raw balance; what the vault takes of the fee for others leaves the pool too.
    fn change_balance(
        &mut self,
        token: usize,
        amount: U256,
        fee_scaled: U256,
        is_added: bool,
    ) -> Result<(), PoolError> {
        let taken = mul_down(div_down(fee_scaled, self.unit(token)?)?, self.terms.aggregate_fee)?;
        let balance = place(&mut self.balances, token)?;
        *balance =
            if is_added { sub(add(*balance, amount)?, taken) } else { sub(*balance, add(amount, taken)?) }?;
        if balance.bit_len() > MAX_BALANCE_BITS {
            return Err(PoolError::Overflow);
        }
        Ok(())
    }
}

fn check_ratio<P: LiquidityPool>(ratio: U256) -> Result<U256, PoolError> {
    let [least, most] = P::RATIOS;
    if (least..=most).contains(&ratio) {
        Ok(ratio)
    } else {
        Err(PoolError::Growth)
    }
}

fn place(values: &mut [U256], token: usize) -> Result<&mut U256, PoolError> {
    values.get_mut(token).ok_or(PoolError::Tokens)
}

fn check_supply(supply: U256) -> Result<(), PoolError> {
    if supply < MIN_SUPPLY {
        Err(PoolError::Insufficient)
    } else {
        Ok(())
    }
}
