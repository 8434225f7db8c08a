//! All the pools of one chain: what a block's logs make of them, as events and as records that undo and redo it.

mod applied;
mod part;
mod rows;
mod tracked;

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::chain::{Address, Hash, Head, Log};
use crate::error::{DecodeError, RecordError};
use crate::factory::Factory;
use crate::kind::PoolSpec;
use crate::patch::{key_of, split_key, Journal, Patch};
use crate::Pool;

pub use applied::{Applied, ApplyError, Drift, LogFault};
pub use rows::{Cause, DeedRow, EventColumns, Origin};
pub use tracked::Tracked;

use tracked::SPEC;

/// The pools of one chain and the factories whose new pools join them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSet {
    source: String,
    chain_id: u64,
    factories: FxHashMap<Address, Factory>,
    pools: FxHashMap<Address, Tracked>,
    /// Pools whose state holds for the newest block only.
    momentary: BTreeSet<Address>,
}

/// One block being applied.
struct Step<'a> {
    origin: Origin<'a>,
    columns: &'a mut EventColumns,
    journal: Journal,
    created: Vec<Address>,
    drifts: Vec<Drift>,
    faults: Vec<LogFault>,
}

impl PoolSet {
    /// Returns a set without pools; `source` is the chain's name in the events.
    pub fn new(
        source: impl Into<String>,
        chain_id: u64,
        factories: impl IntoIterator<Item = Factory>,
    ) -> Self {
        let factories = factories.into_iter().map(|factory| (factory.address, factory)).collect();
        Self {
            source: source.into(),
            chain_id,
            factories,
            pools: FxHashMap::default(),
            momentary: BTreeSet::new(),
        }
    }

    /// Returns the chain's name in the events.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns the chain's id.
    pub const fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// Returns the pool at `address`.
    pub fn get(&self, address: &Address) -> Option<&Tracked> {
        self.pools.get(address)
    }

    /// Returns the pools, in no particular order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Tracked> {
        self.pools.values()
    }

    /// Returns the number of pools.
    pub fn len(&self) -> usize {
        self.pools.len()
    }

    /// Says whether there are no pools.
    pub fn is_empty(&self) -> bool {
        self.pools.is_empty()
    }

    /// Says whether a log of this contract can matter: it is a followed pool or factory.
    pub fn is_followed(&self, address: &Address) -> bool {
        self.pools.contains_key(address) || self.factories.contains_key(address)
    }

    /// Puts a pool into the set as it was read from the chain, in place of what was known of it.
    ///
    /// The undo belongs to the block at which the pool was read: merge it into that block's undo.
    pub fn insert(&mut self, spec: PoolSpec, pool: Pool) -> Applied {
        let mut journal = Journal::default();
        let address = spec.address;
        let after = Tracked::new(spec, pool);
        journal.turn_to(address);
        if let Some(before) = self.pools.get(&address) {
            before.encode(&mut |part, bytes| journal.note(part, || Some(bytes)));
        }
        after.encode(&mut |part, _| journal.note(part, || None));
        self.pools.insert(address, after);
        self.note_momentary(address);
        self.applied(journal)
    }

    /// Follows all logs of one block, in order, and pushes the block and the events they make.
    ///
    /// Logs of contracts that are not followed are passed over. A malformed log of one that is followed is left out
    /// and told in `faults`.
    ///
    /// # Errors
    /// Where a log is not of this block, or the logs are out of order; nothing has changed and nothing was pushed.
    pub fn apply_block<'l>(
        &mut self,
        head: &Head,
        logs: impl Iterator<Item = Log<'l>> + Clone,
        recv_ns: i64,
        columns: &mut EventColumns,
    ) -> Result<Applied, ApplyError> {
        let log_count = check_block(head, logs.clone())?;
        let source = std::mem::take(&mut self.source);
        let origin = Origin { source: &source, chain_id: self.chain_id, head, recv_ns };
        rows::push_block(columns, &origin, log_count);
        let (journal, created) = (Journal::default(), Vec::new());
        let mut step = Step { origin, columns, journal, created, drifts: Vec::new(), faults: Vec::new() };
        self.end_moments(&mut step.journal);
        for log in logs {
            self.follow(&log, &mut step);
        }
        let Step { journal, created, drifts, faults, .. } = step;
        self.source = source;
        Ok(Applied { created, drifts, faults, ..self.applied(journal) })
    }

    /// Sets pools to what the records say: takes a step back with its undo, or reads a saved state at a start.
    ///
    /// # Errors
    /// Where a record cannot be read; pools of the records before it are set already.
    pub fn patch(&mut self, patch: &Patch) -> Result<(), RecordError> {
        self.load(patch.iter())
    }

    /// Sets pools to what the records say, in order of their keys.
    ///
    /// # Errors
    /// Where a record cannot be read; pools of the records before it are set already.
    pub fn load<'r>(
        &mut self,
        records: impl IntoIterator<Item = (&'r [u8], Option<&'r [u8]>)>,
    ) -> Result<(), RecordError> {
        for (key, value) in records {
            let (address, part) = split_key(key)?;
            match (part == SPEC, value) {
                (true, None) => {
                    self.pools.remove(address);
                }
                (true, Some(bytes)) => self.load_spec(address, bytes)?,
                (false, value) => match self.pools.get_mut(address) {
                    Some(tracked) => {
                        tracked.pool.decode_part(part, value)?;
                        self.note_momentary(*address);
                    }
                    None if value.is_none() => {}
                    None => return Err(orphan(key)),
                },
            }
        }
        Ok(())
    }

    /// Returns every pool as records, which `load` reads back.
    pub fn records(&self) -> Patch {
        let mut patch = Patch::default();
        for tracked in self.pools.values() {
            tracked.encode(&mut |part, bytes| patch.set(key_of(&tracked.spec.address, part), Some(bytes)));
        }
        patch
    }

    /// Pushes the state of a pool that no log of the block told; says whether the pool is followed.
    pub fn push_state(
        &self,
        address: &Address,
        cause: Cause,
        at: (&Head, i64),
        columns: &mut EventColumns,
    ) -> bool {
        let (head, recv_ns) = at;
        let origin = Origin { source: &self.source, chain_id: self.chain_id, head, recv_ns };
        self.pools.get(address).map(|tracked| rows::push_state(columns, &origin, tracked, cause)).is_some()
    }

    /// Pushes the description of a pool that was read from the chain; says whether the pool is followed.
    pub fn push_pool(&self, address: &Address, at: (&Head, i64), columns: &mut EventColumns) -> bool {
        let (head, recv_ns) = at;
        let origin = Origin { source: &self.source, chain_id: self.chain_id, head, recv_ns };
        self.pools.get(address).map(|tracked| rows::push_pool(columns, &origin, tracked, None)).is_some()
    }

    fn load_spec(&mut self, address: &Address, bytes: &[u8]) -> Result<(), RecordError> {
        let loaded = Tracked::decode_spec(address, bytes)?;
        // A pool that keeps its terms keeps its parts: a patch need not hold those that did not change.
        match self.pools.get_mut(address) {
            Some(known) if known.pool.encode_terms() == loaded.pool.encode_terms() => {
                known.spec = loaded.spec;
            }
            _ => {
                self.pools.insert(*address, loaded);
            }
        }
        Ok(())
    }

    fn note_momentary(&mut self, address: Address) {
        if self.pools.get(&address).is_some_and(|tracked| tracked.pool.is_momentary()) {
            self.momentary.insert(address);
        } else {
            self.momentary.remove(&address);
        }
    }

    /// Forgets what held for the block before only, as the next one begins.
    pub fn end_moments(&mut self, journal: &mut Journal) {
        for address in std::mem::take(&mut self.momentary) {
            if let Some(tracked) = self.pools.get_mut(&address) {
                journal.turn_to(address);
                tracked.pool.lapse(journal);
            }
        }
    }

    fn follow(&mut self, log: &Log<'_>, step: &mut Step<'_>) {
        let result = if let Some(tracked) = self.pools.get_mut(log.address) {
            step.journal.turn_to(*log.address);
            tracked.follow(log, step)
        } else if let Some(factory) = self.factories.get(log.address) {
            if let Some(subject) = Pool::subject(log, factory) {
                self.follow_subject(subject, log, step);
                return;
            }
            Pool::created(log, factory).map(|created| {
                if let Some((spec, pool)) =
                    created.filter(|(spec, _)| !self.pools.contains_key(&spec.address))
                {
                    self.discover(spec, pool, log, step);
                }
            })
        } else {
            return;
        };
        if let Err(error) = result {
            step.leave_out(log, error);
        }
    }

    /// Follows what a factory says of one of its pools.
    fn follow_subject(&mut self, subject: Address, log: &Log<'_>, step: &mut Step<'_>) {
        let Some(tracked) = self.pools.get_mut(&subject) else { return };
        // Another contract may not speak for a pool, whatever address it names.
        if tracked.spec.factory != *log.address {
            return;
        }
        step.journal.turn_to(subject);
        if let Err(error) = tracked.follow(log, step) {
            step.leave_out(log, error);
        }
    }

    fn discover(&mut self, spec: PoolSpec, pool: Pool, log: &Log<'_>, step: &mut Step<'_>) {
        let address = spec.address;
        let tracked = Tracked::new(spec, pool);
        step.journal.turn_to(address);
        tracked.encode(&mut |part, _| step.journal.note(part, || None));
        rows::push_pool(step.columns, &step.origin, &tracked, Some(log));
        if tracked.pool.state().sqrt_price_x96.is_some() {
            // The log that made it told its first price too.
            rows::push_state(step.columns, &step.origin, &tracked, Cause::Log(log.log_index));
        }
        self.pools.insert(address, tracked);
        step.created.push(address);
    }

    /// Closes a step: what it noted is the undo, and the same records as they are now are the redo.
    fn applied(&self, journal: Journal) -> Applied {
        let undo = journal.finish();
        let mut redo = Patch::default();
        for (key, _) in undo.iter() {
            let value = split_key(key).ok().and_then(|(address, part)| {
                self.pools.get(address).and_then(|tracked| tracked.encode_part(part))
            });
            redo.set(key.to_vec(), value);
        }
        Applied { undo, redo, ..Applied::default() }
    }
}

impl Step<'_> {
    fn leave_out(&mut self, log: &Log<'_>, error: DecodeError) {
        let Log { address, block_number, log_index, .. } = *log;
        self.faults.push(LogFault { address: *address, block_number, log_index, error });
    }
}

impl Tracked {
    fn follow(&mut self, log: &Log<'_>, step: &mut Step<'_>) -> Result<(), DecodeError> {
        let observed = self.pool.observe(log, &mut step.journal)?;
        if let Some(deed) = &observed.deed {
            rows::push_deed(step.columns, &step.origin, self, (log, deed));
        }
        if observed.has_state {
            rows::push_state(step.columns, &step.origin, self, Cause::Log(log.log_index));
        }
        if let Some(contradiction) = observed.contradiction {
            let Log { block_number, log_index, .. } = *log;
            step.drifts.push(Drift { pool: self.spec.address, block_number, log_index, contradiction });
        }
        Ok(())
    }
}

fn orphan(key: &[u8]) -> RecordError {
    RecordError::Layout {
        expected: "a pool's description before its parts",
        found: key.len(),
        key: key.to_vec(),
    }
}

/// Returns how many logs there are.
///
/// # Errors
/// Where a log is not of this block, or the logs are out of order.
pub fn check_block<'l>(head: &Head, logs: impl Iterator<Item = Log<'l>>) -> Result<usize, ApplyError> {
    let (mut count, mut last) = (0, None);
    for log in logs {
        let found = log.log_index;
        if log.block_number != head.number || !is_same(log.block_hash, &head.hash) {
            return Err(ApplyError::Block { number: head.number, found: log.block_number, log_index: found });
        }
        if let Some(previous) = last.filter(|previous: &u32| *previous >= found) {
            return Err(ApplyError::Order { number: head.number, previous, found });
        }
        last = Some(found);
        count += 1;
    }
    Ok(count)
}

#[inline]
fn is_same(a: &Hash, b: &Hash) -> bool {
    a == b
}
