//! Logs as bytes, to be kept until a later run takes them up.

use crate::chain::{Log, Logs};
use crate::error::RecordError;
use crate::patch::{Reader, RECORD_VERSION};

/// Bytes of a log beside its topics and its data.
const FIXED_BYTES: usize = 8 + 2 * 32 + 2 * 4 + 20 + 1 + 4;
const TOPICS_MAX: u8 = 4;

impl Logs {
    /// Returns the logs as bytes: the version, then of each log block number, block and transaction hash, transaction and log
    /// index, address, number of topics (u8), topics, length of the data (u32) and data; numbers little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let size = |log: Log<'_>| FIXED_BYTES + log.topics.as_flattened().len() + log.data.len();
        let mut bytes = Vec::with_capacity(1 + self.iter().map(size).sum::<usize>());
        bytes.push(RECORD_VERSION);
        for log in self.iter() {
            bytes.extend_from_slice(&log.block_number.to_le_bytes());
            bytes.extend_from_slice(log.block_hash);
            bytes.extend_from_slice(log.tx_hash);
            bytes.extend_from_slice(&log.tx_index.to_le_bytes());
            bytes.extend_from_slice(&log.log_index.to_le_bytes());
            bytes.extend_from_slice(log.address);
            bytes.push(u8::try_from(log.topics.len()).unwrap_or(TOPICS_MAX));
            bytes.extend_from_slice(log.topics.as_flattened());
            // A log's data comes in a frame, which is shorter than this.
            bytes.extend_from_slice(&u32::try_from(log.data.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend_from_slice(log.data);
        }
        bytes
    }

    /// Reads back what `to_bytes` wrote.
    ///
    /// # Errors
    /// Where the bytes are of another version or not logs.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut reader = Reader::versioned(b"logs", bytes)?;
        let mut logs = Self::new();
        while !reader.is_at_end() {
            let block_number = u64::from_le_bytes(reader.array("a block's number")?);
            let (block_hash, tx_hash) =
                (reader.array("a block's hash")?, reader.array("a transaction's hash")?);
            let (tx_index, log_index) = (reader.u32("a transaction's index")?, reader.u32("a log's index")?);
            let address = reader.array("an address")?;
            let [topic_count] = reader.array("a number of topics")?;
            if topic_count > TOPICS_MAX {
                return Err(reader.refused("at most four topics"));
            }
            let (topics, _) = reader.take(32 * u32::from(topic_count), "topics")?.as_chunks();
            let data_bytes = reader.u32("the length of data")?;
            let data = reader.take(data_bytes, "data")?;
            logs.push(&Log {
                address: &address,
                topics,
                data,
                block_number,
                block_hash: &block_hash,
                tx_hash: &tx_hash,
                tx_index,
                log_index,
            });
        }
        Ok(logs)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn logs_come_back_as_they_were(
            made in proptest::collection::vec(
                (any::<u64>(), any::<[u8; 32]>(), any::<(u32, u32)>(), proptest::collection::vec(any::<[u8; 32]>(), 0..=4),
                 proptest::collection::vec(any::<u8>(), 0..100)), 0..8),
            cut in any::<proptest::sample::Index>(),
        ) {
            let mut logs = Logs::new();
            for (block_number, hash, (tx_index, log_index), topics, data) in &made {
                let (address, tx_hash) = ([hash[0]; 20], [hash[1]; 32]);
                let (block_number, tx_index, log_index) = (*block_number, *tx_index, *log_index);
                logs.push(&Log {
                    address: &address, topics, data, block_number, block_hash: hash, tx_hash: &tx_hash, tx_index, log_index,
                });
            }
            let bytes = logs.to_bytes();
            prop_assert_eq!(Logs::from_bytes(&bytes), Ok(logs.clone()));
            let shorter = &bytes[..cut.index(bytes.len())];
            prop_assert!(Logs::from_bytes(shorter).map_or(true, |found| found.len() < logs.len()));
        }

        #[test]
        fn random_bytes_are_logs_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Logs::from_bytes(&bytes);
            let _ = Logs::from_bytes(&[&[RECORD_VERSION], bytes.as_slice()].concat());
        }
    }
}
