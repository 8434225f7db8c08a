//! Rows of arbitrage transactions.

use arrow_array::{RecordBatch, StringArray};

use super::arrow::{Columns, Found};
use super::chain::finite;
use super::{key, place, Key, Rows};

const GWEI: f64 = 1e9;
const WEI: f64 = 1e18;

/// Returns rows of arbitrages, by `entry_pool`, `exit_pool`, `pools`, `account` and `token`.
pub fn arbitrages(batch: &RecordBatch) -> Found<Rows> {
    let columns = Columns(batch);
    let (blocks, txs) = (columns.wide("block_number")?, columns.narrow("tx_index")?);
    let pools = columns.text("pools")?;
    let keys = vec![
        ("entry_pool", pools.iter().map(|all| all.map_or(0, |all| pool(all.split(',').next()))).collect()),
        ("exit_pool", pools.iter().map(|all| all.map_or(0, |all| pool(all.rsplit(',').next()))).collect()),
        ("pools", names(pools)),
        ("account", names(columns.text("account")?)),
        ("token", names(columns.text("token")?)),
    ];
    Ok(Rows {
        source: "arbitrage",
        place: blocks.iter().zip(txs).map(|(block, tx)| place(*block, Some(*tx))).collect(),
        time_ns: columns.times("event_ns")?,
        keys,
        measures: measures(&columns, batch.num_rows())?,
    })
}

fn measures(columns: &Columns<'_>, rows: usize) -> Found<Vec<(&'static str, Vec<f64>)>> {
    let scaled = |values: Vec<f64>, by: f64| -> Vec<f64> { values.iter().map(|value| value / by).collect() };
    let gas_used = columns.counts("gas_used")?;
    let priority_fee_gwei = scaled(columns.amounts("priority_fee_wei")?, GWEI);
    let profit_native = scaled(columns.signed_amounts("profit_native_wei")?, WEI);
    let tips = scaled(columns.amounts("tip_wei")?, WEI);
    let bids = tips.iter().zip(&priority_fee_gwei).zip(&gas_used);
    let bid: Vec<f64> = bids.map(|((tip, fee), gas)| tip + fee * gas * (GWEI / WEI)).collect();
    let shares = bid.iter().zip(&profit_native);
    let bid_share = shares.map(|(bid, profit)| if *profit > 0.0 { bid / profit } else { f64::NAN }).collect();
    let bid_of_profit = bid.clone();
    let flags = |name: &str, is: fn(&str) -> f64| -> Found<Vec<f64>> {
        Ok(columns.text(name)?.iter().map(|text| text.map_or(f64::NAN, is)).collect())
    };
    Ok(vec![
        ("one", vec![1.0; rows]),
        ("tx_index", columns.narrow("tx_index")?.iter().map(|index| f64::from(*index)).collect()),
        ("is_pair", flags("tokens", |tokens| f64::from(u8::from(is_pair(tokens))))?),
        ("is_failed", flags("kind", |kind| f64::from(u8::from(kind == "failed_arbitrage")))?),
        ("sandwich", flags("sandwich_role", |role| if role == "victim" { f64::NAN } else { 1.0 })?),
        ("amount_in", columns.amounts("amount_in")?.into_iter().map(finite).collect()),
        ("profit", columns.signed_amounts("profit")?),
        ("profit_native", profit_native),
        ("gas_price_gwei", scaled(columns.amounts("gas_price_wei")?, GWEI)),
        ("base_fee_gwei", scaled(columns.amounts("base_fee_wei")?, GWEI)),
        ("priority_fee_gwei", priority_fee_gwei),
        ("gas_used", gas_used),
        ("bid", bid_of_profit),
        ("bid_share", bid_share),
        ("confidence", columns.floats("confidence")?),
    ])
}

fn names(column: &StringArray) -> Vec<Key> {
    column.iter().map(|name| name.map_or(0, |name| key(name.as_bytes()))).collect()
}

/// Returns the key of a pool: of the address that its `0x…` spells, as the chain's own events have it, or of its name.
///
/// Of an id of 32 bytes the first 20 are the address: Balancer V2's, and what stands for one of Uniswap V4's.
fn pool(name: Option<&str>) -> Key {
    let Some(name) = name.filter(|name| !name.is_empty()) else { return 0 };
    let mut address = [0; 20];
    match name.strip_prefix("0x") {
        Some(digits) if matches!(digits.len(), 40 | 64) && decoded(digits, &mut address) => key(&address),
        _ => key(name.as_bytes()),
    }
}

fn decoded(digits: &str, into: &mut [u8; 20]) -> bool {
    let digits = digits.as_bytes();
    let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    digits.len() >= 2 * into.len()
        && into.iter_mut().zip(digits.chunks_exact(2)).all(|(byte, pair)| match pair {
            [high, low] => match (nibble(*high), nibble(*low)) {
                (Some(high), Some(low)) => {
                    *byte = (high << 4) | low;
                    true
                }
                _ => false,
            },
            _ => false,
        })
}

/// Says whether a circle has two tokens.
fn is_pair(tokens: &str) -> bool {
    let mut others = tokens.split(',');
    let first = others.next();
    let mut second = None;
    others.filter(|token| Some(*token) != first).all(|token| *second.get_or_insert(token) == token)
        && second.is_some()
}

#[cfg(test)]
mod tests {
    use super::{is_pair, key, pool};

    #[test]
    fn a_pair_has_two_tokens_in_any_order() {
        assert!(is_pair("a,b"));
        assert!(is_pair("a,b,a,b"));
        assert!(!is_pair("a,b,c"));
        assert!(!is_pair("a"));
        assert!(!is_pair(""));
    }

    #[test]
    fn a_pools_address_has_the_key_of_its_bytes() {
        assert_eq!(pool(Some("0x0101010101010101010101010101010101010101")), key(&[1; 20]));
        assert_eq!(
            pool(Some("7qbRF6YsyGuLUVs6Y1q64bdVrfe4ZcUUz1JRdoVNUJnm")),
            key(b"7qbRF6YsyGuLUVs6Y1q64bdVrfe4ZcUUz1JRdoVNUJnm")
        );
        assert_eq!(pool(Some(&format!("0x{}{}", "01".repeat(20), "02".repeat(12)))), key(&[1; 20]));
        assert_eq!(pool(Some("")), 0);
    }
}
