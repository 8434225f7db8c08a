//! The bodies of requests and answers, field by field as users have them in their scripts.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue, AGE, CONTENT_TYPE, RETRY_AFTER};
use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tidemill_pools::{Address, Hash, TokenNature, U256};
use tidemill_proof::keccak256;

use crate::fault::Fault;
use crate::metrics::Summary;

/// On which block the reserves are.
pub(crate) const BLOCK_NUMBER: HeaderName = HeaderName::from_static("x-block-number");
/// How the balances of each token move, in the pool's own order.
pub(crate) const TOKEN_NATURES: HeaderName = HeaderName::from_static("x-token-natures");
/// Its hash.
pub(crate) const BLOCK_HASH: HeaderName = HeaderName::from_static("x-block-hash");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What `POST /api/pool` is asked; further fields are passed over.
#[derive(Debug, Deserialize)]
pub(crate) struct PoolQuery<'a> {
    pub(crate) chain_id: u64,
    #[serde(borrow)]
    pub(crate) pool_address: Cow<'a, str>,
    /// Absent: the chain is asked what the pool is.
    #[serde(borrow)]
    pub(crate) dex_type: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
struct PoolBody<'a> {
    pool_address: Option<&'a str>,
    reserves: Option<&'a RawValue>,
    error: Option<String>,
}

#[derive(Serialize)]
struct FaultBody {
    error: String,
}

#[derive(Serialize)]
struct HealthBody {
    status: &'static str,
    version: &'static str,
    uptime_seconds: u64,
    rust_engine: bool,
}

#[derive(Serialize)]
struct MetricsBody {
    queries_total: u64,
    queries_success: u64,
    queries_failed: u64,
    avg_response_time_ms: f64,
    uptime_seconds: u64,
}

/// A block, as far as an answer tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) number: u64,
    pub(crate) hash: Hash,
}

/// The reserves of a pool after a block, spelt once for all who ask.
#[derive(Debug)]
pub(crate) struct Reserves {
    json: Box<RawValue>,
    number: HeaderValue,
    hash: HeaderValue,
    natures: HeaderValue,
    /// What is wrong with them all the same.
    doubt: Option<Fault>,
}

impl Reserves {
    /// Spells what a pool holds: its tokens in the pool's own order, raw integers.
    ///
    /// # Errors
    /// Where that is no JSON, which cannot be.
    pub(crate) fn spell(
        held: &[(Address, U256)],
        natures: &[Option<TokenNature>],
        block: Block,
        doubt: Option<Fault>,
    ) -> Result<Self, serde_json::Error> {
        let mut json = String::from("{");
        for (index, (_, size)) in held.iter().enumerate() {
            let _ = write!(json, r#""reserve{index}":"{size}","#);
        }
        for (index, (token, _)) in held.iter().enumerate() {
            let comma = if index + 1 < held.len() { "," } else { "" };
            let _ = write!(json, r#""token{index}":"{}"{comma}"#, checksummed(token));
        }
        json.push('}');
        let natures: Vec<_> =
            natures.iter().map(|nature| nature.map_or("unknown", TokenNature::name)).collect();
        let natures = HeaderValue::from_str(&natures.join(", "));
        let hash = HeaderValue::from_str(&const_hex::encode_prefixed(block.hash));
        Ok(Self {
            json: RawValue::from_string(json)?,
            number: HeaderValue::from(block.number),
            hash: hash.unwrap_or(HeaderValue::from_static("")),
            natures: natures.unwrap_or(HeaderValue::from_static("")),
            doubt,
        })
    }

    /// Returns what is wrong with the reserves, if anything is.
    pub(crate) fn doubt(&self) -> Option<&Fault> {
        self.doubt.as_ref()
    }
}

/// Returns an address with the capitals that prove it. Source: EIP-55.
pub(crate) fn checksummed(address: &Address) -> String {
    let mut text = const_hex::encode(address);
    let hash = keccak256(text.as_bytes());
    let nibbles = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    text = text.chars().zip(nibbles).map(|(c, n)| if n > 7 { c.to_ascii_uppercase() } else { c }).collect();
    text.insert_str(0, "0x");
    text
}

/// Returns the answer to `POST /api/pool`; `age_s` is how old the state may be.
pub(crate) fn pool(address: Option<&str>, answer: &Result<(Arc<Reserves>, u64), Fault>) -> Response {
    match answer {
        Ok((reserves, age_s)) => {
            let error = reserves.doubt.as_ref().map(ToString::to_string);
            let status = reserves.doubt.as_ref().map_or(StatusCode::OK, Fault::status);
            let body = PoolBody { pool_address: address, reserves: Some(&reserves.json), error };
            let mut response = json(status, &body);
            let headers = response.headers_mut();
            headers.insert(AGE, HeaderValue::from(*age_s));
            headers.insert(BLOCK_NUMBER, reserves.number.clone());
            headers.insert(BLOCK_HASH, reserves.hash.clone());
            headers.insert(TOKEN_NATURES, reserves.natures.clone());
            response
        }
        Err(fault) => {
            let body = PoolBody { pool_address: address, reserves: None, error: Some(fault.to_string()) };
            refusing(fault, json(fault.status(), &body))
        }
    }
}

/// Returns the answer to what is no question for a pool.
pub(crate) fn fault(fault: &Fault) -> Response {
    refusing(fault, json(fault.status(), &FaultBody { error: fault.to_string() }))
}

/// Returns the answer to `GET /health`.
pub(crate) fn health(uptime_seconds: u64) -> Response {
    let version = env!("CARGO_PKG_VERSION");
    json(StatusCode::OK, &HealthBody { status: "healthy", version, uptime_seconds, rust_engine: true })
}

/// Returns the answer to `GET /api/metrics`.
pub(crate) fn metrics(summary: &Summary) -> Response {
    let body = MetricsBody {
        queries_total: summary.success + summary.failed,
        queries_success: summary.success,
        queries_failed: summary.failed,
        avg_response_time_ms: summary.response_ms,
        uptime_seconds: summary.uptime_s,
    };
    json(StatusCode::OK, &body)
}

/// Returns the answer to `GET /metrics`.
pub(crate) fn prometheus(text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn json<B: Serialize>(status: StatusCode, body: &B) -> Response {
    let bytes = serde_json::to_vec(body).map_or_else(|_| Bytes::new(), Bytes::from);
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

fn refusing(fault: &Fault, mut response: Response) -> Response {
    if let Some(seconds) = fault.retry_after_s() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_the_capitals_that_prove_it() {
        // Source: EIP-55, test cases.
        let known =
            ["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"];
        for text in known {
            let address = crate::config::parse_address(text).unwrap();
            assert_eq!(checksummed(&address), text);
        }
    }

    #[test]
    fn reserves_are_decimal_strings_of_raw_integers_for_as_many_tokens_as_there_are() {
        let held = [([1; 20], U256::MAX), ([2; 20], U256::ZERO), ([3; 20], U256::from(7))];
        let told = Reserves::spell(&held, &[], Block { number: 5, hash: [9; 32] }, None).unwrap();
        let json: serde_json::Value = serde_json::from_str(told.json.get()).unwrap();
        let max = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
        assert_eq!(json["reserve0"], max);
        assert_eq!(json["reserve1"], "0");
        assert_eq!(json["reserve2"], "7");
        assert_eq!(json["token2"], "0x0303030303030303030303030303030303030303");
        assert_eq!(json.as_object().unwrap().len(), 6);
    }
}
