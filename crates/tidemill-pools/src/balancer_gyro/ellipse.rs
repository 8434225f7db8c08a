//! The size of the ellipse that two balances are on, and how far that may be off; where its axes stand.
//!
//! With A the map of the ellipse to the unit circle, t the balances and χ the centre for a size of one, the size is
//! (At·Aχ + √((At·Aχ)² − (Aχ·Aχ − 1)·(At·At))) / (Aχ·Aχ − 1). Each product is expanded, as the contract has it, so that
//! what is large is multiplied last; the norm corrects for sine and cosine having 18 digits only.

use ruint::aliases::U256;

use crate::checked::ten_to;
use crate::error::PoolError;
use crate::signed::Signed;

use super::decimals::{whole, Point, ONE_38};
use super::Ellipse;

/// Most that both balances may add up to, with 18 decimals.
pub(super) const BALANCES_MAX: U256 = ten_to(34);
/// Largest size of an ellipse, with 18 decimals.
pub(super) const SIZE_MAX: Signed =
    Signed { is_negative: false, size: U256::from_limbs([3, 0, 0, 0]).wrapping_mul(ten_to(37)) };

type Answer = Result<Signed, PoolError>;

impl Ellipse {
    /// Returns bounds of the size of the ellipse through these balances: x not below it, y not above.
    pub(super) fn size(&self, balances: [U256; 2]) -> Result<Point, PoolError> {
        let (size, error) = self.size_and_error(balances)?;
        Ok(Point { x: size.plus(error.times(whole(2))?)?, y: size })
    }

    /// Returns the size of the ellipse through these balances as it comes out, and how far off it may be.
    pub(super) fn size_and_error(&self, balances: [U256; 2]) -> Result<(Signed, Signed), PoolError> {
        let [x, y] = balances;
        let sum = x.checked_add(y).filter(|sum| *sum <= BALANCES_MAX).ok_or(PoolError::Unsafe)?;
        let (x, y, sum) = (Signed::of(x)?, Signed::of(y)?, Signed::of(sum)?);
        let squares = self.discriminant(x, y)?;
        let root = squares.root()?;
        let squares_error = x.mul_up(x)?.plus(y.mul_up(y)?)?.over(ONE_38)?;
        let root_error = if root.is_positive() {
            squares_error.plus(whole(1))?.div_up(root.times(whole(2))?)?
        } else if squares_error.is_positive() {
            squares_error.root()?
        } else {
            whole(1_000_000_000)
        };
        let error =
            self.stretch.mul_up(sum)?.over(ONE_38)?.plus(root_error)?.plus(whole(1))?.times(whole(20))?;
        let per_denominator = ONE_38.div_38(self.centre_square()?.minus(ONE_38)?)?;
        let size = self.centre_product(x, y)?.plus(root)?.minus(error)?.floor_38(per_denominator)?;
        let stretch_square = self.stretch.times(self.stretch)?.over(Signed::of(ten_to(36))?)?;
        let relative =
            size.ceil_38(per_denominator)?.times(stretch_square)?.times(whole(40))?.over(ONE_38)?;
        let error = error.ceil_38(per_denominator)?.plus(relative)?.plus(whole(1))?;
        if size.plus(error)?.minus(SIZE_MAX)?.is_positive() {
            return Err(PoolError::Unsafe);
        }
        Ok((size, error))
    }

    /// Returns a power of the norm, with 38 decimals.
    fn norm_to(&self, power: u32) -> Answer {
        (1..power).try_fold(self.norm, |product, _| product.mul_38(self.norm))
    }

    /// Returns At·Aχ.
    fn centre_product(&self, x: Signed, y: Signed) -> Answer {
        let (s, c, stretch, norm) = (self.sine, self.cosine, self.stretch, self.norm_to(2)?);
        let across = self.w.div_down(stretch)?.plus(self.z)?.div_down(stretch)?.div_38(norm)?;
        let first = x.mul_down(c)?.minus(y.mul_down(s)?)?.floor_38(across)?;
        let along = x.mul_down(stretch)?.mul_down(s)?.plus(y.mul_down(stretch)?.mul_down(c)?)?;
        let second = along.floor_38(self.u.div_38(norm)?)?;
        let third = x.mul_down(s)?.plus(y.mul_down(c)?)?.floor_38(self.v.div_38(norm)?)?;
        first.plus(second)?.plus(third)
    }

    /// Returns Aχ·Aχ, with 38 decimals.
    fn centre_square(&self) -> Answer {
        let (u, v, stretch, norm) = (self.u, self.v, self.stretch, self.norm_to(3)?);
        let mixed = stretch.mul_up(u.times(whole(2))?.mul_38(v)?.div_38(norm)?)?;
        // The stretch may be large: u is taken a unit larger before it is multiplied.
        let u_up = u.plus(whole(1))?;
        let steep = u_up.mul_38(u_up)?.div_38(norm)?.mul_up(stretch)?.mul_up(stretch)?;
        let flat = v.mul_38(v)?.div_38(norm)?;
        let across = self.w.div_up(stretch)?.plus(self.z)?;
        mixed.plus(steep)?.plus(flat)?.plus(across.mul_38(across)?.div_38(norm)?)
    }

    /// Returns what is below the root, rounded down.
    fn discriminant(&self, x: Signed, y: Signed) -> Answer {
        self.across_term(x, y)?.plus(self.mixed_term(x, y)?)?.plus(self.along_term(x, y)?)
    }

    /// Returns (At)x² − (At)x²·(Aχ)y², rounded down.
    fn across_term(&self, x: Signed, y: Signed) -> Answer {
        let (s, c, stretch) = (self.sine, self.cosine, self.stretch);
        let squares = x.mul_up(x)?.mul_up(c)?.mul_up(c)?.plus(y.mul_up(y)?.mul_up(s)?.mul_up(s)?)?;
        let product = x.mul_down(y)?.mul_down(c.times(whole(2))?)?.mul_down(s)?;
        let point = squares.minus(product)?;
        let (u, v) = (self.u, self.v);
        let mixed = u.times(whole(2))?.mul_38(v)?.div_down(stretch)?;
        let flat = v.mul_38(v)?.div_down(stretch)?.div_down(stretch)?;
        let centre = u.mul_38(u)?.plus(mixed)?.plus(flat)?.div_38(self.norm_to(4)?)?;
        let own = point.minus(whole(9))?.div_down(stretch)?.div_down(stretch)?;
        point.negated().floor_38(centre)?.plus(own.floor_38(ONE_38.div_38(self.norm)?)?)
    }

    /// Returns 2·(At)x·(At)y·(Aχ)x·(Aχ)y, whose rounding the error of the size covers.
    fn mixed_term(&self, x: Signed, y: Signed) -> Answer {
        let (s, c, stretch) = (self.sine, self.cosine, self.stretch);
        let squares = x.mul_down(x)?.minus(y.mul_up(y)?)?.mul_down(c.times(whole(2))?)?.mul_down(s)?;
        let product = y.mul_down(x.times(whole(2))?)?;
        let point =
            squares.plus(product.mul_down(c)?.mul_down(c)?)?.minus(product.mul_down(s)?.mul_down(s)?)?;
        let (u, v, w, z) = (self.u, self.v, self.w, self.z);
        let ends = z.mul_38(u)?.plus(w.mul_38(v)?.div_down(stretch)?.div_down(stretch)?)?;
        let middle = w.mul_38(u)?.plus(z.mul_38(v)?)?.div_down(stretch)?;
        point.floor_38(ends.plus(middle)?.div_38(self.norm_to(4)?)?)
    }

    /// Returns (At)y² − (At)y²·(Aχ)x², rounded down.
    fn along_term(&self, x: Signed, y: Signed) -> Answer {
        let (s, c, stretch) = (self.sine, self.cosine, self.stretch);
        let squares = x.mul_up(x)?.mul_up(s)?.mul_up(s)?.plus(y.mul_up(y)?.mul_up(c)?.mul_up(c)?)?;
        let point = squares.plus(x.mul_up(y)?.mul_up(s.times(whole(2))?)?.mul_up(c)?)?;
        let (w, z) = (self.w, self.z);
        let ends = z.mul_38(z)?.plus(w.mul_38(w)?.div_down(stretch)?.div_down(stretch)?)?;
        let middle = z.times(whole(2))?.mul_38(w)?.div_down(stretch)?;
        let centre = ends.plus(middle)?.div_38(self.norm_to(4)?)?;
        let own = point.minus(whole(9))?.floor_38(ONE_38.div_38(self.norm)?)?;
        point.negated().floor_38(centre)?.plus(own)
    }

    /// Returns where the axes stand for an ellipse of this size, rounded up: so much of each balance is not real.
    pub(super) fn offsets(&self, size: Point) -> Result<Point, PoolError> {
        let (s, c, stretch) = (self.sine, self.cosine, self.stretch);
        let at = |tau: Signed| tau.div_38(self.norm);
        let across = at(self.highest.x)?;
        let first = if self.highest.x.is_positive() {
            size.x.mul_up(stretch)?.mul_up(c)?.ceil_38(across)?
        } else {
            size.y.mul_down(stretch)?.mul_down(c)?.ceil_38(across)?
        };
        let x = first.plus(size.x.mul_up(s)?.ceil_38(at(self.highest.y)?)?)?;
        let across = at(self.lowest.x)?;
        let first = if self.lowest.x.is_negative {
            size.x.mul_up(stretch)?.mul_up(s)?.ceil_38(across.negated())?
        } else {
            size.y.negated().mul_down(stretch)?.mul_down(s)?.ceil_38(across)?
        };
        let y = first.plus(size.x.mul_up(c)?.ceil_38(at(self.lowest.y)?)?)?;
        Ok(Point { x, y })
    }

    /// Returns the most that the pool can hold of each token on an ellipse of this size, rounded down.
    pub(super) fn most(&self, size: Point) -> Result<Point, PoolError> {
        let at = |tau: Signed| tau.div_38(self.norm);
        let across = at(self.highest.x.minus(self.lowest.x)?)?;
        let along = at(self.highest.y.minus(self.lowest.y)?)?;
        let of = |steep: Signed, flat: Signed, along: Signed| {
            let first = size.y.mul_down(self.stretch)?.mul_down(steep)?.floor_38(across)?;
            let rest = if along.is_positive() { size.y.mul_down(flat)? } else { size.x.mul_up(flat)? };
            first.plus(rest.floor_38(along)?)
        };
        Ok(Point { x: of(self.cosine, self.sine, along)?, y: of(self.sine, self.cosine, along.negated())? })
    }

    /// Returns the slope of the ellipse at these balances as two sizes: so much of the second token for the first.
    pub(super) fn slopes(&self, balances: [U256; 2]) -> Result<[U256; 2], PoolError> {
        let (s, c, stretch) = (self.sine, self.cosine, self.stretch);
        let offsets = self.offsets(self.size(balances)?)?;
        let [x, y] = balances;
        let (x, y) = (Signed::of(x)?.minus(offsets.x)?, Signed::of(y)?.minus(offsets.y)?);
        let across = x.times(c)?.minus(y.times(s)?)?.over(stretch)?;
        let along = x.mul_down(s)?.plus(y.mul_down(c)?)?;
        let first = along.mul_down(s)?.plus(across.times(c)?.over(stretch)?)?;
        let second = along.mul_down(c)?.minus(across.times(s)?.over(stretch)?)?;
        // Both are below zero where balances are on the lower left of the ellipse, as a pool's are.
        if first.is_negative != second.is_negative || first.size.is_zero() || second.size.is_zero() {
            return Err(PoolError::Empty);
        }
        Ok([first.size, second.size])
    }
}
