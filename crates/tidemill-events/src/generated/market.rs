//! Every event's fields. Written by `make generate`; do not edit.

use crate::column::{Address, Choice, Fixed18, Hash, Name, Nanos, Text};
use crate::event;

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
