//! y of NG pools: the root of the cubic in K0, in fixed point.
//!
//! Source: the formulae of curvefi/twocrypto-ng, `CurveCryptoMathOptimized2` v2, and curvefi/tricrypto-ng,
//! `CurveCryptoMathOptimized3` v2.0.0, `get_y`.

use ruint::aliases::U256;

use crate::checked::{div, mul, mul_div, small, ten_to};
use crate::error::PoolError;

use super::newton::{Shape, ONE};
use crate::signed::Signed;

/// The coefficients of a·x³ + b·x² + c·x + d.
struct Cubic {
    a: Signed,
    b: Signed,
    c: Signed,
    d: Signed,
}

fn signed(value: u64) -> Result<Signed, PoolError> {
    Signed::of(small(value))
}

/// Returns the cube root of a number, both in 10^-18, by seven rounds of Newton's method as the contract has it.
pub(super) fn cube_root(x: U256) -> Result<U256, PoolError> {
    // From here on a number keeps fewer decimals under the root.
    let limit = U256::MAX / ten_to(36);
    let upper = mul(limit, ONE)?;
    let xx = if x >= upper {
        x
    } else if x >= limit {
        mul(x, ONE)?
    } else {
        mul(x, ten_to(36))?
    };
    if xx.is_zero() {
        return Ok(U256::ZERO);
    }
    let log2 = xx.bit_len() - 1;
    let (numerator, denominator) = match log2 % 3 {
        0 => (1, 1),
        1 => (1_260, 1_000),
        _ => (1_260 * 1_260, 1_000 * 1_000),
    };
    let mut a = ((U256::ONE << (log2 / 3)) * small(numerator)) / small(denominator);
    for _ in 0..7 {
        a = div((a << 1_u32) + div(xx, mul(a, a)?)?, small(3))?;
    }
    Ok(if x >= upper {
        a * ten_to(12)
    } else if x >= limit {
        a * ten_to(6)
    } else {
        a
    })
}

fn signed_cube_root(x: Signed) -> Result<Signed, PoolError> {
    Signed::new(x.is_negative, cube_root(x.size)?)
}

impl Cubic {
    fn divided(&self, divider: Signed) -> Result<Self, PoolError> {
        let Self { a, b, c, d } = *self;
        Ok(Self { a: a.over(divider)?, b: b.over(divider)?, c: c.over(divider)?, d: d.over(divider)? })
    }

    /// Returns 3ac/b − b.
    fn delta0(&self) -> Result<Signed, PoolError> {
        signed(3)?.times(self.a)?.times(self.c)?.over(self.b)?.minus(self.b)
    }

    /// Returns 27a²/b·d/b.
    fn bend(&self) -> Result<Signed, PoolError> {
        signed(27)?.times(self.a.times(self.a)?)?.over(self.b)?.times(self.d)?.over(self.b)
    }

    /// Returns the root of δ1² + 4δ0²/b·δ0; `None` where that is not above zero.
    fn radical(&self, delta0: Signed, delta1: Signed) -> Result<Option<Signed>, PoolError> {
        let part = signed(4)?.times(delta0.times(delta0)?)?.over(self.b)?.times(delta0)?;
        let square = delta1.times(delta1)?.plus(part)?;
        if square.is_negative || square.size.is_zero() {
            return Ok(None);
        }
        Signed::of(square.size.root(2)).map(Some)
    }

    /// Returns b^(2/3) times the cube root of (δ1 ± radical) / 2.
    fn c1(&self, delta1: Signed, radical: Signed) -> Result<Signed, PoolError> {
        let b_root = signed_cube_root(self.b)?;
        let is_above = !delta1.is_negative && !delta1.size.is_zero();
        let inner = if is_above { delta1.plus(radical)? } else { radical.minus(delta1)? };
        let second = Signed::new(!is_above, cube_root(inner.size >> 1_u32)?)?;
        let one = Signed::of(ONE)?;
        b_root.times(b_root)?.over(one)?.times(second)?.over(one)
    }
}

impl Shape {
    /// Returns y and K0 of the root; K0 is zero where the contract falls back to Newton's method.
    pub(super) fn root_y(&self, x: &[U256], d: U256, i: usize) -> Result<(U256, U256), PoolError> {
        self.check_y(x, d, i)?;
        let mut others = x.iter().enumerate().filter(|(k, _)| *k != i).map(|(_, x)| *x);
        let root = match (others.next(), others.next()) {
            (Some(x_j), None) => self.root_of_two(x_j, d)?,
            (Some(x_j), Some(x_k)) => self.root_of_three(x_j, x_k, d)?,
            _ => return Err(PoolError::Uninitialised),
        };
        let Some((y, k0)) = root else { return Ok((self.newton_y(x, d, i)?, U256::ZERO)) };
        let share = mul_div(y, ONE, d)?;
        if share < ten_to(16) - U256::ONE || share > ten_to(20) {
            return Err(PoolError::Unsafe);
        }
        Ok((y, k0))
    }

    fn cubic_of_two(&self, x_j: Signed, d: Signed) -> Result<Cubic, PoolError> {
        let (gamma, one) = (Signed::of(self.gamma)?, Signed::of(ONE)?);
        let gamma2 = gamma.times(gamma)?;
        let ann_gamma2 = Signed::of(self.ann)?.times(gamma2)?;
        let (four_parts, three) = (signed(400_000_000)?, Signed::of(ten_to(32) * small(3))?);
        let bent = gamma.times(Signed::of(ten_to(14))?)?;
        let b =
            d.times(ann_gamma2)?.over(four_parts)?.over(x_j)?.minus(three)?.minus(signed(2)?.times(bent)?)?;
        let depth = signed(4)?.times(ann_gamma2)?.over(four_parts)?;
        let c = three.plus(signed(4)?.times(bent)?)?.plus(gamma2.over(signed(10_000)?)?)?;
        let c = c.plus(depth.times(x_j)?.over(d)?)?.minus(depth)?;
        let above = one.plus(gamma)?;
        let d = above.times(above)?.over(signed(10_000)?)?.negated();
        Ok(Cubic { a: Signed::of(ten_to(32))?, b, c, d })
    }

    fn root_of_two(&self, x_j: U256, d: U256) -> Result<Option<(U256, U256)>, PoolError> {
        let (signed_x, signed_d) = (Signed::of(x_j)?, Signed::of(d)?);
        let cubic = self.cubic_of_two(signed_x, signed_d)?;
        let delta1 =
            |cubic: &Cubic, delta0: Signed| signed(3)?.times(delta0)?.plus(cubic.b)?.minus(cubic.bend()?);
        let delta0 = cubic.delta0()?;
        let threshold = delta0.size.min(delta1(&cubic, delta0)?.size).min(cubic.a.size);
        let divider = (24..=48).rev().step_by(2).find(|power| threshold > ten_to(*power));
        let divider = match divider {
            Some(power) => ten_to(power - 18),
            None if threshold > ten_to(20) => ten_to(2),
            None => U256::ONE,
        };
        let cubic = cubic.divided(Signed::of(divider)?)?;
        let delta0 = cubic.delta0()?;
        let delta1 = delta1(&cubic, delta0)?;
        let Some(radical) = cubic.radical(delta0, delta1)? else { return Ok(None) };
        let c1 = cubic.c1(delta1, radical)?;
        let one = Signed::of(ONE)?;
        let scaled_b = one.times(cubic.b)?;
        let root = one.times(c1)?.minus(scaled_b)?.minus(scaled_b.over(c1)?.times(delta0)?)?;
        let root = root.over(signed(3)?.times(cubic.a)?)?;
        let y = signed_d.times(signed_d)?.over(signed_x)?.times(root)?.over(signed(4)?)?.over(one)?;
        if y.is_negative || root.is_negative {
            return Err(PoolError::Overflow);
        }
        Ok(Some((y.size, root.size)))
    }

    fn cubic_of_three(&self, x_j: Signed, x_k: Signed, d: Signed) -> Result<Cubic, PoolError> {
        let (gamma, ann) = (Signed::of(self.gamma)?, Signed::of(self.ann)?);
        let (gamma2, n27) = (gamma.times(gamma)?, signed(27)?);
        let (ninth, multiplier) = (Signed::of(ten_to(36) / small(9))?, signed(10_000)?);
        let pull = d.times(d)?.over(x_j)?.times(gamma2)?.times(ann)?;
        let pull = pull.over(n27.times(n27)?)?.over(multiplier)?.over(x_k)?;
        let b = ninth.plus(Signed::of(ONE << 1_u32)?.times(gamma)?.over(n27)?)?.minus(pull)?;
        let wide = gamma.times(gamma.plus(Signed::of(ONE << 2_u32)?)?)?.over(n27)?;
        let lack = gamma2.times(x_j.plus(x_k)?.minus(d)?)?.over(d)?.times(ann)?;
        let c = ninth.plus(wide)?.plus(lack.over(n27)?.over(multiplier)?)?;
        let above = Signed::of(ONE)?.plus(gamma)?;
        let d = above.times(above)?.over(n27)?;
        Ok(Cubic { a: Signed::of(ten_to(36) / small(27))?, b, c, d })
    }

    /// Scales the coefficients so that nothing overflows, and a or b by their quotient.
    fn scaled(cubic: &Cubic) -> Result<Cubic, PoolError> {
        let threshold = cubic.delta0()?.size;
        let power = (20..=48).rev().step_by(4).find(|power| threshold > ten_to(*power));
        let divider = Signed::of(power.map_or(U256::ONE, |power| ten_to(power - 18)))?;
        let Cubic { a, b, c, d } = *cubic;
        if a.size > b.size {
            let more = Signed::of(div(a.size, b.size)?)?;
            let scale = |value: Signed| value.times(more)?.over(divider);
            return Ok(Cubic { a: scale(a)?, b: scale(b)?, c: scale(c)?, d: scale(d)? });
        }
        let less = Signed::of(div(b.size, a.size)?)?;
        let scale = |value: Signed| value.over(less)?.over(divider);
        Ok(Cubic { a: scale(a)?, b: scale(b)?, c: scale(c)?, d: scale(d)? })
    }

    fn root_of_three(&self, x_j: U256, x_k: U256, d: U256) -> Result<Option<(U256, U256)>, PoolError> {
        let (x_j, x_k, d) = (Signed::of(x_j)?, Signed::of(x_k)?, Signed::of(d)?);
        let cubic = Self::scaled(&self.cubic_of_three(x_j, x_k, d)?)?;
        let Cubic { a, b, .. } = cubic;
        let delta0 = cubic.delta0()?;
        let triple = signed(9)?.times(a)?.times(cubic.c)?.over(b)?;
        let delta1 = triple.minus(signed(2)?.times(b)?)?.minus(cubic.bend()?)?;
        let Some(radical) = cubic.radical(delta0, delta1)? else { return Ok(None) };
        let c1 = cubic.c1(delta1, radical)?;
        let root_k0 = b.plus(b.times(delta0)?.over(c1)?)?.minus(c1)?.over(signed(3)?)?;
        let volume = d.times(d)?.over(signed(27)?)?.over(x_k)?.times(d)?.over(x_j)?;
        let y = volume.times(root_k0)?.over(a)?;
        let k0 = Signed::of(ONE)?.times(root_k0)?.over(a)?;
        if y.is_negative || k0.is_negative {
            return Err(PoolError::Overflow);
        }
        Ok(Some((y.size, k0.size)))
    }
}
