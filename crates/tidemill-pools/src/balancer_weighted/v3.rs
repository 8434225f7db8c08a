//! A weighted pool of the V3 vault.
//!
//! Source: balancer-v3-monorepo, `WeightedPool`; of the later contracts @balancer-labs/v3-pool-weighted 1.0.0.

use ruint::aliases::U256;

use crate::balancer_fixed_point::{add, sub, PowVersion};
use crate::balancer_pool::{BalancerPool, Swapped};
use crate::balancer_v3::{Direction, Live, Vault, VaultTerms};
use crate::error::PoolError;
use crate::kind::Price;

use super::{in_given_out, out_given_in, spot_price, Weighted};

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
