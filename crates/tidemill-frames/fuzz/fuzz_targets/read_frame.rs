//! Whatever bytes come, a frame, a log's fields or a record are read or refused; nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidemill_pools::uniswap_v2::V2Event;
use tidemill_pools::uniswap_v3::V3Event;
use tidemill_pools::{Log, Patch};

/// First topics of the logs that are decoded, by the first byte of the input.
const TOPICS: [&str; 7] = [
    "1c411e9a96e071241c2f21f7726b17ae89e3cab4c78be50e062b03a9fffbbad1",
    "d78ad95fa46c994b6551d0da85fc275fe613ce37657fb8d5e3d130840159d822",
    "4c209b5fc8ad50758f13e2e1088ba56a560dff690a1c6fef26394f4c03821c4f",
    "c42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67",
    "19b47279256b2a23a1665c810c8d55a1758940ee09377d4f8d26497a3577dc83",
    "7a53080ba414158be7ec69b987b5fb7d07dee101fe85488f0853ae16239d0bde",
    "98636036cb66a9c19a37435efc1e90142190214e8abeb821bdba3f2990dd4c95",
];

fuzz_target!(|bytes: &[u8]| {
    let _ = tidemill_frames::read_frame(bytes);
    let _ = tidemill_frames::parse_bytes(bytes);
    let _ = tidemill_frames::parse_head(bytes);
    let _ = tidemill_frames::parse_logs(bytes);
    if let Ok(Some(block)) = tidemill_frames::parse_receipts(bytes) {
        let _ = tidemill_proof::prove(&block.receipts, &block.logs);
    }
    let _ = tidemill_frames::read_frames([bytes, bytes]);
    let _ = Patch::from_bytes(bytes);
    decode(bytes);
});

/// Decodes a log of a known kind whose topics and data are the input.
fn decode(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else { return };
    let name = TOPICS[usize::from(*kind) % TOPICS.len()];
    let first = std::array::from_fn(|at| u8::from_str_radix(&name[2 * at..2 * at + 2], 16).unwrap_or(0));
    let mut topics = vec![first];
    let (words, _) = rest.as_chunks::<32>();
    let indexed = usize::from(*kind) / TOPICS.len() % 4;
    topics.extend(words.iter().take(indexed));
    let log = Log {
        address: &[1; 20],
        topics: &topics,
        data: rest.get(32 * indexed..).unwrap_or_default(),
        block_number: 1,
        block_hash: &[2; 32],
        tx_hash: &[3; 32],
        tx_index: 0,
        log_index: 0,
    };
    let _ = V2Event::decode(&log);
    let _ = V3Event::decode(&log);
}
