//! The windows of one chain: rows in, in the order of their places; features of the asked ones out, of what came before each.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::aggregate::Aggregate;
use crate::error::WindowError;
use crate::plan::{Plan, Statistic};
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

/// What is kept of a key, in one place for all copies of an engine in which it is the same.
#[derive(Debug, Clone, Default, PartialEq)]
struct Shared(Arc<OfKey>);

impl Serialize for Shared {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Shared {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        OfKey::deserialize(deserializer).map(|of_key| Self(Arc::new(of_key)))
    }
}

/// Everything that a stream left behind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct State {
    began_ns: Option<i64>,
    now_ns: i64,
    swept_ns: i64,
    place: u64,
    series: Vec<FxHashMap<Key, Shared>>,
}

/// Keeps windows and makes features.
#[derive(Debug, Clone, PartialEq)]
pub struct Engine {
    plan: Plan,
    lookups: Vec<Lookup>,
    state: State,
}

/// What is read of one series for one of the asked row's keys.
#[derive(Debug, Clone, PartialEq)]
struct Lookup {
    series: usize,
    key: Option<String>,
    tracks: Vec<TrackReads>,
}

/// What is read of one track.
#[derive(Debug, Clone, PartialEq)]
struct TrackReads {
    track: usize,
    window: usize,
    /// Register, statistic, and how many values it needs.
    reads: Vec<(usize, Statistic, u64)>,
}

/// What is known of an asked batch: its facts, and the keys of each lookup.
struct Asked<'a> {
    facts: Vec<&'a [f64]>,
    keys: Vec<Option<&'a [Key]>>,
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
        let lookups = lookups_of(&plan);
        let mut engine = Self { plan, lookups, state: State::default() };
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
        let asked = batches.iter().map(|rows| self.asked(rows)).collect::<Result<Vec<_>, _>>()?;
        let mut asked_before = Vec::with_capacity(batches.len());
        let mut count = 0;
        for (rows, asked) in batches.iter().zip(&asked) {
            asked_before.push(count);
            count += asked.as_ref().map_or(0, |_| rows.len());
        }
        let mut features = vec![vec![f64::NAN; count]; self.plan.outputs.len()];
        let mut registers = Vec::new();
        for Turn { place, is_kept, batch, row } in turns {
            let Some(rows) = batches.get(batch) else { continue };
            self.advance(place, rows.time_ns.get(row).copied().unwrap_or_default());
            if is_kept {
                for feed in feeds.get(batch).into_iter().flatten() {
                    self.keep(feed, row);
                }
            } else if let Some(Some(asked)) = asked.get(batch) {
                self.ask(asked, row, &mut registers);
                let at = asked_before.get(batch).copied().unwrap_or_default() + row;
                self.write(&registers, at, &mut features);
            }
        }
        Ok(features)
    }

    /// Returns the features that asked rows would have after all that was taken, column by column; nothing is kept of them.
    ///
    /// # Errors
    /// `Plan`, where they lack what it names, or are not asked ones.
    pub fn peek(&mut self, rows: &Rows) -> Result<Vec<Vec<f64>>, WindowError> {
        let asked = self.asked(rows)?;
        let asked = asked.ok_or_else(|| WindowError::Plan(format!("{}, which nobody asks", rows.source)))?;
        let mut features = vec![vec![f64::NAN; rows.len()]; self.plan.outputs.len()];
        let mut registers = Vec::new();
        for row in 0..rows.len() {
            self.ask(&asked, row, &mut registers);
            self.write(&registers, row, &mut features);
        }
        Ok(features)
    }

    fn write(&self, registers: &[f64], at: usize, features: &mut [Vec<f64>]) {
        for (output, column) in self.plan.outputs.iter().zip(features) {
            let value = registers.get(output.register).copied().unwrap_or(f64::NAN);
            if let Some(cell) = column.get_mut(at) {
                *cell = output.told(value);
            }
        }
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

    /// Returns what is asked of a batch; `None` where nothing is.
    fn asked<'a>(&self, rows: &'a Rows) -> Result<Option<Asked<'a>>, WindowError> {
        if rows.source != self.plan.asked {
            return Ok(None);
        }
        let lacking = |name: &str| WindowError::Plan(format!("{name}, which {} has not", rows.source));
        let facts = self.plan.facts.iter().map(|name| rows.measure(name).ok_or_else(|| lacking(name)));
        let keys = self.lookups.iter().map(|lookup| match &lookup.key {
            None => Ok(None),
            Some(name) => rows.key(name).map(Some).ok_or_else(|| lacking(name)),
        });
        Ok(Some(Asked { facts: facts.collect::<Result<_, _>>()?, keys: keys.collect::<Result<_, _>>()? }))
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
                series.retain(|_, of_key| of_key.0.last_ns > silent_since_ns);
            }
        }
    }

    fn keep(&mut self, feed: &Feed<'_>, row: usize) {
        let key = feed.keys.map_or(Some(0), |keys| keys.get(row).copied().filter(|key| *key != 0));
        let (Some(key), Some(series)) = (key, self.plan.series.get(feed.series)) else { return };
        let Some(kept) = self.state.series.get_mut(feed.series) else { return };
        let now_ns = self.state.now_ns;
        let of_key = kept.entry(key).or_insert_with(|| {
            let tracks = series.tracks.iter().map(|_| Kept::default()).collect();
            Shared(Arc::new(OfKey { last_ns: now_ns, tracks }))
        });
        let of_key = Arc::make_mut(&mut of_key.0);
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
    fn ask(&mut self, asked: &Asked<'_>, row: usize, registers: &mut Vec<f64>) {
        registers.clear();
        registers.extend(asked.facts.iter().map(|fact| fact.get(row).copied().unwrap_or(f64::NAN)));
        registers.extend(&self.plan.constants);
        registers.resize(registers.len() + self.plan.reads.len(), f64::NAN);
        for (lookup, keys) in self.lookups.iter().zip(&asked.keys) {
            let key = keys.map_or(Some(0), |keys| keys.get(row).copied().filter(|key| *key != 0));
            if let Some(key) = key {
                look_up(&self.plan, &mut self.state, lookup, key, registers);
            }
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

fn lookups_of(plan: &Plan) -> Vec<Lookup> {
    let first = plan.facts.len() + plan.constants.len();
    let mut lookups: Vec<Lookup> = Vec::new();
    for (number, read) in plan.reads.iter().enumerate() {
        let Some(track) = plan.track(read) else { continue };
        let is_same = |lookup: &Lookup| lookup.series == read.series && lookup.key == read.key;
        let at = lookups.iter().position(is_same).unwrap_or_else(|| {
            lookups.push(Lookup { series: read.series, key: read.key.clone(), tracks: Vec::new() });
            lookups.len() - 1
        });
        let Some(lookup) = lookups.get_mut(at) else { continue };
        let one = (first + number, read.statistic, read.values_min);
        if let Some(reads) = lookup.tracks.iter_mut().find(|reads| reads.track == read.track) {
            reads.reads.push(one);
        } else {
            let reads = TrackReads { track: read.track, window: track.window, reads: vec![one] };
            lookup.tracks.push(reads);
        }
    }
    lookups
}

fn look_up(plan: &Plan, state: &mut State, lookup: &Lookup, key: Key, registers: &mut [f64]) {
    let now_ns = state.now_ns;
    let age_ns = state.began_ns.map_or(0, |began_ns| now_ns.saturating_sub(began_ns));
    let mut of_key = state.series.get_mut(lookup.series).and_then(|series| series.get_mut(&key));
    for reads in &lookup.tracks {
        let Some(span) = plan.windows.get(reads.window).copied() else { continue };
        let kept = of_key.as_ref().and_then(|of_key| of_key.0.tracks.get(reads.track));
        let whole = kept.map_or(Aggregate::EMPTY, |kept| kept.window.at(span, now_ns));
        for (register, statistic, values_min) in &reads.reads {
            let value = match statistic {
                // the last is what it is, however long it was watched
                Statistic::Last if whole.count >= *values_min => statistic.of(&whole),
                _ if age_ns < span.span_ns => f64::NAN,
                Statistic::Count => statistic.of(&whole),
                _ if whole.count < *values_min => f64::NAN,
                Statistic::Quantile(share) => of_key
                    .as_mut()
                    .and_then(|of_key| Arc::make_mut(&mut of_key.0).tracks.get_mut(reads.track))
                    .and_then(|kept| kept.quantiles.as_mut()?.at(span, now_ns, *share))
                    .unwrap_or(f64::NAN),
                statistic => statistic.of(&whole),
            };
            if let Some(into) = registers.get_mut(*register) {
                *into = value;
            }
        }
    }
}
