//! Balancer V3's readjusting pools: two tokens on a curve x·y = k with virtual balances, which move with time while
//! the pool is off its centre or its range of prices is changed.
//!
//! Source: balancer/reclamm, `ReClammPool`, `ReClammMath`. Such a pool is made of what is given: none is read from a
//! chain.

mod moving;

use ruint::aliases::{U256, U512};

use crate::balancer_fixed_point::{add, quotient_down, quotient_up, sub, times};
use crate::balancer_pool::{BalancerPool, Swapped};
use crate::balancer_v3::{Vault, VaultTerms};
use crate::error::PoolError;
use crate::kind::Price;

/// The contracts of 2025, first and second, which swap alike and are moved by time a little differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReClammVersion {
    /// Moves for as long as nobody trades, past the centre too.
    First,
    /// Moves for at most thirty days, and to the centre.
    Second,
}

/// What governs the virtual balances, as the pool tells it; decimals have 18 digits, times are in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReClammTerms {
    /// Which contract it is.
    pub version: ReClammVersion,
    /// Virtual balances at `last_s`.
    pub virtuals: [U256; 2],
    /// When they were last written.
    pub last_s: u64,
    /// What is left of the rarer token's virtual balance after a second off the centre.
    pub shift_base: U256,
    /// How centred the pool must be to be left alone.
    pub margin: U256,
    /// Fourth root of the ratio of the highest price to the lowest, before and after its change.
    pub ratio_roots: [U256; 2],
    /// When its change begins and ends.
    pub change_s: [u64; 2],
}

/// A readjusting pool at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReClammV3 {
    vault: Vault,
    virtuals: [U256; 2],
}

impl ReClammV3 {
    /// Returns a pool with these raw balances as it is at `now_s`.
    ///
    /// # Errors
    /// `Tokens` where there are not two tokens, `Empty` where a factor, a rate or a virtual balance is zero, `Overflow`
    /// where a fee is not below one, and where the contract's arithmetic reverts.
    pub fn new(
        terms: VaultTerms,
        moving: &ReClammTerms,
        balances: Vec<U256>,
        now_s: u64,
    ) -> Result<Self, PoolError> {
        let vault = Vault::new(terms, balances)?;
        let virtuals = moving.at(both(&vault)?, now_s)?;
        if virtuals.contains(&U256::ZERO) {
            return Err(PoolError::Empty);
        }
        Ok(Self { vault, virtuals })
    }

    /// Returns the virtual balances at the pool's time, with 18 decimals.
    pub const fn virtuals(&self) -> [U256; 2] {
        self.virtuals
    }

    /// Returns what the pool holds of the token paid in, virtual included, of the other, and really of the other.
    fn sides(&self, token_in: usize) -> Result<[U256; 3], PoolError> {
        let [first, second] = both(&self.vault)?;
        let [virtual_first, virtual_second] = self.virtuals;
        let (all_first, all_second) = (add(first, virtual_first)?, add(second, virtual_second)?);
        Ok(if token_in == 0 { [all_first, all_second, second] } else { [all_second, all_first, first] })
    }
}

/// Returns both live balances.
fn both(vault: &Vault) -> Result<[U256; 2], PoolError> {
    <[U256; 2]>::try_from(&*vault.live()?.balances()).map_err(|_| PoolError::Tokens)
}

impl BalancerPool for ReClammV3 {
    fn balances(&self) -> &[U256] {
        self.vault.balances()
    }

    /// `Insufficient` where it would buy more than the pool really has.
    fn given_in(&self, token_in: usize, token_out: usize, amount_in: U256) -> Result<Swapped, PoolError> {
        let direction = self.vault.direction(token_in, token_out)?;
        let [all_in, all_out, real_out] = self.sides(token_in)?;
        let maths = |net_in| {
            let after_in = add(all_in, net_in)?;
            let bought = quotient_down(times(all_out, net_in)?, after_in)?;
            sub(real_out, bought).map(|_| bought)
        };
        self.vault.given_in(direction, amount_in, self.vault.fee(), maths)
    }

    /// `Insufficient` where the pool has not so much.
    fn given_out(&self, token_in: usize, token_out: usize, amount_out: U256) -> Result<Swapped, PoolError> {
        let direction = self.vault.direction(token_in, token_out)?;
        let [all_in, all_out, real_out] = self.sides(token_in)?;
        let maths = |wanted| {
            sub(real_out, wanted)?;
            let after_out = sub(all_out, wanted)?;
            quotient_up(times(all_in, wanted)?, after_out)
        };
        self.vault.given_out(direction, amount_out, self.vault.fee(), maths)
    }

    /// At the same time: swaps move virtual balances only with the next second.
    fn after(&self, swapped: &Swapped) -> Result<Self, PoolError> {
        Ok(Self { vault: self.vault.after(swapped)?, ..*self })
    }

    fn spot_price(&self, token_in: usize, token_out: usize) -> Result<Price, PoolError> {
        self.vault.direction(token_in, token_out)?;
        let [all_in, all_out, _] = self.sides(token_in)?;
        let scaled = |all: U256, token| Ok::<U512, PoolError>(all.widening_mul(self.vault.unit(token)?));
        Ok(Price { numerator: scaled(all_out, token_in)?, denominator: scaled(all_in, token_out)? })
    }
}
