//! What is kept of which events, what is read of it for an asked row, and the program that makes features of that.

use serde::{Deserialize, Serialize};

use crate::aggregate::Kind;
use crate::error::WindowError;
use crate::program::Step;
use crate::window::Span;

/// Everything that an engine does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The windows, by number.
    pub windows: Vec<Span>,
    /// What is kept of the rows of which source.
    pub series: Vec<Series>,
    /// The source whose rows get features: each of what came before it.
    pub asked: String,
    /// The measures of an asked row that are in the first registers.
    pub facts: Vec<String>,
    /// Numbers, in the registers after the facts'.
    pub constants: Vec<f64>,
    /// Statistics, in the registers after those.
    pub reads: Vec<Read>,
    /// What is computed, each into the next register.
    pub steps: Vec<Step>,
    /// The features.
    pub outputs: Vec<Output>,
}

/// What is kept for each key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The kind of its rows.
    pub source: String,
    /// Which of a row's keys they are kept by; absent where all are kept together.
    pub key: Option<String>,
    /// What is kept.
    pub tracks: Vec<Track>,
}

/// One measure in one window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Track {
    /// The measure's name.
    pub measure: String,
    /// The window's number.
    pub window: usize,
    /// Whether quantiles are read of it.
    pub has_quantiles: bool,
}

/// One statistic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Read {
    /// The number of the series.
    pub series: usize,
    /// Which of the asked row's keys to look up.
    pub key: Option<String>,
    /// The number of the track in it.
    pub track: usize,
    /// Which statistic.
    pub statistic: Statistic,
    /// It is absent where the window has fewer values.
    pub values_min: u64,
}

/// What is read of a window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// How many values; 0 where there are none.
    Count,
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// Their deviation, of the population.
    Std,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// The first.
    First,
    /// The last: the only one that does not wait until the stream is as old as the window.
    Last,
    /// The sum of changes upwards.
    Rises,
    /// The sum of changes downwards.
    Falls,
    /// The sum of squared changes.
    Squares,
    /// The value that this share does not exceed.
    Quantile(f64),
}

impl Statistic {
    /// Returns what must be kept for it; quantiles are kept elsewhere.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Count | Self::Quantile(_) => Kind::Count,
            Self::Sum | Self::Mean => Kind::Sum,
            Self::Std => Kind::Moments,
            Self::First | Self::Last => Kind::Ends,
            Self::Min | Self::Max | Self::Rises | Self::Falls | Self::Squares => Kind::Path,
        }
    }

    /// Returns it of a track's slots; NaN where they lack it, or there is no value.
    pub fn of(self, slots: &[f64]) -> f64 {
        use Statistic::{Count, Falls, First, Last, Max, Mean, Min, Rises, Squares, Std, Sum};
        match (self, slots) {
            (Count, [count, ..]) => *count,
            (_, [] | [0.0, ..]) => f64::NAN,
            (Sum, [_, sum, ..]) => *sum,
            (Mean, [count, sum, ..]) => sum / count,
            (Std, [count, _, m2, ..]) => (m2.max(0.0) / count).sqrt(),
            (First, [_, first, _] | [_, _, _, first, ..]) => *first,
            (Last, [_, _, last] | [_, _, _, _, last, ..]) => *last,
            (Min, [_, _, _, _, _, min, ..]) => *min,
            (Max, [_, _, _, _, _, _, max, ..]) => *max,
            (Rises, [.., rises, _, _]) => *rises,
            (Falls, [.., falls, _]) => *falls,
            (Squares, [.., squares]) => *squares,
            _ => f64::NAN,
        }
    }
}

/// One feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// The register that holds it.
    pub register: usize,
    /// It is not below; what rounding puts beyond is put back.
    pub least: Option<f64>,
    /// It is not above.
    pub most: Option<f64>,
}

/// What rounding may put beyond a bound.
const ROUNDING: f64 = 1e-9;
/// So many binary digits of a feature are told: eleven decimal ones, about as many as sums of a day's values have right.
const DIGITS: u32 = 37;

impl Output {
    /// Returns the value rounded to the digits that are told, and within its bounds where only rounding put it beyond.
    pub fn told(&self, value: f64) -> f64 {
        let value = rounded(value);
        let low = self.least.filter(|least| value < *least && *least - value < ROUNDING);
        let high = self.most.filter(|most| value > *most && value - *most < ROUNDING);
        low.or(high).unwrap_or(value)
    }
}

/// Returns the nearest float of so many binary digits, away from 0 where two are as near; what is none stays what it is.
fn rounded(value: f64) -> f64 {
    let unit = 1_u64 << (f64::MANTISSA_DIGITS - DIGITS);
    // a carry goes on into the exponent, as it should
    let told = f64::from_bits((value.to_bits().saturating_add(unit / 2)) & !(unit - 1));
    if value.is_finite() && told.is_finite() {
        told
    } else {
        value
    }
}

impl Plan {
    /// Reads one, and checks that all its numbers name something.
    ///
    /// # Errors
    /// `Plan`, which says what does not fit.
    pub fn parse(text: &str) -> Result<Self, WindowError> {
        let plan: Self = serde_json::from_str(text).map_err(|error| WindowError::Plan(format!("{error}")))?;
        let wrong = |what: &str| Err(WindowError::Plan(format!("a {what} that is not there")));
        if plan.windows.iter().any(|span| span.bucket_ns < 1 || span.span_ns < span.bucket_ns) {
            return Err(WindowError::Plan("a bucket is longer than its window, or empty".to_owned()));
        }
        if plan.series.iter().flat_map(|one| &one.tracks).any(|track| track.window >= plan.windows.len()) {
            return wrong("window");
        }
        if plan.reads.iter().any(|read| plan.track(read).is_none()) {
            return wrong("track");
        }
        let before = plan.facts.len() + plan.constants.len() + plan.reads.len();
        for (at, step) in plan.steps.iter().enumerate() {
            let (a, b) = step.operands();
            if a.max(b.unwrap_or(0)) >= before + at {
                return wrong("register");
            }
        }
        if plan.outputs.iter().any(|output| output.register >= before + plan.steps.len()) {
            return wrong("register");
        }
        Ok(plan)
    }

    /// Returns what a read reads.
    pub fn track(&self, read: &Read) -> Option<&Track> {
        self.series.get(read.series)?.tracks.get(read.track)
    }
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    #[allow(clippy::float_cmp)] // what has few digits is exact
    fn a_feature_is_told_to_its_digits() {
        assert_eq!(rounded(0.5), 0.5);
        assert_eq!(rounded(-123_456_789.0), -123_456_789.0);
        assert_eq!(rounded(2.0 - f64::EPSILON), 2.0);
        let third = rounded(1.0 / 3.0);
        assert!(third != 1.0 / 3.0 && (third * 3.0 - 1.0).abs() < 2e-11);
        assert!(rounded(f64::NAN).is_nan());
        assert_eq!(rounded(f64::MAX), f64::MAX);
    }
}
