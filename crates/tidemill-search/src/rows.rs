//! An opportunity as rows of events: what it pays, and each hop with the state it was computed from.

use ruint::aliases::U256;
use rustc_hash::FxHashMap;
use tidemill_events::{fixed18, Opportunity as Row, OpportunityHop as HopRow};
use tidemill_pools::{Address, Head, PoolSet};

use crate::book::{Level, NamedBook};
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

    /// Says where a hop trades: at whose exchange, or at which order book.
    fn venue(&self, hop: &Named) -> (Option<&str>, Option<&NamedBook>) {
        let dex = self.set.get(&hop.pool).map(|tracked| tracked.spec.dex.as_str());
        (dex, self.followed.book(&hop.pool))
    }

    /// Returns the kind of an opportunity: between two venues that price the same two tokens otherwise, or any other.
    fn kind(&self, hops: &[Named]) -> &'static str {
        match hops {
            [one, other] if self.venue(one) != self.venue(other) => "pair_gap",
            _ => "cycle",
        }
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
    let id = id_of(found, &hops, opportunity);
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
        kind: found.kind(&hops),
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
    let (tracked, named) = (found.set.get(&hop.pool), found.followed.book(&hop.pool));
    let (protocol, dex) = match (tracked, named) {
        (Some(tracked), _) => (tracked.pool.protocol(), &tracked.spec.dex),
        (None, Some(named)) => ("order_book", &named.venue),
        (None, None) => return,
    };
    let state = tracked.map(|tracked| tracked.pool.state()).unwrap_or_default();
    let amount = |at: usize| of.sized.amounts().get(at).copied().unwrap_or_default();
    let levels = named.map(|named| levels_taken(named, hop, amount(place)));
    let call = tracked.and_then(|one| one.pool.call_terms(&one.spec, &hop.token_in, &hop.token_out));
    let extra = call.as_ref().map(|call| hexadecimal(&call.extra));
    let lot_size = named.map(|named| fixed18::text(named.book.terms().lot_size));
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
        protocol,
        dex,
        instrument: named.map(|named| named.instrument.as_str()),
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
        levels: levels.as_deref(),
        taker_fee_ppm: named.map(|named| named.book.terms().taker_fee_ppm),
        lot_size: lot_size.as_deref(),
        called: call.map(|call| call.called),
        extra: extra.as_deref(),
    });
}

/// Returns the hash of the block's hash and of the path: the same path found again on the same state is the same.
fn id_of(found: &Found<'_>, hops: &[Named], of: &Opportunity) -> [u8; 32] {
    let mut bytes = found.head.hash.to_vec();
    for (hop, amount_in) in hops.iter().zip(of.sized.amounts()) {
        bytes.extend([hop.pool, hop.token_in, hop.token_out].as_flattened());
        if let Some(named) = found.followed.book(&hop.pool) {
            // Books change between blocks.
            bytes.extend(levels_taken(named, hop, *amount_in).as_bytes());
        }
    }
    tidemill_proof::keccak256(&bytes)
}

/// Returns the levels that a hop takes from, as `price@size`, the best first.
fn levels_taken(named: &NamedBook, hop: &Named, amount_in: U256) -> String {
    let taken = named.trade(&hop.token_in).map(|trade| named.book.taken(trade, amount_in));
    let spelled = |level: &Level| format!("{}@{}", fixed18::text(level.price), fixed18::text(level.size));
    taken.unwrap_or_default().iter().map(spelled).collect::<Vec<_>>().join(" ")
}

/// Spells bytes as 0x and two digits each.
fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::from("0x");
    for byte in bytes {
        text.extend(
            [byte >> 4_u32, byte & 0xf].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0')),
        );
    }
    text
}
