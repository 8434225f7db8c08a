//! Products and quotients of 256-bit numbers with a 512-bit product between them.
//!
//! Source: Uniswap/v3-core, `FullMath`.

use ruint::aliases::U256;

use crate::limbs::{divide, WIDE};

/// Which way a quotient is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// Towards zero.
    Down,
    /// Away from zero.
    Up,
}

/// Multiplies two numbers into limbs wide enough to be divided.
#[inline]
pub(crate) fn multiply<const A: usize, const B: usize>(a: [u64; A], b: [u64; B]) -> [u64; WIDE] {
    let mut product = [0; WIDE];
    for (at, a_limb) in a.into_iter().enumerate() {
        let mut carry = 0_u128;
        for (limb, b_limb) in product.iter_mut().skip(at).zip(b) {
            carry += u128::from(a_limb) * u128::from(b_limb) + u128::from(*limb);
            *limb = low(carry);
            carry >>= 64;
        }
        if let Some(limb) = product.get_mut(at + B) {
            *limb = low(carry);
        }
    }
    product
}

/// Returns the lowest 64 bits.
#[inline]
// The cut is what the name says.
#[allow(clippy::cast_possible_truncation)]
pub(crate) const fn low(wide: u128) -> u64 {
    wide as u64
}

/// Returns the limbs as a number, or `None` where they do not fit 256 bits.
#[inline]
pub(crate) fn narrow(limbs: &[u64; WIDE]) -> Option<U256> {
    let (kept, rest) = limbs.split_first_chunk::<4>()?;
    rest.iter().all(|limb| *limb == 0).then(|| U256::from_limbs(*kept))
}

/// Returns the number if it fits 128 bits.
#[inline]
pub(crate) fn to_u128(value: U256) -> Option<u128> {
    let [l0, l1, l2, l3] = value.into_limbs();
    (l2 | l3 == 0).then_some(u128::from(l1) << 64 | u128::from(l0))
}

/// Divides a wide product by `d` and rounds; `None` where `d` is zero or the quotient does not fit 256 bits.
#[inline]
pub(crate) fn divide_rounding<const D: usize>(
    mut product: [u64; WIDE],
    d: [u64; D],
    rounding: Rounding,
) -> Option<U256> {
    if d == [0; D] {
        return None;
    }
    let has_rest = divide(&mut product, d);
    let quotient = narrow(&product)?;
    if has_rest && rounding == Rounding::Up {
        return quotient.checked_add(U256::ONE);
    }
    Some(quotient)
}

/// Returns `a · b / d`, rounded; `None` where `d` is zero or the quotient does not fit 256 bits.
#[inline]
pub fn mul_div_rounding(a: U256, b: U256, d: U256, rounding: Rounding) -> Option<U256> {
    divide_rounding(multiply(a.into_limbs(), b.into_limbs()), d.into_limbs(), rounding)
}

/// Returns `a · b / d`, rounded down; `None` where `d` is zero or the quotient does not fit 256 bits.
#[inline]
pub fn mul_div(a: U256, b: U256, d: U256) -> Option<U256> {
    mul_div_rounding(a, b, d, Rounding::Down)
}

/// Returns `a · b / d`, rounded up; `None` where `d` is zero or the quotient does not fit 256 bits.
#[inline]
pub fn mul_div_rounding_up(a: U256, b: U256, d: U256) -> Option<U256> {
    mul_div_rounding(a, b, d, Rounding::Up)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ruint::aliases::{U256, U512};
    use ruint::UintTryFrom as _;

    use super::{mul_div, mul_div_rounding_up};

    proptest! {
        #[test]
        fn mul_div_equals_the_quotient_of_512_bits(a: [u64; 4], b: [u64; 4], d: [u64; 4], cut in 0_usize..200) {
            let (a, b, d) = (U256::from_limbs(a), U256::from_limbs(b) >> cut, U256::from_limbs(d) >> cut);
            prop_assume!(!d.is_zero());
            let product = U512::from(a) * U512::from(b);
            let (quotient, rest) = product.div_rem(U512::from(d));
            let expected = U256::uint_try_from(quotient).ok();
            prop_assert_eq!(mul_div(a, b, d), expected);
            let one = U512::from(u8::from(!rest.is_zero()));
            prop_assert_eq!(mul_div_rounding_up(a, b, d), U256::uint_try_from(quotient + one).ok());
        }
    }

    #[test]
    fn division_by_zero_is_refused() {
        assert_eq!(mul_div(U256::ONE, U256::ONE, U256::ZERO), None);
    }
}
