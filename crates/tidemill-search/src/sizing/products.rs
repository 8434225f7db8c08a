//! Where a path of constant products alone pays most: one Möbius map, solved at once.

use crate::float::of_u128;
use crate::leg::{product_reserves, Leg, Source};

use super::course::Local;
use super::walk::Estimate;
use super::{HOPS_MAX, PLACES};

/// What is known of a path of constant products.
pub(crate) enum Solved {
    /// It pays most here.
    Pays(Estimate),
    /// Its first unit does not pay.
    Loses,
    /// A leg is something else.
    Mixed,
}

/// Returns where the path pays most.
#[inline]
pub(crate) fn solve(legs: &[Leg<'_>]) -> Solved {
    let mut locals = [Local { slope: 1.0, bend: 0.0, most: f64::INFINITY }; HOPS_MAX];
    let (mut slope, mut bend) = (1.0, 0.0);
    for (local, leg) in locals.iter_mut().zip(legs) {
        let Source::Product(pool, zero_for_one) = leg.source else { return Solved::Mixed };
        let (reserve_in, reserve_out) = product_reserves(pool, zero_for_one);
        let (kept, whole) = pool.fee().parts();
        let own_bend = f64::from(kept) / (f64::from(whole) * of_u128(reserve_in));
        let own_slope = own_bend * of_u128(reserve_out);
        *local = Local { slope: own_slope, bend: own_bend, ..*local };
        bend += slope * own_bend;
        slope *= own_slope;
    }
    // Not above one: also where a reserve is zero, and the slope is no number.
    if !(slope > 1.0 && slope < f64::INFINITY) {
        return Solved::Loses;
    }
    let root = slope.sqrt();
    let mut amount = (root - 1.0) / bend;
    let mut amounts = [0.0; PLACES];
    let mut values = [1.0; PLACES];
    let mut value = 1.0;
    let ([amount_in, outs @ ..], [_, out_values @ ..]) = (&mut amounts, &mut values);
    *amount_in = amount;
    for ((out, out_value), local) in outs.iter_mut().zip(out_values).zip(&locals).take(legs.len()) {
        let left = 1.0 + local.bend * amount;
        // The slope of the map at `amount` is slope / left².
        value *= left * left / local.slope;
        amount = local.slope * amount / left;
        (*out, *out_value) = (amount, value);
    }
    Solved::Pays(Estimate { amounts, values, curvature: bend / root, steps: [1.0; HOPS_MAX] })
}
