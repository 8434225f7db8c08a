//! What an amount buys from a Solidly pool: x·y for volatile pairs, x³y + xy³ for stable ones, in the contract's own steps.
//!
//! Source: Solidly `BaseV1Pair`, Velodrome V2 and Aerodrome `Pool`: `_getAmountOut`, `_k`, `_f`, `_d`, `_get_y`.

use ruint::aliases::U256;

use crate::checked::{add, div, mul, mul_div, small, sub};
use crate::error::PoolError;

use super::{Reading, Rules};

const ONE_18: U256 = small(1_000_000_000_000_000_000);

/// How often the contract lets its iteration run.
const MOST_ITERATIONS: usize = 255;

/// Which way a swap goes: reserves raw, units as 10^decimals.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side {
    pub(super) reserve_in: U256,
    pub(super) reserve_out: U256,
    pub(super) unit_in: U256,
    pub(super) unit_out: U256,
}

/// Returns in·Rout / (Rin + in), rounded down.
pub(super) fn volatile_out(side: &Side, net_in: U256) -> Result<U256, PoolError> {
    mul_div(net_in, side.reserve_out, add(side.reserve_in, net_in)?)
}

/// Returns the least that `volatile_out` gives `amount_out` for.
pub(super) fn volatile_in(side: &Side, amount_out: U256) -> Result<U256, PoolError> {
    let left = sub(side.reserve_out, amount_out)?;
    if left.is_zero() {
        return Err(PoolError::Insufficient);
    }
    Ok(mul(amount_out, side.reserve_in)?.div_ceil(left))
}

/// The invariant of a stable pair.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stable<'a> {
    pub(super) rules: Rules,
    pub(super) reading: &'a Reading,
    /// Whether an overflow of the contract's last comparison counts as what it would have found without it.
    pub(super) is_lenient: bool,
}

impl Stable<'_> {
    /// Returns the invariant of raw reserves, token 0 first.
    pub(super) fn k(&self, reserve0: U256, reserve1: U256) -> Result<U256, PoolError> {
        let x = mul_div(reserve0, ONE_18, self.reading.unit0())?;
        let y = mul_div(reserve1, ONE_18, self.reading.unit1())?;
        invariant(x, y)
    }

    /// Returns what `net_in`, the fee taken off, buys.
    pub(super) fn amount_out(&self, side: &Side, k: U256, net_in: U256) -> Result<U256, PoolError> {
        let x = mul_div(side.reserve_in, ONE_18, side.unit_in)?;
        let y = mul_div(side.reserve_out, ONE_18, side.unit_out)?;
        let net_in = mul_div(net_in, ONE_18, side.unit_in)?;
        let bought = sub(y, self.solve(add(net_in, x)?, k, y)?)?;
        mul_div(bought, side.unit_out, ONE_18)
    }

    /// Guesses what `amount_out` costs before the fee; the exact answer lies near it.
    pub(super) fn guess_in(&self, side: &Side, k: U256, amount_out: U256) -> Result<U256, PoolError> {
        let x = mul_div(side.reserve_in, ONE_18, side.unit_in)?;
        let y = mul_div(sub(side.reserve_out, amount_out)?, ONE_18, side.unit_out)?;
        let cost = self.solve(y, k, x)?.saturating_sub(x);
        mul_div(cost, side.unit_in, ONE_18)
    }

    /// Returns the y that keeps the invariant `k` beside `x`, found from `start` on.
    fn solve(&self, x: U256, k: U256, start: U256) -> Result<U256, PoolError> {
        match self.rules {
            Rules::Solidly => solve_to_one(x, k, start),
            Rules::Velodrome => self.solve_to_zero(x, k, start),
        }
    }

    /// Iterates until nothing is left to move: Velodrome V2 and Aerodrome.
    fn solve_to_zero(&self, x: U256, k: U256, start: U256) -> Result<U256, PoolError> {
        let mut y = start;
        for _ in 0..MOST_ITERATIONS {
            let found = invariant(x, y)?;
            if found < k {
                let mut step = mul_div(sub(k, found)?, ONE_18, slope(x, y)?)?;
                if step.is_zero() {
                    let next = add(y, U256::ONE)?;
                    // The contract scales what is scaled already, by the tokens' decimals: upwards, so that it is
                    // above `k` where it overflows, which the contract does not survive.
                    let is_above = match self.k(x, next) {
                        Ok(scaled) => scaled > k,
                        Err(PoolError::Overflow) if self.is_lenient => true,
                        Err(error) => return Err(error),
                    };
                    if is_above {
                        return Ok(next);
                    }
                    step = U256::ONE;
                }
                y = add(y, step)?;
            } else {
                let mut step = mul_div(sub(found, k)?, ONE_18, slope(x, y)?)?;
                if step.is_zero() {
                    if found == k || invariant(x, sub(y, U256::ONE)?)? < k {
                        return Ok(y);
                    }
                    step = U256::ONE;
                }
                y = sub(y, step)?;
            }
        }
        Err(PoolError::Unconverged)
    }
}

/// Iterates until a step is at most one, and takes what there is after 255 of them: Solidly and Velodrome V1.
fn solve_to_one(x: U256, k: U256, start: U256) -> Result<U256, PoolError> {
    let mut y = start;
    for _ in 0..MOST_ITERATIONS {
        let found = invariant_by_parts(x, y)?;
        let difference = found.abs_diff(k);
        let step = mul_div(difference, ONE_18, slope(x, y)?)?;
        y = if found < k { add(y, step)? } else { sub(y, step)? };
        if step <= U256::ONE {
            return Ok(y);
        }
    }
    Ok(y)
}

/// Returns x³y + xy³ as xy·(x² + y²), each quotient rounded down.
fn invariant(x: U256, y: U256) -> Result<U256, PoolError> {
    let product = mul_div(x, y, ONE_18)?;
    let squares = add(mul_div(x, x, ONE_18)?, mul_div(y, y, ONE_18)?)?;
    mul_div(product, squares, ONE_18)
}

/// Returns x³y + xy³ as the sum of its two terms, each quotient rounded down.
fn invariant_by_parts(x: U256, y: U256) -> Result<U256, PoolError> {
    let y_cubed = mul_div(mul_div(y, y, ONE_18)?, y, ONE_18)?;
    let x_cubed = mul_div(mul_div(x, x, ONE_18)?, x, ONE_18)?;
    add(mul_div(x, y_cubed, ONE_18)?, mul_div(x_cubed, y, ONE_18)?)
}

/// Returns 3xy² + x³, by which the invariant grows with y.
fn slope(x: U256, y: U256) -> Result<U256, PoolError> {
    let squared = mul_div(mul(small(3), x)?, mul_div(y, y, ONE_18)?, ONE_18)?;
    add(squared, div(mul(mul_div(x, x, ONE_18)?, x)?, ONE_18)?)
}
