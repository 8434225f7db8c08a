//! The least input that buys what is wanted, of a pool that can only be asked what an input buys.

use ruint::aliases::U256;

use crate::error::PoolError;

/// Returns the least `x` for which `out(x)` reaches `wanted`, searched from `guess`; `out` must not fall with `x`.
///
/// A refusal counts as too little below what was accepted already, and ends the search above it.
///
/// # Errors
/// `Insufficient` where nothing that `out` accepts reaches `wanted`.
pub fn least(
    guess: U256,
    wanted: U256,
    out: impl Fn(U256) -> Result<U256, PoolError>,
) -> Result<U256, PoolError> {
    let guess = guess.max(U256::ONE);
    let stride = (guess >> 40_u32).max(U256::ONE);
    let reaches = |x: U256| out(x).is_ok_and(|found| found >= wanted);
    let (mut low, mut high) = match out(guess) {
        Ok(found) if found >= wanted => below(guess, stride, reaches),
        told => above((guess, told.is_ok()), stride, wanted, &out)?,
    };
    while high - low > U256::ONE {
        let middle = low + ((high - low) >> 1_u32);
        if reaches(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(high)
}

/// Walks down in growing strides: returns an input that is too little, zero at least, and one above it that is enough.
fn below(enough: U256, first: U256, reaches: impl Fn(U256) -> bool) -> (U256, U256) {
    let (mut high, mut stride) = (enough, first);
    loop {
        let next = high.saturating_sub(stride);
        if next.is_zero() || !reaches(next) {
            return (next, high);
        }
        high = next;
        stride <<= 2_u32;
    }
}

/// Walks up in growing strides, from an input that is too little or was not accepted, to one that is enough.
fn above(
    (from, mut is_accepted): (U256, bool),
    first: U256,
    wanted: U256,
    out: impl Fn(U256) -> Result<U256, PoolError>,
) -> Result<(U256, U256), PoolError> {
    let (mut low, mut stride) = (from, first);
    loop {
        let high = low.checked_add(stride).ok_or(PoolError::Insufficient)?;
        match out(high) {
            Ok(found) if found >= wanted => return Ok((low, high)),
            Ok(_) => is_accepted = true,
            // Too little to be swapped at all is too little.
            Err(PoolError::Empty | PoolError::Small) => {}
            Err(PoolError::Insufficient) if !is_accepted => {}
            Err(_) if stride == U256::ONE => return Err(PoolError::Insufficient),
            Err(_) => {
                // The limit lies within this stride: go on in small ones.
                stride = U256::ONE;
                continue;
            }
        }
        low = high;
        stride = stride.checked_mul(U256::from(4)).ok_or(PoolError::Insufficient)?;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ruint::aliases::U256;

    use super::least;
    use crate::error::PoolError;

    proptest! {
        #[test]
        fn the_least_input_is_found_from_any_guess_and_between_any_limits(
            guess in 0_u64..5_000, wanted in 1_u64..900, refused_below in 0_u64..300, refused_from in 400_u64..4_000,
        ) {
            let out = |x: U256| {
                let x = u64::try_from(x).map_err(|_| PoolError::Overflow)?;
                if x < refused_below {
                    return Err(PoolError::Small);
                }
                if x >= refused_from {
                    return Err(PoolError::Unsafe);
                }
                Ok(U256::from(x / 3))
            };
            let expected = (0..refused_from)
                .find(|x| out(U256::from(*x)).is_ok_and(|found| found >= U256::from(wanted)));
            let found = least(U256::from(guess), U256::from(wanted), out);
            if guess < refused_from {
                prop_assert_eq!(found.ok(), expected.map(U256::from));
            } else {
                // From beyond the limit nothing is accepted any more.
                prop_assert_eq!(found, Err(PoolError::Insufficient));
            }
        }
    }
}
