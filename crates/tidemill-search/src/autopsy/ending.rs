//! Which transaction of a block ended what a path paid: the block's transactions are applied to its pools one by one.

use std::collections::{BTreeMap, BTreeSet};

use ruint::aliases::U256;
use rustc_hash::FxHashMap;
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
    last: Option<(Option<Address>, Option<Address>)>,
    gained: BTreeMap<Address, (U256, U256)>,
}

/// The newest block's logs, with which of them are about which watched pool, and what takes it back.
struct Block<'a, 'l> {
    logs: &'a [Log<'l>],
    /// Places among `logs`, ascending, by pool.
    places: FxHashMap<Address, Vec<usize>>,
    /// Records before the block, by pool.
    undo: FxHashMap<&'a [u8], Vec<Record<'a>>>,
}

type Record<'a> = (&'a [u8], Option<&'a [u8]>);

impl<'l> Block<'_, 'l> {
    /// Returns the logs about these pools, in order.
    fn near(&self, pools: &[Address]) -> Vec<Log<'l>> {
        let of_pool = |pool| self.places.get(pool).into_iter().flatten().copied();
        let mut places: Vec<usize> = pools.iter().flat_map(of_pool).collect();
        places.sort_unstable();
        places.dedup(); // a path may go through a pool twice
        places.into_iter().filter_map(|place| self.logs.get(place).copied()).collect()
    }

    /// Returns the last transaction that touched each of these pools; those that none did are left out.
    fn last_touches(&self, pools: &[Address]) -> BTreeMap<Address, u32> {
        let last = |pool: &Address| Some((*pool, self.logs.get(*self.places.get(pool)?.last()?)?.tx_index));
        pools.iter().filter_map(last).collect()
    }
}

impl PathWatch {
    /// Returns for each path what ended it, where it paid before the newest block and does not after it.
    ///
    /// The transaction is the one that took most, up to and with the first after which nothing is left. `set` has the other
    /// pools that the transaction may have used. A pool whose logs do not tell its state is known until the first and from
    /// the last transaction that touched it; what happened between is told where one transaction can have done it.
    pub fn endings<'l>(
        &self,
        set: &PoolSet,
        (head, paths): (&Head, &[FoundPath]),
        logs: impl Iterator<Item = Log<'l>>,
    ) -> Vec<Ending> {
        let logs: Vec<Log<'l>> = logs.collect();
        let mut block = Block { logs: &logs, places: FxHashMap::default(), undo: FxHashMap::default() };
        for (place, log) in logs.iter().enumerate() {
            if let Some(pool) = self.pools.pool_of(log) {
                block.places.entry(pool).or_default().push(place);
            }
        }
        for (key, value) in self.undo.iter() {
            block.undo.entry(key.get(..20).unwrap_or_default()).or_default().push((key, value));
        }
        paths.iter().map(|path| self.ending(set, (head, path), &block)).collect()
    }

    fn ending(&self, set: &PoolSet, (head, path): (&Head, &FoundPath), block: &Block<'_, '_>) -> Ending {
        let pools: Vec<Address> = path.hops.iter().map(|hop| hop.pool).collect();
        let last = block.last_touches(&pools);
        let Some((mut before, costs)) = self.before(&pools, &last, block).zip(self.costs(path, head)) else {
            return Ending::Unknown;
        };
        let Some(mut left) = worth((&before, &self.books), path, &costs).left() else {
            return Ending::Unknown;
        };
        if left.is_zero() {
            return Ending::Costs;
        }
        let (mut most, mut since): (Option<(U256, Option<u32>)>, u32) = (None, 0);
        for transaction in block.near(&pools).chunk_by(|one, next| one.tx_index == next.tx_index) {
            let Some(tx_index) = follow(&mut before, transaction) else { continue };
            self.settle(&mut before, &last, tx_index);
            since += 1;
            let Some(now) = worth((&before, &self.books), path, &costs).left() else { continue };
            let took = left.saturating_sub(now);
            if most.is_none_or(|(best, _)| took > best) {
                most = Some((took, (since == 1).then_some(tx_index)));
            }
            (left, since) = (now, 0);
            if left.is_zero() {
                break;
            }
        }
        match most.filter(|(took, _)| left.is_zero() && !took.is_zero()) {
            Some((_, Some(tx_index))) => {
                taker(self.doings.get_or_init(|| doings(set, block.logs)), &pools, tx_index)
            }
            _ => Ending::Unknown,
        }
    }

    /// Takes the pools that no later transaction touches as they are after the block, where logs do not tell their state.
    fn settle(&self, pools: &mut PoolSet, last: &BTreeMap<Address, u32>, tx_index: u32) {
        for (pool, _) in last.iter().filter(|(_, last)| **last == tx_index) {
            if pools.get(pool).is_some_and(|tracked| tracked.pool.by_coin().is_some()) {
                pools.copy(&self.pools, pool);
            }
        }
    }

    /// Returns these pools as they were when the newest block began.
    fn before(
        &self,
        pools: &[Address],
        touched: &BTreeMap<Address, u32>,
        block: &Block<'_, '_>,
    ) -> Option<PoolSet> {
        let mut before = self.pools.part(pools);
        let mut undo = Patch::default();
        for pool in pools {
            for (key, value) in block.undo.get(pool.as_slice()).into_iter().flatten() {
                undo.set(key.to_vec(), value.map(<[u8]>::to_vec));
            }
        }
        before.patch(&undo).ok()?;
        before.end_moments(&mut Journal::default());
        for pool in pools.iter().filter(|pool| !touched.contains_key(*pool)) {
            before.copy(&self.pools, pool); // which nobody touched: another rate, at most
        }
        Some(before)
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
fn doings(set: &PoolSet, logs: &[Log<'_>]) -> Vec<Doing> {
    let used: BTreeSet<Address> = logs.iter().filter_map(|log| set.pool_of(log)).collect();
    // Only what the logs say is asked of these copies: their states are of another moment.
    let mut copies = set.part(&used);
    let (mut journal, mut doings) = (Journal::default(), Vec::<Doing>::new());
    for log in logs {
        let Some((pool, deed)) = copies.observe(log, &mut journal) else { continue };
        if doings.last().is_none_or(|last| last.tx_index != log.tx_index) {
            doings.push(Doing { tx_hash: *log.tx_hash, tx_index: log.tx_index, ..Doing::default() });
        }
        let Some(doing) = doings.last_mut() else { continue };
        doing.pools.push(pool);
        if let (Some(Deed::Swap(traded)), Some(tracked)) = (deed, copies.get(&pool)) {
            doing.add(traded.tokens.unwrap_or([tracked.spec.token0, tracked.spec.token1]), &traded);
        }
    }
    doings
}

impl Doing {
    fn add(&mut self, [token0, token1]: [Address; 2], traded: &Traded) {
        self.last = Some((traded.sender, traded.recipient));
        self.count(token0, traded.amount0_out, traded.amount0_in);
        self.count(token1, traded.amount1_out, traded.amount1_in);
    }

    fn count(&mut self, token: Address, gained: U256, paid: U256) {
        let sums = self.gained.entry(token).or_default();
        *sums = (sums.0.saturating_add(gained), sums.1.saturating_add(paid));
    }

    /// Returns who was paid last: who called, where the log names no one else.
    fn payee(&self) -> Option<Address> {
        self.last.and_then(|(sender, recipient)| recipient.or(sender))
    }

    fn taker(&self, tx_count: u32) -> Taker {
        let balance = self.gained.iter().map(|(token, sums)| (*token, Signed::difference(sums.0, sums.1)));
        Taker {
            tx_hash: self.tx_hash,
            tx_index: self.tx_index,
            tx_count,
            is_swap: self.last.is_some(),
            sender: self.last.and_then(|(sender, _)| sender),
            recipient: self.last.and_then(|(_, recipient)| recipient),
            balance: balance.filter(|(_, gained)| !gained.magnitude.is_zero()).collect(),
        }
    }
}

/// Returns the transaction with its own balance, or with that of all its recipient did to the path's pools in the block
/// where only together they close a circle.
fn taker(doings: &[Doing], path: &[Address], tx_index: u32) -> Ending {
    let Some(doing) = doings.iter().find(|doing| doing.tx_index == tx_index) else { return Ending::Unknown };
    let alone = doing.taker(1);
    let payee = doing.payee();
    if alone.is_circle() || payee.is_none() {
        return Ending::Taken(alone);
    }
    let (mut all, mut tx_count) = (Doing { gained: BTreeMap::new(), ..doing.clone() }, 0);
    for other in doings.iter().filter(|other| other.pools.iter().any(|pool| path.contains(pool))) {
        if other.payee() == payee {
            tx_count += 1;
            for (token, sums) in &other.gained {
                all.count(*token, sums.0, sums.1);
            }
        }
    }
    let together = all.taker(tx_count);
    Ending::Taken(if together.is_circle() { together } else { alone })
}
