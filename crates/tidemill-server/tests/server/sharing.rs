//! What is shared among those who ask: one question, one call, a state for a time; and what is not: a slow chain.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::chain::{pair, Chain};
use crate::client::{ask, counter, start, until};

#[test]
fn who_asks_for_the_same_pool_meanwhile_waits_for_the_same_answer() {
    let chain = Chain::start(1);
    chain.slow_down(100);
    let running = start(&[&[&chain]], &[]);
    let address = running.address;
    let asking: Vec<_> =
        (0..20).map(|_| std::thread::spawn(move || ask(address, 1, pair(1)).status)).collect();
    assert!(asking.into_iter().all(|thread| thread.join().unwrap() == 200));
    let alone = Chain::start(1);
    ask(start(&[&[&alone]], &[]).address, 1, pair(1));
    assert_eq!(chain.calls(), alone.calls(), "twenty cost as much as one");
}

#[test]
fn pools_that_are_asked_for_within_the_window_are_read_in_one_call() {
    let chain = Chain::start(40);
    let running = start(&[&[&chain]], &[("batch_window_ms", 300)]);
    let address = running.address;
    let asking: Vec<_> =
        (1..=40).map(|index| std::thread::spawn(move || ask(address, 1, pair(index)).status)).collect();
    assert!(asking.into_iter().all(|thread| thread.join().unwrap() == 200));
    let alone = Chain::start(1);
    ask(start(&[&[&alone]], &[]).address, 1, pair(1));
    // Beside it each of a pool's two tokens is tried, once for as long as the server runs.
    assert_eq!(chain.calls() - 2 * 40, alone.calls() - 2, "forty cost as many calls as one");
}

#[test]
fn a_state_is_kept_until_it_is_as_old_as_was_said() {
    let chain = Chain::start(1);
    let running = start(&[&[&chain]], &[("cache_duration_ms", 600_000)]);
    assert_eq!(ask(running.address, 1, pair(1)).body["reserves"]["reserve0"], "1");
    chain.behaviour.pairs.lock().unwrap().insert(pair(1), (70, 71));
    assert_eq!(ask(running.address, 1, pair(1)).body["reserves"]["reserve0"], "1");
    assert_eq!(counter(running.address, "queries_cached_total"), 1);
}

#[test]
fn a_state_that_is_as_old_as_was_said_is_read_anew() {
    let chain = Chain::start(1);
    let running = start(&[&[&chain]], &[("cache_duration_ms", 100)]);
    assert_eq!(ask(running.address, 1, pair(1)).body["reserves"]["reserve0"], "1");
    chain.behaviour.pairs.lock().unwrap().insert(pair(1), (70, 71));
    std::thread::sleep(Duration::from_millis(100)); // after the answer, so the state is older still
    assert_eq!(ask(running.address, 1, pair(1)).body["reserves"]["reserve0"], "70");
    assert_eq!(counter(running.address, "queries_cached_total"), 0);
}

#[test]
fn an_answer_that_would_be_too_old_when_it_comes_is_not_waited_for() {
    let chain = Chain::start(1);
    chain.slow_down(700);
    let running = start(&[&[&chain]], &[("cache_duration_ms", 100)]);
    let address = running.address;
    let first = std::thread::spawn(move || ask(address, 1, pair(1)));
    until("the first is on its way", || counter(address, "questions_total") > 0);
    std::thread::sleep(Duration::from_millis(150)); // its answer, whenever it comes, is older than that
    chain.behaviour.pairs.lock().unwrap().insert(pair(1), (70, 71));
    chain.behaviour.number.store(2, Ordering::SeqCst);
    let second = ask(address, 1, pair(1));
    assert!(second.headers.contains("x-block-number: 2\r\n"), "{}", second.headers);
    assert_eq!(first.join().unwrap().status, 200);
    assert_eq!(counter(address, "queries_joined_total"), 0);
}

#[test]
fn a_slow_chain_slows_no_other() {
    let (slow, fast) = (Chain::start(60), Chain::start(60));
    slow.slow_down(600_000);
    let timeouts = ["request_timeout_ms", "answer_timeout_ms"].map(|name| (name, 600_000));
    let room = [("waiting_max", 16), ("connections_max", 200)];
    let running = start(&[&[&slow], &[&fast]], &[timeouts, room].concat());
    let address = running.address;
    for index in 1..=40 {
        std::thread::spawn(move || ask(address, 1, pair(index)));
    }
    until("more wait for the slow chain than may", || counter(address, "queries_shed_total") >= 24);
    for index in 1..=20 {
        assert_eq!(ask(address, 2, pair(index)).status, 200); // who waited for the slow one would not be patient enough
    }
}

#[test]
fn what_may_not_wait_is_shed_at_once_and_told_when_to_come_back() {
    let chain = Chain::start(10);
    let timeouts = ["request_timeout_ms", "answer_timeout_ms"].map(|name| (name, 600_000));
    let running = start(&[&[&chain]], &[&timeouts[..], &[("waiting_max", 2)]].concat());
    let address = running.address;
    assert_eq!(ask(address, 1, pair(10)).status, 200);
    chain.slow_down(600_000);
    for index in 1..=8 {
        std::thread::spawn(move || ask(address, 1, pair(index)));
    }
    until("two wait and six are shed", || counter(address, "queries_shed_total") == 6);
    let shed = ask(address, 1, pair(9));
    assert_eq!(shed.status, 503);
    assert!(shed.headers.contains("retry-after: 1\r\n"));
    assert!(shed.body["error"].as_str().unwrap().contains("at most 2 requests"));
    assert_eq!(ask(address, 1, pair(10)).status, 200, "what is known is told all the same");
}
