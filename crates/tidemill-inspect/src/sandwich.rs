//! Sandwiches: who bought before others bought in the same pool, and sold what was bought right after them.
//!
//! Source: the rules of flashbots/mev-inspect-py (sandwiches), as published; routers that strangers share are not who sandwiched.

use ruint::aliases::U256;
use rustc_hash::{FxHashMap, FxHashSet};
use tidemill_pools::{Address, Hash};

use crate::facts::Facts;
use crate::ledger::Sum;
use crate::swap::Swap;

/// A swap with the transaction it is of.
#[derive(Debug, Clone, Copy)]
pub struct Placed<'a> {
    /// Hash of the transaction.
    pub tx_hash: Hash,
    /// Place of the transaction in the block.
    pub tx_index: u32,
    /// Who signed it.
    pub signer: Option<Address>,
    /// The swap.
    pub swap: &'a Swap,
}

/// One sandwich.
#[derive(Debug, Clone)]
pub struct Sandwich<'a> {
    /// Who was paid by the first swaps and paid for the last.
    pub account: Address,
    /// The swaps before the last whose direction is the victims', the first one first.
    pub fronts: Vec<Placed<'a>>,
    /// The swap after them.
    pub back: Placed<'a>,
    /// The swaps between, in the direction of the first, of others: of each transaction the first one.
    pub victims: Vec<Placed<'a>>,
}

impl Sandwich<'_> {
    /// Returns what the last swap gave, and what the first ones cost, of the same token.
    pub fn gained_and_paid(&self) -> (Sum, Sum) {
        (Sum::from(self.back.swap.amount_out), self.sum(|swap| swap.amount_in))
    }

    /// Says whether the last swap sold what the first ones had bought, and no other amount.
    pub fn is_even(&self) -> bool {
        self.sum(|swap| swap.amount_out) == Sum::from(self.back.swap.amount_in)
    }

    fn sum(&self, amount: impl Fn(&Swap) -> U256) -> Sum {
        self.fronts.iter().map(|front| Sum::from(amount(front.swap))).fold(Sum::ZERO, |sum, one| sum + one)
    }
}

/// A pool with what is paid with and what is bought.
type Direction = (Address, Option<Hash>, Address, Address);

/// Returns the sandwiches among a block's swaps, which are in the block's order, by their first swaps.
pub fn sandwiches<'a>(swaps: &[Placed<'a>], facts: &Facts) -> Vec<Sandwich<'a>> {
    let pools: FxHashSet<Address> = swaps.iter().map(|one| one.swap.pool).collect();
    let mut open: FxHashMap<(Direction, Address), Vec<(usize, Placed<'a>)>> = FxHashMap::default();
    let mut along: FxHashMap<Direction, Vec<(usize, Placed<'a>)>> = FxHashMap::default();
    let mut found: Vec<(usize, Sandwich<'a>)> = Vec::new();
    for (at, one) in swaps.iter().copied().enumerate().filter(|(_, one)| !one.swap.is_undone) {
        let Some((token_in, token_out)) = one.swap.tokens() else { continue };
        let (pool, pool_id) = (one.swap.pool, one.swap.pool_id);
        let (onward, back) = ((pool, pool_id, token_in, token_out), (pool, pool_id, token_out, token_in));
        if let Some(fronts) = open.get_mut(&(back, one.swap.from)) {
            let fronts = fronts.extract_if(.., |(_, front)| front.tx_hash != one.tx_hash).collect();
            found.extend(closed_by(one, fronts, along.get(&back).map(Vec::as_slice).unwrap_or_default()));
        }
        along.entry(onward).or_default().push((at, one));
        // A pool that is paid is the next one on the way of a user.
        if facts.router(one.swap.to).is_none() && !pools.contains(&one.swap.to) {
            open.entry((onward, one.swap.to)).or_default().push((at, one));
        }
    }
    found.sort_by_key(|(first, _)| *first);
    found.into_iter().map(|(_, sandwich)| sandwich).collect()
}

/// Returns the sandwich that `back` closes, with the place of its first swap; `along` are the swaps in the direction of `fronts`.
fn closed_by<'a>(
    back: Placed<'a>,
    fronts: Vec<(usize, Placed<'a>)>,
    along: &[(usize, Placed<'a>)],
) -> Option<(usize, Sandwich<'a>)> {
    let account = back.swap.from;
    let first = fronts.first()?.0;
    let fronts: Vec<Placed<'a>> = fronts.into_iter().map(|(_, front)| front).collect();
    let own = || fronts.iter().chain([&back]);
    let own_txs: FxHashSet<Hash> = own().map(|one| one.tx_hash).collect();
    let own_signers: FxHashSet<Option<Address>> = own().map(|one| one.signer).collect();
    let mut victims: Vec<Placed<'a>> = Vec::new();
    let between = along.get(along.partition_point(|(at, _)| *at <= first)..).unwrap_or_default();
    for (_, one) in between {
        let is_own = one.swap.from == account || own_signers.contains(&one.signer);
        let is_told = victims.last().is_some_and(|last| last.tx_hash == one.tx_hash);
        if !is_own && !is_told && !own_txs.contains(&one.tx_hash) {
            victims.push(*one);
        }
    }
    (!victims.is_empty()).then_some((first, Sandwich { account, fronts, back, victims }))
}
