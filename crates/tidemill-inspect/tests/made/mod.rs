//! Blocks made by hand: addresses are a byte repeated, amounts small.

#![allow(dead_code, clippy::unwrap_used, clippy::format_collect)] // each test file needs a part; a test that fails says so

use serde_json::{json, Value};
use tidemill_inspect::{inspect, Facts};

pub const WRAPPED: [u8; 20] = [0xaa; 20];
pub const TRANSFER: &str = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";
pub const V2_SWAP: &str = "0xd78ad95fa46c994b6551d0da85fc275fe613ce37657fb8d5e3d130840159d822";
pub const DEPOSIT: &str = "0xe1fffcc4923d04b559f4d29a8bfc6cda04eb5b0d3c460751c2402c5c5cc9109c";

pub const WITHDRAWAL: &str = "0x7fcf532c15f0a6db0bd6d0e038bea71d30d808c7d98cb3bf7268a95bf5081b65";

pub fn facts() -> Facts {
    Facts {
        wrapped: Some(WRAPPED),
        stables: vec![([0x5d; 20], 6)],
        routers: vec![([0x99; 20], "settlement".to_owned())],
    }
}

pub fn address(byte: u8) -> String {
    format!("0x{}", const_hex::encode([byte; 20]))
}

pub fn topic(byte: u8) -> String {
    format!("0x{:0>64}", const_hex::encode([byte; 20]))
}

pub fn words(amounts: &[u64]) -> String {
    let words: String = amounts.iter().map(|amount| format!("{amount:064x}")).collect();
    format!("0x{words}")
}

pub fn transfer(token: u8, from: u8, to: u8, amount: u64) -> Value {
    json!({"address": address(token), "topics": [TRANSFER, topic(from), topic(to)], "data": words(&[amount])})
}

pub fn v2_swap(pool: u8, to: u8, amounts: &[u64; 4]) -> Value {
    json!({"address": address(pool), "topics": [V2_SWAP, topic(9), topic(to)], "data": words(amounts)})
}

pub fn receipt(index: u64, from: u8, to: u8, status: u8, logs: &mut [Value], first_log: usize) -> Value {
    for (at, log) in logs.iter_mut().enumerate() {
        log["logIndex"] = json!(format!("{:#x}", first_log + at));
    }
    json!({
        "transactionHash": format!("0x{index:064x}"), "transactionIndex": format!("{index:#x}"), "blockNumber": "0x10",
        "from": address(from), "to": address(to), "status": format!("{status:#x}"), "cumulativeGasUsed": "0x5208",
        "gasUsed": "0x5208", "effectiveGasPrice": "0x2", "logs": logs,
    })
}

pub fn report(document: &Value) -> Value {
    let told = inspect(document.to_string().as_bytes(), &facts()).unwrap();
    serde_json::from_slice(&told).unwrap()
}

/// A bot (1 by its contract 2) pays 100 of the wrapped coin to pool 11, which pays pool 12, which pays 130 back.
pub fn circle(token: u8, gained: u64) -> Vec<Value> {
    vec![
        transfer(0xaa, 2, 11, 100),
        transfer(token, 11, 12, 500),
        v2_swap(11, 12, &[100, 0, 0, 500]),
        transfer(0xaa, 12, 2, gained),
        v2_swap(12, 2, &[500, 0, 0, gained]),
    ]
}
