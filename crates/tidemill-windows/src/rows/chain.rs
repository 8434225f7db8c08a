//! Rows of swaps, pool states and blocks.

use arrow_array::{Array, RecordBatch};

use super::arrow::{Columns, Found};
use super::{key, place, Rows};

const GWEI: f64 = 1e9;
/// 2^96, by which a pool's root of the price is scaled.
const Q96: f64 = 79_228_162_514_264_337_593_543_950_336.0;
const NS_PER_S: f64 = 1e9;

/// Returns rows of swaps, by `pool`.
///
/// Of a pool that may have more tokens than two only `one` is there: its prices are not of one pair.
pub fn swaps(batch: &RecordBatch) -> Found<Rows> {
    let columns = Columns(batch);
    let (blocks, txs) = (columns.wide("block_number")?, columns.narrow("tx_index")?);
    let many = columns.bytes("token0")?;
    let alone = |at: usize, value: f64| if many.is_valid(at) { f64::NAN } else { value };
    let (in0, out0) = (columns.amounts("amount0_in")?, columns.amounts("amount0_out")?);
    let (in1, out1) = (columns.amounts("amount1_in")?, columns.amounts("amount1_out")?);
    let roots = columns.amounts("sqrt_price_x96")?;
    let sum = |a: &[f64], b: &[f64]| -> Vec<f64> {
        a.iter().zip(b).enumerate().map(|(at, (a, b))| alone(at, a + b)).collect()
    };
    let (amount0, amount1) = (sum(&in0, &out0), sum(&in1, &out1));
    let flow0 = out0.iter().zip(&in0).enumerate().map(|(at, (out, taken))| alone(at, out - taken)).collect();
    let paid = amount0.iter().zip(&amount1).zip(&roots).enumerate();
    let ln_price = paid.map(|(at, ((amount0, amount1), root))| {
        let price = if root.is_nan() { amount1 / amount0 } else { (root / Q96) * (root / Q96) };
        alone(at, finite(price.ln()))
    });
    let measures = vec![
        ("one", vec![1.0; batch.num_rows()]),
        ("ln_price", ln_price.collect()),
        ("amount0", amount0),
        ("amount1", amount1),
        ("flow0", flow0),
    ];
    Ok(Rows {
        source: "swap",
        place: blocks.iter().zip(txs).map(|(block, tx)| place(*block, Some(*tx))).collect(),
        time_ns: columns.times("event_ns")?,
        keys: vec![("pool", pools(&columns)?)],
        measures,
    })
}

/// Returns rows of pool states, by `pool`: `depth0` and `mid` of its curve at its price.
pub fn pool_states(batch: &RecordBatch) -> Found<Rows> {
    let columns = Columns(batch);
    let (reserve0, reserve1) = (columns.amounts("reserve0")?, columns.amounts("reserve1")?);
    let (roots, liquidity) = (columns.amounts("sqrt_price_x96")?, columns.amounts("liquidity")?);
    let curves = reserve0.iter().zip(&reserve1).zip(roots.iter().zip(&liquidity));
    let (depth0, mid) = curves
        .map(|((reserve0, reserve1), (root, liquidity))| {
            if root.is_nan() {
                return (*reserve0, finite(reserve1 / reserve0));
            }
            let root = root / Q96;
            (finite(liquidity / root), root * root)
        })
        .unzip();
    Ok(Rows {
        source: "pool_state",
        place: columns.wide("block_number")?.iter().map(|block| place(*block, None)).collect(),
        time_ns: columns.times("event_ns")?,
        keys: vec![("pool", pools(&columns)?)],
        measures: vec![("depth0", depth0), ("mid", mid)],
    })
}

/// Returns rows of blocks, at their ends.
pub fn blocks(batch: &RecordBatch) -> Found<Rows> {
    let columns = Columns(batch);
    let time_ns = columns.times("event_ns")?;
    #[allow(clippy::cast_precision_loss)] // a nanosecond of a day is not told
    let time_s = time_ns.iter().map(|time_ns| *time_ns as f64 / NS_PER_S).collect();
    let (used, limit) = (columns.counts("gas_used")?, columns.counts("gas_limit")?);
    Ok(Rows {
        source: "block",
        place: columns.wide("block_number")?.iter().map(|block| place(*block, None)).collect(),
        time_ns,
        keys: Vec::new(),
        measures: vec![
            ("base_fee_gwei", columns.amounts("base_fee_wei")?.iter().map(|wei| wei / GWEI).collect()),
            ("fullness", used.iter().zip(&limit).map(|(used, limit)| finite(used / limit)).collect()),
            ("time_s", time_s),
        ],
    })
}

fn pools(columns: &Columns<'_>) -> Found<Vec<u128>> {
    Ok(columns.bytes("pool")?.iter().map(|pool| pool.map_or(0, key)).collect())
}

/// Returns what is a number, and NaN for what is not.
pub fn finite(value: f64) -> f64 {
    if value.is_finite() {
        value
    } else {
        f64::NAN
    }
}
