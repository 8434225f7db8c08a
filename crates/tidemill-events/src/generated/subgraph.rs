//! Every event's fields. Written by `make generate`; do not edit.

use crate::column::{Address, Choice, Hash, Name, Nanos, Text, U128, U256};
use crate::event;

event! {
    /// How far an indexer has read the chain, and how far behind the chain's head that is.
    "subgraph_head" SubgraphHead SubgraphHeadColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        connection: Text,
        sequence: u64,
        chain_id: u64,
        block_number: u64,
        block_hash: Hash,
        chain_block_number: Option<u64>,
        lag_blocks: Option<u64>,
        has_indexing_errors: u8,
    }
}

event! {
    /// One exchange of tokens with a pool, as an indexer tells it; seen from the pool.
    "subgraph_swap" SubgraphSwap SubgraphSwapColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        chain_id: u64,
        dex: Name,
        swap_id: Text,
        kind: Choice,
        as_of_block: u64,
        block_number: Option<u64>,
        tx_hash: Hash,
        log_index: Option<u32>,
        pool: Address,
        sender: Option<Address>,
        recipient: Option<Address>,
        token_in: Address,
        token_out: Address,
        amount_in: U256,
        amount_out: U256,
    }
}

event! {
    /// A pool as an indexer has it at one block.
    "subgraph_pool" SubgraphPool SubgraphPoolColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        chain_id: u64,
        dex: Name,
        block_number: u64,
        block_hash: Hash,
        pool_id: Text,
        pool: Address,
        kind: Option<Text>,
        fee_e18: Option<U128>,
        sqrt_price_x96: Option<U256>,
        liquidity: Option<U128>,
        tick: Option<i32>,
        token_count: u32,
    }
}

event! {
    /// What a pool holds of one token, as an indexer has it at one block.
    "subgraph_balance" SubgraphBalance SubgraphBalanceColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        chain_id: u64,
        dex: Name,
        block_number: u64,
        block_hash: Hash,
        pool_id: Text,
        pool: Address,
        token_index: u32,
        token: Address,
        symbol: Option<Text>,
        decimals: u32,
        balance: U256,
    }
}
