//! A pool as it was read from a node, told by an object's attributes.

use pyo3::conversion::FromPyObjectOwned;
use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::prelude::*;
use tidemill_pools::algebra::Fees;
use tidemill_pools::uniswap_v3::UniswapV3;
use tidemill_pools::uniswap_v4::Key;
use tidemill_pools::{Address, Hash, Head, Pool, PoolError, PoolSpec, Ticked, KINDS};

use crate::algebra::{self, generation_named};
use crate::coin_queries::CoinReading;
use crate::errors;
use crate::solidly::{self, rules_named};
use crate::uniswap_v2::pair;
use crate::{ticked_pool, uniswap_v4};

/// A pool and the block at which it was read.
pub struct Snapshot {
    pub spec: PoolSpec,
    pub pool: Pool,
    pub block: (u64, Hash),
}

/// Returns the attribute `name`; a number that the contract cannot have said is malformed.
fn field<'py, T: FromPyObjectOwned<'py>>(object: &Bound<'py, PyAny>, name: &str) -> PyResult<T> {
    let py = object.py();
    object.getattr(name)?.extract::<T>().map_err(Into::<PyErr>::into).map_err(|error| {
        if error.is_instance_of::<PyOverflowError>(py) || error.is_instance_of::<PyValueError>(py) {
            errors::malformed(py, &format!("snapshot's {name}: {}", error.value(py)))
        } else {
            error
        }
    })
}

impl Snapshot {
    /// Reads the attributes that the pool's kind needs.
    pub fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let protocol: String = field(object, "protocol")?;
        let state = match protocol.as_str() {
            "uniswap_v2" => read_pair(object)?,
            "uniswap_v3" => read_v3(object)?,
            "solidly" => read_solidly(object)?,
            "algebra" => read_algebra(object)?,
            "uniswap_v4" => read_v4(object)?,
            coins if KINDS.contains(&coins) => read_coins(object, coins)?,
            other => return Err(unknown_protocol(other)),
        };
        let spec = PoolSpec {
            address: field::<Address>(object, "address")?,
            dex: field(object, "dex")?,
            factory: field(object, "factory")?,
            token0: field(object, "token0")?,
            token1: field(object, "token1")?,
        };
        let pool = state.map_err(|error| errors::malformed(object.py(), &format!("snapshot: {error}")))?;
        Ok(Self { spec, pool, block: (field(object, "block_number")?, field(object, "block_hash")?) })
    }

    /// Returns the block as far as the pool's rows need it, and when the pool was told, ns since 1970-01-01 UTC.
    pub fn at(&self, object: &Bound<'_, PyAny>) -> PyResult<(Head, i64)> {
        let (number, hash) = self.block;
        let head = Head { number, hash, timestamp_s: field(object, "block_timestamp_s")?, ..Head::default() };
        Ok((head, field(object, "recv_ns")?))
    }
}

/// Returns a pool of coins as the object's reading made it; where there is none, its coins alone.
fn read_coins(object: &Bound<'_, PyAny>, protocol: &str) -> PyResult<Result<Pool, PoolError>> {
    if let Some(reading) = field::<Option<Py<CoinReading>>>(object, "reading")? {
        return Ok(reading.get().inner().pool.clone().map_err(|_| PoolError::Incomplete));
    }
    let described = Pool::described(protocol, field(object, "address")?, field(object, "coins")?);
    described.map(Ok).ok_or_else(|| unknown_protocol(protocol))
}

fn read_pair(object: &Bound<'_, PyAny>) -> PyResult<Result<Pool, PoolError>> {
    let reserves = (field(object, "reserve0")?, field(object, "reserve1")?);
    let fee = (field(object, "fee_numerator")?, field(object, "fee_denominator")?);
    Ok(pair(reserves, fee).map(Pool::from))
}

/// Returns the pool with the price and the ticks that the object tells.
fn filled<P: Ticked + Into<Pool>>(
    object: &Bound<'_, PyAny>,
    empty: Result<P, PoolError>,
) -> PyResult<Result<Pool, PoolError>> {
    let slot = (field(object, "sqrt_price_x96")?, field(object, "tick")?, field(object, "liquidity")?);
    let ticks: Vec<_> = field(object, "ticks")?;
    Ok(empty.and_then(|pool| ticked_pool::filled(pool, slot, &ticks)).map(Into::into))
}

fn read_v3(object: &Bound<'_, PyAny>) -> PyResult<Result<Pool, PoolError>> {
    filled(object, UniswapV3::new(field(object, "fee_ppm")?, field(object, "tick_spacing")?))
}

fn read_solidly(object: &Bound<'_, PyAny>) -> PyResult<Result<Pool, PoolError>> {
    let rules: String = field(object, "rules")?;
    let rules = rules_named(&rules)?;
    let reserves = (field(object, "reserve0")?, field(object, "reserve1")?);
    let fee = (field(object, "fee_numerator")?, field(object, "fee_denominator")?);
    let decimals = (field(object, "decimals0")?, field(object, "decimals1")?);
    let terms = solidly::Terms { rules, is_stable: field(object, "is_stable")?, fee, decimals };
    Ok(solidly::pool(&terms, reserves).map(Pool::from))
}

fn read_algebra(object: &Bound<'_, PyAny>) -> PyResult<Result<Pool, PoolError>> {
    let generation: String = field(object, "rules")?;
    let fees = Fees {
        ppm: Some((field(object, "fee_ppm")?, field(object, "fee_back_ppm")?)),
        is_overridden: field(object, "is_fee_overridden")?,
        has_limit_orders: field(object, "has_limit_orders")?,
    };
    filled(object, algebra::pool(generation_named(&generation)?, fees))
}

fn read_v4(object: &Bound<'_, PyAny>) -> PyResult<Result<Pool, PoolError>> {
    let key = Key {
        id: field(object, "pool_id")?,
        fee: field(object, "key_fee")?,
        tick_spacing: field(object, "tick_spacing")?,
        hooks: field(object, "hooks")?,
    };
    filled(object, uniswap_v4::pool(key, field(object, "protocol_fee")?))
}

/// Returns the error that no kind of pool is called `protocol`.
pub fn unknown_protocol(protocol: &str) -> PyErr {
    let known = KINDS.join(", ");
    PyValueError::new_err(format!("expected a protocol of {known}, found {protocol}"))
}
