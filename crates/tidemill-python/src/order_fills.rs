//! The fills of exchanges' orders, as a class: blocks in, rows of `wallet_trade` out.

use std::collections::HashSet;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tidemill_events::WalletTradeColumns;
use tidemill_pools::{Address, Exchange, OrderFills as Inner};

use crate::arrow::to_record_batch;
use crate::head::Head;
use crate::logs::Logs;
use crate::numbers::Uint;

/// Index, transaction, sender, recipient and amount of a transfer.
type Transfer<'py> = (u32, Bound<'py, PyBytes>, Bound<'py, PyBytes>, Bound<'py, PyBytes>, Uint);

/// The exchanges of one chain.
#[pyclass(frozen, module = "tidemill._rust")]
pub struct OrderFills(Inner);

#[pymethods]
impl OrderFills {
    #[new]
    fn new(source: String, chain_id: u64, exchanges: Vec<(Address, String)>) -> Self {
        let exchanges = exchanges.into_iter().map(|(address, name)| Exchange { address, name });
        Self(Inner::new(source, chain_id, exchanges))
    }

    fn read<'py>(
        &self,
        py: Python<'py>,
        head: Head,
        logs: &Logs,
        recv_ns: i64,
    ) -> PyResult<(Bound<'py, PyAny>, Vec<String>)> {
        let (start, count) = logs.find(&head.0.hash).map_or((0, 0), |block| (block.start, block.count));
        let (batch, wrong) = py.detach(|| {
            let mut columns = WalletTradeColumns::default();
            let wrong = self.0.read(&head.0, logs.inner().range(start, count), recv_ns, &mut columns);
            (columns.finish(), wrong)
        });
        let batch = batch.map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        Ok((to_record_batch(py, batch)?, wrong))
    }
}

/// Returns the transfers of `tokens` in a block.
#[pyfunction]
pub fn read_transfers<'py>(
    py: Python<'py>,
    head: Head,
    logs: &Logs,
    tokens: HashSet<Address>,
) -> Vec<(Bound<'py, PyBytes>, Transfer<'py>)> {
    let (start, count) = logs.find(&head.0.hash).map_or((0, 0), |block| (block.start, block.count));
    let logs = logs.inner().range(start, count).filter(|log| tokens.contains(log.address));
    let bytes = |bytes: &[u8]| PyBytes::new(py, bytes);
    logs.filter_map(|log| {
        let moved = tidemill_pools::transfer::Transfer::decode(&log)?;
        let transfer =
            (log.log_index, bytes(log.tx_hash), bytes(&moved.from), bytes(&moved.to), Uint(moved.amount));
        Some((bytes(log.address), transfer))
    })
    .collect()
}
