//! What became of the paths that were found, as a class: blocks in, what the paths pay and who took them out.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use tidemill_pools::Address;
use tidemill_search::{Ending, FoundPath as Inner, PathHop, PathWatch as Watch, PathWorth, Taker};

use crate::chain_search::ChainSearch;
use crate::head::Head;
use crate::logs::Logs;
use crate::numbers::Uint;
use crate::pool_set::PoolSet;
use crate::searcher::signed;

type Hops = Vec<(Address, Address, Address)>;
type Ended<'py> = (&'static str, Option<Bound<'py, PyDict>>);

/// A path as it was found.
#[pyclass(frozen, module = "tidemill._rust", from_py_object)]
#[derive(Clone)]
pub struct FoundPath(Inner);

#[pymethods]
impl FoundPath {
    #[new]
    fn new(hops: Hops, amount_in: Uint, gas_pool: Option<Address>) -> Self {
        let hops = hops.into_iter().map(|(pool, token_in, token_out)| PathHop { pool, token_in, token_out });
        Self(Inner { hops: hops.collect(), amount_in: amount_in.0, gas_pool })
    }
}

/// The pools of the paths that are followed.
#[pyclass(module = "tidemill._rust")]
pub struct PathWatch(Watch);

fn told<'py>(py: Python<'py>, worth: &PathWorth) -> PyResult<Bound<'py, PyDict>> {
    let told = PyDict::new(py);
    let optional = |value: &Option<_>| value.as_ref().map(|value| signed(py, value)).transpose();
    told.set_item("sent_gross", optional(&worth.sent_gross)?)?;
    told.set_item("sent_net", optional(&worth.sent_net)?)?;
    told.set_item("best_gross", worth.best_gross.map(Uint))?;
    told.set_item("best_net", worth.best_net.map(Uint))?;
    told.set_item("left", worth.left().map(Uint))?;
    Ok(told)
}

fn ended<'py>(py: Python<'py>, taker: &Taker) -> PyResult<Bound<'py, PyDict>> {
    let told = PyDict::new(py);
    told.set_item("tx_hash", PyBytes::new(py, &taker.tx_hash))?;
    told.set_item("tx_index", taker.tx_index)?;
    told.set_item("tx_count", taker.tx_count)?;
    told.set_item("is_swap", taker.is_swap)?;
    told.set_item("is_circle", taker.is_circle())?;
    told.set_item("sender", taker.sender.map(|sender| PyBytes::new(py, &sender)))?;
    told.set_item("recipient", taker.recipient.map(|recipient| PyBytes::new(py, &recipient)))?;
    let balance = PyDict::new(py);
    for (token, gained) in &taker.balance {
        balance.set_item(PyBytes::new(py, token), signed(py, gained)?)?;
    }
    told.set_item("balance", balance)?;
    Ok(told)
}

#[pymethods]
impl PathWatch {
    #[new]
    fn new(pools: &PoolSet, search: &ChainSearch) -> Self {
        Self(Watch::new(pools.inner(), search.inner()))
    }

    fn watch(&mut self, pools: &PoolSet, search: &ChainSearch, addresses: Vec<Address>) {
        self.0.watch(pools.inner(), search.inner(), &addresses);
    }

    fn take_books(&mut self, search: &ChainSearch, books: Vec<Address>) {
        self.0.take_books(search.inner(), &books);
    }

    fn keep(&mut self, addresses: Vec<Address>) {
        self.0.keep(&addresses);
    }

    fn apply(&mut self, py: Python<'_>, head: Head, logs: &Logs) {
        let watch = &mut self.0;
        let (start, count) = logs.find(&head.0.hash).map_or((0, 0), |block| (block.start, block.count));
        py.detach(|| watch.apply(logs.inner().range(start, count)));
    }

    fn worth<'py>(
        &self,
        py: Python<'py>,
        head: Head,
        paths: Vec<FoundPath>,
    ) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let worths: Vec<PathWorth> =
            py.detach(|| paths.iter().map(|path| self.0.worth(&path.0, &head.0)).collect());
        worths.iter().map(|worth| told(py, worth)).collect()
    }

    fn endings<'py>(
        &self,
        py: Python<'py>,
        pools: &PoolSet,
        head: Head,
        logs: &Logs,
        paths: Vec<FoundPath>,
    ) -> PyResult<Vec<Ended<'py>>> {
        let (start, count) = logs.find(&head.0.hash).map_or((0, 0), |block| (block.start, block.count));
        let endings = py.detach(|| {
            let paths: Vec<Inner> = paths.into_iter().map(|path| path.0).collect();
            self.0.endings(pools.inner(), (&head.0, &paths), logs.inner().range(start, count))
        });
        let told = |ending: &Ending| match ending {
            Ending::Costs => Ok(("costs", None)),
            Ending::Unknown => Ok(("unknown", None)),
            Ending::Taken(taker) => Ok(("taken", Some(ended(py, taker)?))),
        };
        endings.iter().map(told).collect()
    }
}
