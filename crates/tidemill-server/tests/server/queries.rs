//! What is answered to a question, right or wrong.

use std::sync::atomic::Ordering;

use serde_json::json;

use crate::chain::{hex, pair, token, Chain};
use crate::client::{ask, request, start};

#[test]
fn reserves_are_told_with_the_block_they_are_of() {
    let chain = Chain::start(3);
    chain.behaviour.number.store(7, Ordering::SeqCst);
    let running = start(&[&[&chain]], &[]);
    let answer = ask(running.address, 1, pair(3));
    let expected = json!({"pool_address": hex(&pair(3)), "error": null, "reserves": {"reserve0": "3", "reserve1": "6",
        "token0": "0x0103030303030303030303030303030303030303", "token1": "0x0203030303030303030303030303030303030303"}});
    assert_eq!((answer.status, answer.body), (200, expected));
    assert!(answer.headers.contains("x-block-number: 7\r\n"), "{}", answer.headers);
    assert!(answer.headers.contains(&format!("x-block-hash: {}\r\n", hex(&[7; 32]))));
    assert!(answer.headers.contains("access-control-allow-origin: *\r\n"));
}

#[test]
fn each_fault_is_a_status_and_an_error_of_its_own_in_the_same_body() {
    let chain = Chain::start(1);
    chain.behaviour.decimals.lock().unwrap().insert(token(pair(1), 2), 300);
    let running = start(&[&[&chain]], &[]);
    let with = |chain_id: u64, pool: String, dex: &str| {
        json!({"chain_id": chain_id, "pool_address": pool, "dex_type": dex}).to_string()
    };
    let cases = [
        ("POST", with(9, hex(&pair(1)), "uniswap_v2"), 404, "chain_id: expected one of 1 (chain1), found 9"),
        ("POST", with(1, "0x12".into(), "uniswap_v2"), 400, "pool_address: expected 0x and 40 hex digits"),
        ("POST", with(1, hex(&pair(1)), "uniswap_v9"), 400, "dex_type: expected one of uniswap_v2,"),
        ("POST", with(1, hex(&[0xee; 20]), "uniswap_v2"), 404, "expected a contract, found none"),
        (
            "POST",
            with(1, hex(&pair(1)), "uniswap_v3"),
            422,
            "expected a pool of kind uniswap_v3, found uniswap_v2",
        ),
        (
            "POST",
            with(1, hex(&token(pair(1), 1)), "uniswap_v2"),
            404,
            "found a contract that answers as none",
        ),
        ("POST", with(1, hex(&pair(1)), "uniswap_v2"), 422, "expected decimals() from 0 to 77, found 300"),
        ("POST", "[".into(), 400, "body: expected"),
        ("POST", "{}".into(), 400, "missing field `chain_id`"),
        ("POST", " ".repeat(2_000), 413, "body: expected at most 1024 bytes"),
        ("PUT", String::new(), 405, "method: expected POST, found PUT"),
    ];
    for (method, body, status, said) in cases {
        let answer = request(running.address, &format!("{method} /api/pool"), &body);
        let error = answer.body["error"].as_str().unwrap();
        assert_eq!(answer.status, status, "{body}: {error}");
        assert!(error.contains(said), "{body}: {error}");
        assert_eq!(answer.body.as_object().unwrap().len(), 3, "{body}");
    }
    let told = request(running.address, "GET /api/metrics", "").body;
    assert_eq!((&told["queries_total"], &told["queries_failed"]), (&json!(10), &json!(10)));
    assert_eq!(request(running.address, "GET /api/pools", "").status, 404);
}

#[test]
fn a_token_that_lies_about_its_decimals_leaves_the_raw_amounts() {
    let chain = Chain::start(1);
    chain.behaviour.decimals.lock().unwrap().insert(token(pair(1), 2), 300);
    let running = start(&[&[&chain]], &[]);
    assert_eq!(ask(running.address, 1, pair(1)).body["reserves"]["reserve1"], "2");
}

#[test]
fn what_takes_all_gas_fails_alone() {
    let chain = Chain::start(8);
    *chain.behaviour.hog.lock().unwrap() = Some(pair(5));
    let running = start(&[&[&chain]], &[("batch_window_ms", 200)]);
    let address = running.address;
    let asking: Vec<_> =
        (1..=8).map(|index| std::thread::spawn(move || ask(address, 1, pair(index)).status)).collect();
    let statuses: Vec<_> = asking.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 404, 200, 200, 200]);
}

#[test]
fn an_endpoint_that_fails_is_followed_by_the_next_and_rests() {
    let (first, second) = (Chain::start(2), Chain::start(2));
    first.behaviour.is_broken.store(true, Ordering::SeqCst);
    let running = start(&[&[&first, &second]], &[]);
    assert_eq!(ask(running.address, 1, pair(1)).status, 200);
    let told = running.told.lock().unwrap().clone();
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with("chain chain1: 127.0.0.1:") && told[0].ends_with("answered HTTP 500"),
        "{told:?}"
    );
    first.behaviour.is_broken.store(false, Ordering::SeqCst);
    assert_eq!(ask(running.address, 1, pair(2)).status, 200);
    assert_eq!(first.calls(), 0, "it rests");
}

#[test]
fn a_chain_that_cannot_be_reached_is_a_gateway_fault_and_not_kept() {
    let chain = Chain::start(1);
    chain.behaviour.is_broken.store(true, Ordering::SeqCst);
    let running = start(&[&[&chain]], &[]);
    let answer = ask(running.address, 1, pair(1));
    assert_eq!(answer.status, 502);
    assert!(answer.body["error"].as_str().unwrap().contains("answered HTTP 500"));
    chain.behaviour.is_broken.store(false, Ordering::SeqCst);
    assert_eq!(ask(running.address, 1, pair(1)).status, 200);
    assert!(running.told.lock().unwrap().last().unwrap().ends_with("answers again"));
}

#[test]
fn an_endpoint_of_another_chain_is_not_believed() {
    let (other, right) = (Chain::start(1), Chain::start(1));
    let running = start(&[&[&other, &right]], &[]);
    other.behaviour.chain_id.store(5, Ordering::SeqCst);
    assert_eq!(ask(running.address, 1, pair(1)).status, 200);
    let told = running.told.lock().unwrap().join("\n");
    assert!(told.ends_with("expected an endpoint of chain 1, found one of 5"), "{told}");
    assert_eq!((other.calls(), right.calls() > 0), (0, true));
}

#[test]
fn a_chain_without_multicall_and_a_node_that_knows_no_hashes_are_read_too() {
    let chain = Chain::start(3);
    chain.behaviour.is_old.store(true, Ordering::SeqCst);
    chain.behaviour.is_bare.store(true, Ordering::SeqCst);
    let running = start(&[&[&chain]], &[]);
    let answer = ask(running.address, 1, pair(3));
    assert_eq!(
        (answer.status, &answer.body["reserves"]["reserve1"]),
        (200, &json!("6")),
        "{:?}",
        answer.body
    );
}

#[test]
fn a_pool_that_is_read_again_costs_one_call_and_gives_the_new_reserves() {
    let chain = Chain::start(2);
    let running = start(&[&[&chain]], &[("cache_duration_ms", 0)]);
    assert_eq!(ask(running.address, 1, pair(2)).body["reserves"]["reserve0"], "2");
    let first = chain.calls();
    chain.behaviour.pairs.lock().unwrap().insert(pair(2), (70, 71));
    let again = ask(running.address, 1, pair(2)).body;
    assert_eq!(
        (&again["reserves"]["reserve0"], &again["reserves"]["reserve1"]),
        (&json!("70"), &json!("71"))
    );
    assert_eq!(chain.calls() - first, 1);
    chain.behaviour.pairs.lock().unwrap().remove(&pair(2));
    assert_eq!(ask(running.address, 1, pair(2)).status, 404, "it is gone");
}
