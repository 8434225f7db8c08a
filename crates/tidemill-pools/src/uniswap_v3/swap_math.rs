//! What one step of a swap, within one range of liquidity, takes in, pays out and keeps as fee.
//!
//! Source: Uniswap/v3-core, `SwapMath`.

use ruint::aliases::U256;

use crate::error::PoolError;
use crate::full_math::{mul_div, mul_div_rounding_up, to_u128, Rounding};
use crate::kind::Amount;
use crate::limbs::Divisor;

use super::sqrt_price_math::{amount0_delta, amount1_delta, next_price_from_input, next_price_from_output, Side};

/// A fee of one, in millionths.
pub const FEE_ONE_PPM: u32 = 1_000_000;

const MILLION: Divisor = Divisor::new(FEE_ONE_PPM as u64);

/// A fee in millionths, prepared for repeated use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeePpm {
    fee: u32,
    kept: Divisor,
}

impl FeePpm {
    /// No fee: what a pool is given whose fee is kept elsewhere.
    pub(crate) const NONE: Self = Self { fee: 0, kept: MILLION };

    /// Prepares a fee in millionths.
    ///
    /// # Errors
    /// `Fee` where the fee is not below one.
    #[inline]
    pub const fn new(fee_ppm: u32) -> Result<Self, PoolError> {
        if fee_ppm >= FEE_ONE_PPM {
            return Err(PoolError::Fee { numerator: fee_ppm, denominator: FEE_ONE_PPM });
        }
        Ok(Self { fee: fee_ppm, kept: Divisor::new((FEE_ONE_PPM - fee_ppm) as u64) })
    }

    /// Returns the fee in millionths.
    pub const fn ppm(self) -> u32 {
        self.fee
    }

    /// Returns `amount · (1 - fee)`, rounded down.
    #[inline]
    fn without(self, amount: U256) -> Result<U256, PoolError> {
        let kept = FEE_ONE_PPM - self.fee;
        if let Some(amount) = to_u128(amount) {
            let mut limbs = scale(amount, kept);
            MILLION.divide(&mut limbs);
            let [l0, l1, l2] = limbs;
            return Ok(U256::from_limbs([l0, l1, l2, 0]));
        }
        mul_div(amount, U256::from(kept), U256::from(FEE_ONE_PPM)).ok_or(PoolError::Overflow)
    }

    /// Returns `amount · fee / (1 - fee)`, rounded up: the fee on top of an amount.
    #[inline]
    fn on_top(self, amount: U256) -> Result<U256, PoolError> {
        if let Some(amount) = to_u128(amount) {
            let mut limbs = scale(amount, self.fee);
            let rest = self.kept.divide(&mut limbs);
            let [l0, l1, l2] = limbs;
            return Ok(U256::from_limbs([l0, l1, l2, 0]) + U256::from(u8::from(rest != 0)));
        }
        let kept = U256::from(FEE_ONE_PPM - self.fee);
        mul_div_rounding_up(amount, U256::from(self.fee), kept).ok_or(PoolError::Overflow)
    }
}

/// Returns the limbs of `amount · factor`.
#[inline]
// The low and high halves of 128 bits are taken apart on purpose.
#[allow(clippy::cast_possible_truncation)]
fn scale(amount: u128, factor: u32) -> [u64; 3] {
    let low = u128::from(amount as u64) * u128::from(factor);
    let high = u128::from((amount >> 64) as u64) * u128::from(factor) + (low >> 64);
    [low as u64, high as u64, (high >> 64) as u64]
}

/// Returns the nearest float, or one next to it.
#[inline]
// A guess needs no more than a float holds.
#[allow(clippy::cast_precision_loss)]
fn approximate(value: U256) -> f64 {
    const LIMB: f64 = 18_446_744_073_709_551_616.0;
    let [l0, l1, l2, l3] = value.into_limbs();
    let upper = if l3 == 0 { l2 as f64 } else { l3 as f64 * LIMB + l2 as f64 };
    (upper * LIMB + l1 as f64) * LIMB + l0 as f64
}

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Price after the step, in 2^-96.
    pub sqrt_price_x96: U256,
    /// Amount in, without the fee.
    pub amount_in: U256,
    /// Amount out.
    pub amount_out: U256,
    /// Fee, of the token paid in.
    pub fee: U256,
}

/// Where a step starts and how far it may go.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// Price before the step, in 2^-96.
    pub price: U256,
    /// Price it may not pass, in 2^-96.
    pub target: U256,
    /// Liquidity in the range.
    pub liquidity: u128,
}

impl Range {
    #[inline]
    fn is_zero_for_one(&self) -> bool {
        self.price >= self.target
    }

    /// Returns what moving the price to `next` takes in, rounded up.
    #[inline]
    fn amount_in_to(&self, next: U256) -> Result<U256, PoolError> {
        if self.is_zero_for_one() {
            amount0_delta(next, self.price, self.liquidity, Rounding::Up)
        } else {
            amount1_delta(self.price, next, self.liquidity, Rounding::Up)
        }
    }

    /// Returns what moving the price to `next` pays out, rounded down.
    #[inline]
    fn amount_out_to(&self, next: U256) -> Result<U256, PoolError> {
        if self.is_zero_for_one() {
            amount1_delta(next, self.price, self.liquidity, Rounding::Down)
        } else {
            amount0_delta(self.price, next, self.liquidity, Rounding::Down)
        }
    }

    /// Returns the last step, which takes all that remains: whatever the price did not take is fee.
    #[inline]
    fn use_up(&self, remaining: U256, next: U256) -> Result<Advance, PoolError> {
        Ok(Advance { price: next, taken_in: remaining, paid_out: self.amount_out_to(next)? })
    }

    /// Guesses whether `net` of token 0 moves the price to the target; only the order of exact work hangs on it.
    #[inline]
    fn guess_reaches_target(&self, net: U256) -> bool {
        let (price, target) = (approximate(self.price), approximate(self.target));
        let liquidity_x96 = approximate(U256::from(self.liquidity)) * 79_228_162_514_264_337_593_543_950_336.0;
        approximate(net) * price * target >= liquidity_x96 * (price - target)
    }

    #[inline]
    fn is_short_of_target(&self, next: U256) -> bool {
        if self.is_zero_for_one() { next > self.target } else { next < self.target }
    }
}

/// Returns what one step does with what remains of an amount.
///
/// # Errors
/// `Overflow` and `Insufficient` where the contract would revert.
pub fn swap_step(range: &Range, remaining: Amount, fee: FeePpm) -> Result<Step, PoolError> {
    let advance = advance(range, remaining, fee, LastStep::UpToPrice)?;
    let amount_in = range.amount_in_to(advance.price)?;
    Ok(Step {
        sqrt_price_x96: advance.price,
        amount_in,
        amount_out: advance.paid_out,
        fee: advance.taken_in.checked_sub(amount_in).ok_or(PoolError::Overflow)?,
    })
}

/// What a last step takes whose price happens to end on the target that its amount did not reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastStep {
    /// What moving the price there takes, which is not what was left: Uniswap V3 and Algebra.
    UpToPrice,
    /// All that was left: Uniswap V4.
    All,
}

/// One step, without telling the fee from the amount in, which costs a division that a quote does not need.
#[derive(Debug, Clone, Copy)]
pub(super) struct Advance {
    pub(super) price: U256,
    /// Amount in with the fee.
    pub(super) taken_in: U256,
    pub(super) paid_out: U256,
}

#[inline]
pub(super) fn advance(
    range: &Range,
    remaining: Amount,
    fee: FeePpm,
    last_step: LastStep,
) -> Result<Advance, PoolError> {
    match remaining {
        Amount::In(amount) => advance_in(range, amount, fee, last_step),
        Amount::Out(amount) => advance_out(range, amount, fee),
    }
}

#[inline]
fn advance_in(
    range: &Range,
    remaining: U256,
    fee: FeePpm,
    last_step: LastStep,
) -> Result<Advance, PoolError> {
    let net = fee.without(remaining)?;
    let side = if range.is_zero_for_one() { Side::Token0 } else { Side::Token1 };
    // A price that stays short of the target proves that `net` is below what the target takes: both round in the
    // pool's favour. So one of the two divisions is enough, and a guess says which to try first.
    if side == Side::Token0 && range.liquidity != 0 && !range.guess_reaches_target(net) {
        let next = next_price_from_input(range.price, range.liquidity, net, side)?;
        if range.is_short_of_target(next) {
            return range.use_up(remaining, next);
        }
    }
    let most = range.amount_in_to(range.target)?;
    if net < most {
        let next = next_price_from_input(range.price, range.liquidity, net, side)?;
        if next != range.target || last_step == LastStep::All {
            return range.use_up(remaining, next);
        }
    }
    let taken_in = most.checked_add(fee.on_top(most)?).ok_or(PoolError::Overflow)?;
    Ok(Advance { price: range.target, taken_in, paid_out: range.amount_out_to(range.target)? })
}

#[inline]
fn advance_out(range: &Range, remaining: U256, fee: FeePpm) -> Result<Advance, PoolError> {
    let side = if range.is_zero_for_one() { Side::Token1 } else { Side::Token0 };
    let most = range.amount_out_to(range.target)?;
    let (price, paid_out) = if remaining >= most {
        (range.target, most)
    } else {
        // The price moves at least as far as the output needs, so the output is all that remains.
        (next_price_from_output(range.price, range.liquidity, remaining, side)?, remaining)
    };
    let amount_in = range.amount_in_to(price)?;
    let taken_in = amount_in.checked_add(fee.on_top(amount_in)?).ok_or(PoolError::Overflow)?;
    Ok(Advance { price, taken_in, paid_out })
}
