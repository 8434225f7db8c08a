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

    /// Returns its value; what is not finite is absent.
    pub fn apply(self, registers: &[f64]) -> f64 {
        let at = |register: usize| registers.get(register).copied().unwrap_or(f64::NAN);
        let value = match self {
            Self::Add(a, b) => at(a) + at(b),
            Self::Sub(a, b) => at(a) - at(b),
            Self::Mul(a, b) => at(a) * at(b),
            Self::Div(a, b) => at(a) / at(b),
            Self::Neg(a) => -at(a),
            Self::Abs(a) => at(a).abs(),
            Self::Ln(a) => at(a).ln(),
            Self::Exp(a) => at(a).exp(),
            Self::Sqrt(a) => at(a).sqrt(),
            Self::Least(a, b) if at(a).is_nan() || at(b).is_nan() => f64::NAN,
            Self::Least(a, b) => at(a).min(at(b)),
            Self::Where(a, b) if at(a) > 0.0 => at(b),
            Self::Where(..) => f64::NAN,
            Self::Otherwise(a, b) if at(a).is_nan() => at(b),
            Self::Otherwise(a, _) => at(a),
            Self::Known(a) => f64::from(u8::from(!at(a).is_nan())),
        };
        if value.is_finite() {
            value
        } else {
            f64::NAN
        }
    }
}
