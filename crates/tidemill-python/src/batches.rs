//! Columns of events, to a dict of record batches by topic.

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tidemill_events::{BlockColumns, LiquidityChangeColumns, PoolColumns, PoolStateColumns, SwapColumns};
use tidemill_pools::EventColumns;

use crate::arrow::to_topic_batch;

/// Topic and rows, those without rows left out.
pub type Batches = Vec<(&'static str, RecordBatch)>;

/// Returns the batches of all columns that have rows: what is told of a pool comes after the pool.
pub fn finish(columns: EventColumns) -> Result<Batches, ArrowError> {
    let EventColumns { block, pool, swap, liquidity_change, pool_state } = columns;
    filled([
        (BlockColumns::TAG, block.finish()),
        (PoolColumns::TAG, pool.finish()),
        (SwapColumns::TAG, swap.finish()),
        (LiquidityChangeColumns::TAG, liquidity_change.finish()),
        (PoolStateColumns::TAG, pool_state.finish()),
    ])
}

/// Returns the batches that have rows.
pub fn filled<const N: usize>(
    all: [(&'static str, Result<RecordBatch, ArrowError>); N],
) -> Result<Batches, ArrowError> {
    let all = all.into_iter().map(|(topic, batch)| Ok((topic, batch?)));
    let mut all = all.collect::<Result<Batches, ArrowError>>()?;
    all.retain(|(_, batch)| batch.num_rows() > 0);
    Ok(all)
}

/// Returns `batches` as a dict.
pub fn to_dict(py: Python<'_>, batches: Result<Batches, ArrowError>) -> PyResult<Bound<'_, PyDict>> {
    let batches = batches.map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
    let dict = PyDict::new(py);
    for (topic, batch) in batches {
        dict.set_item(topic, to_topic_batch(py, topic, batch)?)?;
    }
    Ok(dict)
}
