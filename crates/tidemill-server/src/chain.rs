//! One chain's pools: who asks first has the chain asked, who asks the same meanwhile waits for the same answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tidemill_pools::query::Kind;
use tidemill_pools::Address;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::{watch, Semaphore, SemaphorePermit};

use crate::body::Reserves;
use crate::cache::Cache;
use crate::fault::Fault;
use crate::metrics::Metrics;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) address: Address,
    /// What the pool is said to be; none: anything.
    pub(crate) kinds: &'static [Kind],
}

/// What the chain said of a pool.
pub(crate) type Outcome = Result<Arc<Reserves>, Fault>;

/// An outcome that is not there at first, and when its chain was asked.
type Slot = Option<(Instant, Outcome)>;

/// A question on its way: whoever is to answer it holds one.
pub(crate) struct Ask {
    pub(crate) key: Key,
    sender: watch::Sender<Slot>,
}

struct Flight {
    /// Absent until the chain is asked.
    asked: Option<Instant>,
    receiver: watch::Receiver<Slot>,
}

struct Desk {
    cache: Cache<Key, Outcome>,
    flights: HashMap<Key, Flight>,
}

enum Found<'a> {
    Known(Instant, Outcome),
    Waiting(watch::Receiver<Slot>, SemaphorePermit<'a>),
}

/// The pools of one chain.
pub(crate) struct Chain {
    name: String,
    cache_duration: Duration,
    waiting_max: usize,
    waiting: Semaphore,
    desk: Mutex<Desk>,
    asks: mpsc::Sender<Ask>,
    metrics: Arc<Metrics>,
}

/// How much of a chain is kept, and how much may be wanted of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChainLimits {
    pub(crate) cache_duration: Duration,
    pub(crate) cache_pools_max: usize,
    pub(crate) waiting_max: usize,
}

impl Chain {
    /// Returns the pools of the chain `name`, and the questions that somebody has to answer.
    pub(crate) fn new(
        name: String,
        limits: ChainLimits,
        metrics: Arc<Metrics>,
    ) -> (Arc<Self>, mpsc::Receiver<Ask>) {
        let (asks, receiver) = mpsc::channel(limits.waiting_max);
        let cache = Cache::new(limits.cache_duration, limits.cache_pools_max);
        let chain = Self {
            name,
            cache_duration: limits.cache_duration,
            waiting_max: limits.waiting_max,
            waiting: Semaphore::new(limits.waiting_max),
            desk: Mutex::new(Desk { cache, flights: HashMap::new() }),
            asks,
            metrics,
        };
        (Arc::new(chain), receiver)
    }

    /// Returns the chain's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns what the pool holds, and when the chain was asked.
    pub(crate) async fn reserves(&self, key: Key) -> Result<(Instant, Arc<Reserves>), Fault> {
        loop {
            let began = Instant::now();
            let (asked, outcome) = match self.find(key, began)? {
                Found::Known(asked, outcome) => (asked, outcome),
                Found::Waiting(mut receiver, _permit) => {
                    let told = receiver.wait_for(Option::is_some).await.map_err(|_| Fault::Stopping)?;
                    told.clone().ok_or(Fault::Stopping)?
                }
            };
            // Another one's question may have taken so long that its answer is too old by now.
            if asked >= began || asked.elapsed() < self.cache_duration {
                return outcome.map(|reserves| (asked, reserves));
            }
        }
    }

    /// Returns what is known, or a place among those who wait.
    fn find(&self, key: Key, now: Instant) -> Result<Found<'_>, Fault> {
        let mut desk = self.desk();
        if let Some((asked, outcome)) = desk.cache.get(&key, now) {
            self.metrics.cached.count();
            return Ok(Found::Known(asked, outcome));
        }
        let permit = self.waiting.try_acquire().map_err(|_| self.busy())?;
        if let Some(flight) = desk.flights.get(&key) {
            // What was asked too long ago would be too old when it comes; a question that ended will never answer.
            let is_fresh = flight.asked.is_none_or(|asked| desk.cache.is_fresh(asked, now));
            if is_fresh && flight.receiver.has_changed().is_ok() {
                self.metrics.joined.count();
                return Ok(Found::Waiting(flight.receiver.clone(), permit));
            }
        }
        let (sender, receiver) = watch::channel(None);
        self.asks.try_send(Ask { key, sender }).map_err(|error| match error {
            TrySendError::Full(_) => self.busy(),
            TrySendError::Closed(_) => Fault::Stopping,
        })?;
        desk.flights.insert(key, Flight { asked: None, receiver: receiver.clone() });
        Ok(Found::Waiting(receiver, permit))
    }

    /// Notes that the chain is asked now; returns the questions that somebody still waits for.
    pub(crate) fn depart(&self, asks: Vec<Ask>, now: Instant) -> Vec<Ask> {
        let mut desk = self.desk();
        let mut wanted = Vec::with_capacity(asks.len());
        for ask in asks {
            let is_current = desk.flights.get(&ask.key).is_some_and(|flight| flight.is_of(&ask));
            // The desk's own receiver is one of them.
            if ask.sender.receiver_count() > usize::from(is_current) {
                if let Some(flight) = desk.flights.get_mut(&ask.key).filter(|_| is_current) {
                    flight.asked = Some(now);
                }
                wanted.push(ask);
            } else if is_current {
                desk.flights.remove(&ask.key);
            }
        }
        wanted
    }

    /// Answers a question that was sent at `asked`.
    pub(crate) fn arrive(&self, ask: &Ask, outcome: Outcome, asked: Instant) {
        let mut desk = self.desk();
        if desk.flights.get(&ask.key).is_some_and(|flight| flight.is_of(ask)) {
            desk.flights.remove(&ask.key);
        }
        // What the chain said is kept, be it an error; that nobody could be reached is not.
        if !matches!(outcome, Err(Fault::Endpoint { .. })) {
            desk.cache.put(ask.key, outcome.clone(), asked, Instant::now());
        }
        ask.sender.send_replace(Some((asked, outcome)));
    }

    fn busy(&self) -> Fault {
        self.metrics.shed.count();
        Fault::Busy { chain: self.name.clone(), waiting_max: self.waiting_max }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        // Nothing that could panic runs while it is held.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    fn is_of(&self, ask: &Ask) -> bool {
        self.receiver.same_channel(&ask.sender.subscribe())
    }
}
