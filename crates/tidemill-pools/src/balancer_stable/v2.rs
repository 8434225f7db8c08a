//! A stable pool of the V2 vault: plain, meta-stable or composable, whose own share token is never on the curve.

use ruint::aliases::{U256, U512};

use crate::balancer_fixed_point::ONE;
use crate::balancer_pool::{BalancerPool, Swapped};
use crate::balancer_v2::{add_fee, moved, side, subtract_fee, Scaled};
use crate::error::PoolError;
use crate::kind::Price;

use super::stable_math::StableVersion;
use super::Curve;

/// The most tokens on a curve.
const MAX_TOKENS: usize = 5;

/// What governs a stable pool of the V2 vault beside its balances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StableTerms {
    /// Amplification times 1000, as `getAmplificationParameter` tells it.
    pub amp: U256,
    /// 1e18 · 10^(18 - decimals) · rate for each token, the share token's too, as `getScalingFactors` tells; meta-stable
    /// pools tell them without their rates.
    pub scaling_factors: Vec<U256>,
    /// Swap fee, with 18 decimals.
    pub fee: U256,
    /// Which code the pool runs.
    pub version: StableVersion,
    /// Where the pool's own share token (BPT) stands among the tokens; `None` where it does not.
    pub bpt_index: Option<usize>,
}

/// A stable pool of the V2 vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StableV2 {
    terms: StableTerms,
    balances: Vec<U256>,
}

/// The balances on the curve, with 18 decimals.
struct OnCurve {
    balances: [U256; MAX_TOKENS],
    count: usize,
}

impl StableV2 {
    /// Returns a pool with these raw balances, as the vault's `getPoolTokens` tells them, the share token's included.
    ///
    /// # Errors
    /// `Tokens` where the lists differ in length or the curve has not 2 to 5 tokens, `Empty` where a factor is zero,
    /// `Overflow` where the fee is not below one.
    pub fn new(terms: StableTerms, balances: Vec<U256>) -> Result<Self, PoolError> {
        let is_bpt_here = terms.bpt_index.is_none_or(|bpt| bpt < balances.len());
        let count = balances.len() - usize::from(is_bpt_here && terms.bpt_index.is_some());
        if !is_bpt_here || terms.scaling_factors.len() != balances.len() || !(2..=MAX_TOKENS).contains(&count)
        {
            return Err(PoolError::Tokens);
        }
        if terms.scaling_factors.contains(&U256::ZERO) {
            return Err(PoolError::Empty);
        }
        if terms.fee >= ONE {
            return Err(PoolError::Overflow);
        }
        Ok(Self { terms, balances })
    }

    /// Returns what raw amounts are multiplied by, the share token's too.
    pub fn scaling_factors(&self) -> &[U256] {
        &self.terms.scaling_factors
    }

    fn of(&self, token: usize) -> Result<Scaled, PoolError> {
        Ok(Scaled {
            balance: side(&self.balances, token)?,
            factor: side(&self.terms.scaling_factors, token)?,
        })
    }

    /// Returns where the tokens stand once the share token is left out.
    fn on_curve(&self, token_in: usize, token_out: usize) -> Result<(usize, usize), PoolError> {
        let bpt = self.terms.bpt_index;
        let is_here = token_in < self.balances.len() && token_out < self.balances.len();
        if !is_here || token_in == token_out || bpt == Some(token_in) || bpt == Some(token_out) {
            return Err(PoolError::Tokens);
        }
        let place = |token: usize| token - usize::from(bpt.is_some_and(|bpt| bpt < token));
        Ok((place(token_in), place(token_out)))
    }

    fn scaled(&self) -> Result<OnCurve, PoolError> {
        let mut on_curve = OnCurve { balances: [U256::ZERO; MAX_TOKENS], count: 0 };
        for token in (0..self.balances.len()).filter(|token| self.terms.bpt_index != Some(*token)) {
            let scaled = self.of(token)?;
            let place = on_curve.balances.get_mut(on_curve.count).ok_or(PoolError::Tokens)?;
            *place = scaled.up_scale(scaled.balance)?;
            on_curve.count += 1;
        }
        Ok(on_curve)
    }

    fn curve<'a>(&self, on_curve: &'a mut OnCurve) -> Result<Curve<'a>, PoolError> {
        let balances = on_curve.balances.get_mut(..on_curve.count).ok_or(PoolError::Tokens)?;
        Ok(Curve { amp: self.terms.amp, version: self.terms.version, balances })
    }
}

impl BalancerPool for StableV2 {
    fn balances(&self) -> &[U256] {
        &self.balances
    }

    fn given_in(&self, token_in: usize, token_out: usize, amount_in: U256) -> Result<Swapped, PoolError> {
        let (curve_in, curve_out) = self.on_curve(token_in, token_out)?;
        let mut on_curve = self.scaled()?;
        let net_in = self.of(token_in)?.up_scale(subtract_fee(amount_in, self.terms.fee)?)?;
        let scaled_out = self.curve(&mut on_curve)?.out_given_in(curve_in, curve_out, net_in)?;
        let amount_out = self.of(token_out)?.down_scale_down(scaled_out)?;
        Ok(Swapped { token_in, token_out, amount_in, amount_out, fee_scaled: U256::ZERO })
    }

    fn given_out(&self, token_in: usize, token_out: usize, amount_out: U256) -> Result<Swapped, PoolError> {
        let (curve_in, curve_out) = self.on_curve(token_in, token_out)?;
        if amount_out.is_zero() {
            return Err(PoolError::Empty);
        }
        let mut on_curve = self.scaled()?;
        let wanted = self.of(token_out)?.up_scale(amount_out)?;
        let net_in = self.curve(&mut on_curve)?.in_given_out(curve_in, curve_out, wanted)?;
        let amount_in = add_fee(self.of(token_in)?.down_scale_up(net_in)?, self.terms.fee)?;
        Ok(Swapped { token_in, token_out, amount_in, amount_out, fee_scaled: U256::ZERO })
    }

    fn after(&self, swapped: &Swapped) -> Result<Self, PoolError> {
        Ok(Self { balances: moved(&self.balances, swapped)?, terms: self.terms.clone() })
    }

    fn spot_price(&self, token_in: usize, token_out: usize) -> Result<Price, PoolError> {
        let (curve_in, curve_out) = self.on_curve(token_in, token_out)?;
        let mut on_curve = self.scaled()?;
        let price = self.curve(&mut on_curve)?.spot_price(curve_in, curve_out)?;
        let scaled =
            |part: U512, factor: U256| part.checked_mul(U512::from(factor)).ok_or(PoolError::Overflow);
        Ok(Price {
            numerator: scaled(price.numerator, self.of(token_in)?.factor)?,
            denominator: scaled(price.denominator, self.of(token_out)?.factor)?,
        })
    }
}
