//! A pool as it was read from a node, told by an object's attributes.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use tidemill_pools::{Address, Hash, Pool, PoolSpec};

use crate::errors;
use crate::uniswap_v2::pair;
use crate::uniswap_v3::{pool, TickRow};

/// What a snapshot's object has of every kind of pool.
#[derive(FromPyObject)]
struct Named {
    address: Address,
    protocol: String,
    dex: String,
    factory: Address,
    token0: Address,
    token1: Address,
    block_number: u64,
    block_hash: Hash,
}

/// What it has of a V2 pair.
#[derive(FromPyObject)]
struct Pair {
    reserve0: u128,
    reserve1: u128,
    fee_numerator: u32,
    fee_denominator: u32,
}

/// What it has of a V3 pool.
#[derive(FromPyObject)]
struct Ticked {
    sqrt_price_x96: crate::numbers::Uint,
    tick: i32,
    liquidity: u128,
    fee_ppm: u32,
    tick_spacing: i32,
    ticks: Vec<TickRow>,
}

/// A pool and the block at which it was read.
pub struct Snapshot {
    pub spec: PoolSpec,
    pub pool: Pool,
    pub block: (u64, Hash),
}

impl Snapshot {
    /// Reads the attributes that the pool's kind needs.
    pub fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let named: Named = object.extract()?;
        let state = match named.protocol.as_str() {
            "uniswap_v2" => {
                let read: Pair = object.extract()?;
                pair((read.reserve0, read.reserve1), (read.fee_numerator, read.fee_denominator))
                    .map(Pool::from)
            }
            "uniswap_v3" => {
                let read: Ticked = object.extract()?;
                let slot = (read.sqrt_price_x96, read.tick, read.liquidity);
                pool((read.fee_ppm, read.tick_spacing), slot, &read.ticks).map(Pool::from)
            }
            other => return Err(unknown_protocol(other)),
        };
        let Named { address, dex, factory, token0, token1, block_number, block_hash, .. } = named;
        Ok(Self {
            spec: PoolSpec { address, dex, factory, token0, token1 },
            pool: state.map_err(errors::pool)?,
            block: (block_number, block_hash),
        })
    }
}

/// Returns the error that no kind of pool is called `protocol`.
pub fn unknown_protocol(protocol: &str) -> PyErr {
    PyValueError::new_err(format!(
        "expected a protocol of {}, found {protocol}",
        tidemill_pools::KINDS.join(", ")
    ))
}
