//! What moved from whom to whom: tokens and the native coin, each transfer once.

use ruint::aliases::U256;
use tidemill_pools::{Address, Hash};

use crate::block::{Call, CallKind, Event, Tx};

/// The address that stands for the native coin.
pub const NATIVE: Address = [0xee; 20];
/// Who tokens come from when they are made, and go to when they are ended.
pub const NOBODY: Address = [0; 20];

const TRANSFER: [u8; 4] = [0xa9, 0x05, 0x9c, 0xbb];
const TRANSFER_FROM: [u8; 4] = [0x23, 0xb8, 0x72, 0xdd];
const DEPOSIT: [u8; 4] = [0xd0, 0xe3, 0x0d, 0xb0];
const WITHDRAW: [u8; 4] = [0x2e, 0x1a, 0x7d, 0x4d];

/// `Transfer(address,address,uint256)`
pub const TRANSFER_TOPIC: Hash = hash("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
/// `Deposit(address,uint256)` of the wrapped native coin.
const DEPOSIT_TOPIC: Hash = hash("e1fffcc4923d04b559f4d29a8bfc6cda04eb5b0d3c460751c2402c5c5cc9109c");
/// `Withdrawal(address,uint256)` of the wrapped native coin.
const WITHDRAWAL_TOPIC: Hash = hash("7fcf532c15f0a6db0bd6d0e038bea71d30d808c7d98cb3bf7268a95bf5081b65");

/// Where in a transaction something happened: the order of what one source tells.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The call that did it.
    Call(Vec<u32>),
    /// The log that tells it.
    Log(u32),
}

/// One movement of a token or of the native coin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// What moved; `NATIVE` for the native coin.
    pub token: Address,
    /// Who gave it; `NOBODY` where it was made.
    pub from: Address,
    /// Who got it; `NOBODY` where it was ended.
    pub to: Address,
    /// How much, in the token's smallest unit.
    pub amount: U256,
    /// Where it happened.
    pub place: Place,
}

/// Returns what `tx` moved, in its order: tokens as its logs tell them, or its calls where no logs were given; the native coin
/// as its calls tell it, or, where no calls were given, what the transaction itself gave.
///
/// What was undone is left out. `wrapped` is the chain's wrapped native coin, whose deposits are no transfers of its own; where no
/// calls were given, its logs tell the native coin that was wrapped and unwrapped too.
pub fn transfers(tx: &Tx, wrapped: Option<Address>) -> Vec<Transfer> {
    if tx.is_success == Some(false) {
        return Vec::new();
    }
    let mut found =
        if tx.has_traces { native_of_calls(&tx.calls) } else { native_of_tx(tx).into_iter().collect() };
    if tx.has_logs {
        let tokens = tokens_of_logs(&tx.logs, wrapped);
        if !tx.has_traces {
            found.retain(|one| Some(one.to) != wrapped); // its log tells it again
            found.extend(tokens.iter().filter(|one| Some(one.token) == wrapped).filter_map(native_of_wrap));
        }
        found.extend(tokens);
    } else {
        found.extend(tokens_of_calls(&tx.calls, wrapped));
        found.sort_by(|one, other| one.place.cmp(&other.place));
    }
    found
}

/// Returns the transfer of tokens that `call` is, whether or not it was undone.
pub(crate) fn token_of_call(call: &Call, wrapped: Option<Address>) -> Option<Transfer> {
    if call.kind != CallKind::Call || call.gives_false {
        return None;
    }
    let is_wrapped = Some(call.to) == wrapped;
    let (from, to, amount) = match call.selector {
        Some(TRANSFER) => (call.from, call.address(0)?, call.word(1)?),
        Some(TRANSFER_FROM) => (call.address(0)?, call.address(1)?, call.word(2)?),
        Some(DEPOSIT) | None if is_wrapped => (NOBODY, call.from, call.value_wei),
        Some(WITHDRAW) if is_wrapped => (call.from, NOBODY, call.word(0)?),
        _ => return None,
    };
    Some(Transfer { token: call.to, from, to, amount, place: Place::Call(call.place.clone()) })
}

/// Returns the native coin that `call` moves.
pub(crate) fn native_of_call(call: &Call) -> Option<Transfer> {
    let is_moving = matches!(call.kind, CallKind::Call | CallKind::Create | CallKind::Destruct);
    (is_moving && call.value_wei != U256::ZERO).then(|| Transfer {
        token: NATIVE,
        from: call.from,
        to: call.to,
        amount: call.value_wei,
        place: Place::Call(call.place.clone()),
    })
}

fn native_of_calls(calls: &[Call]) -> Vec<Transfer> {
    calls.iter().filter(|call| !call.is_undone).filter_map(native_of_call).collect()
}

fn native_of_tx(tx: &Tx) -> Option<Transfer> {
    let amount = tx.value_wei.filter(|value| *value != U256::ZERO)?;
    Some(Transfer { token: NATIVE, from: tx.from?, to: tx.to?, amount, place: Place::Call(Vec::new()) })
}

/// Returns the native coin that the making of a wrapped one took in, or its ending paid out: by who has it or had it, which is all that
/// a log tells.
fn native_of_wrap(wrap: &Transfer) -> Option<Transfer> {
    let (from, to) = match (wrap.from, wrap.to) {
        (NOBODY, holder) => (holder, wrap.token),
        (holder, NOBODY) => (wrap.token, holder),
        _ => return None,
    };
    Some(Transfer { token: NATIVE, from, to, amount: wrap.amount, place: Place::Call(Vec::new()) })
}

/// Returns the transfers of tokens, one within another left out: a proxy that hands the call on moves nothing twice.
pub(crate) fn tokens_of_calls(calls: &[Call], wrapped: Option<Address>) -> Vec<Transfer> {
    let mut found = Vec::new();
    let mut outer: Option<&Call> = None;
    for call in calls.iter().filter(|call| !call.is_undone) {
        if outer.is_some_and(|outer| outer.holds(call)) {
            continue;
        }
        if let Some(transfer) = token_of_call(call, wrapped) {
            outer = Some(call);
            if transfer.amount != U256::ZERO {
                found.push(transfer);
            }
        }
    }
    found
}

/// Returns the transfers that logs tell. A wrapped coin that tells its making both as a transfer and as a deposit, side by side,
/// is counted once; and so is its ending.
fn tokens_of_logs(logs: &[Event], wrapped: Option<Address>) -> Vec<Transfer> {
    let mut found: Vec<Transfer> = Vec::new();
    for transfer in logs.iter().filter_map(|log| token_of_log(log, wrapped)) {
        let is_told = found.last().is_some_and(|last| {
            let is_next =
                matches!((&last.place, &transfer.place), (Place::Log(one), Place::Log(next)) if *next == one.wrapping_add(1));
            let is_making = transfer.from == NOBODY || transfer.to == NOBODY;
            let is_same = (last.token, last.from, last.to, last.amount)
                == (transfer.token, transfer.from, transfer.to, transfer.amount);
            is_next && is_making && is_same && Some(transfer.token) == wrapped
        });
        if !is_told {
            found.push(transfer);
        }
    }
    found
}

fn token_of_log(log: &Event, wrapped: Option<Address>) -> Option<Transfer> {
    let is_wrapped = Some(log.address) == wrapped;
    let (from, to) = match (log.topics.first()?, log.topics.len()) {
        (&TRANSFER_TOPIC, 3) => (log.topic_address(1)?, log.topic_address(2)?),
        (&DEPOSIT_TOPIC, 2) if is_wrapped => (NOBODY, log.topic_address(1)?),
        (&WITHDRAWAL_TOPIC, 2) if is_wrapped => (log.topic_address(1)?, NOBODY),
        _ => return None,
    };
    let amount = log.word(0).filter(|amount| *amount != U256::ZERO)?;
    Some(Transfer { token: log.address, from, to, amount, place: Place::Log(log.log_index) })
}

/// Returns the 32 bytes that 64 hex digits say.
pub(crate) const fn hash(digits: &str) -> Hash {
    match const_hex::const_decode_to_array::<32>(digits.as_bytes()) {
        Ok(bytes) => bytes,
        Err(_) => [0; 32],
    }
}
