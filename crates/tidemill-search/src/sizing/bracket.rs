//! The input at which a path that can only be asked stops paying: a bracket that closes on a marginal rate of one.
//!
//! Through the three best inputs known goes one Möbius map with an offset, `(a + b·x) / (1 + c·x)`, which is what two
//! constant products would do; where its rate is one is asked next. Where that lies outside the bracket, or the bracket
//! does not shrink, its larger half is cut by the golden section. Asked are only exact swaps.

use ruint::aliases::U256;

use crate::float::{to_f64, to_u256};

use super::refine::{Path, Trial};
use super::walk::Estimate;
use super::window::{window, Window};
use super::{SizeError, HOPS_MAX, PLACES};

/// Inputs asked for until the bracket counts as closed.
const ASKED_MAX: usize = 64;
/// Golden section.
const SECTION: f64 = 0.381_966_011_250_105;
/// Relative width at which a bracket is closed.
const CLOSE: f64 = 1e-9;
/// Part of the profit that is not worth another question; below a unit nothing is.
const NEGLIGIBLE: f64 = 1e-11;

/// An input that was asked.
#[derive(Clone, Copy)]
struct Point {
    input: U256,
    trial: Trial,
}

/// Inputs around the best one.
struct Bracket {
    low: U256,
    best: Point,
    /// Absent while more has always paid more.
    high: Option<U256>,
    /// Other points known, the latest last.
    others: Vec<Point>,
}

/// Returns where the path pays most; `None` where no input pays.
///
/// # Errors
/// What a leg refuses at every input.
pub(crate) fn bracket(path: &Path<'_, '_>) -> Result<Option<Estimate>, SizeError> {
    let mut rate = 1.0;
    let mut bend = 0.0;
    for (hop, leg) in path.legs().iter().enumerate() {
        let refused = |error| SizeError::Pool { hop, error };
        let slope = leg.rate().map_err(refused)?;
        bend += rate / leg.depth().map_err(refused)?;
        rate *= slope;
    }
    if rate <= 1.0 {
        return Ok(None);
    }
    // As if every leg were a constant product.
    let guess = to_u256((rate.sqrt() - 1.0) / bend).max(U256::from(2));
    Ok(open(path, guess).map(|mut bracket| {
        for _ in 0..ASKED_MAX {
            let Some(next) = bracket.next(rate) else { break };
            bracket.ask(path, next);
        }
        bracket.estimate(path, rate)
    }))
}

/// Finds a first input that no hop refuses.
fn open(path: &Path<'_, '_>, guess: U256) -> Option<Bracket> {
    let Window { low, input, trial, high } = window(path, guess)?;
    Some(Bracket { low, best: Point { input, trial }, high, others: Vec::with_capacity(16) })
}

impl Bracket {
    /// Returns the next input to ask for; `None` where the bracket is closed.
    fn next(&self, rate: f64) -> Option<U256> {
        let best = self.best.input;
        let map = self.map(rate).filter(|(_, bend)| *bend > 0.0);
        if let Some((input, bend)) = map.and_then(|map| Some((self.fitted(map)?, map.1))) {
            let change = to_f64(input.abs_diff(best));
            // What going there gains, by the map.
            let is_close = bend * change * change < self.negligible();
            if (is_close && !self.others.is_empty()) || self.is_flat() {
                return None;
            }
            if self.is_inside(input) && input != best {
                return Some(input);
            }
        }
        let Some(high) = self.high else { return best.checked_mul(U256::from(4)) };
        let (below, above) = (best - self.low, high - best);
        if below.max(above) <= U256::from(2) || to_f64(below.max(above)) / to_f64(best) < CLOSE {
            return None;
        }
        let cut = |width: U256| to_u256(to_f64(width) * SECTION).max(U256::ONE);
        Some(if above >= below { best + cut(above) } else { best - cut(below) })
    }

    fn is_inside(&self, input: U256) -> bool {
        input > self.low && self.high.map_or(input < self.best.input << 6_u32, |high| input < high)
    }

    fn ask(&mut self, path: &Path<'_, '_>, input: U256) {
        let Some(trial) = path.at_input(input) else {
            if input > self.best.input {
                self.high = Some(input);
            } else {
                self.low = input;
            }
            return;
        };
        let point = Point { input, trial };
        let is_above = input > self.best.input;
        if trial.score() >= self.best.trial.score() {
            let before = std::mem::replace(&mut self.best, point);
            if is_above {
                self.low = before.input;
            } else {
                self.high = Some(before.input);
            }
            self.others.push(before);
        } else {
            if is_above {
                self.high = Some(input);
            } else {
                self.low = input;
            }
            self.others.push(point);
        }
    }

    /// Returns what the best point gains, where it gains.
    fn profit(&self) -> f64 {
        (self.output_f64() - to_f64(self.best.input)).max(0.0)
    }

    fn negligible(&self) -> f64 {
        (self.profit() * NEGLIGIBLE).max(1.0)
    }

    /// Says whether the latest inputs pay the same but for what is negligible: what they differ by is rounding.
    fn is_flat(&self) -> bool {
        let [_, .., latest] = self.others.as_slice() else { return false };
        to_f64(self.best.trial.score().abs_diff(latest.trial.score())) < self.negligible()
    }

    /// Returns where a map of this slope and bend, seen from the best point, has a rate of one.
    fn fitted(&self, (slope, bend): (f64, f64)) -> Option<U256> {
        let ahead = (slope.max(0.0).sqrt() - 1.0) / bend;
        let best = self.best.input;
        if !ahead.is_finite() {
            return None;
        }
        if ahead >= 0.0 {
            best.checked_add(to_u256(ahead))
        } else {
            best.checked_sub(to_u256(-ahead))
        }
    }

    /// Returns slope and bend of the map, seen from the best point.
    ///
    /// With one point it is the map through the origin with the path's own rate there; with two the map through the
    /// origin and both; with more the map through the best and the latest two.
    fn map(&self, rate: f64) -> Option<(f64, f64)> {
        match self.others.as_slice() {
            [] => {
                let (input, output) = (to_f64(self.best.input), self.output_f64());
                // From y = rate·x / (1 + n·x), recentred at x.
                let bend = (rate * input / output - 1.0) / input;
                let from_here = 1.0 + bend * input;
                Some((rate / (from_here * from_here), bend / from_here))
            }
            [one] => {
                let (dx, dy) = self.away(one);
                let (zx, zy) = (-to_f64(self.best.input), -self.output_f64());
                through((dx, dy), (zx, zy))
            }
            [.., a, b] => through(self.away(a), self.away(b)),
        }
    }

    fn output(point: &Point) -> U256 {
        point.trial.score().wrapping_add(point.input)
    }

    fn output_f64(&self) -> f64 {
        // The score counts from 2^255.
        to_f64(Self::output(&self.best).wrapping_sub(U256::ONE << 255_u32))
    }

    /// Returns how far a point lies from the best, in input and in output; the differences are exact.
    fn away(&self, point: &Point) -> (f64, f64) {
        let signed = |value: U256, from: U256| {
            if value >= from {
                to_f64(value - from)
            } else {
                -to_f64(from - value)
            }
        };
        (signed(point.input, self.best.input), signed(Self::output(point), Self::output(&self.best)))
    }

    fn estimate(&self, path: &Path<'_, '_>, rate: f64) -> Estimate {
        let trial = self.best.trial;
        let mut amounts = [0.0; PLACES];
        let mut values = [1.0; PLACES];
        let [amount_in, ..] = trial.amounts();
        let amount_in = to_f64(*amount_in);
        let count = path.legs().len();
        for (index, (slot, amount)) in amounts.iter_mut().zip(trial.amounts()).enumerate().take(count + 1) {
            *slot = to_f64(*amount);
            if let Some(value) = values.get_mut(index).filter(|_| index < count) {
                *value = amount_in / slot.max(1.0);
            }
        }
        // Half the second derivative of slope·d / (1 + bend·d), at a slope of one; where rounding hides it, that of a
        // constant product which pays this much at this input.
        let bend = self.map(rate).map(|(_, bend)| bend).filter(|bend| *bend > 0.0);
        let curvature = bend.unwrap_or((rate.sqrt() - 1.0) / amount_in);
        Estimate { amounts, values, curvature, steps: [1.0; HOPS_MAX] }
    }
}

/// Returns slope and bend at the origin of the map `slope·x / (1 + bend·x)` through the origin and two points.
fn through((ax, ay): (f64, f64), (bx, by): (f64, f64)) -> Option<(f64, f64)> {
    // x/y = (1 + bend·x) / slope is a line.
    let (a, b) = (ax / ay, bx / by);
    let per_x = (a - b) / (ax - bx);
    let at_origin = a - per_x * ax;
    let (slope, bend) = (1.0 / at_origin, per_x / at_origin);
    (slope.is_finite() && bend.is_finite()).then_some((slope, bend))
}
