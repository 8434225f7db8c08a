//! The closed form in integers, for reserves so large that a float would miss by more than a unit.
//!
//! With `out(x) = K·x / (M + N·x)`, starting from `(1, 1, 0)`, a pair of reserves `Rin`, `Rout` that keeps `n/d` of what is
//! paid makes `K' = n·Rout·K`, `N' = Rin·d·N + n·K`, `M' = Rin·d·M`; profit is largest at `x = (√(K·M) - M) / N`.

use ruint::aliases::U256;
use ruint::{Uint, UintTryFrom as _};

use crate::float::to_f64;
use crate::leg::{product_reserves, Leg, Source};

use super::walk::Estimate;

/// Wide enough for the product of two numbers of 4 · 127 bits.
type Wide = Uint<1088, 17>;

/// Reserves from which on the optimum of a float is off by so much that profit is a unit less.
pub(crate) const LARGE: f64 = 1e29;

/// Puts the integer closed form's amounts into an estimate.
#[cold]
pub(crate) fn sharpen(legs: &[Leg<'_>], estimate: &mut Estimate) {
    let Some(amount_in) = closed_form(legs).and_then(|wide| U256::uint_try_from(wide).ok()) else { return };
    let mut amount = amount_in;
    let [first, rest @ ..] = &mut estimate.amounts;
    *first = to_f64(amount_in);
    for (slot, leg) in rest.iter_mut().zip(legs) {
        let Ok((bought, _)) = leg.amount_out(amount) else { return };
        *slot = to_f64(bought);
        amount = bought;
    }
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
