//! Recorded answers of Curve's contracts, and what must hold of any of its pools; said plainly where absent.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod shared;

use std::collections::HashMap;
use std::str::FromStr;

use serde_json::Value;
use shared::curve::{crypto_terms, number, prices, profit, ONE};
use shared::{read, read_json};
use tidemill_pools::curve_crypto::{CryptoSwap, Generation, Prices, Profit, Terms as CryptoTerms};
use tidemill_pools::curve_stable::{ramped, MetaSwap, Rules, StableSwap, Terms};
use tidemill_pools::{PoolError, U256};

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn uint(value: &Value) -> U256 {
    U256::from_str(&text(value)).unwrap_or_else(|_| panic!("a number, found {value}"))
}

fn seconds(value: &Value) -> u64 {
    text(value).parse().unwrap()
}

fn list(value: &Value) -> Vec<U256> {
    value.as_array().unwrap().iter().map(uint).collect()
}

/// 10^(36 − decimals) of each token.
fn rates_of(tokens: &Value) -> Vec<U256> {
    let decimals = tokens.as_array().unwrap().iter().map(|token| seconds(&token["decimals"]));
    decimals.map(|decimals| U256::from(10).pow(U256::from(36 - decimals))).collect()
}

/// One of fees.
const FEE_ONE: U256 = U256::from_limbs([10_000_000_000, 0, 0, 0]);
const VECTORS: &str = "curve/kyber_vectors.json";
const STABLE: &str = "pkg/liquidity-source/curve/";

/// The recorded pools and vectors, whose large numbers are texts already.
fn kyber() -> Option<Value> {
    read(VECTORS).map(|text| serde_json::from_str(&text).unwrap())
}

/// A recorded pool: its tokens, and the two spellings of its parameters.
struct Recorded {
    tokens: Vec<String>,
    pool: StableSwap,
}

/// Reads a field that the recordings spell with a capital or without.
fn field<'a>(extra: &'a Value, name: &str) -> &'a Value {
    let lower = name[..1].to_lowercase() + &name[1..];
    extra.get(name).or_else(|| extra.get(&lower)).unwrap_or(&Value::Null)
}

fn recorded(state: &Value) -> Recorded {
    let parsed = |name: &str| -> Value { serde_json::from_str(state[name].as_str().unwrap()).unwrap() };
    let (extra, fixed) = (parsed("extra"), parsed("staticExtra"));
    let kind = state["type"].as_str().unwrap();
    let rules = match (kind, field(&fixed, "APrecision").as_str().unwrap()) {
        ("curve-stable-ng" | "curve-stable-meta-ng", _) => Rules::NG,
        (_, "1") => Rules::THREE_POOL,
        _ => Rules::TEMPLATE,
    };
    let ramp = (seconds(field(&extra, "InitialATime")), seconds(field(&extra, "FutureATime")));
    let (a0, a1) = (uint(field(&extra, "InitialA")), uint(field(&extra, "FutureA")));
    let multiplier = field(&extra, "OffpegFeeMultiplier");
    let terms = Terms {
        amp: ramped(a0, a1, ramp, seconds(&state["timestamp"])).unwrap(),
        fee: uint(field(&extra, "SwapFee")),
        admin_fee: uint(field(&extra, "AdminFee")),
        offpeg_fee_multiplier: if multiplier.is_null() { U256::ZERO } else { uint(multiplier) },
    };
    let rates = match field(&extra, "RateMultipliers") {
        Value::Null => rates_of(&state["tokens"]),
        rates => list(rates),
    };
    let balances = list(&state["reserves"]);
    let tokens = state["tokens"].as_array().unwrap();
    let pool = StableSwap::new(rules, terms, &balances[..tokens.len()], &rates).unwrap();
    Recorded { tokens: tokens.iter().map(|token| text(&token["address"])).collect(), pool }
}

/// The vectors of one test, in the order in which it swaps.
fn vectors<'a>(all: &'a Value, file: &str, test: &str) -> Vec<&'a Value> {
    let file = format!("{STABLE}{file}");
    let wanted = all["vectors"].as_array().unwrap().iter();
    let mut found: Vec<&Value> =
        wanted.filter(|vector| vector["file"] == *file && vector["test"] == test).collect();
    found.sort_by_key(|vector| seconds(&vector["sequence_no"]));
    found
}

fn coins(tokens: &[String], vector: &Value) -> (usize, usize) {
    let place = |name: &str| tokens.iter().position(|token| *token == text(&vector[name])).unwrap();
    (place("token_in"), place("token_out"))
}

#[test]
fn the_recorded_plain_and_ng_answers_are_ours() {
    let Some(all) = kyber() else { return };
    let mut count = 0;
    for (file, test) in [
        ("plain/pool_simulator_compare_test.go", "TestCalcAmountOutSnapshot"),
        ("plain/pool_simulator_test.go", "TestCalcAmountOutPlain"),
        ("stable-ng/pool_simulator_test.go", "TestCalcAmountOut"),
    ] {
        for vector in vectors(&all, file, test) {
            let state = recorded(&all["pools"][vector["pool_ref"].as_str().unwrap()]);
            let (i, j) = coins(&state.tokens, vector);
            let dx = uint(&vector["amount_in"]);
            assert_eq!(state.pool.amount_out(i, j, dx), Ok(uint(&vector["expected"])), "{vector}");
            let (paid, _) = state.pool.swap(i, j, dx).unwrap();
            assert_eq!(paid, uint(&vector["expected"]), "{vector}");
            count += 1;
        }
    }
    assert_eq!(count, 262);
}

#[test]
fn the_recorded_sequences_of_swaps_are_ours() {
    let Some(all) = kyber() else { return };
    let mut pools: HashMap<String, StableSwap> = HashMap::new();
    let mut count = 0;
    for vector in vectors(&all, "plain/pool_simulator_compare_test.go", "TestUpdateBalanceSnapshot") {
        let reference = vector["pool_ref"].as_str().unwrap();
        let state = recorded(&all["pools"][reference]);
        let pool = pools.entry(reference.to_owned()).or_insert(state.pool);
        let (i, j) = coins(&state.tokens, vector);
        let (paid, after) = pool.swap(i, j, uint(&vector["amount_in"])).unwrap();
        assert_eq!(paid, uint(&vector["expected"]), "{vector}");
        // The simulator that recorded these books the admin fee of what it paid; the contract that of what it owed.
        let terms = pool.terms();
        let admin_fee = paid * terms.fee / FEE_ONE * terms.admin_fee / FEE_ONE;
        let mut balances = after.balances().to_vec();
        balances[j] = pool.balances()[j] - paid - admin_fee;
        *pool = after.with(terms, &balances, after.rates()).unwrap();
        count += 1;
    }
    assert_eq!(count, 104);
}

#[test]
fn the_recorded_amounts_in_are_ours() {
    let Some(all) = kyber() else { return };
    let mut count = 0;
    for vector in vectors(&all, "plain/pool_simulator_test.go", "TestPoolSimulatorPlain_CalcAmountIn") {
        let state = recorded(&all["pools"][vector["pool_ref"].as_str().unwrap()]);
        let (i, j) = coins(&state.tokens, vector);
        let found = state.pool.raw_fee_amount_in(j, i, uint(&vector["amount_in"]));
        assert_eq!(found, Ok(uint(&vector["expected"])), "{vector}");
        count += 1;
    }
    assert_eq!(count, 19);
}

/// The recorded NG metapool on 3pool, with the base pool's supply.
fn meta_ng(all: &Value, test: &str) -> (Vec<String>, MetaSwap) {
    let state =
        |index: usize| &all["pools"][format!("{STABLE}stable-meta-ng/pool_simulator_test.go#{test}#{index}")];
    let (base, meta) = (recorded(state(1)), recorded(state(3)));
    let base_supply = uint(&state(1)["reserves"][3]);
    let tokens = meta.tokens.iter().chain(&base.tokens).cloned().collect();
    (tokens, MetaSwap { pool: meta.pool, base: base.pool, base_supply })
}

#[test]
fn the_recorded_metapool_answers_are_ours() {
    let Some(all) = kyber() else { return };
    for test in ["TestCalcAmountOut", "TestUpdateBalance"] {
        let (tokens, mut meta) = meta_ng(&all, test);
        let mut count = 0;
        for vector in vectors(&all, "stable-meta-ng/pool_simulator_test.go", test) {
            let (i, j) = coins(&tokens, vector);
            let dx = uint(&vector["amount_in"]);
            // Tokens are the metapool's two, then the base pool's three.
            let under = |coin: usize| if coin >= 2 { coin - 1 } else { coin };
            let (found, paid, after) = if i < 2 && j < 2 {
                let (paid, pool) = meta.pool.swap(i, j, dx).unwrap();
                (meta.pool.amount_out(i, j, dx), paid, MetaSwap { pool, ..meta.clone() })
            } else {
                let (i, j) = (under(i), under(j));
                let (paid, after) = meta.swap(i, j, dx).unwrap();
                (meta.amount_out(i, j, dx), paid, after)
            };
            let expected = uint(&vector["expected"]);
            assert_eq!((found, paid), (Ok(expected), expected), "{vector}");
            if test == "TestUpdateBalance" {
                meta = after;
            }
            count += 1;
        }
        assert_eq!(count, 28);
    }
}

fn golden(pool: &str) -> Vec<Value> {
    let Some(lines) = read("amm_onchain_golden/vectors.jsonl") else { return Vec::new() };
    let vectors = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    vectors.filter(|vector| vector["pool"] == pool).collect()
}

/// A pool as the recordings of deployed contracts spell it.
fn deployed(state: &Value, rules: Rules) -> StableSwap {
    let a0 = uint(&state["initial_a"]);
    let ramp = (seconds(&state["initial_a_time"]), seconds(&state["future_a_time"]));
    let terms = Terms {
        amp: ramped(a0, uint(&state["future_a"]), ramp, seconds(&state["block_timestamp"])).unwrap(),
        fee: uint(&state["fee"]),
        admin_fee: uint(&state["admin_fee"]),
        offpeg_fee_multiplier: U256::ZERO,
    };
    StableSwap::new(rules, terms, &list(&state["balances"]), &rates_of(&state["tokens"])).unwrap()
}

#[test]
fn the_deployed_three_pools_answers_are_ours() {
    let path = "amm_onchain_golden/fixtures/chain_data/1/curve_tripool_block_24407242.json";
    let Some(state) = read_json(path) else { return };
    let pool = deployed(&state, Rules::THREE_POOL);
    let supply = uint(&state["lp_token_total_supply"]);
    assert_eq!(pool.virtual_price(supply), Ok(uint(&state["virtual_price"])));
    let mut count = 0;
    for vector in golden("0xbebc44782c7db0a1a60cb6fe97d0b483032ff1c7") {
        let place = |name: &str| ["DAI", "USDC", "USDT"].iter().position(|token| *token == name).unwrap();
        let amount = uint(&vector["amount"]);
        let found = match vector["fn"].as_str().unwrap() {
            "get_dy" => {
                let route = vector["args"][0].as_str().unwrap();
                let (coin_in, coin_out) = route.split_once("->").unwrap();
                pool.amount_out(place(coin_in), place(coin_out), amount)
            }
            "calc_token_amount" => {
                let is_deposit = vector["args"][0] == "deposit";
                let mut amounts = [U256::ZERO; 3];
                amounts[usize::from_str(&vector["args"][1].as_str().unwrap()[2..]).unwrap()] = amount;
                pool.token_amount(&amounts, is_deposit, supply)
            }
            _ => {
                let coin = usize::from_str(&vector["args"][0].as_str().unwrap()[2..]).unwrap();
                pool.withdrawn(amount, coin, supply).map(|(paid, _)| paid)
            }
        };
        assert_eq!(found, Ok(uint(&vector["expected"])), "{vector}");
        count += 1;
    }
    assert_eq!(count, 36);
}

/// The metapool of RAI, whose own coin has the redemption price for a rate.
fn rai(state: &Value) -> MetaSwap {
    let pool = deployed(state, Rules::TEMPLATE);
    let rates = [uint(&state["redemption_price"]), uint(&state["base_virtual_price"])];
    let pool = pool.with(pool.terms(), pool.balances(), &rates).unwrap();
    let base = &state["base_pool"];
    let base_supply = uint(&base["lp_token_total_supply"]);
    MetaSwap { pool, base: deployed(base, Rules::THREE_POOL), base_supply }
}

#[test]
fn the_deployed_rai_metapools_answers_are_ours() {
    let path = "amm_onchain_golden/fixtures/chain_data/1/curve_metapool_rai_3crv_block_25144000.json";
    let Some(state) = read_json(path) else { return };
    let meta = rai(&state);
    let (mut count, mut without_state) = (0, 0);
    for vector in golden("0x618788357d0ebd8a37e763adab3bc575d54c2c7d") {
        // The others were recorded at blocks whose state is not among the recordings.
        if vector["block"] != 25_144_000 {
            without_state += 1;
            continue;
        }
        let (coin_in, coin_out) = vector["args"][0].as_str().unwrap().split_once("->").unwrap();
        let amount = uint(&vector["amount"]);
        let place = |names: &[&str], name: &str| names.iter().position(|token| *token == name).unwrap();
        let found = if vector["fn"] == "get_dy" {
            let names = ["RAI", "3Crv"];
            meta.pool.amount_out(place(&names, coin_in), place(&names, coin_out), amount)
        } else {
            let names = ["RAI", "DAI", "USDC", "USDT"];
            meta.amount_out(place(&names, coin_in), place(&names, coin_out), amount)
        };
        if vector["expected"].is_null() {
            assert!(found.is_err(), "{vector}");
        } else {
            assert_eq!(found, Ok(uint(&vector["expected"])), "{vector}");
        }
        count += 1;
    }
    assert_eq!((count, without_state), (5, 84));
}

#[test]
fn the_recorded_twocrypto_ng_answers_are_ours() {
    let balances = [number("968569777414549410834"), number("1045106588251996643768")];
    let fees = [U256::from(500_000), U256::from(8_000_000), number("30000000000000000")];
    let terms = crypto_terms(U256::from(20_000_000), number("20000000000000000"), fees);
    let prices = prices([number("983313638977093334"), U256::ZERO]);
    let d = number("1996236386986675947911");
    let precisions = [U256::from(1); 2];
    let pool = |generation| {
        let state = (prices, profit(ONE, ONE));
        CryptoSwap::new(generation, (&balances, &precisions), d, terms, state).unwrap()
    };
    let ng = pool(Generation::Ng);
    assert_eq!(ng.amount_out(1, 0, number("50000000000000000")), Ok(number("49158730955589571")));
    assert_eq!(ng.amount_out(0, 1, ONE), Ok(number("1016967986681031868")));
    // Newton's method is what the first generation has, and is known to differ here.
    let first = pool(Generation::First).amount_out(1, 0, number("50000000000000000")).unwrap();
    assert_eq!(first % U256::from(1_000_000), U256::from(588_529));
}

#[test]
fn the_recorded_tricrypto_ng_answers_are_ours() {
    let Some(all) = kyber() else { return };
    let file = "tricrypto-ng/pool_simulator_test.go";
    let state = &all["pools"][format!("{STABLE}{file}#TestUpdateBalance#0")];
    let extra: Value = serde_json::from_str(state["extra"].as_str().unwrap()).unwrap();
    let get = |name: &str| uint(&extra[name]);
    let fees = [get("MidFee"), get("OutFee"), get("FeeGamma")];
    let terms = CryptoTerms {
        allowed_extra_profit: get("AllowedExtraProfit"),
        adjustment_step: get("AdjustmentStep"),
        ..crypto_terms(get("FutureA"), get("FutureGamma"), fees)
    };
    let pair = |name: &str| -> [U256; 2] { list(&extra[name]).try_into().unwrap() };
    let now_s = seconds(&extra["LastPricesTimestamp"]);
    let prices = Prices {
        scale: pair("PriceScale"),
        oracle: pair("PriceOracle"),
        last: pair("LastPrices"),
        last_s: Some(now_s),
    };
    let profit = Profit { xcp: get("XcpProfit"), ..profit(get("VirtualPrice"), get("LpSupply")) };
    let mut pool = CryptoSwap::new(
        Generation::Ng,
        (&list(&state["reserves"])[..3], &[U256::from(1); 3]),
        get("D"),
        terms,
        (prices, profit),
    )
    .unwrap();
    let tokens: Vec<String> =
        state["tokens"].as_array().unwrap().iter().map(|token| text(&token["address"])).collect();
    let (mut swapped, mut refused) = (0, 0);
    for vector in vectors(&all, file, "TestUpdateBalance") {
        let (i, j) = coins(&tokens, vector);
        let found = pool.swap(i, j, uint(&vector["amount_in"]), now_s);
        if vector["expected"] == "ErrExchange0Coins" {
            assert_eq!(found, Err(PoolError::Insufficient), "{vector}");
            refused += 1;
            continue;
        }
        let (paid, after) = found.unwrap();
        assert_eq!(paid, uint(&vector["expected"]), "{vector}");
        pool = after;
        swapped += 1;
    }
    assert_eq!((swapped, refused), (22, 2));
}
