//! A weighted pool of the V3 vault.
//!
//! Source: balancer-v3-monorepo, `WeightedPool`; of the later contracts @balancer-labs/v3-pool-weighted 1.0.0.

use ruint::aliases::U256;

use crate::balancer_fixed_point::{
    add, div_down, div_up, mul_down, mul_up, pow_down, pow_up, sub, PowVersion, ONE,
};
use crate::balancer_pool::{BalancerPool, Swapped};
use crate::balancer_v3::liquidity::{LiquidityPool, Rounding};
use crate::balancer_v3::{Direction, Live, Vault, VaultTerms};
use crate::error::PoolError;
use crate::kind::Price;

use super::{in_given_out, out_given_in, spot_price, Weighted};

/// How far one change of liquidity may move the invariant: to 70%, or to 300%.
const RATIOS: [U256; 2] = [
    U256::from_limbs([700_000_000_000_000_000, 0, 0, 0]),
    U256::from_limbs([3_000_000_000_000_000_000, 0, 0, 0]),
];

/// A weighted pool of the V3 vault, of 2 to 8 tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightedV3 {
    vault: Vault,
    weights: Vec<U256>,
    /// Of later pools what each balance may not fall below, with 18 decimals.
    least: Option<Vec<U256>>,
}

impl WeightedV3 {
    /// Returns a pool with these weights, adding up to one with 18 decimals, and these raw balances, as
    /// `getPoolTokenInfo` tells them.
    ///
    /// # Errors
    /// `Tokens` where the lists differ in length or there are not 2 to 8 tokens, `Empty` where a weight, a factor or a
    /// rate is zero, `Overflow` where a fee is not below one.
    pub fn new(terms: VaultTerms, weights: Vec<U256>, balances: Vec<U256>) -> Result<Self, PoolError> {
        if weights.len() != balances.len() {
            return Err(PoolError::Tokens);
        }
        if weights.contains(&U256::ZERO) {
            return Err(PoolError::Empty);
        }
        Ok(Self { vault: Vault::new(terms, balances)?, weights, least: None })
    }

    /// Returns the pool as one of the later contracts, as `getMinTokenBalances` tells: these keep the least balances, with
    /// 18 decimals, and take the balance that is paid into for a unit more than it is.
    ///
    /// # Errors
    /// `Tokens` where there is not one for each token.
    pub fn with_least_balances(self, least: Vec<U256>) -> Result<Self, PoolError> {
        if least.len() != self.weights.len() {
            return Err(PoolError::Tokens);
        }
        Ok(Self { least: Some(least), ..self })
    }

    /// Returns the rates, with 18 decimals.
    pub fn rates(&self) -> &[U256] {
        self.vault.rates()
    }

    fn sides(&self, direction: Direction) -> Result<(Weighted, Weighted), PoolError> {
        let mut live: Live = self.vault.live()?;
        let balances = live.balances();
        let of = |token: usize| {
            let balance = *balances.get(token).ok_or(PoolError::Tokens)?;
            Ok(Weighted { balance, weight: *self.weights.get(token).ok_or(PoolError::Tokens)? })
        };
        let (mut side_in, side_out) = (of(direction.token_in)?, of(direction.token_out)?);
        if self.least.is_some() {
            side_in.balance = add(side_in.balance, U256::ONE)?;
            self.check_least(direction.token_in, side_in.balance)?;
        }
        Ok((side_in, side_out))
    }

    fn check_least(&self, token: usize, balance: U256) -> Result<(), PoolError> {
        match self.least.as_ref().and_then(|least| least.get(token)) {
            Some(least) if balance < *least => Err(PoolError::Insufficient),
            _ => Ok(()),
        }
    }
}

impl BalancerPool for WeightedV3 {
    fn balances(&self) -> &[U256] {
        self.vault.balances()
    }

    fn given_in(&self, token_in: usize, token_out: usize, amount_in: U256) -> Result<Swapped, PoolError> {
        let direction = self.vault.direction(token_in, token_out)?;
        let (side_in, side_out) = self.sides(direction)?;
        let maths = |net_in| {
            let bought = out_given_in(side_in, side_out, net_in, PowVersion::Shortcuts)?;
            self.check_least(token_out, sub(side_out.balance, bought)?)?;
            Ok(bought)
        };
        self.vault.given_in(direction, amount_in, self.vault.fee(), maths)
    }

    fn given_out(&self, token_in: usize, token_out: usize, amount_out: U256) -> Result<Swapped, PoolError> {
        let direction = self.vault.direction(token_in, token_out)?;
        let (side_in, side_out) = self.sides(direction)?;
        let maths = |wanted| {
            let paid = in_given_out(side_in, side_out, wanted, PowVersion::Shortcuts)?;
            self.check_least(token_out, sub(side_out.balance, wanted)?)?;
            Ok(paid)
        };
        self.vault.given_out(direction, amount_out, self.vault.fee(), maths)
    }

    fn after(&self, swapped: &Swapped) -> Result<Self, PoolError> {
        Ok(Self { vault: self.vault.after(swapped)?, ..self.clone() })
    }

    fn spot_price(&self, token_in: usize, token_out: usize) -> Result<Price, PoolError> {
        let of = |token: usize| {
            let balance = *self.balances().get(token).ok_or(PoolError::Tokens)?;
            Ok(Weighted { balance, weight: *self.weights.get(token).ok_or(PoolError::Tokens)? })
        };
        spot_price(of(token_in)?, of(token_out)?)
    }
}

impl LiquidityPool for WeightedV3 {
    const RATIOS: [U256; 2] = RATIOS;

    fn vault(&self) -> &Vault {
        &self.vault
    }

    fn with_vault(&self, vault: Vault) -> Self {
        Self { vault, ..self.clone() }
    }

    /// The product of the balances, each to the power of its weight; `Empty` where it is zero.
    fn invariant(&self, live: &[U256], rounding: Rounding) -> Result<U256, PoolError> {
        for (token, balance) in live.iter().enumerate() {
            self.check_least(token, *balance)?;
        }
        let product =
            live.iter().zip(&self.weights).try_fold(ONE, |product, (balance, weight)| match rounding {
                Rounding::Down => mul_down(product, pow_down(*balance, *weight, PowVersion::Shortcuts)?),
                Rounding::Up => mul_up(product, pow_up(*balance, *weight, PowVersion::Shortcuts)?),
            })?;
        if product.is_zero() {
            return Err(PoolError::Empty);
        }
        Ok(product)
    }

    fn balance_at(&self, live: &[U256], token: usize, ratio: U256) -> Result<U256, PoolError> {
        let balance = *live.get(token).ok_or(PoolError::Tokens)?;
        let weight = *self.weights.get(token).ok_or(PoolError::Tokens)?;
        // What is below one grows as its exponent falls; the earlier contracts round that up all the same.
        let is_earlier = self.least.is_none();
        let exponent = if is_earlier || ratio > ONE { div_up(ONE, weight) } else { div_down(ONE, weight) }?;
        let after = mul_up(balance, pow_up(ratio, exponent, PowVersion::Shortcuts)?)?;
        self.check_least(token, balance.min(after))?;
        Ok(after)
    }
}
