//! Why there is no answer: what was expected, what was found, and the HTTP status that says who must act.

use std::time::Duration;

use hyper::StatusCode;
use tidemill_pools::query::{DecimalsFault, QueryError};

/// Why a request has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Fault {
    /// There is no such page.
    #[error("path: expected GET /health, POST /api/pool, GET /api/metrics or GET /metrics, found {0}")]
    Path(String),
    /// The page is there, and takes another method.
    #[error("method: expected {expected}, found {found}")]
    Method {
        /// The method that the page takes.
        expected: &'static str,
        /// The request's.
        found: String,
    },
    /// The body is larger than the server takes.
    #[error("body: expected at most {0} bytes, found more")]
    TooLarge(usize),
    /// The body did not arrive whole.
    #[error("body: expected all of it, it broke off")]
    BrokenBody,
    /// The body did not arrive in time.
    #[error("body: expected all of it within {} ms, found a part", .0.as_millis())]
    SlowBody(Duration),
    /// The body is no question for a pool.
    #[error("body: expected {{\"chain_id\", \"pool_address\", \"dex_type\"}} as JSON: {0}")]
    Body(String),
    /// The address is none.
    #[error("pool_address: expected 0x and 40 hex digits, found {0:?}")]
    Address(String),
    /// No kind of pool has that name.
    #[error("dex_type: expected one of {expected}, found {found:?}")]
    DexType {
        /// The names that are known.
        expected: String,
        /// The name that came.
        found: String,
    },
    /// No endpoint of that chain is configured.
    #[error("chain_id: expected one of {expected}, found {found}")]
    Chain {
        /// The chains that are configured.
        expected: String,
        /// The number that came.
        found: u64,
    },
    /// The chain was read, and the pool has no reserves to tell.
    #[error("chain {chain}: {error}")]
    Pool {
        /// The chain's name.
        chain: String,
        /// Why.
        error: QueryError,
    },
    /// A token's own number of decimals is absurd or absent: its raw amounts mean nothing to people.
    #[error("chain {chain}: pool {pool}: token {token}: {fault}; reserves are raw amounts")]
    Decimals {
        /// The chain's name.
        chain: String,
        /// The pool's address.
        pool: String,
        /// The token's address.
        token: String,
        /// What it says.
        fault: DecimalsFault,
    },
    /// No endpoint of the chain gave an answer that can be used.
    #[error("chain {chain}: {said}")]
    Endpoint {
        /// The chain's name.
        chain: String,
        /// What the last endpoint did.
        said: String,
    },
    /// As many requests wait for the chain as may.
    #[error(
        "chain {chain}: expected at most {waiting_max} requests to wait for it, found as many; try again"
    )]
    Busy {
        /// The chain's name.
        chain: String,
        /// How many may wait.
        waiting_max: usize,
    },
    /// The chain's answer did not come in time.
    #[error("chain {chain}: expected an answer within {} ms, found none", .waited.as_millis())]
    Slow {
        /// The chain's name.
        chain: String,
        /// How long the request may take.
        waited: Duration,
    },
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
}

impl Fault {
    /// Returns the HTTP status: 4xx where the question must change, 5xx where it may be asked again.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Body(_) | Self::Address(_) | Self::DexType { .. } | Self::BrokenBody => {
                StatusCode::BAD_REQUEST
            }
            Self::Path(_) | Self::Chain { .. } => StatusCode::NOT_FOUND,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::SlowBody(_) => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Pool { error, .. } => status_of(error),
            Self::Decimals { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Endpoint { .. } => StatusCode::BAD_GATEWAY,
            Self::Busy { .. } | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            Self::Slow { .. } => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// Returns the seconds after which the same request may pass; `None` where waiting does not help.
    pub(crate) fn retry_after_s(&self) -> Option<u64> {
        matches!(self, Self::Busy { .. } | Self::Stopping).then_some(1)
    }
}

/// Returns the status of a pool that was asked and gave no reserves.
fn status_of(error: &QueryError) -> StatusCode {
    match error {
        QueryError::NotContract { .. } | QueryError::UnknownPool { .. } => StatusCode::NOT_FOUND,
        QueryError::Needed { error, .. } => status_of(error),
        QueryError::Locked { .. } => StatusCode::CONFLICT,
        QueryError::Answers { .. } => StatusCode::BAD_GATEWAY,
        QueryError::WrongKind { .. }
        | QueryError::Reverted { .. }
        | QueryError::Malformed { .. }
        | QueryError::Range { .. }
        | QueryError::Empty { .. }
        | QueryError::Tokens { .. }
        | QueryError::Contradictory { .. }
        | QueryError::Ticks { .. }
        | QueryError::Endless { .. } => StatusCode::UNPROCESSABLE_ENTITY,
    }
}
