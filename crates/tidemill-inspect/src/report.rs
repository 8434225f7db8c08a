//! A block's report as JSON: amounts as decimal text, addresses and hashes as hex, what is not known left out.

use std::collections::BTreeMap;

use serde::Serialize;
use tidemill_frames::FrameError;
use tidemill_pools::Address;

use crate::arbitrage::{Arbitrage, Shape, Verdict};
use crate::block::Tx;
use crate::facts::Facts;
use crate::inspect::{explain, placed_changes, placed_swaps, Explained, Kind};
use crate::ledger::{Flow, Sum};
use crate::liquidation::Liquidation;
use crate::liquidity::{just_in_time, JustInTime};
use crate::loan::FlashLoan;
use crate::price::Prices;
use crate::read::read_block;
use crate::sandwich::{sandwiches, Sandwich};
use crate::swap::{Protocol, Swap};
use crate::transfer::{Place, NATIVE};
use crate::worth::{losers, Worth};

#[derive(Serialize)]
struct BlockReport {
    #[serde(skip_serializing_if = "Option::is_none")]
    block_number: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_fee_wei: Option<String>,
    transactions: Vec<TxReport>,
    sandwiches: Vec<SandwichReport>,
    just_in_time: Vec<JustInTimeReport>,
}

#[derive(Serialize)]
struct TxReport {
    tx_hash: String,
    tx_index: u32,
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// Name of the router or aggregator that was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    router: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_success: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gas_used: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gas_price_wei: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fee_wei: Option<String>,
    tip_wei: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    swaps: Vec<SwapReport>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    arbitrages: Vec<ArbitrageReport>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flash_loans: Vec<LoanReport>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    liquidations: Vec<LiquidationReport>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    accounts: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gains: Vec<DeltaReport>,
    /// What `gains` has beyond what circles and loans say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unexplained: Vec<DeltaReport>,
    /// Of a transaction with a circle: who else has less than before, at the block's prices, in the native coin.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    losers: Vec<PartyReport>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deltas: Vec<PartyReport>,
}

#[derive(Serialize)]
struct SwapReport {
    protocol: Protocol,
    pool: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pool_id: Option<String>,
    from: String,
    to: String,
    token_in: Option<String>,
    amount_in: String,
    token_out: Option<String>,
    amount_out: String,
    is_undone: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_address: Option<Vec<u32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_index: Option<u32>,
}

#[derive(Serialize)]
struct ArbitrageReport {
    account: String,
    shape: Shape,
    verdict: Verdict,
    confidence: f64,
    profit_token: String,
    start_amount: String,
    end_amount: String,
    profit_amount: String,
    swaps: Vec<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profit_native_wei: Option<String>,
    /// Profit less gas and tip, where both are known and the block tells the token's price.
    #[serde(skip_serializing_if = "Option::is_none")]
    net_profit_wei: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profit_usd: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    net_profit_usd: Option<String>,
}

#[derive(Serialize)]
struct LoanReport {
    lender: String,
    token: String,
    amount: String,
    fee: String,
}

#[derive(Serialize)]
struct LiquidationReport {
    lender: String,
    liquidator: String,
    borrower: String,
    debt_token: Option<String>,
    debt_amount: Option<String>,
    collateral_token: Option<String>,
    collateral_amount: Option<String>,
}

#[derive(Serialize)]
struct DeltaReport {
    token: String,
    amount: String,
}

#[derive(Serialize)]
struct PartyReport {
    party: String,
    token: String,
    amount: String,
}

#[derive(Serialize)]
struct SandwichReport {
    account: String,
    pool: String,
    front_tx: String,
    back_tx: String,
    victim_txs: Vec<String>,
    profit_token: Option<String>,
    front_amount_in: String,
    back_amount_out: String,
    profit_amount: String,
    is_even: bool,
}

#[derive(Serialize)]
struct JustInTimeReport {
    owner: String,
    pool: String,
    added_tx: String,
    removed_tx: String,
    swap_txs: Vec<String>,
    liquidity: Option<String>,
}

/// Reads the parts of a block and returns what its transactions were, as JSON.
///
/// # Errors
/// `Malformed` where the document is not a block's.
pub fn inspect(document: &[u8], facts: &Facts) -> Result<Vec<u8>, FrameError> {
    let block = read_block(document)?;
    let explained: Vec<Explained> = block.txs.iter().map(|tx| explain(tx, &block, facts)).collect();
    let swaps = placed_swaps(&block, &explained);
    let changes = placed_changes(&block, &explained);
    let prices = Prices::of(swaps.iter().map(|placed| placed.swap), facts);
    let report = BlockReport {
        block_number: block.number,
        base_fee_wei: block.base_fee_wei.map(|fee| fee.to_string()),
        transactions: block
            .txs
            .iter()
            .zip(&explained)
            .map(|(tx, one)| tx_report(tx, one, &prices, facts))
            .collect(),
        sandwiches: sandwiches(&swaps, facts).iter().map(sandwich_report).collect(),
        just_in_time: just_in_time(&changes, &swaps).iter().map(just_in_time_report).collect(),
    };
    serde_json::to_vec(&report).map_err(|error| FrameError::json("report", "what JSON can say", &error, &[]))
}

fn tx_report(tx: &Tx, one: &Explained, prices: &Prices, facts: &Facts) -> TxReport {
    let losers = if one.arbitrages.is_empty() { Vec::new() } else { losers(one, prices, facts) };
    TxReport {
        tx_hash: hex(&tx.hash),
        tx_index: tx.index,
        kind: one.kind,
        from: tx.from.as_ref().map(|from| hex(from)),
        to: tx.to.as_ref().map(|to| hex(to)),
        router: tx.to.and_then(|to| facts.router(to)).map(str::to_owned),
        is_success: tx.is_success,
        gas_used: tx.gas_used,
        gas_price_wei: tx.gas_price_wei.map(|price| price.to_string()),
        fee_wei: tx.fee_wei().map(|fee| fee.to_string()),
        tip_wei: one.gain.tip_wei.to_string(),
        swaps: one.swaps.iter().map(swap_report).collect(),
        arbitrages: one
            .arbitrages
            .iter()
            .map(|found| arbitrage_report(found, tx, one, prices, facts))
            .collect(),
        flash_loans: one.loans.iter().map(loan_report).collect(),
        liquidations: one.liquidations.iter().map(liquidation_report).collect(),
        accounts: one.gain.accounts.iter().map(|account| hex(account)).collect(),
        gains: delta_reports(&one.gain.net),
        unexplained: delta_reports(&one.unexplained),
        losers: losers.iter().map(|(party, flow)| party_report(party, &NATIVE, flow)).collect(),
        deltas: one.ledger.deltas().map(|(party, token, flow)| party_report(party, token, flow)).collect(),
    }
}

fn delta_reports(flows: &BTreeMap<Address, Flow>) -> Vec<DeltaReport> {
    flows.iter().map(|(token, flow)| DeltaReport { token: hex(token), amount: signed(flow) }).collect()
}

fn party_report(party: &Address, token: &Address, flow: &Flow) -> PartyReport {
    PartyReport { party: hex(party), token: hex(token), amount: signed(flow) }
}

fn swap_report(swap: &Swap) -> SwapReport {
    let (trace_address, log_index) = match &swap.place {
        Place::Call(place) => (Some(place.clone()), None),
        Place::Log(index) => (None, Some(*index)),
    };
    SwapReport {
        protocol: swap.protocol,
        pool: hex(&swap.pool),
        pool_id: swap.pool_id.as_ref().map(|id| hex(id)),
        from: hex(&swap.from),
        to: hex(&swap.to),
        token_in: swap.token_in.as_ref().map(|token| hex(token)),
        amount_in: swap.amount_in.to_string(),
        token_out: swap.token_out.as_ref().map(|token| hex(token)),
        amount_out: swap.amount_out.to_string(),
        is_undone: swap.is_undone,
        trace_address,
        log_index,
    }
}

fn arbitrage_report(
    found: &Arbitrage,
    tx: &Tx,
    one: &Explained,
    prices: &Prices,
    facts: &Facts,
) -> ArbitrageReport {
    let profit = Flow { gained: Sum::from(found.end_amount), given: Sum::from(found.start_amount) };
    let worth = Worth::of(found, tx, one.gain.tip_wei, prices, facts);
    ArbitrageReport {
        account: hex(&found.account),
        shape: found.shape,
        verdict: found.verdict,
        confidence: found.confidence,
        profit_token: hex(&found.profit_token),
        start_amount: found.start_amount.to_string(),
        end_amount: found.end_amount.to_string(),
        profit_amount: signed(&profit),
        swaps: found.route.clone(),
        profit_native_wei: worth.profit_wei.as_ref().map(signed),
        net_profit_wei: worth.net_wei.as_ref().map(signed),
        profit_usd: worth.profit_usd_millionths.as_ref().map(usd),
        net_profit_usd: worth.net_usd_millionths.as_ref().map(usd),
    }
}

fn loan_report(loan: &FlashLoan) -> LoanReport {
    LoanReport {
        lender: hex(&loan.lender),
        token: hex(&loan.token),
        amount: loan.amount.to_string(),
        fee: loan.fee.to_string(),
    }
}

fn liquidation_report(one: &Liquidation) -> LiquidationReport {
    let address = |token: &Option<Address>| token.as_ref().map(|token| hex(token));
    LiquidationReport {
        lender: hex(&one.lender),
        liquidator: hex(&one.liquidator),
        borrower: hex(&one.borrower),
        debt_token: address(&one.debt_token),
        debt_amount: one.debt_amount.map(|amount| amount.to_string()),
        collateral_token: address(&one.collateral_token),
        collateral_amount: one.collateral_amount.map(|amount| amount.to_string()),
    }
}

fn sandwich_report(one: &Sandwich<'_>) -> SandwichReport {
    let (gained, paid) = one.gained_and_paid();
    let profit = Flow { gained, given: paid };
    SandwichReport {
        account: hex(&one.account),
        pool: hex(&one.back.swap.pool),
        front_tx: one.fronts.first().map(|front| hex(&front.tx_hash)).unwrap_or_default(),
        back_tx: hex(&one.back.tx_hash),
        victim_txs: one.victims.iter().map(|victim| hex(&victim.tx_hash)).collect(),
        profit_token: one.back.swap.token_out.as_ref().map(|token| hex(token)),
        front_amount_in: paid.to_string(),
        back_amount_out: gained.to_string(),
        profit_amount: signed(&profit),
        is_even: one.is_even(),
    }
}

fn just_in_time_report(one: &JustInTime<'_>) -> JustInTimeReport {
    JustInTimeReport {
        owner: hex(&one.added.change.owner),
        pool: hex(&one.added.change.pool),
        added_tx: hex(&one.added.tx_hash),
        removed_tx: hex(&one.removed.tx_hash),
        swap_txs: one.swaps.iter().map(|swap| hex(&swap.tx_hash)).collect(),
        liquidity: one.added.change.liquidity.map(|liquidity| liquidity.to_string()),
    }
}

/// Returns millionths of a USD as a number of USD.
fn usd(millionths: &Flow) -> String {
    let (is_loss, size) = millionths.net();
    let (whole, rest) = size.div_rem(Sum::from(1_000_000));
    format!("{}{whole}.{rest:0>6}", if is_loss { "-" } else { "" })
}

fn signed(flow: &Flow) -> String {
    match flow.net() {
        (false, amount) => amount.to_string(),
        (true, amount) => format!("-{amount}"),
    }
}

/// Returns `0x` and the digits; the native coin has no address and is called by its name.
fn hex(bytes: &[u8]) -> String {
    if bytes == NATIVE {
        return "native".to_owned();
    }
    const_hex::encode_prefixed(bytes)
}
