//! The integers next to a smooth optimum, tried by the contracts' own maths until none that is left can pay more.
//!
//! Of all inputs that give the same amount at some place of the path the least one pays most. So it is enough to try
//! amounts at one place, and the fewest are at the place with the coarsest token: each amount there stands for the least
//! input that gives it. Profit at an amount stays below a concave curve by at most `slack`, the sum of what the hops
//! round away; once it is `slack` below the best on both sides, nothing beyond can pay more.

use ruint::aliases::U256;
use tidemill_pools::PoolError;

use crate::float::{to_f64, to_u256};
use crate::leg::{Leg, Source};

use super::walk::Estimate;
use super::{Effort, Sized, HOPS_MAX, PLACES};

/// Zero of profits, which are kept as unsigned numbers above it.
const BREAK_EVEN: U256 = U256::from_limbs([0, 0, 0, 1 << 63]);

/// Fewest neighbours tried on each side where any are: curves of a few units are nothing like their estimate.
const NEIGHBOURS_MIN: u64 = 16;

/// So many units of the start token to a unit of another make the other one coarse.
pub(crate) const COARSE: f64 = 1000.0;

/// A path whose integers are asked for.
#[derive(Clone, Copy)]
pub(crate) struct Path<'a, 'p> {
    legs: &'a [Leg<'p>],
}

/// Amounts of the path for one amount at one place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trial {
    amounts: [U256; PLACES],
    ticks_crossed: [u32; HOPS_MAX],
    /// Profit above `BREAK_EVEN`.
    score: U256,
}

/// The place whose amounts are tried.
#[derive(Debug, Clone, Copy)]
struct Place {
    index: usize,
    slack: U256,
    /// Over how many units on each side rounding decides.
    reach: f64,
}

impl<'a, 'p> Path<'a, 'p> {
    #[inline]
    pub(crate) const fn new(legs: &'a [Leg<'p>]) -> Self {
        Self { legs }
    }

    /// Says whether every leg has a smooth curve in closed form.
    #[inline]
    pub(crate) fn is_smooth(&self) -> bool {
        !self.legs.iter().any(|leg| matches!(leg.source, Source::Quoted(..)))
    }

    pub(crate) const fn legs(&self) -> &'a [Leg<'p>] {
        self.legs
    }

    /// Returns the path for an input; `None` where a hop refuses.
    #[inline]
    pub(crate) fn at_input(&self, amount_in: U256) -> Option<Trial> {
        self.try_input(amount_in).ok()
    }

    /// Returns the path for an input.
    ///
    /// # Errors
    /// What the first hop that refuses says.
    #[inline]
    pub(super) fn try_input(&self, amount_in: U256) -> Result<Trial, PoolError> {
        let mut amounts = [U256::ZERO; PLACES];
        let mut ticks_crossed = [0; HOPS_MAX];
        let paid = self.follow(amount_in, &mut amounts, &mut ticks_crossed)?;
        let score = BREAK_EVEN.wrapping_add(paid).wrapping_sub(amount_in);
        Ok(Trial { amounts, ticks_crossed, score })
    }

    /// Returns the path for an amount at a place, at its least input; `None` where a hop refuses.
    #[inline]
    fn trial(&self, place: usize, amount: U256, guesses: &[f64; PLACES]) -> Option<Trial> {
        let mut amounts = [U256::ZERO; PLACES];
        let mut ticks_crossed = [0; HOPS_MAX];
        *amounts.get_mut(place)? = amount;
        let (before, after) = self.legs.split_at_checked(place)?;
        let mut wanted = amount;
        for (index, leg) in before.iter().enumerate().rev() {
            wanted = leg.least_in(wanted, *guesses.get(index)?).ok()?;
            *amounts.get_mut(index)? = wanted;
        }
        if has_book(before) {
            // Of whole lots more may come than was asked for.
            return self.at_input(wanted);
        }
        let mut paid = amount;
        for (index, leg) in after.iter().enumerate() {
            let (bought, crossed) = leg.amount_out(paid).ok()?;
            paid = bought;
            *amounts.get_mut(place + index + 1)? = bought;
            *ticks_crossed.get_mut(place + index)? = crossed;
        }
        // Both are below 2^255, as every contract's amounts are.
        let score = BREAK_EVEN.wrapping_add(paid).wrapping_sub(wanted_in(&amounts));
        Some(Trial { amounts, ticks_crossed, score })
    }

    /// Returns the best of the integers near `estimate`; `None` where none pays.
    #[inline]
    pub(crate) fn refine(&self, estimate: &Estimate, effort: Effort) -> Option<Sized> {
        if let Some((best, is_proven)) = self.best_order(estimate, effort) {
            return self.finish(0, &best, is_proven);
        }
        if effort.trials_max == 0 {
            return self.nearest(estimate);
        }
        let place = self.place(estimate);
        let ask = |amount| self.trial(place.index, amount, &estimate.amounts);
        let centre = to_u256(estimate.amounts.get(place.index)? + 0.5).max(U256::ONE);
        let (centre, best) = accepted_from(centre, ask)?;
        let mut best = Some(best);
        let is_proven = self.search(place, (centre, estimate), effort, &mut best);
        self.finish(place.index, &best?, is_proven)
    }

    /// Returns the integers at `estimate` itself.
    #[inline]
    fn nearest(&self, estimate: &Estimate) -> Option<Sized> {
        let (index, value) = self.coarsest(estimate);
        let amount_in = if value > COARSE {
            let amount = to_u256(estimate.amounts.get(index)? + 0.5).max(U256::ONE);
            self.least_for(index, amount, estimate)?
        } else {
            to_u256(estimate.amounts.first()? + 0.5)
        };
        self.paying(amount_in)
    }

    /// Returns the exact amounts of an input; `None` where it does not pay, or a hop refuses.
    #[inline]
    pub(crate) fn paying(&self, amount_in: U256) -> Option<Sized> {
        let mut sized = Sized {
            amounts: [U256::ZERO; PLACES],
            hops: self.legs.len(),
            ticks_crossed: [0; HOPS_MAX],
            is_proven: false,
        };
        let paid = self.follow(amount_in, &mut sized.amounts, &mut sized.ticks_crossed).ok()?;
        (paid > amount_in).then_some(sized)
    }

    /// Returns the least input for an amount at a place: of a coarse token not one that buys a unit and a part.
    pub(super) fn least_for(&self, place: usize, amount: U256, estimate: &Estimate) -> Option<U256> {
        let mut amount = amount;
        let (before, _) = self.legs.split_at_checked(place)?;
        let guesses = estimate.amounts.get(..place)?;
        for (leg, guess) in before.iter().zip(guesses).rev() {
            amount = leg.least_in(amount, *guess).ok()?;
        }
        Some(amount)
    }

    /// Puts the exact amounts of an input into the arrays and returns the last.
    #[inline]
    fn follow(
        &self,
        amount_in: U256,
        amounts: &mut [U256; PLACES],
        ticks_crossed: &mut [u32; HOPS_MAX],
    ) -> Result<U256, PoolError> {
        let mut paid = amount_in;
        let [first, rest @ ..] = amounts;
        *first = amount_in;
        for (leg, (slot, ticks)) in self.legs.iter().zip(rest.iter_mut().zip(ticks_crossed)) {
            (paid, *ticks) = leg.amount_out(paid)?;
            *slot = paid;
        }
        Ok(paid)
    }

    /// Returns the place with the coarsest token, and what a unit of it is worth in the start token.
    #[inline]
    fn coarsest(&self, estimate: &Estimate) -> (usize, f64) {
        let (mut index, mut coarsest) = (0, 1.0);
        for (at, value) in estimate.values.iter().enumerate().take(self.legs.len()).skip(1) {
            // A place further on costs inversions, so it must be worth it.
            if *value > coarsest * 1.000_001 {
                (index, coarsest) = (at, *value);
            }
        }
        (index, coarsest)
    }

    /// Picks the place to search at.
    fn place(&self, estimate: &Estimate) -> Place {
        let (index, coarsest) = self.coarsest(estimate);
        let slack = self.slack(estimate, index);
        let input_reach = (slack * 2.0 / estimate.curvature).sqrt();
        let reach = if input_reach.is_finite() { input_reach / coarsest } else { f64::INFINITY };
        Place { index, slack: to_u256(slack) + U256::from(1), reach }
    }

    /// Returns what all hops together may round away, in the start token, with as much again to spare.
    pub(super) fn slack(&self, estimate: &Estimate, place: usize) -> f64 {
        let mut sum = 1.0;
        for (index, leg) in self.legs.iter().enumerate() {
            let step = estimate.steps.get(index).copied().unwrap_or(1.0);
            let value = |at: usize| estimate.values.get(at).copied().unwrap_or(1.0);
            let (value_in, value_out) = (value(index), value(index + 1));
            sum += if let Source::Product(..) = leg.source {
                // Inverted, it rounds its input up; else its output down.
                if index < place {
                    value_in
                } else {
                    value_out
                }
            } else {
                let (units_in, units_out) = leg.rounding(step);
                units_in * value_in + units_out * value_out
            };
        }
        2.0 * sum
    }

    /// Tries everything that may pay more; says whether it did, or tried but the nearest of too many.
    #[cold]
    fn search(
        &self,
        place: Place,
        (centre, estimate): (U256, &Estimate),
        effort: Effort,
        best: &mut Option<Trial>,
    ) -> bool {
        let ask = |amount: U256| self.trial(place.index, amount, &estimate.amounts);
        // Two straight lines tell no reach: how far the best may be from the centre is then found by asking.
        if place.reach.is_finite() && place.reach > f64::from(effort.trials_max) {
            for step in (1..=u64::from(effort.trials_max).min(NEIGHBOURS_MIN)).map(U256::from) {
                keep(best, ask(centre.saturating_add(step)));
                keep(best, centre.checked_sub(step).and_then(ask));
            }
            return false;
        }
        let reach = (U256::from(NEIGHBOURS_MIN), place.slack);
        let (Some(high), Some(low)) = (
            edge(&ask, reach, |step| centre.checked_add(step), best),
            edge(&ask, reach, |step| centre.checked_sub(step).filter(|at| !at.is_zero()), best),
        ) else {
            return false;
        };
        let (low, high) = (centre.saturating_sub(low), centre.saturating_add(high));
        if to_f64(high - low) > 2.0 * f64::from(effort.trials_max) {
            return false;
        }
        let mut amount = low.max(U256::ONE);
        while amount <= high {
            keep(best, ask(amount));
            amount += U256::ONE;
        }
        true
    }

    /// Follows the best input forward through every hop, which gives the exact amounts.
    #[inline]
    fn finish(&self, place: usize, best: &Trial, is_proven: bool) -> Option<Sized> {
        if best.score <= BREAK_EVEN && place == 0 {
            return None;
        }
        let trial = if place == 0 { *best } else { self.at_input(wanted_in(&best.amounts))? };
        let Trial { amounts, ticks_crossed, score } = trial;
        (score > BREAK_EVEN).then_some(Sized { amounts, hops: self.legs.len(), ticks_crossed, is_proven })
    }
}

impl Trial {
    pub(crate) fn amounts(&self) -> &[U256; PLACES] {
        &self.amounts
    }

    pub(crate) const fn score(&self) -> U256 {
        self.score
    }
}

#[inline]
const fn wanted_in(amounts: &[U256; PLACES]) -> U256 {
    amounts[0]
}

fn has_book(legs: &[Leg<'_>]) -> bool {
    legs.iter().any(|leg| matches!(leg.source, Source::Levels(..)))
}

/// Returns the amount itself where it is accepted, else one below it that is, in growing strides, and what it gives.
fn accepted_from(amount: U256, ask: impl Fn(U256) -> Option<Trial>) -> Option<(U256, Trial)> {
    let (mut amount, mut stride) = (amount, U256::ONE);
    loop {
        if let Some(found) = ask(amount) {
            return Some((amount, found));
        }
        amount = amount.checked_sub(stride).filter(|amount| !amount.is_zero())?;
        stride <<= 1_u32;
    }
}

pub(super) fn keep(best: &mut Option<Trial>, found: Option<Trial>) {
    let Some(found) = found else { return };
    let is_better = best.as_ref().is_none_or(|best| {
        // Of two that pay the same the smaller input risks less.
        (found.score, wanted_in(&best.amounts)) > (best.score, wanted_in(&found.amounts))
    });
    if is_better {
        *best = Some(found);
    }
}

/// Returns how far from the centre nothing can pay more, in growing strides from `first`; `None` where that is too far.
pub(super) fn edge(
    ask: &impl Fn(U256) -> Option<Trial>,
    (first, slack): (U256, U256),
    at: impl Fn(U256) -> Option<U256>,
    best: &mut Option<Trial>,
) -> Option<U256> {
    let mut stride = first;
    loop {
        let Some(amount) = at(stride) else { return Some(stride) };
        let Some(found) = ask(amount) else {
            // Refused: so is all beyond, once anything at all was accepted.
            return best.as_ref().map(|_| stride);
        };
        keep(best, Some(found));
        let bar = best.as_ref().map_or(BREAK_EVEN, |best| best.score.max(BREAK_EVEN));
        if found.score.saturating_add(slack) <= bar {
            return Some(stride);
        }
        stride = stride.checked_mul(U256::from(2))?;
        if stride.bit_len() > 64 {
            return None;
        }
    }
}
