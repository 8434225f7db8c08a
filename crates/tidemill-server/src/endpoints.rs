//! Which of a chain's endpoints is asked first: one that failed rests, and longer each time.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::metrics::Metrics;
use crate::node::Node;
use crate::Notify;

const REST_FIRST: Duration = Duration::from_secs(1);
const REST_MAX: Duration = Duration::from_secs(60);

/// An endpoint and how it fares.
pub(crate) struct Ranked {
    pub(crate) node: Node,
    rest: Mutex<Rest>,
}

#[derive(Default)]
struct Rest {
    until: Option<Instant>,
    failures: u32,
}

/// A chain's endpoints, the preferred one first.
pub(crate) struct Endpoints {
    chain: String,
    all: Vec<Arc<Ranked>>,
    metrics: Arc<Metrics>,
    notify: Notify,
}

impl Endpoints {
    /// Returns the endpoints of `chain`; `notify` is told when one fails and when it works again.
    pub(crate) fn new(chain: String, nodes: Vec<Node>, metrics: Arc<Metrics>, notify: Notify) -> Self {
        let ranked = |node| Arc::new(Ranked { node, rest: Mutex::default() });
        Self { chain, all: nodes.into_iter().map(ranked).collect(), metrics, notify }
    }

    /// Returns which to ask one after the other: those that do not rest, then those that do; both in the order of the
    /// settings. One that is alone has a second try: behind its name may be nodes that have not all seen a block.
    pub(crate) fn in_order(&self, now: Instant) -> Vec<Arc<Ranked>> {
        let mut order = self.all.clone();
        order.sort_by_key(|one| one.is_resting(now));
        if let [alone] = self.all.as_slice() {
            order.push(Arc::clone(alone));
        }
        order
    }

    /// Notes that an endpoint answered.
    pub(crate) fn worked(&self, endpoint: &Ranked) {
        let failures = std::mem::take(&mut *endpoint.rest()).failures;
        if failures > 0 {
            (self.notify)(&format!("chain {}: {}: answers again", self.chain, endpoint.node.endpoint.name()));
        }
    }

    /// Notes that an endpoint failed; returns what to say of it.
    pub(crate) fn failed(&self, endpoint: &Ranked, fault: &str, now: Instant) -> String {
        self.metrics.failovers.count();
        endpoint.node.is_checked.store(false, Ordering::Release);
        let said = format!("{}: {fault}", endpoint.node.endpoint.name());
        let mut rest = endpoint.rest();
        let is_first = rest.failures == 0;
        let wait = REST_FIRST.saturating_mul(1 << rest.failures.min(6)).min(REST_MAX);
        *rest = Rest { until: Some(now + wait), failures: rest.failures.saturating_add(1) };
        drop(rest);
        if is_first {
            (self.notify)(&format!("chain {}: {said}", self.chain));
        }
        said
    }
}

impl Ranked {
    fn is_resting(&self, now: Instant) -> bool {
        self.rest().until.is_some_and(|until| now < until)
    }

    fn rest(&self) -> std::sync::MutexGuard<'_, Rest> {
        // Nothing that could panic runs while it is held.
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
