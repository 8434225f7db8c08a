//! The windows of one chain: rows in, in the order of their places; features of the asked ones out, of what came before each.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::aggregate::width;
use crate::error::WindowError;
use crate::layout::{lookups, Layout, Lookup};
use crate::plan::{Plan, Statistic};
use crate::quantiles::Quantiles;
use crate::registers::Registers;
use crate::rows::{Key, Rows};
use crate::window::{Span, Window};

/// How what is saved is laid out: of another it is not taken up.
const FORMAT: &str = "2";
/// Keys that were silent for longer than every window are looked for after so much of the stream, ns.
const SWEEP_NS: i64 = 3_600_000_000_000;

/// What is kept of one key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct OfKey {
    last_ns: i64,
    windows: Vec<Window>,
    quantiles: Vec<Quantiles>,
}

/// What is kept of a key, in one place for all copies of an engine in which it is the same.
#[derive(Debug, Clone, Default, PartialEq)]
struct Shared(Arc<OfKey>);

impl Shared {
    fn of(layout: &Layout) -> Self {
        Self(Arc::new(OfKey {
            last_ns: 0,
            windows: vec![Window::default(); layout.windows.len()],
            quantiles: vec![Quantiles::default(); layout.quantiles.len()],
        }))
    }

    /// Returns a quantile; what is shared is copied only where something of it expired.
    fn quantile(&mut self, number: usize, span: Span, now_ns: i64, share: f64) -> Option<f64> {
        if !self.0.quantiles.get(number)?.is_current(span, now_ns) {
            Arc::make_mut(&mut self.0).quantiles.get_mut(number)?.expire(span, now_ns);
        }
        self.0.quantiles.get(number)?.at(share)
    }
}

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
    layouts: Vec<Layout>,
    lookups: Vec<Lookup>,
    state: State,
    /// Where a window's row is put together.
    row: Vec<f64>,
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

/// What is kept of a batch's rows: series, its keys, and its measures.
struct Feed<'a> {
    series: usize,
    keys: Option<&'a [Key]>,
    measures: Vec<&'a [f64]>,
}

impl Engine {
    /// Makes one that has seen nothing.
    pub fn new(plan: Plan) -> Self {
        let series = plan.series.iter().enumerate();
        let layouts: Vec<_> = series.map(|(number, series)| Layout::of(&plan, number, series)).collect();
        let lookups = lookups(&plan, &layouts);
        let mut engine = Self { plan, layouts, lookups, state: State::default(), row: Vec::new() };
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
        let mut registers = Registers::new(&self.plan, count);
        let mut values = Vec::new();
        for Turn { place, is_kept, batch, row } in turns {
            let Some(rows) = batches.get(batch) else { continue };
            self.advance(place, rows.time_ns.get(row).copied().unwrap_or_default());
            if is_kept {
                for feed in feeds.get(batch).into_iter().flatten() {
                    self.keep(feed, row, &mut values);
                }
            } else if let Some(Some(asked)) = asked.get(batch) {
                self.ask(asked, row, &mut registers);
                let at = asked_before.get(batch).copied().unwrap_or_default() + row;
                registers.next(at, &self.plan, &mut features);
            }
        }
        registers.tell(&self.plan, &mut features);
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
        let mut registers = Registers::new(&self.plan, rows.len());
        for row in 0..rows.len() {
            self.ask(&asked, row, &mut registers);
            registers.next(row, &self.plan, &mut features);
        }
        registers.tell(&self.plan, &mut features);
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
                let measures = self.layouts.get(number).into_iter().flat_map(|layout| &layout.measures);
                let measures =
                    measures.map(|name| rows.measure(name).ok_or_else(|| lacking(rows.source, name)));
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

    fn keep(&mut self, feed: &Feed<'_>, row: usize, values: &mut Vec<f64>) {
        let key = feed.keys.map_or(Some(0), |keys| keys.get(row).copied().filter(|key| *key != 0));
        let (Some(key), Some(layout)) = (key, self.layouts.get(feed.series)) else { return };
        let Some(kept) = self.state.series.get_mut(feed.series) else { return };
        let now_ns = self.state.now_ns;
        let of_key = Arc::make_mut(&mut kept.entry(key).or_insert_with(|| Shared::of(layout)).0);
        of_key.last_ns = now_ns;
        let measured = |measure: &usize| {
            feed.measures.get(*measure).and_then(|values| values.get(row)).copied().unwrap_or(f64::NAN)
        };
        for (of_window, window) in layout.windows.iter().zip(&mut of_key.windows) {
            values.clear();
            values.extend(of_window.measures.iter().map(measured));
            window.add(&of_window.kinds, of_window.span, now_ns, values);
        }
        for ((measure, span), quantiles) in layout.quantiles.iter().zip(&mut of_key.quantiles) {
            let value = measured(measure);
            if value.is_finite() {
                quantiles.add(*span, now_ns, value);
            }
        }
    }

    /// Fills the registers for an asked row.
    fn ask(&mut self, asked: &Asked<'_>, row: usize, registers: &mut Registers) {
        for (register, fact) in asked.facts.iter().enumerate() {
            registers.set(register, fact.get(row).copied().unwrap_or(f64::NAN));
        }
        let State { began_ns, now_ns, series, .. } = &mut self.state;
        let age_ns = began_ns.map_or(0, |began_ns| now_ns.saturating_sub(began_ns));
        for (lookup, keys) in self.lookups.iter().zip(&asked.keys) {
            let key = keys.map_or(Some(0), |keys| keys.get(row).copied().filter(|key| *key != 0));
            let mut found = key.and_then(|key| series.get_mut(lookup.series)?.get_mut(&key));
            let Some(layout) = self.layouts.get(lookup.series) else { continue };
            for (number, readings) in &lookup.windows {
                let Some(of_window) = layout.windows.get(*number) else { continue };
                self.row.resize(width(&of_window.kinds), 0.0);
                match found.as_ref().and_then(|found| found.0.windows.get(*number)) {
                    Some(window) => window.at(&of_window.kinds, of_window.span, *now_ns, &mut self.row),
                    None => self.row.fill(0.0),
                }
                let is_full = age_ns >= of_window.span.span_ns;
                for reading in readings {
                    let value = match reading.statistic {
                        _ if key.is_none() => f64::NAN,
                        Statistic::Quantile(share) if is_full && reading.is_enough(&self.row) => {
                            let found = found.as_mut().zip(reading.quantiles);
                            found
                                .and_then(|(found, at)| found.quantile(at, of_window.span, *now_ns, share))
                                .unwrap_or(f64::NAN)
                        }
                        _ => reading.of(&self.row, is_full),
                    };
                    registers.set(reading.register, value);
                }
            }
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
        let broken = |error: postcard::Error| WindowError::State(error.to_string());
        let (plan, state): (String, _) = postcard::take_from_bytes(saved).map_err(broken)?;
        if plan != self.plan_text()? {
            return Err(WindowError::State("found another plan's".to_owned()));
        }
        self.state = postcard::from_bytes(state).map_err(broken)?;
        self.state.series.resize_with(self.plan.series.len(), FxHashMap::default);
        Ok(())
    }

    fn plan_text(&self) -> Result<String, WindowError> {
        let plan =
            serde_json::to_string(&self.plan).map_err(|error| WindowError::State(error.to_string()))?;
        Ok(format!("{FORMAT} {plan}"))
    }
}
