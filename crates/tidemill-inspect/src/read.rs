//! A document that holds a block's receipts, traces, or both, to a `Block`.
//!
//! What is read: the answers of a node to `eth_getBlockByNumber`, `eth_getBlockReceipts`, `trace_block` and
//! `debug_traceBlockByNumber` with the call tracer, each alone or together as `{"block", "receipts", "traces"}`, and the block files of
//! flashbots/mev-inspect-py, which are such a document with other spellings.

mod amount;
mod parity;
mod receipt;
mod tracer;

use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde_json::value::RawValue;
use tidemill_frames::{FrameError, Hex};
use tidemill_pools::{Address, Hash};

use crate::block::{Block, Tx};
use amount::Amount;

/// The parts of a document, whatever it names them.
#[derive(Deserialize, Default)]
#[serde(expecting = "a block's parts")]
struct Document<'a> {
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    block: Option<&'a RawValue>,
    #[serde(borrow)]
    receipts: Option<&'a RawValue>,
    #[serde(borrow)]
    traces: Option<&'a RawValue>,
    #[serde(borrow)]
    transactions: Option<&'a RawValue>,
    #[serde(alias = "block_number", alias = "blockNumber", borrow)]
    number: Option<Amount<'a>>,
    #[serde(borrow)]
    miner: Option<&'a RawValue>,
    #[serde(alias = "base_fee_per_gas", rename = "baseFeePerGas", borrow)]
    base_fee: Option<Amount<'a>>,
}

/// A transaction as its block tells it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a transaction")]
struct RawTx<'a> {
    #[serde(borrow)]
    hash: Hex<'a>,
    #[serde(borrow)]
    from: Option<Hex<'a>>,
    #[serde(borrow)]
    to: Option<Hex<'a>>,
    #[serde(borrow)]
    value: Option<Amount<'a>>,
}

/// What the first element of a list has: it says what the list is of.
#[derive(Deserialize)]
struct Shape {
    action: Option<serde::de::IgnoredAny>,
    result: Option<serde::de::IgnoredAny>,
    #[serde(rename = "txHash")]
    tx_hash: Option<serde::de::IgnoredAny>,
    #[serde(alias = "cumulative_gas_used", rename = "cumulativeGasUsed")]
    cumulative_gas_used: Option<serde::de::IgnoredAny>,
}

/// An answer, the parts within it, and an answer as such a part.
const LEVELS_MAX: u8 = 4;

/// Reads a document.
///
/// # Errors
/// `Malformed` where it is none of those, or contradicts itself.
pub fn read_block(document: &[u8]) -> Result<Block, FrameError> {
    let mut building = Building::default();
    building.take(document, LEVELS_MAX)?;
    building.finish()
}

/// A block while its parts are read; its transactions are found by their hashes.
#[derive(Default)]
struct Building {
    block: Block,
    places: FxHashMap<Hash, usize>,
}

impl Building {
    fn take(&mut self, document: &[u8], levels: u8) -> Result<(), FrameError> {
        let text = document.trim_ascii_start();
        let Some(levels) = levels.checked_sub(1) else {
            return Err(FrameError::new("block", "no more answers within each other", text));
        };
        if text.starts_with(b"[") {
            return self.take_list(text);
        }
        let parts: Document<'_> = parsed("block", "an object with receipts or traces", text)?;
        if let Some(error) = parts.error {
            return Err(FrameError::new("block", "an answer", error.get().as_bytes()));
        }
        if let Some(result) = parts.result {
            return self.take(result.get().as_bytes(), levels);
        }
        let is_empty = parts.block.is_none() && parts.receipts.is_none() && parts.traces.is_none();
        if is_empty && parts.transactions.is_none() {
            return Err(FrameError::new("block", "an object with receipts, traces or transactions", text));
        }
        self.head(&parts)?;
        if let Some(block) = parts.block {
            self.take(block.get().as_bytes(), levels)?;
        }
        for list in [parts.receipts, parts.traces].into_iter().flatten() {
            self.take(list.get().as_bytes(), levels)?;
        }
        Ok(())
    }

    fn head(&mut self, parts: &Document<'_>) -> Result<(), FrameError> {
        if let Some(number) = parts.number {
            self.number(number.u64("block number")?)?;
        }
        if let Some(miner) = parts.miner {
            // A block file without the miner has a number there.
            let digits = miner.get().trim_matches('"').as_bytes();
            self.block.fee_recipient = Hex(digits).bytes("block miner").ok().or(self.block.fee_recipient);
        }
        if let Some(base_fee) = parts.base_fee {
            self.block.base_fee_wei = Some(base_fee.u128("block baseFeePerGas")?).filter(|fee| *fee > 0);
        }
        let Some(transactions) = parts.transactions else { return Ok(()) };
        if transactions.get().trim_start_matches(['[', ' ', '\n']).starts_with('"') {
            return Ok(()); // hashes only
        }
        let txs: Vec<RawTx<'_>> =
            parsed("transactions", "a list of transactions", transactions.get().as_bytes())?;
        for (index, raw) in (0_u32..).zip(txs) {
            let (from, to) = (address(raw.from, "transaction from")?, address(raw.to, "transaction to")?);
            let value = raw.value.map(|value| value.u256("transaction value")).transpose()?;
            let tx = self.tx(raw.hash.bytes("transaction hash")?, index)?;
            (tx.from, tx.to, tx.value_wei) = (from.or(tx.from), to.or(tx.to), value);
        }
        Ok(())
    }

    fn take_list(&mut self, text: &[u8]) -> Result<(), FrameError> {
        match first(text)? {
            None => Ok(()),
            Some(Shape { action: Some(_), .. }) => parity::read(text, self),
            Some(Shape { cumulative_gas_used: Some(_), .. }) => receipt::read(text, self),
            Some(Shape { result: Some(_), .. } | Shape { tx_hash: Some(_), .. }) => tracer::read(text, self),
            Some(_) => Err(FrameError::new("list", "receipts or traces", text)),
        }
    }

    fn number(&mut self, number: u64) -> Result<(), FrameError> {
        match self.block.number {
            Some(known) if known != number => {
                Err(FrameError::new("block number", known.to_string(), number.to_string().as_bytes()))
            }
            _ => {
                self.block.number = Some(number);
                Ok(())
            }
        }
    }

    /// Returns the transaction with `hash`, which has to be the one at `index` wherever it is told.
    fn tx(&mut self, hash: Hash, index: u32) -> Result<&mut Tx, FrameError> {
        let txs = &mut self.block.txs;
        let at = *self.places.entry(hash).or_insert_with(|| {
            txs.push(Tx { hash, index, ..Tx::default() });
            txs.len() - 1
        });
        match txs.get_mut(at) {
            Some(tx) if tx.index == index => Ok(tx),
            _ => Err(FrameError::new(
                "transaction",
                "one place in the block",
                const_hex::encode(hash).as_bytes(),
            )),
        }
    }

    /// Returns the transaction at `index`, where a part before this one told it.
    fn tx_at(&mut self, index: u32) -> Option<&mut Tx> {
        self.block.txs.iter_mut().find(|tx| tx.index == index)
    }

    fn finish(mut self) -> Result<Block, FrameError> {
        self.block.txs.sort_by_key(|tx| tx.index);
        let twice =
            self.block.txs.windows(2).find(|pair| matches!(pair, [one, next] if one.index == next.index));
        if let Some([one, _]) = twice {
            return Err(FrameError::new(
                "transactions",
                "one at each place",
                one.index.to_string().as_bytes(),
            ));
        }
        for tx in &mut self.block.txs {
            tx.infer_from_calls();
        }
        Ok(self.block)
    }
}

impl Tx {
    /// Takes what the first call says where no receipt and no block told it.
    fn infer_from_calls(&mut self) {
        let Some(first) = self.calls.first().filter(|call| call.place.is_empty()) else { return };
        self.from = self.from.or(Some(first.from));
        self.to = self.to.or(Some(first.to));
        self.value_wei = self.value_wei.or(Some(first.value_wei));
        self.is_success = self.is_success.or(Some(!first.is_undone));
    }
}

/// Returns what the first element of the list has; none where the list is empty.
fn first(text: &[u8]) -> Result<Option<Shape>, FrameError> {
    let inner = text.get(1..).unwrap_or_default().trim_ascii_start();
    if inner.starts_with(b"]") {
        return Ok(None);
    }
    let mut elements = deserializer(inner).into_iter::<Shape>();
    let shape = elements.next().transpose();
    shape.map_err(|error| FrameError::json("list", "a list of objects", &error, text))
}

fn deserializer(text: &[u8]) -> serde_json::Deserializer<serde_json::de::SliceRead<'_>> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    deserializer.disable_recursion_limit(); // calls nest a thousand deep; the stack grows with them
    deserializer
}

/// Reads JSON that may nest as deep as calls do.
fn parsed<'a, T: Deserialize<'a>>(
    place: &'static str,
    expected: &str,
    text: &'a [u8],
) -> Result<T, FrameError> {
    let mut deserializer = deserializer(text);
    let read = T::deserialize(serde_stacker::Deserializer::new(&mut deserializer)).and_then(|read| {
        deserializer.end()?;
        Ok(read)
    });
    read.map_err(|error| FrameError::json(place, expected, &error, text))
}

fn address(text: Option<Hex<'_>>, place: &'static str) -> Result<Option<Address>, FrameError> {
    text.map(|text| text.bytes(place)).transpose()
}
