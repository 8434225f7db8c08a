//! What a plan comes to for an engine: which slots stand for which track, and which are read for which register.

use crate::aggregate::{width, Kind};
use crate::plan::{Plan, Series, Statistic};
use crate::window::Span;

/// How what is kept of one series' keys lies.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// The measures of its tracks, each once.
    pub measures: Vec<String>,
    /// Its windows.
    pub windows: Vec<WindowLayout>,
    /// Of which measures and windows quantiles are kept.
    pub quantiles: Vec<(usize, Span)>,
}

/// The tracks of one window, in a row of slots.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowLayout {
    pub span: Span,
    /// Of each track, what is kept.
    pub kinds: Vec<Kind>,
    /// Of each track, the number of the measure.
    pub measures: Vec<usize>,
}

/// What is read of one series for one of the asked row's keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Lookup {
    pub series: usize,
    pub key: Option<String>,
    /// By number of the window, those of which something is read.
    pub windows: Vec<(usize, Vec<Reading>)>,
}

/// One statistic into one register.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    pub register: usize,
    pub statistic: Statistic,
    /// How many values it needs.
    pub values_min: f64,
    /// Where the track's slots begin in the window's row, and end.
    pub slots: (usize, usize),
    /// The number of the quantiles, where it is one.
    pub quantiles: Option<usize>,
}

impl Reading {
    /// Returns the track's slots of a window's row.
    fn slots<'a>(&self, row: &'a [f64]) -> &'a [f64] {
        row.get(self.slots.0..self.slots.1).unwrap_or_default()
    }

    /// Says whether there are as many values as it needs.
    pub fn is_enough(&self, row: &[f64]) -> bool {
        self.slots(row).first().is_some_and(|count| *count >= self.values_min)
    }

    /// Returns it of a window's row, unless it is a quantile; NaN where it is absent.
    pub fn of(&self, row: &[f64], is_full: bool) -> f64 {
        let is_told = match self.statistic {
            // the last is what it is, however long it was watched
            Statistic::Last => self.is_enough(row),
            Statistic::Count => is_full,
            _ => is_full && self.is_enough(row),
        };
        if is_told {
            self.statistic.of(self.slots(row))
        } else {
            f64::NAN
        }
    }
}

impl Layout {
    /// Returns the layout of the series `number` of a plan.
    pub fn of(plan: &Plan, number: usize, series: &Series) -> Self {
        let mut layout = Self { measures: Vec::new(), windows: Vec::new(), quantiles: Vec::new() };
        for track in &series.tracks {
            let Some(span) = plan.windows.get(track.window).copied() else { continue };
            let measure =
                place_of(&mut layout.measures, |one| *one == track.measure, || track.measure.clone());
            let made = || WindowLayout { span, kinds: Vec::new(), measures: Vec::new() };
            let window = place_of(&mut layout.windows, |one| one.span == span, made);
            let reads =
                plan.reads.iter().filter(|read| read.series == number && plan.track(read) == Some(track));
            if let Some(window) = layout.windows.get_mut(window) {
                window.kinds.push(reads.fold(Kind::Count, |kind, read| kind.with(read.statistic.kind())));
                window.measures.push(measure);
            }
            if track.has_quantiles {
                layout.quantiles.push((measure, span));
            }
        }
        layout
    }

    /// Returns where a track lies: its window, the bounds of its slots, and its quantiles.
    fn find(&self, measure: &str, span: Span) -> Option<(usize, (usize, usize), Option<usize>)> {
        let measure = self.measures.iter().position(|one| one == measure)?;
        let number = self.windows.iter().position(|one| one.span == span)?;
        let window = self.windows.get(number)?;
        let track = window.measures.iter().position(|one| *one == measure)?;
        let first = width(window.kinds.get(..track)?);
        let last = first + window.kinds.get(track)?.width();
        Some((number, (first, last), self.quantiles.iter().position(|one| *one == (measure, span))))
    }
}

/// Returns what is looked up for an asked row.
pub fn lookups(plan: &Plan, layouts: &[Layout]) -> Vec<Lookup> {
    let first = plan.facts.len() + plan.constants.len();
    let mut lookups: Vec<Lookup> = Vec::new();
    for (number, read) in plan.reads.iter().enumerate() {
        let (Some(track), Some(layout)) = (plan.track(read), layouts.get(read.series)) else { continue };
        let Some(span) = plan.windows.get(track.window).copied() else { continue };
        let Some((window, slots, quantiles)) = layout.find(&track.measure, span) else { continue };
        let is_same = |one: &Lookup| one.series == read.series && one.key == read.key;
        let made = || Lookup { series: read.series, key: read.key.clone(), windows: Vec::new() };
        let lookup = place_of(&mut lookups, is_same, made);
        let Some(lookup) = lookups.get_mut(lookup) else { continue };
        let of_window = place_of(&mut lookup.windows, |one| one.0 == window, || (window, Vec::new()));
        if let Some((_, readings)) = lookup.windows.get_mut(of_window) {
            readings.push(Reading {
                register: first + number,
                statistic: read.statistic,
                values_min: crate::aggregate::float(read.values_min),
                slots,
                quantiles,
            });
        }
    }
    lookups
}

/// Returns the place of what is sought, which is made where it is not there.
fn place_of<T>(among: &mut Vec<T>, is_sought: impl Fn(&T) -> bool, made: impl FnOnce() -> T) -> usize {
    among.iter().position(is_sought).unwrap_or_else(|| {
        among.push(made());
        among.len() - 1
    })
}
