//! Every event's fields. Written by `make generate`; do not edit.

use crate::column::{Address, Choice, Hash, Name, Nanos, Text, U128, U256};
use crate::event;

event! {
    /// One block of a chain whose tracked logs are all here.
    "block" Block BlockColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        chain_id: u64,
        block_number: u64,
        block_hash: Hash,
        parent_hash: Hash,
        base_fee_wei: Option<U256>,
        gas_used: u64,
        gas_limit: u64,
        log_count: u32,
    }
}

event! {
    /// One block left the canonical chain, or came back to it.
    "reorg" Reorg ReorgColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        chain_id: u64,
        block_number: u64,
        block_hash: Hash,
        kind: Choice,
        sequence: u64,
    }
}

event! {
    /// A pool became known, from its factory's event or by reading the chain.
    "pool" Pool PoolColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        chain_id: u64,
        block_number: u64,
        block_hash: Hash,
        tx_hash: Option<Hash>,
        log_index: Option<u32>,
        pool: Address,
        protocol: Name,
        dex: Name,
        factory: Address,
        token0: Address,
        token1: Address,
        fee_ppm: Option<u32>,
        tick_spacing: Option<i32>,
    }
}

event! {
    /// A token's own description, as its contract gave it.
    "token" Token TokenColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        chain_id: u64,
        block_number: u64,
        token: Address,
        symbol: Option<Text>,
        decimals: Option<u32>,
    }
}

event! {
    /// How a token's balances move, as a trial on the chain's own state showed, which changed nothing.
    "token_trial" TokenTrial TokenTrialColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        chain_id: u64,
        token: Address,
        holder: Address,
        block_number: Option<u64>,
        nature: Option<Choice>,
    }
}

event! {
    /// One exchange of tokens with a pool; what came in and what went out, seen from the pool.
    "swap" Swap SwapColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        chain_id: u64,
        block_number: u64,
        block_hash: Hash,
        tx_hash: Hash,
        tx_index: u32,
        log_index: u32,
        pool: Address,
        protocol: Name,
        dex: Name,
        sender: Option<Address>,
        recipient: Option<Address>,
        token0: Option<Address>,
        token1: Option<Address>,
        amount0_in: U256,
        amount1_in: U256,
        amount0_out: U256,
        amount1_out: U256,
        sqrt_price_x96: Option<U256>,
        liquidity: Option<U128>,
        tick: Option<i32>,
    }
}

event! {
    /// Liquidity added to a pool or taken from it.
    "liquidity_change" LiquidityChange LiquidityChangeColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        chain_id: u64,
        block_number: u64,
        block_hash: Hash,
        tx_hash: Hash,
        tx_index: u32,
        log_index: u32,
        pool: Address,
        protocol: Name,
        dex: Name,
        kind: Choice,
        owner: Address,
        amount0: U256,
        amount1: U256,
        liquidity: Option<U128>,
        tick_lower: Option<i32>,
        tick_upper: Option<i32>,
    }
}

event! {
    /// A pool's state after the log, or at the block, that is named here.
    "pool_state" PoolState PoolStateColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        chain_id: u64,
        block_number: u64,
        block_hash: Hash,
        log_index: Option<u32>,
        pool: Address,
        protocol: Name,
        dex: Name,
        cause: Choice,
        sequence: u64,
        reserve0: Option<U128>,
        reserve1: Option<U128>,
        sqrt_price_x96: Option<U256>,
        liquidity: Option<U128>,
        tick: Option<i32>,
    }
}
