//! A Uniswap V4 pool, as a frozen class.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tidemill_pools::uniswap_v4::{Key, ProtocolFee, UniswapV4};
use tidemill_pools::{Address, Hash, Pool as Inner, PoolError};

use crate::errors;
use crate::ticked_pool::{filled, initializer, Slot, TickRow, TickedPool};

/// A Uniswap V4 pool.
#[pyclass(frozen, extends = TickedPool, module = "tidemill._rust")]
pub struct UniswapV4Pool;

/// Returns a pool with the packed `protocol_fee` and without a price.
pub fn pool(key: Key, protocol_fee: u32) -> Result<UniswapV4, PoolError> {
    let mut pool = UniswapV4::new(key)?;
    pool.set_protocol_fee(ProtocolFee::unpacked(protocol_fee)?);
    Ok(pool)
}

fn of<'a>(own: &'a PyRef<'_, UniswapV4Pool>) -> PyResult<&'a UniswapV4> {
    match &own.as_super().as_super().pool {
        Inner::UniswapV4(pool) => Ok(pool),
        _ => Err(errors::pool(PoolError::Uninitialised)),
    }
}

#[pymethods]
impl UniswapV4Pool {
    #[new]
    #[pyo3(signature = (*, pool_id, fee, tick_spacing, slot, ticks, hooks=[0; 20], protocol_fee=0))]
    fn new(
        pool_id: Hash,
        fee: u32,
        tick_spacing: i32,
        slot: Slot,
        ticks: Vec<TickRow>,
        hooks: Address,
        protocol_fee: u32,
    ) -> PyResult<PyClassInitializer<Self>> {
        let key = Key { id: pool_id, fee, tick_spacing, hooks };
        let pool = pool(key, protocol_fee).and_then(|pool| filled(pool, slot, &ticks));
        Ok(initializer(None, pool.map_err(errors::pool)?.into()).add_subclass(Self))
    }

    #[getter]
    fn pool_id(own: PyRef<'_, Self>) -> PyResult<Bound<'_, PyBytes>> {
        Ok(PyBytes::new(own.py(), &of(&own)?.key().id))
    }

    #[getter]
    fn encoded_key(own: PyRef<'_, Self>) -> PyResult<Option<Bound<'_, PyBytes>>> {
        let key = of(&own)?.key();
        let spec = own.as_super().as_super().spec.as_ref();
        Ok(spec.map(|spec| PyBytes::new(own.py(), &key.encoded(&spec.token0, &spec.token1))))
    }

    #[getter]
    fn hooks(own: PyRef<'_, Self>) -> PyResult<Option<Bound<'_, PyBytes>>> {
        let key = of(&own)?.key();
        Ok(key.is_hooked().then(|| PyBytes::new(own.py(), &key.hooks)))
    }

    #[getter]
    fn is_fee_dynamic(own: PyRef<'_, Self>) -> PyResult<bool> {
        Ok(of(&own)?.key().is_dynamic())
    }

    #[getter]
    fn protocol_fee(own: PyRef<'_, Self>) -> PyResult<u32> {
        Ok(of(&own)?.protocol_fee().packed())
    }
}
