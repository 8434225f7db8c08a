//! Signed decimals of 18 digits, and of 38 where the ellipse needs them; "down" and "up" are those of the size where
//! both numbers have 18, and of the number where one of them has 38.
//!
//! Source: balancer-v3-monorepo, `SignedFixedPoint`, `GyroPoolMath`.

use ruint::aliases::U256;

use crate::balancer_fixed_point::{
    add, by_one, mul_down, mul_up, quotient_down, quotient_up, sub, times, ONE,
};
use crate::checked::{small, ten_to};
use crate::error::PoolError;
use crate::signed::Signed;

/// The number one, with 38 decimals.
pub(super) const ONE_38: Signed = Signed { is_negative: false, size: ten_to(38) };
/// Half of the digits that 38 decimals have more than none.
const HALF_OF_38: U256 = ten_to(19);
/// The root of a tenth, with 18 decimals.
const ROOT_OF_TENTH: U256 = small(316_227_766_016_837_933);
/// Error that a root may have, in units of its last digit.
const ROOT_TOLERANCE: U256 = small(5);

type Answer = Result<Signed, PoolError>;

/// Returns a plain integer.
pub(super) const fn whole(value: u64) -> Signed {
    Signed { is_negative: false, size: small(value) }
}

/// A point, or two bounds of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) x: Signed,
    pub(super) y: Signed,
}

impl Signed {
    pub(super) fn is_positive(self) -> bool {
        !self.is_negative && !self.size.is_zero()
    }

    /// Returns a·b, 18 decimals each.
    pub(super) fn mul_down(self, other: Self) -> Answer {
        let product = self.times(other)?;
        Self::new(product.is_negative, by_one(product.size))
    }

    /// Returns a·b, 18 decimals each, away from zero.
    pub(super) fn mul_up(self, other: Self) -> Answer {
        let product = self.times(other)?;
        Self::new(product.is_negative, quotient_up(product.size, ONE)?)
    }

    /// Returns a/b, where b has 18 decimals.
    pub(super) fn div_down(self, other: Self) -> Answer {
        self.times(Self::of(ONE)?)?.over(other)
    }

    /// Returns a/b, where b has 18 decimals, away from zero.
    pub(super) fn div_up(self, other: Self) -> Answer {
        let inflated = self.times(Self::of(ONE)?)?;
        Self::new(inflated.is_negative != other.is_negative, quotient_up(inflated.size, other.size)?)
    }

    /// Returns a·b, where b has 38 decimals.
    pub(super) fn mul_38(self, other: Self) -> Answer {
        self.times(other)?.over(ONE_38)
    }

    /// Returns a/b, where b has 38 decimals.
    pub(super) fn div_38(self, other: Self) -> Answer {
        self.times(ONE_38)?.over(other)
    }

    /// Returns a·b, where b has 38 decimals, not above the true product.
    pub(super) fn floor_38(self, other: Self) -> Answer {
        let [upper, lower] = self.halves(other)?;
        let sum = upper.plus(lower.over(Self::of(HALF_OF_38)?)?)?;
        if upper.is_negative || lower.is_negative {
            sum.plus(whole(1))?.over(Self::of(HALF_OF_38)?)?.minus(whole(1))
        } else {
            sum.over(Self::of(HALF_OF_38)?)
        }
    }

    /// Returns a·b, where b has 38 decimals, not below the true product.
    pub(super) fn ceil_38(self, other: Self) -> Answer {
        let [upper, lower] = self.halves(other)?;
        let sum = upper.plus(lower.over(Self::of(HALF_OF_38)?)?)?;
        if upper.is_positive() || lower.is_positive() {
            sum.minus(whole(1))?.over(Self::of(HALF_OF_38)?)?.plus(whole(1))
        } else {
            sum.over(Self::of(HALF_OF_38)?)
        }
    }

    /// Returns a times the upper and a times the lower 19 digits of b.
    fn halves(self, other: Self) -> Result<[Self; 2], PoolError> {
        let (upper, lower) = other.size.div_rem(HALF_OF_38);
        let of = |part| self.times(Self::new(other.is_negative, part)?);
        Ok([of(upper)?, of(lower)?])
    }

    /// Returns the root of a number with 18 decimals, and zero of one below zero.
    pub(super) fn root(self) -> Answer {
        if self.is_negative {
            Self::of(U256::ZERO)
        } else {
            Self::of(root(self.size)?)
        }
    }
}

/// Returns the root of a number with 18 decimals as seven steps of Newton's method find it.
fn root(value: U256) -> Result<U256, PoolError> {
    if value.is_zero() {
        return Ok(U256::ZERO);
    }
    let mut root = first_guess(value);
    for _ in 0..7 {
        root = add(root, quotient_down(times(value, ONE)?, root)?)? >> 1_usize;
    }
    let (square, slack) = (mul_down(root, root)?, mul_up(root, ROOT_TOLERANCE)?);
    if square > add(value, slack)? || square < sub(value, slack)? {
        return Err(PoolError::Unconverged);
    }
    Ok(root)
}

/// Returns a power of two, or of the root of ten below one, near the root.
fn first_guess(value: U256) -> U256 {
    if value >= ONE {
        let bits = (value / ONE).bit_len() - 1;
        return ONE << (bits / 2);
    }
    // The contract has the root of 10^-17, 10^-16 and so on, each cut to 18 decimals.
    let Some(power) = (1..=17).find(|power| value <= ten_to(*power)) else { return value };
    let halves = (18 - power) / 2;
    if power % 2 == 0 {
        ten_to(18 - halves)
    } else {
        ROOT_OF_TENTH / ten_to(halves)
    }
}
