//! Logs in the chain's order: which blocks they are of, and many lists of them made one.

use tidemill_pools::{Hash, Log, Logs};

use crate::FrameError;

/// The logs of one block among others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockLogs {
    /// Height of the block.
    pub number: u64,
    /// Hash of the block.
    pub hash: Hash,
    /// Place of its first log.
    pub start: usize,
    /// How many logs it has.
    pub count: usize,
}

fn place(log: &Log<'_>) -> (u64, Hash, u32) {
    (log.block_number, *log.block_hash, log.log_index)
}

/// Returns the blocks that `logs`, which are in the chain's order, are of.
pub fn blocks(logs: &Logs) -> Vec<BlockLogs> {
    let mut blocks: Vec<BlockLogs> = Vec::new();
    for (start, log) in logs.iter().enumerate() {
        match blocks.last_mut() {
            Some(block) if block.hash == *log.block_hash => block.count += 1,
            _ => blocks.push(BlockLogs { number: log.block_number, hash: *log.block_hash, start, count: 1 }),
        }
    }
    blocks
}

/// Checks that no two of `logs`, which are in the chain's order, have one place.
///
/// # Errors
/// `Malformed` naming the first place that comes twice.
pub fn reject_duplicates(logs: &Logs) -> Result<(), FrameError> {
    let pairs = logs.iter().zip(logs.iter().skip(1));
    match pairs.map(|(before, after)| (place(&before), place(&after))).find(|(before, after)| before == after)
    {
        None => Ok(()),
        Some(((block_number, _, log_index), _)) => Err(FrameError::Malformed {
            place: "logs",
            expected: "each log once".to_owned(),
            found: format!("log {log_index} of block {block_number} twice"),
        }),
    }
}

/// Returns `logs` in the chain's order, each that came as an exact copy of another once.
pub fn merge<'a>(logs: impl Iterator<Item = Log<'a>>) -> Logs {
    let mut all = Logs::new();
    all.extend(logs);
    all.sort();
    let is_copy = |(before, after): (Log<'_>, Log<'_>)| before == after;
    if !all.iter().zip(all.iter().skip(1)).any(is_copy) {
        return all;
    }
    let mut merged = Logs::new();
    let mut last = None;
    for log in all.iter() {
        if last != Some(log) {
            merged.push(&log);
        }
        last = Some(log);
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(block: u8, log_index: u32, data: &[u8]) -> Log<'_> {
        Log {
            address: &[1; 20],
            topics: &[],
            data,
            block_number: u64::from(block / 2),
            block_hash: match block {
                1 => &[1; 32],
                2 => &[2; 32],
                _ => &[3; 32],
            },
            tx_hash: &[3; 32],
            tx_index: 4,
            log_index,
        }
    }

    #[test]
    fn two_blocks_of_one_number_stay_apart() {
        let logs = merge(
            [log(3, 0, b""), log(2, 5, b""), log(3, 7, b""), log(2, 1, b""), log(1, 9, b"")].into_iter(),
        );
        let found: Vec<_> = blocks(&logs)
            .iter()
            .map(|block| (block.number, block.hash[0], block.start, block.count))
            .collect();
        assert_eq!(found, [(0, 1, 0, 1), (1, 2, 1, 2), (1, 3, 3, 2)]);
        assert_eq!(logs.range(1, 2).map(|log| log.log_index).collect::<Vec<_>>(), [1, 5]);
    }

    #[test]
    fn a_copy_is_merged_and_a_contradiction_is_refused() {
        let copied = merge([log(2, 1, b"a"), log(2, 2, b"b"), log(2, 1, b"a")].into_iter());
        assert_eq!(copied.len(), 2);
        assert_eq!(reject_duplicates(&copied), Ok(()));
        let contradicted = merge([log(2, 1, b"a"), log(2, 1, b"b")].into_iter());
        assert_eq!(contradicted.len(), 2);
        assert!(reject_duplicates(&contradicted).is_err());
    }
}
