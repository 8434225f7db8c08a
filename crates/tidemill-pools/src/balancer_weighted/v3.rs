//! A weighted pool of the V3 vault.

use ruint::aliases::U256;

use crate::balancer_fixed_point::PowVersion;
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
        Ok(Self { vault: Vault::new(terms, balances)?, weights })
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
        Ok((of(direction.token_in)?, of(direction.token_out)?))
    }
}

impl BalancerPool for WeightedV3 {
    fn balances(&self) -> &[U256] {
        self.vault.balances()
    }

    fn given_in(&self, token_in: usize, token_out: usize, amount_in: U256) -> Result<Swapped, PoolError> {
        let direction = self.vault.direction(token_in, token_out)?;
        let (side_in, side_out) = self.sides(direction)?;
        let maths = |net_in| out_given_in(side_in, side_out, net_in, PowVersion::Shortcuts);
        self.vault.given_in(direction, amount_in, self.vault.fee(), maths)
    }

    fn given_out(&self, token_in: usize, token_out: usize, amount_out: U256) -> Result<Swapped, PoolError> {
        let direction = self.vault.direction(token_in, token_out)?;
        let (side_in, side_out) = self.sides(direction)?;
        let maths = |wanted| in_given_out(side_in, side_out, wanted, PowVersion::Shortcuts);
        self.vault.given_out(direction, amount_out, self.vault.fee(), maths)
    }

    fn after(&self, swapped: &Swapped) -> Result<Self, PoolError> {
        Ok(Self { vault: self.vault.after(swapped)?, weights: self.weights.clone() })
    }

    fn spot_price(&self, token_in: usize, token_out: usize) -> Result<Price, PoolError> {
        let of = |token: usize| {
            let balance = *self.balances().get(token).ok_or(PoolError::Tokens)?;
            Ok(Weighted { balance, weight: *self.weights.get(token).ok_or(PoolError::Tokens)? })
        };
        spot_price(of(token_in)?, of(token_out)?)
    }
}
