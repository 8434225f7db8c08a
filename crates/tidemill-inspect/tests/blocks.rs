//! Blocks made by hand, put through the whole of it: what is read, what is said, and what must not change what is said.

#![allow(clippy::unwrap_used, clippy::format_collect)] // a test that fails says so

mod made;

use made::{address, circle, facts, receipt, report, topic, transfer, v2_swap, words, DEPOSIT, WITHDRAWAL};
use proptest::prelude::*;
use serde_json::{json, Value};
use tidemill_inspect::{inspect, Facts};

const JITO_TIP: &str = "96gYZGLnJYVFmbjzopPSU6QiEV5fGqZNyN9nmNhvrZU5";

#[test]
fn a_circle_is_a_profit_by_what_its_maker_has_and_costs_gas() {
    let told = report(&json!({"receipts": [receipt(0, 1, 2, 1, &mut circle(0x77, 50_000), 0)]}));
    let tx = &told["transactions"][0];
    assert_eq!(tx["kind"], "arbitrage");
    let found = &tx["arbitrages"][0];
    assert_eq!(found["profit_amount"], "49900");
    assert_eq!((&found["shape"], &found["verdict"]), (&json!("chain"), &json!("profit")));
    assert_eq!(found["confidence"], 1.0);
    assert_eq!(found["net_profit_wei"], (49_900 - 21_000 * 2).to_string());
    assert_eq!(tx["gains"], json!([{"token": "native", "amount": "49900"}]));
}

#[test]
fn a_circle_that_gives_less_than_it_took_is_a_losing_one() {
    let told = report(&json!({"receipts": [receipt(0, 1, 2, 1, &mut circle(0x77, 99), 0)]}));
    assert_eq!(told["transactions"][0]["kind"], "losing_circle");
    assert_eq!(told["transactions"][0]["arbitrages"][0]["profit_amount"], "-1");
}

#[test]
fn a_circle_that_was_divided_is_found_by_its_sums() {
    let mut logs = vec![
        transfer(0xaa, 2, 11, 60),
        transfer(0x77, 11, 2, 300),
        v2_swap(11, 2, &[60, 0, 0, 300]),
        transfer(0xaa, 2, 13, 40),
        transfer(0x77, 13, 2, 200),
        v2_swap(13, 2, &[40, 0, 0, 200]),
        transfer(0x77, 2, 12, 500),
        transfer(0xaa, 12, 2, 130),
        v2_swap(12, 2, &[500, 0, 0, 130]),
    ];
    let told = report(&json!({"receipts": [receipt(0, 1, 2, 1, &mut logs, 0)]}));
    let found = &told["transactions"][0]["arbitrages"][0];
    assert_eq!((&found["shape"], &found["profit_amount"]), (&json!("network"), &json!("30")));
    assert_eq!((&found["confidence"], &found["swaps"]), (&json!(1.0), &json!([0, 1, 2])));
}

#[test]
fn a_users_way_through_a_router_is_a_swap() {
    let mut logs = vec![
        transfer(0x66, 1, 11, 100),
        transfer(0xaa, 11, 12, 50),
        v2_swap(11, 12, &[100, 0, 0, 50]),
        transfer(0x77, 12, 1, 700),
        v2_swap(12, 1, &[50, 0, 0, 700]),
    ];
    let told = report(&json!({"receipts": [receipt(0, 1, 9, 1, &mut logs, 0)]}));
    assert_eq!(told["transactions"][0]["kind"], "swap");
}

#[test]
fn a_sandwich_has_its_victim_between() {
    let mut front =
        vec![transfer(0xaa, 2, 11, 100), transfer(0x77, 11, 2, 500), v2_swap(11, 2, &[100, 0, 0, 500])];
    let mut victim =
        vec![transfer(0xaa, 3, 11, 70), transfer(0x77, 11, 3, 300), v2_swap(11, 3, &[70, 0, 0, 300])];
    let mut back =
        vec![transfer(0x77, 2, 11, 500), transfer(0xaa, 11, 2, 120), v2_swap(11, 2, &[0, 500, 120, 0])];
    let told = report(&json!({"receipts": [
        receipt(0, 1, 2, 1, &mut front, 0), receipt(1, 3, 9, 1, &mut victim, 3), receipt(2, 1, 2, 1, &mut back, 6),
    ]}));
    let found = &told["sandwiches"][0];
    assert_eq!((&found["account"], &found["profit_amount"]), (&json!(address(2)), &json!("20")));
    assert_eq!(found["victim_txs"], json!([format!("0x{:064x}", 1)]));
}

/// A swap in pool 11 by `trader`, who pays `paid` of the one token and is paid `bought` of the other, sent on to `to`.
fn trade(trader: u8, to: u8, (token_in, paid): (u8, u64), (token_out, bought): (u8, u64)) -> Vec<Value> {
    let amounts = if token_in == 0xaa { [paid, 0, 0, bought] } else { [0, paid, bought, 0] };
    vec![transfer(token_in, trader, 11, paid), transfer(token_out, 11, to, bought), v2_swap(11, to, &amounts)]
}

/// The sandwiches of transactions, each of a signer, in their order.
fn sandwiches_of(txs: &[(u8, Vec<Value>)]) -> Value {
    let receipts = (0_u64..).zip(txs).map(|(index, (signer, logs))| {
        receipt(index, *signer, 2, 1, &mut logs.clone(), 10 * usize::try_from(index).unwrap())
    });
    report(&json!({"receipts": receipts.collect::<Vec<_>>()}))["sandwiches"].clone()
}

#[test]
fn who_sandwiches_is_no_victim_by_another_of_its_contracts() {
    let front = trade(2, 2, (0xaa, 100), (0x77, 500));
    let back = trade(2, 2, (0x77, 500), (0xaa, 120));
    let between = trade(3, 3, (0xaa, 70), (0x77, 300));
    for (front_signer, own) in [(1, 1), (1, 4)] {
        let own = (own, between.clone());
        let txs = [(front_signer, front.clone()), own.clone(), (4, back.clone())];
        assert_eq!(sandwiches_of(&txs), json!([]));
        let told = sandwiches_of(&[txs[0].clone(), own, (5, between.clone()), txs[2].clone()]);
        assert_eq!(told[0]["victim_txs"], json!([format!("0x{:064x}", 2)]));
    }
}

#[test]
fn the_next_pool_on_a_way_sandwiches_nobody() {
    // Users go through pools 11 and 12, there and back; 12 is paid by 11 and pays it.
    let mut there = trade(1, 12, (0xaa, 100), (0x77, 500));
    there.extend([transfer(0x66, 12, 1, 700), v2_swap(12, 1, &[500, 0, 0, 700])]);
    let mut back =
        vec![transfer(0x66, 5, 12, 710), transfer(0x77, 12, 11, 505), v2_swap(12, 11, &[0, 710, 505, 0])];
    back.extend([transfer(0xaa, 11, 5, 105), v2_swap(11, 5, &[0, 505, 105, 0])]);
    let other = trade(3, 3, (0xaa, 70), (0x77, 300));
    assert_eq!(sandwiches_of(&[(1, there), (3, other), (5, back)]), json!([]));
}

#[test]
fn two_swaps_before_one_after_are_one_sandwich_that_paid_for_both() {
    let front = |paid, bought| (1, trade(2, 2, (0xaa, paid), (0x77, bought)));
    let victim = (3, trade(3, 3, (0xaa, 70), (0x77, 300)));
    let back = (1, trade(2, 2, (0x77, 900), (0xaa, 230)));
    let told = sandwiches_of(&[front(100, 500), front(100, 400), victim, back]);
    assert_eq!(told.as_array().unwrap().len(), 1);
    let found = &told[0];
    assert_eq!((&found["front_amount_in"], &found["profit_amount"]), (&json!("200"), &json!("30")));
    assert_eq!((&found["front_tx"], &found["is_even"]), (&json!(format!("0x{:064x}", 0)), &json!(true)));
}

#[test]
fn a_wrapped_coin_that_tells_its_making_twice_is_counted_once() {
    let deposit = json!({"address": address(0xaa), "topics": [DEPOSIT, topic(1)], "data": words(&[5])});
    for told_twice in [vec![deposit.clone()], vec![transfer(0xaa, 0, 1, 5), deposit]] {
        let mut logs = told_twice;
        let told = report(&json!({"receipts": [receipt(0, 1, 2, 1, &mut logs, 0)]}));
        let delta =
            |party: u8, amount: &str| json!({"party": address(party), "token": "native", "amount": amount});
        assert_eq!(told["transactions"][0]["deltas"], json!([delta(0, "-5"), delta(0xaa, "5")]));
    }
}

#[test]
fn what_a_bot_wraps_and_unwraps_is_neither_gained_nor_lost_without_its_calls() {
    let wrap = |topic_0: &str, amount: u64| json!({"address": address(0xaa), "topics": [topic_0, topic(2)], "data": words(&[amount])});
    for (made, ended) in [
        (wrap(DEPOSIT, 100), wrap(WITHDRAWAL, 130)),
        (transfer(0xaa, 0, 2, 100), transfer(0xaa, 2, 0, 130)), // as Arbitrum's coin tells it
    ] {
        for within in [vec![made.clone()], vec![ended.clone()], vec![made, ended]] {
            let mut logs = circle(0x77, 130);
            logs.extend(within);
            let tx =
                report(&json!({"receipts": [receipt(0, 1, 2, 1, &mut logs, 0)]}))["transactions"][0].clone();
            assert_eq!((&tx["kind"], &tx["gains"][0]["amount"]), (&json!("arbitrage"), &json!("30")));
            assert_eq!(tx["arbitrages"][0]["confidence"], 1.0);
        }
    }
}

#[test]
fn who_wraps_the_coin_has_as_much_as_before_with_the_calls_and_without() {
    let hash = format!("0x{:064x}", 0);
    let deposit = json!({"address": address(0xaa), "topics": [DEPOSIT, topic(1)], "data": words(&[5])});
    let receipts = [receipt(0, 1, 0xaa, 1, &mut [deposit], 0)];
    let block =
        json!({"transactions": [{"hash": hash, "from": address(1), "to": address(0xaa), "value": "0x5"}]});
    let call = json!({"type": "CALL", "from": address(1), "to": address(0xaa), "value": "0x5", "input": "0xd0e30db0"});
    let traces = json!([{"txHash": hash, "result": call}]);
    let with_calls = report(&json!({"block": block, "receipts": receipts, "traces": traces}));
    let without = report(&json!({"block": block, "receipts": receipts}));
    assert_eq!(with_calls, without);
    assert_eq!(
        (&without["transactions"][0]["kind"], &without["transactions"][0]["gains"]),
        (&json!("transfer"), &Value::Null)
    );
}

#[test]
fn a_receipt_from_before_there_was_a_status_did_not_fail() {
    let mut old = receipt(0, 1, 2, 0, &mut [transfer(0x77, 1, 2, 5)], 0);
    old["root"] = json!(format!("0x{:064x}", 7));
    assert_eq!(report(&json!({"receipts": [old]}))["transactions"][0]["kind"], "transfer");
}

#[test]
fn a_thousand_calls_within_each_other_are_read() {
    let mut call =
        json!({"type": "CALL", "from": address(1), "to": address(2), "value": "0x1", "input": "0x"});
    for _ in 0..1_024 {
        call = json!({"type": "CALL", "from": address(1), "to": address(2), "input": "0x", "calls": [call]});
    }
    let told = report(&json!([{"txHash": format!("0x{:064x}", 0), "result": call}]));
    let tx = &told["transactions"][0];
    assert_eq!((&tx["kind"], &tx["gains"]), (&json!("transfer"), &Value::Null));
    // paid from one of its accounts to another
}

#[test]
fn a_call_deeper_than_the_machine_allows_is_refused() {
    let nested = |depth: usize| {
        let open = format!(r#"{{"type":"CALL","from":"{}","to":"{}","calls":["#, address(1), address(2));
        format!(r#"[{{"txHash":"0x{:064x}","result":{}{}}}]"#, 0, open.repeat(depth), "]}".repeat(depth))
    };
    assert!(inspect(nested(1_025).as_bytes(), &facts()).is_ok());
    for depth in [1_026, 20_000, 1_000_000] {
        let error = inspect(nested(depth).as_bytes(), &facts()).unwrap_err().to_string();
        assert!(error.starts_with("call: expected at most 1024 calls within each other"), "{error}");
    }
}

#[test]
fn a_transaction_that_the_node_could_not_trace_leaves_the_others_theirs() {
    let hash = |index: u8| format!("0x{index:064x}");
    let call = json!({"type": "CALL", "from": address(1), "to": address(2), "value": "0x5", "input": "0x"});
    let failed = |index: u8| json!({"txHash": hash(index), "error": "execution timeout"});
    let traced = |index: u8| json!({"txHash": hash(index), "result": call});
    for (traces, kinds) in [
        (json!([traced(0), failed(1), traced(2)]), ["transfer", "other", "transfer"]),
        (json!([failed(0), traced(1), failed(2)]), ["other", "transfer", "other"]),
    ] {
        let told = report(&traces);
        for (index, kind) in kinds.iter().enumerate() {
            assert_eq!(&told["transactions"][index]["kind"], kind);
        }
    }
    let neither = json!([{"txHash": hash(0)}]).to_string();
    let error = inspect(neither.as_bytes(), &facts()).unwrap_err().to_string();
    assert!(error.contains("result"), "{error}");
}

#[test]
fn what_a_rollup_takes_for_its_data_is_part_of_the_fee() {
    let mut receipt = receipt(0, 1, 2, 1, &mut circle(0x77, 50_000), 0);
    receipt["l1Fee"] = json!("0x64");
    let tx = report(&json!({"receipts": [receipt]}))["transactions"][0].clone();
    assert_eq!(tx["fee_wei"], (21_000 * 2 + 100).to_string());
    assert_eq!(tx["arbitrages"][0]["net_profit_wei"], (49_900 - 21_000 * 2 - 100).to_string());
}

#[test]
fn what_a_rollups_operator_takes_is_part_of_the_fee() {
    let mut receipt = receipt(0, 1, 2, 1, &mut circle(0x77, 50_000), 0);
    (receipt["l1Fee"], receipt["operatorFeeScalar"]) = (json!("0x64"), json!("0x1869f")); // 99,999
    receipt["operatorFeeConstant"] = json!("0x7");
    let fee_wei =
        |receipt: &Value| report(&json!({"receipts": [receipt]}))["transactions"][0]["fee_wei"].clone();
    assert_eq!(fee_wei(&receipt), (21_000 * 2 + 100 + 2_099 + 7).to_string());
    receipt["daFootprintGasScalar"] = json!("0x190");
    assert_eq!(fee_wei(&receipt), (21_000_u64 * 2 + 100 + 21_000 * 99_999 * 100 + 7).to_string());
}

#[test]
fn a_solana_transaction_that_failed_paid_no_tip() {
    let tip = [2_u32.to_le_bytes().as_slice(), &7_u64.to_le_bytes()].concat();
    let accounts =
        ["So11111111111111111111111111111111111111112", JITO_TIP, "11111111111111111111111111111111"];
    for (error, tip_lamports) in [(Value::Null, 7), (json!({"InstructionError": [0, "x"]}), 0)] {
        let document = json!({
            "transaction": {"signatures": ["s"], "message": {"accountKeys": accounts, "instructions": [
                {"programIdIndex": 2, "accounts": [0, 1], "data": bs58::encode(&tip).into_string()},
            ]}},
            "meta": {"err": error, "fee": 5, "preBalances": [9, 0, 0], "postBalances": [4, 0, 0]},
        });
        let told = tidemill_inspect::inspect_solana(document.to_string().as_bytes()).unwrap();
        let told: Value = serde_json::from_slice(&told).unwrap();
        assert_eq!(told["transactions"][0]["tip_lamports"], tip_lamports);
    }
}

#[test]
fn a_token_account_that_was_given_away_or_opened_anew_is_counted_for_whom_and_what_it_held() {
    let (mint, other_mint) = (JITO_TIP, "11111111111111111111111111111111");
    let (payer, stranger) =
        ("So11111111111111111111111111111111111111112", "PhoeNiXZ8ByJGLkxNfZRnkUfjvmuYqLR89jjFHGqdXY");
    let held = |mint: &str, owner: &str, amount: &str| json!([{"accountIndex": 1, "mint": mint, "owner": owner, "uiTokenAmount": {"amount": amount}}]);
    let before = held(mint, payer, "100");
    for (after, deltas) in [
        (held(mint, stranger, "100"), json!({mint: "-100"})),
        (held(other_mint, payer, "40"), json!({mint: "-100", other_mint: "40"})),
        (json!([]), json!({mint: "-100"})),
    ] {
        let document = json!({
            "transaction": {"signatures": ["s"], "message": {"accountKeys": [payer, mint], "instructions": []}},
            "meta": {"err": null, "fee": 5, "preBalances": [9, 1], "postBalances": [4, 1],
                "preTokenBalances": before, "postTokenBalances": after},
        });
        let told = tidemill_inspect::inspect_solana(document.to_string().as_bytes()).unwrap();
        let told: Value = serde_json::from_slice(&told).unwrap();
        assert_eq!(told["transactions"][0]["token_deltas"], deltas);
    }
}

#[test]
fn what_an_instruction_made_is_all_read_where_it_is_told_in_two_lists() {
    let tip = [2_u32.to_le_bytes().as_slice(), &7_u64.to_le_bytes()].concat();
    let made = json!({"index": 0, "instructions": [{"programIdIndex": 2, "accounts": [0, 1], "data": bs58::encode(&tip).into_string()}]});
    let accounts =
        ["So11111111111111111111111111111111111111112", JITO_TIP, "11111111111111111111111111111111"];
    let document = json!({
        "transaction": {"signatures": ["s"], "message": {"accountKeys": accounts, "instructions": [
            {"programIdIndex": 0, "accounts": [], "data": ""},
        ]}},
        "meta": {"err": null, "fee": 5, "preBalances": [9, 0, 0], "postBalances": [4, 0, 0], "innerInstructions": [made, made]},
    });
    let told = tidemill_inspect::inspect_solana(document.to_string().as_bytes()).unwrap();
    let told: Value = serde_json::from_slice(&told).unwrap();
    assert_eq!(told["transactions"][0]["tip_lamports"], 14);
}

#[test]
fn what_is_no_block_is_refused_by_name() {
    let cases = [
        ("", "block: expected an object with receipts or traces"),
        ("{}", "block: expected an object with receipts, traces or transactions"),
        ("[{}]", "list: expected receipts or traces"),
        (r#"{"error":{"code":-32000,"message":"no"}}"#, "block: expected an answer, found"),
        (
            r#"[{"action":{},"type":"what","traceAddress":[],"transactionHash":"0x1","transactionPosition":0}]"#,
            "trace transactionHash",
        ),
    ];
    for (document, message) in cases {
        let error = inspect(document.as_bytes(), &facts()).unwrap_err().to_string();
        assert!(error.starts_with(message), "{document}: {error}");
    }
}

#[test]
fn what_is_nested_without_end_is_refused() {
    for (open, inspected) in [
        (r#"{"result":"#, inspect as fn(&[u8], &Facts) -> _),
        (r#"{"block":"#, inspect),
        ("[", |document, _| tidemill_inspect::inspect_solana(document)),
        (r#"{"result":"#, |document, _| tidemill_inspect::inspect_solana(document)),
    ] {
        let close = if open == "[" { "]" } else { "}" };
        let document = open.repeat(50_000) + "{}" + &close.repeat(50_000);
        let refused: Result<Vec<u8>, _> = inspected(document.as_bytes(), &facts());
        let error = refused.unwrap_err().to_string();
        assert!(error.contains("within each other"), "{error}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = inspect(&bytes, &facts());
    }

    #[test]
    fn a_document_that_was_cut_or_changed_is_read_or_refused(at in 0_usize..4_000, byte in any::<u8>(), cut in any::<bool>()) {
        let document = json!({"receipts": [receipt(0, 1, 2, 1, &mut circle(0x77, 130), 0)]}).to_string();
        let mut bytes = document.into_bytes();
        let at = at % bytes.len();
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        let _ = inspect(&bytes, &facts());
    }

    #[test]
    fn deltas_of_every_token_sum_to_zero(moves in prop::collection::vec((0x60_u8..0x64, 1_u8..9, 1_u8..9, 1_u64..1_000), 0..40)) {
        let mut logs: Vec<Value> = moves.iter().map(|(token, from, to, amount)| transfer(*token, *from, *to, *amount)).collect();
        let told = report(&json!({"receipts": [receipt(0, 1, 2, 1, &mut logs, 0)]}));
        let mut sums: std::collections::BTreeMap<String, i64> = std::collections::BTreeMap::new();
        for delta in told["transactions"][0]["deltas"].as_array().into_iter().flatten() {
            let amount: i64 = delta["amount"].as_str().unwrap().parse().unwrap();
            *sums.entry(delta["token"].to_string()).or_default() += amount;
        }
        prop_assert!(sums.values().all(|sum| *sum == 0));
    }

    #[test]
    fn another_name_for_a_token_and_logs_of_others_between_change_nothing(token in 0x60_u8..0x90, at in 0_usize..6, gained in 90_u64..200) {
        let usual = report(&json!({"receipts": [receipt(0, 1, 2, 1, &mut circle(0x77, gained), 0)]}));
        let mut logs = circle(token, gained);
        logs.insert(at, json!({"address": address(0x33), "topics": [format!("0x{:064x}", 99)], "data": "0x"}));
        let other = report(&json!({"receipts": [receipt(0, 1, 2, 1, &mut logs, 0)]}));
        let said = |told: &Value| (told["transactions"][0]["kind"].clone(), told["transactions"][0]["arbitrages"].clone());
        prop_assert_eq!(said(&usual), said(&other));
    }
}
