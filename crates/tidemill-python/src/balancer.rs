//! A pool of Balancer's V2 vault, as a frozen class; its tokens are named by their places in it.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use tidemill_pools::balancer_fixed_point::PowVersion;
use tidemill_pools::balancer_pool::BalancerPool;
use tidemill_pools::balancer_stable::stable_math::StableVersion;
use tidemill_pools::balancer_stable::{StableTerms, StableV2};
use tidemill_pools::balancer_weighted::{WeightedTerms, WeightedV2};
use tidemill_pools::{PoolError, Price, U256};

use crate::errors;
use crate::numbers::{raw, Uint, Wide};
use crate::pool::quotes;

#[derive(Clone, PartialEq, Eq)]
enum Inner {
    Weighted(WeightedV2),
    Stable(StableV2),
}

/// Calls the same method of either kind.
macro_rules! either {
    ($inner:expr, $pool:ident => $call:expr) => {
        match $inner {
            Inner::Weighted($pool) => $call,
            Inner::Stable($pool) => $call,
        }
    };
}

impl Inner {
    fn amount_out(&self, token_in: usize, token_out: usize, amount: U256) -> Result<U256, PoolError> {
        either!(self, pool => pool.amount_out(token_in, token_out, amount))
    }

    fn amount_in(&self, token_in: usize, token_out: usize, amount: U256) -> Result<U256, PoolError> {
        either!(self, pool => pool.amount_in(token_in, token_out, amount))
    }

    fn spot_price(&self, token_in: usize, token_out: usize) -> Result<Price, PoolError> {
        either!(self, pool => pool.spot_price(token_in, token_out))
    }

    fn swap_in(&self, token_in: usize, token_out: usize, amount: U256) -> Result<(U256, Self), PoolError> {
        match self {
            Self::Weighted(pool) => {
                let (out, after) = pool.swap_in(token_in, token_out, amount)?;
                Ok((out, Self::Weighted(after)))
            }
            Self::Stable(pool) => {
                let (out, after) = pool.swap_in(token_in, token_out, amount)?;
                Ok((out, Self::Stable(after)))
            }
        }
    }
}

/// A weighted or a stable pool of Balancer's V2 vault.
#[pyclass(frozen, module = "tidemill._rust")]
pub struct BalancerV2Pool {
    inner: Inner,
}

#[pymethods]
impl BalancerV2Pool {
    #[staticmethod]
    #[pyo3(signature = (*, balances, weights, scaling_factors, fee, has_power_shortcuts=true))]
    fn weighted(
        balances: Vec<Uint>,
        weights: Vec<Uint>,
        scaling_factors: Vec<Uint>,
        fee: Uint,
        has_power_shortcuts: bool,
    ) -> PyResult<Self> {
        let version = if has_power_shortcuts { PowVersion::Shortcuts } else { PowVersion::Logarithms };
        let terms = WeightedTerms {
            weights: raw(&weights),
            scaling_factors: raw(&scaling_factors),
            fee: fee.0,
            version,
        };
        let pool = WeightedV2::new(terms, raw(&balances)).map_err(errors::pool)?;
        Ok(Self { inner: Inner::Weighted(pool) })
    }

    #[staticmethod]
    #[pyo3(signature = (*, balances, amplification, scaling_factors, fee, bpt_index=None, rounding="down"))]
    fn stable(
        balances: Vec<Uint>,
        amplification: Uint,
        scaling_factors: Vec<Uint>,
        fee: Uint,
        bpt_index: Option<usize>,
        rounding: &str,
    ) -> PyResult<Self> {
        let version = match rounding {
            "down" => StableVersion::Truncate,
            "up" => StableVersion::RoundUp,
            other => {
                return Err(PyValueError::new_err(format!("expected rounding down or up, found {other}")));
            }
        };
        let terms = StableTerms {
            amp: amplification.0,
            scaling_factors: raw(&scaling_factors),
            fee: fee.0,
            version,
            bpt_index,
        };
        let pool = StableV2::new(terms, raw(&balances)).map_err(errors::pool)?;
        Ok(Self { inner: Inner::Stable(pool) })
    }

    #[getter]
    fn protocol(&self) -> &'static str {
        match self.inner {
            Inner::Weighted(_) => "balancer_v2_weighted",
            Inner::Stable(_) => "balancer_v2_stable",
        }
    }

    #[getter]
    fn balances(&self) -> Vec<Uint> {
        either!(&self.inner, pool => pool.balances()).iter().copied().map(Uint).collect()
    }

    fn amount_out(&self, token_in: usize, token_out: usize, amount_in: Uint) -> PyResult<Uint> {
        self.inner.amount_out(token_in, token_out, amount_in.0).map(Uint).map_err(errors::pool)
    }

    fn amount_in(&self, token_in: usize, token_out: usize, amount_out: Uint) -> PyResult<Uint> {
        self.inner.amount_in(token_in, token_out, amount_out.0).map(Uint).map_err(errors::pool)
    }

    fn amounts_out<'py>(
        &self,
        token_in: usize,
        token_out: usize,
        amounts: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        quotes(amounts, |amount| self.inner.amount_out(token_in, token_out, amount).ok())
    }

    fn amounts_in<'py>(
        &self,
        token_in: usize,
        token_out: usize,
        amounts: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        quotes(amounts, |amount| self.inner.amount_in(token_in, token_out, amount).ok())
    }

    fn swap(&self, token_in: usize, token_out: usize, amount_in: Uint) -> PyResult<(Self, Uint)> {
        let (amount_out, inner) =
            self.inner.swap_in(token_in, token_out, amount_in.0).map_err(errors::pool)?;
        Ok((Self { inner }, Uint(amount_out)))
    }

    fn price_ratio(&self, token_in: usize, token_out: usize) -> PyResult<(Wide, Wide)> {
        let price = self.inner.spot_price(token_in, token_out).map_err(errors::pool)?;
        Ok((Wide(price.numerator), Wide(price.denominator)))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| self.inner == other.get().inner)
    }
}
