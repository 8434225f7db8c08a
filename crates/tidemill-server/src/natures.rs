//! What is known of the tokens of one chain's pools: each is tried once, when a pool of it is first read.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tidemill_pools::query::Reading;
use tidemill_pools::{Address, TokenNature, TokenTrial};
use tokio::task::JoinSet;

use crate::cache::Cache;
use crate::node::Node;

/// Questions that are asked at a time.
const QUESTIONS_MAX: usize = 16;

/// How long what was found of a token is taken for known: a fee may be switched on later.
const LASTING: Duration = Duration::from_secs(3_600);

/// The natures of tokens.
pub(crate) struct Natures {
    known: Mutex<Cache<Address, Known>>,
}

/// What was found of a token, and whose tokens were moved.
type Known = (Option<TokenNature>, Address);

impl Natures {
    /// Returns what knows no token yet, and remembers `tokens_max`.
    pub(crate) fn new(tokens_max: usize) -> Self {
        Self { known: Mutex::new(Cache::new(LASTING, tokens_max)) }
    }

    /// Returns how a token's balances move; `None` where that could not be told.
    pub(crate) fn of(&self, token: &Address) -> Option<TokenNature> {
        self.known().get(token, Instant::now()).and_then(|(_, (nature, _))| nature)
    }

    /// Tries the tokens of pools that are not known, on the state after `block`; of those that an endpoint does not
    /// answer for nothing is known.
    pub(crate) async fn learn(&self, node: &Node, readings: &[&Reading], block: u64) {
        let mut trials = self.untried(readings, block);
        while trials.iter().any(|(_, trial)| trial.found().is_none()) {
            if ask_round(node, &mut trials).await.is_none() {
                return;
            }
        }
        let (mut known, now) = (self.known(), Instant::now());
        for ((token, holder), trial) in trials {
            if let Some(found) = trial.found() {
                known.put(token, (found, holder), now, now);
            }
        }
    }

    fn untried(&self, readings: &[&Reading], block: u64) -> Vec<((Address, Address), TokenTrial)> {
        let (known, now) = (self.known(), Instant::now());
        let mut wanted = HashMap::new();
        for reading in readings {
            let holder = reading.holder();
            for coin in &reading.coins {
                // What could not be told by one holder may be by another.
                let is_known = known
                    .get(&coin.address, now)
                    .is_some_and(|(_, (nature, tried))| nature.is_some() || tried == holder);
                if !is_known {
                    wanted.insert(coin.address, holder);
                }
            }
        }
        wanted
            .into_iter()
            .map(|(token, holder)| ((token, holder), TokenTrial::new(token, holder, block)))
            .collect()
    }

    fn known(&self) -> MutexGuard<'_, Cache<Address, Known>> {
        // Nothing that could panic runs while it is held.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks what all trials want to know next; `None` where the endpoint does not answer.
async fn ask_round(node: &Node, trials: &mut [((Address, Address), TokenTrial)]) -> Option<()> {
    let asked: Vec<_> = trials.iter().flat_map(|(_, trial)| trial.questions().to_vec()).collect();
    let mut results = Vec::with_capacity(asked.len());
    for chunk in asked.chunks(QUESTIONS_MAX) {
        let mut tasks = JoinSet::new();
        for (place, question) in chunk.iter().cloned().enumerate() {
            let node = node.clone();
            tasks.spawn(async move { (place, node.try_call(question.method, &question.params).await) });
        }
        let mut found = tasks.join_all().await;
        found.sort_by_key(|(place, _)| *place);
        for (_, result) in found {
            results.push(result?);
        }
    }
    let mut results = results.iter().map(Option::as_deref);
    for (_, trial) in trials {
        let mine: Vec<_> = results.by_ref().take(trial.questions().len()).collect();
        if !mine.is_empty() {
            trial.answer(&mine);
        }
    }
    Some(())
}
