//! What a transaction is told apart from, by blocks made by hand.

#![allow(clippy::unwrap_used)] // a test that fails says so

mod made;

use made::{address, circle, receipt, report, topic, transfer, v2_swap, WRAPPED};
use proptest::prelude::*;
use serde_json::{json, Value};

const V3_SWAP: &str = "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67";
const V3_MINT: &str = "0x7a53080ba414158be7ec69b987b5fb7d07dee101fe85488f0853ae16239d0bde";
const V3_BURN: &str = "0x0c396cd989a39f4459b5fa1aed6a9a8dcdbc45908acfd67e028cd568da98982c";
const V3_FLASH: &str = "0xbdbdb71d7860376ba52b25a5028beea23581364a40522f6bcfb86bb1f2dca633";
const V4_SWAP: &str = "0x40e9cecb9f5f1f1c5b9c97dec2917b7ee92e57ba5563708daca94dd84ad7112f";
const DODO_SWAP: &str = "0xc2c0245e056d5fb095f04cd6373bc770802ebd1e6c918eb78fdef843cdb37b0f";
const V4_MODIFY: &str = "0xf208f4912782fd25c7f114ca3723a2d5dd6f3bcc3ac8db5af63baa85f711d5ec";

fn log(emitter: u8, topics: &[String], data: &[i64]) -> Value {
    let word = |amount: &i64| {
        let sign = if *amount < 0 { "f" } else { "0" };
        format!("{}{amount:016x}", sign.repeat(48))
    };
    let data: Vec<String> = data.iter().map(word).collect();
    json!({"address": address(emitter), "topics": topics, "data": format!("0x{}", data.concat())})
}

fn of_one(logs: &mut [Value]) -> Value {
    report(&json!({"receipts": [receipt(0, 1, 2, 1, logs, 0)]}))["transactions"][0].clone()
}

/// A word of an address and of a number, as data have them.
fn data(parts: &[Result<u8, u64>]) -> String {
    let words: Vec<String> = parts
        .iter()
        .map(|part| match part {
            Ok(party) => topic(*party)[2..].to_owned(),
            Err(number) => format!("{number:064x}"),
        })
        .collect();
    format!("0x{}", words.concat())
}

#[test]
fn a_liquidation_is_told_at_every_lender() {
    let (lender, liquidator, borrower, debt, collateral) = (0x40, 0x41, 0x42, 0x43, 0x44);
    let signature = |hex: &str| format!("0x{hex}");
    let cases = [
        (
            vec![
                signature("e413a321e8681d831f4dbccbca790d2952b56f977908e45be37335533e005286"),
                topic(collateral),
                topic(debt),
                topic(borrower),
            ],
            data(&[Err(500), Err(90), Ok(liquidator), Err(0)]),
        ),
        (
            vec![signature("298637f684da70674f26509b10f07ec2fbc77a335ab1e7d6215a4b2484d8bb52")],
            data(&[Ok(liquidator), Ok(borrower), Err(500), Ok(collateral), Err(90)]),
        ),
        (
            vec![
                signature("a4946ede45d0c6f06a0f5ce92c9ad3b4751452d2fe0e25010783bcab57a67e41"),
                topic(7),
                topic(liquidator),
                topic(borrower),
            ],
            data(&[Err(500), Err(1), Err(90), Err(0), Err(0)]),
        ),
        (
            vec![
                signature("8246cc71ab01533b5bebc672a636df812f10637ad720797319d5741d5ebb3962"),
                topic(liquidator),
                topic(borrower),
            ],
            data(&[Ok(collateral), Err(500), Err(90)]),
        ),
    ];
    for (topics, data) in cases {
        let mut logs = vec![
            transfer(debt, liquidator, lender, 500),
            transfer(collateral, lender, liquidator, 90),
            json!({"address": address(lender), "topics": topics, "data": data}),
        ];
        let told = of_one(&mut logs);
        assert_eq!(told["kind"], "liquidation");
        let expected = json!([{
            "lender": address(lender), "liquidator": address(liquidator), "borrower": address(borrower),
            "debt_token": address(debt), "debt_amount": "500",
            "collateral_token": address(collateral), "collateral_amount": "90",
        }]);
        assert_eq!(told["liquidations"], expected, "{}", topics[0]);
    }
}

#[test]
fn a_market_that_takes_over_a_debt_itself_is_a_liquidation_without_a_payment() {
    let topics = [
        "0x9850ab1af75177e4a9201c65a2cf7976d5d28e40ef63494b44366f86b2f9412e".to_owned(),
        topic(1),
        topic(0x42),
        topic(0x44),
    ];
    let told = of_one(&mut [log(0x40, &topics, &[90, 4])]);
    let found = &told["liquidations"][0];
    assert_eq!((&found["collateral_amount"], &found["debt_amount"]), (&json!("90"), &Value::Null));
}

#[test]
fn a_pools_flash_loan_is_named_by_what_the_pool_gave() {
    let mut logs = vec![transfer(0x55, 11, 2, 1_000)];
    logs.extend(circle(0x77, 130));
    logs.push(transfer(0x55, 2, 11, 1_003));
    logs.push(log(11, &[V3_FLASH.to_owned(), topic(2), topic(2)], &[0, 1_000, 0, 3]));
    let told = of_one(&mut logs);
    let expected = json!([{"lender": address(11), "token": address(0x55), "amount": "1000", "fee": "3"}]);
    assert_eq!(told["flash_loans"], expected);
}

#[test]
fn liquidity_for_one_swap_is_told_with_its_pool_whose_neighbours_are_not() {
    let id = |number: u8| format!("0x{number:064x}");
    let change = |delta: i64| log(0x40, &[V4_MODIFY.to_owned(), id(1), topic(2)], &[-60, 60, delta, 0]);
    let swap = |pool: u8| log(0x40, &[V4_SWAP.to_owned(), id(pool), topic(3)], &[-100, 99, 1, 1, 0, 500]);
    for (pool, count) in [(1, 1), (2, 0)] {
        let told = report(&json!({"receipts": [
            receipt(0, 1, 2, 1, &mut [change(1_000)], 0),
            receipt(1, 3, 9, 1, &mut [swap(pool)], 1),
            receipt(2, 1, 2, 1, &mut [change(-1_000)], 2),
        ]}));
        let found = told["just_in_time"].as_array().unwrap();
        assert_eq!(found.len(), count);
        assert!(found.iter().all(|one| one["liquidity"] == "1000" && one["owner"] == address(2)));
    }
}

#[test]
fn liquidity_that_one_transaction_adds_and_removes_is_no_just_in_time() {
    let change = |topic_0: &str, data: &[i64]| {
        log(11, &[topic_0.to_owned(), topic(2), format!("0x{:064x}", 10), format!("0x{:064x}", 20)], data)
    };
    let (mint, burn) = (change(V3_MINT, &[2, 500, 5, 5]), change(V3_BURN, &[500, 5, 5]));
    let swap = log(11, &[V3_SWAP.to_owned(), topic(3), topic(3)], &[100, -99, 1, 1, 0]);
    let told = report(&json!({"receipts": [
        receipt(0, 1, 2, 1, &mut [mint.clone(), burn.clone()], 0), receipt(1, 3, 9, 1, &mut [swap.clone()], 2),
    ]}));
    assert_eq!((&told["just_in_time"], &told["transactions"][0]["kind"]), (&json!([]), &json!("liquidity")));
    let told = report(&json!({"receipts": [
        receipt(0, 1, 2, 1, &mut [mint], 0), receipt(1, 3, 9, 1, &mut [swap], 1), receipt(2, 1, 2, 1, &mut [burn], 2),
    ]}));
    assert_eq!(told["just_in_time"].as_array().unwrap().len(), 1);
}

#[test]
fn who_buys_and_sells_in_one_pool_trades_with_itself() {
    let mut logs = vec![
        transfer(0x66, 2, 11, 100),
        transfer(0x77, 11, 2, 500),
        v2_swap(11, 2, &[100, 0, 0, 500]),
        transfer(0x77, 2, 11, 500),
        transfer(0x66, 11, 2, 99),
        v2_swap(11, 2, &[0, 500, 99, 0]),
    ];
    let told = of_one(&mut logs);
    assert_eq!((&told["kind"], &told["arbitrages"]), (&json!("wash_trade"), &Value::Null));
}

#[test]
fn orders_of_strangers_that_a_router_settles_are_no_arbitrage() {
    // 0x99 takes 3's token, changes it in two pools and pays 4's order with it: a circle of the router's own, and nobody's.
    let mut logs = vec![
        transfer(0x66, 3, 0x99, 100),
        transfer(0x66, 0x99, 11, 100),
        transfer(0x77, 11, 0x99, 500),
        v2_swap(11, 0x99, &[100, 0, 0, 500]),
        transfer(0x77, 0x99, 12, 500),
        transfer(0x66, 12, 0x99, 120),
        v2_swap(12, 0x99, &[500, 0, 0, 120]),
        transfer(0x66, 0x99, 4, 120),
    ];
    let settled = receipt(0, 1, 0x99, 1, &mut logs, 0);
    let told = report(&json!({"receipts": [settled]}))["transactions"][0].clone();
    assert_eq!((&told["kind"], &told["router"]), (&json!("swap"), &json!("settlement")));
    let mut own = vec![
        transfer(0x66, 1, 11, 100),
        transfer(0x77, 11, 12, 500),
        v2_swap(11, 12, &[100, 0, 0, 500]),
        transfer(0x66, 12, 1, 120),
        v2_swap(12, 1, &[500, 0, 0, 120]),
    ];
    let own = receipt(0, 1, 0x99, 1, &mut own, 0);
    let told = report(&json!({"receipts": [own]}))["transactions"][0].clone();
    assert_eq!((&told["kind"], &told["arbitrages"][0]["profit_amount"]), (&json!("arbitrage"), &json!("20")));
}

fn call(from: u8, to: u8, input: &str, calls: &[Value]) -> Value {
    json!({"type": "CALL", "from": address(from), "to": address(to), "value": "0x0", "gas": "0x1", "gasUsed": "0x1",
        "input": input, "calls": calls})
}

/// The calls of a bot (1 by its contract 2) that pays 100 to pool 11, which pays pool 12, which pays `gained` back; all of it is undone.
fn attempt(gained: u64) -> Value {
    let word = |party: u8| topic(party)[2..].to_owned();
    let pay = |from: u8, token: u8, to: u8, amount: u64| {
        call(from, token, &format!("0xa9059cbb{}{amount:064x}", word(to)), &[])
    };
    let swap = |pool: u8, to: u8, token: u8, amount: u64| {
        let input = format!("0x022c0d9f{:064x}{amount:064x}{}{:064x}{:064x}", 0, word(to), 128, 0);
        call(2, pool, &input, &[pay(pool, token, to, amount)])
    };
    let calls = [pay(2, 0x66, 11, 100), swap(11, 12, 0x77, 500), swap(12, 2, 0x66, gained)];
    let mut attempt = call(1, 2, "0x12345678", &calls);
    attempt["error"] = json!("execution reverted");
    attempt
}

#[test]
fn an_attempt_that_was_undone_is_told_by_its_calls() {
    let traces = json!([{"txHash": format!("0x{:064x}", 0), "result": attempt(99)}]);
    let both = json!({"receipts": [receipt(0, 1, 2, 0, &mut [], 0)], "traces": &traces});
    for document in [traces, both] {
        let told = report(&document);
        let tx = &told["transactions"][0];
        assert_eq!((&tx["kind"], &tx["swaps"][1]["is_undone"]), (&json!("failed_arbitrage"), &json!(true)));
        assert_eq!((&tx["gains"], &tx["deltas"]), (&Value::Null, &Value::Null));
    }
}

#[test]
fn an_attempt_that_was_undone_gained_nothing_and_cost_its_gas() {
    let traces = json!([{"txHash": format!("0x{:064x}", 0), "result": attempt(130)}]);
    let told = report(&json!({"receipts": [receipt(0, 1, 2, 0, &mut [], 0)], "traces": traces}));
    let tx = &told["transactions"][0];
    let found = &tx["arbitrages"][0];
    assert_eq!((&tx["kind"], &found["verdict"]), (&json!("failed_arbitrage"), &json!("loss")));
    // What it would have been is told, and what it came to.
    assert_eq!((&found["profit_amount"], &found["net_profit_wei"]), (&json!("30"), &json!("-42000")));
}

#[test]
fn a_circle_that_was_undone_within_a_transaction_that_was_not_is_no_arbitrage() {
    let outer = call(1, 2, "0x12345678", &[attempt(130)]);
    let told = report(&json!([{"txHash": format!("0x{:064x}", 0), "result": outer}]));
    let tx = &told["transactions"][0];
    assert_eq!((&tx["is_success"], &tx["swaps"][1]["is_undone"]), (&json!(true), &json!(true)));
    assert_eq!((&tx["kind"], &tx["arbitrages"]), (&json!("other"), &Value::Null));
}

#[test]
fn a_swap_of_more_than_any_token_has_is_none() {
    // -1 is the word of 2^256 - 1, i64::MIN that of 2^256 - 2^63.
    for huge in [-1, i64::MIN] {
        for (paid, gained) in [(1, huge), (huge, 1)] {
            let told = of_one(&mut [
                log(11, &[DODO_SWAP.to_owned()], &[0x66, 0x77, paid, 5, 7, 7]),
                log(12, &[DODO_SWAP.to_owned()], &[0x77, 0x66, 5, gained, 7, 7]),
            ]);
            assert_eq!((&told["kind"], &told["arbitrages"]), (&json!("swap"), &Value::Null));
            assert_eq!(told["swaps"].as_array().unwrap().len(), 1);
        }
    }
}

#[test]
fn many_logs_that_are_made_to_be_compared_with_each_other_are_told_soon() {
    let count = 60_000_u64;
    // To compare each with each would take minutes. A pool's swaps, none with a transfer of its amount; then payments to as many others, who give nothing.
    let swaps = (0..count).map(|_| v2_swap(11, 2, &[99, 0, 0, 5]));
    let mut logs: Vec<Value> = swaps.chain((0..count).map(|_| transfer(0x66, 2, 11, 100))).collect();
    let others = (0..count).map(|at| {
        let topics = [made::TRANSFER.to_owned(), topic(2), format!("0x{:064x}", 0x1_0000 + at)];
        json!({"address": address(0x66), "topics": topics, "data": format!("0x{:064x}", 1)})
    });
    logs.extend(others);
    let told = of_one(&mut logs);
    assert_eq!(told["swaps"].as_array().unwrap().len(), 60_000);
    assert_eq!(told["accounts"].as_array().unwrap().len(), 60_002);
}

#[test]
fn what_circles_do_not_say_is_shown_and_pools_that_gave_more_than_they_got_are_losers() {
    let mut logs = circle(0x77, 130);
    logs.push(transfer(0x66, 5, 2, 8));
    let told = of_one(&mut logs);
    assert_eq!(told["unexplained"], json!([{"token": address(0x66), "amount": "8"}]));
    // Pool 11 got 100 for 500, which pool 12 says are worth 130.
    assert_eq!(told["losers"], json!([{"party": address(11), "token": "native", "amount": "-30"}]));
    assert_eq!(of_one(&mut circle(0x77, 130))["unexplained"], Value::Null);
}

/// A circle of `amounts.len()` pools, the first token being `first` and the others following it; the last amount comes out.
fn long_circle(first: u8, amounts: &[u64]) -> Vec<Value> {
    let pools = u8::try_from(amounts.len() - 1).unwrap();
    let mut logs = vec![transfer(first, 2, 11, amounts[0])];
    for at in 0..pools {
        let (pool, next) = (11 + at, if at + 1 == pools { 2 } else { 12 + at });
        let token = if at + 1 == pools { first } else { first + at + 1 };
        let (paid, bought) = (amounts[usize::from(at)], amounts[usize::from(at) + 1]);
        logs.push(transfer(token, pool, next, bought));
        logs.push(v2_swap(pool, next, &[paid, 0, 0, bought]));
    }
    logs
}

proptest! {
    #[test]
    fn a_circle_of_any_length_is_told_to_the_unit(amounts in prop::collection::vec(1_u64..1_000_000, 3..8), first in 0x50_u8..0x90) {
        let told = of_one(&mut long_circle(first, &amounts));
        let found = &told["arbitrages"][0];
        let profit = i64::try_from(*amounts.last().unwrap()).unwrap() - i64::try_from(amounts[0]).unwrap();
        prop_assert_eq!(&found["profit_amount"], &json!(profit.to_string()));
        prop_assert_eq!(found["swaps"].as_array().unwrap().len(), amounts.len() - 1);
        prop_assert_eq!(&found["confidence"], &json!(1.0));
        let kind = if profit > 0 { "arbitrage" } else { "losing_circle" };
        prop_assert_eq!(&told["kind"], &json!(kind));
    }

    #[test]
    fn where_logs_of_strangers_lie_changes_nothing(
        amounts in prop::collection::vec(1_u64..1_000, 3..6),
        others in prop::collection::vec((0_usize..100, 0x31_u8..0x38, 0x31_u8..0x38, 1_u64..1_000), 0..8),
    ) {
        let mut logs = long_circle(0x60, &amounts);
        let usual = of_one(&mut logs.clone());
        for (at, from, to, amount) in others {
            logs.insert(at % (logs.len() + 1), transfer(0x3f, from, to, amount));
        }
        let told = of_one(&mut logs);
        for name in ["kind", "arbitrages", "gains", "accounts"] {
            prop_assert_eq!(&told[name], &usual[name], "{}", name);
        }
    }

    #[test]
    fn the_wrapped_coin_is_worth_what_the_coin_is(amounts in prop::collection::vec(1_u64..1_000_000, 3..6)) {
        let told = of_one(&mut long_circle(WRAPPED[0], &amounts));
        let net = i64::try_from(*amounts.last().unwrap()).unwrap() - i64::try_from(amounts[0]).unwrap() - 42_000;
        prop_assert_eq!(&told["arbitrages"][0]["net_profit_wei"], &json!(net.to_string()));
    }
}
