//! What the transactions of a Solana block were: balances, transfers, swaps by their programs' own transfers, circles that paid.

mod circle;
mod instruction;
mod legs;
mod programs;
mod read;
mod report;

use std::collections::BTreeMap;

pub use report::inspect_solana;

/// A transaction as `getTransaction` or `getBlock` tells it.
#[derive(Debug, Default)]
pub(crate) struct Tx {
    pub signature: String,
    pub slot: Option<u64>,
    pub is_success: bool,
    pub fee_lamports: u64,
    pub signature_count: u64,
    /// What its instructions used; absent in old blocks.
    pub compute_units: Option<u64>,
    /// All accounts in the order that indices mean: the message's own, then those that tables added, writable ones first.
    pub accounts: Vec<String>,
    pub instructions: Vec<Instruction>,
    pub token_accounts: BTreeMap<usize, TokenAccount>,
    /// Before and after, by account.
    pub lamports: Vec<(u64, u64)>,
}

/// One instruction; those that it made itself come right after it, deeper.
#[derive(Debug)]
pub(crate) struct Instruction {
    pub program: usize,
    pub accounts: Vec<usize>,
    pub data: Vec<u8>,
    /// 1 for the transaction's own.
    pub depth: u32,
}

/// What a token account held; absent where it was not one then.
#[derive(Debug, Default)]
pub(crate) struct TokenAccount {
    pub before: Option<Held>,
    pub after: Option<Held>,
}

/// What a token account holds, and whose it is: a transaction may give it to another, or close it and open it for another token.
#[derive(Debug)]
pub(crate) struct Held {
    pub mint: String,
    pub owner: Option<String>,
    pub amount: u64,
}

impl Tx {
    /// Returns what the token account at `index` holds after the transaction, or held before where it is none any more.
    pub(crate) fn held(&self, index: usize) -> Option<&Held> {
        let account = self.token_accounts.get(&index)?;
        account.after.as_ref().or(account.before.as_ref())
    }

    /// Returns who pays the fee.
    pub(crate) fn payer(&self) -> &str {
        self.accounts.first().map_or("", String::as_str)
    }

    pub(crate) fn account(&self, index: usize) -> &str {
        self.accounts.get(index).map_or("", String::as_str)
    }

    /// Returns what `owner` has of each mint more or less than before.
    pub(crate) fn token_deltas(&self, owner: &str) -> BTreeMap<&str, i128> {
        let mut deltas: BTreeMap<&str, i128> = BTreeMap::new();
        for account in self.token_accounts.values() {
            for (held, sign) in [(&account.before, -1), (&account.after, 1)] {
                if let Some(held) = held.as_ref().filter(|held| held.owner.as_deref() == Some(owner)) {
                    *deltas.entry(&held.mint).or_default() += sign * i128::from(held.amount);
                }
            }
        }
        deltas.retain(|_, delta| *delta != 0);
        deltas
    }

    /// Returns what the payer has of lamports more or less than before, its fee included.
    pub(crate) fn payer_lamports(&self) -> i128 {
        self.lamports.first().map_or(0, |(before, after)| i128::from(*after) - i128::from(*before))
    }

    /// Returns what the payer has of `mint` more or less than before; of the native coin, wrapped or not, before `costs`.
    pub(crate) fn payer_gain(&self, mint: &str, costs: i128) -> i128 {
        let held = self.token_deltas(self.payer()).get(mint).copied().unwrap_or_default();
        if mint != programs::WSOL {
            return held;
        }
        // The payer's wrapped coin lies in accounts whose lamports are not the payer's own.
        held + self.payer_lamports() + costs
    }

    /// Returns what was paid beyond the signatures' own fee.
    pub(crate) fn priority_fee_lamports(&self) -> u64 {
        self.fee_lamports.saturating_sub(self.signature_count.saturating_mul(5_000))
    }
}
