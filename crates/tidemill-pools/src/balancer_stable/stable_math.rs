//! The invariant of stable pools and the balance that keeps it, in the roundings that were deployed.
//!
//! All balances have 18 decimals; the amplification is A·n^(n-1) times `AMP_PRECISION`, as the contracts keep it.
//! Source: balancer-v2-monorepo and balancer-v3-monorepo, `StableMath`.

use ruint::aliases::U256;

use crate::balancer_fixed_point::{add, quotient_down, quotient_up, sub, times};
use crate::error::PoolError;

/// What the contracts multiply the amplification by.
pub const AMP_PRECISION: U256 = U256::from_limbs([1_000, 0, 0, 0]);

/// How often the contracts' iterations run before they give up.
const MAX_ROUNDS: usize = 255;

/// Which code a stable pool runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StableVersion {
    /// The V2 pools of 2021, stable and meta-stable: the invariant's divisions round up.
    RoundUp,
    /// Later V2 pools, composable ones too: the invariant as Curve computes it, rounding down.
    Truncate,
    /// V3: as the later V2, but the solver multiplies by the precision before it divides.
    V3,
}

/// Returns the invariant of `balances`; zero where all are.
///
/// # Errors
/// `Unconverged` where it does not settle, `Empty` where one balance is zero, `Overflow` where the contract's checked
/// arithmetic reverts.
pub fn invariant(amp: U256, balances: &[U256], version: StableVersion) -> Result<U256, PoolError> {
    let sum = balances.iter().try_fold(U256::ZERO, |sum, balance| add(sum, *balance))?;
    if sum.is_zero() {
        return Ok(U256::ZERO);
    }
    let tokens = U256::from(balances.len());
    let terms = Terms { balances, sum, tokens, amp_times_total: times(amp, tokens)? };
    let mut invariant = sum;
    for _ in 0..MAX_ROUNDS {
        let next = match version {
            StableVersion::RoundUp => terms.next_rounded_up(invariant),
            StableVersion::Truncate | StableVersion::V3 => terms.next_truncated(invariant),
        }?;
        if next.abs_diff(invariant) <= U256::ONE {
            return Ok(next);
        }
        invariant = next;
    }
    Err(PoolError::Unconverged)
}

/// What stays the same from round to round.
struct Terms<'a> {
    balances: &'a [U256],
    sum: U256,
    tokens: U256,
    amp_times_total: U256,
}

impl Terms<'_> {
    #[inline]
    fn next_rounded_up(&self, invariant: U256) -> Result<U256, PoolError> {
        let (first, others) = self.balances.split_first().ok_or(PoolError::Empty)?;
        let mut p_d = times(*first, self.tokens)?;
        for balance in others {
            p_d = quotient_up(times(times(p_d, *balance)?, self.tokens)?, invariant)?;
        }
        let weighted_sum = quotient_up(times(times(self.amp_times_total, self.sum)?, p_d)?, AMP_PRECISION)?;
        let numerator = add(times(times(self.tokens, invariant)?, invariant)?, weighted_sum)?;
        let rest = quotient_down(times(sub(self.amp_times_total, AMP_PRECISION)?, p_d)?, AMP_PRECISION)?;
        let denominator = add(times(self.tokens + U256::ONE, invariant)?, rest)?;
        quotient_up(numerator, denominator)
    }

    #[inline]
    fn next_truncated(&self, invariant: U256) -> Result<U256, PoolError> {
        let d_p = d_p(self.balances, invariant)?;
        let weighted_sum = quotient_down(times(self.amp_times_total, self.sum)?, AMP_PRECISION)?;
        let numerator = times(add(weighted_sum, times(d_p, self.tokens)?)?, invariant)?;
        let rest = times(sub(self.amp_times_total, AMP_PRECISION)?, invariant)?;
        let denominator = add(quotient_down(rest, AMP_PRECISION)?, times(self.tokens + U256::ONE, d_p)?)?;
        quotient_down(numerator, denominator)
    }
}

/// Returns D^(n+1) / (n^n · product of the balances), each division rounding down.
pub(super) fn d_p(balances: &[U256], invariant: U256) -> Result<U256, PoolError> {
    let tokens = U256::from(balances.len());
    balances
        .iter()
        .try_fold(invariant, |d_p, balance| quotient_down(times(d_p, invariant)?, times(*balance, tokens)?))
}

/// Returns the balance of `token` that keeps the invariant beside the others, rounded up.
///
/// # Errors
/// As `invariant`; `Tokens` where there is no such token.
pub fn balance_given_invariant(
    amp: U256,
    balances: &[U256],
    invariant: U256,
    token: usize,
    version: StableVersion,
) -> Result<U256, PoolError> {
    let tokens = U256::from(balances.len());
    let amp_times_total = times(amp, tokens)?;
    let (first, others) = balances.split_first().ok_or(PoolError::Empty)?;
    let own = *balances.get(token).ok_or(PoolError::Tokens)?;
    let (mut sum, mut p_d) = (*first, times(*first, tokens)?);
    for balance in others {
        p_d = quotient_down(times(times(p_d, *balance)?, tokens)?, invariant)?;
        sum = add(sum, *balance)?;
    }
    sum = sub(sum, own)?;
    let square = times(invariant, invariant)?;
    let weight = times(amp_times_total, p_d)?;
    let (c, b) = if version == StableVersion::V3 {
        let c = quotient_up(times(square, AMP_PRECISION)?, weight)?;
        (c, quotient_down(times(invariant, AMP_PRECISION)?, amp_times_total)?)
    } else {
        let c = times(quotient_up(square, weight)?, AMP_PRECISION)?;
        (c, times(quotient_down(invariant, amp_times_total)?, AMP_PRECISION)?)
    };
    solve(times(c, own)?, add(sum, b)?, invariant, square)
}

/// Solves y² + y·(b - D) = c, rounding up each time.
fn solve(c: U256, b: U256, invariant: U256, square: U256) -> Result<U256, PoolError> {
    let mut balance = quotient_up(add(square, c)?, add(invariant, b)?)?;
    for _ in 0..MAX_ROUNDS {
        let denominator = sub(add(add(balance, balance)?, b)?, invariant)?;
        let next = quotient_up(add(times(balance, balance)?, c)?, denominator)?;
        if next.abs_diff(balance) <= U256::ONE {
            return Ok(next);
        }
        balance = next;
    }
    Err(PoolError::Unconverged)
}
