//! The engine: what a row's features are made of, however the stream is cut, and after it was saved.
#![allow(clippy::float_cmp, clippy::unwrap_used)] // the same steps give the same bits

use proptest::prelude::*;
use tidemill_windows::{Engine, Plan, Rows, WindowError};

const PLAN: &str = r#"{
    "windows": [{"span_ns": 10, "bucket_ns": 1}, {"span_ns": 100, "bucket_ns": 10}],
    "series": [
        {"source": "swap", "key": "pool", "tracks": [
            {"measure": "amount", "window": 0, "has_quantiles": false},
            {"measure": "amount", "window": 1, "has_quantiles": true}]},
        {"source": "arbitrage", "key": null, "tracks": [
            {"measure": "profit", "window": 1, "has_quantiles": false}]}
    ],
    "asked": "arbitrage",
    "facts": ["profit"],
    "constants": [1.0],
    "reads": [
        {"series": 0, "key": "pool", "track": 0, "statistic": "count", "values_min": 1},
        {"series": 0, "key": "pool", "track": 1, "statistic": {"quantile": 0.5}, "values_min": 2},
        {"series": 1, "key": null, "track": 0, "statistic": "last", "values_min": 1},
        {"series": 1, "key": null, "track": 0, "statistic": "mean", "values_min": 1}
    ],
    "steps": [{"sub": [0, 4]}, {"div": [5, 1]}, {"otherwise": [6, 5]}],
    "outputs": [
        {"name": "swaps", "register": 2, "least": 0.0, "most": null},
        {"name": "median", "register": 3, "least": null, "most": null},
        {"name": "gain", "register": 6, "least": null, "most": null},
        {"name": "mean", "register": 5, "least": null, "most": null},
        {"name": "best", "register": 8, "least": null, "most": null}
    ]
}"#;

fn engine() -> Engine {
    Engine::new(Plan::parse(PLAN).unwrap())
}

/// A row of either kind: whether it is asked, place, time, pool, value.
type Row = (bool, u64, i64, u128, f64);

fn rows(of: &[Row]) -> Vec<Rows> {
    let one = |(is_asked, place, time_ns, pool, value): &Row| Rows {
        source: if *is_asked { "arbitrage" } else { "swap" },
        place: vec![*place],
        time_ns: vec![*time_ns],
        keys: vec![("pool", vec![*pool])],
        measures: vec![(if *is_asked { "profit" } else { "amount" }, vec![*value])],
    };
    of.iter().map(one).collect()
}

fn stream() -> impl Strategy<Value = Vec<Row>> {
    let row = (any::<bool>(), 0_u64..3, 1_u128..4, 0.5..100.0);
    prop::collection::vec(row, 1..80).prop_map(|rows| {
        let mut place = 0;
        rows.into_iter()
            .map(|(is_asked, after, pool, value)| {
                place += after;
                (is_asked, place, i64::try_from(place).unwrap() * 4, pool, value)
            })
            .collect()
    })
}

fn bits(columns: &[Vec<f64>]) -> Vec<Vec<u64>> {
    columns.iter().map(|column| column.iter().map(|value| value.to_bits()).collect()).collect()
}

fn joined(parts: &[Vec<Vec<f64>>]) -> Vec<Vec<u64>> {
    let whole: Vec<Vec<f64>> =
        (0..5).map(|at| parts.iter().flat_map(|part| part[at].iter().copied()).collect()).collect();
    bits(&whole)
}

/// Cuts a stream where places differ: a place is one transaction.
fn cut(stream: &[Row], near: usize) -> usize {
    (near.min(stream.len())..stream.len())
        .find(|at| *at == 0 || stream[*at].1 != stream[*at - 1].1)
        .unwrap_or(stream.len())
}

proptest! {
    #[test]
    fn a_stream_cut_anywhere_and_saved_there_gives_the_same_to_the_bit(stream in stream(), near in 0_usize..80) {
        let whole = engine().run(&rows(&stream)).unwrap();
        let (before, after) = stream.split_at(cut(&stream, near));
        let mut first = engine();
        let told = first.run(&rows(before)).unwrap();
        let mut second = engine();
        second.restore(&first.save().unwrap()).unwrap();
        prop_assert_eq!(joined(&[told, second.run(&rows(after)).unwrap()]), bits(&whole));
    }

    #[test]
    fn what_comes_later_changes_nothing(stream in stream(), near in 0_usize..80, factor in 2.0..9.0) {
        let at = cut(&stream, near);
        let mut other = stream.clone();
        for row in &mut other[at..] {
            row.4 *= factor;
        }
        let asked = stream[..at].iter().filter(|row| row.0).count();
        let [found, changed] = [stream, other].map(|rows_of| engine().run(&rows(&rows_of)).unwrap());
        let head = |columns: &[Vec<f64>]| -> Vec<Vec<f64>> {
            columns.iter().map(|column| column[..asked].to_vec()).collect()
        };
        prop_assert_eq!(bits(&head(&found)), bits(&head(&changed)));
    }

    #[test]
    fn rows_of_one_batch_may_come_in_any_order(stream in stream(), turns in 0_usize..80) {
        let distinct: Vec<Row> = stream.iter().enumerate()
            .map(|(at, row)| (row.0, at as u64, row.2, row.3, row.4)).collect();
        let mut turned = distinct.clone();
        turned.rotate_left(turns % distinct.len());
        let [found, other] = [&distinct, &turned].map(|rows_of| engine().run(&rows(rows_of)).unwrap());
        let sorted = |columns: &[Vec<f64>]| -> Vec<Vec<u64>> {
            bits(columns).into_iter().map(|mut column| { column.sort_unstable(); column }).collect()
        };
        prop_assert_eq!(sorted(&found), sorted(&other));
    }
}

#[test]
fn a_row_is_of_what_came_before_it_and_silent_until_the_window_is_full() {
    let told = engine()
        .run(&rows(&[
            (false, 1, 0, 7, 5.0),
            (true, 2, 1, 7, 50.0),
            (true, 3, 12, 7, 60.0),
            (false, 4, 13, 7, 5.0),
            (true, 5, 14, 7, 80.0),
            (true, 6, 14, 9, 90.0),
        ]))
        .unwrap();
    assert!(told[0][0].is_nan(), "the window is not full");
    assert_eq!(told[0][1..], [0.0, 1.0, 0.0]);
    assert!(told[2][0].is_nan(), "nothing came before");
    assert_eq!(told[2][1..], [10.0, 20.0, 10.0]);
    assert!(told[3].iter().all(|mean| mean.is_nan()), "the longer window is not full");
}

#[test]
fn a_row_before_the_last_is_refused_and_nothing_is_taken() {
    let mut taken = engine();
    taken.run(&rows(&[(false, 5, 5, 1, 1.0)])).unwrap();
    let before = taken.clone();
    let late = taken.run(&rows(&[(false, 6, 6, 1, 1.0), (false, 4, 4, 1, 1.0)]));
    assert_eq!(late, Err(WindowError::Late { expected: 5, found: 4 }));
    assert_eq!(taken, before);
}

#[test]
fn a_key_that_was_silent_for_longer_than_every_window_is_let_go() {
    let mut engine = engine();
    engine.run(&rows(&[(false, 1, 0, 1, 1.0), (false, 2, 0, 2, 1.0)])).unwrap();
    assert_eq!(engine.keys(), 2);
    engine.run(&rows(&[(false, 3, 4_000_000_000_000, 1, 1.0)])).unwrap();
    assert_eq!(engine.keys(), 1);
}

#[test]
fn a_state_of_another_plan_or_a_broken_one_is_refused() {
    let saved = engine().save().unwrap();
    let mut other = Engine::new(Plan::parse(&PLAN.replace("\"span_ns\": 10,", "\"span_ns\": 11,")).unwrap());
    assert!(matches!(other.restore(&saved), Err(WindowError::State(_))));
    assert!(matches!(engine().restore(&saved[..saved.len() / 2]), Err(WindowError::State(_))));
}

#[test]
fn a_plan_that_names_what_is_not_there_is_refused() {
    for (from, to) in
        [("\"track\": 1", "\"track\": 9"), ("[0, 4]", "[0, 6]"), ("\"window\": 1", "\"window\": 2")]
    {
        let broken = PLAN.replacen(from, to, 1);
        assert!(matches!(Plan::parse(&broken), Err(WindowError::Plan(_))), "{to}");
    }
}
