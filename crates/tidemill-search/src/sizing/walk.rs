//! The input at which a path of Möbius maps stops paying, in closed form range by range.
//!
//! Maps `k·x / (1 + n·x)` compose to `K·x / (1 + N·x)` with `K = Πk` and `N = n1 + k1·n2 + k1·k2·n3 + …`; the profit
//! `K·x / (1 + N·x) - x` is largest at `x = (√K - 1) / N`. Where a leg's range ends before that, the path is taken up
//! to there, the leg's next range begins, and the same is asked again.

use crate::leg::Leg;

use super::course::{Course, Local};
use super::{HOPS_MAX, PLACES};

/// Ranges after which a walk ends: more than ticks on any path that pays.
const STEPS_MAX: usize = 100_000;

/// Where a path pays most, by smooth curves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Estimate {
    /// Amounts before the first and after each hop.
    pub(crate) amounts: [f64; PLACES],
    /// What a unit of the token at each place is worth in the start token.
    pub(crate) values: [f64; PLACES],
    /// What an input other by `d` loses is `curvature · d²`.
    pub(crate) curvature: f64,
    /// Ranges that each hop goes through.
    pub(crate) steps: [f64; HOPS_MAX],
}

/// The whole path from where it stands.
struct Composed {
    slope: f64,
    bend: f64,
    /// How far the path goes until a leg's range ends, and which leg's.
    most: f64,
    ends: Option<usize>,
}

/// Returns where a path pays most; `None` where its first unit does not pay, or a leg has no such curve.
#[inline]
pub(crate) fn walk(legs: &[Leg<'_>]) -> Option<Estimate> {
    let mut courses: [Option<Course<'_>>; HOPS_MAX] = [None, None, None, None];
    for (course, leg) in courses.iter_mut().zip(legs) {
        *course = Some(Course::of(leg)?);
    }
    let mut amounts = [0.0; PLACES];
    let mut steps = [1.0; HOPS_MAX];
    for _ in 0..STEPS_MAX {
        let locals = locals(&courses);
        let whole = compose(&locals, legs.len());
        let best = if whole.slope > 1.0 { (whole.slope.sqrt() - 1.0) / whole.bend } else { 0.0 };
        let is_last = best <= whole.most;
        let goes = best.min(whole.most);
        let ends = if is_last { None } else { whole.ends };
        let has_more = go(&mut courses, &locals, goes, ends, &mut amounts);
        if let Some(step) = ends.and_then(|leg| steps.get_mut(leg)) {
            *step += 1.0;
        }
        if is_last || !has_more {
            return finish(&courses, amounts, steps, legs.len());
        }
    }
    None
}

#[inline]
fn locals(courses: &[Option<Course<'_>>; HOPS_MAX]) -> [Local; HOPS_MAX] {
    let mut locals = [Local { slope: 1.0, bend: 0.0, most: f64::INFINITY }; HOPS_MAX];
    for (local, course) in locals.iter_mut().zip(courses) {
        if let Some(course) = course {
            *local = course.local();
        }
    }
    locals
}

#[inline]
fn compose(locals: &[Local; HOPS_MAX], count: usize) -> Composed {
    let (mut slope, mut bend) = (1.0, 0.0);
    let (mut most, mut ends) = (f64::INFINITY, None);
    for (index, local) in locals.iter().take(count).enumerate() {
        if local.most < f64::INFINITY {
            // What the path before this leg needs to give it `most`; it may never give so much.
            let left = slope - bend * local.most;
            let reach = if left > 0.0 { local.most / left } else { f64::INFINITY };
            if reach < most {
                (most, ends) = (reach, Some(index));
            }
        }
        bend += slope * local.bend;
        slope *= local.slope;
    }
    Composed { slope, bend, most, ends }
}

/// Moves every leg on; says whether the leg whose range ends has another.
#[inline]
fn go(
    courses: &mut [Option<Course<'_>>; HOPS_MAX],
    locals: &[Local; HOPS_MAX],
    goes: f64,
    ends: Option<usize>,
    amounts: &mut [f64; PLACES],
) -> bool {
    let mut amount = goes;
    let mut has_more = true;
    let [first, rest @ ..] = amounts;
    *first += goes;
    for (index, ((course, local), sum)) in courses.iter_mut().zip(locals).zip(rest).enumerate() {
        let Some(course) = course else { break };
        has_more &= course.advance(amount, ends == Some(index));
        amount = local.out(amount);
        *sum += amount;
    }
    has_more
}

fn finish(
    courses: &[Option<Course<'_>>; HOPS_MAX],
    amounts: [f64; PLACES],
    steps: [f64; HOPS_MAX],
    count: usize,
) -> Option<Estimate> {
    let [amount_in, ..] = amounts;
    if amount_in <= 0.0 || !amount_in.is_finite() {
        return None;
    }
    let locals = locals(courses);
    let whole = compose(&locals, count);
    let mut values = [1.0; PLACES];
    let mut value = 1.0;
    for (slot, local) in values.iter_mut().skip(1).zip(&locals).take(count) {
        // Where the last range ended with the path still paying, the slopes do not multiply to one; near enough.
        value /= local.slope.max(f64::MIN_POSITIVE);
        *slot = value;
    }
    if let Some(last) = values.get_mut(count) {
        *last = 1.0;
    }
    Some(Estimate { amounts, values, curvature: whole.bend, steps })
}
