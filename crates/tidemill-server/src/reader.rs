//! How questions become answers: those of a short window together, all of one block, round by round.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tidemill_pools::query::{DecimalsFault, Detail, Progress, Query, Reading};
use tokio::sync::{mpsc, Semaphore};

use crate::body::{checksummed, Block, Reserves};
use crate::chain::{Ask, Chain, Outcome};
use crate::endpoints::Endpoints;
use crate::fault::Fault;
use crate::node::Node;

/// Of one chain; one that takes long does not hold up the next.
const BATCHES_MAX: usize = 4;
/// About as many pools as a node reads in one call.
const BATCH_POOLS_MAX: usize = 250;

/// Reads the pools of one chain from its endpoints.
pub(crate) struct Reader {
    pub(crate) chain: Arc<Chain>,
    pub(crate) endpoints: Endpoints,
    pub(crate) window: Duration,
}

/// A pool that is being read, and who asked for it.
struct Pending {
    ask: Ask,
    query: Query,
}

impl Reader {
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
            let mut pending: Vec<_> = asks
                .drain(..)
                .map(|ask| Pending {
                    query: Query::new(ask.key.address, ask.key.kinds, Detail::Reserves),
                    ask,
                })
                .collect();
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
            let calls: Vec<_> = pending.iter().flat_map(|one| one.query.calls()).cloned().collect();
            let mut answers = node.ask(&calls, block).await?.into_iter();
            for mut one in std::mem::take(pending) {
                let mine = answers.by_ref().take(one.query.calls().len()).collect();
                let outcome = match one.query.take(mine) {
                    Progress::Ask => {
                        pending.push(one);
                        continue;
                    }
                    Progress::Done(reading) => self.told(&reading, block),
                    Progress::Failed(error) => {
                        Err(Fault::Pool { chain: self.chain.name().to_owned(), error })
                    }
                };
                self.chain.arrive(&one.ask, outcome, asked);
            }
        }
        Ok(())
    }

    fn told(&self, reading: &Reading, block: Block) -> Outcome {
        let chain = self.chain.name();
        let held: Vec<_> = reading.coins.iter().map(|coin| (coin.address, coin.reserve)).collect();
        let doubt = reading.coins.iter().find_map(|coin| {
            let found = match coin.decimals.as_ref().err()? {
                DecimalsFault::Reverted => "that it reverts".to_owned(),
                DecimalsFault::Shape { found } => format!("{found} bytes"),
                DecimalsFault::Absurd { found } => found.to_string(),
            };
            Some(Fault::Decimals { chain: chain.to_owned(), token: checksummed(&coin.address), found })
        });
        Reserves::spell(&held, block, doubt)
            .map(Arc::new)
            .map_err(|error| Fault::Endpoint { chain: chain.to_owned(), said: error.to_string() })
    }
}
