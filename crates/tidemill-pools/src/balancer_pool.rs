//! What every pool of a Balancer vault does, whichever vault and whichever maths.

use ruint::aliases::U256;

use crate::error::PoolError;
use crate::kind::Price;

/// A swap found: what is paid, what is bought, and what the vault's books need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swapped {
    pub(crate) token_in: usize,
    pub(crate) token_out: usize,
    pub(crate) amount_in: U256,
    pub(crate) amount_out: U256,
    /// The fee, with 18 decimals, where the vault takes a part of it out of the pool; else zero.
    pub(crate) fee_scaled: U256,
}

/// A pool of a Balancer vault; amounts and balances are in raw units.
pub trait BalancerPool: Sized {
    /// Returns the raw balances, a share token's included.
    fn balances(&self) -> &[U256];

    /// Finds what `amount_in` of token `token_in` buys of token `token_out`.
    ///
    /// # Errors
    /// `Tokens` where the pool has no such two tokens or one is its share token, `Empty` where nothing is given or a
    /// stable pool's balance is zero, `Small` below the V3 vault's least trade, `Ratio` above 30% of a weighted pool's
    /// balance, and where the contract's arithmetic reverts.
    fn given_in(&self, token_in: usize, token_out: usize, amount_in: U256) -> Result<Swapped, PoolError>;

    /// Finds what `amount_out` of token `token_out` costs in token `token_in`.
    ///
    /// # Errors
    /// As `given_in`, and `Insufficient` where a stable pool's balance is smaller.
    fn given_out(&self, token_in: usize, token_out: usize, amount_out: U256) -> Result<Swapped, PoolError>;

    /// Returns the pool after a swap that it found.
    ///
    /// # Errors
    /// `Overflow` where a balance would not fit the vault's bits: 112 in V2, 128 in V3.
    fn after(&self, swapped: &Swapped) -> Result<Self, PoolError>;

    /// Returns the price of `token_in` in `token_out`, in raw units, before the fee: exact for weighted pools, for
    /// stable ones as `Curve::spot_price`.
    ///
    /// # Errors
    /// `Tokens` where the pool has no such two tokens or one is its share token, `Empty` where a balance is zero.
    fn spot_price(&self, token_in: usize, token_out: usize) -> Result<Price, PoolError>;

    /// Returns what `amount_in` buys.
    ///
    /// # Errors
    /// Those of `given_in`.
    fn amount_out(&self, token_in: usize, token_out: usize, amount_in: U256) -> Result<U256, PoolError> {
        Ok(self.given_in(token_in, token_out, amount_in)?.amount_out)
    }

    /// Returns what `amount_out` costs.
    ///
    /// # Errors
    /// Those of `given_out`.
    fn amount_in(&self, token_in: usize, token_out: usize, amount_out: U256) -> Result<U256, PoolError> {
        Ok(self.given_out(token_in, token_out, amount_out)?.amount_in)
    }

    /// Returns what `amount_in` buys and the pool after the swap.
    ///
    /// # Errors
    /// Those of `given_in` and of `after`.
    fn swap_in(&self, token_in: usize, token_out: usize, amount_in: U256) -> Result<(U256, Self), PoolError> {
        let swapped = self.given_in(token_in, token_out, amount_in)?;
        Ok((swapped.amount_out, self.after(&swapped)?))
    }

    /// Returns what `amount_out` costs and the pool after the swap.
    ///
    /// # Errors
    /// Those of `given_out` and of `after`.
    fn swap_out(
        &self,
        token_in: usize,
        token_out: usize,
        amount_out: U256,
    ) -> Result<(U256, Self), PoolError> {
        let swapped = self.given_out(token_in, token_out, amount_out)?;
        Ok((swapped.amount_in, self.after(&swapped)?))
    }
}
