//! What a swap leaves behind in an NG pool: D from the root's K0, prices from the curve, a scale that may move.
//!
//! Source: the formulae of curvefi/twocrypto-ng v2.0.0, `CurveTwocryptoOptimized` and `CurveCryptoMathOptimized2`, and
//! curvefi/tricrypto-ng, `CurveTricryptoOptimizedWETH` and `CurveCryptoMathOptimized3`: `tweak_price`, `newton_D`,
//! `get_p`, `wad_exp`.

use ruint::aliases::U256;

use crate::checked::{add, div, mul, mul_div, small, sub, ten_to};
use crate::error::PoolError;

use super::analytic::cube_root;
use super::newton::{sorted, within, Shape, A_MULTIPLIER, ONE};
use crate::signed::Signed;
use super::CryptoSwap;

const ROUNDS_MAX: usize = 255;
/// 3822833074963236453042738258902158003155416615667: what the rational approximation leaves to multiply by.
const EXP_SCALE: U256 =
    U256::from_limbs([0xee70_ef65_f997_8af3, 0x63c3_2e5c_2f6d_c192, 0x0000_0002_9d9d_c385, 0]);

/// Returns the geometric mean of three numbers in 10^-18, by a cube root.
fn mean(x: &[U256; 3]) -> Result<U256, PoolError> {
    let [x0, x1, x2] = *x;
    cube_root(mul_div(mul_div(x0, x1, ONE)?, x2, ONE)?)
}

fn number(value: u128) -> Result<Signed, PoolError> {
    Signed::of(U256::from(value))
}

/// Returns a number without its 96 bits of fraction, rounded down as the contract's shift of a signed number does.
fn without_fraction(value: Signed) -> Result<Signed, PoolError> {
    let lost = if value.is_negative { (U256::ONE << 96_u32) - U256::ONE } else { U256::ZERO };
    Signed::new(value.is_negative, add(value.size, lost)? >> 96_u32)
}

/// Returns e^-power, both in 10^-18, by the rational approximation the contract has.
pub(super) fn exponential_decay(power: U256) -> Result<U256, PoolError> {
    if power >= U256::from(42_139_678_854_452_767_551_u128) {
        return Ok(U256::ZERO);
    }
    let unit = Signed::of(U256::ONE << 96_u32)?;
    let ln2 = number(54_916_777_467_707_473_351_141_471_128)?;
    let x = Signed::new(true, power)?.times(unit)?.over(Signed::of(ONE)?)?;
    let half = Signed::of(U256::ONE << 95_u32)?;
    let k = without_fraction(x.times(unit)?.over(ln2)?.plus(half)?)?;
    let x = x.minus(k.times(ln2)?)?;
    let y = x.plus(number(1_346_386_616_545_796_478_920_950_773_328)?)?;
    let y = without_fraction(y.times(x)?)?.plus(number(57_155_421_227_552_351_082_224_309_758_442)?)?;
    let p = y.plus(x)?.minus(number(94_201_549_194_550_492_254_356_042_504_812)?)?;
    let p = without_fraction(p.times(y)?)?.plus(number(28_719_021_644_029_726_153_956_944_680_412_240)?)?;
    let p = p.times(x)?.plus(number(4_385_272_521_454_847_904_659_076_985_693_276)?.times(unit)?)?;
    let mut q = x.minus(number(2_855_989_394_907_223_263_936_484_059_900)?)?;
    for (is_negative, term) in [
        (false, 50_020_603_652_535_783_019_961_831_881_945),
        (true, 533_845_033_583_426_703_283_633_433_725_380),
        (false, 3_604_857_256_930_695_427_073_651_918_091_429),
        (true, 14_423_608_567_350_463_180_887_372_962_807_573),
        (false, 26_449_188_498_355_588_339_934_803_723_976_023),
    ] {
        let term = number(term)?;
        q = without_fraction(q.times(x)?)?.plus(if is_negative { term.negated() } else { term })?;
    }
    let ratio = p.over(q)?;
    // k is not above zero for a decay, so that the shift is to the right; the product wraps as the contract's does.
    let shift = 195_u32.saturating_add(k.size.saturating_to::<u32>());
    Ok(ratio.size.wrapping_mul(EXP_SCALE) >> shift)
}

impl Shape {
    /// Returns D of these balances, begun from K0 of the last root where there is one.
    pub(super) fn newton_d_from(&self, x: &[U256], k0: U256) -> Result<U256, PoolError> {
        let x = sorted(x);
        let x = x.get(..self.coins).ok_or(PoolError::Uninitialised)?;
        let sum = x.iter().try_fold(U256::ZERO, |sum, value| add(sum, *value))?;
        let mut d = match *x {
            [x0, x1] => self.d_start_of_two(x0, x1, k0)?,
            [x0, x1, x2] => Self::d_start_of_three([x0, x1, x2], k0, sum)?,
            _ => return Err(PoolError::Uninitialised),
        };
        for _ in 0..ROUNDS_MAX {
            let before = d;
            d = self.d_step(d, self.k0(x, d)?, sum)?;
            if mul(d.abs_diff(before), ten_to(14))? < d.max(ten_to(16)) {
                for value in x {
                    within(mul_div(*value, ONE, d)?, ten_to(16) - U256::ONE, ten_to(20))?;
                }
                return Ok(d);
            }
        }
        Err(PoolError::Unconverged)
    }

    /// Returns the first D of two balances, the higher first.
    fn d_start_of_two(&self, x0: U256, x1: U256, k0: U256) -> Result<U256, PoolError> {
        self.check()?;
        within(x0, ten_to(9), ten_to(33))?;
        within(mul_div(x1, ONE, x0)?, ten_to(14), U256::MAX)?;
        if k0.is_zero() {
            return mul(small(2), mul(x0, x1)?.root(2));
        }
        let square = mul(div(mul(mul(small(4), x0)?, x1)?, k0)?, ONE)?;
        Ok(square.root(2).min(add(x0, x1)?))
    }

    /// Returns the first D of three balances, sorted from high to low.
    fn d_start_of_three(x: [U256; 3], k0: U256, sum: U256) -> Result<U256, PoolError> {
        let [x0, x1, x2] = x;
        if x0.is_zero() {
            return Err(PoolError::Empty);
        }
        if k0.is_zero() {
            return mul(small(3), mean(&x)?);
        }
        // The contract's own pairs of powers: the last is 12 and not 18 for the largest pools.
        let powers = [(36, 12), (24, 6)].into_iter().find(|(power, _)| sum > ten_to(*power));
        let (down, up) = powers.unwrap_or((18, 0));
        let product = div(mul(mul_div(x0, x1, ten_to(down))?, x2)?, k0)?;
        cube_root(mul(mul(product, small(27))?, ten_to(up))?)
    }

    /// Returns the prices of the other coins in coin 0, in units of their scale, in 10^-18.
    fn prices(&self, xp: &[U256; 3], d: U256) -> Result<[U256; 2], PoolError> {
        let [x, y, _] = *xp;
        if self.coins == 2 {
            Ok([self.price_of_two(x, y, d)?, U256::ZERO])
        } else {
            self.prices_of_three(xp, d)
        }
    }

    /// With K0 in 10^-36 and `G = 2·K0³ + (gamma + 1)² − K0²·(2·gamma + 3)` the price is
    /// `x·(G + ANN·gamma²·K0·y/D) / (y·(G + ANN·gamma²·K0·x/D))`.
    fn price_of_two(&self, x: U256, y: U256, d: U256) -> Result<U256, PoolError> {
        within(d, ten_to(17), ten_to(33))?;
        let (gamma, square) = (self.gamma, ten_to(36));
        let k0 = mul_div(div(mul(mul(small(4), x)?, y)?, d)?, square, d)?;
        let (k0_squared, above) = (mul(k0, k0)?, add(gamma, ONE)?);
        let cube = mul_div(div(mul(small(2), k0_squared)?, square)?, k0, square)?;
        let slope = add(mul(small(2), gamma)?, mul(small(3), ONE)?)?;
        let bend = mul_div(div(k0_squared, square)?, slope, ONE)?;
        let g = sub(add(cube, mul(above, above)?)?, bend)?;
        let pull = div(mul(self.ann, mul(gamma, gamma)?)?, A_MULTIPLIER)?;
        let side = |held: U256| add(g, mul_div(mul_div(pull, held, d)?, k0, square)?);
        mul_div(mul_div(x, side(y)?, y)?, ONE, side(x)?)
    }

    /// Returns the prices of coins 1 and 2 in coin 0, in units of their scale, in 10^-18.
    fn prices_of_three(&self, xp: &[U256; 3], d: U256) -> Result<[U256; 2], PoolError> {
        let signed = |value: U256| Signed::of(value);
        let [x, y, z] = *xp;
        let (x, y, z) = (signed(x)?, signed(y)?, signed(z)?);
        let (d, gamma, one) = (signed(d)?, signed(self.gamma)?, signed(ONE)?);
        let (n27, square, multiplier) = (signed(small(27))?, signed(ten_to(36))?, signed(small(10_000))?);
        let nn_a_gamma2 = n27.times(signed(self.ann)?)?.times(gamma.times(gamma)?)?;
        let k = n27.times(x)?.times(y)?.over(d)?.times(z)?.over(d)?.times(square)?.over(d)?;
        let sum = x.plus(y)?.plus(z)?;
        let cube = signed(small(3))?.times(k.times(k)?)?.over(square)?;
        let slope = signed(ONE << 2_u32)?.times(gamma)?.plus(signed(ten_to(36) * small(6))?)?;
        let lack = nn_a_gamma2.times(sum.minus(d)?)?.over(d)?.over(n27)?.over(multiplier)?;
        let wide = gamma.plus(one)?.times(gamma.plus(signed(ONE * small(3))?)?)?;
        let g = cube.minus(k.times(slope)?.over(square)?)?.plus(lack)?.plus(wide)?;
        let g3 = g.times(d)?.over(nn_a_gamma2)?.times(one)?.times(n27)?.times(multiplier)?.over(one)?;
        let price = |other: Signed| -> Result<U256, PoolError> {
            let price = x.times(g3.plus(other)?)?.over(other)?.times(one)?.over(g3.plus(x)?)?;
            if price.is_negative {
                Err(PoolError::Overflow)
            } else {
                Ok(price.size)
            }
        };
        Ok([price(y)?, price(z)?])
    }
}

impl CryptoSwap {
    /// Returns the virtual price of D at a price scale.
    fn worth_ng(&self, d: U256, scale: &[U256; 2]) -> Result<U256, PoolError> {
        let n = small(self.coins as u64);
        let side = |scale: U256| mul_div(d, ONE, mul(n, scale)?);
        let ([s1, s2], first) = (*scale, div(d, n)?);
        let mean = if self.coins == 2 {
            mul(first, side(s1)?)?.root(2)
        } else {
            mean(&[first, side(s1)?, side(s2)?])?
        };
        mul_div(ONE, mean, self.profit.supply)
    }

    /// Books a swap of an NG pool whose balances after it are `xp` in common units.
    pub(super) fn tweak_ng(&mut self, xp: &[U256; 3], k0: U256, now_s: u64) -> Result<(), PoolError> {
        self.move_oracle(now_s)?;
        let d = self.shape().newton_d_from(self.held(xp), k0)?;
        let prices = self.shape().prices(xp, d)?;
        let lasts = self.prices.last.iter_mut().zip(prices).zip(self.prices.scale);
        for ((last, price), scale) in lasts.take(self.coins.saturating_sub(1)) {
            *last = mul_div(price, scale, ONE)?;
        }
        let old = self.profit.virtual_price;
        let (mut virtual_price, mut xcp) = (ONE, ONE);
        if !old.is_zero() {
            virtual_price = self.worth_ng(d, &self.prices.scale)?;
            xcp = mul_div(self.profit.xcp, virtual_price, old)?;
            if self.terms.ramp_ends_s < now_s && virtual_price <= old {
                return Err(PoolError::Unsafe);
            }
        }
        self.profit.xcp = xcp;
        (self.d, self.profit.virtual_price) = (d, virtual_price);
        let spare = sub(mul(virtual_price, small(2))?, ONE)?;
        if spare > add(xcp, mul(self.terms.allowed_extra_profit, small(2))?)? {
            self.adjust_ng(xp)?;
        }
        Ok(())
    }

    /// Moves the price scale towards the oracle where the profit pays for it.
    fn adjust_ng(&mut self, xp: &[U256; 3]) -> Result<(), PoolError> {
        let others = self.coins.saturating_sub(1);
        let mut squares = U256::ZERO;
        for (oracle, scale) in self.prices.oracle.iter().zip(self.prices.scale).take(others) {
            let apart = mul_div(*oracle, ONE, scale)?.abs_diff(ONE);
            squares = add(squares, mul(apart, apart)?)?;
        }
        let norm = squares.root(2);
        let step = self.terms.adjustment_step.max(norm / small(5));
        if norm <= step {
            return Ok(());
        }
        let (mut moved, mut scale) = (*xp, self.prices.scale);
        let sides = scale.iter_mut().zip(moved.iter_mut().skip(1)).zip(self.prices.oracle);
        for ((price, x), oracle) in sides.take(others) {
            let old = *price;
            *price = div(add(mul(old, norm - step)?, mul(step, oracle)?)?, norm)?;
            *x = mul_div(*x, *price, old)?;
        }
        let d = self.shape().newton_d_from(self.held(&moved), U256::ZERO)?;
        for x in self.held(&moved) {
            within(mul_div(*x, ONE, d)?, ten_to(16), ten_to(20))?;
        }
        let virtual_price = self.worth_ng(d, &scale)?;
        if virtual_price > ONE && sub(mul(virtual_price, small(2))?, ONE)? > self.profit.xcp {
            self.prices.scale = scale;
            (self.d, self.profit.virtual_price) = (d, virtual_price);
        }
        Ok(())
    }
}
