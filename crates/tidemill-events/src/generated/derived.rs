//! Every event's fields. Written by `make generate`; do not edit.

use crate::column::{Address, Choice, Hash, Name, Nanos, Text, I256, U128, U256};
use crate::event;

event! {
    /// A path of swaps that begins and ends with one token and, on the state after a block, pays more than it
    "opportunity" Opportunity OpportunityColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        chain_id: u64,
        block_number: u64,
        block_hash: Hash,
        opportunity: Hash,
        kind: Choice,
        token: Address,
        hop_count: u8,
        rank: u32,
        amount_in: U256,
        gross_profit: U256,
        flash_premium: U256,
        gas: Option<u64>,
        gas_price_wei: Option<U256>,
        fee_wei: Option<U256>,
        net_profit: Option<U256>,
        net_profit_wei: Option<U256>,
        break_even_gas_price_wei: Option<U256>,
        net_profit_usd: Option<f64>,
        usd_per_unit: Option<f64>,
        usd_pool_1: Option<Address>,
        usd_token_1: Option<Address>,
        usd_pool_2: Option<Address>,
        usd_token_2: Option<Address>,
    }
}

event! {
    /// One swap of an opportunity, with the state of pool or order book that its amounts come from.
    "opportunity_hop" OpportunityHop OpportunityHopColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        chain_id: u64,
        block_number: u64,
        block_hash: Hash,
        opportunity: Hash,
        hop: u8,
        pool: Address,
        protocol: Name,
        dex: Name,
        instrument: Option<Text>,
        token_in: Address,
        token_out: Address,
        amount_in: U256,
        amount_out: U256,
        ticks_crossed: u32,
        reserve0: Option<U128>,
        reserve1: Option<U128>,
        sqrt_price_x96: Option<U256>,
        liquidity: Option<U128>,
        tick: Option<i32>,
        levels: Option<Text>,
        taker_fee_ppm: Option<u32>,
        lot_size: Option<Text>,
        called: Option<Address>,
        extra: Option<Text>,
    }
}

event! {
    /// What became of an opportunity: when it died, who took it, and what it would have paid later.
    "opportunity_autopsy" OpportunityAutopsy OpportunityAutopsyColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        chain_id: u64,
        block_number: u64,
        block_hash: Hash,
        sequence: u64,
        opportunity: Hash,
        path: Hash,
        token: Address,
        hop_count: u8,
        cause: Choice,
        born_block_number: u64,
        born_block_hash: Hash,
        born_ns: Nanos,
        followed_blocks: u32,
        followed_ns: u64,
        died_block_number: Option<u64>,
        taker_tx_hash: Option<Hash>,
        taker_tx_index: Option<u32>,
        taker_tx_count: Option<u32>,
        taker_sender: Option<Address>,
        taker_recipient: Option<Address>,
        taken_token: Option<Address>,
        taken: Option<U256>,
        sent_gross_0: Option<I256>,
        sent_gross_1: Option<I256>,
        sent_gross_2: Option<I256>,
        sent_net_0: Option<I256>,
        sent_net_1: Option<I256>,
        sent_net_2: Option<I256>,
        best_gross_0: Option<U256>,
        best_gross_1: Option<U256>,
        best_gross_2: Option<U256>,
        best_net_0: Option<U256>,
        best_net_1: Option<U256>,
        best_net_2: Option<U256>,
    }
}
