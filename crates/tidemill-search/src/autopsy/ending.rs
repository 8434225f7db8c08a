//! Which transaction of a block ended what a path paid: the block's transactions are applied to its pools one by one.

use std::collections::{BTreeMap, BTreeSet};

use ruint::aliases::U256;
use tidemill_pools::{Address, Deed, Hash, Head, Journal, Log, Patch, PoolSet, Traded};

use crate::costs::Signed;

use super::{worth, FoundPath, PathWatch};

/// Why a path ceased to pay in a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Before any transaction of the block: it costs more now.
    Costs,
    /// A transaction took it, or moved its pools so that nothing was left.
    Taken(Taker),
    /// No transaction of the block did, as far as is known.
    Unknown,
}

/// The transaction that ended it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taker {
    /// Hash of the transaction.
    pub tx_hash: Hash,
    /// Its place in the block.
    pub tx_index: u32,
    /// Transactions of the block that make up `balance`: more than one where its recipient split a circle over them.
    pub tx_count: u32,
    /// Whether it swapped in a followed pool at all.
    pub is_swap: bool,
    /// Who called the pool of its last swap.
    pub sender: Option<Address>,
    /// Whom its last swap paid.
    pub recipient: Option<Address>,
    /// What the transaction gained and lost over all followed pools, by token; tokens that come out even are left out.
    pub balance: Vec<(Address, Signed)>,
}

impl Taker {
    /// Says whether it lost of no token and gained of one: a circle was closed.
    pub fn is_circle(&self) -> bool {
        !self.balance.is_empty() && self.balance.iter().all(|(_, gained)| !gained.is_negative)
    }
}

/// What one transaction did in followed pools.
#[derive(Debug, Clone, Default)]
pub(super) struct Doing {
    tx_hash: Hash,
    tx_index: u32,
    /// Pools that it moved, in order.
    pools: Vec<Address>,
    last: Option<(Address, Address)>,
    gained: BTreeMap<Address, (U256, U256)>,
}

impl PathWatch {
    /// Returns what ended a path that paid before the newest block and does not after it.
    ///
    /// The transaction is the one that took most, up to and with the first after which nothing is left. `set` has the other
    /// pools that the transaction may have used.
    pub fn ending<'l>(
        &self,
        set: &PoolSet,
        (head, path): (&Head, &FoundPath),
        logs: impl Iterator<Item = Log<'l>> + Clone,
    ) -> Ending {
        let pools: Vec<Address> = path.hops.iter().map(|hop| hop.pool).collect();
        let Some((mut before, costs)) = self.before(&pools).zip(self.costs(path, head)) else {
            return Ending::Unknown;
        };
        let Some(mut left) = worth(&before, path, &costs).left() else { return Ending::Unknown };
        if left.is_zero() {
            return Ending::Costs;
        }
        let mut most: Option<(U256, u32)> = None;
        let near: Vec<Log<'l>> = logs.clone().filter(|log| before.pool_of(log).is_some()).collect();
        for transaction in near.chunk_by(|one, next| one.tx_index == next.tx_index) {
            let Some(tx_index) = follow(&mut before, transaction) else { continue };
            let Some(now) = worth(&before, path, &costs).left() else { return Ending::Unknown };
            let took = left.saturating_sub(now);
            if most.is_none_or(|(best, _)| took > best) {
                most = Some((took, tx_index));
            }
            left = now;
            if left.is_zero() {
                break;
            }
        }
        match most.filter(|(took, _)| left.is_zero() && !took.is_zero()) {
            Some((_, tx_index)) => taker(self.doings.get_or_init(|| doings(set, logs)), &pools, tx_index),
            None => Ending::Unknown,
        }
    }

    /// Returns these pools as they were before the newest block.
    fn before(&self, pools: &[Address]) -> Option<PoolSet> {
        let mut before = self.pools.part(pools);
        let mut undo = Patch::default();
        for (key, value) in self.undo.iter() {
            if key.first_chunk::<20>().is_some_and(|pool| pools.contains(pool)) {
                undo.set(key.to_vec(), value.map(<[u8]>::to_vec));
            }
        }
        before.patch(&undo).ok().map(|()| before)
    }
}

/// Returns the index of a transaction, of which these are logs, where one of them moved a pool of the set.
fn follow(pools: &mut PoolSet, logs: &[Log<'_>]) -> Option<u32> {
    let mut journal = Journal::default();
    let mut moved = None;
    for log in logs {
        moved = pools.observe(log, &mut journal).map(|_| log.tx_index).or(moved);
    }
    moved
}

/// Returns what each transaction of the block did, in order.
fn doings<'l>(set: &PoolSet, logs: impl Iterator<Item = Log<'l>> + Clone) -> Vec<Doing> {
    let used: BTreeSet<Address> = logs.clone().filter_map(|log| set.pool_of(&log)).collect();
    // Only what the logs say is asked of these copies: their states are of another moment.
    let mut copies = set.part(&used);
    let (mut journal, mut doings) = (Journal::default(), Vec::<Doing>::new());
    for log in logs {
        let Some((pool, deed)) = copies.observe(&log, &mut journal) else { continue };
        if doings.last().is_none_or(|last| last.tx_index != log.tx_index) {
            doings.push(Doing { tx_hash: *log.tx_hash, tx_index: log.tx_index, ..Doing::default() });
        }
        let Some(doing) = doings.last_mut() else { continue };
        doing.pools.push(pool);
        if let (Some(Deed::Swap(traded)), Some(tracked)) = (deed, copies.get(&pool)) {
            doing.add((tracked.spec.token0, tracked.spec.token1), &traded);
        }
    }
    doings
}

impl Doing {
    fn add(&mut self, (token0, token1): (Address, Address), traded: &Traded) {
        self.last = Some((traded.sender, traded.recipient));
        self.count(token0, traded.amount0_out, traded.amount0_in);
        self.count(token1, traded.amount1_out, traded.amount1_in);
    }

    fn count(&mut self, token: Address, gained: U256, paid: U256) {
        let sums = self.gained.entry(token).or_default();
        *sums = (sums.0.saturating_add(gained), sums.1.saturating_add(paid));
    }

    fn taker(&self, tx_count: u32) -> Taker {
        let balance = self.gained.iter().map(|(token, sums)| (*token, Signed::difference(sums.0, sums.1)));
        Taker {
            tx_hash: self.tx_hash,
            tx_index: self.tx_index,
            tx_count,
            is_swap: self.last.is_some(),
            sender: self.last.map(|(sender, _)| sender),
            recipient: self.last.map(|(_, recipient)| recipient),
            balance: balance.filter(|(_, gained)| !gained.magnitude.is_zero()).collect(),
        }
    }
}

/// Returns the transaction with its own balance, or with that of all its recipient did to the path's pools in the block
/// where only together they close a circle.
fn taker(doings: &[Doing], path: &[Address], tx_index: u32) -> Ending {
    let Some(doing) = doings.iter().find(|doing| doing.tx_index == tx_index) else { return Ending::Unknown };
    let alone = doing.taker(1);
    if alone.is_circle() || alone.recipient.is_none() {
        return Ending::Taken(alone);
    }
    let (mut all, mut tx_count) = (Doing { gained: BTreeMap::new(), ..doing.clone() }, 0);
    for other in doings.iter().filter(|other| other.pools.iter().any(|pool| path.contains(pool))) {
        if other.last.map(|(_, recipient)| recipient) == alone.recipient {
            tx_count += 1;
            for (token, sums) in &other.gained {
                all.count(*token, sums.0, sums.1);
            }
        }
    }
    let together = all.taker(tx_count);
    Ending::Taken(if together.is_circle() { together } else { alone })
}
