//! The report of Solana transactions as JSON.

use serde::Serialize;
use tidemill_frames::FrameError;

use super::circle::circle;
use super::instruction::moved;
use super::legs::{legs, Leg};
use super::programs::{exchange, is_tip, router, WSOL};
use super::{read::read, Tx};

#[derive(Serialize)]
struct Report {
    transactions: Vec<TxReport>,
}

#[derive(Serialize)]
struct TxReport {
    signature: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    slot: Option<u64>,
    kind: &'static str,
    is_success: bool,
    payer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    router: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compute_units: Option<u64>,
    fee_lamports: u64,
    priority_fee_lamports: u64,
    tip_lamports: u64,
    /// What the payer has of lamports more or less than before, fee and rent included.
    lamports_delta: String,
    /// What the payer has of each token more or less than before.
    token_deltas: std::collections::BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    swaps: Vec<SwapReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arbitrage: Option<ArbitrageReport>,
}

#[derive(Serialize)]
struct SwapReport {
    exchange: &'static str,
    pool: String,
    mint_in: String,
    amount_in: String,
    mint_out: String,
    amount_out: String,
}

#[derive(Serialize)]
struct ArbitrageReport {
    path: Vec<String>,
    mint: String,
    amount_in: String,
    amount_out: String,
    profit_amount: String,
    /// How much of the profit is what the payer has of it, 0 to 1: 1 where it is that to the unit.
    confidence: f64,
    /// What is left after fee and tip, lamports; absent where the circle is of another token.
    #[serde(skip_serializing_if = "Option::is_none")]
    net_profit_lamports: Option<String>,
}

/// Reads the answers of a Solana node and returns what the transactions were, as JSON.
///
/// # Errors
/// `Malformed` where the document is not such an answer.
pub fn inspect_solana(document: &[u8]) -> Result<Vec<u8>, FrameError> {
    let transactions = read(document)?.iter().map(tx_report).collect();
    let told = serde_json::to_vec(&Report { transactions });
    told.map_err(|error| FrameError::json("report", "what JSON can say", &error, &[]))
}

fn tx_report(tx: &Tx) -> TxReport {
    let legs = legs(tx);
    let tip_lamports = tips(tx);
    let arbitrage = circle(&legs).filter(|_| tx.is_success).map(|circle| {
        let profit = i128::from(circle.amount_out) - i128::from(circle.amount_in);
        let costs = i128::from(tx.fee_lamports) + i128::from(tip_lamports);
        ArbitrageReport {
            path: legs.iter().map(|leg| leg.mint_in.clone()).chain([circle.mint.clone()]).collect(),
            amount_in: circle.amount_in.to_string(),
            amount_out: circle.amount_out.to_string(),
            profit_amount: profit.to_string(),
            confidence: confidence(profit, tx.payer_gain(&circle.mint, costs)),
            net_profit_lamports: (circle.mint == WSOL).then(|| (profit - costs).to_string()),
            mint: circle.mint,
        }
    });
    let programs = || tx.instructions.iter().map(|one| tx.account(one.program));
    let kind = match &arbitrage {
        _ if !tx.is_success && programs().any(|program| exchange(program).is_some()) => "failed_swap",
        _ if !tx.is_success => "failed",
        Some(found) if found.profit_amount.starts_with('-') || found.profit_amount == "0" => "losing_circle",
        Some(_) => "arbitrage",
        None if !legs.is_empty() => "swap",
        None if tx.instructions.iter().any(|one| moved(one, tx).is_some()) => "transfer",
        None => "other",
    };
    TxReport {
        signature: tx.signature.clone(),
        slot: tx.slot,
        kind,
        is_success: tx.is_success,
        payer: tx.payer().to_owned(),
        router: programs().find_map(router),
        compute_units: tx.compute_units,
        fee_lamports: tx.fee_lamports,
        priority_fee_lamports: tx.priority_fee_lamports(),
        tip_lamports,
        lamports_delta: tx.payer_lamports().to_string(),
        token_deltas: tx
            .token_deltas(tx.payer())
            .into_iter()
            .map(|(mint, delta)| (mint.to_owned(), delta.to_string()))
            .collect(),
        swaps: legs.iter().map(swap_report).collect(),
        arbitrage,
    }
}

/// Returns the share of the larger one that two amounts have in common.
fn confidence(said: i128, had: i128) -> f64 {
    if said == had {
        return 1.0;
    }
    if said.signum() != had.signum() {
        return 0.0;
    }
    let (said, had) = (said.unsigned_abs(), had.unsigned_abs());
    // A share to six places: an estimate of trust, no amount.
    let millionths = said.min(had).saturating_mul(1_000_000) / said.max(had);
    f64::from(u32::try_from(millionths).unwrap_or(0)) / 1e6
}

/// Returns what was paid to the accounts of a builder's auction; of what failed nothing was but the fee.
fn tips(tx: &Tx) -> u64 {
    if !tx.is_success {
        return 0;
    }
    let paid = tx.instructions.iter().filter_map(|one| moved(one, tx));
    let tips = paid.filter(|one| one.is_native && is_tip(tx.account(one.target)));
    tips.fold(0, |sum, one| sum.saturating_add(one.amount))
}

fn swap_report(leg: &Leg) -> SwapReport {
    SwapReport {
        exchange: leg.exchange,
        pool: leg.pool.clone(),
        mint_in: leg.mint_in.clone(),
        amount_in: leg.amount_in.to_string(),
        mint_out: leg.mint_out.clone(),
        amount_out: leg.amount_out.to_string(),
    }
}
