//! A block's receipts to what its header says of them: their root and their logs' filter.

use tidemill_pools::{Hash, Log, Logs};

use crate::bloom::{unite, Bloom, LogBits};
use crate::rlp::{list_len, number_len, string_len, write_list, write_number, write_string};
use crate::trie::ordered_root;

/// What a transaction came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Whether it succeeded.
    Status(bool),
    /// The state's root after it: before Byzantium.
    StateRoot(Hash),
}

/// What a deposit's receipt says beside the rest, on rollups of the OP stack.
///
/// It is part of the root from Canyon on, which is where receipts have a version; before it a node may tell a
/// nonce that no root covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deposit {
    /// The depositor's nonce.
    pub nonce: u64,
    /// The receipt's version.
    pub version: u64,
}

/// One receipt, as far as its block's root covers it; its logs are kept with those of the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The transaction's type: 0 is legacy.
    pub tx_type: u8,
    /// What the transaction came to.
    pub outcome: Outcome,
    /// Gas that the block's transactions used, to this one's end.
    pub cumulative_gas_used: u64,
    /// How many logs it has.
    pub log_count: usize,
    /// What it says as a deposit whose root covers it.
    pub deposit: Option<Deposit>,
}

/// What a header should say if the receipts are the block's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Root of the receipts.
    pub root: Hash,
    /// Filter of their logs.
    pub bloom: Bloom,
}

/// Returns root and filter of `receipts`; `logs` has theirs first, one receipt's after another's.
pub fn prove(receipts: &[Receipt], logs: &Logs) -> Proof {
    let mut bits = LogBits::of(logs);
    let mut all = [0; 256];
    let mut bytes = Vec::new();
    let mut ends = Vec::with_capacity(receipts.len());
    let mut first_log = 0;
    for receipt in receipts {
        let logs = logs.range(first_log, receipt.log_count);
        first_log += receipt.log_count;
        let mut bloom = [0; 256];
        bits.next(receipt.log_count, &mut bloom);
        unite(&mut all, &bloom);
        receipt.write_into(&mut bytes, &bloom, logs);
        ends.push(bytes.len());
    }
    let starts = std::iter::once(&0).chain(&ends);
    let spelt: Vec<&[u8]> =
        starts.zip(&ends).map(|(start, end)| bytes.get(*start..*end).unwrap_or_default()).collect();
    Proof { root: ordered_root(&spelt), bloom: all }
}

impl Receipt {
    /// Writes the receipt as the trie has it.
    fn write_into<'a>(&self, out: &mut Vec<u8>, bloom: &Bloom, logs: impl Iterator<Item = Log<'a>> + Clone) {
        let status = |is_success: bool| if is_success { &[1_u8][..] } else { &[] };
        let outcome = match &self.outcome {
            Outcome::Status(is_success) => status(*is_success),
            Outcome::StateRoot(root) => root,
        };
        let logs_payload: usize = logs.clone().map(|log| list_len(log_payload(&log))).sum();
        let deposit = self.deposit.map(|deposit| [deposit.nonce, deposit.version]);
        let deposit = deposit.as_ref().map_or(&[][..], |numbers| numbers);
        let payload = string_len(outcome)
            + number_len(self.cumulative_gas_used)
            + string_len(bloom)
            + list_len(logs_payload)
            + deposit.iter().copied().map(number_len).sum::<usize>();
        if self.tx_type != 0 {
            out.push(self.tx_type);
        }
        write_list(out, payload);
        write_string(out, outcome);
        write_number(out, self.cumulative_gas_used);
        write_string(out, bloom);
        write_list(out, logs_payload);
        for log in logs {
            write_log(out, &log);
        }
        for number in deposit {
            write_number(out, *number);
        }
    }
}

/// Returns how many bytes the topics take together: each is 32, and one that says so.
fn topics_payload(log: &Log<'_>) -> usize {
    33 * log.topics.len()
}

fn log_payload(log: &Log<'_>) -> usize {
    string_len(log.address) + list_len(topics_payload(log)) + string_len(log.data)
}

fn write_log(out: &mut Vec<u8>, log: &Log<'_>) {
    write_list(out, log_payload(log));
    write_string(out, log.address);
    write_list(out, topics_payload(log));
    for topic in log.topics {
        write_string(out, topic);
    }
    write_string(out, log.data);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RECEIPT: Receipt = Receipt {
        tx_type: 2,
        outcome: Outcome::Status(true),
        cumulative_gas_used: 21_000,
        log_count: 1,
        deposit: None,
    };

    fn logs(each: &[(u8, usize, Vec<u8>)]) -> Logs {
        let mut logs = Logs::new();
        for (log_index, (byte, topics, data)) in (0..).zip(each) {
            logs.push(&Log {
                address: &[*byte; 20],
                topics: &vec![[*byte; 32]; *topics],
                data,
                block_number: 1,
                block_hash: &[9; 32],
                tx_hash: &[8; 32],
                tx_index: 0,
                log_index,
            });
        }
        logs
    }

    fn spelt(receipt: &Receipt) -> Vec<u8> {
        let mut out = Vec::new();
        receipt.write_into(&mut out, &[0; 256], Logs::new().iter());
        out
    }

    #[test]
    fn a_receipt_without_logs_is_spelt_field_by_field() {
        let legacy = spelt(&Receipt { tx_type: 0, ..RECEIPT });
        // 1 for the status, 3 for the gas, 259 for the filter, 1 for no logs.
        assert_eq!(legacy[..7], [0xf9, 0x01, 0x08, 0x01, 0x82, 0x52, 0x08]);
        assert_eq!(legacy.len(), 3 + 0x108);
        assert_eq!(spelt(&RECEIPT), [&[2], &legacy[..]].concat());
        let failed = spelt(&Receipt { outcome: Outcome::Status(false), ..RECEIPT });
        assert_eq!(failed[4], 0x80);
        let byzantium = spelt(&Receipt { outcome: Outcome::StateRoot([7; 32]), ..RECEIPT });
        assert_eq!(byzantium[4..6], [0xa0, 7]);
    }

    #[test]
    fn a_deposit_appends_its_nonce_and_version() {
        let deposit = Some(Deposit { nonce: 4_012_991, version: 1 });
        let with = spelt(&Receipt { tx_type: 0x7e, deposit, ..RECEIPT });
        assert_eq!(with[with.len() - 5..], [0x83, 0x3d, 0x3b, 0xbf, 0x01]);
    }

    proptest! {
        #[test]
        fn any_change_of_what_the_root_covers_changes_it(
            each in prop::collection::vec((any::<u8>(), 0..5_usize, prop::collection::vec(any::<u8>(), 0..99)), 1..20),
            at in any::<prop::sample::Index>(),
            bit in 0..8_u32,
        ) {
            let receipts = vec![RECEIPT; each.len()];
            let at = at.index(each.len());
            let whole = prove(&receipts, &logs(&each)).root;
            let mut changes = vec![each.clone(); 4];
            changes[0][at].0 ^= 1 << bit;
            changes[1][at].2.push(0);
            changes[2][at].1 = (each[at].1 + 1) % 5;
            if let Some(byte) = changes[3][at].2.last_mut() { *byte ^= 1 << bit } else { changes[3][at].0 ^= 1 }
            for changed in &changes {
                prop_assert_ne!(prove(&receipts, &logs(changed)).root, whole);
            }
            let mut fewer = each.clone();
            fewer.remove(at);
            prop_assert_ne!(prove(&receipts[1..], &logs(&fewer)).root, whole);
            let mut without_log = receipts.clone();
            without_log[at].log_count = 0;
            prop_assert_ne!(prove(&without_log, &logs(&fewer)).root, whole);
            let mut costlier = receipts.clone();
            costlier[at].cumulative_gas_used ^= 1 << bit;
            prop_assert_ne!(prove(&costlier, &logs(&each)).root, whole);
            let mut failed = receipts.clone();
            failed[at].outcome = Outcome::Status(false);
            prop_assert_ne!(prove(&failed, &logs(&each)).root, whole);
        }
    }
}
