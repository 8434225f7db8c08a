//! The compiled module `tidemill._rust`: each function converts, detaches, calls, converts; nothing is decided here.
#![allow(clippy::needless_pass_by_value)] // what is extracted from Python is handed over by value

mod algebra;
mod arrow;
mod autopsy;
mod balancer;
mod batches;
mod books;
mod chain_search;
mod coin_queries;
mod coins;
mod curve;
mod decode;
mod errors;
mod evm;
mod export;
mod factory;
mod frames;
mod head;
mod inspect;
mod log_columns;
mod log_indexes;
mod logs;
mod multicall;
mod numbers;
mod order_fills;
mod pool;
mod pool_query;
mod pool_server;
mod pool_set;
mod receipts;
mod round;
mod searcher;
mod sizing;
mod snapshot;
mod solidly;
mod ticked_pool;
mod token_trial;
mod told_books;
mod uniswap_v2;
mod uniswap_v3;
mod uniswap_v4;
mod venue_frames;
mod windows;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use decode::{decode, Refused, Shared};

/// Returns the Keccak-256 hash of `data`.
#[pyfunction]
fn keccak256<'py>(py: Python<'py>, data: &[u8]) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &tidemill_proof::keccak256(data))
}

/// Decodes columns of raw logs to batches of events.
#[pyfunction]
#[pyo3(signature = (batch, *, source, chain_id, dex))]
fn decode_logs<'py>(
    batch: &Bound<'py, PyAny>,
    source: &str,
    chain_id: u64,
    dex: &str,
) -> PyResult<Bound<'py, PyDict>> {
    let py = batch.py();
    let batch = arrow::batch_of(batch)?;
    let shared = Shared { source, chain_id, dex };
    let batches = py.detach(|| decode(&batch, &shared).map(batches::finish));
    match batches {
        Ok(batches) => batches::to_dict(py, batches),
        Err(Refused::Columns(problem)) => Err(PyValueError::new_err(problem)),
        Err(Refused::Log(problem)) => Err(errors::malformed(py, &problem)),
    }
}

/// The module's members.
#[pymodule]
#[pyo3(name = "_rust")]
mod module {
    #[pymodule_export]
    use super::algebra::AlgebraPool;
    #[pymodule_export]
    use super::autopsy::{FoundPath, PathWatch};
    #[pymodule_export]
    use super::balancer::BalancerV2Pool;
    #[pymodule_export]
    use super::books::{BookSet, BooksApplied};
    #[pymodule_export]
    use super::chain_search::{taker_amount_out, ChainSearch, FoundOpportunities};
    #[pymodule_export]
    use super::coin_queries::{CoinQueries, CoinReading};
    #[pymodule_export]
    use super::coins::CoinsPool;
    #[pymodule_export]
    use super::curve::CurveStablePool;
    #[pymodule_export]
    use super::decode_logs;
    #[pymodule_export]
    use super::errors::PoolError;
    #[pymodule_export]
    use super::evm::{EvmBlock, EvmMissing, EvmOutcome, EvmOverrides, EvmState};
    #[pymodule_export]
    use super::export::export_rows;
    #[pymodule_export]
    use super::factory::Factory;
    #[pymodule_export]
    use super::frames::{
        parse_bytes, parse_head, parse_logs, read_frames, read_recorded, Answer, FramesRead, MalformedFrame,
        Notice,
    };
    #[pymodule_export]
    use super::head::Head;
    #[pymodule_export]
    use super::inspect::{inspect_block, inspect_solana};
    #[pymodule_export]
    use super::keccak256;
    #[pymodule_export]
    use super::log_indexes::LogIndexes;
    #[pymodule_export]
    use super::logs::Logs;
    #[pymodule_export]
    use super::multicall::{bundle_program, decode, decode_bundled, encode, encode_bundled};
    #[pymodule_export]
    use super::order_fills::{read_transfers, OrderFills};
    #[pymodule_export]
    use super::pool::Pool;
    #[pymodule_export]
    use super::pool_query::{dex_types, PoolCoin, PoolQueries, PoolReading, PoolUnread};
    #[pymodule_export]
    use super::pool_server::PoolServer;
    #[pymodule_export]
    use super::pool_set::{Applied, Changed, Drift, PoolSet};
    #[pymodule_export]
    use super::receipts::{parse_receipts, Receipts};
    #[pymodule_export]
    use super::searcher::{Costs, Opportunity, Searcher};
    #[pymodule_export]
    use super::sizing::size_paths;
    #[pymodule_export]
    use super::solidly::SolidlyPool;
    #[pymodule_export]
    use super::ticked_pool::TickedPool;
    #[pymodule_export]
    use super::token_trial::TokenTrial;
    #[pymodule_export]
    use super::told_books::ToldBooks;
    #[pymodule_export]
    use super::uniswap_v2::UniswapV2Pool;
    #[pymodule_export]
    use super::uniswap_v3::UniswapV3Pool;
    #[pymodule_export]
    use super::uniswap_v4::UniswapV4Pool;
    #[pymodule_export]
    use super::venue_frames::{
        read_kraken, read_polymarket, read_polymarket_connections, ConnectionsRead, VenueRead,
    };
    #[pymodule_export]
    use super::windows::FeatureEngine;
}
