//! Columns of raw logs to columns of events, without any pool's state.

use arrow_array::{RecordBatch, TimestampNanosecondArray};
use tidemill_events::PoolState;
use tidemill_pools::uniswap_v2::{UniswapV2, V2Event};
use tidemill_pools::uniswap_v3::{UniswapV3, V3Event};
use tidemill_pools::{Deed, DeedRow, EventColumns, Log, PoolKind, State, U256};

use crate::log_columns::{column, LogColumns};

/// What all rows of a batch share.
pub struct Shared<'a> {
    pub source: &'a str,
    pub chain_id: u64,
    pub dex: &'a str,
}

/// One log on its way to rows.
struct Row<'a> {
    shared: &'a Shared<'a>,
    protocol: &'static str,
    event_ns: i64,
    recv_ns: i64,
    log: &'a Log<'a>,
}

/// Why a batch cannot be decoded.
pub enum Refused {
    /// It is not made of the columns that logs have.
    Columns(String),
    /// A log claims to be an event that it is not.
    Log(String),
}

/// Decodes every log of `batch` that is an event of a kind of pool; other logs are passed over.
///
/// # Errors
/// Where a column is missing or wrong, or a log is malformed.
pub fn decode(batch: &RecordBatch, shared: &Shared<'_>) -> Result<EventColumns, Refused> {
    let logs = LogColumns::of(batch).map_err(Refused::Columns)?;
    let times = |name| column::<TimestampNanosecondArray>(batch, name).map_err(Refused::Columns);
    let times = times("event_ns")?.values().iter().zip(times("recv_ns")?.values());
    let mut columns = EventColumns::default();
    columns.swap.reserve(batch.num_rows());
    columns.pool_state.reserve(batch.num_rows());
    for (log, (event_ns, recv_ns)) in logs.iter().zip(times) {
        let row = Row { shared, protocol: "", event_ns: *event_ns, recv_ns: *recv_ns, log: &log };
        row.decode_into(&mut columns).map_err(|error| {
            Refused::Log(format!("block {}, log {}: {error}", log.block_number, log.log_index))
        })?;
    }
    Ok(columns)
}

impl<'a> Row<'a> {
    #[inline]
    fn decode_into(mut self, columns: &mut EventColumns) -> Result<(), tidemill_pools::DecodeError> {
        if let Some(event) = V3Event::decode(self.log)? {
            self.protocol = UniswapV3::PROTOCOL;
            self.push_deed(columns, event.deed().as_ref());
            match event {
                V3Event::Swap(swap) => {
                    self.push_ticked(columns, (swap.sqrt_price_x96, swap.tick, swap.liquidity));
                }
                V3Event::Initialize { sqrt_price_x96, tick } => {
                    self.push_ticked(columns, (sqrt_price_x96, tick, 0));
                }
                V3Event::Mint(_) | V3Event::Burn(_) => {}
            }
        } else if let Some(event) = V2Event::decode(self.log)? {
            self.protocol = UniswapV2::PROTOCOL;
            self.push_deed(columns, event.deed().as_ref());
            if let V2Event::Sync { reserve0, reserve1 } = event {
                let state = State { reserve0: Some(reserve0), reserve1: Some(reserve1), ..State::default() };
                columns.pool_state.push(&self.state(&state));
            }
        }
        Ok(())
    }

    #[inline]
    fn push_deed(&self, columns: &mut EventColumns, deed: Option<&Deed>) {
        let Some(deed) = deed else { return };
        let row = DeedRow {
            event_ns: self.event_ns,
            recv_ns: self.recv_ns,
            source: self.shared.source,
            chain_id: self.shared.chain_id,
            protocol: self.protocol,
            dex: self.shared.dex,
            pool: *self.log.address,
            log: self.log,
        };
        row.push(columns, deed);
    }

    #[inline]
    fn push_ticked(&self, columns: &mut EventColumns, slot: (U256, i32, u128)) {
        let (sqrt_price_x96, tick, liquidity) = slot;
        columns.pool_state.push(&self.state(&State {
            sqrt_price_x96: Some(sqrt_price_x96),
            tick: Some(tick),
            liquidity: Some(liquidity),
            ..State::default()
        }));
    }

    #[inline]
    fn state(&self, state: &State) -> PoolState<'a> {
        PoolState {
            event_ns: self.event_ns,
            recv_ns: self.recv_ns,
            source: self.shared.source,
            chain_id: self.shared.chain_id,
            block_number: self.log.block_number,
            block_hash: *self.log.block_hash,
            log_index: Some(self.log.log_index),
            pool: *self.log.address,
            protocol: self.protocol,
            dex: self.shared.dex,
            cause: "log",
            sequence: self.log.log_index.into(),
            reserve0: state.reserve0,
            reserve1: state.reserve1,
            sqrt_price_x96: state.sqrt_price_x96,
            liquidity: state.liquidity,
            tick: state.tick,
        }
    }
}
