//! Which coins of a Curve pool a call names: two different ones that it has.

use ruint::aliases::U256;

use crate::error::PoolError;

/// Checks that `i` and `j` are two of `coins`; `Coins` where they are not.
pub(crate) fn check_pair(i: usize, j: usize, coins: usize) -> Result<(), PoolError> {
    if i == j || i >= coins || j >= coins {
        return Err(PoolError::Coins { i, j, coins });
    }
    Ok(())
}

/// Returns the value of a coin; `Coins` where there is none.
pub(crate) fn at(of: &[U256], index: usize) -> Result<U256, PoolError> {
    of.get(index).copied().ok_or(PoolError::Coins { i: index, j: index, coins: of.len() })
}

/// Checks that `dy` can be bought of what a pool holds; `Empty` for nothing, `Insufficient` for all or more.
pub(crate) fn check_wanted(dy: U256, held: U256) -> Result<(), PoolError> {
    if dy.is_zero() {
        return Err(PoolError::Empty);
    }
    if dy >= held {
        return Err(PoolError::Insufficient);
    }
    Ok(())
}
