//! What tokens are worth in US dollars, by a stated rule: the deepest pool to a stable token, at most two steps away.
//!
//! A stable token is worth one dollar, by decree of whoever lists it. A token is worth what the deepest of its pools to a
//! token that is nearer to the stable ones says, before the fee; deepest is where the most dollars of that token double
//! the price. Further than two steps, and where there is no pool, there is no price.

use rustc_hash::FxHashMap;

use crate::graph::Graph;
use crate::market::Market;

/// Steps from a stable token beyond which nothing is priced.
pub const STEPS_MAX: u8 = 2;

/// A token taken for a dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StableToken {
    /// The token.
    pub token: u32,
    /// Its decimals.
    pub decimals: u8,
}

/// A price, for show and for filters, not for amounts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UsdPrice {
    /// Dollars for a raw unit.
    pub usd_per_unit: f64,
    /// Dollars that would double the price in the pool it comes from; absent for a stable token.
    pub depth_usd: Option<f64>,
    /// Pool that the price comes from; absent for a stable token.
    pub pool: Option<u32>,
    /// Steps from a stable token: 0, 1 or 2.
    pub steps: u8,
}

/// Returns the price of every token that has one, at the rates of the last refresh.
pub fn usd_prices(graph: &Graph, market: &impl Market, stables: &[StableToken]) -> FxHashMap<u32, UsdPrice> {
    let mut prices = FxHashMap::default();
    for StableToken { token, decimals } in stables {
        let usd_per_unit = 10_f64.powi(-i32::from(*decimals));
        prices.insert(*token, UsdPrice { usd_per_unit, depth_usd: None, pool: None, steps: 0 });
    }
    let mut nearer: Vec<u32> = stables.iter().map(|stable| stable.token).collect();
    for steps in 1..=STEPS_MAX {
        let mut found: FxHashMap<u32, UsdPrice> = FxHashMap::default();
        for known in &nearer {
            if let Some(price) = prices.get(known) {
                price_neighbours(graph, market, (*known, price.usd_per_unit, steps), &prices, &mut found);
            }
        }
        nearer = found.keys().copied().collect();
        nearer.sort_unstable();
        prices.extend(found);
    }
    prices
}

fn price_neighbours(
    graph: &Graph,
    market: &impl Market,
    (known, usd_per_unit, steps): (u32, f64, u8),
    prices: &FxHashMap<u32, UsdPrice>,
    found: &mut FxHashMap<u32, UsdPrice>,
) {
    for neighbour in graph.neighbours(known) {
        let token = neighbour.token;
        if prices.contains_key(&token) {
            continue;
        }
        let (Some(sold), Some(bought)) = (graph.way(token, known), graph.way(known, token)) else { continue };
        for ((pool, selling), (_, buying)) in sold.edges().zip(bought.edges()) {
            // The fee counts once in each direction, and so drops out of the mean.
            let price = usd_per_unit * ((selling - buying) / 2.0).exp();
            let depth = market.leg(pool, known, token).and_then(|leg| leg.depth());
            let Some(depth_usd) = depth.ok().map(|depth| depth * usd_per_unit) else { continue };
            let is_deepest =
                found.get(&token).and_then(|other| other.depth_usd).is_none_or(|other| depth_usd > other);
            if price.is_finite() && price > 0.0 && depth_usd > 0.0 && is_deepest {
                let depth_usd = Some(depth_usd);
                found.insert(token, UsdPrice { usd_per_unit: price, depth_usd, pool: Some(pool), steps });
            }
        }
    }
}
