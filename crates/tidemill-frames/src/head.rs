//! A block's header as a node spells it, to a `Head`.

use serde::Deserialize;
use tidemill_pools::Head;

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
        Ok(Head {
            number: needed(self.number, "number")?.count64("block number")?,
            hash: needed(self.hash, "hash")?.bytes("block hash")?,
            parent_hash: needed(self.parent_hash, "parentHash")?.bytes("block parentHash")?,
            timestamp_s: timestamp_s(needed(self.timestamp, "timestamp")?)?,
            base_fee_wei: self.base_fee_per_gas.map(|fee| fee.uint256("block baseFeePerGas")).transpose()?,
            gas_used: needed(self.gas_used, "gasUsed")?.count64("block gasUsed")?,
            gas_limit: needed(self.gas_limit, "gasLimit")?.count64("block gasLimit")?,
        })
    }
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
}
