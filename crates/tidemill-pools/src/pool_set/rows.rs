//! How what a log did becomes rows of events.

use tidemill_events::{
    Block, BlockColumns, LiquidityChange, LiquidityChangeColumns, PoolColumns, PoolState, PoolStateColumns,
    Swap, SwapColumns,
};

use crate::chain::{Address, Head, Log};
use crate::kind::{Deed, Moved, Traded};

use super::Tracked;

/// The rows that a set of pools makes.
#[derive(Debug, Default)]
pub struct EventColumns {
    /// Blocks.
    pub block: BlockColumns,
    /// Pools that became known.
    pub pool: PoolColumns,
    /// Swaps.
    pub swap: SwapColumns,
    /// Mints and burns.
    pub liquidity_change: LiquidityChangeColumns,
    /// States of pools.
    pub pool_state: PoolStateColumns,
}

impl EventColumns {
    /// Returns the number of rows of all events.
    pub fn len(&self) -> usize {
        self.block.len()
            + self.pool.len()
            + self.swap.len()
            + self.liquidity_change.len()
            + self.pool_state.len()
    }

    /// Says whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the rows, and leaves room for as many: the next are most likely about as many.
    #[must_use]
    pub fn take(&mut self) -> Self {
        let taken = std::mem::take(self);
        self.swap.reserve(taken.swap.len());
        self.pool_state.reserve(taken.pool_state.len());
        taken
    }
}

/// Why a pool's state is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A log of this index changed it.
    Log(u32),
    /// It was read from the chain; the number counts the chain's corrections.
    Bootstrap(u64),
    /// Blocks were reverted; the number counts the chain's corrections.
    Reorg(u64),
}

impl Cause {
    const fn name(self) -> &'static str {
        match self {
            Self::Log(_) => "log",
            Self::Bootstrap(_) => "bootstrap",
            Self::Reorg(_) => "reorg",
        }
    }

    const fn sequence(self) -> u64 {
        match self {
            Self::Log(log_index) => log_index as u64,
            Self::Bootstrap(sequence) | Self::Reorg(sequence) => sequence,
        }
    }
}

/// What all rows of one block share.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The chain's name in the events.
    pub source: &'a str,
    /// The chain's id.
    pub chain_id: u64,
    /// The block.
    pub head: &'a Head,
    /// When the frame that completed the block was read, ns since 1970-01-01 UTC.
    pub recv_ns: i64,
}

pub(super) fn push_block(columns: &mut EventColumns, origin: &Origin<'_>, log_count: usize) {
    let Head { number, hash, parent_hash, base_fee_wei, gas_used, gas_limit, .. } = *origin.head;
    columns.block.push(&Block {
        event_ns: origin.head.event_ns(),
        recv_ns: origin.recv_ns,
        source: origin.source,
        chain_id: origin.chain_id,
        block_number: number,
        block_hash: hash,
        parent_hash,
        base_fee_wei,
        gas_used,
        gas_limit,
        log_count: u32::try_from(log_count).unwrap_or(u32::MAX),
    });
}

pub(super) fn push_pool(
    columns: &mut EventColumns,
    origin: &Origin<'_>,
    tracked: &Tracked,
    log: Option<&Log<'_>>,
) {
    let Tracked { spec, pool } = tracked;
    columns.pool.push(&tidemill_events::Pool {
        event_ns: origin.head.event_ns(),
        recv_ns: origin.recv_ns,
        source: origin.source,
        chain_id: origin.chain_id,
        block_number: origin.head.number,
        block_hash: origin.head.hash,
        tx_hash: log.map(|log| *log.tx_hash),
        log_index: log.map(|log| log.log_index),
        pool: spec.address,
        protocol: pool.protocol(),
        dex: &spec.dex,
        factory: spec.factory,
        token0: spec.token0,
        token1: spec.token1,
        fee_ppm: pool.fee_ppm(),
        tick_spacing: pool.tick_spacing(),
    });
}

pub(super) fn push_state(columns: &mut EventColumns, origin: &Origin<'_>, tracked: &Tracked, cause: Cause) {
    let state = tracked.pool.state();
    columns.pool_state.push(&PoolState {
        event_ns: origin.head.event_ns(),
        recv_ns: origin.recv_ns,
        source: origin.source,
        chain_id: origin.chain_id,
        block_number: origin.head.number,
        block_hash: origin.head.hash,
        log_index: if let Cause::Log(log_index) = cause { Some(log_index) } else { None },
        pool: tracked.spec.address,
        protocol: tracked.pool.protocol(),
        dex: &tracked.spec.dex,
        cause: cause.name(),
        sequence: cause.sequence(),
        reserve0: state.reserve0,
        reserve1: state.reserve1,
        sqrt_price_x96: state.sqrt_price_x96,
        liquidity: state.liquidity,
        tick: state.tick,
    });
}

pub(super) fn push_deed(
    columns: &mut EventColumns,
    origin: &Origin<'_>,
    tracked: &Tracked,
    told: (&Log<'_>, &Deed),
) {
    let (log, deed) = told;
    let row = DeedRow {
        event_ns: origin.head.event_ns(),
        recv_ns: origin.recv_ns,
        source: origin.source,
        chain_id: origin.chain_id,
        protocol: tracked.pool.protocol(),
        dex: &tracked.spec.dex,
        pool: tracked.spec.address,
        log,
    };
    row.push(columns, deed);
}

/// What a swap's row and a mint's or burn's have in common: where the log is that tells of it.
#[derive(Debug, Clone, Copy)]
pub struct DeedRow<'a> {
    /// The block's time, ns since 1970-01-01 UTC.
    pub event_ns: i64,
    /// When the frame that completed the block was read, ns since 1970-01-01 UTC.
    pub recv_ns: i64,
    /// The chain's name in the events.
    pub source: &'a str,
    /// The chain's id.
    pub chain_id: u64,
    /// The kind of pool.
    pub protocol: &'static str,
    /// The exchange.
    pub dex: &'a str,
    /// The pool, which need not be the contract that emitted the log.
    pub pool: Address,
    /// The log.
    pub log: &'a Log<'a>,
}

impl DeedRow<'_> {
    /// Adds the row of `deed` to the columns of its event.
    #[inline]
    pub fn push(&self, columns: &mut EventColumns, deed: &Deed) {
        match deed {
            Deed::Swap(traded) => columns.swap.push(&self.swap(traded)),
            Deed::Liquidity(moved) => columns.liquidity_change.push(&self.liquidity_change(moved)),
        }
    }

    #[inline]
    fn swap(&self, traded: &Traded) -> Swap<'_> {
        Swap {
            event_ns: self.event_ns,
            recv_ns: self.recv_ns,
            source: self.source,
            chain_id: self.chain_id,
            block_number: self.log.block_number,
            block_hash: *self.log.block_hash,
            tx_hash: *self.log.tx_hash,
            tx_index: self.log.tx_index,
            log_index: self.log.log_index,
            pool: self.pool,
            protocol: self.protocol,
            dex: self.dex,
            sender: traded.sender,
            recipient: traded.recipient,
            token0: traded.tokens.map(|[token0, _]| token0),
            token1: traded.tokens.map(|[_, token1]| token1),
            amount0_in: traded.amount0_in,
            amount1_in: traded.amount1_in,
            amount0_out: traded.amount0_out,
            amount1_out: traded.amount1_out,
            sqrt_price_x96: traded.sqrt_price_x96,
            liquidity: traded.liquidity,
            tick: traded.tick,
        }
    }

    fn liquidity_change(&self, moved: &Moved) -> LiquidityChange<'_> {
        LiquidityChange {
            event_ns: self.event_ns,
            recv_ns: self.recv_ns,
            source: self.source,
            chain_id: self.chain_id,
            block_number: self.log.block_number,
            block_hash: *self.log.block_hash,
            tx_hash: *self.log.tx_hash,
            tx_index: self.log.tx_index,
            log_index: self.log.log_index,
            pool: self.pool,
            protocol: self.protocol,
            dex: self.dex,
            kind: if moved.is_mint { "mint" } else { "burn" },
            owner: moved.owner,
            amount0: moved.amount0,
            amount1: moved.amount1,
            liquidity: moved.liquidity,
            tick_lower: moved.tick_lower,
            tick_upper: moved.tick_upper,
        }
    }
}
