//! How a V3 pool is kept in records: its terms, one record for the slot, one for each initialised tick.

use ruint::aliases::U256;

use crate::error::RecordError;
use crate::patch::{Reader, RECORD_VERSION};

use super::ticks::TickLiquidity;
use super::UniswapV3;

/// Key of the slot: price, tick, liquidity in range, and whether all ticks are known.
pub(super) const SLOT: &[u8] = &[1];

const TICK: u8 = 2;

/// Returns the key of a tick; the keys' order is the ticks'.
pub(super) fn tick_part(tick: i32) -> [u8; 5] {
    let [b0, b1, b2, b3] = (tick.cast_unsigned() ^ 1 << 31).to_be_bytes();
    [TICK, b0, b1, b2, b3]
}

fn tick_of(part: &[u8]) -> Option<i32> {
    match part {
        [TICK, b0, b1, b2, b3] => {
            Some((u32::from_be_bytes([*b0, *b1, *b2, *b3]) ^ 1 << 31).cast_signed())
        }
        _ => None,
    }
}

fn encode_slot(pool: &UniswapV3) -> Vec<u8> {
    let mut bytes = vec![RECORD_VERSION];
    bytes.extend_from_slice(&pool.sqrt_price_x96.to_le_bytes::<32>());
    bytes.extend_from_slice(&pool.tick.to_le_bytes());
    bytes.extend_from_slice(&pool.liquidity.to_le_bytes());
    bytes.push(pool.is_complete.into());
    bytes
}

fn encode_tick(liquidity: TickLiquidity) -> Option<Vec<u8>> {
    let (gross, net) = liquidity?;
    let mut bytes = vec![RECORD_VERSION];
    bytes.extend_from_slice(&gross.to_le_bytes());
    bytes.extend_from_slice(&net.to_le_bytes());
    Some(bytes)
}

pub(super) fn encode_terms(pool: &UniswapV3) -> Vec<u8> {
    let mut bytes = vec![RECORD_VERSION];
    bytes.extend_from_slice(&pool.fee.ppm().to_le_bytes());
    bytes.extend_from_slice(&pool.tick_spacing.to_le_bytes());
    bytes
}

pub(super) fn decode_terms(bytes: &[u8]) -> Result<UniswapV3, RecordError> {
    let mut reader = Reader::versioned(b"terms", bytes)?;
    let fee_ppm = reader.u32("a fee")?;
    let tick_spacing = i32::from_le_bytes(reader.array("a tick spacing")?);
    reader.finish()?;
    UniswapV3::new(fee_ppm, tick_spacing).map_err(|_| reader.refused("a fee and a tick spacing in range"))
}

pub(super) fn encode_state(pool: &UniswapV3, write: &mut dyn FnMut(&[u8], Vec<u8>)) {
    write(SLOT, encode_slot(pool));
    for (tick, value) in pool.ticks.iter() {
        if let Some(bytes) = encode_tick(Some((value.liquidity_gross, value.liquidity_net))) {
            write(&tick_part(tick), bytes);
        }
    }
}

pub(super) fn encode_part(pool: &UniswapV3, part: &[u8]) -> Option<Vec<u8>> {
    if part == SLOT {
        return Some(encode_slot(pool));
    }
    encode_tick(pool.ticks.get(tick_of(part)?))
}

pub(super) fn decode_part(
    pool: &mut UniswapV3,
    part: &[u8],
    bytes: Option<&[u8]>,
) -> Result<(), RecordError> {
    if part == SLOT {
        return decode_slot(pool, part, bytes);
    }
    let layout = RecordError::Layout { expected: "a slot or a tick", found: part.len(), key: part.to_vec() };
    let tick = tick_of(part).ok_or_else(|| layout.clone())?;
    let liquidity = bytes.map(|bytes| decode_tick(part, bytes)).transpose()?;
    pool.set_tick(tick, liquidity).map_err(|_| layout)
}

fn decode_tick(part: &[u8], bytes: &[u8]) -> Result<(u128, i128), RecordError> {
    let mut reader = Reader::versioned(part, bytes)?;
    let gross = u128::from_le_bytes(reader.array("gross liquidity")?);
    let net = i128::from_le_bytes(reader.array("net liquidity")?);
    reader.finish()?;
    Ok((gross, net))
}

fn decode_slot(pool: &mut UniswapV3, part: &[u8], bytes: Option<&[u8]>) -> Result<(), RecordError> {
    let Some(bytes) = bytes else {
        pool.set_slot(U256::ZERO, 0, 0);
        pool.set_complete(true);
        return Ok(());
    };
    let mut reader = Reader::versioned(part, bytes)?;
    let sqrt_price_x96 = U256::from_le_bytes(reader.array::<32>("a price")?);
    let tick = i32::from_le_bytes(reader.array("a tick")?);
    let liquidity = u128::from_le_bytes(reader.array("liquidity")?);
    let [is_complete] = reader.array::<1>("a flag")?;
    reader.finish()?;
    if sqrt_price_x96.bit_len() > 160 {
        return Err(reader.refused("a price of at most 160 bits"));
    }
    pool.set_slot(sqrt_price_x96, tick, liquidity);
    pool.set_complete(is_complete != 0);
    Ok(())
}
