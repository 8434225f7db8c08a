//! Polymarket's frames: the recorded ones give rows, and nothing that comes does more than be refused.
#![allow(clippy::unwrap_used)] // a test may fail

use std::path::Path;

use proptest::prelude::*;
use tidemill_books::polymarket::read;
use tidemill_books::{BookSet, Connection, Ordering, Read, Rule, Side, ONE};

const CONNECTION: Connection<'_> = Connection { source: "polymarket", name: "one" };
const RECV_NS: i64 = 1_790_000_000_000_000_000;

fn read_one(frame: &[u8]) -> Read {
    read(&CONNECTION, 0, false, [(RECV_NS, frame)])
}

fn changes(frame: &str) -> (usize, Vec<String>) {
    let read = read_one(frame.as_bytes());
    (read.changes.len(), read.unread.into_iter().map(|unread| unread.detail).collect())
}

fn recorded(name: &str) -> Option<Vec<u8>> {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/polymarket/ws_samples/nautilus");
    let frame = std::fs::read(folder.join(name)).ok();
    if frame.is_none() {
        eprintln!("{name} is not there: nothing was tested");
    }
    frame
}

#[test]
fn the_three_generations_of_a_change_say_the_same() {
    let newest = r#"{"event_type":"price_change","market":"0x1","timestamp":"1757908892351","price_changes":
        [{"asset_id":"7","price":"0.5","size":"10","side":"BUY","hash":"ab","best_bid":"0.5","best_ask":"1"}]}"#;
    let listed = r#"{"event_type":"price_change","market":"0x1","timestamp":"1757908892351","asset_id":"7",
        "hash":"ab","changes":[{"price":".5","size":"10","side":"BUY"}]}"#;
    let flat = r#"{"event_type":"price_change","market":"0x1","timestamp":"1757908892351","asset_id":"7",
        "hash":"ab","price":"0.50","size":"10.0","side":"BUY"}"#;
    let batches = [newest, listed, flat].map(|frame| read_one(frame.as_bytes()).changes.finish().unwrap());
    for batch in &batches {
        assert_eq!(batch.num_rows(), 1);
        let told = ["best_bid", "best_ask"].map(|name| batch.schema().index_of(name).unwrap());
        let kept = |batch: &arrow_array::RecordBatch| {
            let columns: Vec<usize> = (0..batch.num_columns()).filter(|at| !told.contains(at)).collect();
            batch.project(&columns).unwrap()
        };
        assert_eq!(kept(batch), kept(&batches[0]));
    }
}

#[test]
fn a_frame_is_one_message_or_an_array_of_them() {
    let one = r#"{"event_type":"price_change","market":"0x1","timestamp":"1757908892351","asset_id":"7",
        "price":"0.5","size":"10","side":"BUY"}"#;
    assert_eq!(changes(one).0, 1);
    assert_eq!(changes(&format!("[{one},{one}]")).0, 2);
    assert_eq!(read_one(format!("[{one},{one}]").as_bytes()).next_sequence, 2);
}

#[test]
fn keepalives_say_nothing() {
    for frame in ["PONG", "PING", "", " \n", "{}"] {
        let read = read_one(frame.as_bytes());
        assert_eq!((read.unread.len(), read.next_sequence), (0, 0), "{frame:?}");
    }
}

#[test]
fn a_message_counts_as_a_whole_or_not_at_all() {
    let frame = r#"{"event_type":"price_change","market":"0x1","timestamp":"1757908892351","price_changes":
        [{"asset_id":"7","price":"0.5","size":"10","side":"BUY"},
         {"asset_id":"8","price":"1.5","size":"10","side":"BUY"}]}"#;
    let read = read_one(frame.as_bytes());
    assert!(read.changes.is_empty());
    assert_eq!(read.unread[0].instruments, ["7", "8"]);
}

#[test]
fn what_is_wrong_with_a_message_is_said() {
    let change = |from: &str, to: &str| {
        let frame = r#"{"event_type":"price_change","timestamp":"1757908892351","asset_id":"7","price":"0.5",
            "size":"10","side":"BUY"}"#;
        changes(&frame.replace(from, to)).1.join("")
    };
    assert_eq!(change("", ""), "");
    assert!(change("\"7\"", "\"seven\"").starts_with("expected a token's number, found seven"));
    assert!(change("BUY", "HOLD").starts_with("expected side BUY or SELL, found \"HOLD\""));
    assert!(change("0.5", "1.01").starts_with("expected a price from 0 to 1, found 1.01"));
    assert!(change("0.5", "-0.5").starts_with("expected a decimal"));
    assert!(change("\"10\"", "\"\"").starts_with("expected a size, found none"));
    assert!(change("1757908892351", "1757908892").starts_with("expected a timestamp in ms"));
    assert!(change("1757908892351", "1999908892351").starts_with("expected a timestamp at most 60 s ahead"));
    assert!(change("\"price_change\"", "null").starts_with("expected an event_type"));
    assert!(change("{", "").starts_with("expected a message"));
}

#[test]
fn a_recorded_book_has_its_best_levels_last_and_is_kept_with_them_first() {
    for (name, bid, ask, levels) in [
        ("py__ws_messages__book.json", 511, 514, 162),
        ("rs__ws_market_book_msg.json", 500, 510, 4),
        ("py__http_responses__book.json", 100, 140, 12),
        ("rs__clob_book_response.json", 500, 510, 6),
    ] {
        let Some(frame) = recorded(name) else { return };
        let read = read_one(&frame);
        assert_eq!((read.snapshots.len(), read.changes.len()), (1, levels), "{name}");
        let (whole, changes) = (read.snapshots.finish().unwrap(), read.changes.finish().unwrap());
        let instruments =
            arrow_array::cast::AsArray::as_string::<i32>(whole.column_by_name("instrument").unwrap());
        let instrument = instruments.value(0).to_owned();
        let mut books =
            BookSet::new("polymarket".to_owned(), Rule { ordering: Ordering::Time, ..Rule::default() });
        books.follow(instrument.clone());
        books.apply(Some(&whole), Some(&changes)).unwrap();
        let book = books.live(&instrument).unwrap();
        assert_eq!(book.top().bid.unwrap().price, bid * ONE / 1_000);
        assert_eq!(book.top().ask.unwrap().price, ask * ONE / 1_000);
        assert_eq!(book.levels(Side::Bid).count() + book.levels(Side::Ask).count(), levels);
    }
}

#[test]
fn recorded_frames_of_other_kinds_are_handed_on_as_they_came() {
    for name in [
        "rs__ws_market_new_market_msg.json",
        "rs__ws_market_resolved_msg.json",
        "py__ws_messages__user_trade1.json",
    ] {
        let Some(frame) = recorded(name) else { return };
        let read = read_one(&frame);
        assert_eq!(read.others.len(), 1, "{name}");
        assert_eq!(read.others[0].json, frame);
    }
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_refused(frame in prop::collection::vec(any::<u8>(), 0..300)) {
        let read = read_one(&frame);
        prop_assert!(read.unread.len() <= 1);
    }

    #[test]
    fn a_damaged_frame_is_read_or_refused(at in 0_usize..260, byte in any::<u8>(), cut in any::<bool>()) {
        let mut frame = br#"[{"event_type":"book","market":"0x1","asset_id":"7","timestamp":"1757908892351","hash":"a",
            "bids":[{"price":".48","size":"30"}],"asks":[{"price":".52","size":"25"}],"tick_size":"0.01"}]"#.to_vec();
        let at = at.min(frame.len() - 1);
        frame[at] = byte;
        if cut {
            frame.truncate(at);
        }
        let read = read_one(&frame);
        prop_assert!(read.snapshots.len() <= 1);
        prop_assert!(read.snapshots.len() + read.others.len() + read.unread.len() <= 1);
    }
}
