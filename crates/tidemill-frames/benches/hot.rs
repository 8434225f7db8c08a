//! What the proof of a block's logs costs: one line of JSON. `ONLY=name` runs one, `ITER=n` fixes the number of operations.
#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::time::Instant;

use tidemill_frames::parse_receipts;
use tidemill_proof::prove;

const HASH: &str = "0x96cfa0fb5e50b0a3f6cc76f3299cfbf48f17e8b41798d1394474e67ec8a97e9f";
const TRANSACTIONS: u32 = 200;
const LOGS_EACH: u32 = 3;

fn log(tx_index: u32, log_index: u32) -> String {
    let data = "0011223344556677".repeat(20);
    format!(
        r#"{{"address":"0x8ad599c3a0ff1de082011efddc58f1908eb6e6d8","topics":["{HASH}","{HASH}","{HASH}"],"data":"0x{data}","blockNumber":"0x1036640","transactionHash":"0x{tx_index:064x}","transactionIndex":"{tx_index:#x}","blockHash":"{HASH}","logIndex":"{log_index:#x}","removed":false}}"#
    )
}

fn receipt(tx_index: u32) -> String {
    let first = tx_index * LOGS_EACH;
    let logs: Vec<_> = (first..first + LOGS_EACH).map(|log_index| log(tx_index, log_index)).collect();
    let (gas, logs) = (21_000 * (tx_index + 1), logs.join(","));
    format!(
        r#"{{"transactionHash":"0x{tx_index:064x}","transactionIndex":"{tx_index:#x}","blockHash":"{HASH}","blockNumber":"0x1036640","cumulativeGasUsed":"{gas:#x}","status":"0x1","type":"0x2","logs":[{logs}]}}"#
    )
}

fn main() {
    let receipts: Vec<_> = (0..TRANSACTIONS).map(receipt).collect();
    let answer = format!("[{}]", receipts.join(","));
    let name = "prove_200_receipts";
    if std::env::var("ONLY").is_ok_and(|only| only != name) {
        return;
    }
    let count: u32 = std::env::var("ITER").ok().and_then(|count| count.parse().ok()).unwrap_or(200);
    let start = Instant::now();
    for _ in 0..count {
        let read = parse_receipts(black_box(answer.as_bytes())).unwrap().unwrap();
        black_box(prove(&read.receipts, &read.logs));
    }
    let ns = start.elapsed().as_secs_f64() * 1e9 / f64::from(count);
    println!("{{\"name\":\"{name}\",\"ns\":{ns:.0},\"per_s\":{:.0},\"count\":{count}}}", 1e9 / ns);
}
