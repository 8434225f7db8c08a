//! The search of one chain's pools, as a class: what changed in, opportunities out.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use tidemill_pools::Address;
use tidemill_search::{ChainOptions, ChainScan, ChainSearch as Inner};

use crate::batches::{filled, to_dict};
use crate::head::Head;
use crate::numbers::Uint;
use crate::pool_set::PoolSet;

/// What one search told.
#[pyclass(frozen, get_all, module = "tidemill._rust")]
pub struct FoundOpportunities {
    batches: Py<PyDict>,
    faults: Vec<(Py<PyBytes>, String)>,
}

/// The search of one chain.
#[pyclass(module = "tidemill._rust")]
pub struct ChainSearch(Inner);

impl ChainSearch {
    /// Returns the search itself.
    pub const fn inner(&self) -> &Inner {
        &self.0
    }
}

#[pymethods]
impl ChainSearch {
    #[new]
    #[pyo3(signature = (source, chain_id, *, start_tokens, gas_token, hops_max, priority_fee_wei,
        flash_premium_ppm, data_fee_wei, found_max, stable_tokens))]
    #[allow(clippy::too_many_arguments)] // they are keywords
    fn new(
        source: String,
        chain_id: u64,
        start_tokens: Vec<Address>,
        gas_token: Option<Address>,
        hops_max: usize,
        priority_fee_wei: u64,
        flash_premium_ppm: u32,
        data_fee_wei: Uint,
        found_max: usize,
        stable_tokens: Vec<(Address, u8)>,
    ) -> Self {
        Self(Inner::new(ChainOptions {
            source,
            chain_id,
            start_tokens,
            gas_token,
            hops_max,
            priority_fee_wei,
            flash_premium_ppm,
            data_fee_wei: data_fee_wei.0,
            found_max,
            stable_tokens,
        }))
    }

    fn gas_pool<'py>(&self, py: Python<'py>, pools: &PoolSet, token: Address) -> Option<Bound<'py, PyBytes>> {
        self.0.gas_pool(pools.inner(), &token).map(|pool| PyBytes::new(py, &pool))
    }

    fn search(
        &mut self,
        py: Python<'_>,
        pools: &PoolSet,
        touched: Vec<Address>,
        head: Head,
        recv_ns: i64,
    ) -> PyResult<FoundOpportunities> {
        let search = &mut self.0;
        let scan = py.detach(|| search.search(pools.inner(), &touched, &head.0, recv_ns));
        let ChainScan { opportunity, opportunity_hop, faults } = scan;
        let batches = filled([
            (tidemill_events::OpportunityColumns::TAG, opportunity.finish()),
            (tidemill_events::OpportunityHopColumns::TAG, opportunity_hop.finish()),
        ]);
        let faults = faults.iter().map(|(pool, error)| (PyBytes::new(py, pool).unbind(), error.to_string()));
        Ok(FoundOpportunities { batches: to_dict(py, batches)?.unbind(), faults: faults.collect() })
    }
}
