//! Between exact integers and the floats that only say where to look.

use ruint::aliases::U256;

const LIMB: f64 = 18_446_744_073_709_551_616.0;

/// Returns the nearest float, or one next to it.
#[inline]
// A place to look needs no more than a float holds.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn to_f64(value: U256) -> f64 {
    let [l0, l1, l2, l3] = value.into_limbs();
    let low = l1 as f64 * LIMB + l0 as f64;
    if l2 | l3 == 0 {
        return low;
    }
    (l3 as f64 * LIMB + l2 as f64) * (LIMB * LIMB) + low
}

/// Returns the nearest float, or one next to it; by halves, which is faster than the compiler's own conversion.
#[inline]
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
pub(crate) fn of_u128(value: u128) -> f64 {
    (value >> 64) as u64 as f64 * LIMB + value as u64 as f64
}

/// Returns the nearest float of a reserve of 112 bits, or one next to it: signed halves are converted in one step each.
#[inline]
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
pub(crate) fn of_u112(value: u128) -> f64 {
    const LOW: u32 = 56;
    (value >> LOW) as i64 as f64 * (1_u64 << LOW) as f64 + (value as i64 & ((1 << LOW) - 1)) as f64
}

/// Returns the integer next below; zero for what is below one or no number, the largest for what does not fit.
#[inline]
// Every cast is of a whole number that fits, or saturates as is wanted.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn to_u256(value: f64) -> U256 {
    if value < LIMB || value.is_nan() {
        return U256::from_limbs([value as u64, 0, 0, 0]);
    }
    if value < LIMB * LIMB {
        let high = (value / LIMB) as u64;
        return U256::from_limbs([(value - high as f64 * LIMB) as u64, high, 0, 0]);
    }
    // From here on the mantissa is a whole number, shifted.
    let exponent = usize::try_from((value.to_bits() >> 52) & 0x7ff).unwrap_or(0).saturating_sub(1075);
    if !value.is_finite() || exponent > 256 - 53 {
        return U256::MAX;
    }
    U256::from((value.to_bits() & ((1 << 52) - 1)) | 1 << 52) << exponent
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ruint::aliases::U256;

    use super::{to_f64, to_u256};

    proptest! {
        #[test]
        fn a_float_is_within_a_rounding_of_its_integer(limbs: [u64; 4], cut in 32_usize..256) {
            let value = U256::from_limbs(limbs) >> cut;
            let back: U256 = to_u256(to_f64(value));
            prop_assert!(back.abs_diff(value) <= value >> 51_usize);
        }
    }

    #[test]
    fn what_is_no_amount_is_zero() {
        assert_eq!(to_u256(-1.0), U256::ZERO);
        assert_eq!(to_u256(f64::NAN), U256::ZERO);
    }
}
