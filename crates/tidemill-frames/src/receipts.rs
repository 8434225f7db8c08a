//! The answer to `eth_getBlockReceipts` to what a proof needs, and to all logs of the block.

use serde::Deserialize;
use tidemill_pools::{Address, Hash, Log, Logs};
use tidemill_proof::{Deposit, Outcome, Receipt};

use crate::hex::Hex;
use crate::log::RawLog;
use crate::FrameError;

/// How many bytes of JSON a receipt and its logs take for each byte of the logs' data, about.
const JSON_PER_DATA_BYTES: usize = 8;
/// Above it a byte before a receipt would be read as the receipt itself.
const TYPE_MAX: u64 = 0x7f;
/// A deposit, on rollups of the OP stack.
const DEPOSIT: u8 = 0x7e;

/// A block's receipts and logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockReceipts {
    /// Number and hash of the block; absent where it has no receipts, and so does not say.
    pub block: Option<(u64, Hash)>,
    /// The receipts that the header's root covers, in the order of their transactions.
    pub receipts: Vec<Receipt>,
    /// All logs of the block in its order, those of receipts outside the root last.
    pub logs: Logs,
    /// How many receipts the header's root does not cover: Polygon's receipt of what the other chain sent.
    pub outside_root: usize,
}

/// One receipt's texts, borrowed from the answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[serde(bound(deserialize = "'de: 'a"), expecting = "a receipt")]
struct RawReceipt<'a> {
    #[serde(rename = "type")]
    tx_type: Option<Hex<'a>>,
    transaction_hash: Option<Hex<'a>>,
    transaction_index: Option<Hex<'a>>,
    block_hash: Option<Hex<'a>>,
    block_number: Option<Hex<'a>>,
    from: Option<Hex<'a>>,
    cumulative_gas_used: Option<Hex<'a>>,
    status: Option<Hex<'a>>,
    root: Option<Hex<'a>>,
    deposit_nonce: Option<Hex<'a>>,
    deposit_receipt_version: Option<Hex<'a>>,
    logs: Option<Vec<RawLog<'a>>>,
}

/// Where a receipt says it is.
#[derive(PartialEq, Eq)]
struct Place {
    block_number: u64,
    block_hash: Hash,
    tx_hash: Hash,
    tx_index: u32,
}

/// Reads the answer to `eth_getBlockReceipts`, in any order; a null answer, no such block, gives none.
///
/// A receipt's root covers neither where a log is nor of which transaction: so that is held against the receipts,
/// and a log's index against its place in the block.
///
/// # Errors
/// `Malformed` where the answer is neither null nor every receipt of one block once.
pub fn parse_receipts(result: &[u8]) -> Result<Option<BlockReceipts>, FrameError> {
    let raw: Option<Vec<RawReceipt<'_>>> = serde_json::from_slice(result)
        .map_err(|error| FrameError::json("receipts", "null or a list of receipts", &error, result))?;
    raw.map(|raw| block_receipts(raw, result.len())).transpose()
}

fn block_receipts(raw: Vec<RawReceipt<'_>>, json_bytes: usize) -> Result<BlockReceipts, FrameError> {
    let mut placed =
        raw.into_iter().map(|raw| Ok((raw.place()?, raw))).collect::<Result<Vec<_>, FrameError>>()?;
    placed.sort_by_key(|(place, _)| place.tx_index);
    let block = placed.first().map(|(place, _)| (place.block_number, place.block_hash));
    let log_count = placed.iter().map(|(_, raw)| raw.logs.as_ref().map_or(0, Vec::len)).sum();
    let mut read = BlockReceipts {
        block,
        receipts: Vec::with_capacity(placed.len()),
        logs: Logs::with_capacity(log_count, json_bytes / JSON_PER_DATA_BYTES),
        outside_root: 0,
    };
    let mut bytes = Vec::new();
    let count = placed.len();
    for ((expected, (place, raw)), rest) in (0_u32..).zip(&placed).zip((0..count).rev()) {
        if place.tx_index != expected {
            return Err(odd("receipts", format!("transaction {expected}"), &place.tx_index));
        }
        if Some((place.block_number, place.block_hash)) != block {
            return Err(odd("receipts", "receipts of one block".to_owned(), &"another block's"));
        }
        let receipt = raw.receipt()?;
        let is_outside_root = rest == 0 && raw.is_state_sync(&receipt)?;
        raw.push_logs(place, is_outside_root, &mut read.logs, &mut bytes)?;
        if is_outside_root {
            read.outside_root += 1;
        } else {
            read.receipts.push(receipt);
        }
    }
    Ok(read)
}

fn odd(place: &'static str, expected: String, found: &impl ToString) -> FrameError {
    FrameError::Malformed { place, expected, found: found.to_string() }
}

impl RawReceipt<'_> {
    fn place(&self) -> Result<Place, FrameError> {
        Ok(Place {
            block_number: needed(self.block_number, "blockNumber")?.count64("receipt blockNumber")?,
            block_hash: needed(self.block_hash, "blockHash")?.bytes("receipt blockHash")?,
            tx_hash: needed(self.transaction_hash, "transactionHash")?.bytes("receipt transactionHash")?,
            tx_index: needed(self.transaction_index, "transactionIndex")?
                .count32("receipt transactionIndex")?,
        })
    }

    fn receipt(&self) -> Result<Receipt, FrameError> {
        let tx_type = self.tx_type()?;
        let cumulative = needed(self.cumulative_gas_used, "cumulativeGasUsed")?;
        Ok(Receipt {
            tx_type,
            outcome: self.outcome()?,
            cumulative_gas_used: cumulative.count64("receipt cumulativeGasUsed")?,
            log_count: self.logs.as_ref().ok_or_else(|| FrameError::missing("receipt", "logs"))?.len(),
            deposit: if tx_type == DEPOSIT { self.deposit()? } else { None },
        })
    }

    /// Reads the type; a node that tells none is older than types.
    fn tx_type(&self) -> Result<u8, FrameError> {
        let Some(field) = self.tx_type else { return Ok(0) };
        let number = field.count64("receipt type")?;
        let byte = u8::try_from(number).ok().filter(|_| number <= TYPE_MAX);
        byte.ok_or_else(|| FrameError::new("receipt type", "a number up to 0x7f", field.0))
    }

    fn outcome(&self) -> Result<Outcome, FrameError> {
        // Some nodes spell the root that a later block's receipt does not have as no bytes.
        if let Some(root) = self.root.filter(|root| root.0 != b"0x") {
            return Ok(Outcome::StateRoot(root.bytes("receipt root")?));
        }
        let status = needed(self.status, "status")?;
        match status.count64("receipt status")? {
            0 => Ok(Outcome::Status(false)),
            1 => Ok(Outcome::Status(true)),
            _ => Err(FrameError::new("receipt status", "0x0 or 0x1", status.0)),
        }
    }

    /// Reads what the root covers of a deposit: nothing where it has no version, whatever nonce it tells.
    ///
    /// Source: ethereum-optimism/op-geth, core/types/receipt.go, `EncodeIndex`.
    fn deposit(&self) -> Result<Option<Deposit>, FrameError> {
        let Some(version) = self.deposit_receipt_version else { return Ok(None) };
        Ok(Some(Deposit {
            nonce: needed(self.deposit_nonce, "depositNonce")?.count64("receipt depositNonce")?,
            version: version.count64("receipt depositReceiptVersion")?,
        }))
    }

    /// Says whether the receipt, which is its block's last, is of Polygon's transaction that nobody sent.
    fn is_state_sync(&self, receipt: &Receipt) -> Result<bool, FrameError> {
        let Some(from) = self.from else { return Ok(false) };
        let from: Address = from.bytes("receipt from")?;
        Ok(receipt.tx_type == 0 && receipt.cumulative_gas_used == 0 && from == [0; 20])
    }

    fn push_logs(
        &self,
        place: &Place,
        may_skip: bool,
        logs: &mut Logs,
        bytes: &mut Vec<u8>,
    ) -> Result<(), FrameError> {
        for raw in self.logs.iter().flatten() {
            let before = logs.range(logs.len().saturating_sub(1), 1).next();
            let next = before.map_or(0, |log| u64::from(log.log_index) + 1);
            raw.push_into(logs, bytes)?;
            let Some(log) = logs.range(logs.len() - 1, 1).next() else { continue };
            if place_of(&log) != *place {
                let expected = format!("the place of the receipt of transaction {}", place.tx_index);
                return Err(odd("receipt logs", expected, &format!("log {} elsewhere", log.log_index)));
            }
            let index = u64::from(log.log_index);
            if index < next || index > next && !may_skip {
                return Err(odd("receipt logs", format!("log {next} of the block"), &index));
            }
        }
        Ok(())
    }
}

fn place_of(log: &Log<'_>) -> Place {
    Place {
        block_number: log.block_number,
        block_hash: *log.block_hash,
        tx_hash: *log.tx_hash,
        tx_index: log.tx_index,
    }
}

fn needed<'a>(field: Option<Hex<'a>>, name: &str) -> Result<Hex<'a>, FrameError> {
    field.ok_or_else(|| FrameError::missing("receipt", name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: &str = "0x96cfa0fb5e50b0a3f6cc76f3299cfbf48f17e8b41798d1394474e67ec8a97e9f";

    fn log(tx_index: u32, log_index: u32) -> String {
        format!(
            r#"{{"address":"0x8ad599c3a0ff1de082011efddc58f1908eb6e6d8","topics":["{BLOCK}"],"data":"0x01",
            "blockNumber":"0x10","blockHash":"{BLOCK}","transactionHash":"0x{tx_index:064x}",
            "transactionIndex":"{tx_index:#x}","logIndex":"{log_index:#x}"}}"#
        )
    }

    fn receipt(tx_index: u32, logs: &[String]) -> String {
        format!(
            r#"{{"transactionHash":"0x{tx_index:064x}","transactionIndex":"{tx_index:#x}","blockHash":"{BLOCK}",
            "blockNumber":"0x10","from":"0x8ad599c3a0ff1de082011efddc58f1908eb6e6d8","cumulativeGasUsed":"0x5208",
            "status":"0x1","type":"0x2","aNewField":{{"x":[1]}},"logs":[{}]}}"#,
            logs.join(",")
        )
    }

    fn read(receipts: &[String]) -> Result<BlockReceipts, String> {
        let answer = format!("[{}]", receipts.join(","));
        parse_receipts(answer.as_bytes()).map(Option::unwrap_or_default).map_err(|error| error.to_string())
    }

    impl Default for BlockReceipts {
        fn default() -> Self {
            Self { block: None, receipts: Vec::new(), logs: Logs::new(), outside_root: 0 }
        }
    }

    #[test]
    fn receipts_in_any_order_give_the_block_s_logs_in_order() {
        let first = receipt(0, &[log(0, 0), log(0, 1)]);
        let third = receipt(2, &[log(2, 2)]);
        let block = read(&[third, receipt(1, &[]), first]).unwrap();
        assert_eq!(block.receipts.iter().map(|one| one.log_count).collect::<Vec<_>>(), [2, 0, 1]);
        assert_eq!(block.logs.iter().map(|log| log.log_index).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(block.block.unwrap().0, 16);
    }

    #[test]
    fn null_is_no_block_and_a_block_may_be_empty() {
        assert_eq!(parse_receipts(b" null "), Ok(None));
        assert_eq!(read(&[]).unwrap(), BlockReceipts::default());
    }

    #[test]
    fn a_receipt_that_is_missing_or_comes_twice_is_refused() {
        let hole = read(&[receipt(0, &[]), receipt(2, &[])]).unwrap_err();
        assert_eq!(hole, "receipts: expected transaction 1, found 2");
        let twice = read(&[receipt(0, &[]), receipt(0, &[])]).unwrap_err();
        assert_eq!(twice, "receipts: expected transaction 1, found 0");
        assert!(read(&[receipt(1, &[])]).is_err());
        let other = receipt(1, &[]).replace(r#""0x10""#, r#""0x11""#);
        let mixed = read(&[receipt(0, &[]), other]).unwrap_err();
        assert_eq!(mixed, "receipts: expected receipts of one block, found another block's");
    }

    #[test]
    fn a_log_out_of_place_is_refused() {
        let late = read(&[receipt(0, &[log(0, 1)])]).unwrap_err();
        assert_eq!(late, "receipt logs: expected log 0 of the block, found 1");
        let twice = read(&[receipt(0, &[log(0, 0), log(0, 0)])]).unwrap_err();
        assert_eq!(twice, "receipt logs: expected log 1 of the block, found 0");
        let elsewhere = read(&[receipt(0, &[log(1, 0)])]).unwrap_err();
        assert!(elsewhere.contains("the place of the receipt of transaction 0, found log 0"), "{elsewhere}");
    }

    #[test]
    fn a_root_stands_where_a_status_came_later() {
        let root = format!(r#""root":"{BLOCK}","status":"0x1""#);
        let old = read(&[receipt(0, &[]).replace(r#""status":"0x1""#, &root)]).unwrap();
        assert!(matches!(old.receipts[0].outcome, Outcome::StateRoot(_)));
        for none in [r#""root":"0x","status":"0x0""#, r#""root":null,"status":"0x0""#] {
            let later = read(&[receipt(0, &[]).replace(r#""status":"0x1""#, none)]).unwrap();
            assert_eq!(later.receipts[0].outcome, Outcome::Status(false));
        }
    }

    #[test]
    fn a_deposit_s_nonce_counts_only_beside_a_version() {
        let deposit = |more: &str| {
            let text = receipt(0, &[]).replace(r#""type":"0x2""#, &format!(r#""type":"0x7e"{more}"#));
            read(&[text]).map(|block| block.receipts[0].deposit)
        };
        assert_eq!(deposit(""), Ok(None));
        assert_eq!(deposit(r#","depositNonce":"0x7""#), Ok(None));
        let canyon = deposit(r#","depositNonce":"0x7","depositReceiptVersion":"0x1""#);
        assert_eq!(canyon, Ok(Some(Deposit { nonce: 7, version: 1 })));
        let error = deposit(r#","depositReceiptVersion":"0x1""#).unwrap_err();
        assert_eq!(error, "receipt: expected the field depositNonce, found none");
    }

    #[test]
    fn only_the_last_receipt_of_nobody_is_outside_the_root() {
        let nobody = |tx_index| {
            receipt(tx_index, &[])
                .replace(
                    "0x8ad599c3a0ff1de082011efddc58f1908eb6e6d8",
                    "0x0000000000000000000000000000000000000000",
                )
                .replace("0x5208", "0x0")
                .replace(r#""type":"0x2""#, r#""type":"0x0""#)
        };
        let last = read(&[receipt(0, &[]), nobody(1)]).unwrap();
        assert_eq!((last.receipts.len(), last.outside_root), (1, 1));
        let first = read(&[nobody(0), receipt(1, &[])]).unwrap();
        assert_eq!((first.receipts.len(), first.outside_root), (2, 0));
    }

    #[test]
    fn what_is_wrong_with_a_receipt_is_named() {
        let cases = [
            (r#""status":"0x1""#, r#""status":"0x2""#, "receipt status: expected 0x0 or 0x1, found \"0x2\""),
            (r#""status":"0x1""#, r#""status":null"#, "receipt: expected the field status, found none"),
            (
                r#""type":"0x2""#,
                r#""type":"0x80""#,
                "receipt type: expected a number up to 0x7f, found \"0x80\"",
            ),
            (r#""logs":[]"#, r#""logs":null"#, "receipt: expected the field logs, found none"),
            ("0x5208", "5208", "receipt cumulativeGasUsed: expected hex that begins with 0x, found \"5208\""),
        ];
        for (right, wrong, message) in cases {
            assert_eq!(read(&[receipt(0, &[]).replace(right, wrong)]).unwrap_err(), message);
        }
        for answer in ["{}", "[1]", "", "[] x", r#""0x""#] {
            let error = parse_receipts(answer.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("receipts: expected null or a list of receipts, found "), "{error}");
        }
    }
}
