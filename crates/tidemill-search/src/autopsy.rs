//! What a path that was found pays after each later block, and which transaction took it.

mod ending;

use std::sync::OnceLock;

use ruint::aliases::U256;
use rustc_hash::{FxHashMap, FxHashSet};
use tidemill_pools::{Address, Head, Journal, Log, Patch, PoolError, PoolSet};

use crate::book::{NamedBook, Trade};
use crate::chain::{costs_at, spot_of, ChainOptions, ChainSearch};
use crate::costs::{Costs, Fraction, HopKind, Signed};
use crate::leg::Leg;
use crate::sizing::{size, Effort, SizeError};

use ending::Doing;
pub use ending::{Ending, Taker};

/// One swap of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathHop {
    /// The pool, or what stands for an order book.
    pub pool: Address,
    /// What is paid in.
    pub token_in: Address,
    /// What comes out.
    pub token_out: Address,
}

/// A path as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPath {
    /// Its hops, in order.
    pub hops: Vec<PathHop>,
    /// What was to be paid in.
    pub amount_in: U256,
    /// The pool that prices the gas token in the path's token; absent where they are one, or none does.
    pub gas_pool: Option<Address>,
}

/// What a path pays on one state, raw units of its token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PathWorth {
    /// Profit of the input as it was found, before costs; absent where a hop would have refused it.
    pub sent_gross: Option<Signed>,
    /// The same after all costs; absent where these are not known.
    pub sent_net: Option<Signed>,
    /// Profit of the best input, zero where none leaves anything; absent where a pool cannot be asked.
    pub best_gross: Option<U256>,
    /// The same after all costs, zero where nothing is left; absent where these are not known.
    pub best_net: Option<U256>,
}

impl PathWorth {
    /// Returns what decides whether the path still pays: the net profit, or the gross one where costs are not known.
    pub fn left(&self) -> Option<U256> {
        self.best_gross.map(|gross| self.best_net.unwrap_or(gross))
    }
}

/// Order books, by what stands for their addresses.
type Books = FxHashMap<Address, NamedBook>;

/// The pools of the paths that are followed, each as it was after the newest block, and the order books, each as it was when
/// it was last taken.
#[derive(Debug, Clone)]
pub struct PathWatch {
    options: ChainOptions,
    pools: PoolSet,
    books: Books,
    /// What takes the newest block back.
    undo: Patch,
    /// What the newest block's transactions did, found once for all paths that it ended.
    doings: OnceLock<Vec<Doing>>,
}

impl PathWatch {
    /// Returns a watch without pools, of the chain that `set` has and with the costs of `search`.
    pub fn new(set: &PoolSet, search: &ChainSearch) -> Self {
        Self {
            options: search.options().clone(),
            pools: set.part([]),
            books: Books::default(),
            undo: Patch::default(),
            doings: OnceLock::new(),
        }
    }

    /// Takes pools as they stand in `set`, in place of what was known of them after the newest block; of the order books of
    /// `search` those that were not watched.
    pub fn watch(&mut self, set: &PoolSet, search: &ChainSearch, addresses: &[Address]) {
        for address in addresses {
            match search.book(address) {
                Some(book) => {
                    self.books.entry(*address).or_insert_with(|| book.clone());
                }
                None => self.pools.copy(set, address),
            }
        }
    }

    /// Takes the order books among these that are watched as they are now.
    pub fn take_books(&mut self, search: &ChainSearch, addresses: &[Address]) {
        for address in addresses {
            if let (Some(watched), Some(book)) = (self.books.get_mut(address), search.book(address)) {
                watched.clone_from(book);
            }
        }
    }

    /// Lets go all pools but these.
    pub fn keep(&mut self, addresses: &[Address]) {
        let kept: FxHashSet<&Address> = addresses.iter().collect();
        self.pools.retain(|address| kept.contains(address));
        self.books.retain(|address, _| kept.contains(address));
    }

    /// Follows the logs of one block, in order.
    pub fn apply<'l>(&mut self, logs: impl Iterator<Item = Log<'l>>) {
        let mut journal = Journal::default();
        self.pools.end_moments(&mut journal);
        for log in logs {
            self.pools.observe(&log, &mut journal);
        }
        self.undo = journal.finish();
        self.doings = OnceLock::new();
    }

    /// Returns what a path pays on the newest state, at the costs of `head`.
    pub fn worth(&self, path: &FoundPath, head: &Head) -> PathWorth {
        self.costs(path, head)
            .map(|costs| worth((&self.pools, &self.books), path, &costs))
            .unwrap_or_default()
    }

    fn costs(&self, path: &FoundPath, head: &Head) -> Option<Costs> {
        let token = path.hops.first()?.token_in;
        Some(costs_at(&self.options, head, self.gas_price(path, &token)))
    }

    fn gas_price(&self, path: &FoundPath, token: &Address) -> Option<Fraction> {
        let gas_token = self.options.gas_token?;
        if gas_token == *token {
            return Some(Fraction { numerator: U256::ONE, denominator: U256::ONE });
        }
        spot_of(self.pools.get(&path.gas_pool?)?, &gas_token, token)
    }
}

/// Returns what a path pays where its pools and books stand so.
fn worth(at: (&PoolSet, &Books), path: &FoundPath, costs: &Costs) -> PathWorth {
    let legs: Option<Vec<Leg<'_>>> = path.hops.iter().map(|hop| leg(at, hop)).collect();
    let Some(legs) = legs else { return PathWorth::default() };
    let mut worth = PathWorth::default();
    if let Ok((paid, hops)) = sent(&legs, path.amount_in) {
        worth.sent_gross = Some(Signed::difference(paid, path.amount_in));
        worth.sent_net = net_of(costs, path.amount_in, paid, &hops);
    }
    match size(&legs, Effort::QUICK) {
        Ok(None) => (worth.best_gross, worth.best_net) = (Some(U256::ZERO), Some(U256::ZERO)),
        Ok(Some(sized)) => {
            let kinds: Vec<HopKind> = legs.iter().map(Leg::kind).collect();
            worth.best_gross = Some(sized.gross_profit());
            worth.best_net = costs.outcome(&sized, &kinds).net.map(|net| above_zero(net.profit));
        }
        // An empty pool trades nothing; one that is not known might.
        Err(SizeError::Pool { error: PoolError::Empty, .. }) => {
            (worth.best_gross, worth.best_net) = (Some(U256::ZERO), Some(U256::ZERO));
        }
        Err(_) => {}
    }
    worth
}

/// Returns a hop as its pool or book stands; `None` where that is not known, as of a book without any level.
fn leg<'a>((set, books): (&'a PoolSet, &'a Books), hop: &PathHop) -> Option<Leg<'a>> {
    let Some(NamedBook { book, base, .. }) = books.get(&hop.pool) else {
        return Leg::between(set.get(&hop.pool)?, &hop.token_in, &hop.token_out).ok();
    };
    let trade = if hop.token_in == *base { Trade::Sell } else { Trade::Buy };
    (!book.is_void()).then(|| Leg::levels(book, trade))
}

/// Returns what the last hop pays for this input, and the hops with the ticks that they cross.
fn sent(legs: &[Leg<'_>], amount_in: U256) -> Result<(U256, Vec<(HopKind, u32)>), PoolError> {
    let (mut paid, mut hops) = (amount_in, Vec::with_capacity(legs.len()));
    for leg in legs {
        let (bought, crossed) = leg.amount_out(paid)?;
        paid = bought;
        hops.push((leg.kind(), crossed));
    }
    Ok((paid, hops))
}

fn net_of(costs: &Costs, amount_in: U256, paid: U256, hops: &[(HopKind, u32)]) -> Option<Signed> {
    // Without a profit what is left is what it costs.
    let outcome = costs.through(hops).of(amount_in, U256::ZERO, costs.gas.of(hops));
    Some(Signed::difference(paid, amount_in.checked_add(outcome.net?.profit.magnitude)?))
}

fn above_zero(value: Signed) -> U256 {
    if value.is_negative {
        U256::ZERO
    } else {
        value.magnitude
    }
}
