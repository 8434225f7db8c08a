//! A stable pool of the V3 vault.
//!
//! Source: balancer-v3-monorepo, `StablePool`; of the later contracts @balancer-labs/v3-pool-stable 1.0.0.

use ruint::aliases::{U256, U512};

use crate::balancer_fixed_point::{add, mul_up, quotient_down, sub};
use crate::balancer_pool::{BalancerPool, Swapped};
use crate::balancer_v3::liquidity::{LiquidityPool, Rounding};
use crate::balancer_v3::{Live, Vault, VaultTerms};
use crate::error::PoolError;
use crate::kind::Price;

use super::stable_math::{balance_given_invariant, invariant, StableVersion};
use super::{Curve, Surge};

/// The most tokens on a curve.
const MAX_TOKENS: usize = 5;

/// How far one change of liquidity may move the invariant: to 60%, or to 500%.
const RATIOS: [U256; 2] = [
    U256::from_limbs([600_000_000_000_000_000, 0, 0, 0]),
    U256::from_limbs([5_000_000_000_000_000_000, 0, 0, 0]),
];

/// Later pools refuse a swap that makes one balance this many times another.
pub const IMBALANCE_MAX: U256 = U256::from_limbs([10_000, 0, 0, 0]);

/// A stable pool of the V3 vault, of 2 to 5 tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StableV3 {
    vault: Vault,
    amp: U256,
    surge: Option<Surge>,
    /// Whether it is one of the later contracts, which bound how unequal the balances may get.
    is_bounded: bool,
}

impl StableV3 {
    /// Returns a pool with this amplification, times 1000, and these raw balances, as `getPoolTokenInfo` tells them.
    ///
    /// # Errors
    /// `Tokens` where the lists differ in length or there are not 2 to 5 tokens, `Empty` where a factor or a rate is
    /// zero, `Overflow` where a fee is not below one.
    pub fn new(terms: VaultTerms, amp: U256, balances: Vec<U256>) -> Result<Self, PoolError> {
        if balances.len() > MAX_TOKENS {
            return Err(PoolError::Tokens);
        }
        Ok(Self { vault: Vault::new(terms, balances)?, amp, surge: None, is_bounded: false })
    }

    /// Returns the pool with a hook that raises the fee of what unbalances it.
    #[must_use]
    pub fn with_surge(self, surge: Surge) -> Self {
        Self { surge: Some(surge), ..self }
    }

    /// Returns the pool as one of the later contracts, whose balances stay below `IMBALANCE_MAX` times each other.
    #[must_use]
    pub fn bounded(self) -> Self {
        Self { is_bounded: true, ..self }
    }

    /// Returns the rates, with 18 decimals.
    pub fn rates(&self) -> &[U256] {
        self.vault.rates()
    }

    fn curve<'a>(&self, live: &'a mut Live) -> Curve<'a> {
        Curve { amp: self.amp, version: StableVersion::V3, balances: live.balances() }
    }

    /// Returns what `net_in` buys, as the pool's `onSwap`.
    fn out_given_in(
        &self,
        mut live: Live,
        token_in: usize,
        token_out: usize,
        net_in: U256,
    ) -> Result<U256, PoolError> {
        let out = self.curve(&mut live.clone()).out_given_in(token_in, token_out, net_in)?;
        self.check_balanced(live.balances(), (token_in, net_in), (token_out, out))?;
        Ok(out)
    }

    /// Returns what `out` costs before the fee, as the pool's `onSwap`.
    fn in_given_out(
        &self,
        mut live: Live,
        token_in: usize,
        token_out: usize,
        out: U256,
    ) -> Result<U256, PoolError> {
        let net_in = self.curve(&mut live.clone()).in_given_out(token_in, token_out, out)?;
        self.check_balanced(live.balances(), (token_in, net_in), (token_out, out))?;
        Ok(net_in)
    }

    /// Compares the largest and the least balance of before and after, as the later contracts do.
    fn check_balanced(
        &self,
        balances: &[U256],
        (token_in, paid): (usize, U256),
        (token_out, bought): (usize, U256),
    ) -> Result<(), PoolError> {
        let of = |token: usize| balances.get(token).copied().ok_or(PoolError::Tokens);
        self.check_spread(balances, &[add(of(token_in)?, paid)?, sub(of(token_out)?, bought)?])
    }

    /// Compares the largest and the least of these balances, as the later contracts do.
    fn check_spread(&self, balances: &[U256], further: &[U256]) -> Result<(), PoolError> {
        if !self.is_bounded {
            return Ok(());
        }
        let all = || balances.iter().chain(further).copied();
        let (least, most) = (all().min().unwrap_or_default(), all().max().unwrap_or_default());
        if quotient_down(most, least)? >= IMBALANCE_MAX {
            return Err(PoolError::Insufficient);
        }
        Ok(())
    }

    /// Returns the invariant, by a unit larger where it is rounded up.
    fn rounded_invariant(&self, live: &[U256], rounding: Rounding) -> Result<U256, PoolError> {
        let found = invariant(self.amp, live, StableVersion::V3)?;
        if found.is_zero() || rounding == Rounding::Down {
            Ok(found)
        } else {
            add(found, U256::ONE)
        }
    }
}

impl BalancerPool for StableV3 {
    fn balances(&self) -> &[U256] {
        self.vault.balances()
    }

    fn given_in(&self, token_in: usize, token_out: usize, amount_in: U256) -> Result<Swapped, PoolError> {
        let direction = self.vault.direction(token_in, token_out)?;
        let live = self.vault.live()?;
        let fee = match self.surge {
            Some(surge) => {
                let gross_in = self.vault.scaled_in(direction, amount_in)?;
                let out = self.out_given_in(live, token_in, token_out, gross_in)?;
                surge.fee(self.vault.fee(), live, (token_in, gross_in), (token_out, out))?
            }
            None => self.vault.fee(),
        };
        let maths = |net_in| self.out_given_in(live, token_in, token_out, net_in);
        self.vault.given_in(direction, amount_in, fee, maths)
    }

    fn given_out(&self, token_in: usize, token_out: usize, amount_out: U256) -> Result<Swapped, PoolError> {
        let direction = self.vault.direction(token_in, token_out)?;
        let live = self.vault.live()?;
        let fee = match self.surge {
            Some(surge) => {
                let out = self.vault.scaled_out(direction, amount_out)?;
                let net_in = self.in_given_out(live, token_in, token_out, out)?;
                surge.fee(self.vault.fee(), live, (token_in, net_in), (token_out, out))?
            }
            None => self.vault.fee(),
        };
        let maths = |wanted| self.in_given_out(live, token_in, token_out, wanted);
        self.vault.given_out(direction, amount_out, fee, maths)
    }

    fn after(&self, swapped: &Swapped) -> Result<Self, PoolError> {
        Ok(Self { vault: self.vault.after(swapped)?, ..*self })
    }

    fn spot_price(&self, token_in: usize, token_out: usize) -> Result<Price, PoolError> {
        self.vault.direction(token_in, token_out)?;
        let price = self.curve(&mut self.vault.live()?).spot_price(token_in, token_out)?;
        let scaled = |part: U512, unit: U256| part.checked_mul(U512::from(unit)).ok_or(PoolError::Overflow);
        Ok(Price {
            numerator: scaled(price.numerator, self.vault.unit(token_in)?)?,
            denominator: scaled(price.denominator, self.vault.unit(token_out)?)?,
        })
    }
}

impl LiquidityPool for StableV3 {
    const RATIOS: [U256; 2] = RATIOS;

    fn vault(&self) -> &Vault {
        &self.vault
    }

    fn with_vault(&self, vault: Vault) -> Self {
        Self { vault, ..*self }
    }

    fn invariant(&self, live: &[U256], rounding: Rounding) -> Result<U256, PoolError> {
        self.check_spread(live, &[])?;
        self.rounded_invariant(live, rounding)
    }

    fn balance_at(&self, live: &[U256], token: usize, ratio: U256) -> Result<U256, PoolError> {
        let before = self.rounded_invariant(live, Rounding::Up)?;
        let kept = mul_up(before, ratio)?;
        let after = balance_given_invariant(self.amp, live, kept, token, StableVersion::V3)?;
        self.check_spread(live, &[after])?;
        Ok(after)
    }

    fn check_change(&self, before: &[U256], after: &[U256]) -> Result<(), PoolError> {
        self.surge.map_or(Ok(()), |surge| surge.check_change(before, after))
    }
}
