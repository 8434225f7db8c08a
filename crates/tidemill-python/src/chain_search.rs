//! The search of one chain's pools, as a class: what changed in, opportunities out.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use tidemill_pools::Address;
use tidemill_search::{
    BookTerms, ChainOptions, ChainScan, ChainSearch as Inner, Level, NamedBook, OrderBook, Trade,
};

use crate::batches::{filled, to_dict};
use crate::errors;
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

    #[pyo3(signature = (venue, instrument, *, base, quote, decimals, taker_fee_ppm, lot_size, size_min))]
    #[allow(clippy::too_many_arguments)] // they are keywords
    fn add_book<'py>(
        &mut self,
        py: Python<'py>,
        venue: String,
        instrument: String,
        base: Address,
        quote: Address,
        decimals: (u8, u8),
        taker_fee_ppm: u32,
        lot_size: u128,
        size_min: u128,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let (base_decimals, quote_decimals) = decimals;
        let terms = BookTerms { base_decimals, quote_decimals, taker_fee_ppm, lot_size, size_min };
        let book = OrderBook::new(terms).map_err(errors::pool)?;
        Ok(PyBytes::new(py, &self.0.add_book(NamedBook { venue, instrument, base, quote, book })))
    }

    fn set_levels(
        &mut self,
        book: Address,
        bids: Vec<(u128, u128)>,
        asks: Vec<(u128, u128)>,
    ) -> PyResult<()> {
        let [bids, asks] = [bids, asks].map(levels);
        self.0.set_levels(&book, bids, asks).map_err(errors::pool)
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

/// Returns levels of prices and sizes in 10^-18.
fn levels(given: Vec<(u128, u128)>) -> Vec<Level> {
    given.into_iter().map(|(price, size)| Level { price, size }).collect()
}

/// What a taker of `levels`, the best first, gets for `amount_in`: raw units, as the search computes it.
#[pyfunction]
#[pyo3(signature = (levels, amount_in, *, is_sale, decimals, taker_fee_ppm, lot_size))]
pub fn taker_amount_out(
    levels: Vec<(u128, u128)>,
    amount_in: Uint,
    is_sale: bool,
    decimals: (u8, u8),
    taker_fee_ppm: u32,
    lot_size: u128,
) -> PyResult<Uint> {
    let (base_decimals, quote_decimals) = decimals;
    // What was told was traded: it was not too small.
    let terms = BookTerms { base_decimals, quote_decimals, taker_fee_ppm, lot_size, size_min: 0 };
    let mut book = OrderBook::new(terms).map_err(errors::pool)?;
    let levels = self::levels(levels);
    let (trade, bids, asks) =
        if is_sale { (Trade::Sell, levels, Vec::new()) } else { (Trade::Buy, Vec::new(), levels) };
    let paid = book.set_levels(bids, asks).and_then(|()| book.amount_out(trade, amount_in.0));
    paid.map(Uint).map_err(errors::pool)
}
