//! Swaps of known exchanges: of the transfers that an exchange's instruction made, the one into and the one out of its vaults.

use super::instruction::{moved, u64_at, Moved};
use super::programs::{exchange, PUMP, WSOL};
use super::{Instruction, Tx};

/// What a program's own log within an instruction begins with.
const EVENT: [u8; 8] = [0xe4, 0x45, 0xa5, 0x2e, 0x51, 0xcb, 0x9a, 0x1d];
/// The bonding curves' `TradeEvent`.
const PUMP_TRADE: [u8; 8] = [0xbd, 0xdb, 0x7f, 0xd3, 0x4e, 0xe6, 0x61, 0xee];

/// One swap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leg {
    /// Name of the exchange.
    pub exchange: &'static str,
    /// Whose vaults they were: of one pool, or of all of an exchange that has one authority.
    pub pool: String,
    /// What was paid with.
    pub mint_in: String,
    /// How much.
    pub amount_in: u64,
    /// What was bought.
    pub mint_out: String,
    /// How much.
    pub amount_out: u64,
}

/// Returns the swaps of `tx` in order.
pub(crate) fn legs(tx: &Tx) -> Vec<Leg> {
    let mut legs = Vec::new();
    for (at, instruction) in tx.instructions.iter().enumerate() {
        let Some(name) = exchange(tx.account(instruction.program)) else { continue };
        let below: Vec<&Instruction> = tx
            .instructions
            .iter()
            .skip(at + 1)
            .take_while(|inner| inner.depth > instruction.depth)
            .filter(|inner| inner.depth == instruction.depth + 1)
            .collect();
        if tx.account(instruction.program) == PUMP {
            legs.extend(below.iter().find_map(|inner| pump_trade(inner, tx)));
        } else {
            legs.extend(of_vaults(name, &below, tx));
        }
    }
    legs
}

/// Returns the swap whose two transfers are into and out of the vaults of one owner.
fn of_vaults(exchange: &'static str, below: &[&Instruction], tx: &Tx) -> Option<Leg> {
    let moves: Vec<Moved> =
        below.iter().filter_map(|inner| moved(inner, tx)).filter(|one| !one.is_native).collect();
    for paid in &moves {
        let owner = owner(tx, paid.target);
        let bought = moves
            .iter()
            .find(|one| owner.is_some() && self::owner(tx, one.source) == owner && one.mint != paid.mint);
        if let Some(bought) = bought {
            return Some(Leg {
                exchange,
                pool: owner?.to_owned(),
                mint_in: paid.mint.clone()?,
                amount_in: paid.amount,
                mint_out: bought.mint.clone()?,
                amount_out: bought.amount,
            });
        }
    }
    None
}

fn owner(tx: &Tx, account: usize) -> Option<&str> {
    tx.held(account).and_then(|held| held.owner.as_deref())
}

/// Reads the event of a bonding curve: mint, lamports, tokens, whether bought, and more that is not needed.
fn pump_trade(inner: &Instruction, tx: &Tx) -> Option<Leg> {
    let body = inner.data.strip_prefix(&EVENT)?.strip_prefix(&PUMP_TRADE)?;
    let mint = bs58::encode(body.first_chunk::<32>()?).into_string();
    let (lamports, tokens) = (u64_at(body, 32)?, u64_at(body, 40)?);
    let pool = inner.accounts.first().map(|at| tx.account(*at).to_owned()).unwrap_or_default();
    let sol = WSOL.to_owned();
    let ((mint_in, amount_in), (mint_out, amount_out)) = if body.get(48) == Some(&1) {
        ((sol, lamports), (mint, tokens))
    } else {
        ((mint, tokens), (sol, lamports))
    };
    Some(Leg { exchange: "pump_fun", pool, mint_in, amount_in, mint_out, amount_out })
}
