//! Who a transaction was for, and what they have after it that they had not before.

use std::collections::BTreeMap;

use ruint::aliases::U256;
use rustc_hash::FxHashSet;
use tidemill_pools::Address;

use crate::block::Tx;
use crate::facts::Facts;
use crate::ledger::{Flow, Ledger, Sum};
use crate::swap::Swap;
use crate::transfer::{Transfer, NATIVE, NOBODY};

/// What those whom a transaction was for gained and gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gain {
    /// Whom it was for: who signed, what was called if it is no router, who began the circle, and who only ever got what these sent.
    pub accounts: Vec<Address>,
    /// What they gained or lost together, by token, what was paid to the fee recipient not taken off; even ones left out.
    pub net: BTreeMap<Address, Flow>,
    /// What they paid to the fee recipient beside the fees, wei.
    pub tip_wei: U256,
}

impl Gain {
    /// Says whether something was gained and nothing lost.
    pub fn is_profit(&self) -> bool {
        !self.net.is_empty() && self.net.values().all(Flow::is_gain)
    }

    /// Says whether something was lost and nothing gained.
    pub fn is_loss(&self) -> bool {
        !self.net.is_empty() && self.net.values().all(Flow::is_loss)
    }

    /// Returns whether `token` was lost, and how much came or went.
    pub fn of(&self, token: Address) -> (bool, Sum) {
        self.net.get(&token).map(Flow::net).unwrap_or_default()
    }
}

/// Returns the gain of `tx`, of which `account` may be known to have traded, and of whose block the fee recipient may be known.
pub fn gain(
    tx: &Tx,
    account: Option<Address>,
    swaps: &[Swap],
    transfers: &[Transfer],
    known: (&Facts, Option<Address>),
) -> Gain {
    let (facts, fee_recipient) = known;
    let wrapped = facts.wrapped;
    let pools = swaps.iter().map(|swap| swap.pool);
    let tokens = transfers.iter().map(|transfer| transfer.token);
    let mut markets: FxHashSet<Address> = pools.chain(tokens).collect();
    markets.extend([Some(NOBODY), fee_recipient, wrapped].into_iter().flatten());
    let mut accounts: Vec<Address> = Vec::new();
    for party in [tx.from, tx.to, account].into_iter().flatten() {
        if !markets.contains(&party) && facts.router(party).is_none() && !accounts.contains(&party) {
            accounts.push(party);
        }
    }
    add_sinks(&mut accounts, transfers, &markets);
    let payers: FxHashSet<&Address> = accounts.iter().collect();
    let own_pay = |transfer: &&Transfer| {
        transfer.token == NATIVE && Some(transfer.to) == fee_recipient && payers.contains(&transfer.from)
    };
    let tip_wei =
        transfers.iter().filter(own_pay).fold(U256::ZERO, |sum, one| sum.saturating_add(one.amount));
    let mut net = Ledger::of(transfers, wrapped).of_parties(&accounts);
    if tip_wei != U256::ZERO {
        net.entry(NATIVE).or_default().gained += Sum::from(tip_wei);
        net.retain(|_, flow| !flow.is_even());
    }
    Gain { accounts, net, tip_wei }
}

/// Adds who gave nothing and got only what the accounts sent: where a bot puts what it earned.
fn add_sinks(accounts: &mut Vec<Address>, transfers: &[Transfer], markets: &FxHashSet<Address>) {
    let known = accounts.clone();
    let (own, others): (Vec<&Transfer>, Vec<&Transfer>) =
        transfers.iter().partition(|transfer| known.contains(&transfer.from));
    let mut left_out: FxHashSet<Address> = transfers.iter().map(|transfer| transfer.from).collect();
    left_out.extend(others.iter().map(|transfer| transfer.to));
    left_out.extend(markets);
    left_out.extend(&known);
    for transfer in own {
        if left_out.insert(transfer.to) {
            accounts.push(transfer.to);
        }
    }
}
