//! A block's header as a node spells it, to a `Head`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use tidemill_pools::{Hash, Head};
use tidemill_proof::{Header, LaterFields};

use crate::hex::Hex;
use crate::FrameError;

/// The last whole second of 63 bits of nanoseconds.
const TIMESTAMP_S_MAX: u64 = i64::MAX.unsigned_abs() / 1_000_000_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[serde(bound(deserialize = "'de: 'a"), expecting = "a block")]
struct RawHead<'a> {
    number: Option<Hex<'a>>,
    hash: Option<Hex<'a>>,
    parent_hash: Option<Hex<'a>>,
    timestamp: Option<Hex<'a>>,
    base_fee_per_gas: Option<Hex<'a>>,
    gas_used: Option<Hex<'a>>,
    gas_limit: Option<Hex<'a>>,
    receipts_root: Option<Hex<'a>>,
    logs_bloom: Option<Hex<'a>>,
    // What follows serves the hash alone: a chain that spells it in its own way has no proof, and is followed.
    sha3_uncles: Option<&'a RawValue>,
    miner: Option<&'a RawValue>,
    state_root: Option<&'a RawValue>,
    transactions_root: Option<&'a RawValue>,
    difficulty: Option<&'a RawValue>,
    extra_data: Option<&'a RawValue>,
    mix_hash: Option<&'a RawValue>,
    nonce: Option<&'a RawValue>,
    withdrawals_root: Option<&'a RawValue>,
    blob_gas_used: Option<&'a RawValue>,
    excess_blob_gas: Option<&'a RawValue>,
    parent_beacon_block_root: Option<&'a RawValue>,
    requests_hash: Option<&'a RawValue>,
}

/// Reads the answer to `eth_getBlockByNumber` or `eth_getBlockByHash`; a null answer, no such block, gives none.
///
/// # Errors
/// `Malformed` where the answer is neither null nor a block that has a place in the chain.
pub fn parse_head(result: &[u8]) -> Result<Option<Head>, FrameError> {
    let raw: Option<RawHead<'_>> = serde_json::from_slice(result)
        .map_err(|error| FrameError::json("block", "null or a block", &error, result))?;
    raw.map(|raw| raw.head()).transpose()
}

impl RawHead<'_> {
    fn head(&self) -> Result<Head, FrameError> {
        let bloom = self.logs_bloom.map(|bloom| bloom.bytes("block logsBloom")).transpose()?;
        let mut head = Head {
            number: needed(self.number, "number")?.count64("block number")?,
            hash: needed(self.hash, "hash")?.bytes("block hash")?,
            parent_hash: needed(self.parent_hash, "parentHash")?.bytes("block parentHash")?,
            timestamp_s: timestamp_s(needed(self.timestamp, "timestamp")?)?,
            base_fee_wei: self.base_fee_per_gas.map(|fee| fee.uint256("block baseFeePerGas")).transpose()?,
            gas_used: needed(self.gas_used, "gasUsed")?.count64("block gasUsed")?,
            gas_limit: needed(self.gas_limit, "gasLimit")?.count64("block gasLimit")?,
            receipts_root: self.receipts_root.map(|root| root.bytes("block receiptsRoot")).transpose()?,
            logs_bloom: bloom.map(Arc::new),
            is_hash_proven: false,
        };
        head.is_hash_proven = self.hash_of(&head) == Some(head.hash);
        Ok(head)
    }

    /// Returns the hash that the fields make up; absent where the standard's are not all here.
    fn hash_of(&self, head: &Head) -> Option<Hash> {
        let mut extra_data = Vec::new();
        read_bytes(text(self.extra_data?)?, &mut extra_data)?;
        let header = Header {
            parent_hash: head.parent_hash,
            uncles_hash: fixed(self.sha3_uncles?)?,
            miner: fixed(self.miner?)?,
            state_root: fixed(self.state_root?)?,
            transactions_root: fixed(self.transactions_root?)?,
            receipts_root: head.receipts_root?,
            logs_bloom: head.logs_bloom.as_deref()?,
            difficulty: text(self.difficulty?)?.uint256("").ok()?,
            number: head.number,
            gas_limit: head.gas_limit,
            gas_used: head.gas_used,
            timestamp_s: head.timestamp_s,
            extra_data: &extra_data,
            mix_hash: fixed(self.mix_hash?)?,
            nonce: fixed(self.nonce?)?,
            later: self.later(head),
        };
        Some(header.hash())
    }

    /// Returns what forks added; a field that cannot be read is as one that is missing: the hash is another.
    fn later(&self, head: &Head) -> LaterFields {
        LaterFields {
            base_fee_wei: head.base_fee_wei,
            withdrawals_root: self.withdrawals_root.and_then(fixed),
            blob_gas_used: self.blob_gas_used.and_then(count),
            excess_blob_gas: self.excess_blob_gas.and_then(count),
            parent_beacon_block_root: self.parent_beacon_block_root.and_then(fixed),
            requests_hash: self.requests_hash.and_then(fixed),
        }
    }
}

fn text(field: &RawValue) -> Option<Hex<'_>> {
    field.get().as_bytes().strip_prefix(b"\"")?.strip_suffix(b"\"").map(Hex)
}

fn fixed<const N: usize>(field: &RawValue) -> Option<[u8; N]> {
    text(field)?.bytes("").ok()
}

fn count(field: &RawValue) -> Option<u64> {
    text(field)?.count64("").ok()
}

fn read_bytes(text: Hex<'_>, bytes: &mut Vec<u8>) -> Option<()> {
    let digits = text.digits("").ok()?;
    bytes.resize(digits.len() / 2, 0);
    const_hex::decode_to_slice(digits, bytes).ok()
}

/// Reads a time that events can carry: in nanoseconds it must fit 63 bits.
fn timestamp_s(field: Hex<'_>) -> Result<u64, FrameError> {
    let time_s = field.count64("block timestamp")?;
    if time_s > TIMESTAMP_S_MAX {
        return Err(FrameError::new("block timestamp", "a time before the year 2262", field.0));
    }
    Ok(time_s)
}

fn needed<'a>(field: Option<Hex<'a>>, name: &str) -> Result<Hex<'a>, FrameError> {
    field.ok_or_else(|| FrameError::missing("block", name))
}

#[cfg(test)]
mod tests {
    use ruint::aliases::U256;

    use super::*;

    const HASH: &str = "0x96cfa0fb5e50b0a3f6cc76f3299cfbf48f17e8b41798d1394474e67ec8a97e9f";

    fn json(fee: &str) -> String {
        format!(
            r#"{{"number":"0x1036640","hash":"{HASH}","parentHash":"{HASH}","timestamp":"0x6430ae13","gasLimit":"0x1c9c380",
            "gasUsed":"0x8bc84a","transactions":["{HASH}"],"aNewField":{{"nested":[1,2.5,null]}}{fee}}}"#
        )
    }

    #[test]
    fn a_block_is_read_with_fields_we_do_not_know() {
        let head = parse_head(json(r#","baseFeePerGas":"0x4cad3abe1""#).as_bytes()).unwrap().unwrap();
        assert_eq!((head.number, head.timestamp_s, head.gas_used), (17_000_000, 1_680_911_891, 9_160_778));
        assert_eq!(head.base_fee_wei, Some(U256::from(20_582_738_913_u64)));
    }

    #[test]
    fn a_block_before_eip_1559_has_no_base_fee() {
        assert_eq!(parse_head(json("").as_bytes()).unwrap().unwrap().base_fee_wei, None);
    }

    #[test]
    fn a_time_that_events_cannot_carry_is_refused() {
        let last = json("").replace("0x6430ae13", &format!("{TIMESTAMP_S_MAX:#x}"));
        assert_eq!(parse_head(last.as_bytes()).unwrap().unwrap().timestamp_s, TIMESTAMP_S_MAX);
        let later = json("").replace("0x6430ae13", &format!("{:#x}", TIMESTAMP_S_MAX + 1));
        let error = parse_head(later.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("expected a time before the year 2262"), "{error}");
    }

    #[test]
    fn null_is_no_block_and_a_pending_block_is_refused() {
        assert_eq!(parse_head(b"null"), Ok(None));
        let pending = json("").replace(&format!(r#""hash":"{HASH}""#), r#""hash":null"#);
        let error = parse_head(pending.as_bytes()).unwrap_err().to_string();
        assert_eq!(error, "block: expected the field hash, found none");
    }

    #[test]
    fn fields_of_another_spelling_leave_the_head_unproven() {
        let odd = r#","sha3Uncles":7,"miner":{},"difficulty":"12","extraData":"0x1","nonce":null"#;
        let head = parse_head(json(odd).as_bytes()).unwrap().unwrap();
        assert!(!head.is_hash_proven);
        assert_eq!((head.receipts_root, head.logs_bloom), (None, None));
    }

    #[test]
    fn a_root_or_a_filter_that_cannot_be_read_is_refused() {
        let root = parse_head(json(r#","receiptsRoot":"0x12""#).as_bytes()).unwrap_err().to_string();
        assert_eq!(root, "block receiptsRoot: expected 0x and 64 hex digits, found \"0x12\"");
        let bloom = parse_head(json(r#","logsBloom":"0x00""#).as_bytes()).unwrap_err().to_string();
        assert_eq!(bloom, "block logsBloom: expected 0x and 512 hex digits, found \"0x00\"");
    }
}
