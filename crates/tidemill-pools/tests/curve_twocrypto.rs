//! Swaps of twocrypto-NG pools, each compared with the state the contract's own arithmetic left behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod shared;

use serde_json::Value;
use shared::curve::{number, ONE};
use tidemill_pools::curve_crypto::{CryptoSwap, Generation, Prices, Profit, Terms};
use tidemill_pools::{PoolError, U256};

/// Four pools: A and gamma of wide and narrow ones, coins of 18, 8 and 6 decimals, last prices that the average takes
/// whole and that it caps.
///
/// Recorded from the Vyper statements of `exchange`, `tweak_price`, `_fee` and of the mathematics of
/// curvefi/twocrypto-ng v2.0.0, compiled by Vyper 0.3.10 and run in revm; transfers, the average of xcp and the owner's
/// fees, which no swap's outcome hangs on, were left out, and gamma may be up to 2·10^16.
const RECORDED: &str = include_str!("golden/twocrypto_ng.json");

fn numbers<const N: usize>(value: &Value) -> [U256; N] {
    let list: Vec<U256> =
        value.as_array().unwrap().iter().map(|value| number(value.as_str().unwrap())).collect();
    list.try_into().unwrap()
}

fn pool(recorded: &Value, state: &Value) -> CryptoSwap {
    let [ann, gamma] = numbers(&recorded["shape"]);
    let [mid_fee, out_fee, fee_gamma] = numbers(&recorded["fees"]);
    let [allowed_extra_profit, adjustment_step, average_s] = numbers(&recorded["rebalancing"]);
    let terms = Terms {
        ann,
        gamma,
        mid_fee,
        out_fee,
        fee_gamma,
        allowed_extra_profit,
        adjustment_step,
        ma_half_time_s: average_s.to(),
        admin_fee: number("5000000000"),
        ramp_ends_s: 0,
    };
    let [x, y, d, scale, oracle, last, last_s, xcp, virtual_price] = numbers(state);
    let [supply] = numbers(&recorded["supply"]);
    let two = |price| [price, U256::ZERO];
    let prices =
        Prices { scale: two(scale), oracle: two(oracle), last: two(last), last_s: Some(last_s.to()) };
    let profit = Profit { xcp, xcp_claimed: ONE, virtual_price, supply, is_adjusting: false };
    let precisions: [U256; 2] = numbers(&recorded["precisions"]);
    CryptoSwap::new(Generation::Ng, (&[x, y], &precisions), d, terms, (prices, profit)).unwrap()
}

#[test]
fn a_swap_leaves_a_twocrypto_ng_pool_as_the_contract_does() {
    let all: Value = serde_json::from_str(RECORDED).unwrap();
    let (mut swaps, mut moves, mut caps) = (0, 0, 0);
    for recorded in all.as_array().unwrap() {
        let mut before = pool(recorded, &recorded["start"]);
        for swap in recorded["swaps"].as_array().unwrap() {
            let [i, dx, now_s, dy] = numbers(&swap["swap"]);
            let (i, now_s) = (i.to::<usize>(), now_s.to::<u64>());
            let (paid, after) = before.swap(i, 1 - i, dx, now_s).unwrap();
            assert_eq!(paid, dy, "{swap}");
            assert_eq!(after, pool(recorded, &swap["after"]), "{swap}");
            let (old, new) = (before.prices(), after.prices());
            swaps += 1;
            moves += usize::from(new.scale != old.scale);
            caps += usize::from(old.last_s < Some(now_s) && old.last[0] > old.scale[0] * U256::from(2));
            before = after;
        }
    }
    assert_eq!((swaps, moves, caps), (24, 15, 7));
}

#[test]
fn a_swap_that_earns_a_twocrypto_ng_pool_nothing_is_refused() {
    let all: Value = serde_json::from_str(RECORDED).unwrap();
    let recorded = &all[0];
    let mut free = pool(recorded, &recorded["start"]);
    let terms = Terms { mid_fee: U256::ZERO, out_fee: U256::ZERO, ..free.terms() };
    let precisions: [U256; 2] = numbers(&recorded["precisions"]);
    let state = (free.prices(), free.profit());
    free = CryptoSwap::new(Generation::Ng, (free.balances(), &precisions), free.d(), terms, state).unwrap();
    let now_s = free.prices().last_s.unwrap() + 60;
    let dx = U256::from(1_000);
    assert!(free.amount_out(0, 1, dx).is_ok());
    assert_eq!(free.swap(0, 1, dx, now_s), Err(PoolError::Unsafe));
}
