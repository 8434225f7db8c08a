//! Circles of swaps in one transaction, and whether who made them gained by it.

use std::collections::BTreeMap;

use ruint::aliases::U256;
use rustc_hash::{FxHashMap, FxHashSet};
use tidemill_pools::Address;

use crate::component::components;
use crate::facts::Facts;
use crate::gain::Gain;
use crate::ledger::{Flow, Sum};
use crate::route::Route;
use crate::swap::Swap;
use crate::transfer::NATIVE;

/// How the swaps of a circle hang together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Each swap hands on to the next.
    Chain,
    /// What a swap bought was divided, or joined, or lay in a vault meanwhile: only the sums close the circle.
    Network,
}

/// What a circle was to those who made it, by what they have afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// They gained, and lost nothing, before gas.
    Profit,
    /// They gained of one token and gave of another.
    Mixed,
    /// They did not gain, or it was undone.
    Loss,
}

/// One circle.
#[derive(Debug, Clone, PartialEq)]
pub struct Arbitrage {
    /// Who paid for the first swap and was paid by the last.
    pub account: Address,
    /// Its swaps, by their places among the transaction's.
    pub route: Route,
    /// How they hang together.
    pub shape: Shape,
    /// What the circle begins and ends with.
    pub profit_token: Address,
    /// How much of it went in.
    pub start_amount: U256,
    /// How much of it came out.
    pub end_amount: U256,
    /// What it was to those who made it.
    pub verdict: Verdict,
    /// How much of what they gained the circles of the transaction explain: 1 where it is all, to the unit.
    pub confidence: f64,
}

/// Returns the circles of one transaction, of whose swaps `routes` hand on. `fees` is what its flash loans cost, by token.
pub fn arbitrages(
    (swaps, routes): (&[Swap], Vec<Route>),
    gain: &Gain,
    fees: &BTreeMap<Address, Sum>,
    facts: &Facts,
    has_liquidity_changes: bool,
) -> Vec<Arbitrage> {
    let wrapped = facts.wrapped;
    // Orders of strangers that a router settles together can look like a circle of its own.
    let is_somebodys = |one: &Arbitrage| {
        facts.router(one.account).is_none()
            || gain.net.get(&native(one.profit_token, wrapped)).is_some_and(Flow::is_gain)
    };
    let chains = routes.into_iter().filter_map(|route| chain(route, swaps, gain));
    let mut found: Vec<Arbitrage> = chains.filter(is_somebodys).collect();
    if found.is_empty() && !has_liquidity_changes {
        found.extend(network(swaps, gain, wrapped));
    }
    let stated = stated(&found, fees, wrapped);
    for one in &mut found {
        one.confidence = confidence(&stated, gain, native(one.profit_token, wrapped));
    }
    found
}

fn chain(route: Route, swaps: &[Swap], gain: &Gain) -> Option<Arbitrage> {
    let (first, last) = (swaps.get(*route.first()?)?, swaps.get(*route.last()?)?);
    let is_gain = last.amount_out > first.amount_in;
    let verdict = match (is_gain, gain.net.values().any(Flow::is_loss)) {
        (false, _) => Verdict::Loss,
        (true, false) => Verdict::Profit,
        (true, true) => Verdict::Mixed,
    };
    Some(Arbitrage {
        account: first.from,
        route,
        shape: Shape::Chain,
        profit_token: first.token_in?,
        start_amount: first.amount_in,
        end_amount: last.amount_out,
        verdict,
        confidence: 0.0,
    })
}

/// Returns the circle that the sums of the swaps close, where those whom the transaction was for gained by it and lost nothing.
fn network(swaps: &[Swap], gain: &Gain, wrapped: Option<Address>) -> Option<Arbitrage> {
    if !gain.is_profit() {
        return None;
    }
    let is_whole = |swap: &&Swap| !swap.is_undone && swap.tokens().is_some();
    let legs: Vec<(usize, Address, Address)> = swaps
        .iter()
        .enumerate()
        .filter(|(_, swap)| is_whole(swap))
        .filter_map(|(at, swap)| {
            let (token_in, token_out) = swap.tokens()?;
            Some((at, native(token_in, wrapped), native(token_out, wrapped)))
        })
        .collect();
    let on_circle = on_circle(&legs, swaps);
    let gained = gain.net.iter().filter(|(token, _)| on_circle.contains(*token));
    let (token, _) = gained.max_by_key(|(_, flow)| flow.net().1)?;
    let sum = |amounts: &mut dyn Iterator<Item = U256>| amounts.fold(U256::ZERO, U256::saturating_add);
    let of = |at: usize| swaps.get(at);
    let start_amount = sum(&mut legs
        .iter()
        .filter(|leg| leg.1 == *token)
        .filter_map(|leg| of(leg.0))
        .map(|swap| swap.amount_in));
    let end_amount = sum(&mut legs
        .iter()
        .filter(|leg| leg.2 == *token)
        .filter_map(|leg| of(leg.0))
        .map(|swap| swap.amount_out));
    if end_amount <= start_amount {
        return None;
    }
    let first = legs.iter().find(|leg| leg.1 == *token).and_then(|leg| of(leg.0))?;
    let account = if gain.accounts.contains(&first.from) { first.from } else { *gain.accounts.last()? };
    Some(Arbitrage {
        account,
        route: legs.iter().map(|leg| leg.0).collect(),
        shape: Shape::Network,
        profit_token: first.token_in?,
        start_amount,
        end_amount,
        verdict: Verdict::Profit,
        confidence: 0.0,
    })
}

/// Returns the tokens from which swaps of at least two pools lead back to themselves; `legs` are swaps with what each is paid with and buys.
fn on_circle(legs: &[(usize, Address, Address)], swaps: &[Swap]) -> FxHashSet<Address> {
    let ways: Vec<(Address, Address)> = legs.iter().map(|leg| (leg.1, leg.2)).collect();
    let components = components(&ways);
    let mut first: FxHashMap<usize, &Swap> = FxHashMap::default();
    let mut of_two_pools: FxHashSet<usize> = FxHashSet::default();
    for (at, token_in, token_out) in legs {
        let (Some(one), Some(other)) = (components.get(token_in), components.get(token_out)) else {
            continue;
        };
        let Some(swap) = swaps.get(*at).filter(|_| one == other) else { continue };
        if !swap.is_same_pool(first.entry(*one).or_insert(swap)) {
            of_two_pools.insert(*one);
        }
    }
    let is_of_two = |(_, component): &(&Address, &usize)| of_two_pools.contains(*component);
    components.iter().filter(is_of_two).map(|(token, _)| *token).collect()
}

/// Returns what those who made the circles gained or gave beyond what the circles and the flash loans' fees say, by token.
pub(crate) fn unexplained(
    found: &[Arbitrage],
    gain: &Gain,
    fees: &BTreeMap<Address, Sum>,
    wrapped: Option<Address>,
) -> BTreeMap<Address, Flow> {
    let mut rest = gain.net.clone();
    for (token, said) in stated(found, fees, wrapped) {
        let flow = rest.entry(token).or_default();
        flow.gained += said.given;
        flow.given += said.gained;
    }
    rest.retain(|_, flow| !flow.is_even());
    rest
}

/// Returns what the circles say was gained and given, by token, flash loans' fees taken off.
fn stated(
    found: &[Arbitrage],
    fees: &BTreeMap<Address, Sum>,
    wrapped: Option<Address>,
) -> BTreeMap<Address, Flow> {
    let mut stated: BTreeMap<Address, Flow> = BTreeMap::new();
    for one in found {
        let flow = stated.entry(native(one.profit_token, wrapped)).or_default();
        flow.gained += Sum::from(one.end_amount);
        flow.given += Sum::from(one.start_amount);
    }
    for (token, fee) in fees {
        stated.entry(native(*token, wrapped)).or_default().given += *fee;
    }
    stated
}

/// Returns the share of the larger one that what is stated and what was gained of `token` have in common.
fn confidence(stated: &BTreeMap<Address, Flow>, gain: &Gain, token: Address) -> f64 {
    let said = stated.get(&token).map(Flow::net).unwrap_or_default();
    let had = gain.of(token);
    if said == had {
        return 1.0;
    }
    if said.0 != had.0 {
        return 0.0;
    }
    let (less, more) = (said.1.min(had.1), said.1.max(had.1));
    // A share to six places: an estimate of trust, no amount.
    let millionths = less.saturating_mul(Sum::from(1_000_000)) / more;
    f64::from(u32::try_from(millionths).unwrap_or(0)) / 1e6
}

/// Returns the native coin for its wrapped one, which is worth the same.
pub(crate) fn native(token: Address, wrapped: Option<Address>) -> Address {
    if Some(token) == wrapped {
        NATIVE
    } else {
        token
    }
}
