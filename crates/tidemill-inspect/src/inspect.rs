//! Everything about one block, from its parts.

use std::collections::BTreeMap;

use ruint::aliases::U256;
use rustc_hash::FxHashSet;
use tidemill_pools::Address;

use crate::arbitrage::{arbitrages, native, unexplained, Arbitrage, Verdict};
use crate::block::{Block, Tx};
use crate::facts::Facts;
use crate::gain::{gain, Gain};
use crate::ledger::{Flow, Ledger, Sum};
use crate::liquidation::{liquidations, Liquidation};
use crate::liquidity::{liquidity_changes, LiquidityChange, PlacedChange};
use crate::loan::{flash_loans, FlashLoan};
use crate::route::routes;
use crate::sandwich::Placed;
use crate::swap::{swaps, Swap};
use crate::transfer::{transfers, Transfer};

/// What a transaction was, by the first of these that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It was undone, and had swapped in a circle, or in several pools, before.
    FailedArbitrage,
    /// It was undone.
    Failed,
    /// A debt of another was paid for its collateral.
    Liquidation,
    /// A circle that gained.
    Arbitrage,
    /// A circle that did not.
    LosingCircle,
    /// One account bought and sold in one pool.
    WashTrade,
    /// Liquidity was put in or taken out.
    Liquidity,
    /// Tokens were changed for others.
    Swap,
    /// Tokens or the native coin moved.
    Transfer,
    /// None of that.
    Other,
}

/// A transaction, explained.
#[derive(Debug)]
pub struct Explained {
    /// What it was.
    pub kind: Kind,
    /// What moved.
    pub transfers: Vec<Transfer>,
    /// Its swaps.
    pub swaps: Vec<Swap>,
    /// Its circles.
    pub arbitrages: Vec<Arbitrage>,
    /// Its flash loans.
    pub loans: Vec<FlashLoan>,
    /// Its liquidations.
    pub liquidations: Vec<Liquidation>,
    /// Its changes of liquidity.
    pub changes: Vec<LiquidityChange>,
    /// Whom it was for and what they have of it.
    pub gain: Gain,
    /// All that each party gained and lost.
    pub ledger: Ledger,
    /// What they gained or gave that its circles and loans do not say, by token; empty where it has no circles.
    pub unexplained: BTreeMap<Address, Flow>,
}

impl Tx {
    /// Returns what gas cost, and what a rollup took beside it, wei.
    pub fn fee_wei(&self) -> Option<U256> {
        let gas_wei = U256::from(self.gas_used?) * U256::from(self.gas_price_wei?);
        Some(gas_wei + self.rollup_fee_wei)
    }
}

/// Explains one transaction of `block`.
pub fn explain(tx: &Tx, block: &Block, facts: &Facts) -> Explained {
    let transfers = transfers(tx, facts.wrapped);
    let swaps = swaps(tx, &transfers, facts.wrapped);
    let done: Vec<Swap> = swaps.iter().filter(|swap| !swap.is_undone).cloned().collect();
    let loans = flash_loans(tx, &transfers);
    let (liquidations, changes) = (liquidations(tx, &transfers), liquidity_changes(tx));
    let is_success = tx.is_success != Some(false);
    let routes = routes(&swaps, is_success);
    let account = routes.first().and_then(|route| swaps.get(*route.first()?)).map(|swap| swap.from);
    let gain = gain(tx, account, &done, &transfers, (facts, block.fee_recipient));
    let fees = fees(&loans, facts.wrapped);
    let mut arbitrages = arbitrages((&swaps, routes), &gain, &fees, facts, !changes.is_empty());
    if !is_success {
        for one in &mut arbitrages {
            one.verdict = Verdict::Loss;
        }
    }
    let unexplained = match arbitrages.as_slice() {
        [] => BTreeMap::new(),
        found => unexplained(found, &gain, &fees, facts.wrapped),
    };
    let ledger = Ledger::of(&transfers, facts.wrapped);
    let mut explained = Explained {
        kind: Kind::Other,
        transfers,
        swaps,
        arbitrages,
        loans,
        liquidations,
        changes,
        gain,
        ledger,
        unexplained,
    };
    explained.kind = explained.kind_of(tx);
    explained
}

fn fees(loans: &[FlashLoan], wrapped: Option<Address>) -> BTreeMap<Address, Sum> {
    let mut fees: BTreeMap<Address, Sum> = BTreeMap::new();
    for loan in loans {
        *fees.entry(native(loan.token, wrapped)).or_default() += Sum::from(loan.fee);
    }
    fees
}

impl Explained {
    fn kind_of(&self, tx: &Tx) -> Kind {
        let is_success = tx.is_success != Some(false);
        let pools = {
            let mut pools: Vec<_> = self.swaps.iter().map(|swap| (swap.pool, swap.pool_id)).collect();
            pools.sort_unstable();
            pools.dedup();
            pools.len()
        };
        match () {
            () if !is_success && (pools > 1 || !self.arbitrages.is_empty()) => Kind::FailedArbitrage,
            () if !is_success => Kind::Failed,
            () if !self.liquidations.is_empty() => Kind::Liquidation,
            () if self.arbitrages.iter().any(|one| one.verdict != Verdict::Loss) => Kind::Arbitrage,
            () if !self.arbitrages.is_empty() => Kind::LosingCircle,
            () if self.is_wash_trade() => Kind::WashTrade,
            () if !self.changes.is_empty() => Kind::Liquidity,
            () if self.swaps.iter().any(|swap| !swap.is_undone) => Kind::Swap,
            () if !self.transfers.is_empty() => Kind::Transfer,
            () => Kind::Other,
        }
    }

    /// Says whether one account bought in a pool and sold in the same.
    fn is_wash_trade(&self) -> bool {
        let mut bought = FxHashSet::default();
        self.swaps.iter().filter(|swap| !swap.is_undone).any(|swap| {
            let Some((token_in, token_out)) = swap.tokens() else { return false };
            let is_back = bought.contains(&(swap.pool, swap.pool_id, token_out, token_in, swap.from));
            bought.insert((swap.pool, swap.pool_id, token_in, token_out, swap.to));
            is_back
        })
    }
}

/// Returns every swap of the block with its transaction, in order.
pub fn placed_swaps<'a>(block: &Block, explained: &'a [Explained]) -> Vec<Placed<'a>> {
    let pairs = block.txs.iter().zip(explained);
    pairs
        .flat_map(|(tx, one)| {
            let (tx_hash, tx_index, signer) = (tx.hash, tx.index, tx.from);
            one.swaps.iter().map(move |swap| Placed { tx_hash, tx_index, signer, swap })
        })
        .collect()
}

/// Returns every change of liquidity of the block with its transaction, in order.
pub fn placed_changes<'a>(block: &Block, explained: &'a [Explained]) -> Vec<PlacedChange<'a>> {
    let pairs = block.txs.iter().zip(explained);
    pairs
        .flat_map(|(tx, one)| {
            let (tx_hash, tx_index, signer) = (tx.hash, tx.index, tx.from);
            one.changes.iter().map(move |change| PlacedChange { tx_hash, tx_index, signer, change })
        })
        .collect()
}
