//! Every event's fields. Written by `make generate`; do not edit.

use crate::column::{Address, Choice, Hash, Name, Nanos, Text, I256, U256};
use crate::event;

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
