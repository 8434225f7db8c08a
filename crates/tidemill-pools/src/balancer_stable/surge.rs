//! The hook of V3 stable pools that raises the fee of swaps that unbalance them.
//!
//! Source: balancer-v3-monorepo, `StableSurgeHook`, `StableSurgeMedianMath`.

use ruint::aliases::U256;

use crate::balancer_fixed_point::{add, complement, div_down, mul_down, sub};
use crate::balancer_v3::Live;
use crate::error::PoolError;

/// The terms of the surge hook, with 18 decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Surge {
    /// Imbalance from which the fee rises.
    pub threshold: U256,
    /// Fee where all is on one side.
    pub max_fee: U256,
}

impl Surge {
    /// Returns the fee of a swap: the tokens paid and bought, each with its live amount.
    pub(super) fn fee(
        self,
        static_fee: U256,
        mut live: Live,
        paid: (usize, U256),
        bought: (usize, U256),
    ) -> Result<U256, PoolError> {
        let before = imbalance(live)?;
        let balance = live.balances().get_mut(paid.0).ok_or(PoolError::Tokens)?;
        *balance = add(*balance, paid.1)?;
        let balance = live.balances().get_mut(bought.0).ok_or(PoolError::Tokens)?;
        *balance = sub(*balance, bought.1)?;
        let after = imbalance(live)?;
        if !self.is_surging(before, after) || self.max_fee <= static_fee {
            return Ok(static_fee);
        }
        let excess = div_down(sub(after, self.threshold)?, complement(self.threshold))?;
        add(static_fee, mul_down(sub(self.max_fee, static_fee)?, excess)?)
    }

    /// Refuses a change of liquidity from some live balances to others that is out of proportion where a swap would surge.
    pub(super) fn check_change(self, before: &[U256], after: &[U256]) -> Result<(), PoolError> {
        if self.is_surging(imbalance(Live::of(before)?)?, imbalance(Live::of(after)?)?) {
            Err(PoolError::Surge)
        } else {
            Ok(())
        }
    }

    fn is_surging(self, before: U256, after: U256) -> bool {
        after > before && after > self.threshold
    }
}

/// Returns how far the balances are from their median, as a part of their sum.
fn imbalance(mut live: Live) -> Result<U256, PoolError> {
    let balances = live.balances();
    balances.sort_unstable();
    let at = |index: usize| balances.get(index).copied().ok_or(PoolError::Empty);
    let middle = balances.len() / 2;
    let median = if balances.len().is_multiple_of(2) {
        add(at(middle.saturating_sub(1))?, at(middle)?)? / U256::from(2)
    } else {
        at(middle)?
    };
    let (mut sum, mut away) = (U256::ZERO, U256::ZERO);
    for balance in balances.iter() {
        sum = add(sum, *balance)?;
        away = add(away, balance.abs_diff(median))?;
    }
    div_down(away, sum)
}
