//! Windows against a plain recount of the values that they should hold.
#![allow(clippy::float_cmp, clippy::unwrap_used)] // the same steps give the same bits

use proptest::prelude::*;
use tidemill_windows::{width, Kind, Quantiles, Span, Statistic, Window, ACCURACY};

fn held(span: Span, now_ns: i64, events: &[(i64, f64)]) -> Vec<f64> {
    let in_window = |time_ns: &i64| span.bucket(*time_ns) > span.expired(now_ns);
    events.iter().filter(|(time_ns, _)| in_window(time_ns)).map(|(_, value)| *value).collect()
}

fn close(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-9 * (1.0 + expected.abs())
}

const KINDS: [Kind; 5] = [Kind::Count, Kind::Sum, Kind::Moments, Kind::Ends, Kind::Path];

/// What a recount says of each statistic.
fn recounted(values: &[f64]) -> Vec<(Statistic, f64)> {
    let Some((first, last)) = values.first().zip(values.last()) else { return vec![(Statistic::Count, 0.0)] };
    #[allow(clippy::cast_precision_loss)]
    let count = values.len() as f64;
    let sum: f64 = values.iter().sum();
    let mean = sum / count;
    let changes: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    vec![
        (Statistic::Count, count),
        (Statistic::Sum, sum),
        (Statistic::Mean, mean),
        (Statistic::Std, (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt()),
        (Statistic::Min, values.iter().copied().fold(f64::INFINITY, f64::min)),
        (Statistic::Max, values.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
        (Statistic::First, *first),
        (Statistic::Last, *last),
        (Statistic::Rises, changes.iter().map(|change| change.max(0.0)).sum()),
        (Statistic::Falls, changes.iter().map(|change| (-change).max(0.0)).sum()),
        (Statistic::Squares, changes.iter().map(|change| change * change).sum()),
    ]
}

/// Says whether every track of a row has what a recount of its values finds, of what its kind keeps.
fn agrees(mut row: &[f64], values: &[Vec<f64>; 5]) -> bool {
    KINDS.iter().zip(values).all(|(kind, values)| {
        let (slots, rest) = row.split_at(kind.width());
        row = rest;
        let kept = recounted(values).into_iter().filter(|(one, _)| kind.with(one.kind()) == *kind);
        kept.map(|(one, expected)| (one.of(slots), expected)).all(|(found, expected)| close(found, expected))
    })
}

fn steps() -> impl Strategy<Value = Vec<(i64, f64, bool)>> {
    prop::collection::vec((0_i64..30, -100.0..100.0, any::<bool>()), 1..200)
}

proptest! {
    #[test]
    fn a_window_has_what_a_recount_finds(steps in steps(), span_ns in 1_i64..200, bucket_ns in 1_i64..20) {
        let span = Span { span_ns: span_ns.max(bucket_ns), bucket_ns };
        let (mut window, mut events, mut now_ns) = (Window::default(), [const { Vec::new() }; 5], 1_000);
        let mut row = vec![0.0; width(&KINDS)];
        for (number, (after_ns, value, is_asked)) in steps.into_iter().enumerate() {
            now_ns += after_ns;
            if is_asked {
                window.at(&KINDS, span, now_ns, &mut row);
                let values = events.each_ref().map(|events| held(span, now_ns, events));
                prop_assert!(agrees(&row, &values), "{row:?}");
            } else {
                // of a row some tracks have no value
                let values = [0, 1, 2, 3, 4].map(|track| if number % (track + 2) == 1 { f64::NAN } else { value });
                window.add(&KINDS, span, now_ns, &values);
                for (events, value) in events.iter_mut().zip(values).filter(|(_, value)| value.is_finite()) {
                    events.push((now_ns, value));
                }
            }
        }
    }

    #[test]
    fn a_window_holds_no_more_buckets_than_it_is_long(steps in steps(), bucket_ns in 1_i64..20) {
        let span = Span { span_ns: 10 * bucket_ns, bucket_ns };
        let (mut window, mut now_ns) = (Window::default(), 0);
        for (after_ns, value, _) in steps {
            now_ns += after_ns;
            window.add(&[Kind::Path], span, now_ns, &[value]);
            // one bucket may lie on both sides of the turn
            prop_assert!(window.buckets() <= 12);
        }
    }

    #[test]
    fn a_quantile_is_a_value_of_its_rank_to_its_accuracy(steps in steps(), share in 0.0_f64..=1.0) {
        let span = Span { span_ns: 100, bucket_ns: 7 };
        let (mut quantiles, mut events, mut now_ns) = (Quantiles::default(), Vec::new(), 0);
        for (after_ns, value, _) in steps {
            now_ns += after_ns;
            quantiles.add(span, now_ns, value);
            events.push((now_ns, value));
            let mut values = held(span, now_ns, &events);
            values.sort_by(f64::total_cmp);
            #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let expected = values[(share * (values.len() - 1) as f64).floor() as usize];
            let found = quantiles.at(share).unwrap();
            prop_assert!((found - expected).abs() <= ACCURACY * expected.abs() * 1.000_001, "{found} {expected}");
        }
    }
}

#[test]
fn an_empty_window_has_no_quantile() {
    let span = Span { span_ns: 10, bucket_ns: 1 };
    let mut quantiles = Quantiles::default();
    assert_eq!(quantiles.at(0.5), None);
    quantiles.add(span, 0, 1.0);
    assert!(!quantiles.is_current(span, 10));
    quantiles.expire(span, 10);
    assert_eq!(quantiles.at(0.5), None);
}
