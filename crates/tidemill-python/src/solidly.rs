//! A pool of Solidly or of a fork of it, as a frozen class.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use tidemill_pools::solidly::{Reading, Rules, Solidly};
use tidemill_pools::uniswap_v2::Fee;
use tidemill_pools::{Pool as Inner, PoolError};

use crate::errors;
use crate::numbers::Uint;
use crate::pool::{object, one_side, Pool};

/// A pool of Solidly, Velodrome or Aerodrome.
#[pyclass(frozen, extends = Pool, module = "tidemill._rust")]
pub struct SolidlyPool;

/// What makes a pool what it is, beside its reserves.
pub struct Terms {
    pub rules: Rules,
    pub is_stable: bool,
    /// Which part of an amount in is swapped, as numerator and denominator.
    pub fee: (u32, u32),
    /// Decimals of token 0 and token 1.
    pub decimals: (u32, u32),
}

/// Returns a pool with these reserves.
pub fn pool(terms: &Terms, reserves: (u128, u128)) -> Result<Solidly, PoolError> {
    let fee = Fee::new(terms.fee.0, terms.fee.1)?;
    let mut pool = Solidly::new(terms.rules, terms.is_stable);
    pool.set_reading(Some(Reading::new(fee, terms.decimals.0, terms.decimals.1)?));
    pool.set_reserves(reserves.0, reserves.1);
    Ok(pool)
}

/// Returns the rules of that name.
pub fn rules_named(name: &str) -> PyResult<Rules> {
    match name {
        "solidly" => Ok(Rules::Solidly),
        "velodrome" => Ok(Rules::Velodrome),
        other => {
            Err(PyValueError::new_err(format!("expected rules of solidly or velodrome, found {other:?}")))
        }
    }
}

fn of<'a>(own: &'a PyRef<'_, SolidlyPool>) -> PyResult<&'a Solidly> {
    match &own.as_super().pool {
        Inner::Solidly(pool) => Ok(pool),
        _ => Err(errors::pool(PoolError::Uninitialised)),
    }
}

#[pymethods]
impl SolidlyPool {
    #[new]
    #[pyo3(signature = (*, rules, is_stable, reserves, decimals, fee_numerator, fee_denominator=10_000))]
    fn new(
        rules: &str,
        is_stable: bool,
        reserves: (u128, u128),
        decimals: (u32, u32),
        fee_numerator: u32,
        fee_denominator: u32,
    ) -> PyResult<PyClassInitializer<Self>> {
        let fee = (fee_numerator, fee_denominator);
        let terms = Terms { rules: rules_named(rules)?, is_stable, fee, decimals };
        let pool = pool(&terms, reserves).map_err(errors::pool)?.into();
        Ok(PyClassInitializer::from(Pool { spec: None, pool }).add_subclass(Self))
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
    fn fee_numerator(own: PyRef<'_, Self>) -> PyResult<Option<u32>> {
        Ok(of(&own)?.reading().map(|reading| reading.fee.parts().0))
    }

    #[getter]
    fn fee_denominator(own: PyRef<'_, Self>) -> PyResult<Option<u32>> {
        Ok(of(&own)?.reading().map(|reading| reading.fee.parts().1))
    }

    #[getter]
    fn is_stable(own: PyRef<'_, Self>) -> PyResult<bool> {
        Ok(of(&own)?.is_stable())
    }

    #[getter]
    fn rules(own: PyRef<'_, Self>) -> PyResult<&'static str> {
        Ok(match of(&own)?.rules() {
            Rules::Solidly => "solidly",
            Rules::Velodrome => "velodrome",
        })
    }

    #[getter]
    fn decimals(own: PyRef<'_, Self>) -> PyResult<Option<(u32, u32)>> {
        Ok(of(&own)?.reading().map(Reading::decimals))
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
