//! What makes features of facts and statistics: steps over registers, of which NaN stands for what is absent.

use serde::{Deserialize, Serialize};

/// What one step does; operands are registers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// a + b
    Add(usize, usize),
    /// a − b
    Sub(usize, usize),
    /// a · b
    Mul(usize, usize),
    /// a / b; absent where b is 0.
    Div(usize, usize),
    /// −a
    Neg(usize),
    /// |a|
    Abs(usize),
    /// Natural logarithm; absent where a is not above 0.
    Ln(usize),
    /// e^a
    Exp(usize),
    /// Square root; absent where a is below 0.
    Sqrt(usize),
    /// The lesser of both.
    Least(usize, usize),
    /// b where a is above 0, else absent.
    Where(usize, usize),
    /// a, or b where a is absent.
    Otherwise(usize, usize),
    /// 1 where a is there, else 0.
    Known(usize),
}

impl Step {
    /// Returns the registers that it reads.
    pub fn operands(self) -> (usize, Option<usize>) {
        use Step::{Abs, Add, Div, Exp, Known, Least, Ln, Mul, Neg, Otherwise, Sqrt, Sub, Where};
        match self {
            Add(a, b) | Sub(a, b) | Mul(a, b) | Div(a, b) | Least(a, b) | Where(a, b) | Otherwise(a, b) => {
                (a, Some(b))
            }
            Neg(a) | Abs(a) | Ln(a) | Exp(a) | Sqrt(a) | Known(a) => (a, None),
        }
    }

    /// Computes it for many rows: `before` has so many rows of each register; what is not finite is absent.
    pub fn apply(self, before: &[f64], rows: usize, into: &mut [f64]) {
        let of = |register: usize| before.get(register * rows..(register + 1) * rows).unwrap_or_default();
        let one = |a: usize, into: &mut [f64], made: fn(f64) -> f64| {
            for (into, a) in into.iter_mut().zip(of(a)) {
                *into = present(made(*a));
            }
        };
        match self {
            Self::Add(a, b) => both(of(a), of(b), into, |a, b| a + b),
            Self::Sub(a, b) => both(of(a), of(b), into, |a, b| a - b),
            Self::Mul(a, b) => both(of(a), of(b), into, |a, b| a * b),
            Self::Div(a, b) => both(of(a), of(b), into, |a, b| a / b),
            Self::Neg(a) => one(a, into, |a| -a),
            Self::Abs(a) => one(a, into, f64::abs),
            Self::Ln(a) => one(a, into, f64::ln),
            Self::Exp(a) => one(a, into, f64::exp),
            Self::Sqrt(a) => one(a, into, f64::sqrt),
            Self::Least(a, b) => {
                both(of(a), of(b), into, |a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) });
            }
            Self::Where(a, b) => both(of(a), of(b), into, |a, b| if a > 0.0 { b } else { f64::NAN }),
            Self::Otherwise(a, b) => both(of(a), of(b), into, |a, b| if a.is_nan() { b } else { a }),
            Self::Known(a) => one(a, into, |a| if a.is_nan() { 0.0 } else { 1.0 }),
        }
    }
}

#[inline]
fn both(a: &[f64], b: &[f64], into: &mut [f64], made: impl Fn(f64, f64) -> f64) {
    for (into, (a, b)) in into.iter_mut().zip(a.iter().zip(b)) {
        *into = present(made(*a, *b));
    }
}

#[inline]
fn present(value: f64) -> f64 {
    if value.is_finite() {
        value
    } else {
        f64::NAN
    }
}
