//! Where a path of constant products alone pays most: one Möbius map, solved at once.

use crate::float::of_u112;
use crate::leg::{product_reserves, Leg, Source};

use super::course::Local;
use super::refine::COARSE;
use super::walk::Estimate;
use super::wide::LARGE;
use super::{HOPS_MAX, PLACES};

/// What is known of a path of constant products.
pub(crate) enum Solved {
    /// It pays most here.
    Pays(Optimum),
    /// Its first unit does not pay.
    Loses,
    /// A leg is something else.
    Mixed,
}

/// Where a path of constant products pays most.
pub(crate) struct Optimum {
    /// What to pay in.
    pub(crate) amount_in: f64,
    /// Whether a unit of some token on the way is worth more than `COARSE` units of the start token.
    pub(crate) is_coarse: bool,
    locals: [Local; HOPS_MAX],
    curvature: f64,
}

/// Returns where the path pays most.
#[inline]
pub(crate) fn solve(legs: &[Leg<'_>]) -> Solved {
    let mut locals = [Local { slope: 1.0, bend: 0.0, most: f64::INFINITY }; HOPS_MAX];
    let (mut slope, mut bend) = (1.0, 0.0);
    let mut is_coarse = false;
    for (local, leg) in locals.iter_mut().zip(legs) {
        let Source::Product(pool, zero_for_one) = leg.source else { return Solved::Mixed };
        let (reserve_in, reserve_out) = product_reserves(pool, zero_for_one);
        let (kept, whole) = pool.fee().parts();
        let own_bend = f64::from(kept) / (f64::from(whole) * of_u112(reserve_in));
        let own_slope = own_bend * of_u112(reserve_out);
        *local = Local { slope: own_slope, bend: own_bend, ..*local };
        bend += slope * own_bend;
        slope *= own_slope;
        is_coarse |= slope * COARSE < 1.0;
    }
    // Not above one: also where a reserve is zero, and the slope is no number.
    if !(slope > 1.0 && slope < f64::INFINITY) {
        return Solved::Loses;
    }
    let root = slope.sqrt();
    Solved::Pays(Optimum { amount_in: (root - 1.0) / bend, is_coarse, locals, curvature: bend / root })
}

impl Optimum {
    /// Says whether floats place the optimum to within a unit of profit.
    #[inline]
    pub(crate) fn is_fine(&self) -> bool {
        self.curvature * LARGE > 1.0
    }

    /// Returns the exact amounts of the float's input all along the path, found from their floats; `None` where these do
    /// not lead to them.
    // What is not a whole number of units is cut off on purpose.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    #[inline]
    pub(crate) fn amounts(&self, legs: &[Leg<'_>]) -> Option<[u128; PLACES]> {
        let mut paid = (self.amount_in + 0.5) as u128;
        let mut smooth = self.amount_in;
        let mut amounts = [0; PLACES];
        let [first, rest @ ..] = &mut amounts;
        *first = paid;
        for ((slot, local), leg) in rest.iter_mut().zip(&self.locals).zip(legs) {
            let Source::Product(pool, zero_for_one) = leg.source else { return None };
            let left = (1.0 + local.bend * smooth).recip();
            smooth *= local.slope * left;
            let inverse = local.bend * left / f64::from(pool.fee().parts().0);
            paid = pool.amount_out_near(zero_for_one, paid, smooth, inverse)?;
            *slot = paid;
        }
        Some(amounts)
    }

    /// Returns amounts and values all along the path.
    pub(crate) fn estimate(&self, hops: usize) -> Estimate {
        let mut amount = self.amount_in;
        let mut amounts = [0.0; PLACES];
        let mut values = [1.0; PLACES];
        let mut value = 1.0;
        let ([amount_in, outs @ ..], [_, out_values @ ..]) = (&mut amounts, &mut values);
        *amount_in = amount;
        for ((out, out_value), local) in outs.iter_mut().zip(out_values).zip(&self.locals).take(hops) {
            let left = 1.0 + local.bend * amount;
            // The slope of the map at `amount` is slope / left².
            value *= left * left / local.slope;
            amount = local.slope * amount / left;
            (*out, *out_value) = (amount, value);
        }
        Estimate { amounts, values, curvature: self.curvature, steps: [1.0; HOPS_MAX] }
    }
}
