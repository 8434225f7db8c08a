//! What the classification of a block costs that was read already: one line of JSON for each file that is named in the arguments.
#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::time::Instant;

use tidemill_inspect::{explain, read_block, Facts};

const ROUNDS: usize = 100;

fn main() {
    let facts = Facts { wrapped: Some(wrapped()), ..Facts::default() };
    for path in std::env::args().skip(1).filter(|argument| !argument.starts_with("--")) {
        let block = read_block(&std::fs::read(&path).unwrap()).unwrap();
        let mut took_ns: Vec<u128> = (0..ROUNDS)
            .map(|_| {
                let start = Instant::now();
                for tx in &block.txs {
                    black_box(explain(tx, &block, &facts));
                }
                start.elapsed().as_nanos()
            })
            .collect();
        took_ns.sort_unstable();
        let (txs, ns) = (block.txs.len(), took_ns[ROUNDS / 2]);
        println!("{{\"name\":{path:?},\"ns\":{ns},\"txs\":{txs}}}");
    }
}

/// Mainnet's wrapped coin, 0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2.
fn wrapped() -> [u8; 20] {
    const_hex::const_decode_to_array(b"C02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2").unwrap()
}
