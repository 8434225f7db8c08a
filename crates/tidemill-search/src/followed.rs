//! A search over the pools of one chain, which are known by their addresses and stand in a `PoolSet`.

use rustc_hash::FxHashMap;
use tidemill_pools::{Address, PoolError, PoolSet, Tracked};

use crate::book::{Level, NamedBook};
use crate::costs::HopKind;
use crate::graph::Graph;
use crate::leg::Leg;
use crate::market::{Market, PoolFault};
use crate::scan::{Scan, Search};
use crate::usd::{usd_price, StableToken, UsdPrice};

/// A graph of the pools of a set, and which number stands for which address.
#[derive(Debug, Clone, Default)]
pub struct Followed {
    graph: Graph,
    pools: Numbers,
    tokens: Numbers,
    /// Order books, by what stands for their addresses.
    books: FxHashMap<Address, NamedBook>,
}

/// Addresses by dense numbers, given in the order in which they are first seen.
#[derive(Debug, Clone, Default)]
struct Numbers {
    addresses: Vec<Address>,
    number_of: FxHashMap<Address, u32>,
}

impl Numbers {
    fn number(&mut self, address: &Address) -> u32 {
        if let Some(number) = self.number_of.get(address) {
            return *number;
        }
        // More addresses than 32 bits count would not fit in memory.
        let number = u32::try_from(self.addresses.len()).unwrap_or(u32::MAX);
        self.addresses.push(*address);
        self.number_of.insert(*address, number);
        number
    }

    fn address(&self, number: u32) -> Option<&Address> {
        self.addresses.get(number as usize)
    }

    fn known(&self, address: &Address) -> Option<u32> {
        self.number_of.get(address).copied()
    }
}

/// The set as the search sees it.
struct InSet<'a> {
    set: &'a PoolSet,
    followed: &'a Followed,
}

/// Returns the coins of a pool that has any number of them, none where they are not known yet, or the pool's two tokens.
fn tokens_of(tracked: &Tracked) -> Vec<Address> {
    match tracked.pool.by_coin() {
        Some(_) => tracked.pool.coins().0.to_vec(),
        None => vec![tracked.spec.token0, tracked.spec.token1],
    }
}

impl Market for InSet<'_> {
    fn leg(&self, pool: u32, token_in: u32, token_out: u32) -> Result<Leg<'_>, PoolError> {
        let Followed { pools, tokens, books, .. } = self.followed;
        let address = pools.address(pool).ok_or(PoolError::Uninitialised)?;
        let token_in = tokens.address(token_in).ok_or(PoolError::Tokens)?;
        if let Some(tracked) = self.set.get(address) {
            if tracked.pool.by_coin().is_none() {
                return Ok(Leg::of(&tracked.pool, *token_in == tracked.spec.token0));
            }
            let token_out = tokens.address(token_out).ok_or(PoolError::Tokens)?;
            return Leg::between(tracked, token_in, token_out);
        }
        let named = books.get(address).ok_or(PoolError::Uninitialised)?;
        Ok(Leg::levels(&named.book, named.trade(token_in).ok_or(PoolError::Tokens)?))
    }
}

impl Followed {
    /// Returns a search without pools.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the pools at these addresses as they stand in the set: new ones join, those that are gone leave.
    ///
    /// Returns the pools that have no price, which stay out of the search until they have.
    pub fn refresh<'a>(
        &mut self,
        set: &PoolSet,
        addresses: impl IntoIterator<Item = &'a Address>,
    ) -> Vec<PoolFault> {
        let mut numbers = Vec::new();
        for address in addresses {
            let pool = self.pools.number(address);
            let tracked = set.get(address);
            if tracked.is_none() && !self.books.contains_key(address) {
                self.graph.remove(pool);
                continue;
            }
            if self.graph.tokens(pool).is_empty() {
                let tokens = match (tracked, self.books.get(address)) {
                    (Some(tracked), _) => tokens_of(tracked),
                    (None, Some(named)) => vec![named.base, named.quote],
                    (None, None) => Vec::new(),
                };
                if tokens.is_empty() {
                    continue; // its coins are not known yet
                }
                let tokens: Vec<_> = tokens.iter().map(|token| self.tokens.number(token)).collect();
                self.graph.insert(pool, &tokens);
            }
            numbers.push(pool);
        }
        let mut graph = std::mem::take(&mut self.graph);
        let faults = graph.refresh(&InSet { set, followed: self }, &numbers);
        self.graph = graph;
        faults
    }

    /// Adds an order book; returns what stands for its address.
    pub fn add_book(&mut self, book: NamedBook) -> Address {
        let address = book.address();
        self.books.insert(address, book);
        address
    }

    /// Sets the levels of the book at `address`, the best first; it takes part in the search from its next refresh on.
    ///
    /// # Errors
    /// `Uninitialised` where there is no such book; where levels are out of order or empty.
    pub fn set_levels(
        &mut self,
        address: &Address,
        bids: Vec<Level>,
        asks: Vec<Level>,
    ) -> Result<(), PoolError> {
        let named = self.books.get_mut(address).ok_or(PoolError::Uninitialised)?;
        named.book.set_levels(bids, asks)
    }

    /// Returns the order book at `address`.
    pub fn book(&self, address: &Address) -> Option<&NamedBook> {
        self.books.get(address)
    }

    /// Searches all circles through the pools at these addresses, at the rates of the last refresh.
    pub fn scan<'a>(
        &self,
        set: &PoolSet,
        addresses: impl IntoIterator<Item = &'a Address>,
        search: &Search<'_>,
    ) -> Scan {
        let touched: Vec<u32> = addresses.into_iter().filter_map(|pool| self.pools.known(pool)).collect();
        self.graph.scan(&InSet { set, followed: self }, &touched, search)
    }

    /// Returns the pool between two tokens that takes the most of the first to double its price; `None` without one.
    pub(crate) fn deepest<'s>(&self, set: &'s PoolSet, one: u32, other: u32) -> Option<&'s Tracked> {
        let market = InSet { set, followed: self };
        let is_pool = |leg: &Leg<'_>| leg.kind() != HopKind::OrderBook;
        let depth = |pool: u32| market.leg(pool, one, other).ok().filter(is_pool)?.depth().ok();
        let between = self.graph.between(one, other).filter_map(|pool| Some((depth(pool)?, pool)));
        let (_, deepest) = between.max_by(|(one, a), (other, b)| one.total_cmp(other).then(b.cmp(a)))?;
        set.get(self.pools.address(deepest)?)
    }

    /// Returns the price of a token; `None` where no pool leads to a stable token within two steps.
    pub fn usd_price(&self, set: &PoolSet, token: u32, stables: &[StableToken]) -> Option<UsdPrice> {
        let market = InSet { set, followed: self };
        usd_price(&self.graph, &market, token, stables)
    }

    /// Returns the number of a token; `None` where no pool trades it.
    pub fn token(&self, address: &Address) -> Option<u32> {
        self.tokens.known(address)
    }

    /// Returns the address of a token's number.
    pub fn token_address(&self, token: u32) -> Option<&Address> {
        self.tokens.address(token)
    }

    /// Returns the address of a pool's number.
    pub fn pool_address(&self, pool: u32) -> Option<&Address> {
        self.pools.address(pool)
    }

    /// Returns the graph.
    pub const fn graph(&self) -> &Graph {
        &self.graph
    }
}
