//! What events say, as rows: a place in the chain, a time, keys and measures; NaN is what is absent.

mod arbitrage;
mod arrow;
mod chain;

use arrow_array::RecordBatch;

use crate::error::WindowError;

/// What rows are kept and looked up by: the 128-bit hash of a name; 0 for no name.
pub type Key = u128;

/// Rows of one kind, column by column.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// Their kind.
    pub source: &'static str,
    /// Their places in the chain: what is at a lower one came before.
    pub place: Vec<u64>,
    /// Their times, ns.
    pub time_ns: Vec<i64>,
    /// Their keys, by name.
    pub keys: Vec<(&'static str, Vec<Key>)>,
    /// Their measures, by name.
    pub measures: Vec<(&'static str, Vec<f64>)>,
}

/// The place of what is known only at the end of a block.
const END: u64 = 0xFF_FFFF;

/// Returns the place of a transaction, or of a block's end.
fn place(block_number: u64, tx_index: Option<u32>) -> u64 {
    (block_number << 24) | tx_index.map_or(END, |index| u64::from(index).min(END - 1))
}

/// Returns the key that stands for a name.
fn key(name: &[u8]) -> Key {
    xxhash_rust::xxh3::xxh3_128(name).max(1)
}

impl Rows {
    /// Reads a batch of events of the kind `topic`.
    ///
    /// # Errors
    /// `Batch`, where it is not one.
    pub fn read(topic: &str, batch: &RecordBatch) -> Result<Self, WindowError> {
        let rows = match topic {
            "swap" => chain::swaps(batch),
            "pool_state" => chain::pool_states(batch),
            "block" => chain::blocks(batch),
            "arbitrage" => arbitrage::arbitrages(batch),
            _ => Err("features are not made of them".to_owned()),
        };
        rows.map_err(|problem| WindowError::Batch(topic.to_owned(), problem))
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.place.len()
    }

    /// Says whether there are none.
    pub fn is_empty(&self) -> bool {
        self.place.is_empty()
    }

    /// Returns the measure `name`.
    pub fn measure(&self, name: &str) -> Option<&[f64]> {
        self.measures.iter().find(|(named, _)| *named == name).map(|(_, values)| values.as_slice())
    }

    /// Returns the keys `name`.
    pub fn key(&self, name: &str) -> Option<&[Key]> {
        self.keys.iter().find(|(named, _)| *named == name).map(|(_, keys)| keys.as_slice())
    }
}
