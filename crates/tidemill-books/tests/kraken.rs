//! Kraken's frames: books and trades of its first WebSocket interface.
#![allow(clippy::unwrap_used)] // a test may fail

use proptest::prelude::*;
use tidemill_books::kraken::read;
use tidemill_books::{Connection, Read};

const CONNECTION: Connection<'_> = Connection { source: "kraken", name: "one" };

fn read_one(frame: &str) -> Read {
    read(&CONNECTION, 0, [(7, frame.as_bytes())])
}

fn fault(frame: &str) -> String {
    read_one(frame).unread.into_iter().map(|unread| unread.detail).collect()
}

#[test]
fn a_change_of_both_sides_is_one_message() {
    let read = read_one(
        r#"[1,{"a":[["0.06","1.5","1618678133.365913","r"]]},
            {"b":[["0.05","0.00000000","1618678133.465913"]],"c":"974942666"},"book-10","XMR/USD"]"#,
    );
    assert_eq!((read.changes.len(), read.snapshots.len(), read.next_sequence), (2, 0, 1));
    let batch = read.changes.finish().unwrap();
    assert_eq!(batch.num_rows(), 2);
}

#[test]
fn a_book_begins_with_both_sides_and_the_digits_that_the_venue_writes() {
    let read = read_one(
        r#"[1,{"as":[["0.06000","1.50000000","1618678133.365913"]],"bs":[["0.05000","2.00000000","1618678133.1"]]},
            "book-10","XMR/USD"]"#,
    );
    assert_eq!((read.changes.len(), read.snapshots.len()), (2, 1));
}

#[test]
fn a_list_of_trades_is_a_row_each() {
    let frame = r#"[0,[["5541.2","0.158","1534614057.321597","s","l",""],["6060.0","0.02","1534614057.3","b","l",""]],
        "trade","XBT/USD"]"#;
    assert_eq!(read_one(frame).trades.len(), 2);
    assert_eq!(fault(&frame.replace("\"s\"", "\"x\"")), "expected side b or s, found x");
}

#[test]
fn what_is_told_of_the_connection_is_silent_unless_it_is_an_error() {
    assert_eq!(fault(r#"{"event":"heartbeat"}"#), "");
    assert_eq!(fault(r#"{"event":"systemStatus","status":"online"}"#), "");
    let refused =
        r#"{"event":"subscriptionStatus","status":"error","errorMessage":"no such pair","pair":"A/B"}"#;
    assert_eq!(fault(refused), "expected a subscription of A/B, found \"no such pair\"");
}

#[test]
fn what_is_wrong_with_a_message_is_said_with_its_pair() {
    let frame = r#"[1,{"a":[["0.06","1.5","1618678133.3"]],"c":"1"},"book-10","XMR/USD"]"#;
    assert_eq!(fault(frame), "");
    for (from, to, expected) in [
        ("0.06", "-1", "expected a decimal, found -1"),
        ("1618678133.3", "soon", "expected a time in s, found soon"),
        ("\"1\"", "\"x\"", "expected a checksum, found x"),
        ("book-10", "weather", "expected channel book or trade, found weather"),
        ("[[\"0.06\",\"1.5\",\"1618678133.3\"]]", "[]", "expected levels, found none"),
    ] {
        let read = read_one(&frame.replace(from, to));
        assert_eq!(read.unread[0].detail, expected);
        assert_eq!(read.unread[0].instruments, ["XMR/USD"]);
        assert!(read.changes.is_empty());
    }
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_refused(frame in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read(&CONNECTION, 0, [(7, frame.as_slice())]).unread.len() <= 1);
    }

    #[test]
    fn a_damaged_frame_is_read_or_refused(at in 0_usize..120, byte in any::<u8>()) {
        let mut frame = br#"[1,{"a":[["0.06","1.5","1618678133.365913","r"]]},{"b":[["0.05","0","1618678133.4"]],"c":"9"},"book-10","X/Y"]"#.to_vec();
        let at = at.min(frame.len() - 1);
        frame[at] = byte;
        let read = read(&CONNECTION, 0, [(7, frame.as_slice())]);
        prop_assert!(read.unread.len() <= 1);
        prop_assert!(read.changes.len() <= 2);
    }
}
