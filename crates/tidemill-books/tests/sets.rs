//! Books under each rule: what they take, what they skip, and what makes them begin anew.
#![allow(clippy::unwrap_used)] // a test may fail

use std::collections::BTreeMap;

use proptest::prelude::*;
use tidemill_books::{parse, Applied, Book, BookSet, ChecksumKind, Level, Ordering, Origin, Rule, Side, ONE};
use tidemill_events::{BookChange, BookChangeColumns, BookSnapshot, BookSnapshotColumns};

const TICK: i128 = ONE / 100;

#[derive(Clone, Copy)]
struct Told<'a> {
    instrument: &'a str,
    sequence: u64,
    event_ns: i64,
    updates: Option<(u64, u64)>,
    checksum: Option<u32>,
    best: Option<(i128, i128)>,
}

fn told(instrument: &str, sequence: u64) -> Told<'_> {
    let event_ns = i64::try_from(sequence).unwrap();
    Told { instrument, sequence, event_ns, updates: None, checksum: None, best: None }
}

type Set = (Side, i128, i128);

fn push(columns: &mut BookChangeColumns, message: &Told<'_>, cause: &str, sets: &[Set]) {
    for (row, (side, price, size)) in (0..).zip(sets) {
        columns.push(&BookChange {
            event_ns: message.event_ns,
            recv_ns: 0,
            source: "venue",
            connection: "one",
            sequence: message.sequence,
            row,
            instrument: message.instrument,
            cause,
            side: if *side == Side::Bid { "bid" } else { "ask" },
            price: *price,
            size: *size,
            first_update: message.updates.map(|(first, _)| first),
            last_update: message.updates.map(|(_, last)| last),
            checksum: message.checksum,
            hash: None,
            best_bid: message.best.map(|(bid, _)| bid),
            best_ask: message.best.map(|(_, ask)| ask),
        });
    }
}

fn snapshot(books: &mut BookSet, message: &Told<'_>, sets: &[Set]) -> Applied {
    let (mut snapshots, mut levels) = (BookSnapshotColumns::default(), BookChangeColumns::default());
    snapshots.push(&BookSnapshot {
        event_ns: message.event_ns,
        recv_ns: 0,
        source: "venue",
        connection: "one",
        sequence: message.sequence,
        market: None,
        instrument: message.instrument,
        bid_count: 0,
        ask_count: 0,
        last_update: message.updates.map(|(_, last)| last),
        price_decimals: Some(5),
        size_decimals: Some(8),
        checksum: message.checksum,
        hash: None,
        hash_check: None,
        tick_size: None,
        order_size_min: None,
        last_trade_price: None,
    });
    push(&mut levels, message, "snapshot", sets);
    books.apply(Some(&snapshots.finish().unwrap()), Some(&levels.finish().unwrap())).unwrap()
}

fn change(books: &mut BookSet, message: &Told<'_>, sets: &[Set]) -> Applied {
    let mut changes = BookChangeColumns::default();
    push(&mut changes, message, "change", sets);
    books.apply(None, Some(&changes.finish().unwrap())).unwrap()
}

fn books(rule: Rule) -> BookSet {
    let mut books = BookSet::new("venue".to_owned(), rule);
    books.follow("a".to_owned());
    books.follow("b".to_owned());
    books
}

fn by(ordering: Ordering) -> Rule {
    Rule { ordering, ..Rule::default() }
}

const WHOLE: [Set; 2] = [(Side::Bid, 40 * TICK, ONE), (Side::Ask, 60 * TICK, ONE)];

fn sets(book: &Book) -> Vec<Set> {
    let side = |side| book.levels(side).map(move |Level { price, size }| (side, *price, *size));
    side(Side::Bid).chain(side(Side::Ask)).collect()
}

#[test]
fn a_gap_restarts_only_its_own_book() {
    let mut books = books(by(Ordering::Updates));
    snapshot(&mut books, &Told { updates: Some((5, 5)), ..told("a", 1) }, &WHOLE);
    snapshot(&mut books, &Told { updates: Some((5, 5)), ..told("b", 2) }, &WHOLE);
    let other = sets(books.live("b").unwrap());
    let applied = change(&mut books, &Told { updates: Some((7, 7)), ..told("a", 3) }, &WHOLE);
    assert_eq!(applied.gaps.len(), 1);
    assert_eq!(applied.gaps[0].instrument, "a");
    assert_eq!(applied.gaps[0].detail, "expected update 6, the next is 7");
    assert_eq!(applied.status.len(), 1);
    assert!(books.live("a").is_none());
    assert_eq!(sets(books.live("b").unwrap()), other);
}

#[test]
fn the_change_that_showed_a_gap_is_applied_after_the_snapshot_before_it() {
    let mut books = books(by(Ordering::Updates));
    snapshot(&mut books, &Told { updates: Some((5, 5)), ..told("a", 1) }, &WHOLE);
    let gap = Told { updates: Some((7, 7)), ..told("a", 2) };
    change(&mut books, &gap, &[(Side::Bid, 50 * TICK, ONE)]);
    snapshot(&mut books, &Told { updates: Some((6, 6)), ..told("a", 3) }, &WHOLE);
    assert_eq!(books.live("a").unwrap().top().bid.unwrap().price, 50 * TICK);
}

#[test]
fn a_change_that_crosses_a_book_is_a_gap() {
    let mut books = books(by(Ordering::Arrival));
    snapshot(&mut books, &told("a", 1), &WHOLE);
    let applied = change(&mut books, &told("a", 2), &[(Side::Bid, 60 * TICK, ONE)]);
    assert_eq!(applied.gaps[0].detail, "expected the best bid below the best ask, found 0.6 and 0.6");
    assert!(books.live("a").is_none());
    snapshot(&mut books, &told("a", 3), &WHOLE);
    assert!(books.live("a").is_some(), "the next snapshot begins it anew");
}

#[test]
fn a_side_that_moves_through_the_other_in_one_message_is_no_gap() {
    let mut books = books(by(Ordering::Arrival));
    snapshot(&mut books, &told("a", 1), &WHOLE);
    let moved = [(Side::Bid, 60 * TICK, ONE), (Side::Ask, 60 * TICK, 0), (Side::Ask, 70 * TICK, ONE)];
    assert!(change(&mut books, &told("a", 2), &moved).gaps.is_empty());
}

#[test]
fn changes_that_came_before_their_snapshot_are_applied_after_it() {
    let mut books = books(by(Ordering::Updates));
    for update in 4..8 {
        let price = 40 * TICK + i128::from(update) * TICK / 10;
        let waits = Told { updates: Some((update, update)), ..told("a", update) };
        assert!(change(&mut books, &waits, &[(Side::Bid, price, ONE)]).top.is_empty());
    }
    let applied = snapshot(&mut books, &Told { updates: Some((5, 5)), ..told("a", 9) }, &WHOLE);
    assert_eq!(applied.counts.skipped, 2, "changes 4 and 5 are in the snapshot");
    let bids: Vec<i128> = books.live("a").unwrap().levels(Side::Bid).map(|level| level.price).collect();
    assert_eq!(bids, [40 * TICK + 7 * TICK / 10, 40 * TICK + 6 * TICK / 10, 40 * TICK]);
}

#[test]
fn a_snapshot_that_is_wrong_loses_no_change_that_waits() {
    let mut books = books(by(Ordering::Time));
    change(&mut books, &told("a", 10), &[(Side::Bid, 50 * TICK, ONE)]);
    let crossed = [(Side::Bid, 70 * TICK, ONE), (Side::Ask, 60 * TICK, ONE)];
    assert_eq!(snapshot(&mut books, &told("a", 5), &crossed).gaps.len(), 1);
    snapshot(&mut books, &told("a", 7), &WHOLE);
    assert_eq!(books.live("a").unwrap().top().bid.unwrap().price, 50 * TICK);
}

#[test]
fn a_gap_among_the_changes_that_wait_loses_none_after_it() {
    let mut books = books(by(Ordering::Updates));
    let bid = |tick| [(Side::Bid, tick * TICK, ONE)];
    change(&mut books, &Told { updates: Some((10, 10)), ..told("a", 1) }, &bid(50));
    change(&mut books, &Told { updates: Some((11, 11)), ..told("a", 2) }, &bid(51));
    let early = Told { updates: Some((5, 5)), ..told("a", 3) };
    assert_eq!(snapshot(&mut books, &early, &WHOLE).gaps.len(), 1);
    snapshot(&mut books, &Told { updates: Some((9, 9)), ..told("a", 4) }, &WHOLE);
    assert_eq!(books.live("a").unwrap().top().bid.unwrap().price, 51 * TICK);
}

#[test]
fn a_message_of_many_instruments_or_levels_takes_no_more_than_its_length() {
    const MANY: i128 = 300_000;
    // a comparison of each with each would take minutes
    let mut books = books(by(Ordering::Arrival));
    let mut strangers = BookChangeColumns::default();
    for number in 0..MANY {
        push(&mut strangers, &told(&number.to_string(), 1), "change", &WHOLE[..1]);
    }
    let applied = books.apply(None, Some(&strangers.finish().unwrap())).unwrap();
    assert_eq!(i128::from(applied.counts.unfollowed), MANY);
    let levels: Vec<Set> = (0..MANY).rev().map(|number| (Side::Bid, 1 + number, ONE)).collect();
    snapshot(&mut books, &told("a", 2), &levels);
    assert_eq!(books.live("a").unwrap().top().bid.unwrap().price, MANY);
}

#[test]
fn what_is_older_than_the_snapshot_is_in_it() {
    let mut books = books(by(Ordering::Time));
    snapshot(&mut books, &Told { event_ns: 100, ..told("a", 1) }, &WHOLE);
    let late = Told { event_ns: 99, ..told("a", 2) };
    assert_eq!(change(&mut books, &late, &[(Side::Bid, 50 * TICK, ONE)]).counts.skipped, 1);
    change(&mut books, &Told { event_ns: 120, ..told("a", 3) }, &[(Side::Bid, 51 * TICK, ONE)]);
    let old = snapshot(&mut books, &Told { event_ns: 110, ..told("a", 4) }, &WHOLE);
    assert_eq!(old.counts.skipped, 1);
    assert_eq!(books.live("a").unwrap().top().bid.unwrap().price, 51 * TICK);
}

#[test]
fn a_snapshot_that_tells_what_is_kept_is_counted_apart_from_one_that_does_not() {
    let mut books = books(by(Ordering::Time));
    snapshot(&mut books, &told("a", 1), &WHOLE);
    assert_eq!(snapshot(&mut books, &told("a", 2), &WHOLE).counts.snapshots_agreeing, 1);
    let other = snapshot(&mut books, &told("a", 3), &[(Side::Bid, 41 * TICK, ONE)]);
    assert_eq!(other.counts.snapshots_differing, 1);
    assert_eq!(other.top.len(), 1);
}

#[test]
fn best_prices_that_stay_other_than_the_kept_ones_are_a_gap() {
    let mut books = books(Rule { top_strikes_max: Some(3), ..by(Ordering::Arrival) });
    snapshot(&mut books, &told("a", 1), &WHOLE);
    let other = Some((45 * TICK, 60 * TICK));
    let deep = [(Side::Bid, TICK, ONE)];
    for sequence in [2, 3] {
        assert!(change(&mut books, &Told { best: other, ..told("a", sequence) }, &deep).gaps.is_empty());
    }
    let right = Some((40 * TICK, 60 * TICK));
    assert!(change(&mut books, &Told { best: right, ..told("a", 4) }, &deep).gaps.is_empty());
    for sequence in [5, 6] {
        assert!(change(&mut books, &Told { best: other, ..told("a", sequence) }, &deep).gaps.is_empty());
    }
    let applied = change(&mut books, &Told { best: other, ..told("a", 7) }, &deep);
    assert_eq!(applied.gaps[0].detail, "expected best prices 0.45 and 0.6, the kept book has 0.4 and 0.6");
}

#[test]
fn what_is_told_of_a_book_that_nobody_follows_is_counted() {
    let mut books = books(by(Ordering::Arrival));
    assert_eq!(snapshot(&mut books, &told("c", 1), &WHOLE).counts.unfollowed, 1);
    assert_eq!(change(&mut books, &told("c", 2), &WHOLE).counts.unfollowed, 1);
    assert_eq!(books.len(), 2);
}

#[test]
fn a_restarted_book_is_told_of_once() {
    let mut books = books(by(Ordering::Arrival));
    snapshot(&mut books, &told("a", 1), &WHOLE);
    let origin = Origin { event_ns: 5, recv_ns: 5, connection: "one", sequence: 2 };
    let mut applied = Applied::default();
    books.restart("a", "the connection ended", &origin, &mut applied);
    books.restart("a", "the connection ended", &origin, &mut applied);
    assert_eq!(applied.status.len(), 1);
    assert_eq!(books.live_count(), 0);
}

/// Source: <https://docs.kraken.com/api/docs/guides/spot-ws-book-v1>, the worked example.
#[test]
fn the_checksum_is_that_of_krakens_own_example() {
    let mut book = Book::default();
    let size = parse(b"0.00000500").unwrap();
    for step in 0..10 {
        book.set(Side::Ask, parse(b"0.05005").unwrap() + step * parse(b"0.00005").unwrap(), size);
        let below = if step > 2 { step + 1 } else { step }; // the example has no bid at 0.04985
        book.set(Side::Bid, parse(b"0.05000").unwrap() - below * parse(b"0.00005").unwrap(), size);
    }
    assert_eq!(ChecksumKind::Crc32TopTen.of(&book, 5, 8), 974_947_235);
}

#[test]
fn a_checksum_that_is_another_is_a_gap() {
    let rule = Rule { checksum: Some(ChecksumKind::Crc32TopTen), ..by(Ordering::Arrival) };
    let mut books = books(rule);
    snapshot(&mut books, &told("a", 1), &WHOLE);
    let right = ChecksumKind::Crc32TopTen.of(books.live("a").unwrap(), 5, 8);
    let same = [(Side::Bid, 40 * TICK, ONE)];
    let passed = change(&mut books, &Told { checksum: Some(right), ..told("a", 2) }, &same);
    assert!(passed.gaps.is_empty());
    let applied = change(&mut books, &Told { checksum: Some(right ^ 1), ..told("a", 3) }, &same);
    assert_eq!(applied.gaps.len(), 1);
}

#[test]
fn a_book_keeps_no_more_levels_than_its_venue_tells() {
    let mut books = books(Rule { depth_max: Some(2), ..by(Ordering::Arrival) });
    let bids: Vec<Set> = (1..5).map(|tick| (Side::Bid, tick * TICK, ONE)).collect();
    snapshot(&mut books, &told("a", 1), &bids);
    let prices: Vec<i128> = books.live("a").unwrap().levels(Side::Bid).map(|level| level.price).collect();
    assert_eq!(prices, [4 * TICK, 3 * TICK]);
}

#[test]
fn imbalance_and_microprice_are_those_of_the_best_levels() {
    let mut book = Book::default();
    assert_eq!((book.imbalance(5), book.microprice()), (None, None));
    book.set(Side::Bid, 40 * TICK, 3 * ONE);
    assert_eq!((book.imbalance(5), book.microprice()), (Some(1.0), None));
    book.set(Side::Ask, 60 * TICK, ONE);
    book.set(Side::Ask, 70 * TICK, 100 * ONE);
    assert_eq!(book.imbalance(1), Some(0.5));
    assert!((book.microprice().unwrap() - 0.55).abs() < 1e-12);
}

/// Any message: bids below 0.50 and asks above are likely, the rest happens too.
fn any_set() -> impl Strategy<Value = Set> {
    (0..100_i128, 0..4_i128).prop_map(|(tick, size)| {
        let side = if tick < 50 { Side::Bid } else { Side::Ask };
        (side, (tick + 1) * TICK, size * ONE)
    })
}

fn any_crossing_set() -> impl Strategy<Value = Set> {
    (any::<bool>(), 0..100_i128, 0..4_i128).prop_map(|(is_bid, tick, size)| {
        (if is_bid { Side::Bid } else { Side::Ask }, (tick + 1) * TICK, size * ONE)
    })
}

fn model(messages: &[Vec<Set>]) -> Vec<Set> {
    let mut sides = [BTreeMap::new(), BTreeMap::new()];
    for (side, price, size) in messages.iter().flatten() {
        let levels = &mut sides[usize::from(*side == Side::Ask)];
        levels.insert(*price, *size);
        if *size == 0 {
            levels.remove(price);
        }
    }
    let [bids, asks] = sides;
    let bids = bids.into_iter().rev().map(|(price, size)| (Side::Bid, price, size));
    bids.chain(asks.into_iter().map(|(price, size)| (Side::Ask, price, size))).collect()
}

proptest! {
    #[test]
    fn a_snapshot_and_its_changes_are_the_next_snapshot(
        messages in prop::collection::vec(prop::collection::vec(any_set(), 1..12), 1..40),
    ) {
        let mut books = books(by(Ordering::Time));
        snapshot(&mut books, &told("a", 1), messages[0].iter().filter(|set| set.2 > 0).copied()
            .collect::<Vec<_>>().as_slice());
        let first: Vec<Set> = messages[0].iter().filter(|set| set.2 > 0).copied().collect();
        let mut all = vec![first];
        for (sequence, sets) in (2..).zip(&messages[1..]) {
            change(&mut books, &told("a", sequence), sets);
            all.push(sets.clone());
        }
        let expected = model(&all);
        prop_assert_eq!(sets(books.live("a").unwrap()), expected.clone());
        let next = snapshot(&mut books, &told("a", 1_000), &expected);
        prop_assert_eq!(next.counts.snapshots_agreeing, 1);
        prop_assert_eq!(next.counts.snapshots_differing, 0);
    }

    #[test]
    fn a_live_book_is_never_crossed(
        messages in prop::collection::vec(
            (any::<bool>(), any::<bool>(), 0..20_i64, prop::collection::vec(any_crossing_set(), 0..8)), 1..40,
        ),
        is_timed in any::<bool>(),
    ) {
        let mut books = books(by(if is_timed { Ordering::Time } else { Ordering::Arrival }));
        for (sequence, (is_whole, is_a, event_ns, sets)) in (1..).zip(&messages) {
            let message = Told { event_ns: *event_ns, ..told(if *is_a { "a" } else { "b" }, sequence) };
            let apply = if *is_whole { snapshot } else { change };
            let applied = apply(&mut books, &message, sets);
            for instrument in ["a", "b"] {
                prop_assert!(!books.live(instrument).is_some_and(|book| book.top().is_crossed()));
            }
            prop_assert!(applied.gaps.iter().all(|gap| gap.instrument == message.instrument));
        }
    }
}
