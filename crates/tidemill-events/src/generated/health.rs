//! Every event's fields. Written by `make generate`; do not edit.

use crate::column::{Choice, Name, Nanos, Text};
use crate::event;

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
