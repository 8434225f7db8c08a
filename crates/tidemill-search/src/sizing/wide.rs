//! The closed form in integers, for reserves so large that a float would miss by more than a unit.
//!
//! With `out(x) = K·x / (M + N·x)`, starting from `(1, 1, 0)`, a pair of reserves `Rin`, `Rout` that keeps `n/d` of what is
//! paid makes `K' = n·Rout·K`, `N' = Rin·d·N + n·K`, `M' = Rin·d·M`; profit is largest at `x = (√(K·M) - M) / N`.

use ruint::Uint;

use crate::leg::{product_reserves, Leg, Source};

use super::walk::Estimate;

/// Wide enough for the product of two numbers of 4 · 127 bits.
type Wide = Uint<1088, 17>;

/// Reserves from which on the smooth optimum of a float is off by so much that profit is a unit less.
const LARGE: f64 = 1e29;

/// Returns the estimate with the integer closed form's amounts, where a float's are too coarse.
#[inline]
pub(crate) fn sharpen(legs: &[Leg<'_>], estimate: Estimate) -> Estimate {
    let [amount_in, ..] = estimate.amounts;
    if estimate.curvature * LARGE > 1.0 || amount_in < 1.0 {
        return estimate;
    }
    sharpened(legs, &estimate).unwrap_or(estimate)
}

#[cold]
fn sharpened(legs: &[Leg<'_>], estimate: &Estimate) -> Option<Estimate> {
    let amount_in = closed_form(legs)?;
    let mut amounts = estimate.amounts;
    let mut amount = f64::from(amount_in);
    for (slot, leg) in amounts.iter_mut().zip(std::iter::once(None).chain(legs.iter().map(Some))) {
        if let Some(leg) = leg {
            amount = crate::float::to_f64(leg.amount_out(crate::float::to_u256(amount)).ok()?.0);
        }
        *slot = amount;
    }
    Some(Estimate { amounts, ..*estimate })
}

/// Returns the input that pays most, rounded down; `None` where a leg is not a constant product, or none pays.
pub(crate) fn closed_form(legs: &[Leg<'_>]) -> Option<Wide> {
    let (mut k, mut m, mut n) = (Wide::from(1), Wide::from(1), Wide::ZERO);
    for leg in legs {
        let Source::Product(pool, zero_for_one) = leg.source else { return None };
        let (reserve_in, reserve_out) = product_reserves(pool, zero_for_one);
        let (kept, whole) = pool.fee().parts();
        let (reserve_in, kept) = (Wide::from(reserve_in) * Wide::from(whole), Wide::from(kept));
        n = reserve_in * n + kept * k;
        k *= kept * Wide::from(reserve_out);
        m *= reserve_in;
    }
    if k <= m {
        return None;
    }
    ((k * m).root(2) - m).checked_div(n)
}
