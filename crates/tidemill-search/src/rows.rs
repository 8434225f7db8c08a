//! An opportunity as rows of events: what it pays, and each hop with the state it was computed from.

use ruint::aliases::U256;
use rustc_hash::FxHashMap;
use tidemill_events::{Opportunity as Row, OpportunityHop as HopRow};
use tidemill_pools::{Address, Head, PoolSet};

use crate::chain::{ChainOptions, ChainScan};
use crate::float::to_f64;
use crate::followed::Followed;
use crate::market::Hop;
use crate::scan::Opportunity;
use crate::usd::{UsdPrice, UsdStep};

/// What the rows of one search share.
pub(crate) struct Found<'a> {
    pub(crate) options: &'a ChainOptions,
    pub(crate) head: &'a Head,
    pub(crate) recv_ns: i64,
    pub(crate) followed: &'a Followed,
    pub(crate) set: &'a PoolSet,
    /// Dollar prices by the numbers of the tokens.
    pub(crate) prices: &'a FxHashMap<u32, UsdPrice>,
}

/// A hop by its addresses.
struct Named {
    pool: Address,
    token_in: Address,
    token_out: Address,
}

impl Found<'_> {
    fn named(&self, hop: &Hop) -> Option<Named> {
        let token = |token| self.followed.token_address(token).copied();
        Some(Named {
            pool: *self.followed.pool_address(hop.pool)?,
            token_in: token(hop.token_in)?,
            token_out: token(hop.token_out)?,
        })
    }

    /// Returns the pool and the other token of each step to a stable token.
    fn route(&self, price: Option<&UsdPrice>) -> [(Option<Address>, Option<Address>); 2] {
        let named = |step: UsdStep| {
            (self.followed.pool_address(step.pool).copied(), self.followed.token_address(step.token).copied())
        };
        let steps = price.map_or([None, None], |price| price.steps);
        steps.map(|step| step.map_or((None, None), named))
    }
}

/// Pushes an opportunity and its hops.
pub(crate) fn push_rows(told: &mut ChainScan, found: &Found<'_>, (rank, opportunity): (u32, &Opportunity)) {
    let Some(hops) = opportunity.cycle.hops().iter().map(|hop| found.named(hop)).collect::<Option<Vec<_>>>()
    else {
        return;
    };
    let Some(start) = hops.first().map(|hop| hop.token_in) else { return };
    let id = id_of(found.head, &hops);
    let (sized, outcome) = (&opportunity.sized, opportunity.outcome);
    let net = outcome.and_then(|outcome| outcome.net);
    let priority = U256::from(found.options.priority_fee_wei);
    let price = found.prices.get(&opportunity.cycle.start());
    let [(usd_pool_1, usd_token_1), (usd_pool_2, usd_token_2)] = found.route(price);
    told.opportunity.push(&Row {
        event_ns: found.head.event_ns(),
        recv_ns: found.recv_ns,
        source: &found.options.source,
        chain_id: found.options.chain_id,
        block_number: found.head.number,
        block_hash: found.head.hash,
        opportunity: id,
        kind: "cycle",
        token: start,
        hop_count: u8::try_from(hops.len()).unwrap_or(u8::MAX),
        rank,
        amount_in: sized.amount_in(),
        gross_profit: sized.gross_profit(),
        flash_premium: outcome.map_or(U256::ZERO, |outcome| outcome.flash_premium),
        gas: outcome.and_then(|outcome| outcome.gas),
        gas_price_wei: found.head.base_fee_wei.and_then(|fee| fee.checked_add(priority)),
        fee_wei: found.head.base_fee_wei.and_then(|_| outcome?.fee_wei),
        net_profit: net.map(|net| net.profit.magnitude),
        net_profit_wei: net.map(|net| net.profit_wei.magnitude),
        break_even_gas_price_wei: net.map(|net| net.break_even_gas_price_wei),
        net_profit_usd: net.zip(price).map(|(net, price)| to_f64(net.profit.magnitude) * price.usd_per_unit),
        usd_per_unit: price.map(|price| price.usd_per_unit),
        usd_pool_1,
        usd_token_1,
        usd_pool_2,
        usd_token_2,
    });
    for (place, hop) in hops.iter().enumerate() {
        push_hop(told, found, (id, place, hop), opportunity);
    }
}

fn push_hop(
    told: &mut ChainScan,
    found: &Found<'_>,
    (opportunity, place, hop): ([u8; 32], usize, &Named),
    of: &Opportunity,
) {
    let Some(tracked) = found.set.get(&hop.pool) else { return };
    let state = tracked.pool.state();
    let amount = |at: usize| of.sized.amounts().get(at).copied().unwrap_or_default();
    told.opportunity_hop.push(&HopRow {
        event_ns: found.head.event_ns(),
        recv_ns: found.recv_ns,
        source: &found.options.source,
        chain_id: found.options.chain_id,
        block_number: found.head.number,
        block_hash: found.head.hash,
        opportunity,
        hop: u8::try_from(place).unwrap_or(u8::MAX),
        pool: hop.pool,
        protocol: tracked.pool.protocol(),
        dex: &tracked.spec.dex,
        token_in: hop.token_in,
        token_out: hop.token_out,
        amount_in: amount(place),
        amount_out: amount(place + 1),
        ticks_crossed: of.sized.ticks_crossed.get(place).copied().unwrap_or_default(),
        reserve0: state.reserve0,
        reserve1: state.reserve1,
        sqrt_price_x96: state.sqrt_price_x96,
        liquidity: state.liquidity,
        tick: state.tick,
    });
}

/// Returns the hash of the block's hash and of the path: the same path found again on the same state is the same.
fn id_of(head: &Head, hops: &[Named]) -> [u8; 32] {
    let mut bytes = head.hash.to_vec();
    for hop in hops {
        bytes.extend([hop.pool, hop.token_in, hop.token_out].as_flattened());
    }
    tidemill_proof::keccak256(&bytes)
}
