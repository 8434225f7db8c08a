//! The pool server: what any pool holds, over HTTP, read from its chain in batches and kept for a stated time.

mod body;
mod cache;
mod chain;
mod config;
mod endpoints;
mod error;
mod fault;
mod listen;
mod metrics;
mod natures;
mod node;
mod reader;
mod routes;
mod rpc;
mod server;

pub use config::{ChainConfig, Config};
pub use error::StartError;
pub use server::{Notify, Server};
