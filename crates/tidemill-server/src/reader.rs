//! How questions become answers: those of a short window together, all of one block, round by round.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tidemill_pools::multicall::{Answer, Call};
use tidemill_pools::query::{Detail, Progress, Query, Reading};
use tokio::sync::{mpsc, Semaphore};

use crate::body::{checksummed, Block, Reserves};
use crate::cache::Cache;
use crate::chain::{Ask, Chain, Key, Outcome};
use crate::endpoints::Endpoints;
use crate::fault::Fault;
use crate::natures::Natures;
use crate::node::Node;

/// Of one chain; one that takes long does not hold up the next.
const BATCHES_MAX: usize = 4;
/// About as many pools as a node reads in one call.
const BATCH_POOLS_MAX: usize = 250;

/// How long the tokens of a pool are taken for known.
const LASTING: Duration = Duration::from_secs(3_600);

/// Reads the pools of one chain from its endpoints.
pub(crate) struct Reader {
    chain: Arc<Chain>,
    endpoints: Endpoints,
    window: Duration,
    /// What was read before, so that what lasts is not asked again.
    before: Mutex<Cache<Key, Arc<Reading>>>,
    natures: Natures,
}

/// A pool that is being read, and who asked for it.
struct Pending {
    ask: Ask,
    query: Query,
    is_again: bool,
}

impl Reader {
    /// Returns what reads `chain`, waiting `window` for more questions, and remembers `pools_max` pools' tokens.
    pub(crate) fn new(chain: Arc<Chain>, endpoints: Endpoints, window: Duration, pools_max: usize) -> Self {
        let before = Mutex::new(Cache::new(LASTING, pools_max));
        Self { chain, endpoints, window, before, natures: Natures::new(pools_max) }
    }

    /// Answers questions until nobody can ask any more.
    pub(crate) async fn run(self: Arc<Self>, mut asks: mpsc::Receiver<Ask>) {
        let free = Arc::new(Semaphore::new(BATCHES_MAX));
        while let Some(first) = asks.recv().await {
            let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
            tokio::time::sleep(self.window).await;
            let mut batch = vec![first];
            while batch.len() < BATCH_POOLS_MAX {
                let Ok(ask) = asks.try_recv() else { break };
                batch.push(ask);
            }
            let reader = Arc::clone(&self);
            tokio::spawn(async move {
                reader.read(batch).await;
                drop(permit);
            });
        }
    }

    /// Answers all of `asks`, by the first endpoint that can.
    async fn read(&self, asks: Vec<Ask>) {
        let asked = Instant::now();
        let mut asks = self.chain.depart(asks, asked);
        let mut said = String::new();
        for endpoint in self.endpoints.in_order(asked) {
            let mut pending: Vec<_> = asks.drain(..).map(|ask| self.begin(ask, asked)).collect();
            match self.read_from(&endpoint.node, &mut pending, asked).await {
                Ok(()) => return self.endpoints.worked(&endpoint),
                Err(fault) => said = self.endpoints.failed(&endpoint, &fault, Instant::now()),
            }
            asks = pending.into_iter().map(|pending| pending.ask).collect();
        }
        for ask in asks {
            let fault = Fault::Endpoint { chain: self.chain.name().to_owned(), said: said.clone() };
            self.chain.arrive(&ask, Err(fault), asked);
        }
    }

    /// Reads the pools from one endpoint; what is left in `pending` has no answer yet.
    async fn read_from(&self, node: &Node, pending: &mut Vec<Pending>, asked: Instant) -> Result<(), String> {
        if pending.is_empty() {
            return Ok(());
        }
        node.check().await?;
        let block = node.latest().await?;
        while !pending.is_empty() {
            let answers = ask_each_once(node, pending, block).await?;
            let mut read = Vec::new();
            for (mut one, mine) in std::mem::take(pending).into_iter().zip(answers) {
                let outcome = match one.query.take(mine) {
                    Progress::Ask => {
                        pending.push(one);
                        continue;
                    }
                    // The address may have another pool now: it is read from the beginning.
                    Progress::Failed(_) if one.is_again => {
                        one.query = anew(one.ask.key);
                        one.is_again = false;
                        pending.push(one);
                        continue;
                    }
                    Progress::Done(reading) => {
                        read.push((one.ask, *reading));
                        continue;
                    }
                    Progress::Failed(error) => {
                        Err(Fault::Pool { chain: self.chain.name().to_owned(), error })
                    }
                };
                self.chain.arrive(&one.ask, outcome, asked);
            }
            let readings: Vec<&Reading> = read.iter().map(|(_, reading)| reading).collect();
            self.natures.learn(node, &readings, block.number).await;
            for (ask, reading) in read {
                let outcome = self.keep(ask.key, reading, block, asked);
                self.chain.arrive(&ask, outcome, asked);
            }
        }
        Ok(())
    }

    /// Returns the query for a pool: for all of it, or for what may have changed since it was read.
    fn begin(&self, ask: Ask, now: Instant) -> Pending {
        let before = self.before().get(&ask.key, now);
        match before {
            Some((_, reading)) => {
                let query = Query::again(reading.as_ref().clone(), Detail::Reserves);
                Pending { ask, query, is_again: true }
            }
            None => Pending { query: anew(ask.key), ask, is_again: false },
        }
    }

    /// Remembers what was read, from when it was first read; returns it as it is told.
    fn keep(&self, key: Key, reading: Reading, block: Block, asked: Instant) -> Outcome {
        let outcome = self.told(&reading, block);
        let mut before = self.before();
        if before.get(&key, asked).is_none() {
            before.put(key, Arc::new(reading), asked, asked);
        }
        outcome
    }

    fn before(&self) -> MutexGuard<'_, Cache<Key, Arc<Reading>>> {
        // Nothing that could panic runs while it is held.
        self.before.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn told(&self, reading: &Reading, block: Block) -> Outcome {
        let chain = self.chain.name();
        let held: Vec<_> = reading.coins.iter().map(|coin| (coin.address, coin.reserve)).collect();
        let doubt = reading.coins.iter().find_map(|coin| {
            let fault = coin.decimals.err()?;
            let (pool, token) = (checksummed(&reading.address), checksummed(&coin.address));
            Some(Fault::Decimals { chain: chain.to_owned(), pool, token, fault })
        });
        let natures: Vec<_> = reading.coins.iter().map(|coin| self.natures.of(&coin.address)).collect();
        Reserves::spell(&held, &natures, block, doubt)
            .map(Arc::new)
            .map_err(|error| Fault::Endpoint { chain: chain.to_owned(), said: error.to_string() })
    }
}

/// Returns the query for all of a pool.
fn anew(key: Key) -> Query {
    Query::new(key.address, key.kinds, Detail::Reserves)
}

/// Returns the answers to each pool's calls; a call that several need, such as a token's decimals, is asked once.
async fn ask_each_once(node: &Node, pending: &[Pending], block: Block) -> Result<Vec<Vec<Answer>>, String> {
    let mut places = HashMap::new();
    let mut calls = Vec::new();
    for call in pending.iter().flat_map(|one| one.query.calls()) {
        places.entry(call).or_insert_with(|| {
            calls.push(call.clone());
            calls.len() - 1
        });
    }
    let answers = node.ask(&calls, block).await?;
    let of = |call: &Call| places.get(call).and_then(|place| answers.get(*place)).cloned();
    Ok(pending.iter().map(|one| one.query.calls().iter().filter_map(of).collect()).collect())
}
