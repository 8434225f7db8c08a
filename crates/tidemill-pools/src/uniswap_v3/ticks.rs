//! Which ticks of a pool are initialised, in order, with the liquidity that starts and ends at each.

use ruint::aliases::U256;

use super::tick_math::{sqrt_ratio_at_tick, MAX_TICK, MIN_TICK};
use crate::error::PoolError;

/// What stands at one initialised tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// Sum of the liquidity of all positions that start or end here; above zero.
    pub liquidity_gross: u128,
    /// What crossing the tick upwards adds to the in-range liquidity.
    pub liquidity_net: i128,
    /// Square root of the price at the tick, in 2^-96.
    pub(super) sqrt_ratio: U256,
}

impl Tick {
    /// Returns the square root of the price at the tick, in 2^-96.
    pub const fn sqrt_ratio_x96(&self) -> U256 {
        self.sqrt_ratio
    }
}

/// The initialised ticks of one pool, in ascending order; indices lie apart from the rest so that a search is short.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ticks {
    indices: Vec<i32>,
    values: Vec<Tick>,
}

/// Gross and net liquidity of a tick; absent where the tick is not initialised.
pub type TickLiquidity = Option<(u128, i128)>;

impl Ticks {
    /// Returns the number of initialised ticks.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Says whether no tick is initialised.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// Returns the ticks in ascending order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (i32, &Tick)> {
        self.indices.iter().copied().zip(&self.values)
    }

    /// Returns the ticks at and below `tick`, downwards.
    pub fn downwards(&self, tick: i32) -> impl Iterator<Item = &Tick> + Clone {
        self.values.get(..self.count_to(tick)).unwrap_or_default().iter().rev()
    }

    /// Returns the ticks above `tick`, upwards.
    pub fn upwards(&self, tick: i32) -> impl Iterator<Item = &Tick> + Clone {
        self.values.get(self.count_to(tick)..).unwrap_or_default().iter()
    }

    /// Returns gross and net liquidity at `tick`.
    pub fn get(&self, tick: i32) -> TickLiquidity {
        let at = self.indices.binary_search(&tick).ok()?;
        self.values.get(at).map(|value| (value.liquidity_gross, value.liquidity_net))
    }

    /// Sets gross and net liquidity at `tick`, or clears it.
    ///
    /// # Errors
    /// `Ticks` where the tick is out of range.
    pub fn set(&mut self, tick: i32, liquidity: TickLiquidity) -> Result<(), PoolError> {
        let found = self.indices.binary_search(&tick);
        let Some((liquidity_gross, liquidity_net)) = liquidity.filter(|(gross, _)| *gross > 0) else {
            if let Ok(at) = found {
                self.indices.remove(at);
                self.values.remove(at);
            }
            return Ok(());
        };
        let sqrt_ratio = sqrt_ratio_at_tick(tick).ok_or(PoolError::Ticks { lower: tick, upper: tick })?;
        let value = Tick { liquidity_gross, liquidity_net, sqrt_ratio };
        match found {
            Ok(at) => {
                if let Some(kept) = self.values.get_mut(at) {
                    *kept = value;
                }
            }
            Err(at) => {
                self.indices.insert(at, tick);
                self.values.insert(at, value);
            }
        }
        Ok(())
    }

    /// Returns how many initialised ticks are at or below `tick`.
    #[inline]
    pub(super) fn count_to(&self, tick: i32) -> usize {
        self.indices.partition_point(|index| *index <= tick)
    }

    /// Returns the tick at a position in the order.
    #[inline]
    pub(super) fn at(&self, position: usize) -> Option<(i32, &Tick)> {
        Some((*self.indices.get(position)?, self.values.get(position)?))
    }

    /// Returns the liquidity in range at `tick`, as all ticks at or below it add up to.
    ///
    /// # Errors
    /// `Overflow` where the sum is no liquidity at all, so that ticks must be missing.
    pub fn liquidity_at(&self, tick: i32) -> Result<u128, PoolError> {
        let below = self.values.get(..self.count_to(tick)).unwrap_or_default();
        // Partial sums are liquidities too, so none is negative unless ticks are missing.
        below.iter().try_fold(0_u128, |sum, value| add_liquidity(sum, value.liquidity_net))
    }

    /// Returns what crossing the ticks on the way from one tick to another makes of `liquidity`.
    pub(super) fn liquidity_between(&self, liquidity: u128, from: i32, to: i32) -> Result<u128, PoolError> {
        let (start, end) = (self.count_to(from), self.count_to(to));
        if start <= end {
            let crossed = self.values.get(start..end).unwrap_or_default();
            return crossed.iter().try_fold(liquidity, |sum, value| add_liquidity(sum, value.liquidity_net));
        }
        let crossed = self.values.get(end..start).unwrap_or_default();
        crossed.iter().rev().try_fold(liquidity, |sum, value| {
            add_liquidity(sum, value.liquidity_net.checked_neg().ok_or(PoolError::Overflow)?)
        })
    }
}

/// Returns `liquidity + delta`.
///
/// # Errors
/// `Overflow` where the sum is below zero or does not fit 128 bits.
#[inline]
pub fn add_liquidity(liquidity: u128, delta: i128) -> Result<u128, PoolError> {
    liquidity.checked_add_signed(delta).ok_or(PoolError::Overflow)
}

/// Where the contract's search for the next tick ends: at an initialised tick, or at the edge of a bitmap word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    pub(super) tick: i32,
    pub(super) sqrt_ratio: U256,
    /// Present where the tick is initialised.
    pub(super) liquidity_net: Option<i128>,
}

/// A place in a pool's ticks, walked in one direction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    ticks: &'a Ticks,
    spacing: i32,
    is_down: bool,
    /// Initialised ticks at or below the current one.
    count: usize,
}

impl<'a> Cursor<'a> {
    #[inline]
    pub(super) fn new(ticks: &'a Ticks, spacing: i32, tick: i32, is_down: bool) -> Self {
        Self { ticks, spacing, is_down, count: ticks.count_to(tick) }
    }

    /// Returns where a step that starts at `tick` ends; the contract looks within one word of 256 ticks only.
    #[inline]
    pub(super) fn next(&self, tick: i32) -> Option<Stop> {
        let edge = self.word_edge(tick);
        if let Some((tick, value)) = self.candidate() {
            if if self.is_down { tick >= edge } else { tick <= edge } {
                let liquidity_net = Some(value.liquidity_net);
                return Some(Stop { tick, sqrt_ratio: value.sqrt_ratio, liquidity_net });
            }
        }
        let tick = edge.clamp(MIN_TICK, MAX_TICK);
        Some(Stop { tick, sqrt_ratio: sqrt_ratio_at_tick(tick)?, liquidity_net: None })
    }

    /// Moves past the initialised tick that `next` returned.
    #[inline]
    pub(super) fn cross(&mut self) {
        self.count = if self.is_down { self.count.saturating_sub(1) } else { self.count + 1 };
    }

    /// Returns a stop in an earlier word than `limit_tick` and the next initialised tick, as far on as possible.
    ///
    /// Without liquidity the steps at the edges of empty words change nothing but the place, so they can be skipped.
    pub(super) fn skip_empty(&self, tick: i32, limit_tick: i32) -> Option<Stop> {
        let goal = match self.candidate() {
            Some((tick, _)) if self.is_down => tick.max(limit_tick),
            Some((tick, _)) => tick.min(limit_tick),
            None => limit_tick,
        };
        let width = self.spacing.checked_mul(256)?;
        let word = goal.div_euclid(width);
        let edge = if self.is_down {
            word.checked_add(1)?.checked_mul(width)?
        } else {
            word.checked_mul(width)?.checked_sub(self.spacing)?
        };
        let is_onward = if self.is_down { edge < self.word_edge(tick) } else { edge > self.word_edge(tick) };
        let sqrt_ratio = if is_onward { sqrt_ratio_at_tick(edge)? } else { return None };
        Some(Stop { tick: edge, sqrt_ratio, liquidity_net: None })
    }

    #[inline]
    fn candidate(&self) -> Option<(i32, &'a Tick)> {
        if self.is_down { self.ticks.at(self.count.checked_sub(1)?) } else { self.ticks.at(self.count) }
    }

    /// Returns the last tick that a search from `tick` can see.
    #[inline]
    fn word_edge(&self, tick: i32) -> i32 {
        let compressed = tick.div_euclid(self.spacing);
        let edge = if self.is_down { compressed >> 8 << 8 } else { (compressed + 1) | 0xff };
        edge.saturating_mul(self.spacing)
    }
}
