//! What a token is worth in US dollars, by a stated rule: the deepest pool to a stable token, at most two steps away.
//!
//! A stable token is worth one dollar, by decree of whoever lists it. A token is worth what the deepest of its pools to a
//! token that is nearer to the stable ones says, before the fee; deepest is where the most dollars of that token double
//! the price. Further than two steps, and where there is no pool, there is no price. Order books are not asked.

use crate::costs::HopKind;
use crate::graph::Graph;
use crate::market::Market;

/// A token taken for a dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StableToken {
    /// The token.
    pub token: u32,
    /// Its decimals.
    pub decimals: u8,
}

/// One step of the way from a token to a stable one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UsdStep {
    /// The pool that prices the token.
    pub pool: u32,
    /// What the pool trades it for.
    pub token: u32,
    /// Dollars that would double the price.
    pub depth_usd: f64,
}

/// A price, for show and for filters, not for amounts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UsdPrice {
    /// Dollars for a raw unit.
    pub usd_per_unit: f64,
    /// Where the price comes from: no step for a stable token, else one or two.
    pub steps: [Option<UsdStep>; 2],
}

/// Returns the price of a token; `None` where no pool leads to a stable token within two steps.
pub fn usd_price(
    graph: &Graph,
    market: &impl Market,
    token: u32,
    stables: &[StableToken],
) -> Option<UsdPrice> {
    let near = |token: u32| stable(token, stables).or_else(|| one_step(graph, market, token, stables));
    near(token).or_else(|| {
        let neighbours = graph.neighbours(token).iter().map(|neighbour| neighbour.token);
        let priced = neighbours.filter_map(|known| Some((known, near(known)?)));
        deepest(graph, market, token, priced)
    })
}

fn stable(token: u32, stables: &[StableToken]) -> Option<UsdPrice> {
    let stable = stables.iter().find(|stable| stable.token == token)?;
    Some(UsdPrice { usd_per_unit: 10_f64.powi(-i32::from(stable.decimals)), steps: [None, None] })
}

fn one_step(graph: &Graph, market: &impl Market, token: u32, stables: &[StableToken]) -> Option<UsdPrice> {
    let priced = stables.iter().filter_map(|known| Some((known.token, stable(known.token, stables)?)));
    deepest(graph, market, token, priced)
}

/// Returns what the deepest pool between the token and any of those that are priced says.
fn deepest(
    graph: &Graph,
    market: &impl Market,
    token: u32,
    priced: impl Iterator<Item = (u32, UsdPrice)>,
) -> Option<UsdPrice> {
    let mut best: Option<(f64, UsdPrice)> = None;
    for (known, price) in priced {
        for pool in graph.between(token, known) {
            let Some((rate, depth)) = rate_and_depth(market, (pool, token, known)) else { continue };
            let (usd_per_unit, depth_usd) = (rate * price.usd_per_unit, depth * price.usd_per_unit);
            let is_usable = usd_per_unit.is_finite() && usd_per_unit > 0.0 && depth_usd > 0.0;
            if is_usable && best.is_none_or(|(deepest, _)| depth_usd > deepest) {
                let steps = [Some(UsdStep { pool, token: known, depth_usd }), price.steps[0]];
                best = Some((depth_usd, UsdPrice { usd_per_unit, steps }));
            }
        }
    }
    best.map(|(_, price)| price)
}

/// Returns what a unit of `token` is worth in `known`, before the fee, and how much of that doubles the price.
fn rate_and_depth(market: &impl Market, (pool, token, known): (u32, u32, u32)) -> Option<(f64, f64)> {
    let (sold, bought) = (market.leg(pool, token, known).ok()?, market.leg(pool, known, token).ok()?);
    if sold.kind() == HopKind::OrderBook {
        return None;
    }
    // The fee counts once in each direction, and so drops out of the mean. A square root is the same on every machine.
    let rate = (sold.rate().ok()? / bought.rate().ok()?).sqrt();
    Some((rate, bought.depth().ok()?))
}
