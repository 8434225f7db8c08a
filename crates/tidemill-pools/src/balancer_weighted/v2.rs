//! A weighted pool of the V2 vault: what is paid in pays its fee before it is scaled, what it costs pays after.

use ruint::aliases::U256;

use crate::balancer_fixed_point::{div_down, div_up, is_shortcut, PowVersion, ONE};
use crate::balancer_pool::{BalancerPool, Swapped};
use crate::balancer_v2::{add_fee, moved, side, subtract_fee, Scaled};
use crate::error::PoolError;
use crate::kind::Price;

use super::{bounds_given_in, in_given_out, out_given_in, spot_price, Weighted};

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

    /// Says whether every swap is quoted the same, as it is where only the code of powers differs and no pair of weights
    /// has an exponent on which that matters.
    pub fn quotes_as(&self, other: &Self) -> bool {
        let version = other.version;
        (self.version == version || !self.takes_shortcuts()) && *other == Self { version, ..self.clone() }
    }

    fn takes_shortcuts(&self) -> bool {
        let takes = |one: &U256, other: &U256| {
            [div_down, div_up].iter().any(|divide| divide(*one, *other).is_ok_and(is_shortcut))
        };
        let weights = || self.weights.iter().enumerate();
        weights().any(|(i, one)| weights().any(|(j, other)| i != j && takes(one, other)))
    }

    /// Says whether what `amount_in` buys is surely the same whichever code computes the powers: as far as they may be
    /// apart, it is the same number of raw units.
    ///
    /// # Errors
    /// As `given_in`.
    pub fn is_any_code_alike(
        &self,
        token_in: usize,
        token_out: usize,
        amount_in: U256,
    ) -> Result<bool, PoolError> {
        let (scaled_in, scaled_out) = self.sides(token_in, token_out)?;
        let net_in = scaled_in.up_scale(subtract_fee(amount_in, self.fee)?)?;
        let sides = (self.weighted(token_in, scaled_in)?, self.weighted(token_out, scaled_out)?);
        let Some((least, most)) = bounds_given_in(sides.0, sides.1, net_in)? else { return Ok(true) };
        Ok(scaled_out.down_scale_down(least)? == scaled_out.down_scale_down(most)?)
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

impl BalancerPool for WeightedV2 {
    fn balances(&self) -> &[U256] {
        &self.balances
    }

    fn given_in(&self, token_in: usize, token_out: usize, amount_in: U256) -> Result<Swapped, PoolError> {
        let (scaled_in, scaled_out) = self.sides(token_in, token_out)?;
        let net_in = scaled_in.up_scale(subtract_fee(amount_in, self.fee)?)?;
        let (side_in, side_out) =
            (self.weighted(token_in, scaled_in)?, self.weighted(token_out, scaled_out)?);
        let amount_out =
            scaled_out.down_scale_down(out_given_in(side_in, side_out, net_in, self.version)?)?;
        Ok(Swapped { token_in, token_out, amount_in, amount_out, fee_scaled: U256::ZERO })
    }

    fn given_out(&self, token_in: usize, token_out: usize, amount_out: U256) -> Result<Swapped, PoolError> {
        let (scaled_in, scaled_out) = self.sides(token_in, token_out)?;
        if amount_out.is_zero() {
            return Err(PoolError::Empty);
        }
        let wanted = scaled_out.up_scale(amount_out)?;
        let (side_in, side_out) =
            (self.weighted(token_in, scaled_in)?, self.weighted(token_out, scaled_out)?);
        let net_in = in_given_out(side_in, side_out, wanted, self.version)?;
        let amount_in = add_fee(scaled_in.down_scale_up(net_in)?, self.fee)?;
        Ok(Swapped { token_in, token_out, amount_in, amount_out, fee_scaled: U256::ZERO })
    }

    fn after(&self, swapped: &Swapped) -> Result<Self, PoolError> {
        Ok(Self { balances: moved(&self.balances, swapped)?, ..self.clone() })
    }

    fn spot_price(&self, token_in: usize, token_out: usize) -> Result<Price, PoolError> {
        let of = |token| {
            let weight = side(&self.weights, token)?;
            Ok(Weighted { balance: side(&self.balances, token)?, weight })
        };
        spot_price(of(token_in)?, of(token_out)?)
    }
}
