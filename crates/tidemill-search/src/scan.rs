//! What pays after a change: circles through the pools that were touched, sized, verified, ranked, each trade once.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::costs::{Costs, HopKind, Outcome};
use crate::cycle::Cycle;
use crate::cycles::Cycles;
use crate::graph::Graph;
use crate::leg::Leg;
use crate::market::{Hop, Market, PoolFault};
use crate::sizing::{size, Effort, SizeError, Sized, HOPS_MAX};

/// What to look for.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// Longest circle: 2, 3 or 4 hops.
    pub hops_max: usize,
    /// Tokens that a circle may start with, the most wanted first; any where there are none.
    pub starts: &'a [u32],
    /// How much work the last units of a path are worth.
    pub effort: Effort,
    /// Costs by start token; what is left is absent for a token without.
    pub costs: &'a FxHashMap<u32, Costs>,
}

/// A circle that pays, with what reproduces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opportunity {
    /// The hops, from the start token on.
    pub cycle: Cycle,
    /// Exact amounts.
    pub sized: Sized,
    /// Profit and costs; absent where the start token's costs are not known.
    pub outcome: Option<Outcome>,
}

/// What one search found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// Best first: by what is left in the gas token; then those for which that is not known, by start token and profit.
    pub opportunities: Vec<Opportunity>,
    /// Pools that could not be asked; circles through them are left out.
    pub faults: Vec<PoolFault>,
    /// Circles whose rates promised a profit, and so were sized.
    pub candidates: usize,
}

impl Graph {
    /// Searches all circles through the pools touched, at the rates of the last refresh.
    pub fn scan(&self, market: &impl Market, touched: &[u32], search: &Search<'_>) -> Scan {
        let mut cycles = Cycles::default();
        for pool in touched {
            cycles.through(self, *pool, search.hops_max.min(HOPS_MAX));
        }
        let mut scan = Scan::default();
        for cycle in cycles.into_sorted() {
            let Some(cycle) = cycle.starting_with(search.starts) else { continue };
            scan.candidates += 1;
            match opportunity(market, cycle, search) {
                Ok(found) => scan.opportunities.extend(found),
                Err(fault) => scan.faults.push(fault),
            }
        }
        scan.faults.sort_unstable_by_key(|fault| fault.pool);
        scan.faults.dedup();
        scan.opportunities = ranked(&scan.opportunities);
        scan
    }
}

fn opportunity(
    market: &impl Market,
    cycle: Cycle,
    search: &Search<'_>,
) -> Result<Option<Opportunity>, PoolFault> {
    let leg = |hop: &Hop| {
        let leg = market.leg(hop.pool, hop.token_in, hop.token_out);
        leg.map_err(|error| PoolFault { pool: hop.pool, error })
    };
    let [first, rest @ ..] = cycle.hops() else { return Ok(None) };
    let mut legs = [leg(first)?; HOPS_MAX];
    for (slot, hop) in legs.iter_mut().skip(1).zip(rest) {
        *slot = leg(hop)?;
    }
    let legs = legs.get(..cycle.hops().len()).unwrap_or_default();
    let sized = match size(legs, search.effort) {
        Ok(sized) => sized,
        Err(SizeError::Pool { hop, error }) => {
            let pool = cycle.hops().get(hop).unwrap_or(first).pool;
            return Err(PoolFault { pool, error });
        }
        // A circle has as many hops as a path may have.
        Err(SizeError::Hops { .. }) => None,
    };
    Ok(sized.map(|sized| {
        let costs = search.costs.get(&cycle.start());
        Opportunity {
            cycle,
            sized,
            outcome: costs.map(|costs| costs.outcome(&sized, kinds(legs).as_slice())),
        }
    }))
}

fn kinds(legs: &[Leg<'_>]) -> Vec<HopKind> {
    legs.iter().map(Leg::kind).collect()
}

/// Returns what was found in order, and of trades through the same pools only the best.
fn ranked(found: &[Opportunity]) -> Vec<Opportunity> {
    // They are large: their places are sorted instead.
    let mut order: Vec<&Opportunity> = found.iter().collect();
    order.sort_unstable_by(|a, b| compare(a, b));
    let mut seen = FxHashSet::default();
    order.into_iter().filter(|found| seen.insert(found.cycle.pools())).copied().collect()
}

fn compare(a: &Opportunity, b: &Opportunity) -> std::cmp::Ordering {
    let net = |found: &Opportunity| found.outcome.and_then(|outcome| outcome.net).map(|net| net.profit_wei);
    net(b)
        .cmp(&net(a))
        .then_with(|| a.cycle.start().cmp(&b.cycle.start()))
        .then_with(|| b.sized.gross_profit().cmp(&a.sized.gross_profit()))
        .then_with(|| a.cycle.hops().cmp(b.cycle.hops()))
}
