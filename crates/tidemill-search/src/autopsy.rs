//! What a path that was found pays after each later block, and which transaction took it.

mod ending;

use std::sync::OnceLock;

use ruint::aliases::U256;
use rustc_hash::FxHashSet;
use tidemill_pools::{Address, Head, Journal, Log, Patch, PoolError, PoolSet};

use crate::chain::{costs_at, spot_of, ChainOptions, ChainSearch};
use crate::costs::{Costs, Fraction, HopKind, Signed};
use crate::leg::Leg;
use crate::sizing::{size, Effort, SizeError};

use ending::Doing;
pub use ending::{Ending, Taker};

/// One swap of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathHop {
    /// The pool.
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

/// The pools of the paths that are followed, each as it was after the newest block.
#[derive(Debug, Clone)]
pub struct PathWatch {
    options: ChainOptions,
    pools: PoolSet,
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
            undo: Patch::default(),
            doings: OnceLock::new(),
        }
    }

    /// Takes pools as they stand in `set`, in place of what was known of them after the newest block.
    pub fn watch(&mut self, set: &PoolSet, addresses: &[Address]) {
        for address in addresses {
            self.pools.copy(set, address);
        }
    }

    /// Lets go all pools but these.
    pub fn keep(&mut self, addresses: &[Address]) {
        let kept: FxHashSet<&Address> = addresses.iter().collect();
        self.pools.retain(|address| kept.contains(address));
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
        self.costs(path, head).map(|costs| worth(&self.pools, path, &costs)).unwrap_or_default()
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

/// Returns what a path pays where its pools stand as in `set`.
fn worth(set: &PoolSet, path: &FoundPath, costs: &Costs) -> PathWorth {
    let legs: Option<Vec<Leg<'_>>> = path
        .hops
        .iter()
        .map(|hop| Leg::between(set.get(&hop.pool)?, &hop.token_in, &hop.token_out).ok())
        .collect();
    let Some(legs) = legs else { return PathWorth::default() };
    let mut worth = PathWorth::default();
    if let Ok((paid, gas)) = sent(&legs, path.amount_in, costs) {
        worth.sent_gross = Some(Signed::difference(paid, path.amount_in));
        worth.sent_net = net_of(costs, path.amount_in, paid, gas);
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

/// Returns what the last hop pays for this input, and the gas of it all.
fn sent(legs: &[Leg<'_>], amount_in: U256, costs: &Costs) -> Result<(U256, Option<u64>), PoolError> {
    let (mut paid, mut hops) = (amount_in, Vec::with_capacity(legs.len()));
    for leg in legs {
        let (bought, crossed) = leg.amount_out(paid)?;
        paid = bought;
        hops.push((leg.kind(), crossed));
    }
    Ok((paid, costs.gas.of(&hops)))
}

fn net_of(costs: &Costs, amount_in: U256, paid: U256, gas: Option<u64>) -> Option<Signed> {
    // Without a profit what is left is what it costs.
    let due = costs.of(amount_in, U256::ZERO, gas).net?.profit.magnitude;
    Some(Signed::difference(paid, amount_in.checked_add(due)?))
}

fn above_zero(value: Signed) -> U256 {
    if value.is_negative {
        U256::ZERO
    } else {
        value.magnitude
    }
}
