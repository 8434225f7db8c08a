//! The answer to `debug_traceBlockByNumber` with the call tracer: a tree of calls for each transaction.

use memchr::memchr2;
use serde::Deserialize;
use tidemill_frames::{FrameError, Hex};

use super::amount::Amount;
use super::parity::{input, is_false};
use super::{address, parsed, Building};
use crate::block::{Call, CallKind};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a transaction's trace")]
struct RawTraced<'a> {
    #[serde(borrow)]
    tx_hash: Option<Hex<'a>>,
    #[serde(borrow)]
    result: Option<RawCall<'a>>,
    /// Why there is no result: one transaction may take the node too long, while it traces the others of the block.
    error: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"), expecting = "a call")]
struct RawCall<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    from: Hex<'a>,
    to: Option<Hex<'a>>,
    value: Option<Amount<'a>>,
    input: Option<Hex<'a>>,
    output: Option<Hex<'a>>,
    error: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    calls: Vec<RawCall<'a>>,
}

pub(super) fn read(text: &[u8], building: &mut Building) -> Result<(), FrameError> {
    if levels(text) > LEVELS_MAX {
        return Err(too_deep());
    }
    let traced: Vec<RawTraced<'_>> = parsed("traces", "a list of transactions' traces", text)?;
    for (index, raw) in (0_u32..).zip(traced) {
        let tx = match raw.tx_hash {
            Some(hash) => building.tx(hash.bytes("trace txHash")?, index)?,
            None => building.tx_at(index).ok_or_else(|| {
                FrameError::missing("trace without a transaction of a block before it", "txHash")
            })?,
        };
        match raw.result {
            Some(result) => {
                tx.has_traces = true;
                flatten(&result, &mut tx.calls)?;
            }
            None if raw.error.is_some() => {}
            None => return Err(FrameError::missing("trace", "result")),
        }
    }
    Ok(())
}

/// How deep calls nest at most, which is the EVM's own limit. Each call is kept with its place: without a limit the places of a chain of
/// calls would take the square of its length.
const DEPTH_MAX: usize = 1_024;

/// How deep brackets nest at most: two for each call, and more for what a call has beside its calls. Without a limit reading such a
/// document, and dropping what was read, would take a stack as long as the document.
const LEVELS_MAX: usize = 4 * DEPTH_MAX;

/// Returns how deep the brackets of a document nest, those of its strings left out.
fn levels(mut text: &[u8]) -> usize {
    let (mut level, mut deepest) = (0_usize, 0);
    while let Some((byte, rest)) = text.split_first() {
        text = rest;
        match byte {
            b'[' | b'{' => {
                level += 1;
                deepest = deepest.max(level);
            }
            b']' | b'}' => level = level.saturating_sub(1),
            b'"' => text = after_string(rest),
            _ => {}
        }
    }
    deepest
}

/// Returns what comes after the quote that ends a string: most of such a document is within one.
fn after_string(mut text: &[u8]) -> &[u8] {
    while let Some(at) = memchr2(b'"', b'\\', text) {
        let is_end = text.get(at) == Some(&b'"');
        text = text.get(if is_end { at + 1 } else { at + 2 }..).unwrap_or_default();
        if is_end {
            return text;
        }
    }
    &[]
}

fn too_deep() -> FrameError {
    FrameError::new("call", format!("at most {DEPTH_MAX} calls within each other"), b"more")
}

/// Puts `root` and all calls below it in the order in which they began. A stack of its own: they nest a thousand deep.
fn flatten(root: &RawCall<'_>, calls: &mut Vec<Call>) -> Result<(), FrameError> {
    let mut waiting = vec![(root, Vec::new(), false)];
    while let Some((raw, place, is_within_undone)) = waiting.pop() {
        if place.len() > DEPTH_MAX {
            return Err(too_deep());
        }
        let is_undone = is_within_undone || raw.error.is_some();
        let first_waiting = waiting.len();
        for (index, inner) in (0_u32..).zip(&raw.calls) {
            waiting.push((inner, [place.as_slice(), &[index]].concat(), is_undone));
        }
        waiting.get_mut(first_waiting..).unwrap_or_default().reverse();
        calls.push(raw.call(place, is_undone)?);
    }
    Ok(())
}

impl RawCall<'_> {
    fn call(&self, place: Vec<u32>, is_undone: bool) -> Result<Call, FrameError> {
        let kind = match self.kind {
            "CALL" => CallKind::Call,
            "DELEGATECALL" | "CALLCODE" => CallKind::Borrowed,
            "STATICCALL" => CallKind::Static,
            "CREATE" | "CREATE2" => CallKind::Create,
            "SELFDESTRUCT" => CallKind::Destruct,
            other => return Err(FrameError::new("call type", "an operation that calls", other.as_bytes())),
        };
        let (selector, words) =
            if kind == CallKind::Create { (None, Vec::new()) } else { input(self.input)? };
        Ok(Call {
            place,
            kind,
            from: self.from.bytes("call from")?,
            to: address(self.to, "call to")?.unwrap_or_default(),
            value_wei: self.value.map(|value| value.u256("call value")).transpose()?.unwrap_or_default(),
            selector,
            words,
            gives_false: self.output.is_some_and(is_false),
            is_undone,
        })
    }
}
