//! Virtual balances after a time: kept while the pool is centred, moved towards its scarcer token while it is not.
//!
//! A token is scarce where the pool has less of it than of the other, as parts of the virtual balances. How centred a
//! pool is says the smaller of the two parts over the larger: one at the centre, zero where a balance is zero.

use ruint::aliases::U256;

use crate::balancer_fixed_point::{
    add, div_down, div_up, mul_down, pow, pow_down, quotient_down, sub, times, PowVersion, ONE,
};
use crate::checked::{small, ten_to};
use crate::error::PoolError;

use super::{ReClammTerms, ReClammVersion};

/// Longest time, in seconds, that the second contract moves balances for.
const LONGEST_S: u64 = 30 * 24 * 60 * 60;

/// A pool's tokens, the one that it has plenty of and the scarce one: live balances and virtual ones.
struct Scarcity {
    is_second_scarce: bool,
    plenty: U256,
    scarce: U256,
    virtual_plenty: U256,
    virtual_scarce: U256,
    /// How centred the pool is, with 18 decimals.
    centred: U256,
}

impl ReClammTerms {
    /// Returns the virtual balances at `now_s` of a pool with these live balances.
    pub(super) fn at(&self, balances: [U256; 2], now_s: u64) -> Result<[U256; 2], PoolError> {
        if now_s == self.last_s {
            return Ok(self.virtuals);
        }
        let [starts_s, ends_s] = self.change_s;
        let mut virtuals = self.virtuals;
        if now_s > starts_s && self.last_s < ends_s {
            virtuals = Scarcity::of(balances, virtuals)?.rescaled(self.ratio_root(now_s)?)?;
        }
        let found = Scarcity::of(balances, virtuals)?;
        if found.centred < self.margin {
            virtuals = self.moved(&found, now_s)?;
        }
        Ok(virtuals)
    }

    /// Returns the fourth root of the ratio of prices at `now_s`.
    fn ratio_root(&self, now_s: u64) -> Result<U256, PoolError> {
        let ([start, end], [starts_s, ends_s]) = (self.ratio_roots, self.change_s);
        if now_s >= ends_s {
            return Ok(end);
        }
        if now_s <= starts_s {
            return Ok(start);
        }
        let part = div_down(U256::from(now_s - starts_s), U256::from(ends_s - starts_s))?;
        let change = div_down(end, start)?;
        let power = match self.version {
            ReClammVersion::First => pow_down(change, part, PowVersion::Shortcuts)?,
            ReClammVersion::Second => pow(change, part)?,
        };
        Ok(mul_down(start, power)?.max(start.min(end)))
    }

    /// Returns virtual balances moved for the time since `last_s`, in the same range of prices.
    fn moved(&self, found: &Scarcity, now_s: u64) -> Result<[U256; 2], PoolError> {
        let Scarcity { plenty, scarce, .. } = *found;
        let passed_s = now_s.checked_sub(self.last_s).ok_or(PoolError::Insufficient)?;
        let ratio = root_18(found.price_ratio()?)?;
        let is_bounded = self.version == ReClammVersion::Second;
        let moved_s = if is_bounded { passed_s.min(LONGEST_S) } else { passed_s };
        let shift = pow_down(self.shift_base, times(U256::from(moved_s), ONE)?, PowVersion::Shortcuts)?;
        let mut virtual_scarce = mul_down(found.virtual_scarce, shift)?;
        if is_bounded {
            let centre = div_down(scarce, sub(root_18(ratio)?, ONE)?)?;
            virtual_scarce = virtual_scarce.max(centre);
        }
        let divisor = sub(mul_down(sub(ratio, ONE)?, virtual_scarce)?, scarce)?;
        let virtual_plenty = quotient_down(times(plenty, add(virtual_scarce, scarce)?)?, divisor)?;
        Ok(found.ordered(virtual_plenty, virtual_scarce))
    }
}

impl Scarcity {
    fn of(balances: [U256; 2], virtuals: [U256; 2]) -> Result<Self, PoolError> {
        let ([first, second], [virtual_first, virtual_second]) = (balances, virtuals);
        let (is_second_scarce, centred) = if first.is_zero() || second.is_zero() {
            (!first.is_zero(), U256::ZERO)
        } else {
            let (one, other) = (times(first, virtual_second)?, times(virtual_first, second)?);
            (one > other, if one > other { div_down(other, one)? } else { div_down(one, other)? })
        };
        let (plenty, scarce, virtual_plenty, virtual_scarce) = if is_second_scarce {
            (first, second, virtual_first, virtual_second)
        } else {
            (second, first, virtual_second, virtual_first)
        };
        Ok(Self { is_second_scarce, plenty, scarce, virtual_plenty, virtual_scarce, centred })
    }

    /// Returns virtual balances for another ratio of prices, as centred as before.
    ///
    /// With Q the root of the ratio and C how centred the pool is, the plenty token's is its balance times
    /// (1 + C + √(1 + C·(C + 4·Q − 2))) / (2·(Q − 1)).
    fn rescaled(&self, ratio_root: U256) -> Result<[U256; 2], PoolError> {
        let ratio = mul_down(ratio_root, ratio_root)?;
        let inner = sub(add(self.centred, times(small(4), ratio)?)?, times(small(2), ONE)?)?;
        let root = add(times(self.centred, inner)?, ten_to(36))?.root(2);
        let numerator = times(self.plenty, add(add(ONE, self.centred)?, root)?)?;
        let virtual_plenty = quotient_down(numerator, times(small(2), sub(ratio, ONE)?)?)?;
        let virtual_scarce = quotient_down(times(virtual_plenty, self.virtual_scarce)?, self.virtual_plenty)?;
        Ok(self.ordered(virtual_plenty, virtual_scarce))
    }

    const fn ordered(&self, plenty: U256, scarce: U256) -> [U256; 2] {
        if self.is_second_scarce {
            [plenty, scarce]
        } else {
            [scarce, plenty]
        }
    }

    /// Returns the highest price over the lowest: k / Va² over Vb² / k.
    fn price_ratio(&self) -> Result<U256, PoolError> {
        let [virtual_first, virtual_second] = self.ordered(self.virtual_plenty, self.virtual_scarce);
        let [first, second] = self.ordered(self.plenty, self.scarce);
        let invariant = mul_down(add(first, virtual_first)?, add(second, virtual_second)?)?;
        let lowest = quotient_down(times(virtual_second, virtual_second)?, invariant)?;
        let highest = div_down(invariant, mul_down(virtual_first, virtual_first)?)?;
        div_up(highest, lowest)
    }
}

/// Returns the root of a number with 18 decimals, rounded down.
fn root_18(value: U256) -> Result<U256, PoolError> {
    Ok(times(value, ONE)?.root(2))
}
