//! A plain Curve `StableSwap` pool, as a frozen class; its coins are named by their places in it.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use tidemill_pools::curve_stable::{Rules, StableSwap, Terms};

use crate::errors;
use crate::numbers::{raw, Uint, Wide};
use crate::pool::quotes;

/// A Curve `StableSwap` pool whose coins all are its own.
#[pyclass(frozen, module = "tidemill._rust")]
pub struct CurveStablePool {
    pool: StableSwap,
}

fn rules_of(generation: &str) -> PyResult<Rules> {
    match generation {
        "three_pool" => Ok(Rules::THREE_POOL),
        "lending" => Ok(Rules::LENDING),
        "aave" => Ok(Rules::AAVE),
        "template" => Ok(Rules::TEMPLATE),
        "factory" => Ok(Rules::FACTORY),
        "ng" => Ok(Rules::NG),
        other => Err(PyValueError::new_err(format!(
            "expected one of three_pool, lending, aave, template, factory, ng; found {other}"
        ))),
    }
}

#[pymethods]
impl CurveStablePool {
    #[new]
    #[pyo3(signature = (
        *, generation, balances, rates, amplification, fee, admin_fee, offpeg_fee_multiplier=Uint::ZERO
    ))]
    fn new(
        generation: &str,
        balances: Vec<Uint>,
        rates: Vec<Uint>,
        amplification: Uint,
        fee: Uint,
        admin_fee: Uint,
        offpeg_fee_multiplier: Uint,
    ) -> PyResult<Self> {
        let terms = Terms {
            amp: amplification.0,
            fee: fee.0,
            admin_fee: admin_fee.0,
            offpeg_fee_multiplier: offpeg_fee_multiplier.0,
        };
        let pool = StableSwap::new(rules_of(generation)?, terms, &raw(&balances), &raw(&rates));
        Ok(Self { pool: pool.map_err(errors::pool)? })
    }

    #[getter]
    #[allow(clippy::unused_self)] // Python asks the object
    fn protocol(&self) -> &'static str {
        "curve_stable"
    }

    #[getter]
    fn balances(&self) -> Vec<Uint> {
        self.pool.balances().iter().copied().map(Uint).collect()
    }

    fn amount_out(&self, token_in: usize, token_out: usize, amount_in: Uint) -> PyResult<Uint> {
        self.pool.amount_out(token_in, token_out, amount_in.0).map(Uint).map_err(errors::pool)
    }

    fn amount_in(&self, token_in: usize, token_out: usize, amount_out: Uint) -> PyResult<Uint> {
        self.pool.amount_in(token_in, token_out, amount_out.0).map(Uint).map_err(errors::pool)
    }

    fn amounts_out<'py>(
        &self,
        token_in: usize,
        token_out: usize,
        amounts: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        quotes(amounts, |amount| self.pool.amount_out(token_in, token_out, amount).ok())
    }

    fn amounts_in<'py>(
        &self,
        token_in: usize,
        token_out: usize,
        amounts: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        quotes(amounts, |amount| self.pool.amount_in(token_in, token_out, amount).ok())
    }

    fn swap(&self, token_in: usize, token_out: usize, amount_in: Uint) -> PyResult<(Self, Uint)> {
        let (amount_out, pool) = self.pool.swap(token_in, token_out, amount_in.0).map_err(errors::pool)?;
        Ok((Self { pool }, Uint(amount_out)))
    }

    fn price_ratio(&self, token_in: usize, token_out: usize) -> PyResult<(Wide, Wide)> {
        let price = self.pool.spot_price(token_in, token_out).map_err(errors::pool)?;
        Ok((Wide(price.numerator), Wide(price.denominator)))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| self.pool == other.get().pool)
    }
}
