//! The least input that buys what is wanted, of a pool that can only be asked.

use ruint::aliases::U256;
use tidemill_pools::PoolError;

/// Returns the least `x` for which `out(x)` reaches `wanted`, searched from `guess`; `out` must not fall with `x`.
///
/// A refusal counts as too little below what already reached, and ends the search above it.
///
/// # Errors
/// `Insufficient` where nothing that `out` accepts reaches `wanted`.
pub(crate) fn least(
    guess: U256,
    wanted: U256,
    out: impl Fn(U256) -> Result<U256, PoolError>,
) -> Result<U256, PoolError> {
    let reaches = |x: U256| out(x).is_ok_and(|found| found >= wanted);
    let (mut low, mut high) = (U256::ZERO, guess.max(U256::ONE));
    let mut stride = U256::ONE;
    if reaches(high) {
        while high > U256::ONE {
            let next = high.saturating_sub(stride).max(U256::ONE);
            if !reaches(next) {
                low = next;
                break;
            }
            high = next;
            stride <<= 1_u32;
        }
    } else {
        loop {
            low = high;
            high = high.checked_add(stride).ok_or(PoolError::Insufficient)?;
            match out(high) {
                Ok(found) if found >= wanted => break,
                // Too little to be swapped at all is too little.
                Ok(_) | Err(PoolError::Empty | PoolError::Small) => stride <<= 1_u32,
                Err(_) if stride > U256::ONE => {
                    // The limit lies within this stride: go on in small ones.
                    high = low;
                    stride = U256::ONE;
                    if out(high + stride).is_err() {
                        return Err(PoolError::Insufficient);
                    }
                }
                Err(_) => return Err(PoolError::Insufficient),
            }
        }
    }
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
