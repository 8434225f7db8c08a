//! How a Solidly pool is kept in records: its terms, one record for the reserves, one for what only the node tells.

use crate::error::RecordError;
use crate::patch::{Reader, RECORD_VERSION};
use crate::uniswap_v2::Fee;

use super::{Reading, Rules, Solidly};

/// Key of the reserves.
pub(super) const RESERVES: &[u8] = &[1];
/// Key of what only the node tells.
pub(super) const READING: &[u8] = &[2];

pub(super) fn encode_terms(pool: &Solidly) -> Vec<u8> {
    vec![RECORD_VERSION, u8::from(pool.rules == Rules::Velodrome), u8::from(pool.is_stable)]
}

pub(super) fn decode_terms(bytes: &[u8]) -> Result<Solidly, RecordError> {
    let mut reader = Reader::versioned(b"terms", bytes)?;
    let [rules, is_stable] = reader.array("rules and a flag")?;
    reader.finish()?;
    let rules = match rules {
        0 => Rules::Solidly,
        1 => Rules::Velodrome,
        _ => return Err(reader.refused("known rules")),
    };
    Ok(Solidly::new(rules, is_stable != 0))
}

pub(super) fn encode_state(pool: &Solidly, write: &mut dyn FnMut(&[u8], Vec<u8>)) {
    for part in [RESERVES, READING] {
        if let Some(bytes) = encode_part(pool, part) {
            write(part, bytes);
        }
    }
}

pub(super) fn encode_part(pool: &Solidly, part: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = vec![RECORD_VERSION];
    if part == RESERVES {
        bytes.extend_from_slice(&pool.reserve0.to_le_bytes());
        bytes.extend_from_slice(&pool.reserve1.to_le_bytes());
        return Some(bytes);
    }
    let reading = pool.reading.filter(|_| part == READING)?;
    let ((kept, whole), (decimals0, decimals1)) = (reading.fee.parts(), reading.decimals());
    for number in [kept, whole, decimals0, decimals1] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    Some(bytes)
}

pub(super) fn decode_part(
    pool: &mut Solidly,
    part: &[u8],
    bytes: Option<&[u8]>,
) -> Result<(), RecordError> {
    let Some(bytes) = bytes else { return clear_part(pool, part) };
    let mut reader = Reader::versioned(part, bytes)?;
    if part == RESERVES {
        let reserve0 = u128::from_le_bytes(reader.array("a reserve")?);
        let reserve1 = u128::from_le_bytes(reader.array("a reserve")?);
        reader.finish()?;
        pool.set_reserves(reserve0, reserve1);
        return Ok(());
    }
    if part != READING {
        return Err(reader.refused("the key of reserves or of a fee"));
    }
    let fee = Fee::new(reader.u32("a fee")?, reader.u32("a fee")?);
    let decimals = (reader.u32("decimals")?, reader.u32("decimals")?);
    reader.finish()?;
    let reading = fee.and_then(|fee| Reading::new(fee, decimals.0, decimals.1));
    pool.reading = Some(reading.map_err(|_| reader.refused("a fee below one and decimals"))?);
    Ok(())
}

fn clear_part(pool: &mut Solidly, part: &[u8]) -> Result<(), RecordError> {
    if part == RESERVES {
        pool.set_reserves(0, 0);
    } else if part == READING {
        pool.reading = None;
    } else {
        let expected = "the key of reserves or of a fee";
        return Err(RecordError::Layout { expected, found: part.len(), key: part.to_vec() });
    }
    Ok(())
}
