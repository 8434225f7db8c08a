//! Every event's fields. Written by `make generate`; do not edit.

use crate::column::{Address, Choice, Fixed18, Hash, Name, Nanos, Text, I256, U128, U256};
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

event! {
    /// One transaction that swapped in a circle: what it paid, what it gained, what it cost.
    "arbitrage" Arbitrage ArbitrageColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        chain_id: u64,
        block_number: u64,
        block_hash: Hash,
        tx_hash: Text,
        tx_index: u32,
        kind: Choice,
        shape: Option<Choice>,
        sandwich_role: Option<Choice>,
        sender: Option<Text>,
        contract: Option<Text>,
        account: Option<Text>,
        circle_count: u32,
        hop_count: u32,
        protocols: Text,
        pools: Text,
        tokens: Text,
        token: Option<Text>,
        amount_in: Option<U256>,
        amount_out: Option<U256>,
        profit: Option<I256>,
        gains: Option<Text>,
        loan_source: Option<Text>,
        loan_token: Option<Text>,
        loan_amount: Option<U256>,
        loan_fee: Option<U256>,
        gas_used: Option<u64>,
        gas_price_wei: Option<U256>,
        base_fee_wei: Option<U256>,
        priority_fee_wei: Option<U256>,
        gas_cost_wei: Option<U256>,
        tip_wei: Option<U256>,
        profit_native_wei: Option<I256>,
        net_profit_native_wei: Option<I256>,
        profit_usd: Option<f64>,
        net_profit_usd: Option<f64>,
        confidence: Option<f64>,
    }
}

event! {
    /// One transaction that swapped in a circle, with every feature that is declared in `tidemill.schema.features`.
    "arbitrage_transaction" ArbitrageTransaction ArbitrageTransactionColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        chain_id: u64,
        block_number: u64,
        block_hash: Hash,
        tx_hash: Text,
        tx_index: u32,
        kind: Choice,
        shape: Option<Choice>,
        sandwich_role: Option<Choice>,
        sender: Option<Text>,
        contract: Option<Text>,
        account: Option<Text>,
        circle_count: u32,
        hop_count: u32,
        protocols: Text,
        pools: Text,
        tokens: Text,
        token: Option<Text>,
        amount_in: Option<U256>,
        amount_out: Option<U256>,
        profit: Option<I256>,
        gains: Option<Text>,
        loan_source: Option<Text>,
        loan_token: Option<Text>,
        loan_amount: Option<U256>,
        loan_fee: Option<U256>,
        gas_used: Option<u64>,
        gas_price_wei: Option<U256>,
        base_fee_wei: Option<U256>,
        priority_fee_wei: Option<U256>,
        gas_cost_wei: Option<U256>,
        tip_wei: Option<U256>,
        profit_native_wei: Option<I256>,
        net_profit_native_wei: Option<I256>,
        profit_usd: Option<f64>,
        net_profit_usd: Option<f64>,
        confidence: Option<f64>,
        edge_bps: Option<f64>,
        pool_spread_bps: Option<f64>,
        entry_volatility_5s: Option<f64>,
        entry_volatility_1m: Option<f64>,
        entry_volatility_5m: Option<f64>,
        entry_volatility_24h: Option<f64>,
        exit_volatility_5s: Option<f64>,
        exit_volatility_1m: Option<f64>,
        exit_volatility_5m: Option<f64>,
        exit_volatility_24h: Option<f64>,
        entry_range_bps_1m: Option<f64>,
        entry_range_bps_5m: Option<f64>,
        entry_range_bps_24h: Option<f64>,
        entry_return_1m: Option<f64>,
        entry_return_5m: Option<f64>,
        entry_return_24h: Option<f64>,
        entry_rsi_1m: Option<f64>,
        entry_rsi_5m: Option<f64>,
        entry_rsi_24h: Option<f64>,
        entry_bollinger_position_5m: Option<f64>,
        entry_bollinger_position_24h: Option<f64>,
        entry_bollinger_width_5m: Option<f64>,
        entry_bollinger_width_24h: Option<f64>,
        entry_vwap_gap_bps_1m: Option<f64>,
        entry_vwap_gap_bps_5m: Option<f64>,
        entry_vwap_gap_bps_24h: Option<f64>,
        entry_swaps_5s: Option<f64>,
        entry_swaps_1m: Option<f64>,
        entry_swaps_5m: Option<f64>,
        entry_swaps_24h: Option<f64>,
        exit_swaps_1m: Option<f64>,
        exit_swaps_5m: Option<f64>,
        exit_swaps_24h: Option<f64>,
        entry_flow_imbalance_1m: Option<f64>,
        entry_flow_imbalance_5m: Option<f64>,
        entry_flow_imbalance_24h: Option<f64>,
        exit_flow_imbalance_1m: Option<f64>,
        exit_flow_imbalance_5m: Option<f64>,
        exit_flow_imbalance_24h: Option<f64>,
        entry_volume_change_1m: Option<f64>,
        entry_volume_change_5m: Option<f64>,
        entry_size_spread_5m: Option<f64>,
        entry_size_spread_24h: Option<f64>,
        entry_size_tail_24h: Option<f64>,
        depth_imbalance: Option<f64>,
        entry_depth_change_5m: Option<f64>,
        entry_depth_change_24h: Option<f64>,
        entry_turnover_24h: Option<f64>,
        base_fee_gwei: Option<f64>,
        gas_price_gwei: Option<f64>,
        priority_fee_gwei: Option<f64>,
        block_position: Option<f64>,
        base_fee_trend_1m: Option<f64>,
        base_fee_trend_5m: Option<f64>,
        base_fee_trend_24h: Option<f64>,
        base_fee_relative_5m: Option<f64>,
        base_fee_relative_24h: Option<f64>,
        base_fee_spread_5m: Option<f64>,
        parent_fullness: Option<f64>,
        congestion_1m: Option<f64>,
        congestion_5m: Option<f64>,
        congestion_24h: Option<f64>,
        blocks_1m: Option<f64>,
        blocks_5m: Option<f64>,
        block_interval_5m_s: Option<f64>,
        block_interval_rms_5m_s: Option<f64>,
        priority_fee_relative_1m: Option<f64>,
        priority_fee_relative_5m: Option<f64>,
        priority_fee_relative_24h: Option<f64>,
        rivals_priority_fee_median_gwei_5m: Option<f64>,
        rivals_priority_fee_median_gwei_24h: Option<f64>,
        rivals_priority_fee_p90_5m_gwei: Option<f64>,
        failure_rate_5m: Option<f64>,
        failure_rate_24h: Option<f64>,
        pool_failure_rate_24h: Option<f64>,
        sandwich_probability: Option<f64>,
        impermanent_loss_5m: Option<f64>,
        impermanent_loss_24h: Option<f64>,
        loss_versus_rebalancing_5m: Option<f64>,
        loss_versus_rebalancing_24h: Option<f64>,
        token_failure_rate_24h: Option<f64>,
        unexplained: Option<f64>,
        token_risk: Option<f64>,
        competition_risk: Option<f64>,
        execution_risk: Option<f64>,
        risk_score: Option<f64>,
        risk_parts: Option<f64>,
        bid_share: Option<f64>,
        bid_native: Option<f64>,
        rivals_5s: Option<f64>,
        rivals_1m: Option<f64>,
        rivals_5m: Option<f64>,
        rivals_24h: Option<f64>,
        pool_rivals_1m: Option<f64>,
        pool_rivals_5m: Option<f64>,
        pool_rivals_24h: Option<f64>,
        route_rivals_5m: Option<f64>,
        route_rivals_24h: Option<f64>,
        searcher_share_5m: Option<f64>,
        searcher_share_24h: Option<f64>,
        searcher_failure_rate_24h: Option<f64>,
        rivals_bid_share_5m: Option<f64>,
        rivals_bid_share_24h: Option<f64>,
        profit_relative_5m: Option<f64>,
        profit_relative_24h: Option<f64>,
        gas_relative_24h: Option<f64>,
    }
}

event! {
    /// What can go wrong with an opportunity, by what happened to arbitrages through the same pools before.
    "opportunity_risk" OpportunityRisk OpportunityRiskColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        chain_id: u64,
        block_number: u64,
        block_hash: Hash,
        opportunity: Hash,
        known_block_number: Option<u64>,
        sandwich_probability: Option<f64>,
        impermanent_loss_24h: Option<f64>,
        token_risk: Option<f64>,
        competition_risk: Option<f64>,
        execution_risk: Option<f64>,
        risk_score: Option<f64>,
        risk_parts: u8,
    }
}

event! {
    /// A range of blocks of one source, and what is known of its completeness.
    "coverage" Coverage CoverageColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        connection: Text,
        sequence: u64,
        from_block: u64,
        to_block: u64,
        status: Choice,
        proof: Choice,
        log_count: u64,
        cause: Text,
    }
}

event! {
    /// A connection changed its state.
    "health" Health HealthColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        connection: Text,
        sequence: u64,
        endpoint: Text,
        state: Choice,
        detail: Text,
    }
}

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

event! {
    /// A whole book begins: what was known of it before is void.
    "book_snapshot" BookSnapshot BookSnapshotColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        connection: Text,
        sequence: u64,
        market: Option<Text>,
        instrument: Text,
        bid_count: u32,
        ask_count: u32,
        last_update: Option<u64>,
        price_decimals: Option<u8>,
        size_decimals: Option<u8>,
        checksum: Option<u32>,
        hash: Option<Text>,
        hash_check: Option<Choice>,
        tick_size: Option<Fixed18>,
        order_size_min: Option<Fixed18>,
        last_trade_price: Option<Fixed18>,
    }
}

event! {
    /// One level of a book has this size now.
    "book_change" BookChange BookChangeColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        connection: Text,
        sequence: u64,
        row: u32,
        instrument: Text,
        cause: Choice,
        side: Choice,
        price: Fixed18,
        size: Fixed18,
        first_update: Option<u64>,
        last_update: Option<u64>,
        checksum: Option<u32>,
        hash: Option<Text>,
        best_bid: Option<Fixed18>,
        best_ask: Option<Fixed18>,
    }
}

event! {
    /// The best bid and ask changed.
    "book_top" BookTop BookTopColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        connection: Text,
        sequence: u64,
        instrument: Text,
        cause: Choice,
        bid_price: Option<Fixed18>,
        bid_size: Option<Fixed18>,
        ask_price: Option<Fixed18>,
        ask_size: Option<Fixed18>,
    }
}

event! {
    /// A kept book became reliable, or ceased to be.
    "book_status" BookStatus BookStatusColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        connection: Text,
        sequence: u64,
        instrument: Text,
        state: Choice,
        detail: Text,
    }
}

event! {
    /// One match between a taker and makers, as the venue publishes it.
    "trade" Trade TradeColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        connection: Text,
        sequence: u64,
        row: u32,
        market: Option<Text>,
        instrument: Text,
        price: Fixed18,
        size: Option<Fixed18>,
        taker_side: Option<Choice>,
        trade_id: Option<Text>,
        tx_hash: Option<Hash>,
        fee_bps: Option<Fixed18>,
    }
}

event! {
    /// A trade, seen from one wallet that took part in it.
    "wallet_trade" WalletTrade WalletTradeColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        connection: Text,
        sequence: u64,
        row: u32,
        channel: Name,
        market: Option<Text>,
        instrument: Text,
        wallet: Address,
        side: Choice,
        role: Option<Choice>,
        price: Fixed18,
        size: Fixed18,
        tx_hash: Option<Hash>,
        slug: Option<Text>,
        outcome: Option<Text>,
        pseudonym: Option<Text>,
        amount: Option<Fixed18>,
        fee: Option<Fixed18>,
        fee_size: Option<Fixed18>,
        counterparty: Option<Address>,
        order_hash: Option<Hash>,
        exchange: Option<Address>,
        chain_id: Option<u64>,
        block_number: Option<u64>,
        block_hash: Option<Hash>,
        tx_index: Option<u32>,
        log_index: Option<u32>,
    }
}

event! {
    /// One instrument of a market, as the venue's directory describes it.
    "market" Market MarketColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        connection: Text,
        sequence: u64,
        row: u32,
        market: Text,
        instrument: Text,
        slug: Option<Text>,
        question: Option<Text>,
        outcome: Option<Text>,
        outcome_index: Option<u32>,
        tick_size: Option<Fixed18>,
        order_size_min: Option<Fixed18>,
        is_neg_risk: Option<u8>,
        is_active: Option<u8>,
        is_closed: Option<u8>,
        has_book: Option<u8>,
        end_ns: Option<Nanos>,
    }
}

event! {
    /// A market was listed or settled, or its prices have another step.
    "market_status" MarketStatus MarketStatusColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        connection: Text,
        sequence: u64,
        row: u32,
        market: Text,
        change: Choice,
        instrument: Text,
        outcome: Option<Text>,
        tick_size: Option<Fixed18>,
        tick_size_before: Option<Fixed18>,
        is_winning: Option<u8>,
        slug: Option<Text>,
        question: Option<Text>,
    }
}

event! {
    /// An order of the configured account changed.
    "own_order" OwnOrder OwnOrderColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        connection: Text,
        sequence: u64,
        row: u32,
        market: Text,
        instrument: Text,
        order_id: Text,
        change: Choice,
        status: Text,
        side: Choice,
        price: Fixed18,
        size: Fixed18,
        matched_size: Option<Fixed18>,
        order_type: Option<Name>,
        created_ns: Option<Nanos>,
        expires_ns: Option<Nanos>,
    }
}

event! {
    /// An order that took part in a match with the configured account, and how far that is settled.
    "own_fill" OwnFill OwnFillColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        connection: Text,
        sequence: u64,
        row: u32,
        market: Text,
        instrument: Text,
        trade_id: Text,
        order_id: Text,
        role: Choice,
        is_own: Option<u8>,
        status: Choice,
        side: Option<Choice>,
        price: Fixed18,
        size: Fixed18,
        fee_bps: Option<Fixed18>,
        tx_hash: Option<Hash>,
        matched_ns: Option<Nanos>,
    }
}

event! {
    /// A price from outside, by which markets are settled.
    "reference_price" ReferencePrice ReferencePriceColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        connection: Text,
        sequence: u64,
        row: u32,
        channel: Name,
        instrument: Text,
        price: Fixed18,
    }
}

event! {
    /// One trade of a whale, told once, whether its venue or its chain was first.
    "whale_trade" WhaleTrade WhaleTradeColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        detected_ns: Nanos,
        source: Name,
        connection: Text,
        sequence: u64,
        chain_id: Option<u64>,
        block_number: Option<u64>,
        block_hash: Option<Hash>,
        trader_address: Address,
        market_id: Option<Text>,
        token_id: Text,
        row: u32,
        trade_id: Text,
        order_id: Text,
        side: Choice,
        size: Fixed18,
        price: Fixed18,
        amount: Fixed18,
        role: Option<Choice>,
        reason: Choice,
        state: Choice,
        usual_amount: Option<Fixed18>,
        is_copied: u8,
        pseudonym: Option<Text>,
        tx_hash: Option<Hash>,
        log_index: Option<u32>,
    }
}

event! {
    /// How far a trade that was told is settled now.
    "whale_settlement" WhaleSettlement WhaleSettlementColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        detected_ns: Nanos,
        source: Name,
        connection: Text,
        sequence: u64,
        chain_id: Option<u64>,
        block_number: Option<u64>,
        block_hash: Option<Hash>,
        trader_address: Address,
        market_id: Option<Text>,
        token_id: Text,
        trade_id: Text,
        state: Choice,
        size: Fixed18,
        tx_hash: Option<Hash>,
    }
}

event! {
    /// Trades of one wallet, in one token and on one side, each soon after the last: split orders joined.
    "whale_order" WhaleOrder WhaleOrderColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        detected_ns: Nanos,
        source: Name,
        connection: Text,
        sequence: u64,
        chain_id: Option<u64>,
        block_number: Option<u64>,
        block_hash: Option<Hash>,
        trader_address: Address,
        market_id: Option<Text>,
        token_id: Text,
        order_id: Text,
        status: Choice,
        side: Choice,
        size: Fixed18,
        price: Fixed18,
        amount: Fixed18,
        trade_count: u32,
        first_ns: Nanos,
        reason: Choice,
        usual_amount: Option<Fixed18>,
    }
}

event! {
    /// A whale's position in one token changed, as far as its trades were seen.
    "whale_position" WhalePosition WhalePositionColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        detected_ns: Nanos,
        source: Name,
        connection: Text,
        sequence: u64,
        chain_id: Option<u64>,
        block_number: Option<u64>,
        block_hash: Option<Hash>,
        trader_address: Address,
        market_id: Option<Text>,
        token_id: Text,
        change: Choice,
        size: Fixed18,
        size_before: Fixed18,
        average_price: Option<Fixed18>,
        realized_pnl: Option<Fixed18>,
        unseen_size: Option<Fixed18>,
    }
}

event! {
    /// Something looks like manipulation; the evidence says why, and proves nothing of intent.
    "whale_alert" WhaleAlert WhaleAlertColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        detected_ns: Nanos,
        source: Name,
        connection: Text,
        sequence: u64,
        chain_id: Option<u64>,
        block_number: Option<u64>,
        block_hash: Option<Hash>,
        alert_id: Text,
        kind: Choice,
        trader_address: Option<Address>,
        counterparty: Option<Address>,
        market_id: Option<Text>,
        token_id: Text,
        detail: Text,
        evidence: Text,
    }
}

event! {
    /// A wallet was first funded by another one, by which wallets are taken together.
    "whale_link" WhaleLink WhaleLinkColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        detected_ns: Nanos,
        source: Name,
        connection: Text,
        sequence: u64,
        chain_id: Option<u64>,
        block_number: Option<u64>,
        block_hash: Option<Hash>,
        wallet: Address,
        funder: Address,
        token: Address,
        amount: Fixed18,
        tx_hash: Hash,
        log_index: u32,
    }
}

event! {
    /// A whale's trade followed on paper, after the stated delay; as it would be live, no reorg undoes it.
    "whale_copy" WhaleCopy WhaleCopyColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        detected_ns: Nanos,
        source: Name,
        connection: Text,
        sequence: u64,
        chain_id: Option<u64>,
        block_number: Option<u64>,
        block_hash: Option<Hash>,
        trader_address: Address,
        market_id: Option<Text>,
        token_id: Text,
        trade_id: Text,
        status: Choice,
        side: Choice,
        size: Fixed18,
        price: Option<Fixed18>,
        price_kind: Option<Choice>,
        price_ns: Option<Nanos>,
        whale_price: Fixed18,
        delay_ms: u64,
        position_size: Fixed18,
        average_price: Option<Fixed18>,
        realized_pnl: Option<Fixed18>,
    }
}

event! {
    /// A trade came into a state; its last event says where it is now. Amounts are raw units of `token`.
    "execution" Execution ExecutionColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        chain_id: u64,
        execution_id: Hash,
        sequence: u32,
        mode: Choice,
        state: Choice,
        signal_digest: Hash,
        idempotency_key: Option<Text>,
        token: Address,
        amount: U256,
        loan_source: Choice,
        route: Text,
        expected_profit_usd: Option<f64>,
        simulated_profit: Option<I256>,
        simulated_block: Option<u64>,
        first_profit: Option<I256>,
        last_profit: Option<I256>,
        realised_profit: Option<I256>,
        simulated_profit_usd: Option<f64>,
        realised_profit_usd: Option<f64>,
        gas_used: Option<u64>,
        effective_gas_price_wei: Option<U256>,
        fee_wei: Option<U256>,
        tx_hash: Option<Hash>,
        nonce: Option<u64>,
        block_number: Option<u64>,
        block_hash: Option<Hash>,
        reason: Option<Text>,
    }
}

event! {
    /// An opportunity was judged, or an answer came; the last event of an opportunity says where it is.
    "decision" Decision DecisionColumns {
        event_ns: Nanos,
        recv_ns: Nanos,
        source: Name,
        chain_id: u64,
        block_number: u64,
        opportunity: Hash,
        sequence: u8,
        mode: Choice,
        state: Choice,
        reason: Text,
        idempotency_key: Text,
        net_profit_usd: Option<f64>,
        expected_profit_usd: Option<f64>,
        min_profit: Option<I256>,
        risk_score: Option<f64>,
        gas_trend: Option<Name>,
        gas_forecast_gwei: Option<f64>,
        gas_high_gwei: Option<f64>,
        predictor: Option<Name>,
        market_state: Option<Name>,
        slippage_percent: Option<f64>,
        priority_fee_gwei: Option<f64>,
    }
}
