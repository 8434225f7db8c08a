//! What pools of every kind have in common, as a frozen class that each kind's own extends.

use arrow_array::builder::FixedSizeBinaryBuilder;
use arrow_array::{Array, FixedSizeBinaryArray};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBuffer};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tidemill_pools::{Amount, Pool as Inner, PoolSpec, Tracked, U256};

use crate::algebra::AlgebraPool;
use crate::arrow::{array_of, to_array};
use crate::coins::CoinsPool;
use crate::errors;
use crate::log_columns::chunks;
use crate::numbers::{Uint, Wide};
use crate::solidly::SolidlyPool;
use crate::ticked_pool::initializer;
use crate::uniswap_v2::UniswapV2Pool;
use crate::uniswap_v3::UniswapV3Pool;
use crate::uniswap_v4::UniswapV4Pool;

/// A pool as it stands; `spec` is absent for one that was made by hand.
#[pyclass(frozen, subclass, module = "tidemill._rust")]
pub struct Pool {
    pub(crate) spec: Option<PoolSpec>,
    pub(crate) pool: Inner,
}

/// Returns the object of a pool that is followed.
pub fn to_object(py: Python<'_>, tracked: &Tracked) -> PyResult<Py<PyAny>> {
    object(py, Some(tracked.spec.clone()), tracked.pool.clone())
}

/// Returns the object of the pool's own kind.
pub fn object(py: Python<'_>, spec: Option<PoolSpec>, pool: Inner) -> PyResult<Py<PyAny>> {
    let made = match &pool {
        Inner::UniswapV2(_) => Py::new(py, (UniswapV2Pool, Pool { spec, pool }))?.into_any(),
        Inner::UniswapV3(_) => Py::new(py, initializer(spec, pool).add_subclass(UniswapV3Pool))?.into_any(),
        Inner::Solidly(_) => Py::new(py, (SolidlyPool, Pool { spec, pool }))?.into_any(),
        Inner::Algebra(_) => Py::new(py, initializer(spec, pool).add_subclass(AlgebraPool))?.into_any(),
        Inner::UniswapV4(_) => Py::new(py, initializer(spec, pool).add_subclass(UniswapV4Pool))?.into_any(),
        Inner::CurveStable(_) | Inner::CurveCrypto(_) | Inner::BalancerV2(_) | Inner::BalancerV3(_) => {
            Py::new(py, (CoinsPool, Pool { spec, pool }))?.into_any()
        }
    };
    Ok(made)
}

/// Returns the amount of a swap, of which exactly one side is given.
pub fn one_side(amount_in: Option<Uint>, amount_out: Option<Uint>) -> PyResult<Amount> {
    match (amount_in, amount_out) {
        (Some(amount), None) => Ok(Amount::In(amount.0)),
        (None, Some(amount)) => Ok(Amount::Out(amount.0)),
        _ => Err(PyValueError::new_err("expected either amount_in or amount_out")),
    }
}

fn address<'py>(
    py: Python<'py>,
    spec: Option<&PoolSpec>,
    of: fn(&PoolSpec) -> &[u8; 20],
) -> Option<Bound<'py, PyBytes>> {
    spec.map(|spec| PyBytes::new(py, of(spec)))
}

#[pymethods]
impl Pool {
    #[getter]
    fn protocol(&self) -> &'static str {
        self.pool.protocol()
    }

    #[getter]
    fn dex(&self) -> Option<&str> {
        self.spec.as_ref().map(|spec| spec.dex.as_str())
    }

    #[getter]
    fn address<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        address(py, self.spec.as_ref(), |spec| &spec.address)
    }

    #[getter]
    fn factory<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        address(py, self.spec.as_ref(), |spec| &spec.factory)
    }

    #[getter]
    fn token0<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        address(py, self.spec.as_ref(), |spec| &spec.token0)
    }

    #[getter]
    fn token1<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        address(py, self.spec.as_ref(), |spec| &spec.token1)
    }

    #[getter]
    fn fee_ppm(&self) -> Option<u32> {
        self.pool.fee_ppm()
    }

    #[getter]
    fn is_complete(&self) -> bool {
        self.pool.is_complete()
    }

    fn amount_out(&self, zero_for_one: bool, amount_in: Uint) -> PyResult<Uint> {
        let quote = self.pool.quote(zero_for_one, Amount::In(amount_in.0)).map_err(errors::pool)?;
        Ok(Uint(quote.amount_out))
    }

    fn amount_in(&self, zero_for_one: bool, amount_out: Uint) -> PyResult<Uint> {
        let quote = self.pool.quote(zero_for_one, Amount::Out(amount_out.0)).map_err(errors::pool)?;
        Ok(Uint(quote.amount_in))
    }

    #[pyo3(signature = (zero_for_one, *, amount_in=None, amount_out=None))]
    fn quote(
        &self,
        zero_for_one: bool,
        amount_in: Option<Uint>,
        amount_out: Option<Uint>,
    ) -> PyResult<(Uint, Uint, u32)> {
        let amount = one_side(amount_in, amount_out)?;
        let quote = self.pool.quote(zero_for_one, amount).map_err(errors::pool)?;
        Ok((Uint(quote.amount_in), Uint(quote.amount_out), quote.ticks_crossed))
    }

    fn amounts_out<'py>(
        &self,
        zero_for_one: bool,
        amounts: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        // The pool's kind is asked once, which a short quote feels.
        if let Inner::UniswapV2(pair) = &self.pool {
            return quotes(amounts, |amount| pair.amount_out(zero_for_one, amount).ok());
        }
        quotes(amounts, |amount| Some(self.pool.quote(zero_for_one, Amount::In(amount)).ok()?.amount_out))
    }

    fn amounts_in<'py>(
        &self,
        zero_for_one: bool,
        amounts: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if let Inner::UniswapV2(pair) = &self.pool {
            return quotes(amounts, |amount| pair.amount_in(zero_for_one, amount).ok());
        }
        quotes(amounts, |amount| Some(self.pool.quote(zero_for_one, Amount::Out(amount)).ok()?.amount_in))
    }

    fn price(&self) -> PyResult<f64> {
        Ok(self.pool.spot_price().map_err(errors::pool)?.to_f64())
    }

    fn price_ratio(&self) -> PyResult<(Wide, Wide)> {
        let price = self.pool.spot_price().map_err(errors::pool)?;
        Ok((Wide(price.numerator), Wide(price.denominator)))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| {
            let other = other.get();
            self.pool == other.pool && self.spec == other.spec
        })
    }

    fn __repr__(&self) -> String {
        let state = self.pool.state();
        let numbers = match (state.reserve0, state.reserve1, state.tick) {
            (Some(reserve0), Some(reserve1), _) => format!("reserve0={reserve0}, reserve1={reserve1}"),
            (_, _, Some(tick)) => format!("tick={tick}, liquidity={}", state.liquidity.unwrap_or_default()),
            _ => "no price".to_owned(),
        };
        let dex = self.spec.as_ref().map_or_else(String::new, |spec| format!("{}, ", spec.dex));
        format!("{}({dex}{numbers})", self.pool.protocol())
    }
}

/// Asks `quote` for each of `amounts`, as `amounts_of` reads them; a refused one is null.
pub fn quotes<'py>(
    amounts: &Bound<'py, PyAny>,
    quote: impl Fn(U256) -> Option<U256> + Send,
) -> PyResult<Bound<'py, PyAny>> {
    let given = amounts_of(amounts)?;
    let quotes = amounts.py().detach(|| each(&given, quote));
    to_array(amounts.py(), &quotes)
}

fn each(amounts: &FixedSizeBinaryArray, quote: impl Fn(U256) -> Option<U256>) -> FixedSizeBinaryArray {
    let mut quotes = Vec::with_capacity(amounts.len());
    let mut absent = Vec::new();
    for (row, amount) in chunks::<32>(amounts).iter().enumerate() {
        let quoted = quote(U256::from_le_bytes(*amount)).filter(|_| amounts.is_valid(row));
        if quoted.is_none() {
            absent.push(row);
        }
        quotes.push(quoted.unwrap_or_default().to_le_bytes::<32>());
    }
    let nulls = (!absent.is_empty()).then(|| {
        let mut is_present = BooleanBufferBuilder::new(amounts.len());
        is_present.append_n(amounts.len(), true);
        for row in absent {
            is_present.set_bit(row, false);
        }
        NullBuffer::new(is_present.finish())
    });
    FixedSizeBinaryArray::new(32, Buffer::from_vec(quotes.into_flattened()), nulls)
}

/// Returns amounts that come as an Arrow array of 32 little-endian bytes each, or as ints.
fn amounts_of(amounts: &Bound<'_, PyAny>) -> PyResult<FixedSizeBinaryArray> {
    if amounts.hasattr("__arrow_c_array__")? {
        let array = array_of(amounts)?;
        let typed = array.as_any().downcast_ref::<FixedSizeBinaryArray>();
        return typed.filter(|typed| typed.value_length() == 32).cloned().ok_or_else(|| {
            PyTypeError::new_err(format!("expected an array of 32 bytes each, found {}", array.data_type()))
        });
    }
    let mut bytes = FixedSizeBinaryBuilder::new(32);
    for amount in amounts.try_iter()? {
        let amount: Uint = amount?.extract()?;
        let appended = bytes.append_value(amount.0.to_le_bytes::<32>());
        appended.map_err(|error| PyValueError::new_err(error.to_string()))?;
    }
    Ok(bytes.finish())
}
