//! Every recorded swap and every number of the contracts' own tests, against our maths; said plainly where absent.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod shared;

use std::str::FromStr;

use serde_json::Value;
use shared::{read, read_json};
use tidemill_pools::full_math::Rounding;
use tidemill_pools::uniswap_v2::{Fee, UniswapV2};
use tidemill_pools::uniswap_v3::sqrt_price_math::{
    amount0_delta, amount1_delta, next_price_from_input, next_price_from_output, Side,
};
use tidemill_pools::uniswap_v3::swap_math::{swap_step, FeePpm, Range};
use tidemill_pools::uniswap_v3::tick_math::{sqrt_ratio_at_tick, tick_at_sqrt_ratio};
use tidemill_pools::uniswap_v3::UniswapV3;
use tidemill_pools::{Amount, Pool, PoolError, Ticked, U256};

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn uint(value: &Value) -> U256 {
    let text = text(value);
    U256::from_str(text.trim_start_matches('-')).unwrap_or_else(|_| panic!("a number, found {text}"))
}

fn u128_of(value: &Value) -> u128 {
    text(value).parse().unwrap()
}

fn i32_of(value: &Value) -> i32 {
    text(value).parse().unwrap()
}

fn u32_of(value: &Value) -> u32 {
    text(value).parse().unwrap()
}

/// Reads a signed decimal into two's complement.
fn int(value: &Value) -> U256 {
    if text(value).starts_with('-') {
        uint(value).wrapping_neg()
    } else {
        uint(value)
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn pair(reserve_in: &Value, reserve_out: &Value, fee: Fee) -> UniswapV2 {
    let mut pair = UniswapV2::new(fee);
    pair.set_reserves(u128_of(reserve_in), u128_of(reserve_out)).unwrap();
    pair
}

#[test]
fn the_v2_specs_outputs_are_ours() {
    let Some(spec) = read_json("univ2_vectors/spec.json") else { return };
    for vector in list(&spec["get_amount_out"]) {
        let pair = pair(&vector["reserve_in"], &vector["reserve_out"], Fee::UNISWAP);
        let out = pair.amount_out(true, uint(&vector["amount_in"])).unwrap();
        assert_eq!(out, uint(&vector["expected"]), "{vector}");
        // What buys at least this much costs at most what was paid.
        assert!(pair.amount_in(true, out).unwrap() <= uint(&vector["amount_in"]), "{vector}");
    }
    for vector in list(&spec["optimistic"]) {
        let pair = pair(&vector["reserve0"], &vector["reserve1"], Fee::UNISWAP);
        let least = pair.repayment(true, uint(&vector["amount_out"]));
        assert_eq!(least, Ok(uint(&vector["expected_min_amount_in"])), "{vector}");
    }
    let fee_to = &spec["feeTo"];
    let pair = pair(&fee_to["reserves"][0], &fee_to["reserves"][1], Fee::UNISWAP);
    assert_eq!(pair.amount_out(true, uint(&fee_to["swap_amount"])).unwrap(), uint(&fee_to["amount_out"]));
}

#[test]
fn the_v2_routers_edges_are_ours() {
    let mut pair = UniswapV2::new(Fee::UNISWAP);
    assert_eq!(pair.amount_out(true, U256::from(2)), Err(PoolError::Empty));
    assert_eq!(pair.amount_in(true, U256::from(1)), Err(PoolError::Empty));
    pair.set_reserves(100, 100).unwrap();
    assert_eq!(pair.amount_out(true, U256::from(2)), Ok(U256::from(1)));
    assert_eq!(pair.amount_in(true, U256::from(1)), Ok(U256::from(2)));
    assert_eq!(pair.amount_out(true, U256::ZERO), Err(PoolError::Empty));
    assert_eq!(pair.amount_in(true, U256::from(100)), Err(PoolError::Insufficient));
    assert_eq!(pair.amount_in(true, U256::MAX), Err(PoolError::Insufficient));
    assert_eq!(pair.amount_out(true, U256::MAX), Err(PoolError::Overflow));
    assert_eq!(pair.repayment(true, U256::ZERO), Err(PoolError::Empty));
    assert_eq!(pair.repayment(false, U256::from(100)), Err(PoolError::Insufficient));
    assert_eq!(pair.repayment(false, U256::from(99)), Ok(U256::from(100)));
}

#[test]
fn the_deployed_pancake_pairs_outputs_are_ours() {
    let state = "amm_onchain_golden/fixtures/chain_data/8453/pancakeswap_v2_weth_usdbc_block_46875151.json";
    let Some(state) = read_json(state) else { return };
    let pair = pair(&state["reserves_token0"], &state["reserves_token1"], Fee::new(9_975, 10_000).unwrap());
    let mut count = 0;
    for vector in golden(|vector| vector["fn"] == "getAmountsOut") {
        let zero_for_one = vector["args"][0] == "WETH->USDbC";
        let out = pair.amount_out(zero_for_one, uint(&vector["amount"])).unwrap();
        assert_eq!(out, uint(&vector["expected"]), "{vector}");
        count += 1;
    }
    assert_eq!(count, 24);
}

fn golden(is_wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
    let Some(lines) = read("amm_onchain_golden/vectors.jsonl") else { return Vec::new() };
    let vectors = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    vectors.filter(|vector| is_wanted(vector)).collect()
}

#[test]
fn the_deployed_v3_quoters_answers_are_ours() {
    let state = "amm_onchain_golden/fixtures/chain_data/1/uniswap_v3_wbtc_weth_block_24407242.json";
    let Some(state) = read_json(state) else { return };
    let scalars = &state["scalars"];
    let mut pool = UniswapV3::new(u32_of(&scalars["fee"]), i32_of(&scalars["tick_spacing"])).unwrap();
    let tick = i32_of(&scalars["tick"]);
    pool.set_slot(uint(&scalars["sqrt_price_x96"]), tick, u128_of(&scalars["liquidity"]));
    for (tick, liquidity) in state["tick_data"].as_object().unwrap() {
        let net = text(&liquidity[1]).parse().unwrap();
        pool.set_tick(tick.parse().unwrap(), Some((u128_of(&liquidity[0]), net))).unwrap();
    }
    assert_eq!(pool.ticks().liquidity_at(tick), Ok(pool.liquidity()));
    let mut count = 0;
    for vector in golden(|vector| text(&vector["fn"]).starts_with("quoteExact")) {
        let (zero_for_one, amount) = (vector["args"][0] == "WBTC->WETH", uint(&vector["amount"]));
        let is_in = vector["fn"] == "quoteExactInputSingle";
        let amount = if is_in { Amount::In(amount) } else { Amount::Out(amount) };
        // The recorder named the outermost limit, with which the quoter also answers what it cannot deliver in full.
        let swapped = pool.swap_to(zero_for_one, amount, None).unwrap();
        let found = if is_in { swapped.amount_out } else { swapped.amount_in };
        assert_eq!(found, uint(&vector["expected"]), "{vector}");
        let is_whole = is_in || amount == Amount::Out(swapped.amount_out);
        let quote = Pool::from(pool.clone()).quote(zero_for_one, amount);
        let quote = quote.map(|quote| (quote.amount_in, quote.amount_out));
        let expected = (swapped.amount_in, swapped.amount_out);
        assert_eq!(quote, if is_whole { Ok(expected) } else { Err(PoolError::Insufficient) }, "{vector}");
        count += 1;
    }
    assert_eq!(count, 80);
}

fn pool_of(vector: &Value) -> UniswapV3 {
    let given = &vector["pool"];
    let mut pool = UniswapV3::new(u32_of(&given["fee_pips"]), i32_of(&given["tick_spacing"])).unwrap();
    pool.set_slot(uint(&given["sqrt_price_x96"]), i32_of(&given["tick"]), 0);
    for position in list(&given["positions"]) {
        let (lower, upper) = (i32_of(&position["tick_lower"]), i32_of(&position["tick_upper"]));
        let liquidity = text(&position["liquidity"]).parse().unwrap();
        pool.change_liquidity(lower, upper, liquidity).unwrap();
    }
    assert_eq!(pool.liquidity(), u128_of(&given["liquidity"]), "{vector}");
    pool
}

#[test]
fn the_v3_specs_swaps_are_ours() {
    let Some(vectors) = read_json("univ3_vectors/pool_swaps.json") else { return };
    let mut reverts = 0;
    for vector in list(&vectors) {
        let pool = pool_of(vector);
        let swap = &vector["swap"];
        let zero_for_one = swap["zero_for_one"].as_bool().unwrap();
        let amount = match swap["kind"].as_str().unwrap() {
            "exact_in" => Amount::In(uint(&swap["amount"])),
            "exact_out" => Amount::Out(uint(&swap["amount"])),
            _ => Amount::In(U256::MAX >> 1),
        };
        let limit = &swap["sqrt_price_limit_x96"];
        let limit = (!limit.is_null()).then(|| uint(limit));
        let result = pool.swap_to(zero_for_one, amount, limit);
        let expected = &vector["expected"];
        if expected["error"] == "revert" {
            reverts += 1;
            assert_eq!(result, Err(PoolError::PriceLimit), "{vector}");
            continue;
        }
        let swapped = result.unwrap();
        let deltas = (int(&expected["amount0_delta"]), int(&expected["amount1_delta"]));
        assert_eq!(swapped.deltas(zero_for_one), deltas, "{vector}");
        assert_eq!(swapped.sqrt_price_x96, uint(&expected["sqrt_price_after_x96_derived"]), "{vector}");
        assert_eq!(swapped.liquidity, u128_of(&expected["liquidity_after_derived"]), "{vector}");
        assert_eq!(swapped.tick, i32_of(&expected["tick_after"]), "{vector}");
    }
    assert_eq!((vectors.as_array().unwrap().len(), reverts), (240, 50));
}

#[test]
fn the_v3_specs_tick_maths_is_ours() {
    let Some(maths) = read_json("univ3_vectors/math.json") else { return };
    for vector in list(&maths["tick_to_sqrt"]) {
        let ratio = sqrt_ratio_at_tick(i32_of(&vector["tick"]));
        assert_eq!(ratio, Some(uint(&vector["sqrt_price_x96"])), "{vector}");
    }
    for vector in list(&maths["sqrt_to_tick"]) {
        let tick = tick_at_sqrt_ratio(uint(&vector["sqrt_price_x96"]));
        assert_eq!(tick, Some(i32_of(&vector["tick"])), "{vector}");
    }
}

#[test]
fn the_v3_specs_price_and_amount_maths_is_ours() {
    let Some(maths) = read_json("univ3_vectors/math.json") else { return };
    for vector in list(&maths["next_sqrt_price"]) {
        let (price, liquidity) = (uint(&vector["sqrt_price_x96"]), u128_of(&vector["liquidity"]));
        let (amount, is_zero_for_one) = (uint(&vector["amount"]), vector["zero_for_one"] == true);
        let found = if vector["fn"] == "get_next_sqrt_price_from_input" {
            let side = if is_zero_for_one { Side::Token0 } else { Side::Token1 };
            next_price_from_input(price, liquidity, amount, side)
        } else {
            let side = if is_zero_for_one { Side::Token1 } else { Side::Token0 };
            next_price_from_output(price, liquidity, amount, side)
        };
        if vector["expected"] == "revert" {
            assert!(found.is_err(), "{vector}");
        } else {
            assert_eq!(found, Ok(uint(&vector["expected"])), "{vector}");
        }
    }
    for vector in list(&maths["amount_delta"]) {
        let (a, b, liquidity) = (uint(&vector["a"]), uint(&vector["b"]), u128_of(&vector["liquidity"]));
        let rounding = if vector["round_up"] == true { Rounding::Up } else { Rounding::Down };
        let delta = if vector["fn"] == "get_amount0_delta" { amount0_delta } else { amount1_delta };
        assert_eq!(delta(a, b, liquidity, rounding), Ok(uint(&vector["expected"])), "{vector}");
    }
}

#[test]
fn the_v3_specs_swap_steps_are_ours() {
    let Some(maths) = read_json("univ3_vectors/math.json") else { return };
    for vector in list(&maths["compute_swap_step"]) {
        let range = Range {
            price: uint(&vector["sqrt_price_x96"]),
            target: uint(&vector["sqrt_target_x96"]),
            liquidity: u128_of(&vector["liquidity"]),
        };
        let remaining = uint(&vector["amount_remaining"]);
        let is_out = text(&vector["amount_remaining"]).starts_with('-');
        let remaining = if is_out { Amount::Out(remaining) } else { Amount::In(remaining) };
        let fee = FeePpm::new(u32_of(&vector["fee_pips"])).unwrap();
        let step = swap_step(&range, remaining, fee).unwrap();
        for stated in list(&vector["stated"]) {
            let found = match stated.as_str().unwrap() {
                "amount_in" => step.amount_in,
                "amount_out" => step.amount_out,
                "fee_amount" => step.fee,
                _ => step.sqrt_price_x96,
            };
            assert_eq!(found, uint(&vector["expected"][stated.as_str().unwrap()]), "{stated} of {vector}");
        }
    }
}
