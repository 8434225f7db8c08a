//! What one balance of an ellipse becomes when the other is given, never less than it truly is.

use ruint::aliases::U256;

use crate::balancer_fixed_point::{add, sub};
use crate::error::PoolError;
use crate::signed::Signed;

use super::decimals::{whole, Point, ONE_38};
use super::ellipse::BALANCES_MAX;
use super::Ellipse;

type Answer = Result<Signed, PoolError>;

/// The ellipse as one side sees it; for the other, sine and cosine change places and the points are mirrored.
struct Side {
    stretch: Signed,
    sine: Signed,
    cosine: Signed,
    size: Point,
    /// Where the axis of the given balance stands, and that of the one sought.
    given_offset: Signed,
    sought_offset: Signed,
    end: Point,
    norm: Signed,
}

impl Ellipse {
    /// Returns what `amount_in` buys; all with 18 decimals.
    pub(super) fn out_given_in(
        &self,
        balances: [U256; 2],
        is_first_in: bool,
        amount_in: U256,
    ) -> Result<U256, PoolError> {
        let [balance_in, balance_out] = ordered(balances, is_first_in);
        let size = self.size(balances)?;
        let after_in = add(balance_in, amount_in)?;
        self.check_most(size, is_first_in, after_in)?;
        sub(balance_out, self.balance_beside(size, is_first_in, after_in)?)
    }

    /// Returns what `amount_out` costs before the fee; all with 18 decimals.
    pub(super) fn in_given_out(
        &self,
        balances: [U256; 2],
        is_first_in: bool,
        amount_out: U256,
    ) -> Result<U256, PoolError> {
        let [balance_in, balance_out] = ordered(balances, is_first_in);
        let size = self.size(balances)?;
        let after_out = sub(balance_out, amount_out)?;
        let after_in = self.balance_beside(size, !is_first_in, after_out)?;
        self.check_most(size, is_first_in, after_in)?;
        sub(after_in, balance_in)
    }

    /// Returns one balance of an ellipse of this size by the other.
    pub(super) fn balance_beside(
        &self,
        size: Point,
        is_first_given: bool,
        given: U256,
    ) -> Result<U256, PoolError> {
        unsigned(self.side(size, is_first_given)?.sought(Signed::of(given)?)?)
    }

    fn check_most(&self, size: Point, is_first: bool, balance: U256) -> Result<(), PoolError> {
        let Point { x, y } = self.most(size)?;
        let most = if is_first { x } else { y };
        if balance > BALANCES_MAX || most.is_negative || balance > most.size {
            return Err(PoolError::Insufficient);
        }
        Ok(())
    }

    /// Returns the side on which the first balance is given, or the second.
    fn side(&self, size: Point, is_first_given: bool) -> Result<Side, PoolError> {
        let Point { x, y } = self.offsets(size)?;
        let (stretch, norm) = (self.stretch, self.norm);
        Ok(if is_first_given {
            let (sine, cosine, end) = (self.sine, self.cosine, self.highest);
            Side { stretch, sine, cosine, size, given_offset: x, sought_offset: y, end, norm }
        } else {
            let (sine, cosine) = (self.cosine, self.sine);
            let end = Point { x: self.lowest.x.negated(), y: self.lowest.y };
            Side { stretch, sine, cosine, size, given_offset: y, sought_offset: x, end, norm }
        })
    }
}

impl Side {
    /// Returns the other balance where this one is `given`: the smaller root of a square equation.
    fn sought(&self, given: Signed) -> Answer {
        let (s, c, stretch, norm) = (self.sine, self.cosine, self.stretch, self.norm);
        // 1 − 1/λ², not below and not above.
        let not_below = ONE_38.minus(ONE_38.div_down(stretch)?.div_down(stretch)?)?;
        let not_above = ONE_38.minus(ONE_38.div_up(stretch)?.div_up(stretch)?)?;
        let shifted = given.minus(self.given_offset)?;
        let linear = if shifted.is_positive() {
            shifted.negated().mul_down(s)?.mul_down(c)?.ceil_38(not_above.div_38(norm)?)?
        } else {
            let part = not_below.div_38(norm)?.plus(whole(1))?;
            shifted.negated().mul_up(s)?.mul_up(c)?.ceil_38(part)?
        };
        // 1 − (1 − 1/λ²)·s², not below and not above.
        let divisor_up = ONE_38.minus(not_above.mul_down(s)?.mul_down(s)?.div_38(norm)?)?;
        let cut = not_below.mul_up(s)?.mul_up(s)?.div_38(norm.plus(whole(1))?)?.plus(whole(1))?;
        let divisor_down = ONE_38.minus(cut)?;
        let squares = self.size.y.mul_down(self.size.y)?.floor_38(divisor_down)?;
        let root = squares.minus(self.shifted_square(given)?)?.root()?;
        let above = linear.minus(root)?;
        let quotient = if above.is_positive() {
            above.ceil_38(ONE_38.div_38(divisor_down)?.plus(whole(1))?)?
        } else {
            above.ceil_38(ONE_38.div_38(divisor_up)?)?
        };
        quotient.plus(self.sought_offset)
    }

    /// Returns (given − offset)² / λ², not below the true value, without going by the rounded offset.
    fn shifted_square(&self, given: Signed) -> Answer {
        let (s, c, stretch, norm, Point { x, y }) =
            (self.sine, self.cosine, self.stretch, self.norm, self.end);
        let (twice_s, twice_c) = (s.times(whole(2))?, c.times(whole(2))?);
        let (norm_square, size_square) = (norm.mul_38(norm)?, self.size.x.mul_up(self.size.x)?);
        let less = self.size.y.negated();
        let product = x.mul_38(y)?.div_38(norm_square)?;
        let both = if product.is_positive() {
            size_square.mul_up(twice_s)?.mul_up(c)?.ceil_38(product.plus(whole(7))?)?
        } else {
            self.size.y.mul_down(self.size.y)?.mul_down(twice_s)?.mul_down(c)?.ceil_38(product)?
        };
        let across = if x.is_negative {
            let part = x.div_38(norm)?.negated().plus(whole(3))?;
            self.size.x.mul_up(given)?.mul_up(twice_c)?.ceil_38(part)?
        } else {
            less.mul_down(given)?.mul_down(twice_c)?.ceil_38(x.div_38(norm)?)?
        };
        let once = both.plus(across)?;
        let square = |tau: Signed| tau.mul_38(tau)?.div_38(norm_square)?.plus(whole(7));
        let own = size_square.mul_up(s)?.mul_up(s)?.ceil_38(square(y)?)?;
        let along = less.mul_down(given)?.mul_down(twice_s)?.ceil_38(y.div_38(norm)?)?;
        let twice = over_up(own.plus(along)?.plus(given.mul_up(given)?)?, stretch)?;
        let rest = over_up(once.plus(twice)?, stretch)?;
        size_square.mul_up(c)?.mul_up(c)?.ceil_38(square(x)?)?.plus(rest)
    }
}

/// Returns the balance paid into, then the one paid out of.
const fn ordered([first, second]: [U256; 2], is_first_in: bool) -> [U256; 2] {
    if is_first_in {
        [first, second]
    } else {
        [second, first]
    }
}

/// Divides, towards what is not below the true quotient; `b` is positive.
fn over_up(a: Signed, b: Signed) -> Answer {
    if a.is_positive() {
        a.div_up(b)
    } else {
        a.div_down(b)
    }
}

pub(super) fn unsigned(value: Signed) -> Result<U256, PoolError> {
    if value.is_negative {
        Err(PoolError::Overflow)
    } else {
        Ok(value.size)
    }
}
