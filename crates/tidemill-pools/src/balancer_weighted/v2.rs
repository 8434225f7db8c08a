//! A weighted pool of the V2 vault: what is paid in pays its fee before it is scaled, what it costs pays after.

use ruint::aliases::U256;

use crate::balancer_fixed_point::{PowVersion, ONE};
use crate::balancer_v2::{add_fee, moved, side, subtract_fee, Scaled};
use crate::error::PoolError;
use crate::kind::Price;

use super::{in_given_out, out_given_in, spot_price, Weighted};

/// A weighted pool of the V2 vault, of 2 to 8 tokens (or up to 50, where managed).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightedV2 {
    balances: Vec<U256>,
    weights: Vec<U256>,
    scaling_factors: Vec<U256>,
    fee: U256,
    version: PowVersion,
}

/// What never changes about a weighted pool of the V2 vault, but for its fee.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightedTerms {
    /// Weights, with 18 decimals, adding up to one.
    pub weights: Vec<U256>,
    /// 1e18 · 10^(18 - decimals) for each token, as `getScalingFactors` tells.
    pub scaling_factors: Vec<U256>,
    /// Swap fee, with 18 decimals.
    pub fee: U256,
    /// Which code computes the powers.
    pub version: PowVersion,
}

impl WeightedV2 {
    /// Returns a pool with these raw balances, as the vault's `getPoolTokens` tells them.
    ///
    /// # Errors
    /// `Tokens` where the lists differ in length, `Empty` where a weight or a factor is zero, `Overflow` where the fee
    /// is not below one.
    pub fn new(terms: WeightedTerms, balances: Vec<U256>) -> Result<Self, PoolError> {
        let WeightedTerms { weights, scaling_factors, fee, version } = terms;
        if balances.len() < 2 || weights.len() != balances.len() || scaling_factors.len() != balances.len() {
            return Err(PoolError::Tokens);
        }
        if weights.contains(&U256::ZERO) || scaling_factors.contains(&U256::ZERO) {
            return Err(PoolError::Empty);
        }
        if fee >= ONE {
            return Err(PoolError::Overflow);
        }
        Ok(Self { balances, weights, scaling_factors, fee, version })
    }

    /// Returns the raw balances.
    pub fn balances(&self) -> &[U256] {
        &self.balances
    }

    /// Returns what `amount_in` of token `token_in` buys of token `token_out`, in raw units.
    ///
    /// # Errors
    /// `Tokens` where the pool has no such two tokens, `Empty` where nothing is given, `Ratio` above 30% of a balance,
    /// and where the contract's arithmetic reverts.
    pub fn amount_out(&self, token_in: usize, token_out: usize, amount_in: U256) -> Result<U256, PoolError> {
        let (scaled_in, scaled_out) = self.sides(token_in, token_out)?;
        let net_in = scaled_in.up_scale(subtract_fee(amount_in, self.fee)?)?;
        let (side_in, side_out) =
            (self.weighted(token_in, scaled_in)?, self.weighted(token_out, scaled_out)?);
        scaled_out.down_scale_down(out_given_in(side_in, side_out, net_in, self.version)?)
    }

    /// Returns what `amount_out` of token `token_out` costs in token `token_in`, in raw units.
    ///
    /// # Errors
    /// `Tokens` where the pool has no such two tokens, `Empty` where nothing is wanted, `Ratio` above 30% of a balance,
    /// and where the contract's arithmetic reverts.
    pub fn amount_in(&self, token_in: usize, token_out: usize, amount_out: U256) -> Result<U256, PoolError> {
        let (scaled_in, scaled_out) = self.sides(token_in, token_out)?;
        if amount_out.is_zero() {
            return Err(PoolError::Empty);
        }
        let wanted = scaled_out.up_scale(amount_out)?;
        let (side_in, side_out) =
            (self.weighted(token_in, scaled_in)?, self.weighted(token_out, scaled_out)?);
        let net_in = in_given_out(side_in, side_out, wanted, self.version)?;
        add_fee(scaled_in.down_scale_up(net_in)?, self.fee)
    }

    /// Returns what `amount_in` buys and the pool after the swap.
    ///
    /// # Errors
    /// Those of `amount_out`.
    pub fn swap_in(
        &self,
        token_in: usize,
        token_out: usize,
        amount_in: U256,
    ) -> Result<(U256, Self), PoolError> {
        let amount_out = self.amount_out(token_in, token_out, amount_in)?;
        Ok((amount_out, self.after((token_in, amount_in), (token_out, amount_out))?))
    }

    /// Returns what `amount_out` costs and the pool after the swap.
    ///
    /// # Errors
    /// Those of `amount_in`.
    pub fn swap_out(
        &self,
        token_in: usize,
        token_out: usize,
        amount_out: U256,
    ) -> Result<(U256, Self), PoolError> {
        let amount_in = self.amount_in(token_in, token_out, amount_out)?;
        Ok((amount_in, self.after((token_in, amount_in), (token_out, amount_out))?))
    }

    /// Returns the exact price of `token_in` in `token_out`, in raw units, before the fee.
    ///
    /// # Errors
    /// `Tokens` where the pool has no such two tokens, `Empty` where a balance is zero.
    pub fn spot_price(&self, token_in: usize, token_out: usize) -> Result<Price, PoolError> {
        let of = |token| {
            let weight = side(&self.weights, token)?;
            Ok(Weighted { balance: side(&self.balances, token)?, weight })
        };
        spot_price(of(token_in)?, of(token_out)?)
    }

    fn after(&self, paid: (usize, U256), bought: (usize, U256)) -> Result<Self, PoolError> {
        Ok(Self { balances: moved(&self.balances, paid, bought)?, ..self.clone() })
    }

    fn sides(&self, token_in: usize, token_out: usize) -> Result<(Scaled, Scaled), PoolError> {
        if token_in == token_out {
            return Err(PoolError::Tokens);
        }
        let of = |token| {
            Ok(Scaled { balance: side(&self.balances, token)?, factor: side(&self.scaling_factors, token)? })
        };
        Ok((of(token_in)?, of(token_out)?))
    }

    fn weighted(&self, token: usize, scaled: Scaled) -> Result<Weighted, PoolError> {
        Ok(Weighted { balance: scaled.up_scale(scaled.balance)?, weight: side(&self.weights, token)? })
    }
}
