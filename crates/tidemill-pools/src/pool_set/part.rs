//! A few pools of a set, followed beside it log by log.

use crate::chain::{Address, Log};
use crate::kind::Deed;
use crate::patch::Journal;
use crate::Pool;

use super::PoolSet;

impl PoolSet {
    /// Returns a set of these pools alone as they stand, with the same factories; those that are not there are left out.
    #[must_use]
    pub fn part<'a>(&self, addresses: impl IntoIterator<Item = &'a Address>) -> Self {
        let mut part = Self::new(self.source.clone(), self.chain_id, self.factories.values().cloned());
        for address in addresses {
            part.copy(self, address);
        }
        part
    }

    /// Takes a pool as it stands in `from`; one that is not there leaves this set too.
    pub fn copy(&mut self, from: &Self, address: &Address) {
        match from.pools.get(address) {
            Some(tracked) => {
                self.pools.insert(*address, tracked.clone());
            }
            None => {
                self.pools.remove(address);
            }
        }
        self.note_momentary(*address);
    }

    /// Lets go every pool for which `is_kept` says no.
    pub fn retain(&mut self, is_kept: impl Fn(&Address) -> bool) {
        self.pools.retain(|address, _| is_kept(address));
        self.momentary.retain(is_kept);
    }

    /// Returns the pool of this set that a log is about.
    pub fn pool_of(&self, log: &Log<'_>) -> Option<Address> {
        if self.pools.contains_key(log.address) {
            return Some(*log.address);
        }
        let subject = Pool::subject(log, self.factories.get(log.address)?)?;
        let tracked = self.pools.get(&subject)?;
        // Another contract may not speak for a pool, whatever address it names.
        (tracked.spec.factory == *log.address).then_some(subject)
    }

    /// Follows one log where it is about a pool of this set; discovers nothing, tells no events.
    ///
    /// Returns the pool, and what the log did where that is an event; a malformed log does nothing.
    pub fn observe(&mut self, log: &Log<'_>, journal: &mut Journal) -> Option<(Address, Option<Deed>)> {
        let address = self.pool_of(log)?;
        journal.turn_to(address);
        let observed = self.pools.get_mut(&address)?.pool.observe(log, journal).ok()?;
        Some((address, observed.deed))
    }
}
