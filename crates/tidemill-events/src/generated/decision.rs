//! Every event's fields. Written by `make generate`; do not edit.

use crate::column::{Choice, Hash, Name, Nanos, Text, I256};
use crate::event;

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
