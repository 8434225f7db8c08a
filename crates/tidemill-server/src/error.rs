//! Why the server does not start.

/// Why the server does not start; messages hold no URL, for these hold secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot be read; what stands there may be a secret and is not told.
    #[error("configuration: expected JSON of the pool server's settings, found others at line {line}, column {column}")]
    Config {
        /// Where it is not.
        line: usize,
        /// Where it is not.
        column: usize,
    },
    /// Another process has the port.
    #[error("{host}:{port}: expected a free port, found it taken; set RUST_SERVER_PORT, or pool_server.port, to another")]
    Taken {
        /// Where the server was to listen.
        host: String,
        /// The port.
        port: u16,
    },
    /// The server cannot listen there.
    #[error(
        "{host}:{port}: expected to listen there: {said}; pool_server.host and pool_server.port say where"
    )]
    Listen {
        /// Where the server was to listen.
        host: String,
        /// The port.
        port: u16,
        /// What the system says.
        said: String,
    },
    /// A chain's endpoint is none.
    #[error("chain {chain}: endpoint {number}: expected http:// or https:// and a host, found others")]
    Url {
        /// The chain's name.
        chain: String,
        /// Which of its endpoints, from 1.
        number: usize,
    },
    /// A chain has no endpoint.
    #[error("chain {0}: expected at least one endpoint, found none")]
    NoUrl(String),
    /// Two chains have the same number.
    #[error("chain {chain}: expected another chain_id than an earlier chain has, found {chain_id} again")]
    SameChain {
        /// The chain's name.
        chain: String,
        /// Its number.
        chain_id: u64,
    },
    /// A chain's Multicall3 is no address.
    #[error("chain {chain}: multicall: expected 0x and 40 hex digits, found {found:?}")]
    Multicall {
        /// The chain's name.
        chain: String,
        /// What is there.
        found: String,
    },
    /// The system's certificates, which https needs, cannot be read.
    #[error("certificates: expected the system's, for an endpoint is https: {0}")]
    Certificates(String),
    /// The system gives no threads.
    #[error("threads: expected to start them: {0}")]
    Threads(String),
}
