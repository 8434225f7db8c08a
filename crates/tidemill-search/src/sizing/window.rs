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

/// Returns the accepted input nearest `guess`; `None` where there is none.
pub(super) fn nearest(path: &Path<'_, '_>, guess: U256) -> Option<Window> {
    let mut found = window(path, guess)?;
    for _ in 0..ASKED_MAX {
        let refused = match found.high {
            _ if found.low >= guess => found.low,
            Some(high) if high <= guess => high,
            _ => return Some(found),
        };
        let middle = refused.min(found.input) + (refused.abs_diff(found.input) >> 1_u32);
        if middle == refused || middle == found.input {
            return Some(found);
        }
        match path.try_input(middle) {
            Ok(trial) => (found.input, found.trial) = (middle, trial),
            Err(_) if refused == found.low => found.low = middle,
            Err(_) => found.high = Some(middle),
        }
    }
    Some(found)
}
