//! Does the server keep its promises to those who ask, to those who misbehave, and to those it reads from.
//!
//! Chains are small HTTP servers that answer as nodes do; clients are plain sockets.
#![allow(clippy::unwrap_used, clippy::panic)] // a test's own machinery fails as its asserts do

mod chain;
mod client;
mod hostile;
mod queries;
mod sharing;
mod stopping;
