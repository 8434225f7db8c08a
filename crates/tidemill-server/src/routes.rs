//! Which page answers what: the three that users know, and the counters for Prometheus.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::Router;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body as _, Bytes};
use hyper::header::{AGE, RETRY_AFTER};
use hyper::Method;
use tidemill_pools::query::{kinds_of, Kind, DEX_TYPES};
use tokio::time::timeout_at;
use tower_http::cors::{Any, CorsLayer};

use crate::body::{self, PoolQuery, Reserves};
use crate::chain::{Chain, Key};
use crate::config::parse_address;
use crate::fault::Fault;
use crate::metrics::Metrics;

/// What every handler needs.
pub(crate) struct App {
    pub(crate) chains: HashMap<u64, Arc<Chain>>,
    /// The chains' numbers and names, for messages.
    pub(crate) known_chains: String,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) body_bytes_max: usize,
    pub(crate) request_timeout: Duration,
}

/// Returns the server's pages.
pub(crate) fn router(app: Arc<App>) -> Router {
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(Any)
        .expose_headers([AGE, RETRY_AFTER, body::BLOCK_NUMBER, body::BLOCK_HASH, body::TOKEN_NATURES]);
    let other = |request: Request| async move { refuse_method("GET", &request) };
    Router::new()
        .route("/health", get(health).fallback(other))
        .route("/api/pool", post(pool).fallback(refuse_method_of_pool))
        .route("/api/metrics", get(metrics).fallback(other))
        .route("/metrics", get(prometheus).fallback(other))
        .fallback(|request: Request| async move { body::fault(&Fault::Path(shown(request.uri().path()))) })
        .layer(cors)
        .with_state(app)
}

async fn health(State(app): State<Arc<App>>) -> Response {
    body::health(app.metrics.uptime_s(Instant::now()))
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    body::metrics(&app.metrics.summary(Instant::now()))
}

async fn prometheus(State(app): State<Arc<App>>) -> Response {
    body::prometheus(app.metrics.prometheus(Instant::now()))
}

async fn pool(State(app): State<Arc<App>>, request: Request) -> Response {
    let started = Instant::now();
    let bytes = app.body_of(request, started).await;
    let query = bytes.as_ref().map_err(Fault::clone).and_then(|bytes| {
        serde_json::from_slice::<PoolQuery<'_>>(bytes).map_err(|error| Fault::Body(error.to_string()))
    });
    let answer = match &query {
        Ok(query) => app.reserves(query, started).await,
        Err(fault) => Err(fault.clone()),
    };
    let is_success = answer.as_ref().is_ok_and(|(reserves, _)| reserves.doubt().is_none());
    app.metrics.answered(is_success, started.elapsed());
    body::pool(query.as_ref().ok().map(|query| query.pool_address.as_ref()), &answer)
}

async fn refuse_method_of_pool(request: Request) -> Response {
    body::pool(None, &Err(wrong_method("POST", &request)))
}

fn refuse_method(expected: &'static str, request: &Request) -> Response {
    body::fault(&wrong_method(expected, request))
}

/// Returns the kinds of pools that a `dex_type` means.
fn kinds_named(dex_type: &str) -> Result<&'static [Kind], Fault> {
    kinds_of(dex_type).ok_or_else(|| {
        let names: Vec<_> = DEX_TYPES.iter().map(|(name, _)| *name).collect();
        Fault::DexType { expected: names.join(", "), found: shown(dex_type) }
    })
}

fn wrong_method(expected: &'static str, request: &Request) -> Fault {
    Fault::Method { expected, found: shown(request.method().as_str()) }
}

/// Returns as much of what was sent as a message shows.
fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

impl App {
    /// Returns the whole body, where it is small enough and arrives in time.
    async fn body_of(&self, request: Request, started: Instant) -> Result<Bytes, Fault> {
        let too_large = Fault::TooLarge(self.body_bytes_max);
        let body = request.into_body();
        if body.size_hint().lower() > self.body_bytes_max as u64 {
            return Err(too_large);
        }
        let whole = Limited::new(body, self.body_bytes_max).collect();
        match timeout_at((started + self.request_timeout).into(), whole).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large),
            Ok(Err(_)) => Err(Fault::BrokenBody),
            Err(_) => Err(Fault::SlowBody(self.request_timeout)),
        }
    }

    /// Returns what the pool holds, and the whole seconds that passed since its chain was asked.
    async fn reserves(&self, query: &PoolQuery<'_>, started: Instant) -> Result<(Arc<Reserves>, u64), Fault> {
        let address =
            parse_address(&query.pool_address).ok_or_else(|| Fault::Address(shown(&query.pool_address)))?;
        let kinds = query.dex_type.as_deref().map_or(Ok(&[][..]), kinds_named)?;
        let chain = self
            .chains
            .get(&query.chain_id)
            .ok_or_else(|| Fault::Chain { expected: self.known_chains.clone(), found: query.chain_id })?;
        let answer = chain.reserves(Key { address, kinds });
        let told = timeout_at((started + self.request_timeout).into(), answer)
            .await
            .map_err(|_| Fault::Slow { chain: chain.name().to_owned(), waited: self.request_timeout })?;
        let (asked, reserves) = told?;
        Ok((reserves, asked.elapsed().as_secs()))
    }
}
