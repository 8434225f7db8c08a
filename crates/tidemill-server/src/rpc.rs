//! One JSON-RPC question to one endpoint over HTTP, bounded in time and size; URLs never appear in a message.

use std::sync::Arc;
use std::time::Duration;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue, AUTHORIZATION, CONTENT_TYPE};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use percent_encoding::percent_decode_str;
use rustls::crypto::ring::default_provider;
use rustls::{ClientConfig, RootCertStore};
use tidemill_frames::{read_frame, Frame};

use crate::StartError;

/// An answer of 500 calls is far below it.
const ANSWER_BYTES_MAX: usize = 32 << 20;
const IDLE: Duration = Duration::from_secs(30);
/// Source: JSON-RPC 2.0, error codes.
const INVALID_PARAMS: i64 = -32602;
/// Characters of a node's own words that a message repeats.
const SAID_CHARS_MAX: usize = 200;

/// Why an endpoint gave no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RpcFault {
    /// It was not reached, is busy, or what it said is no answer: another endpoint may do better.
    Unreachable(String),
    /// It answered that the call failed: asking for less may help.
    Refused(String),
    /// It does not understand how the question is put.
    Params(String),
}

impl RpcFault {
    /// Returns its words.
    pub(crate) fn said(self) -> String {
        match self {
            Self::Unreachable(said) | Self::Refused(said) | Self::Params(said) => said,
        }
    }
}

/// What is used to reach all endpoints, with its pool of connections.
pub(crate) type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// One endpoint.
#[derive(Clone)]
pub(crate) struct Endpoint {
    client: HttpClient,
    uri: Uri,
    authorization: Option<HeaderValue>,
    timeout: Duration,
}

/// Returns what reaches endpoints over http and, where `with_tls`, over https.
pub(crate) fn client(with_tls: bool, connect_timeout: Duration) -> Result<HttpClient, StartError> {
    let mut http = HttpConnector::new();
    http.set_nodelay(true);
    http.enforce_http(false);
    http.set_connect_timeout(Some(connect_timeout));
    let builder = HttpsConnectorBuilder::new();
    let builder = if with_tls {
        let found = builder.with_provider_and_native_roots(default_provider());
        found.map_err(|error| StartError::Certificates(error.to_string()))?
    } else {
        builder.with_tls_config(trusting_none()?)
    };
    let connector = builder.https_or_http().enable_http1().wrap_connector(http);
    Ok(Client::builder(TokioExecutor::new()).pool_idle_timeout(IDLE).build(connector))
}

impl Endpoint {
    /// Returns the endpoint at `url`; a user and a password in it become the header that they stand for.
    pub(crate) fn new(client: HttpClient, url: &str, timeout: Duration) -> Option<Self> {
        let (url, authorization) = credentials(url)?;
        let uri: Uri = url.parse().ok()?;
        let has_scheme = matches!(uri.scheme_str(), Some("http" | "https"));
        (has_scheme && uri.host().is_some()).then_some(Self { client, uri, authorization, timeout })
    }

    /// Returns host and port: what may be shown of the endpoint.
    pub(crate) fn name(&self) -> String {
        self.uri.authority().map(ToString::to_string).unwrap_or_default()
    }

    /// Returns the result, as JSON, of `method` with `params`, a JSON array.
    pub(crate) async fn call(&self, method: &str, params: &str) -> Result<Bytes, RpcFault> {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        let answer = tokio::time::timeout(self.timeout, self.post(body)).await;
        let bytes = answer.unwrap_or_else(|_| {
            Err(RpcFault::Unreachable(format!("no answer within {} ms", self.timeout.as_millis())))
        })?;
        result_of(&bytes)
    }

    async fn post(&self, body: String) -> Result<Bytes, RpcFault> {
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(value) = &self.authorization {
            request.headers_mut().insert::<HeaderName>(AUTHORIZATION, value.clone());
        }
        let response = self.client.request(request).await.map_err(|error| {
            let why = if error.is_connect() { "cannot be reached" } else { "broke off" };
            RpcFault::Unreachable(why.to_owned())
        })?;
        let status = response.status();
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            return Err(RpcFault::Refused("answered HTTP 413: the question is too large".to_owned()));
        }
        if status.is_redirection()
            || status.is_server_error()
            || matches!(status.as_u16(), 401 | 403 | 404 | 408 | 429)
        {
            return Err(RpcFault::Unreachable(format!("answered HTTP {}", status.as_u16())));
        }
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        body.map(http_body_util::Collected::to_bytes).map_err(|error| {
            match error.downcast::<LengthLimitError>() {
                Ok(_) => RpcFault::Refused(format!("the answer exceeds {ANSWER_BYTES_MAX} bytes")),
                Err(_) => RpcFault::Unreachable("the answer broke off".to_owned()),
            }
        })
    }
}

/// Returns a TLS that accepts no server: reading the system's certificates takes time, and no URL needs them.
fn trusting_none() -> Result<ClientConfig, StartError> {
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let config = config.with_safe_default_protocol_versions();
    let config = config.map_err(|error| StartError::Certificates(error.to_string()))?;
    Ok(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// Returns `url` without its user and password, and the header that says these.
fn credentials(url: &str) -> Option<(String, Option<HeaderValue>)> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let Some((user, host)) = authority.rsplit_once('@') else { return Some((url.to_owned(), None)) };
    let plain: Vec<u8> = percent_decode_str(user).collect();
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(plain))).ok()?;
    value.set_sensitive(true);
    Some((format!("{scheme}://{host}{path}"), Some(value)))
}

/// Returns what the node answered; what it refused is classed by what may help.
fn result_of(bytes: &Bytes) -> Result<Bytes, RpcFault> {
    match read_frame(bytes) {
        Ok(Frame::Answer { result, .. }) => Ok(bytes.slice_ref(result)),
        Ok(Frame::AnswerError { code, message, .. }) => {
            let shown: String = message.chars().take(SAID_CHARS_MAX).collect();
            let said = format!("answered {code}: {shown}");
            Err(if code == INVALID_PARAMS {
                RpcFault::Params(said)
            } else if is_of_the_call(code, &message.to_ascii_lowercase()) {
                RpcFault::Refused(said)
            } else {
                RpcFault::Unreachable(said)
            })
        }
        Ok(_) => Err(RpcFault::Unreachable("expected an answer, found another frame".to_owned())),
        Err(error) => Err(RpcFault::Unreachable(error.to_string())),
    }
}

/// Says whether an error is about the call itself, rather than about the node: nodes agree on neither codes
/// nor words.
fn is_of_the_call(code: i64, message: &str) -> bool {
    let is_busy = ["rate", "too many requests", "capacity", "throttl", "busy"];
    if code == 429 || is_busy.iter().any(|word| message.split_whitespace().any(|said| said.starts_with(word)))
    {
        return false;
    }
    let words =
        ["revert", "out of gas", "outofgas", "gas limit", "timeout", "timed out", "too large", "too big"];
    let more = ["response size", "invalid opcode", "stack", "exceed", "oversized"];
    code == 3 || words.iter().chain(&more).any(|word| message.contains(word))
}
