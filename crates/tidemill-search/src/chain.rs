//! The search of one chain: costs taken from the block, what pays told as events.

use ruint::aliases::{U256, U512};
use ruint::UintTryFrom as _;
use rustc_hash::FxHashMap;
use tidemill_events::{OpportunityColumns, OpportunityHopColumns};
use tidemill_pools::{Address, Head, PoolError, PoolSet, Tracked};

use crate::book::{Level, NamedBook};
use crate::costs::{Costs, Fraction, GasTable, L1Fee};
use crate::followed::Followed;
use crate::market::PoolFault;
use crate::rows::{push_rows, Found};
use crate::scan::{Opportunity, Search};
use crate::sizing::Effort;
use crate::usd::{StableToken, UsdPrice};

/// What to look for on a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainOptions {
    /// The chain's name in the events.
    pub source: String,
    /// The chain's id.
    pub chain_id: u64,
    /// Tokens that a path may start with, the most wanted first.
    pub start_tokens: Vec<Address>,
    /// The token that gas is paid in, wrapped; without it no net profit is told.
    pub gas_token: Option<Address>,
    /// Longest path.
    pub hops_max: usize,
    /// What is paid for a unit of gas on top of the base fee.
    pub priority_fee_wei: u64,
    /// Premium of a flash loan, in millionths.
    pub flash_premium_ppm: u32,
    /// What a rollup charges for a transaction's data; zero elsewhere.
    pub data_fee_wei: U256,
    /// How many opportunities are told of a block.
    pub found_max: usize,
    /// Tokens taken for a dollar, with their decimals; without any nothing is told in dollars.
    pub stable_tokens: Vec<(Address, u8)>,
}

/// The pools of a chain as the search knows them, and what it looks for.
#[derive(Debug, Clone)]
pub struct ChainSearch {
    options: ChainOptions,
    followed: Followed,
}

/// What a search of a chain told.
#[derive(Debug, Default)]
pub struct ChainScan {
    /// Opportunities, the most profitable first.
    pub opportunity: OpportunityColumns,
    /// Their hops.
    pub opportunity_hop: OpportunityHopColumns,
    /// Pools that had to be left out, and why.
    pub faults: Vec<(Address, PoolError)>,
}

impl ChainSearch {
    /// Returns a search that knows no pool yet.
    pub fn new(options: ChainOptions) -> Self {
        Self { options, followed: Followed::new() }
    }

    /// Adds an order book without levels; returns what stands for its address among those that are touched.
    pub fn add_book(&mut self, book: NamedBook) -> Address {
        self.followed.add_book(book)
    }

    /// Sets the levels of a book, the best first.
    ///
    /// # Errors
    /// `Uninitialised` where there is no such book; where levels are out of order or empty.
    pub fn set_levels(
        &mut self,
        book: &Address,
        bids: Vec<Level>,
        asks: Vec<Level>,
    ) -> Result<(), PoolError> {
        self.followed.set_levels(book, bids, asks)
    }

    /// Returns what pays through the pools and books `touched`, on the state of `set`, which is that after `head`.
    ///
    /// A pool that is not in `set` any more leaves the search.
    pub fn search(&mut self, set: &PoolSet, touched: &[Address], head: &Head, recv_ns: i64) -> ChainScan {
        let faults = self.followed.refresh(set, touched);
        let starts: Vec<u32> =
            self.options.start_tokens.iter().filter_map(|token| self.followed.token(token)).collect();
        let mut told = ChainScan { faults: self.named(&faults), ..ChainScan::default() };
        if starts.is_empty() {
            return told; // none of them is traded yet, and no start token would mean any
        }
        let costs = starts.iter().map(|start| (*start, self.costs(set, *start, head))).collect();
        let hops_max = self.options.hops_max;
        let search = Search { hops_max, starts: &starts, effort: Effort::QUICK, costs: &costs };
        let scan = self.followed.scan(set, touched, &search);
        told.faults.extend(self.named(&scan.faults));
        let paying = scan.opportunities.iter().filter(|opportunity| pays(opportunity));
        let paying: Vec<&Opportunity> = paying.take(self.options.found_max).collect();
        let prices = self.usd_prices(set, &paying);
        let found =
            Found { options: &self.options, head, recv_ns, followed: &self.followed, set, prices: &prices };
        for (rank, opportunity) in (1..).zip(paying) {
            push_rows(&mut told, &found, (rank, opportunity));
        }
        told
    }

    /// Returns the order book that stands for an address, as it is now.
    pub fn book(&self, address: &Address) -> Option<&NamedBook> {
        self.followed.book(address)
    }

    /// Returns what is looked for.
    pub(crate) const fn options(&self) -> &ChainOptions {
        &self.options
    }

    /// Returns the pool that prices the gas token in `token`: the deepest between the two; `None` where there is none.
    pub fn gas_pool(&self, set: &PoolSet, token: &Address) -> Option<Address> {
        let gas_token = self.followed.token(&self.options.gas_token?)?;
        let token = self.followed.token(token)?;
        (gas_token != token)
            .then(|| self.followed.deepest(set, gas_token, token))?
            .map(|pool| pool.spec.address)
    }

    fn costs(&self, set: &PoolSet, start: u32, head: &Head) -> Costs {
        costs_at(&self.options, head, self.gas_token_price(set, start))
    }

    /// Returns the dollar prices of the tokens that these start with, by their numbers.
    fn usd_prices(&self, set: &PoolSet, paying: &[&Opportunity]) -> FxHashMap<u32, UsdPrice> {
        let stable = |(token, decimals): &(Address, u8)| {
            Some(StableToken { token: self.followed.token(token)?, decimals: *decimals })
        };
        let stables: Vec<StableToken> = self.options.stable_tokens.iter().filter_map(stable).collect();
        let mut starts: Vec<u32> = paying.iter().map(|opportunity| opportunity.cycle.start()).collect();
        starts.sort_unstable();
        starts.dedup();
        let price = |start: u32| Some((start, self.followed.usd_price(set, start, &stables)?));
        starts.into_iter().filter_map(price).collect()
    }

    /// Returns raw units of `token` per wei of the gas token: the spot price of the deepest pool between the two.
    fn gas_token_price(&self, set: &PoolSet, token: u32) -> Option<Fraction> {
        let address = self.options.gas_token?;
        let gas_token = self.followed.token(&address)?;
        if gas_token == token {
            return Some(Fraction { numerator: U256::ONE, denominator: U256::ONE });
        }
        let deepest = self.followed.deepest(set, gas_token, token)?;
        spot_of(deepest, &address, self.followed.token_address(token)?)
    }

    fn named(&self, faults: &[PoolFault]) -> Vec<(Address, PoolError)> {
        let named = |fault: &PoolFault| Some((*self.followed.pool_address(fault.pool)?, fault.error));
        faults.iter().filter_map(named).collect()
    }
}

/// Returns the costs at a block; `price` is raw units of the path's token per wei of the gas token.
pub(crate) fn costs_at(options: &ChainOptions, head: &Head, price: Option<Fraction>) -> Costs {
    let l1_fee = L1Fee { bytes: 1, price_wei: options.data_fee_wei };
    Costs {
        base_fee_wei: head.base_fee_wei.unwrap_or_default(),
        priority_fee_wei: U256::from(options.priority_fee_wei),
        l1_fee: (!options.data_fee_wei.is_zero()).then_some(l1_fee),
        flash_premium_ppm: options.flash_premium_ppm,
        // Before EIP-1559 a block does not say what gas costs.
        gas_token_price: head.base_fee_wei.and(price),
        gas: GasTable::MEASURED,
    }
}

/// Returns the price of one token of a pool in another, raw units, before the fee.
pub(crate) fn spot_of(tracked: &Tracked, token: &Address, other: &Address) -> Option<Fraction> {
    let (price, is_up) = if let Some(exact) = tracked.pool.by_coin() {
        let place = |token| tracked.pool.coins().0.iter().position(|coin| coin == token);
        (exact.ok()?.spot_price(place(token)?, place(other)?).ok()?, true)
    } else {
        (tracked.pool.spot_price().ok()?, *token == tracked.spec.token0)
    };
    let (above, below) =
        if is_up { (price.numerator, price.denominator) } else { (price.denominator, price.numerator) };
    // Both lose as many of their last bits as make them fit: far below a millionth of the price.
    let excess = above.bit_len().max(below.bit_len()).saturating_sub(256);
    let narrow = |wide: U512| U256::uint_try_from(wide >> excess).ok();
    let price = Fraction { numerator: narrow(above)?, denominator: narrow(below)? };
    (!price.numerator.is_zero() && !price.denominator.is_zero()).then_some(price)
}

/// Says whether something is left, or whether that is not known.
fn pays(opportunity: &Opportunity) -> bool {
    let net = opportunity.outcome.and_then(|outcome| outcome.net);
    net.is_none_or(|net| !net.profit.is_negative && !net.profit.magnitude.is_zero())
}
