//! How many queries were answered, how, and how fast.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// One number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub(crate) fn count(&self) {
        self.add(1);
    }

    fn add(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The server's counters; a query is one `POST /api/pool`, whatever came of it.
#[derive(Debug)]
pub(crate) struct Metrics {
    started: Instant,
    success: Counter,
    failed: Counter,
    response_ns: Counter,
    /// Queries that the cache answered.
    pub(crate) cached: Counter,
    /// Queries that joined a question which another one had asked.
    pub(crate) joined: Counter,
    /// Queries that were shed because too many waited.
    pub(crate) shed: Counter,
    /// `eth_call`s and other questions that were sent to endpoints.
    pub(crate) questions: Counter,
    /// Batches that an endpoint did not answer, so that the next one was asked.
    pub(crate) failovers: Counter,
}

/// What `GET /api/metrics` tells.
pub(crate) struct Summary {
    pub(crate) success: u64,
    pub(crate) failed: u64,
    pub(crate) response_ms: f64,
    pub(crate) uptime_s: u64,
}

impl Metrics {
    /// Returns counters at zero.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            started: now,
            success: Counter::default(),
            failed: Counter::default(),
            response_ns: Counter::default(),
            cached: Counter::default(),
            joined: Counter::default(),
            shed: Counter::default(),
            questions: Counter::default(),
            failovers: Counter::default(),
        }
    }

    /// Counts a query that is answered.
    pub(crate) fn answered(&self, is_success: bool, took: Duration) {
        if is_success { &self.success } else { &self.failed }.count();
        self.response_ns.add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Returns the whole seconds since the start.
    pub(crate) fn uptime_s(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.started).as_secs()
    }

    /// Returns what `GET /api/metrics` tells.
    #[allow(clippy::cast_precision_loss)] // a mean for show
    pub(crate) fn summary(&self, now: Instant) -> Summary {
        let (success, failed) = (self.success.get(), self.failed.get());
        let response_ms = self.response_ns.get() as f64 / (success + failed).max(1) as f64 / 1e6;
        Summary { success, failed, response_ms, uptime_s: self.uptime_s(now) }
    }

    /// Returns all counters as Prometheus reads them.
    #[allow(clippy::cast_precision_loss)] // seconds for show
    pub(crate) fn prometheus(&self, now: Instant) -> String {
        let mut text = String::new();
        let mut tell = |name: &str, what: &str, kind: &str, value: String| {
            let name = format!("tidemill_pool_server_{name}");
            let _ = writeln!(text, "# HELP {name} {what}\n# TYPE {name} {kind}\n{name} {value}");
        };
        let seconds = self.response_ns.get() as f64 / 1e9;
        tell("uptime_seconds", "Since the start.", "gauge", self.uptime_s(now).to_string());
        tell("response_seconds_total", "All queries' times, added up.", "counter", seconds.to_string());
        let counters = [
            ("queries_success_total", "Queries that were answered with reserves.", &self.success),
            ("queries_failed_total", "Queries that were answered with an error.", &self.failed),
            ("queries_cached_total", "Queries that the cache answered.", &self.cached),
            ("queries_joined_total", "Queries that joined another one's question.", &self.joined),
            ("queries_shed_total", "Queries that were shed, as too many waited.", &self.shed),
            ("questions_total", "Questions that were sent to endpoints.", &self.questions),
            ("failovers_total", "Batches that an endpoint left without an answer.", &self.failovers),
        ];
        for (name, what, counter) in counters {
            tell(name, what, "counter", counter.get().to_string());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_of_all_queries_and_zero_of_none() {
        let now = Instant::now();
        let metrics = Metrics::new(now);
        assert!(metrics.summary(now).response_ms.abs() < f64::EPSILON);
        metrics.answered(true, Duration::from_millis(3));
        metrics.answered(false, Duration::from_millis(1));
        let summary = metrics.summary(now + Duration::from_secs(90));
        assert_eq!((summary.success, summary.failed, summary.uptime_s), (1, 1, 90));
        assert!((summary.response_ms - 2.0).abs() < 1e-9);
    }

    #[test]
    fn prometheus_is_told_every_counter_with_its_type() {
        let now = Instant::now();
        let metrics = Metrics::new(now);
        metrics.shed.count();
        let text = metrics.prometheus(now);
        assert!(text.contains("# TYPE tidemill_pool_server_queries_shed_total counter\n"));
        assert!(text.contains("\ntidemill_pool_server_queries_shed_total 1\n"));
    }
}
