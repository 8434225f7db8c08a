//! An input that no hop of a path refuses: not too little for the least that one trades, not more than another takes.

use ruint::aliases::U256;
use tidemill_pools::PoolError;

use super::refine::{Path, Trial};

/// After so many inputs the search ends: each halves or doubles what is known.
const ASKED_MAX: u32 = 512;

/// An accepted input, and the nearest ones known to be refused.
pub(super) struct Window {
    /// Too little, or zero.
    pub(super) low: U256,
    pub(super) input: U256,
    pub(super) trial: Trial,
    /// Too much; absent where none is known.
    pub(super) high: Option<U256>,
}

/// Returns an accepted input, `guess` where it is one; `None` where there is none.
pub(super) fn window(path: &Path<'_, '_>, guess: U256) -> Option<Window> {
    let (mut low, mut high) = (U256::ZERO, None);
    let mut input = guess.max(U256::ONE);
    for _ in 0..ASKED_MAX {
        match path.try_input(input) {
            Ok(trial) => return Some(Window { low, input, trial, high }),
            Err(PoolError::Small | PoolError::Empty) => low = input,
            Err(_) => high = Some(input),
        }
        input = match high {
            None => low.checked_mul(U256::from(2))?,
            Some(high) => low + ((high - low) >> 1_u32),
        };
        if input <= low {
            return None;
        }
    }
    None
}
