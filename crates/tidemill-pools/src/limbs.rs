//! Division of wide numbers by their 64-bit limbs, least significant first, with precomputed reciprocals.
//!
//! Source: Moeller and Granlund (2011), Improved division by invariant integers; Knuth, TAOCP volume 2, 4.3.1.

// Limbs are split off wider products on purpose, and every index is below the length of its fixed array.
#![allow(clippy::cast_possible_truncation, clippy::cast_lossless)]

const TABLE: [u16; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        table[index as usize] = (((1_u32 << 19) - 3 * (1 << 8)) / (index + 256)) as u16;
        index += 1;
    }
    table
};

#[inline]
const fn high(wide: u128) -> u64 {
    (wide >> 64) as u64
}

#[inline]
const fn join(high: u64, low: u64) -> u128 {
    (high as u128) << 64 | low as u128
}

#[inline]
const fn product(a: u64, b: u64) -> u128 {
    a as u128 * b as u128
}

/// Returns `(2^128 - 1) / d - 2^64` for `d` with its highest bit set.
#[inline]
pub(crate) const fn reciprocal_1(d: u64) -> u64 {
    let d40 = (d >> 24) + 1;
    let d63 = (d >> 1) + (d & 1);
    let v0 = TABLE[((d >> 55) & 0xff) as usize] as u64;
    let v1 = (v0 << 11).wrapping_sub(v0.wrapping_mul(v0).wrapping_mul(d40) >> 40).wrapping_sub(1);
    let v2 = (v1 << 13).wrapping_add(v1.wrapping_mul((1_u64 << 60).wrapping_sub(v1.wrapping_mul(d40))) >> 47);
    let e = ((v2 >> 1) & 0_u64.wrapping_sub(d & 1)).wrapping_sub(v2.wrapping_mul(d63));
    let v3 = (high(product(v2, e)) >> 1).wrapping_add(v2 << 31);
    v3.wrapping_sub(high(product(v3, d).wrapping_add(d as u128))).wrapping_sub(d)
}

/// Returns `(2^192 - 1) / d - 2^64` for `d` with its highest bit set.
#[inline]
pub(crate) const fn reciprocal_2(d: u128) -> u64 {
    let (d1, d0) = (high(d), d as u64);
    let mut v = reciprocal_1(d1);
    let mut p = d1.wrapping_mul(v).wrapping_add(d0);
    if p < d0 {
        v = v.wrapping_sub(1);
        if p >= d1 {
            v = v.wrapping_sub(1);
            p = p.wrapping_sub(d1);
        }
        p = p.wrapping_sub(d1);
    }
    let t = product(v, d0);
    p = p.wrapping_add(high(t));
    if p < high(t) {
        v = v.wrapping_sub(1);
        if join(p, t as u64) >= d {
            v = v.wrapping_sub(1);
        }
    }
    v
}

/// Divides `n` by `d`, where `n < d · 2^64`, `d` is normalised and `v` its reciprocal; quotient, remainder.
#[inline]
const fn divide_2_by_1(n: u128, d: u64, v: u64) -> (u64, u64) {
    let q = product(v, high(n)).wrapping_add(n);
    let mut q1 = high(q).wrapping_add(1);
    let mut r = (n as u64).wrapping_sub(q1.wrapping_mul(d));
    if r > q as u64 {
        q1 = q1.wrapping_sub(1);
        r = r.wrapping_add(d);
    }
    if r >= d {
        q1 = q1.wrapping_add(1);
        r = r.wrapping_sub(d);
    }
    (q1, r)
}

/// Divides `top · 2^64 + low` by `d`, where `top < d`, `d` is normalised and `v` its reciprocal.
#[inline]
const fn divide_3_by_2(top: u128, low: u64, d: u128, v: u64) -> (u64, u128) {
    let q = product(v, high(top)).wrapping_add(top);
    let r1 = (top as u64).wrapping_sub(high(q).wrapping_mul(high(d)));
    let mut r = join(r1, low).wrapping_sub(product(d as u64, high(q))).wrapping_sub(d);
    let mut q1 = high(q).wrapping_add(1);
    if high(r) >= q as u64 {
        q1 = q1.wrapping_sub(1);
        r = r.wrapping_add(d);
    }
    if r >= d {
        q1 = q1.wrapping_add(1);
        r = r.wrapping_sub(d);
    }
    (q1, r)
}

/// Multiplies two 128-bit numbers; high half, low half.
#[inline]
pub(crate) const fn multiply_128(a: u128, b: u128) -> (u128, u128) {
    let low = product(a as u64, b as u64);
    let mid0 = product(high(a), b as u64);
    let mid1 = product(a as u64, high(b));
    let carry = high(low) as u128 + mid0 as u64 as u128 + mid1 as u64 as u128;
    let upper = product(high(a), high(b)) + high(mid0) as u128 + high(mid1) as u128 + high(carry) as u128;
    (upper, join(carry as u64, low as u64))
}

/// Divides `upper · 2^128 + lower` by `d`, where `upper < d`; quotient, remainder.
#[inline]
pub(crate) const fn divide_256_by_128(upper: u128, lower: u128, d: u128) -> (u128, u128) {
    let shift = d.leading_zeros();
    let (upper, lower, d) = if shift == 0 {
        (upper, lower, d)
    } else {
        (upper << shift | lower >> (128 - shift), lower << shift, d << shift)
    };
    let v = reciprocal_2(d);
    let (q1, r) = divide_3_by_2(upper, high(lower), d, v);
    let (q0, r) = divide_3_by_2(r, lower as u64, d, v);
    (join(q1, q0), r >> shift)
}

/// Divides `upper · 2^128 + lower`, below 2^255, by `d` where floats next to the quotient and to `1 / d` are known; the
/// quotient, rounded down, or `None` where the floats do not lead to it.
///
/// What the float's product leaves of the dividend is made a float again. Once that is taken off too, a good float leaves
/// less than a divisor on either side, and a bad one is found out: every number here is exact, whatever the floats.
#[inline]
#[allow(clippy::cast_precision_loss, clippy::cast_sign_loss, clippy::cast_possible_wrap)]
pub(crate) fn divide_near(upper: u128, lower: u128, d: u128, quotient: f64, inverse: f64) -> Option<u128> {
    if !(0.0..NEAR_MAX).contains(&quotient) {
        return None;
    }
    let guess = quotient as u128;
    let (taken_upper, taken_lower) = multiply_128(guess, d);
    let (rest, is_borrowed) = lower.overflowing_sub(taken_lower);
    let (above, rest) = (upper.wrapping_sub(taken_upper).wrapping_sub(is_borrowed as u128), rest as i128);
    let sign = rest >> 127;
    let missing = ((rest >> 64) as i64 as f64 * LIMB + (rest as u64 >> 1) as i64 as f64 * 2.0) * inverse;
    let missing = missing as i64;
    let product_bits = 192 - d.leading_zeros() - missing.unsigned_abs().leading_zeros();
    // Both sides of the subtraction below are to fit 126 bits, so that it cannot wrap.
    if above as i128 != sign || rest >> 126 != sign || product_bits > 126 {
        return None;
    }
    let (rest, d) = (rest.wrapping_sub((missing as i128).wrapping_mul(d as i128)), d as i128);
    let found = guess.wrapping_add(missing as i128 as u128);
    let (found, rest) = match rest {
        _ if rest < 0 => (found.wrapping_sub(1), rest.wrapping_add(d)),
        _ if rest >= d => (found.wrapping_add(1), rest.wrapping_sub(d)),
        _ => (found, rest),
    };
    (0..d).contains(&rest).then_some(found)
}

const LIMB: f64 = 18_446_744_073_709_551_616.0;
/// 2^92: of larger quotients a float misses too much.
const NEAR_MAX: f64 = LIMB * 268_435_456.0;

/// A divisor of up to 64 bits, with what makes repeated division by it cheap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Divisor {
    normalised: u64,
    reciprocal: u64,
    shift: u32,
}

impl Divisor {
    /// Prepares division by `d`, which is not zero.
    #[inline]
    pub(crate) const fn new(d: u64) -> Self {
        let shift = d.leading_zeros();
        let normalised = d << shift;
        Self { normalised, reciprocal: reciprocal_1(normalised), shift }
    }

    /// Divides the limbs in place, `N` of them being in use, and returns the remainder.
    #[inline]
    pub(crate) fn divide<const N: usize>(&self, limbs: &mut [u64; N]) -> u64 {
        let mut rest = 0;
        if self.shift == 0 {
            for limb in limbs.iter_mut().rev() {
                (*limb, rest) = divide_2_by_1(join(rest, *limb), self.normalised, self.reciprocal);
            }
            return rest;
        }
        let spill = 64 - self.shift;
        rest = limbs.last().map_or(0, |limb| limb >> spill);
        let mut index = N;
        while index > 0 {
            index -= 1;
            let below = if index > 0 { limbs[index - 1] >> spill } else { 0 };
            let low = limbs[index] << self.shift | below;
            (limbs[index], rest) = divide_2_by_1(join(rest, low), self.normalised, self.reciprocal);
        }
        rest >> self.shift
    }
}

/// Limbs of the widest dividend, with one to spare for normalisation.
pub(crate) const WIDE: usize = 9;

/// Divides `n` by `d`, which is not zero, in place: `n` becomes the quotient. Says whether a remainder is left.
#[inline]
pub(crate) fn divide<const D: usize>(n: &mut [u64; WIDE], mut d: [u64; D]) -> bool {
    let d_limbs = significant(&d);
    if d_limbs == 1 {
        return Divisor::new(d[0]).divide(n) != 0;
    }
    let shift = d[d_limbs - 1].leading_zeros();
    shift_left(&mut d[..d_limbs], shift);
    let n_limbs = significant(n).min(WIDE - 1);
    if n_limbs < d_limbs {
        let has_rest = n_limbs > 0;
        *n = [0; WIDE];
        return has_rest;
    }
    shift_left(&mut n[..=n_limbs], shift);
    let quotient = match d_limbs {
        2 => divide_normalised::<2>(n, n_limbs, &d),
        3 => divide_normalised::<3>(n, n_limbs, &d),
        4 => divide_normalised::<4>(n, n_limbs, &d),
        _ => divide_normalised::<5>(n, n_limbs, &d),
    };
    let has_rest = n.iter().any(|limb| *limb != 0);
    *n = quotient;
    has_rest
}

/// Divides `n`, of `n_limbs + 1` limbs, by the first `D` limbs of `d`; `n` keeps the remainder.
#[inline]
fn divide_normalised<const D: usize>(n: &mut [u64; WIDE], n_limbs: usize, d: &[u64]) -> [u64; WIDE] {
    let mut quotient = [0; WIDE];
    let Some(d) = d.first_chunk::<D>() else { return quotient };
    let d_top = join(d[D - 1], d[D - 2]);
    let v = reciprocal_2(d_top);
    for at in (0..=n_limbs - D).rev() {
        let Some(window) = n.get_mut(at..=at + D) else { continue };
        let top = join(window[D], window[D - 1]);
        if top == 0 && window[D - 2] < d[D - 1] {
            continue;
        }
        quotient[at] = divide_step::<D>(window, d, d_top, v, top);
    }
    quotient
}

/// Finds one limb of the quotient and takes its share from `window`, of `D + 1` limbs.
#[inline]
fn divide_step<const D: usize>(window: &mut [u64], d: &[u64; D], d_top: u128, v: u64, top: u128) -> u64 {
    let mut q = if top >= d_top { u64::MAX } else { divide_3_by_2(top, window[D - 2], d_top, v).0 };
    let mut carry = 0_u128;
    let mut borrow = false;
    for (limb, part) in window.iter_mut().zip(d) {
        carry += product(q, *part);
        let (value, under0) = limb.overflowing_sub(carry as u64);
        let (value, under1) = value.overflowing_sub(borrow as u64);
        *limb = value;
        borrow = under0 | under1;
        carry >>= 64;
    }
    let (value, under0) = window[D].overflowing_sub(carry as u64);
    let (value, under1) = value.overflowing_sub(borrow as u64);
    window[D] = value;
    // The estimate is at most one too large, so one addition repairs it.
    if under0 | under1 {
        q = q.wrapping_sub(1);
        let mut carry = false;
        for (limb, part) in window.iter_mut().zip(d) {
            let (value, over0) = limb.overflowing_add(*part);
            let (value, over1) = value.overflowing_add(carry as u64);
            *limb = value;
            carry = over0 | over1;
        }
        window[D] = window[D].wrapping_add(carry as u64);
    }
    q
}

#[inline]
fn significant(limbs: &[u64]) -> usize {
    limbs.iter().rposition(|limb| *limb != 0).map_or(0, |index| index + 1)
}

#[inline]
fn shift_left(limbs: &mut [u64], shift: u32) {
    if shift == 0 {
        return;
    }
    let mut below = 0;
    for limb in limbs {
        let value = *limb;
        *limb = value << shift | below;
        below = value >> (64 - shift);
    }
}

#[cfg(test)]
#[allow(clippy::cast_precision_loss)]
mod tests {
    use proptest::prelude::*;
    use ruint::Uint;

    use super::{divide, divide_256_by_128, divide_near, multiply_128, Divisor, WIDE};

    type Wide = Uint<576, 9>;

    /// Numbers whose limbs are often all ones or zero, where carries and corrections hide.
    fn limbs<const N: usize>() -> impl Strategy<Value = [u64; N]> {
        let limb = prop_oneof![any::<u64>(), Just(0), Just(u64::MAX), Just(1), Just(1 << 63)];
        (proptest::collection::vec(limb, N), 0..=N).prop_map(|(limbs, used)| {
            let mut kept = [0; N];
            kept[..used].copy_from_slice(&limbs[..used]);
            kept
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn division_gives_the_quotient_and_tells_of_a_rest(n in limbs::<8>(), d in limbs::<5>()) {
            let d = if d == [0; 5] { [1, 0, 0, 0, 0] } else { d };
            let mut quotient = [0; WIDE];
            quotient[..8].copy_from_slice(&n);
            let (expected, rest) = Wide::from_limbs(quotient).div_rem(Wide::from_limbs_slice(&d));
            let has_rest = divide(&mut quotient, d);
            prop_assert_eq!(Wide::from_limbs(quotient), expected);
            prop_assert_eq!(has_rest, !rest.is_zero());
        }

        #[test]
        fn division_by_one_limb_gives_quotient_and_rest(n in limbs::<4>(), d in 1_u64..) {
            let (expected, rest) = Uint::<256, 4>::from_limbs(n).div_rem(Uint::from(d));
            let mut quotient = n;
            prop_assert_eq!(Divisor::new(d).divide(&mut quotient), rest.to::<u64>());
            prop_assert_eq!(Uint::from_limbs(quotient), expected);
        }

        #[test]
        fn a_product_divided_by_a_factor_gives_the_other(a in any::<u128>(), b in 1_u128.., c in any::<u128>()) {
            let rest = c % b;
            let (upper, lower) = multiply_128(a, b);
            let (lower, carry) = lower.overflowing_add(rest);
            prop_assert_eq!(divide_256_by_128(upper + u128::from(carry), lower, b), (a, rest));
        }

        #[test]
        fn floats_lead_to_the_quotient(
            quotient in any::<u128>(), d in any::<u128>(), rest in any::<u128>(), cut in 60_u32..128, thin in 22_u32..127,
        ) {
            let (quotient, d) = (quotient >> cut, (d >> thin) | 1 << 64);
            let (upper, lower) = multiply_128(quotient, d);
            let (lower, carry) = lower.overflowing_add(rest % d);
            let found = divide_near(upper + u128::from(carry), lower, d, quotient as f64, 1.0 / d as f64);
            prop_assert_eq!(found, Some(quotient));
        }

        #[test]
        fn floats_that_lead_elsewhere_give_nothing_wrong(
            quotient in any::<u128>(), d in any::<u128>(), rest in any::<u128>(), cuts in (0_u32..128, 0_u32..128),
            quotient_error in prop_oneof![Just(1.0), -2.0..4.0, any::<f64>()],
            inverse_error in prop_oneof![Just(1.0), -2.0..4.0, any::<f64>()],
        ) {
            let (quotient, d) = (quotient >> cuts.0, (d >> cuts.1) | 1);
            let (upper, lower) = multiply_128(quotient, d);
            prop_assume!(upper >> 126 == 0);
            let (lower, carry) = lower.overflowing_add(rest % d);
            let (near, inverse) = (quotient as f64 * quotient_error, inverse_error / d as f64);
            let found = divide_near(upper + u128::from(carry), lower, d, near, inverse);
            prop_assert!(found.is_none_or(|found| found == quotient));
        }
    }
}
