//! What instructions of the token programs and of the system program move.

use super::programs::{SYSTEM, TOKEN, WSOL};
use super::{Instruction, Tx};

/// One movement between accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moved {
    /// Account that gave.
    pub source: usize,
    /// Account that got.
    pub target: usize,
    /// What moved; absent where neither account's balance says which token it holds.
    pub mint: Option<String>,
    /// How much, in its smallest unit.
    pub amount: u64,
    /// Whether it was lamports.
    pub is_native: bool,
}

/// Returns what `instruction` moves.
pub(crate) fn moved(instruction: &Instruction, tx: &Tx) -> Option<Moved> {
    let program = tx.account(instruction.program);
    if program == SYSTEM {
        return lamports(instruction);
    }
    if !TOKEN.contains(&program) {
        return None;
    }
    let account = |at: usize| instruction.accounts.get(at).copied();
    let (source, target, at) = match instruction.data.first()? {
        3 => (account(0)?, account(1)?, 1),  // Transfer
        12 => (account(0)?, account(2)?, 1), // TransferChecked
        26 if instruction.data.get(1) == Some(&1) => (account(0)?, account(2)?, 2), // TransferCheckedWithFee
        _ => return None,
    };
    let told = if at == 1 && instruction.data.first() == Some(&3) { None } else { account(1) };
    let mint = told
        .map(|at| tx.account(at).to_owned())
        .or_else(|| mint_of(tx, source))
        .or_else(|| mint_of(tx, target));
    Some(Moved { source, target, mint, amount: u64_at(&instruction.data, at)?, is_native: false })
}

fn mint_of(tx: &Tx, account: usize) -> Option<String> {
    tx.held(account).map(|held| held.mint.clone())
}

/// Returns the lamports of a transfer; those of a new account's rent are none.
fn lamports(instruction: &Instruction) -> Option<Moved> {
    let tag = instruction.data.first_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes))?;
    if tag != 2 {
        return None;
    }
    Some(Moved {
        source: *instruction.accounts.first()?,
        target: *instruction.accounts.get(1)?,
        mint: Some(WSOL.to_owned()),
        amount: u64_at(&instruction.data, 4)?,
        is_native: true,
    })
}

/// Returns the number of eight bytes at `at`, the lowest first.
pub(crate) fn u64_at(data: &[u8], at: usize) -> Option<u64> {
    data.get(at..)?.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes))
}
