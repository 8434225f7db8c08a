//! A circle of hops, the same whichever of its tokens it starts with.

use crate::market::Hop;
use crate::sizing::HOPS_MAX;

const NO_HOP: Hop = Hop { pool: u32::MAX, token_in: u32::MAX, token_out: u32::MAX };

/// Two to four hops that end with the token they start with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cycle {
    hops: [Hop; HOPS_MAX],
    count: usize,
}

impl Cycle {
    /// Returns a circle of hops that follow one another, turned so that its lowest pool comes first.
    pub(crate) fn new(given: &[Hop]) -> Self {
        let mut hops = [NO_HOP; HOPS_MAX];
        for (slot, hop) in hops.iter_mut().zip(given) {
            *slot = *hop;
        }
        let mut cycle = Self { hops, count: given.len().min(HOPS_MAX) };
        let lowest = cycle.hops().iter().enumerate().min_by_key(|(_, hop)| hop.pool).map_or(0, |(at, _)| at);
        cycle.turn(lowest);
        cycle
    }

    /// Returns the hops, in order.
    pub fn hops(&self) -> &[Hop] {
        self.hops.get(..self.count).unwrap_or_default()
    }

    /// Returns the token that the circle starts and ends with.
    pub const fn start(&self) -> u32 {
        self.hops[0].token_in
    }

    /// Returns the circle that starts with the earliest of these tokens; as it is where none is asked for, and `None`
    /// where it has none of them.
    pub(crate) fn starting_with(mut self, tokens: &[u32]) -> Option<Self> {
        if tokens.is_empty() {
            return Some(self);
        }
        let place = |token: &u32| self.hops().iter().position(|hop| hop.token_in == *token);
        let at = tokens.iter().find_map(place)?;
        self.turn(at);
        Some(self)
    }

    /// Returns the pools, lowest first.
    pub(crate) fn pools(&self) -> [u32; HOPS_MAX] {
        let mut pools = self.hops.map(|hop| hop.pool);
        pools.sort_unstable();
        pools
    }

    fn turn(&mut self, first: usize) {
        if let Some(used) = self.hops.get_mut(..self.count) {
            used.rotate_left(first);
        }
    }
}
