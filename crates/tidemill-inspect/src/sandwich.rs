//! Sandwiches: who bought before others bought in the same pool, and sold what was bought right after them.
//!
//! Source: the rules of flashbots/mev-inspect-py (sandwiches), as published; routers that strangers share are not who sandwiched.

use ruint::aliases::U256;
use tidemill_pools::{Address, Hash};

use crate::facts::Facts;
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
    /// Who was paid by the first swap and paid for the last.
    pub account: Address,
    /// The swap before the victims'.
    pub front: Placed<'a>,
    /// The swap after them.
    pub back: Placed<'a>,
    /// The swaps between, in the direction of the first, of others.
    pub victims: Vec<Placed<'a>>,
}

impl Sandwich<'_> {
    /// Returns what the last swap gave, and what the first one cost, of the same token.
    pub fn gained_and_paid(&self) -> (U256, U256) {
        (self.back.swap.amount_out, self.front.swap.amount_in)
    }

    /// Says whether the last swap sold what the first had bought, and no other amount.
    pub fn is_even(&self) -> bool {
        self.front.swap.amount_out == self.back.swap.amount_in
    }
}

/// Returns the sandwiches among a block's swaps, which are in the block's order.
pub fn sandwiches<'a>(swaps: &[Placed<'a>], facts: &Facts) -> Vec<Sandwich<'a>> {
    let mut found = Vec::new();
    for (at, front) in swaps.iter().enumerate() {
        if !front.swap.is_undone {
            found.extend(closed_by(front, swaps.get(at + 1..).unwrap_or_default(), facts));
        }
    }
    found
}

fn closed_by<'a>(front: &Placed<'a>, rest: &[Placed<'a>], facts: &Facts) -> Option<Sandwich<'a>> {
    let account = front.swap.to;
    let (token_in, token_out) = front.swap.tokens()?;
    if facts.router(account).is_some() {
        return None;
    }
    let mut victims: Vec<Placed<'a>> = Vec::new();
    for other in rest {
        let is_elsewhere = other.tx_hash == front.tx_hash || !other.swap.is_same_pool(front.swap);
        if is_elsewhere || other.swap.is_undone {
            continue;
        }
        if other.swap.tokens() == Some((token_in, token_out)) && other.swap.from != account {
            victims.push(*other);
        } else if other.swap.tokens() == Some((token_out, token_in)) && other.swap.from == account {
            victims.retain(|victim| victim.tx_hash != other.tx_hash);
            let is_sandwich = !victims.is_empty();
            return is_sandwich.then_some(Sandwich { account, front: *front, back: *other, victims });
        }
    }
    None
}
