//! Whatever bytes come, a frame is read or refused; nothing panics.

use proptest::prelude::*;
use tidemill_frames::{parse_bytes, parse_head, parse_logs, parse_receipts, read_frame, read_frames};

const FRAMES: [&str; 5] = [
    r#"{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"0x1","result":{"number":"0x2","hash":"0x96cfa0fb5e50b0a3f6cc76f3299cfbf48f17e8b41798d1394474e67ec8a97e9f","parentHash":"0x96cfa0fb5e50b0a3f6cc76f3299cfbf48f17e8b41798d1394474e67ec8a97e9f","timestamp":"0x3","gasUsed":"0x4","gasLimit":"0x5","baseFeePerGas":"0x6"}}}"#,
    r#"{"method":"eth_subscription","params":{"subscription":"0x1","result":{"address":"0x8ad599c3a0ff1de082011efddc58f1908eb6e6d8","topics":["0x96cfa0fb5e50b0a3f6cc76f3299cfbf48f17e8b41798d1394474e67ec8a97e9f"],"data":"0x0102","blockNumber":"0x1","blockHash":"0x96cfa0fb5e50b0a3f6cc76f3299cfbf48f17e8b41798d1394474e67ec8a97e9f","transactionHash":"0x96cfa0fb5e50b0a3f6cc76f3299cfbf48f17e8b41798d1394474e67ec8a97e9f","transactionIndex":"0x0","logIndex":"0x7","removed":false}}}"#,
    r#"[{"id":1,"result":[]},{"id":2,"error":{"code":-32000,"message":"\u00e9","data":null}}]"#,
    r#"[{"address":"0x8ad599c3a0ff1de082011efddc58f1908eb6e6d8","topics":[],"data":"0x","blockNumber":"0x1","blockHash":"0x96cfa0fb5e50b0a3f6cc76f3299cfbf48f17e8b41798d1394474e67ec8a97e9f","transactionHash":"0x96cfa0fb5e50b0a3f6cc76f3299cfbf48f17e8b41798d1394474e67ec8a97e9f","transactionIndex":"0x0","logIndex":"0x7"}]"#,
    r#"[{"transactionHash":"0x96cfa0fb5e50b0a3f6cc76f3299cfbf48f17e8b41798d1394474e67ec8a97e9f","transactionIndex":"0x0","blockHash":"0x96cfa0fb5e50b0a3f6cc76f3299cfbf48f17e8b41798d1394474e67ec8a97e9f","blockNumber":"0x1","from":"0x8ad599c3a0ff1de082011efddc58f1908eb6e6d8","cumulativeGasUsed":"0x5208","status":"0x1","type":"0x7e","depositNonce":"0x1","depositReceiptVersion":"0x1","logs":[{"address":"0x8ad599c3a0ff1de082011efddc58f1908eb6e6d8","topics":["0x96cfa0fb5e50b0a3f6cc76f3299cfbf48f17e8b41798d1394474e67ec8a97e9f"],"data":"0x01","blockNumber":"0x1","blockHash":"0x96cfa0fb5e50b0a3f6cc76f3299cfbf48f17e8b41798d1394474e67ec8a97e9f","transactionHash":"0x96cfa0fb5e50b0a3f6cc76f3299cfbf48f17e8b41798d1394474e67ec8a97e9f","transactionIndex":"0x0","logIndex":"0x0"}]}]"#,
];

fn read_everything(bytes: &[u8]) {
    let _ = read_frame(bytes);
    let _ = parse_bytes(bytes);
    let _ = parse_head(bytes);
    let _ = parse_logs(bytes);
    if let Ok(Some(block)) = parse_receipts(bytes) {
        let _ = tidemill_proof::prove(&block.receipts, &block.logs);
    }
    let _ = read_frames([bytes, bytes]);
}

proptest! {
    #[test]
    fn random_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        read_everything(&bytes);
    }

    #[test]
    fn mutated_frames_are_read_or_refused(
        frame in proptest::sample::select(&FRAMES),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 1..6),
    ) {
        let mut bytes = frame.as_bytes().to_vec();
        for (place, byte, kind) in edits {
            let place = place.index(bytes.len());
            match kind {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                _ => bytes.truncate(place.max(1)),
            }
        }
        read_everything(&bytes);
    }
}

#[test]
fn deep_nesting_is_refused_or_passed_over_without_using_up_the_stack() {
    read_everything("[".repeat(1_000_000).as_bytes());
    let deep = format!(r#"{{"id":1,"x":{}1{},"result":1}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert!(read_frame(deep.as_bytes()).is_ok());
}
