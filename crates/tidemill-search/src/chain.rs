//! The search of one chain: its pools and tokens numbered, costs taken from the block, what pays told as events.

use ruint::aliases::{U256, U512};
use ruint::UintTryFrom as _;
use rustc_hash::FxHashMap;
use tidemill_events::{OpportunityColumns, OpportunityHopColumns};
use tidemill_pools::{Address, Head, PoolError, PoolSet, Tracked};

use crate::costs::{Costs, Fraction, GasTable, L1Fee};
use crate::graph::Graph;
use crate::leg::Leg;
use crate::market::{Market, PoolFault};
use crate::rows::{push_rows, Found};
use crate::scan::Search;
use crate::sizing::Effort;

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
}

/// The graph of a chain's pools, and the numbers of its pools and tokens.
#[derive(Debug, Clone)]
pub struct ChainSearch {
    options: ChainOptions,
    graph: Graph,
    pools: Numbers,
    tokens: Numbers,
    starts: Vec<u32>,
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

/// Addresses by dense numbers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Numbers {
    numbers: FxHashMap<Address, u32>,
    addresses: Vec<Address>,
}

impl Numbers {
    fn of(&mut self, address: Address) -> u32 {
        *self.numbers.entry(address).or_insert_with(|| {
            self.addresses.push(address);
            // More than 32 bits of addresses would take more memory than there is.
            u32::try_from(self.addresses.len() - 1).unwrap_or(u32::MAX)
        })
    }

    pub(crate) fn address(&self, number: u32) -> Option<&Address> {
        self.addresses.get(number as usize)
    }
}

/// A set of pools as the search asks it.
struct Pools<'a> {
    set: &'a PoolSet,
    numbers: &'a Numbers,
    tokens: &'a Numbers,
}

impl Pools<'_> {
    fn tracked(&self, pool: u32) -> Option<&Tracked> {
        self.set.get(self.numbers.address(pool)?)
    }
}

impl Market for Pools<'_> {
    fn leg(&self, pool: u32, token_in: u32, token_out: u32) -> Result<Leg<'_>, PoolError> {
        let tracked = self.tracked(pool).ok_or(PoolError::Uninitialised)?;
        let given = (self.tokens.address(token_in), self.tokens.address(token_out));
        let (token0, token1) = (&tracked.spec.token0, &tracked.spec.token1);
        if given == (Some(token0), Some(token1)) {
            Ok(Leg::of(&tracked.pool, true))
        } else if given == (Some(token1), Some(token0)) {
            Ok(Leg::of(&tracked.pool, false))
        } else {
            Err(PoolError::Tokens)
        }
    }
}

impl ChainSearch {
    /// Returns a search that knows no pool yet.
    pub fn new(options: ChainOptions) -> Self {
        let mut tokens = Numbers::default();
        let starts = options.start_tokens.iter().map(|token| tokens.of(*token)).collect();
        Self { options, graph: Graph::new(), pools: Numbers::default(), tokens, starts }
    }

    /// Returns what pays through the pools `touched`, on the state of `set`, which is that after `head`.
    ///
    /// A pool that is not in `set` any more leaves the search.
    pub fn search(&mut self, set: &PoolSet, touched: &[Address], head: &Head, recv_ns: i64) -> ChainScan {
        let touched: Vec<u32> = touched.iter().filter_map(|pool| self.meet(set, *pool)).collect();
        let market = Pools { set, numbers: &self.pools, tokens: &self.tokens };
        let faults = self.graph.refresh(&market, &touched);
        let costs = self.costs(&market, head);
        let search = Search {
            hops_max: self.options.hops_max,
            starts: &self.starts,
            effort: Effort::QUICK,
            costs: &costs,
        };
        let scan = self.graph.scan(&market, &touched, &search);
        let mut told = ChainScan::default();
        let found =
            Found { options: &self.options, head, recv_ns, pools: &self.pools, tokens: &self.tokens, set };
        let pays = |net: Option<crate::costs::Net>| net.is_none_or(|net| !net.profit.is_negative);
        let paying =
            scan.opportunities.iter().filter(|one| pays(one.outcome.and_then(|outcome| outcome.net)));
        for (rank, opportunity) in (1..).zip(paying.take(self.options.found_max)) {
            push_rows(&mut told, &found, (rank, opportunity));
        }
        told.faults = self.named(faults.iter().chain(&scan.faults));
        told
    }

    /// Returns the number of a pool that may have changed; `None` for one that is gone.
    fn meet(&mut self, set: &PoolSet, address: Address) -> Option<u32> {
        let number = self.pools.of(address);
        let Some(tracked) = set.get(&address) else {
            self.graph.remove(number);
            return None;
        };
        let tokens = [self.tokens.of(tracked.spec.token0), self.tokens.of(tracked.spec.token1)];
        if self.graph.tokens(number) != tokens {
            self.graph.insert(number, &tokens);
        }
        Some(number)
    }

    fn costs(&self, market: &Pools<'_>, head: &Head) -> FxHashMap<u32, Costs> {
        let l1_fee = L1Fee { bytes: 1, price_wei: self.options.data_fee_wei };
        let costs = |start: u32| Costs {
            base_fee_wei: head.base_fee_wei.unwrap_or_default(),
            priority_fee_wei: U256::from(self.options.priority_fee_wei),
            l1_fee: (!self.options.data_fee_wei.is_zero()).then_some(l1_fee),
            flash_premium_ppm: self.options.flash_premium_ppm,
            // Before EIP-1559 a block does not say what gas costs.
            gas_token_price: head.base_fee_wei.and_then(|_| self.gas_token_price(market, start)),
            gas: GasTable::MEASURED,
        };
        self.starts.iter().map(|start| (*start, costs(*start))).collect()
    }

    /// Returns raw units of `token` per wei of the gas token: the spot price of the deepest pool between the two.
    fn gas_token_price(&self, market: &Pools<'_>, token: u32) -> Option<Fraction> {
        let gas_token = *self.tokens.numbers.get(&self.options.gas_token?)?;
        if gas_token == token {
            return Some(Fraction { numerator: U256::ONE, denominator: U256::ONE });
        }
        let depth = |pool: u32| market.leg(pool, gas_token, token).and_then(|leg| leg.depth()).ok();
        let between = self.graph.between(gas_token, token).filter_map(|pool| Some((depth(pool)?, pool)));
        let (_, deepest) = between.max_by(|(one, a), (other, b)| one.total_cmp(other).then(b.cmp(a)))?;
        let tracked = market.tracked(deepest)?;
        let price = tracked.pool.spot_price().ok()?;
        let is_up = self.tokens.address(gas_token) == Some(&tracked.spec.token0);
        let (above, below) =
            if is_up { (price.numerator, price.denominator) } else { (price.denominator, price.numerator) };
        // Both lose as many of their last bits as make them fit: far below a millionth of the price.
        let excess = above.bit_len().max(below.bit_len()).saturating_sub(256);
        let narrow = |wide: U512| U256::uint_try_from(wide >> excess).ok();
        let price = Fraction { numerator: narrow(above)?, denominator: narrow(below)? };
        (!price.numerator.is_zero() && !price.denominator.is_zero()).then_some(price)
    }

    fn named<'f>(&self, faults: impl Iterator<Item = &'f PoolFault>) -> Vec<(Address, PoolError)> {
        faults.filter_map(|fault| Some((*self.pools.address(fault.pool)?, fault.error))).collect()
    }
}
