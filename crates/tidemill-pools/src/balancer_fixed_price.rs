//! Balancer V3's pools that sell one token at one price: reserve tokens go in, the project's tokens out.
//!
//! Source: balancer-v3-monorepo, `FixedPriceLBPool`. Such a pool is made of what is given: none is read from a chain.

use ruint::aliases::{U256, U512};

use crate::balancer_fixed_point::{div_down, mul_up, ONE};
use crate::balancer_pool::{BalancerPool, Swapped};
use crate::balancer_v3::{Vault, VaultTerms};
use crate::error::PoolError;
use crate::kind::Price;

/// A pool of the V3 vault that sells at a fixed price, while its sale is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedPriceV3 {
    vault: Vault,
    project: usize,
    price: U256,
}

impl FixedPriceV3 {
    /// Returns a pool that sells token `project` for `price` of the other, with 18 decimals, and these raw balances.
    ///
    /// # Errors
    /// `Tokens` where there are not two tokens of which it is one, `Empty` where the price, a factor or a rate is zero,
    /// `Overflow` where a fee is not below one.
    pub fn new(
        terms: VaultTerms,
        project: usize,
        price: U256,
        balances: Vec<U256>,
    ) -> Result<Self, PoolError> {
        if balances.len() != 2 || project > 1 {
            return Err(PoolError::Tokens);
        }
        if price.is_zero() {
            return Err(PoolError::Empty);
        }
        Ok(Self { vault: Vault::new(terms, balances)?, project, price })
    }
}

impl BalancerPool for FixedPriceV3 {
    fn balances(&self) -> &[U256] {
        self.vault.balances()
    }

    /// The project's token is not taken: `Tokens`.
    fn given_in(&self, token_in: usize, token_out: usize, amount_in: U256) -> Result<Swapped, PoolError> {
        let direction = self.vault.direction(token_in, token_out)?;
        if token_in == self.project {
            return Err(PoolError::Tokens);
        }
        let maths = |net_in| div_down(net_in, self.price);
        self.vault.given_in(direction, amount_in, self.vault.fee(), maths)
    }

    /// The project's token is not taken: `Tokens`.
    fn given_out(&self, token_in: usize, token_out: usize, amount_out: U256) -> Result<Swapped, PoolError> {
        let direction = self.vault.direction(token_in, token_out)?;
        if token_in == self.project {
            return Err(PoolError::Tokens);
        }
        let maths = |wanted| mul_up(wanted, self.price);
        self.vault.given_out(direction, amount_out, self.vault.fee(), maths)
    }

    /// `Insufficient` where the pool has less than was bought.
    fn after(&self, swapped: &Swapped) -> Result<Self, PoolError> {
        Ok(Self { vault: self.vault.after(swapped)?, ..*self })
    }

    fn spot_price(&self, token_in: usize, token_out: usize) -> Result<Price, PoolError> {
        self.vault.direction(token_in, token_out)?;
        let of = |token| {
            let worth = if token == self.project { self.price } else { ONE };
            Ok::<U512, PoolError>(self.vault.unit(token)?.widening_mul(worth))
        };
        Ok(Price { numerator: of(token_in)?, denominator: of(token_out)? })
    }
}
