//! Which square root of a price a tick stands for, and which tick a square root of a price belongs to.
//!
//! Source: Uniswap/v3-core, `TickMath`: the constants and the definition "greatest tick with ratio <= price".

use ruint::aliases::U256;

use crate::full_math::to_u128;
use crate::limbs::{divide_256_by_128, multiply_128};

/// Lowest tick.
pub const MIN_TICK: i32 = -887_272;
/// Highest tick.
pub const MAX_TICK: i32 = 887_272;
/// Square root of the price at the lowest tick, in 2^-96.
pub const MIN_SQRT_RATIO: U256 = U256::from_limbs([4_295_128_739, 0, 0, 0]);
/// Square root of the price at the highest tick, in 2^-96; prices stay below it.
pub const MAX_SQRT_RATIO: U256 = U256::from_limbs([0x5d95_1d52_6398_8d26, 0xefd1_fc6a_5064_8849, 0xfffd_8963, 0]);

/// Factor of 2^128 for each bit of the tick's magnitude: 1.0001^(-2^k / 2).
const FACTORS: [u128; 20] = [
    0xfffc_b933_bd6f_ad37_aa2d_162d_1a59_4001,
    0xfff9_7272_373d_4132_59a4_6990_580e_213a,
    0xfff2_e50f_5f65_6932_ef12_357c_f3c7_fdcc,
    0xffe5_caca_7e10_e4e6_1c36_24ea_a094_1cd0,
    0xffcb_9843_d60f_6159_c9db_5883_5c92_6644,
    0xff97_3b41_fa98_c081_472e_6896_dfb2_54c0,
    0xff2e_a164_66c9_6a38_43ec_78b3_26b5_2861,
    0xfe5d_ee04_6a99_a2a8_11c4_61f1_969c_3053,
    0xfcbe_86c7_900a_88ae_dcff_c83b_479a_a3a4,
    0xf987_a725_3ac4_1317_6f2b_074c_f781_5e54,
    0xf339_2b08_22b7_0005_940c_7a39_8e4b_70f3,
    0xe715_9475_a2c2_9b74_43b2_9c7f_a6e8_89d9,
    0xd097_f3bd_fd20_22b8_845a_d8f7_92aa_5825,
    0xa9f7_4646_2d87_0fdf_8a65_dc1f_90e0_61e5,
    0x70d8_69a1_56d2_a1b8_90bb_3df6_2baf_32f7,
    0x31be_135f_97d0_8fd9_8123_1505_542f_cfa6,
    0x09aa_508b_5b7a_84e1_c677_de54_f3e9_9bc9,
    0x005d_6af8_dedb_8119_6699_c329_225e_e604,
    0x0000_2216_e584_f5fa_1ea9_2604_1bed_fe98,
    0x0000_0000_048a_1703_91f7_dc42_444e_8fa2,
];

/// Returns the square root of the price at `tick`, in 2^-96; `None` where the tick is out of range.
#[inline]
pub fn sqrt_ratio_at_tick(tick: i32) -> Option<U256> {
    if !(MIN_TICK..=MAX_TICK).contains(&tick) {
        return None;
    }
    let mut bits = tick.unsigned_abs();
    let Some(first) = FACTORS.get(bits.trailing_zeros() as usize) else {
        return Some(U256::ONE << 96);
    };
    let mut ratio = *first;
    bits &= bits.wrapping_sub(1);
    while let Some(factor) = FACTORS.get(bits.trailing_zeros() as usize) {
        ratio = multiply_128(ratio, *factor).0;
        bits &= bits.wrapping_sub(1);
    }
    if tick < 0 {
        let rest = u128::from(ratio & 0xffff_ffff != 0);
        return Some(U256::from((ratio >> 32) + rest));
    }
    Some(reciprocal_ratio(ratio))
}

/// Returns `(2^256 - 1) / ratio / 2^32`, the first division rounded down and the second up.
#[inline]
fn reciprocal_ratio(ratio: u128) -> U256 {
    let (upper, rest) = (u128::MAX / ratio, u128::MAX % ratio);
    let (lower, _) = divide_256_by_128(rest, u128::MAX, ratio);
    let whole = U256::from(upper) << 128_u32 | U256::from(lower);
    let rest = U256::from(u8::from(lower & 0xffff_ffff != 0));
    (whole >> 32_u32) + rest
}

/// Returns the greatest tick whose ratio is at most `sqrt_price_x96`; `None` where the price is out of range.
#[inline]
pub fn tick_at_sqrt_ratio(sqrt_price_x96: U256) -> Option<i32> {
    if sqrt_price_x96 < MIN_SQRT_RATIO || sqrt_price_x96 >= MAX_SQRT_RATIO {
        return None;
    }
    // Base-2 logarithm to base-sqrt(1.0001), in 2^-128; both bounds of its error are the contract's.
    let (whole, part) = scale_log(log2_x64(sqrt_price_x96));
    let tick_low = whole - i128::from(part < 3_402_992_956_809_132_418_596_140_100_660_247_210);
    let has_carry = part.checked_add(291_339_464_771_989_622_907_027_621_153_398_088_495).is_none();
    let tick_low = i32::try_from(tick_low).ok()?;
    let tick_high = i32::try_from(whole + i128::from(has_carry)).ok()?;
    if tick_low == tick_high {
        return Some(tick_low);
    }
    let is_high = sqrt_ratio_at_tick(tick_high)? <= sqrt_price_x96;
    Some(if is_high { tick_high } else { tick_low })
}

/// Returns the base-2 logarithm of `sqrt_price_x96 / 2^96`, in 2^-64, to 14 binary places.
#[inline]
fn log2_x64(sqrt_price_x96: U256) -> i128 {
    let top_bit = sqrt_price_x96.bit_len().saturating_sub(1);
    let aligned = if top_bit >= 127 { sqrt_price_x96 >> (top_bit - 127) } else { sqrt_price_x96 << (127 - top_bit) };
    let mut r = to_u128(aligned).unwrap_or(u128::MAX);
    let mut log = i128::try_from(top_bit).map_or(0, |bit| (bit - 96) << 64);
    for place in (50..64).rev() {
        let (upper, lower) = multiply_128(r, r);
        let is_set = upper >> 127 == 1;
        r = if is_set { upper } else { upper << 1 | lower >> 127 };
        log |= i128::from(is_set) << place;
    }
    log
}

/// Multiplies a base-2 logarithm in 2^-64 by the contract's factor; whole part rounded down, part in 2^-128.
#[inline]
fn scale_log(log: i128) -> (i128, u128) {
    let (upper, lower) = multiply_128(log.unsigned_abs(), 255_738_958_999_603_826_347_141);
    // The logarithm is below 2^71, so the upper half is far below 2^127.
    let whole = i128::try_from(upper).unwrap_or(i128::MAX);
    if log >= 0 {
        return (whole, lower);
    }
    (-whole - i128::from(lower != 0), lower.wrapping_neg())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ruint::aliases::U256;

    use super::{sqrt_ratio_at_tick, tick_at_sqrt_ratio, MAX_SQRT_RATIO, MAX_TICK, MIN_SQRT_RATIO, MIN_TICK};

    #[test]
    fn the_ends_of_the_range_are_the_contracts() {
        assert_eq!(sqrt_ratio_at_tick(MIN_TICK), Some(MIN_SQRT_RATIO));
        assert_eq!(sqrt_ratio_at_tick(MAX_TICK), Some(MAX_SQRT_RATIO));
        assert_eq!(sqrt_ratio_at_tick(MAX_TICK + 1), None);
        assert_eq!(sqrt_ratio_at_tick(i32::MIN), None);
        assert_eq!(tick_at_sqrt_ratio(MIN_SQRT_RATIO - U256::ONE), None);
        assert_eq!(tick_at_sqrt_ratio(MAX_SQRT_RATIO), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn a_ticks_ratio_is_the_least_price_of_the_tick(tick in MIN_TICK + 1..MAX_TICK) {
            let ratio = sqrt_ratio_at_tick(tick).unwrap();
            prop_assert_eq!(tick_at_sqrt_ratio(ratio), Some(tick));
            prop_assert_eq!(tick_at_sqrt_ratio(ratio - U256::ONE), Some(tick - 1));
        }

        #[test]
        fn a_price_lies_between_the_ratios_of_its_tick_and_the_next(limbs: [u64; 3], cut in 0_usize..160) {
            let [l0, l1, l2] = limbs;
            let price = U256::from_limbs([l0, l1, l2 >> 32, 0]) >> cut;
            if let Some(tick) = tick_at_sqrt_ratio(price) {
                prop_assert!(sqrt_ratio_at_tick(tick).unwrap() <= price);
                prop_assert!(sqrt_ratio_at_tick(tick + 1).is_none_or(|next| next > price));
            }
        }
    }
}
