//! How many logs a second come out of a node's answer; prints one JSON line a case.

use std::hint::black_box;
use std::time::Instant;

use tidemill_frames::{parse_logs, read_frame};

const HASH: &str = "0x96cfa0fb5e50b0a3f6cc76f3299cfbf48f17e8b41798d1394474e67ec8a97e9f";
const LOGS: u32 = 10_000;
const ROUNDS: u32 = 20;

fn log(log_index: u32) -> String {
    let data = "0011223344556677".repeat(20);
    format!(
        r#"{{"address":"0x8ad599c3a0ff1de082011efddc58f1908eb6e6d8","topics":["{HASH}","{HASH}","{HASH}"],"data":"0x{data}","blockNumber":"0x1036640","transactionHash":"{HASH}","transactionIndex":"0x2","blockHash":"{HASH}","blockTimestamp":"0x6430ae13","logIndex":"0x{log_index:x}","removed":false}}"#
    )
}

fn report(name: &str, seconds: f64, bytes: usize) {
    let logs_per_s = f64::from(LOGS * ROUNDS) / seconds;
    #[allow(clippy::cast_precision_loss)]
    let mb_per_s = (bytes * ROUNDS as usize) as f64 / seconds / 1e6;
    println!(r#"{{"name":"{name}","logs_per_s":{logs_per_s:.0},"mb_per_s":{mb_per_s:.0}}}"#);
}

fn main() {
    let logs: Vec<String> = (0..LOGS).map(log).collect();
    let answer = format!("[{}]", logs.join(","));
    let start = Instant::now();
    for _ in 0..ROUNDS {
        black_box(parse_logs(black_box(answer.as_bytes()))).ok();
    }
    report("parse_logs_v3_swap", start.elapsed().as_secs_f64(), answer.len());

    let frames: Vec<String> = logs
        .iter()
        .map(|log| format!(r#"{{"jsonrpc":"2.0","method":"eth_subscription","params":{{"subscription":"0x9cef478923ff08bf67fde6c64013158d","result":{log}}}}}"#))
        .collect();
    let start = Instant::now();
    for _ in 0..ROUNDS {
        for frame in &frames {
            black_box(read_frame(black_box(frame.as_bytes()))).ok();
        }
    }
    report("read_frame_log", start.elapsed().as_secs_f64(), frames.iter().map(String::len).sum());
}
