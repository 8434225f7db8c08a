//! What a chain hands to the pools: a block's head and its logs.

use std::sync::Arc;

use ruint::aliases::U256;

/// An address, in the chain's byte order.
pub type Address = [u8; 20];
/// A 32-byte hash or topic, in the chain's byte order.
pub type Hash = [u8; 32];

/// A block's header, as far as anything here needs it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// Block number.
    pub number: u64,
    /// Block hash.
    pub hash: Hash,
    /// Hash of the block before it.
    pub parent_hash: Hash,
    /// The block's time, s since 1970-01-01 UTC.
    pub timestamp_s: u64,
    /// Base fee, wei per gas; absent before EIP-1559.
    pub base_fee_wei: Option<U256>,
    /// Gas its transactions used.
    pub gas_used: u64,
    /// Gas its transactions might have used.
    pub gas_limit: u64,
    /// Root of its receipts.
    pub receipts_root: Option<Hash>,
    /// Filter of its logs, shared by copies of the head.
    pub logs_bloom: Option<Arc<[u8; 256]>>,
    /// Whether all its fields hash to `hash`; false where a field is missing or the chain's header has others.
    pub is_hash_proven: bool,
}

impl Head {
    /// Returns the block's time, ns since 1970-01-01 UTC; the last representable instant for times beyond it.
    pub fn event_ns(&self) -> i64 {
        i64::try_from(self.timestamp_s).map_or(i64::MAX, |time_s| time_s.saturating_mul(1_000_000_000))
    }
}

/// One log, borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log<'a> {
    /// Contract that emitted it.
    pub address: &'a Address,
    /// Up to four topics.
    pub topics: &'a [Hash],
    /// Data, ABI-encoded.
    pub data: &'a [u8],
    /// Number of its block.
    pub block_number: u64,
    /// Hash of its block.
    pub block_hash: &'a Hash,
    /// Hash of its transaction.
    pub tx_hash: &'a Hash,
    /// Index of its transaction in the block.
    pub tx_index: u32,
    /// Index of the log in the block.
    pub log_index: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct OwnedLog {
    topics: [Hash; 4],
    tx_hash: Hash,
    block_hash: Hash,
    block_number: u64,
    data_start: usize,
    data_end: usize,
    tx_index: u32,
    log_index: u32,
    address: Address,
    topic_count: u8,
}

/// Logs in order, with their data in one arena, so that a block costs no allocation per log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logs {
    logs: Vec<OwnedLog>,
    data: Vec<u8>,
}

impl Logs {
    /// Returns no logs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a copy of `log`; topics after the fourth, which no chain has, are left out.
    pub fn push(&mut self, log: &Log<'_>) {
        let mut topics = [[0; 32]; 4];
        let mut topic_count = 0;
        for (kept, topic) in topics.iter_mut().zip(log.topics) {
            *kept = *topic;
            topic_count += 1;
        }
        let data_start = self.data.len();
        self.data.extend_from_slice(log.data);
        self.logs.push(OwnedLog {
            topics,
            tx_hash: *log.tx_hash,
            block_hash: *log.block_hash,
            block_number: log.block_number,
            data_start,
            data_end: self.data.len(),
            tx_index: log.tx_index,
            log_index: log.log_index,
            address: *log.address,
            topic_count,
        });
    }

    /// Returns the number of logs.
    pub fn len(&self) -> usize {
        self.logs.len()
    }

    /// Says whether there are no logs.
    pub fn is_empty(&self) -> bool {
        self.logs.is_empty()
    }

    /// Removes every log and keeps the room.
    pub fn clear(&mut self) {
        self.logs.clear();
        self.data.clear();
    }

    /// Returns no logs, with room for `logs` of them that have `data_bytes` of data together.
    pub fn with_capacity(logs: usize, data_bytes: usize) -> Self {
        Self { logs: Vec::with_capacity(logs), data: Vec::with_capacity(data_bytes) }
    }

    /// Puts the logs into the order of their blocks and, within a block, of their log indices.
    ///
    /// Blocks of one number, which a reorg brings, stay apart: their hashes decide.
    pub fn sort(&mut self) {
        let place = |log: &OwnedLog| (log.block_number, log.block_hash, log.log_index);
        if !self.logs.is_sorted_by_key(place) {
            self.logs.sort_by_key(place);
        }
    }

    /// Returns the logs in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Log<'_>> + DoubleEndedIterator + Clone {
        self.range(0, self.len())
    }

    /// Returns the `count` logs from place `start` on, or fewer where they end before.
    pub fn range(
        &self,
        start: usize,
        count: usize,
    ) -> impl ExactSizeIterator<Item = Log<'_>> + DoubleEndedIterator + Clone {
        let rest = self.logs.get(start..).unwrap_or_default();
        rest.get(..count).unwrap_or(rest).iter().map(|log| Log {
            address: &log.address,
            topics: log.topics.get(..usize::from(log.topic_count)).unwrap_or_default(),
            data: self.data.get(log.data_start..log.data_end).unwrap_or_default(),
            block_number: log.block_number,
            block_hash: &log.block_hash,
            tx_hash: &log.tx_hash,
            tx_index: log.tx_index,
            log_index: log.log_index,
        })
    }
}

impl<'a> Extend<Log<'a>> for Logs {
    fn extend<T: IntoIterator<Item = Log<'a>>>(&mut self, logs: T) {
        for log in logs {
            self.push(&log);
        }
    }
}
