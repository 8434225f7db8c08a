//! The search over the pools of a set, as a class: what changed in, what pays out.

use std::collections::HashMap;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rustc_hash::FxHashMap;
use tidemill_pools::{Address, U256};
use tidemill_search::{
    Costs as Inner, Effort, Followed, Fraction, GasTable, L1Fee, Net, Opportunity as Found, Scan, Search,
    Signed, StableToken,
};

use crate::numbers::{hex, Uint};
use crate::pool_set::PoolSet;

/// The costs of a moment, for circles that start with one token.
#[pyclass(frozen, from_py_object, module = "tidemill._rust")]
#[derive(Clone)]
pub struct Costs(Inner);

#[pymethods]
impl Costs {
    #[new]
    #[pyo3(signature = (*, base_fee_wei, priority_fee_wei, gas_token_price, flash_premium_ppm=0, l1_fee=None))]
    fn new(
        base_fee_wei: Uint,
        priority_fee_wei: Uint,
        gas_token_price: Option<(Uint, Uint)>,
        flash_premium_ppm: u32,
        l1_fee: Option<(u64, Uint)>,
    ) -> Self {
        let price = gas_token_price
            .map(|(numerator, denominator)| Fraction { numerator: numerator.0, denominator: denominator.0 });
        Self(Inner {
            base_fee_wei: base_fee_wei.0,
            priority_fee_wei: priority_fee_wei.0,
            l1_fee: l1_fee.map(|(bytes, price)| L1Fee { bytes, price_wei: price.0 }),
            flash_premium_ppm,
            gas_token_price: price,
            gas: GasTable::MEASURED,
        })
    }
}

/// A circle that pays.
#[pyclass(frozen, module = "tidemill._rust")]
pub struct Opportunity {
    found: Found,
    hops: Vec<(Address, Address, Address)>,
}

/// Returns an integer with its sign.
pub fn signed<'py>(py: Python<'py>, value: &Signed) -> PyResult<Bound<'py, PyAny>> {
    let magnitude = Uint(value.magnitude).into_pyobject(py)?;
    if value.is_negative {
        magnitude.neg()
    } else {
        Ok(magnitude)
    }
}

impl Opportunity {
    fn net(&self) -> Option<Net> {
        self.found.outcome.and_then(|outcome| outcome.net)
    }
}

#[pymethods]
impl Opportunity {
    #[getter]
    fn hops<'py>(
        &self,
        py: Python<'py>,
    ) -> Vec<(Bound<'py, PyBytes>, Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
        let bytes = |address: &Address| PyBytes::new(py, address);
        self.hops.iter().map(|(pool, paid, bought)| (bytes(pool), bytes(paid), bytes(bought))).collect()
    }

    #[getter]
    fn amounts(&self) -> Vec<Uint> {
        self.found.sized.amounts().iter().copied().map(Uint).collect()
    }

    #[getter]
    fn ticks_crossed(&self) -> Vec<u32> {
        self.found.sized.ticks_crossed.iter().copied().take(self.hops.len()).collect()
    }

    #[getter]
    fn gross_profit(&self) -> Uint {
        Uint(self.found.sized.gross_profit())
    }

    #[getter]
    fn is_proven(&self) -> bool {
        self.found.sized.is_proven
    }

    #[getter]
    fn gas(&self) -> Option<u64> {
        self.found.outcome.and_then(|outcome| outcome.gas)
    }

    #[getter]
    fn fee_wei(&self) -> Option<Uint> {
        self.found.outcome.and_then(|outcome| outcome.fee_wei).map(Uint)
    }

    #[getter]
    fn flash_premium(&self) -> Option<Uint> {
        self.found.outcome.map(|outcome| Uint(outcome.flash_premium))
    }

    #[getter]
    fn net_profit<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.net().map(|net| signed(py, &net.profit)).transpose()
    }

    #[getter]
    fn net_profit_wei<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.net().map(|net| signed(py, &net.profit_wei)).transpose()
    }

    #[getter]
    fn break_even_gas_price_wei(&self) -> Option<Uint> {
        self.net().map(|net| Uint(net.break_even_gas_price_wei))
    }

    fn __repr__(&self) -> String {
        let profit: U256 = self.found.sized.gross_profit();
        let pools: Vec<String> = self.hops.iter().map(|(pool, ..)| hex(pool)).collect();
        format!("Opportunity({}, gross_profit={profit})", pools.join(" > "))
    }
}

/// Pools by address and why they are out of the search.
type Refused = Vec<(Py<PyBytes>, String)>;

/// The search over the pools of a set.
#[pyclass(module = "tidemill._rust")]
pub struct Searcher {
    followed: Followed,
    starts: Vec<Address>,
    hops_max: usize,
    effort: Effort,
}

impl Searcher {
    fn refused(&self, py: Python<'_>, faults: &[tidemill_search::PoolFault]) -> Refused {
        let told = faults.iter().filter_map(|fault| {
            let address = self.followed.pool_address(fault.pool)?;
            Some((PyBytes::new(py, address).unbind(), fault.error.to_string()))
        });
        told.collect()
    }

    fn opportunity(&self, found: &Found) -> Option<Opportunity> {
        let hops = found.cycle.hops().iter().map(|hop| {
            let token = |token| self.followed.token_address(token).copied();
            Some((*self.followed.pool_address(hop.pool)?, token(hop.token_in)?, token(hop.token_out)?))
        });
        Some(Opportunity { found: *found, hops: hops.collect::<Option<_>>()? })
    }
}

#[pymethods]
impl Searcher {
    #[new]
    #[pyo3(signature = (*, starts=Vec::new(), hops_max=3, trials_max=0))]
    fn new(starts: Vec<Address>, hops_max: usize, trials_max: u32) -> PyResult<Self> {
        if !(2..=4).contains(&hops_max) {
            return Err(PyValueError::new_err(format!("expected 2 to 4 hops at most, found {hops_max}")));
        }
        Ok(Self { followed: Followed::new(), starts, hops_max, effort: Effort { trials_max } })
    }

    fn refresh(&mut self, py: Python<'_>, pools: &PoolSet, touched: Vec<Address>) -> Refused {
        let faults = py.detach(|| self.followed.refresh(pools.inner(), &touched));
        self.refused(py, &faults)
    }

    #[pyo3(signature = (pools, touched, costs=None))]
    fn scan(
        &self,
        py: Python<'_>,
        pools: &PoolSet,
        touched: Vec<Address>,
        costs: Option<HashMap<Address, Costs>>,
    ) -> (Vec<Opportunity>, Refused) {
        let scan = py.detach(|| {
            let number = |token: &Address| self.followed.token(token);
            let starts: Vec<u32> = self.starts.iter().filter_map(number).collect();
            if starts.is_empty() && !self.starts.is_empty() {
                // None of the tokens asked for is traded yet; no start tokens would mean any.
                return Scan::default();
            }
            let costs = costs.into_iter().flatten();
            let costs: FxHashMap<u32, Inner> =
                costs.filter_map(|(token, costs)| Some((number(&token)?, costs.0))).collect();
            let search =
                Search { hops_max: self.hops_max, starts: &starts, effort: self.effort, costs: &costs };
            self.followed.scan(pools.inner(), &touched, &search)
        });
        let refused = self.refused(py, &scan.faults);
        (scan.opportunities.iter().filter_map(|found| self.opportunity(found)).collect(), refused)
    }

    fn usd_price(
        &self,
        py: Python<'_>,
        pools: &PoolSet,
        token: Address,
        stables: HashMap<Address, u8>,
    ) -> Option<(f64, Vec<Py<PyBytes>>)> {
        let numbered = |(token, decimals): (&Address, &u8)| {
            Some(StableToken { token: self.followed.token(token)?, decimals: *decimals })
        };
        let mut stables: Vec<StableToken> = stables.iter().filter_map(numbered).collect();
        // Of two pools as deep as each other the first one met decides.
        stables.sort_unstable_by_key(|stable| stable.token);
        let price = self.followed.usd_price(pools.inner(), self.followed.token(&token)?, &stables)?;
        let address = |pool| Some(PyBytes::new(py, self.followed.pool_address(pool)?).unbind());
        let route = price.steps.iter().flatten().filter_map(|step| address(step.pool)).collect();
        Some((price.usd_per_unit, route))
    }
}
