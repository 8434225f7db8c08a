//! The windows of one chain: rows in, in the order of their places; features of the asked ones out, of what came before each.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::aggregate::Aggregate;
use crate::error::WindowError;
use crate::plan::{Plan, Read, Statistic};
use crate::quantiles::Quantiles;
use crate::rows::{Key, Rows};
use crate::window::Window;

/// Keys that were silent for longer than every window are looked for after so much of the stream, ns.
const SWEEP_NS: i64 = 3_600_000_000_000;

/// What is kept of one measure of one key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Kept {
    window: Window,
    quantiles: Option<Box<Quantiles>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct OfKey {
    last_ns: i64,
    tracks: Vec<Kept>,
}

/// Everything that a stream left behind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct State {
    began_ns: Option<i64>,
    now_ns: i64,
    swept_ns: i64,
    place: u64,
    series: Vec<FxHashMap<Key, OfKey>>,
}

/// Keeps windows and makes features.
#[derive(Debug, Clone, PartialEq)]
pub struct Engine {
    plan: Plan,
    state: State,
}

/// A row to take: asked rows are asked before any row of their place is kept.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    place: u64,
    is_kept: bool,
    batch: usize,
    row: usize,
}

/// What is kept of a batch's rows: series, its keys, and each track's measure.
struct Feed<'a> {
    series: usize,
    keys: Option<&'a [Key]>,
    measures: Vec<&'a [f64]>,
}

impl Engine {
    /// Makes one that has seen nothing.
    pub fn new(plan: Plan) -> Self {
        let mut engine = Self { plan, state: State::default() };
        engine.state.series.resize_with(engine.plan.series.len(), FxHashMap::default);
        engine
    }

    /// Returns its plan.
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns the place of the last row: those after it may come.
    pub const fn place(&self) -> u64 {
        self.state.place
    }

    /// Returns how many keys it keeps.
    pub fn keys(&self) -> usize {
        self.state.series.iter().map(FxHashMap::len).sum()
    }

    /// Takes rows and returns the features of the asked ones, column by column, in the order of batches and rows; NaN is absent.
    ///
    /// # Errors
    /// `Late`, where a row lies before what was taken already, and then none is taken; `Plan`, where it names what the rows lack.
    pub fn run(&mut self, batches: &[Rows]) -> Result<Vec<Vec<f64>>, WindowError> {
        let turns = self.turns(batches)?;
        let feeds = self.feeds(batches)?;
        let mut asked_before = Vec::with_capacity(batches.len());
        let mut asked = 0;
        for rows in batches {
            asked_before.push(asked);
            asked += if rows.source == self.plan.asked { rows.len() } else { 0 };
        }
        let facts = self.facts(batches)?;
        let mut features = vec![vec![f64::NAN; asked]; self.plan.outputs.len()];
        let mut registers = Vec::new();
        for Turn { place, is_kept, batch, row } in turns {
            let Some(rows) = batches.get(batch) else { continue };
            self.advance(place, rows.time_ns.get(row).copied().unwrap_or_default());
            if is_kept {
                for feed in feeds.get(batch).into_iter().flatten() {
                    self.keep(feed, row);
                }
            } else {
                self.ask(rows, row, facts.get(batch).map_or(&[], Vec::as_slice), &mut registers);
                let at = asked_before.get(batch).copied().unwrap_or_default() + row;
                for (output, column) in self.plan.outputs.iter().zip(&mut features) {
                    let value = registers.get(output.register).copied().unwrap_or(f64::NAN);
                    if let Some(cell) = column.get_mut(at) {
                        *cell = output.bounded(value);
                    }
                }
            }
        }
        Ok(features)
    }

    fn turns(&self, batches: &[Rows]) -> Result<Vec<Turn>, WindowError> {
        let mut turns = Vec::new();
        for (batch, rows) in batches.iter().enumerate() {
            let is_asked = rows.source == self.plan.asked;
            for (row, place) in rows.place.iter().enumerate() {
                if is_asked {
                    turns.push(Turn { place: *place, is_kept: false, batch, row });
                }
                turns.push(Turn { place: *place, is_kept: true, batch, row });
            }
        }
        turns.sort_unstable();
        match turns.first() {
            Some(first) if first.place < self.state.place => {
                Err(WindowError::Late { expected: self.state.place, found: first.place })
            }
            _ => Ok(turns),
        }
    }

    fn feeds<'a>(&self, batches: &'a [Rows]) -> Result<Vec<Vec<Feed<'a>>>, WindowError> {
        let lacking = |source: &str, name: &str| WindowError::Plan(format!("{name}, which {source} has not"));
        let mut feeds = Vec::with_capacity(batches.len());
        for rows in batches {
            let mut of_batch = Vec::new();
            for (number, series) in self.plan.series.iter().enumerate() {
                if series.source != rows.source {
                    continue;
                }
                let keys = match &series.key {
                    None => None,
                    Some(name) => Some(rows.key(name).ok_or_else(|| lacking(rows.source, name))?),
                };
                let measures = series.tracks.iter().map(|track| {
                    rows.measure(&track.measure).ok_or_else(|| lacking(rows.source, &track.measure))
                });
                of_batch.push(Feed { series: number, keys, measures: measures.collect::<Result<_, _>>()? });
            }
            feeds.push(of_batch);
        }
        Ok(feeds)
    }

    fn facts<'a>(&self, batches: &'a [Rows]) -> Result<Vec<Vec<&'a [f64]>>, WindowError> {
        let of_batch = |rows: &'a Rows| -> Result<Vec<&'a [f64]>, WindowError> {
            if rows.source != self.plan.asked {
                return Ok(Vec::new());
            }
            let found = self.plan.facts.iter().map(|name| {
                rows.measure(name).ok_or_else(|| WindowError::Plan(format!("{name}, which is no fact")))
            });
            found.collect()
        };
        batches.iter().map(of_batch).collect()
    }

    /// Moves on to a row; time does not go back.
    fn advance(&mut self, place: u64, time_ns: i64) {
        let state = &mut self.state;
        if state.began_ns.is_none() {
            (state.began_ns, state.now_ns, state.swept_ns) = (Some(time_ns), time_ns, time_ns);
        }
        state.place = place;
        state.now_ns = state.now_ns.max(time_ns);
        if state.now_ns.saturating_sub(state.swept_ns) >= SWEEP_NS {
            state.swept_ns = state.now_ns;
            let longest_ns = self.plan.windows.iter().map(|span| span.span_ns).max().unwrap_or_default();
            let silent_since_ns = state.now_ns.saturating_sub(longest_ns);
            for series in &mut state.series {
                series.retain(|_, of_key| of_key.last_ns > silent_since_ns);
            }
        }
    }

    fn keep(&mut self, feed: &Feed<'_>, row: usize) {
        let key = feed.keys.map_or(Some(0), |keys| keys.get(row).copied().filter(|key| *key != 0));
        let (Some(key), Some(series)) = (key, self.plan.series.get(feed.series)) else { return };
        let Some(kept) = self.state.series.get_mut(feed.series) else { return };
        let now_ns = self.state.now_ns;
        let of_key = kept.entry(key).or_insert_with(|| OfKey {
            last_ns: now_ns,
            tracks: series.tracks.iter().map(|_| Kept::default()).collect(),
        });
        of_key.last_ns = now_ns;
        for ((track, kept), measure) in series.tracks.iter().zip(&mut of_key.tracks).zip(&feed.measures) {
            let value = measure.get(row).copied().filter(|value| value.is_finite());
            let (Some(value), Some(span)) = (value, self.plan.windows.get(track.window)) else { continue };
            kept.window.add(*span, now_ns, value);
            if track.has_quantiles {
                kept.quantiles.get_or_insert_default().add(*span, now_ns, value);
            }
        }
    }

    /// Fills the registers for an asked row.
    fn ask(&mut self, rows: &Rows, row: usize, facts: &[&[f64]], registers: &mut Vec<f64>) {
        registers.clear();
        registers.extend(facts.iter().map(|fact| fact.get(row).copied().unwrap_or(f64::NAN)));
        registers.extend(&self.plan.constants);
        for read in &self.plan.reads {
            registers.push(read_of(&self.plan, &mut self.state, read, rows, row));
        }
        for step in &self.plan.steps {
            registers.push(step.apply(registers));
        }
    }

    /// Returns all that it keeps, as bytes.
    ///
    /// # Errors
    /// `State`, where it cannot be spelled, which would be a bug of this crate.
    pub fn save(&self) -> Result<Vec<u8>, WindowError> {
        let plan = self.plan_text()?;
        postcard::to_stdvec(&(plan, &self.state)).map_err(|error| WindowError::State(error.to_string()))
    }

    /// Takes up what was saved.
    ///
    /// # Errors
    /// `State`, where another plan saved it, or it is broken.
    pub fn restore(&mut self, saved: &[u8]) -> Result<(), WindowError> {
        let (plan, state): (String, State) =
            postcard::from_bytes(saved).map_err(|error| WindowError::State(error.to_string()))?;
        if plan != self.plan_text()? || state.series.len() != self.plan.series.len() {
            return Err(WindowError::State("found another plan's".to_owned()));
        }
        self.state = state;
        Ok(())
    }

    fn plan_text(&self) -> Result<String, WindowError> {
        serde_json::to_string(&self.plan).map_err(|error| WindowError::State(error.to_string()))
    }
}

fn read_of(plan: &Plan, state: &mut State, read: &Read, rows: &Rows, row: usize) -> f64 {
    let Some(track) = plan.track(read) else { return f64::NAN };
    let Some(span) = plan.windows.get(track.window).copied() else { return f64::NAN };
    let is_warm =
        state.began_ns.is_some_and(|began_ns| state.now_ns.saturating_sub(began_ns) >= span.span_ns);
    if !is_warm && read.statistic != Statistic::Last {
        return f64::NAN;
    }
    let key = match &read.key {
        None => 0,
        Some(name) => match rows.key(name).and_then(|keys| keys.get(row)) {
            Some(key) if *key != 0 => *key,
            _ => return f64::NAN,
        },
    };
    let now_ns = state.now_ns;
    let of_key = state.series.get_mut(read.series).and_then(|series| series.get_mut(&key));
    let Some(kept) = of_key.and_then(|of_key| of_key.tracks.get_mut(read.track)) else {
        return read.statistic.of(&Aggregate::EMPTY);
    };
    let whole = kept.window.at(span, now_ns);
    match read.statistic {
        Statistic::Count => read.statistic.of(&whole),
        _ if whole.count < read.values_min => f64::NAN,
        Statistic::Quantile(share) => kept
            .quantiles
            .as_mut()
            .and_then(|quantiles| quantiles.at(span, now_ns, share))
            .unwrap_or(f64::NAN),
        statistic => statistic.of(&whole),
    }
}
