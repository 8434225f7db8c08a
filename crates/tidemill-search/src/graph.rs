//! Which pools trade which tokens, and at what rate: what a search looks at before it asks a pool.

use rustc_hash::FxHashMap;
use tidemill_pools::PoolError;

use crate::market::{Market, PoolFault};

/// A pool between two tokens: logarithms of what a unit buys, fee included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Edge {
    pub(crate) pool: u32,
    /// From the lower token to the higher.
    up: f64,
    /// From the higher token to the lower.
    down: f64,
}

/// All pools between two tokens.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    low: u32,
    edges: Vec<Edge>,
    best_up: f64,
    best_down: f64,
}

/// A token that a token trades with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Neighbour {
    pub(crate) token: u32,
    pub(crate) pair: u32,
}

/// Tokens and pools by dense numbers, with the rates of the last refresh.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// Tokens of each pool; empty where the number is free.
    pools: Vec<Vec<u32>>,
    neighbours: Vec<Vec<Neighbour>>,
    pairs: Vec<Pair>,
    pair_of: FxHashMap<(u32, u32), u32>,
}

/// Pairs of one direction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way<'a> {
    pair: &'a Pair,
    is_up: bool,
}

impl<'a> Way<'a> {
    /// Returns the best rate of any pool, as a logarithm; below all numbers where there is none.
    #[inline]
    pub(crate) fn best(self) -> f64 {
        if self.is_up {
            self.pair.best_up
        } else {
            self.pair.best_down
        }
    }

    /// Returns each pool with its rate, as a logarithm.
    #[inline]
    pub(crate) fn edges(self) -> impl Iterator<Item = (u32, f64)> + 'a {
        self.pair.edges.iter().map(move |edge| (edge.pool, if self.is_up { edge.up } else { edge.down }))
    }
}

impl Graph {
    /// Returns a graph without pools.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a pool of two or more tokens, or replaces it; it takes part in the search from its first refresh on.
    pub fn insert(&mut self, pool: u32, tokens: &[u32]) {
        self.remove(pool);
        let at = pool as usize;
        if self.pools.len() <= at {
            self.pools.resize(at + 1, Vec::new());
        }
        if let Some(slot) = self.pools.get_mut(at) {
            *slot = tokens.to_vec();
        }
        for (low, high) in pairs_of(tokens) {
            let pair = self.pair_or_new(low, high);
            if let Some(pair) = self.pairs.get_mut(pair as usize) {
                pair.edges.push(Edge { pool, up: f64::NEG_INFINITY, down: f64::NEG_INFINITY });
            }
        }
    }

    /// Takes a pool out.
    pub fn remove(&mut self, pool: u32) {
        let Some(tokens) = self.pools.get_mut(pool as usize).map(std::mem::take) else { return };
        for (low, high) in pairs_of(&tokens) {
            if let Some(pair) = self.pair_mut(low, high) {
                pair.edges.retain(|edge| edge.pool != pool);
                pair.settle();
            }
        }
    }

    /// Reads the rates of pools anew; one that has none leaves the search until it has, and is told.
    pub fn refresh(&mut self, market: &impl Market, pools: &[u32]) -> Vec<PoolFault> {
        let mut faults = Vec::new();
        for pool in pools {
            let Some(tokens) = self.pools.get(*pool as usize).cloned() else {
                faults.push(PoolFault { pool: *pool, error: PoolError::Uninitialised });
                continue;
            };
            let mut fault = None;
            for (low, high) in pairs_of(&tokens) {
                let rate = |from, to| market.leg(*pool, from, to).and_then(|leg| leg.rate());
                let (up, down) = (rate(low, high), rate(high, low));
                fault = fault.or(up.err()).or(down.err());
                if let Some(pair) = self.pair_mut(low, high) {
                    pair.set(Edge { pool: *pool, up: log(up), down: log(down) });
                }
            }
            faults.extend(fault.map(|error| PoolFault { pool: *pool, error }));
        }
        faults
    }

    /// Returns the tokens of a pool; none where it is not here.
    pub fn tokens(&self, pool: u32) -> &[u32] {
        self.pools.get(pool as usize).map_or(&[], Vec::as_slice)
    }

    /// Returns the numbers of all pools.
    pub fn pools(&self) -> impl Iterator<Item = u32> + '_ {
        let here = self.pools.iter().enumerate().filter(|(_, tokens)| !tokens.is_empty());
        here.filter_map(|(pool, _)| u32::try_from(pool).ok())
    }

    /// Returns the pools between two tokens.
    pub(crate) fn between(&self, one: u32, other: u32) -> impl Iterator<Item = u32> + '_ {
        self.way(one, other).into_iter().flat_map(|way| way.edges().map(|(pool, _)| pool))
    }

    /// Returns one more than the highest token's number.
    pub fn token_count(&self) -> usize {
        self.neighbours.len()
    }

    #[inline]
    pub(crate) fn neighbours(&self, token: u32) -> &[Neighbour] {
        self.neighbours.get(token as usize).map_or(&[], Vec::as_slice)
    }

    /// Returns the pools from a token to another; `None` where there never was one.
    #[inline]
    pub(crate) fn way(&self, from: u32, to: u32) -> Option<Way<'_>> {
        let pair = *self.pair_of.get(&(from.min(to), from.max(to)))?;
        self.way_of(pair, from)
    }

    /// Returns the pools of a pair, from one of its tokens.
    #[inline]
    pub(crate) fn way_of(&self, pair: u32, from: u32) -> Option<Way<'_>> {
        let pair = self.pairs.get(pair as usize)?;
        Some(Way { pair, is_up: pair.low == from })
    }

    /// Returns a pool's rate from a token to another, as a logarithm.
    pub(crate) fn rate(&self, pool: u32, from: u32, to: u32) -> Option<f64> {
        self.way(from, to)?
            .edges()
            .find(|(at, _)| *at == pool)
            .map(|(_, rate)| rate)
            .filter(|rate| rate.is_finite())
    }

    fn pair_mut(&mut self, low: u32, high: u32) -> Option<&mut Pair> {
        let pair = *self.pair_of.get(&(low, high))?;
        self.pairs.get_mut(pair as usize)
    }

    fn pair_or_new(&mut self, low: u32, high: u32) -> u32 {
        if let Some(pair) = self.pair_of.get(&(low, high)) {
            return *pair;
        }
        // A number of pairs beyond 32 bits would take more memory than there is.
        let pair = u32::try_from(self.pairs.len()).unwrap_or(u32::MAX);
        self.pairs.push(Pair {
            low,
            edges: Vec::new(),
            best_up: f64::NEG_INFINITY,
            best_down: f64::NEG_INFINITY,
        });
        self.pair_of.insert((low, high), pair);
        if self.neighbours.len() <= high as usize {
            self.neighbours.resize(high as usize + 1, Vec::new());
        }
        for (token, other) in [(low, high), (high, low)] {
            if let Some(neighbours) = self.neighbours.get_mut(token as usize) {
                neighbours.push(Neighbour { token: other, pair });
            }
        }
        pair
    }
}

impl Pair {
    fn set(&mut self, edge: Edge) {
        if let Some(known) = self.edges.iter_mut().find(|known| known.pool == edge.pool) {
            *known = edge;
            self.settle();
        }
    }

    fn settle(&mut self) {
        let best = |rate: fn(&Edge) -> f64| self.edges.iter().map(rate).fold(f64::NEG_INFINITY, f64::max);
        (self.best_up, self.best_down) = (best(|edge| edge.up), best(|edge| edge.down));
    }
}

fn log(rate: Result<f64, PoolError>) -> f64 {
    rate.ok().map(f64::ln).filter(|log| log.is_finite()).unwrap_or(f64::NEG_INFINITY)
}

/// Returns every two of the tokens, the lower first.
fn pairs_of(tokens: &[u32]) -> impl Iterator<Item = (u32, u32)> + '_ {
    tokens.iter().enumerate().flat_map(move |(at, a)| {
        let others = tokens.iter().skip(at + 1).filter(move |b| *b != a);
        others.map(move |b| (*a.min(b), *a.max(b)))
    })
}
