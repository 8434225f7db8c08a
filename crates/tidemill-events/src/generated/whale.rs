//! Every event's fields. Written by `make generate`; do not edit.

use crate::column::{Address, Choice, Fixed18, Hash, Name, Nanos, Text};
use crate::event;

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
