//! A transaction's transfers by who got or gave them, where they are many, so that those of a pool that are nearest to its log are found at
//! once.

use ruint::aliases::U256;
use rustc_hash::FxHashMap;
use tidemill_pools::Address;

use crate::block::Event;
use crate::transfer::{Place, Transfer};

/// Whether a party got or gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Side {
    Got,
    Gave,
}

/// Which transfer of a pool belongs to its log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub side: Side,
    pub amount: U256,
    /// Its token, where that is told.
    pub token: Option<Address>,
    /// A token that it is not of.
    pub apart: Option<Address>,
}

/// A party and its side; the amount and the token of all transfers of the line, where it has only those of one.
type Key = (Address, Side, Option<U256>, Option<Address>);

/// So few transfers are looked through sooner than they are put into lines.
const FEW: usize = 128;

/// Every transfer, and in all lines that it is of where they are many.
pub(super) struct Sides<'a> {
    transfers: &'a [Transfer],
    lines: FxHashMap<Key, Line<'a>>,
}

/// Transfers in their order.
#[derive(Default)]
struct Line<'a> {
    transfers: Vec<&'a Transfer>,
    /// Where another token begins: what lies between two of these is of one token.
    starts: Vec<usize>,
}

impl<'a> Sides<'a> {
    /// Takes the transfers of one transaction, which are in the order of their places.
    pub fn of(transfers: &'a [Transfer]) -> Self {
        if transfers.len() <= FEW {
            return Self { transfers, lines: FxHashMap::default() };
        }
        Self::in_lines(transfers)
    }

    fn in_lines(transfers: &'a [Transfer]) -> Self {
        let mut lines: FxHashMap<Key, Line<'a>> = FxHashMap::default();
        for one in transfers {
            for (party, side) in [(one.to, Side::Got), (one.from, Side::Gave)] {
                for amount in [None, Some(one.amount)] {
                    for token in [None, Some(one.token)] {
                        lines.entry((party, side, amount, token)).or_default().push(one);
                    }
                }
            }
        }
        Self { transfers, lines }
    }

    /// Returns the transfer of the pool of `log`, of the amount where one has it, nearest to the log.
    ///
    /// A token that takes a fee moves less than the pool was sent: then the nearest of any amount stands.
    pub fn nearest(&self, log: &Event, wanted: Wanted) -> Option<&'a Transfer> {
        if self.lines.is_empty() {
            return self.sought(log, wanted);
        }
        let Wanted { side, amount, token, apart } = wanted;
        let of = |amount| self.lines.get(&(log.address, side, amount, token))?.nearest(log.log_index, apart);
        of(Some(amount)).or_else(|| of(None))
    }

    /// Looks at every transfer.
    fn sought(&self, log: &Event, Wanted { side, amount, token, apart }: Wanted) -> Option<&'a Transfer> {
        let is_fit = |one: &&Transfer| {
            let party = if side == Side::Got { one.to } else { one.from };
            party == log.address && token.is_none_or(|token| token == one.token) && apart != Some(one.token)
        };
        let fit = self.transfers.iter().filter(is_fit);
        fit.min_by_key(|one| (one.amount != amount, distance(one, log.log_index)))
    }
}

/// Returns how far a transfer is from the log at `log_index`; one of a call is farthest.
fn distance(one: &Transfer, log_index: u32) -> u32 {
    match one.place {
        Place::Log(index) => index.abs_diff(log_index),
        Place::Call(_) => u32::MAX,
    }
}

impl<'a> Line<'a> {
    fn push(&mut self, one: &'a Transfer) {
        if self.transfers.last().is_none_or(|last| last.token != one.token) {
            self.starts.push(self.transfers.len());
        }
        self.transfers.push(one);
    }

    /// Returns the transfer nearest to the log at `log_index`, the earlier one of two, of another token than `apart`; one of a call comes
    /// after all of logs.
    fn nearest(&self, log_index: u32, apart: Option<Address>) -> Option<&'a Transfer> {
        let is_apart = |at: &usize| self.transfers.get(*at).is_some_and(|one| Some(one.token) != apart);
        let next = self.transfers.partition_point(|one| one.place <= Place::Log(log_index));
        let earlier = next.checked_sub(1).and_then(|at| {
            let start = self.starts.partition_point(|start| *start <= at).checked_sub(1)?;
            if is_apart(&at) {
                Some(at)
            } else {
                self.starts.get(start)?.checked_sub(1)
            }
        });
        let later = if is_apart(&next) {
            Some(next)
        } else {
            self.starts.get(self.starts.partition_point(|start| *start <= next)).copied()
        };
        // Calls come first in a line, and of them the first one counts.
        let first = self.transfers.first().filter(|one| matches!(one.place, Place::Call(_)));
        let places = [first.map(|_| 0), earlier, later].into_iter().flatten().filter(is_apart);
        places.filter_map(|at| self.transfers.get(at).copied()).min_by_key(|one| distance(one, log_index))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_nearest_is_what_a_look_at_all_finds(
            natives in prop::collection::vec((1_u8..4, 1_u64..4), 0..3),
            moves in prop::collection::vec((6_u8..9, 1_u8..4, 1_u64..4, 1_u32..3), 0..20),
            at in 0_u32..40,
            amount in 1_u64..4,
            token in prop::option::of(6_u8..9),
            apart in prop::option::of(6_u8..9),
        ) {
            let transfer = |token, to: u8, amount: u64, place| {
                Transfer { token, from: [5; 20], to: [to; 20], amount: U256::from(amount), place }
            };
            let native = |(to, amount)| transfer(crate::NATIVE, to, amount, Place::Call(vec![]));
            let mut transfers: Vec<Transfer> = natives.into_iter().map(native).collect();
            let mut index = 0;
            for (token, to, amount, step) in moves {
                index += step;
                transfers.push(transfer([token; 20], to, amount, Place::Log(index)));
            }
            let log = Event { log_index: at, address: [1; 20], topics: vec![], data: vec![] };
            let (token, apart) = (token.map(|byte| [byte; 20]), apart.map(|byte| [byte; 20]));
            let sides = Sides::in_lines(&transfers);
            let wanted = Wanted { side: Side::Got, amount: U256::from(amount), token, apart };
            prop_assert_eq!(sides.nearest(&log, wanted), sides.sought(&log, wanted));
        }
    }
}
