//! Whether the swaps of a transaction close a circle, and what it paid.

use super::legs::Leg;

/// A circle of swaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Circle {
    /// What it begins and ends with.
    pub mint: String,
    /// How much went in.
    pub amount_in: u64,
    /// How much came out.
    pub amount_out: u64,
}

/// Returns the circle that all swaps make: each mint but one goes out of the last swap as it went into the next, in sum; of that one more
/// or less comes out than went in.
pub(crate) fn circle(legs: &[Leg]) -> Option<Circle> {
    let (first, last) = (legs.first()?, legs.last()?);
    if legs.len() < 2 || first.mint_in != last.mint_out {
        return None;
    }
    let mint = &first.mint_in;
    let mut mints: Vec<&String> = legs.iter().flat_map(|leg| [&leg.mint_in, &leg.mint_out]).collect();
    mints.sort_unstable();
    mints.dedup();
    let sums = |wanted: &String| {
        let into = legs
            .iter()
            .filter(|leg| leg.mint_in == *wanted)
            .fold(0_u64, |sum, leg| sum.saturating_add(leg.amount_in));
        let out = legs
            .iter()
            .filter(|leg| leg.mint_out == *wanted)
            .fold(0_u64, |sum, leg| sum.saturating_add(leg.amount_out));
        (into, out)
    };
    // A token that takes a fee, and what rounding leaves, may keep one part in a hundred.
    let is_handed_on = |wanted: &&String| {
        let (into, out) = sums(wanted);
        into.abs_diff(out) <= into.max(out) / 100
    };
    if !mints.iter().filter(|one| **one != mint).all(is_handed_on) {
        return None;
    }
    let (amount_in, amount_out) = sums(mint);
    Some(Circle { mint: mint.clone(), amount_in, amount_out })
}
