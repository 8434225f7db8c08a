//! The answer to `trace_block`: a flat list of calls, each with its place in the tree.

use serde::Deserialize;
use tidemill_frames::{FrameError, Hex};

use super::amount::Amount;
use super::{parsed, Building};
use crate::block::{Call, CallKind, WORDS_MAX};
use ruint::aliases::U256;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a trace")]
struct RawTrace<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    action: RawAction<'a>,
    #[serde(borrow)]
    result: Option<RawResult<'a>>,
    error: Option<serde::de::IgnoredAny>,
    #[serde(alias = "trace_address")]
    trace_address: Vec<u32>,
    #[serde(borrow, alias = "transaction_hash")]
    transaction_hash: Option<Hex<'a>>,
    #[serde(alias = "transaction_position")]
    transaction_position: Option<u32>,
    #[serde(borrow, alias = "block_number")]
    block_number: Option<Amount<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawAction<'a> {
    #[serde(borrow)]
    from: Option<Hex<'a>>,
    #[serde(borrow)]
    to: Option<Hex<'a>>,
    #[serde(borrow)]
    value: Option<Amount<'a>>,
    call_type: Option<&'a str>,
    #[serde(borrow)]
    input: Option<Hex<'a>>,
    #[serde(borrow)]
    address: Option<Hex<'a>>,
    #[serde(borrow)]
    refund_address: Option<Hex<'a>>,
    #[serde(borrow)]
    balance: Option<Amount<'a>>,
}

#[derive(Deserialize)]
struct RawResult<'a> {
    #[serde(borrow)]
    address: Option<Hex<'a>>,
    #[serde(borrow)]
    output: Option<Hex<'a>>,
}

pub(super) fn read(text: &[u8], building: &mut Building) -> Result<(), FrameError> {
    let traces: Vec<RawTrace<'_>> = parsed("traces", "a list of traces", text)?;
    let mut undone: Vec<u32> = Vec::new();
    let mut is_within_undone = false;
    for raw in traces {
        if let Some(number) = raw.block_number {
            building.number(number.u64("trace blockNumber")?)?;
        }
        let (Some(hash), Some(index)) = (raw.transaction_hash, raw.transaction_position) else { continue };
        let tx = building.tx(hash.bytes("trace transactionHash")?, index)?;
        if !tx.has_traces {
            (tx.has_traces, is_within_undone) = (true, false);
        }
        is_within_undone = is_within_undone && raw.trace_address.starts_with(&undone);
        if raw.error.is_some() && !is_within_undone {
            is_within_undone = true;
            undone.clone_from(&raw.trace_address);
        }
        tx.calls.extend(raw.call(is_within_undone)?);
    }
    Ok(())
}

impl RawTrace<'_> {
    /// Returns the call; none for what rewards a miner.
    fn call(&self, is_undone: bool) -> Result<Option<Call>, FrameError> {
        let action = &self.action;
        let (kind, from, to, value) = match self.kind {
            "call" => (call_kind(action.call_type), action.from, action.to, action.value),
            "create" => (
                CallKind::Create,
                action.from,
                self.result.as_ref().and_then(|made| made.address),
                action.value,
            ),
            "suicide" | "selfdestruct" => {
                (CallKind::Destruct, action.address, action.refund_address, action.balance)
            }
            "reward" => return Ok(None),
            other => {
                return Err(FrameError::new(
                    "trace type",
                    "call, create, suicide or reward",
                    other.as_bytes(),
                ))
            }
        };
        let from = from.ok_or_else(|| FrameError::missing("trace", "from"))?.bytes("trace from")?;
        let to = match to {
            Some(to) => to.bytes("trace to")?,
            None if kind == CallKind::Create => [0; 20], // the making failed
            None => return Err(FrameError::missing("trace", "to")),
        };
        let (selector, words) =
            if kind == CallKind::Create { (None, Vec::new()) } else { input(action.input)? };
        Ok(Some(Call {
            place: self.trace_address.clone(),
            kind,
            from,
            to,
            value_wei: value.map(|value| value.u256("trace value")).transpose()?.unwrap_or_default(),
            selector,
            words,
            gives_false: self.result.as_ref().and_then(|result| result.output).is_some_and(is_false),
            is_undone,
        }))
    }
}

fn call_kind(call_type: Option<&str>) -> CallKind {
    match call_type {
        Some("delegatecall" | "callcode") => CallKind::Borrowed,
        Some("staticcall") => CallKind::Static,
        _ => CallKind::Call,
    }
}

/// Reads the selector of an input and its first words; the last word may be cut off, and is left out then.
pub(super) fn input(text: Option<Hex<'_>>) -> Result<(Option<[u8; 4]>, Vec<U256>), FrameError> {
    let Some(text) = text else { return Ok((None, Vec::new())) };
    let digits = text.digits("call input")?;
    let Some((selector, rest)) = digits.split_at_checked(8) else { return Ok((None, Vec::new())) };
    let refused = || FrameError::new("call input", "hex digits", text.0);
    let selector = const_hex::decode_to_array(selector).map_err(|_| refused())?;
    let mut words = Vec::new();
    for word in rest.chunks_exact(64).take(WORDS_MAX) {
        words.push(U256::from_be_bytes(const_hex::decode_to_array::<_, 32>(word).map_err(|_| refused())?));
    }
    Ok((Some(selector), words))
}

/// Says whether an output is the word for false.
pub(super) fn is_false(output: Hex<'_>) -> bool {
    output.0.len() == 66 && output.0.get(2..).is_some_and(|digits| digits.iter().all(|digit| *digit == b'0'))
}
