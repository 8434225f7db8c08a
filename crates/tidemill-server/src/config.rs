//! What the server has to be told: where it listens, its limits, and the endpoints of each chain.

use std::time::Duration;

use serde::Deserialize;
use tidemill_pools::Address;

use crate::StartError;

/// All that is told to the server; every field is given, for the defaults are the settings' own.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Address or name to listen at.
    pub host: String,
    /// Port to listen at; 0 for any that is free.
    pub port: u16,
    /// No answer is of a state older than this; 0 keeps none.
    pub cache_duration_ms: u64,
    /// Pools that are kept for each chain; the one asked longest ago makes room.
    pub cache_pools_max: usize,
    /// How long a question waits for others of its chain to be asked with.
    pub batch_window_ms: u64,
    /// Connections that are open at a time; further ones wait to be accepted.
    pub connections_max: usize,
    /// Requests of each chain that wait for it at a time; further ones are shed.
    pub waiting_max: usize,
    /// Bytes of a request's body.
    pub body_bytes_max: usize,
    /// How long a request may take, its body's arrival included.
    pub request_timeout_ms: u64,
    /// How long a connection may take to send a request's head, or be idle between two.
    pub idle_timeout_ms: u64,
    /// How long an endpoint may take to answer one question.
    pub answer_timeout_ms: u64,
    /// How long requests in flight have to finish when the server stops.
    pub stop_timeout_ms: u64,
    /// Threads that serve.
    pub threads: usize,
    /// The chains whose pools can be asked for.
    pub chains: Vec<ChainConfig>,
}

/// A chain and who answers for it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainConfig {
    /// The chain's name, for messages.
    pub name: String,
    /// Its number.
    pub chain_id: u64,
    /// JSON-RPC endpoints, the first one first; they hold secrets and are never shown.
    pub http_urls: Vec<String>,
    /// Multicall3's address.
    pub multicall: String,
    /// Calls in one `eth_call`; halved when an endpoint finds it too much.
    pub multicall_calls: usize,
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// Where `json` is none.
    pub fn read(json: &[u8]) -> Result<Self, StartError> {
        // The parser's own words quote what was found, which may be a secret: only the place is told.
        serde_json::from_slice(json)
            .map_err(|error| StartError::Config { line: error.line(), column: error.column() })
    }

    /// Returns how long a state is good for.
    pub(crate) fn cache_duration(&self) -> Duration {
        Duration::from_millis(self.cache_duration_ms)
    }
}

impl ChainConfig {
    /// Returns Multicall3's address as bytes.
    pub(crate) fn multicall(&self) -> Result<Address, StartError> {
        parse_address(&self.multicall)
            .ok_or_else(|| StartError::Multicall { chain: self.name.clone(), found: self.multicall.clone() })
    }
}

/// Returns the address that `text` spells: 0x and 40 hex digits.
pub(crate) fn parse_address(text: &str) -> Option<Address> {
    let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 40)?;
    const_hex::decode_to_array(digits).ok()
}
