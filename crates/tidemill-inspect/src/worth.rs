//! What a circle was worth, in the native coin and in USD, before gas and tip and after them.

use std::collections::BTreeMap;

use ruint::aliases::U256;
use rustc_hash::FxHashSet;
use tidemill_pools::Address;

use crate::arbitrage::{native, Arbitrage};
use crate::block::Tx;
use crate::facts::Facts;
use crate::inspect::Explained;
use crate::ledger::{Flow, Sum};
use crate::price::Prices;
use crate::transfer::{NATIVE, NOBODY};

/// Each is absent where a price, or what the transaction cost, is not known.
pub(crate) struct Worth {
    /// The profit, wei; of what was undone that which it would have been.
    pub profit_wei: Option<Flow>,
    /// What gas and tip leave of it, wei.
    pub net_wei: Option<Flow>,
    /// The profit, millionths of a USD; of what was undone that which it would have been.
    pub profit_usd_millionths: Option<Flow>,
    /// What gas and tip leave of it, millionths of a USD.
    pub net_usd_millionths: Option<Flow>,
}

impl Worth {
    /// Values `found`, a circle of `tx`, which paid `tip_wei` beside its fee. Of what was undone nothing but the cost is left.
    pub fn of(found: &Arbitrage, tx: &Tx, tip_wei: U256, prices: &Prices, facts: &Facts) -> Self {
        let token = native(found.profit_token, facts.wrapped);
        let size = found.end_amount.abs_diff(found.start_amount);
        let is_loss = found.end_amount < found.start_amount;
        let signed = |amount: U256| {
            let (gained, given) = if is_loss { (U256::ZERO, amount) } else { (amount, U256::ZERO) };
            Flow { gained: Sum::from(gained), given: Sum::from(given) }
        };
        let cost_wei = tx.fee_wei().and_then(|fee| fee.checked_add(tip_wei));
        let cost_usd = cost_wei.and_then(|cost| prices.usd_millionths(NATIVE, cost, facts));
        let profit_wei = prices.native_wei(token, size).map(signed);
        let profit_usd_millionths = prices.usd_millionths(token, size, facts).map(signed);
        let is_failed = tx.is_success == Some(false);
        let kept = |profit: Option<Flow>| if is_failed { Some(Flow::default()) } else { profit };
        Self {
            profit_wei,
            net_wei: less(kept(profit_wei), cost_wei),
            profit_usd_millionths,
            net_usd_millionths: less(kept(profit_usd_millionths), cost_usd),
        }
    }
}

/// Returns who else of a transaction has less than before, at the block's prices, the most first, with what it is in wei.
///
/// A party that gained or gave a token without a price is left out: it is not known what that came to.
pub(crate) fn losers<'a>(one: &'a Explained, prices: &Prices, facts: &Facts) -> Vec<(&'a Address, Flow)> {
    let mut sums: BTreeMap<&Address, Option<Flow>> = BTreeMap::new();
    for (party, token, flow) in one.ledger.deltas() {
        let (is_loss, size) = flow.net();
        let worth = U256::checked_from_limbs_slice(size.as_limbs())
            .and_then(|size| prices.native_wei(*token, size))
            .map(Sum::from);
        let sum = sums.entry(party).or_insert_with(|| Some(Flow::default()));
        match (sum.as_mut(), worth) {
            (Some(sum), Some(worth)) if is_loss => sum.given += worth,
            (Some(sum), Some(worth)) => sum.gained += worth,
            _ => *sum = None,
        }
    }
    let own: FxHashSet<&Address> = one.gain.accounts.iter().collect();
    // What the wrapped coin's contract pays out is what somebody had wrapped.
    let is_other =
        |party: &Address| *party != NOBODY && Some(*party) != facts.wrapped && !own.contains(party);
    let mut found: Vec<(&Address, Flow)> = sums
        .into_iter()
        .filter_map(|(party, sum)| Some((party, sum?)))
        .filter(|(party, sum)| is_other(party) && sum.is_loss())
        .collect();
    found.sort_by_key(|(_, sum)| std::cmp::Reverse(sum.net().1));
    found
}

fn less(profit: Option<Flow>, cost: Option<U256>) -> Option<Flow> {
    let (profit, cost) = profit.zip(cost)?;
    Some(Flow { gained: profit.gained, given: profit.given + Sum::from(cost) })
}
