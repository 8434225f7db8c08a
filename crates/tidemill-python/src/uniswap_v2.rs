//! A Uniswap V2 pair, as a frozen class.

use pyo3::prelude::*;
use tidemill_pools::uniswap_v2::{Fee, UniswapV2};
use tidemill_pools::{Pool as Inner, PoolError};

use crate::errors;
use crate::numbers::Uint;
use crate::pool::{object, one_side, Pool};

/// A Uniswap V2 pair, or one of a fork.
#[pyclass(frozen, extends = Pool, module = "tidemill._rust")]
pub struct UniswapV2Pool;

/// Returns a pair with these reserves and this fee.
pub fn pair(reserves: (u128, u128), fee: (u32, u32)) -> Result<UniswapV2, PoolError> {
    let mut pair = UniswapV2::new(Fee::new(fee.0, fee.1)?);
    pair.set_reserves(reserves.0, reserves.1)?;
    Ok(pair)
}

fn of<'a>(own: &'a PyRef<'_, UniswapV2Pool>) -> PyResult<&'a UniswapV2> {
    match &own.as_super().pool {
        Inner::UniswapV2(pair) => Ok(pair),
        _ => Err(errors::pool(PoolError::Uninitialised)),
    }
}

#[pymethods]
impl UniswapV2Pool {
    #[new]
    #[pyo3(signature = (*, reserve0, reserve1, fee_numerator=997, fee_denominator=1000))]
    fn new(
        reserve0: u128,
        reserve1: u128,
        fee_numerator: u32,
        fee_denominator: u32,
    ) -> PyResult<PyClassInitializer<Self>> {
        let pair = pair((reserve0, reserve1), (fee_numerator, fee_denominator)).map_err(errors::pool)?;
        Ok(PyClassInitializer::from(Pool { spec: None, pool: pair.into() }).add_subclass(Self))
    }

    #[getter]
    fn reserve0(own: PyRef<'_, Self>) -> PyResult<u128> {
        Ok(of(&own)?.reserves().0)
    }

    #[getter]
    fn reserve1(own: PyRef<'_, Self>) -> PyResult<u128> {
        Ok(of(&own)?.reserves().1)
    }

    #[getter]
    fn fee_numerator(own: PyRef<'_, Self>) -> PyResult<u32> {
        Ok(of(&own)?.fee().parts().0)
    }

    #[getter]
    fn fee_denominator(own: PyRef<'_, Self>) -> PyResult<u32> {
        Ok(of(&own)?.fee().parts().1)
    }

    #[pyo3(signature = (zero_for_one, *, amount_in=None, amount_out=None))]
    fn swap(
        own: PyRef<'_, Self>,
        zero_for_one: bool,
        amount_in: Option<Uint>,
        amount_out: Option<Uint>,
    ) -> PyResult<(Py<PyAny>, Uint, Uint)> {
        let amount = one_side(amount_in, amount_out)?;
        let (quote, after) = of(&own)?.swapped(zero_for_one, amount).map_err(errors::pool)?;
        let after = object(own.py(), own.as_super().spec.clone(), after.into())?;
        Ok((after, Uint(quote.amount_in), Uint(quote.amount_out)))
    }
}
