//! Every recorded answer of the deployed Balancer contracts, and what must hold for any pool; said plainly where absent.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod shared;

use std::str::FromStr;

use serde_json::Value;
use shared::balancer::{
    check_changes, check_liquidity, check_v3, quoted, raw_balances, uint, uints, vault_terms,
};
use shared::{read, read_json};
use tidemill_pools::balancer_fixed_point::{PowVersion, ONE};
use tidemill_pools::balancer_pool::BalancerPool;
use tidemill_pools::balancer_stable::stable_math::StableVersion;
use tidemill_pools::balancer_stable::{StableTerms, StableV2, StableV3, Surge};
use tidemill_pools::balancer_v3::VaultTerms;
use tidemill_pools::balancer_weighted::{WeightedTerms, WeightedV2, WeightedV3};
use tidemill_pools::{PoolError, Price, U256};

const STATES: &str = "amm_onchain_golden/";

/// Reads a fraction of one, as the recorder wrote it, with 18 decimals.
fn fraction(value: &Value) -> U256 {
    let (numerator, denominator) = value.as_str().unwrap().split_once('/').unwrap();
    U256::from_str(numerator).unwrap() * ONE / U256::from_str(denominator).unwrap()
}

/// The recorder's states carry a fee as a fraction in quotes, which a bare number never is.
fn state_of(vector: &Value) -> Value {
    read_json(&format!("{STATES}{}", vector["pool_state"].as_str().unwrap())).unwrap()
}

fn golden(pools: &str) -> Vec<Value> {
    let Some(lines) = read("amm_onchain_golden/vectors.jsonl") else { return Vec::new() };
    let vectors = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    vectors.filter(|vector| vector["pool_state"].as_str().unwrap().contains(pools)).collect()
}

/// Reads the direction of a vector: whether the amount is paid in, and the two tokens, by index or by symbol.
fn direction(vector: &Value, state: &Value) -> (bool, usize, usize) {
    let args: Vec<&str> =
        vector["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap()).collect();
    let is_in = args[0] == "GIVEN_IN";
    if let Some((token_in, token_out)) = args[1].split_once("->") {
        let tokens = state["tokens"].as_array().unwrap();
        let of = |symbol: &str| tokens.iter().position(|token| token["symbol"] == symbol).unwrap();
        return (is_in, of(token_in), of(token_out));
    }
    (is_in, args[1][2..].parse().unwrap(), args[2][2..].parse().unwrap())
}

fn scaling_factors(state: &Value) -> Vec<U256> {
    let tokens = state["tokens"].as_array().unwrap().iter();
    tokens.map(|token| ONE * U256::from(10).pow(U256::from(18) - uint(&token["decimals"]))).collect()
}

fn weighted_v2(state: &Value) -> WeightedV2 {
    let version = if state["pow_version"] == "v1" { PowVersion::Logarithms } else { PowVersion::Shortcuts };
    let terms = WeightedTerms {
        weights: uints(&state["weights"]),
        scaling_factors: scaling_factors(state),
        fee: fraction(&state["fee"]),
        version,
    };
    WeightedV2::new(terms, uints(&state["balances"])).unwrap()
}

#[test]
fn the_deployed_v2_weighted_pools_answers_are_ours() {
    let (mut count, mut misses) = (0, Vec::new());
    for vector in golden("balancer_weighted") {
        let state = state_of(&vector);
        let pool = weighted_v2(&state);
        let ((is_in, token_in, token_out), amount) = (direction(&vector, &state), uint(&vector["amount"]));
        let found = if is_in {
            pool.amount_out(token_in, token_out, amount)
        } else {
            pool.amount_in(token_in, token_out, amount)
        };
        if found != Ok(uint(&vector["expected"])) {
            misses.push(format!("{found:?} for {vector}"));
        }
        count += 1;
    }
    assert!(misses.is_empty(), "{} of {count}:\n{}", misses.len(), misses.join("\n"));
    assert!(count == 0 || count == 162, "{count}");
}

fn stable_v2(state: &Value, version: StableVersion) -> StableV2 {
    let terms = StableTerms {
        amp: uint(&state["amp"]),
        scaling_factors: uints(&state["resolved_scaling_factors"]),
        fee: fraction(&state["fee"]),
        version,
        bpt_index: None,
    };
    StableV2::new(terms, uints(&state["balances"])).unwrap()
}

#[test]
fn the_deployed_v2_stable_pools_answers_are_ours() {
    let mut count = 0;
    for vector in golden("balancer_stable") {
        let state = state_of(&vector);
        let pool = stable_v2(&state, StableVersion::RoundUp);
        let ((is_in, token_in, token_out), amount) = (direction(&vector, &state), uint(&vector["amount"]));
        let found = if is_in {
            pool.amount_out(token_in, token_out, amount)
        } else {
            pool.amount_in(token_in, token_out, amount)
        };
        assert_eq!(found, Ok(uint(&vector["expected"])), "{vector}");
        count += 1;
    }
    assert!(count == 0 || count == 36, "{count}");
}

fn weighted_v3(pool: &Value, weights: Vec<U256>) -> WeightedV3 {
    WeightedV3::new(vault_terms(pool), weights, raw_balances(pool)).unwrap()
}

fn check_v3_weighted(recording: &str, weights: impl Fn(&Value) -> Vec<U256>) {
    check_v3(recording, 4, |pool, is_in, tokens, amount| {
        quoted(&weighted_v3(pool, weights(pool)), is_in, tokens, amount)
    });
}

#[test]
fn the_deployed_v3_weighted_pools_answers_are_ours() {
    let recording = "11155111-7439300-Weighted-USDC-DAI";
    check_v3_weighted(recording, |pool| uints(&pool["weights"]));
    check_liquidity(recording, (3, 5), |pool| weighted_v3(pool, uints(&pool["weights"])));
}

#[test]
fn a_later_weighted_pool_takes_the_balance_paid_into_for_a_unit_more_and_keeps_its_least() {
    // What the vault of @balancer-labs/v3-vault 1.0.0 paid on a local node, from token 1 to token 0.
    let told = [
        (
            [13_148_773_169_821_098_283_796_u128, 495_727_762, 505_421_183_909],
            1_390_590_u64,
            54_968_204_334_152_569_155_u128,
        ),
        (
            [13_190_604_699_998_938_276_576, 486_522_008, 510_498_413_276],
            1_983_819,
            80_029_221_349_481_703_466,
        ),
    ];
    let one = U256::from(10_u64.pow(18));
    let terms = VaultTerms {
        scaling_factors: [0_u32, 10, 12].map(|zeros| U256::from(10_u64.pow(zeros))).to_vec(),
        rates: vec![one; 3],
        fee: U256::from(3 * 10_u64.pow(15)),
        aggregate_fee: one / U256::from(2),
        min_trade: U256::from(10_u64.pow(6)),
    };
    for (balances, paid, bought) in told {
        let weights = [2_u64, 3, 5].map(|tenths| one * U256::from(tenths) / U256::from(10)).to_vec();
        let earlier = WeightedV3::new(terms.clone(), weights, balances.map(U256::from).to_vec()).unwrap();
        let least = |least: u128| earlier.clone().with_least_balances(vec![U256::from(least); 3]);
        let later = least(10_u128.pow(6)).unwrap();
        assert_eq!(later.amount_out(1, 0, U256::from(paid)), Ok(U256::from(bought)));
        assert!(earlier.amount_out(1, 0, U256::from(paid)).unwrap() > U256::from(bought));
        let kept = least(balances[0]).unwrap();
        assert_eq!(kept.amount_out(1, 0, U256::from(paid)), Err(PoolError::Insufficient));
        assert_eq!(kept.amount_in(1, 0, U256::from(bought)), Err(PoolError::Insufficient));
    }
}

/// What the vault of @balancer-labs/v3-vault 1.0.0 told on a local node of a pool of each later contract.
const LATER_WEIGHTED: &str = r#"{
  "pool": {
    "scalingFactors": ["1", "10000000000", "1000000000000"],
    "tokenRates": ["1000000000000000000", "1000000000000000000", "1000000000000000000"],
    "swapFee": "3000000000000000",
    "totalSupply": "30635413185550744465171",
    "balancesLiveScaled18": ["52778744024745534438694", "20026626680000000000", "2006792322871000000000000"],
    "weights": ["200000000000000000", "300000000000000000", "500000000000000000"],
    "least": ["1000000", "1000000", "1000000"]
  },
  "adds": [
    {"kind": "Unbalanced", "inputAmountsRaw": ["447127376395383406592", "0", "622953"], "bptOutRaw": "51612915798486853102"},
    {"kind": "SingleToken", "inputAmountsRaw": ["0", "480279", "0"], "bptOutRaw": "2199278837417009664"}
  ],
  "removes": [
    {"kind": "Proportional", "amountsOutRaw": ["3558200625067930379418", "135014117", "135292527883"], "bptInRaw": "2065356960653186695168"},
    {"kind": "SingleTokenExactIn", "amountsOutRaw": ["0", "1798716", "0"], "bptInRaw": "8274651258514989056"},
    {"kind": "SingleTokenExactOut", "amountsOutRaw": ["0", "525916263", "0"], "bptInRaw": "2681670626887995312465"}
  ]
}"#;
const LATER_STABLE: &str = r#"{
  "pool": {
    "scalingFactors": ["1", "1000000000000", "1000000000000"],
    "tokenRates": ["1000000000000000000", "1000000000000000000", "1000000000000000000"],
    "swapFee": "100000000000000",
    "totalSupply": "8993596554085048262809482",
    "balancesLiveScaled18": ["3395187284195153059462627", "1839109911339000000000000", "3763454784783000000000000"],
    "amp": "200000"
  },
  "adds": [
    {"kind": "Unbalanced", "inputAmountsRaw": ["0", "1299715341288", "5777968459"], "bptOutRaw": "1307169516559512103736538"},
    {"kind": "SingleToken", "inputAmountsRaw": ["0", "0", "1040150182359"], "bptOutRaw": "1037936241074580318322688"}
  ],
  "removes": [
    {"kind": "Proportional", "amountsOutRaw": ["82701828295977953477951", "44798044812", "91672289437"], "bptInRaw": "219070942401800152547328"},
    {"kind": "SingleTokenExactIn", "amountsOutRaw": ["0", "0", "128962638607"], "bptInRaw": "128768934226757945393152"},
    {"kind": "SingleTokenExactOut", "amountsOutRaw": ["0", "0", "47556676726"], "bptInRaw": "47483468592578539750851"}
  ]
}"#;

#[test]
fn later_pools_take_and_give_for_shares_what_their_vault_told_on_a_local_node() {
    let told: Value = serde_json::from_str(LATER_WEIGHTED).unwrap();
    let weighted = weighted_v3(&told["pool"], uints(&told["pool"]["weights"]));
    check_changes(&told, (2, 3), &weighted.with_least_balances(uints(&told["pool"]["least"])).unwrap());
    let told: Value = serde_json::from_str(LATER_STABLE).unwrap();
    check_changes(&told, (2, 3), &stable_v3(&told["pool"]).bounded());
}

#[test]
fn a_liquidity_bootstrapping_pool_is_a_weighted_one_at_its_weights_of_the_moment() {
    check_v3_weighted("11155111-8085514-LBP-BAL-DAI", |pool| uints(&pool["weights"]));
}

#[test]
fn a_quant_amm_pool_is_a_weighted_one_at_its_weights_of_the_moment() {
    let weights = |pool: &Value| {
        let seconds = uint(&pool["currentTimestamp"]) - uint(&pool["lastUpdateTime"]);
        let parts: Vec<String> =
            pool["firstFourWeightsAndMultipliers"].as_array().unwrap().iter().map(Value::to_string).collect();
        let at = |index: usize| parts[index].trim_matches('"').parse::<i128>().unwrap();
        let of = |token: usize| at(token) + at(token + 3) * i128::try_from(seconds).unwrap();
        (0..3).map(|token| U256::from(u128::try_from(of(token)).unwrap())).collect()
    };
    check_v3_weighted("1-22524240-QuantAMM", weights);
    check_liquidity("1-22524240-QuantAMM", (3, 5), |pool| weighted_v3(pool, weights(pool)));
}

fn stable_v3(state: &Value) -> StableV3 {
    let pool = StableV3::new(vault_terms(state), uint(&state["amp"]), raw_balances(state)).unwrap();
    match state.get("hook") {
        Some(hook) => pool.with_surge(Surge {
            threshold: uint(&hook["dynamicData"]["surgeThresholdPercentage"]),
            max_fee: uint(&hook["dynamicData"]["maxSurgeFeePercentage"]),
        }),
        None => pool,
    }
}

fn check_v3_stable(recording: &str, swaps: usize) {
    check_v3(recording, swaps, |state, is_in, tokens, amount| {
        quoted(&stable_v3(state), is_in, tokens, amount)
    });
    check_liquidity(recording, (2, 3), stable_v3);
}

#[test]
fn the_deployed_v3_stable_pools_answers_are_ours() {
    check_v3_stable("11155111-7439300-Stable-stataUSDC-stataUSDT", 2);
}

#[test]
fn the_deployed_surge_hooks_fees_and_what_it_lets_through_are_ours() {
    check_v3_stable("1-22247251-StableSurgeHook", 4);
}

#[test]
fn spot_prices_are_what_small_amounts_pay() {
    let near = |pool_price: Price, paid: U256, bought: U256, fee: f64| {
        let (found, expected) = (f64::from(bought) / f64::from(paid), pool_price.to_f64() * (1.0 - fee));
        assert!((found / expected - 1.0).abs() < 1e-3, "{found} {expected}");
    };
    for vector in golden("balancer_weighted") {
        let pool = weighted_v2(&state_of(&vector));
        let paid = pool.balances()[0] / U256::from(10_000);
        let fee = f64::from(fraction(&state_of(&vector)["fee"])) / 1e18;
        near(pool.spot_price(0, 1).unwrap(), paid, pool.amount_out(0, 1, paid).unwrap(), fee);
    }
    for vector in golden("balancer_stable") {
        let pool = stable_v2(&state_of(&vector), StableVersion::RoundUp);
        let paid = pool.balances()[0] / U256::from(10_000);
        near(pool.spot_price(0, 1).unwrap(), paid, pool.amount_out(0, 1, paid).unwrap(), 0.0004);
    }
    let Some(stable) = read_json("balancer/maths/11155111-7439300-Stable-stataUSDC-stataUSDT.json") else {
        return;
    };
    let pool = stable_v3(&stable["pool"]);
    let paid = pool.balances()[0] / U256::from(10_000);
    near(pool.spot_price(0, 1).unwrap(), paid, pool.amount_out(0, 1, paid).unwrap(), 0.001);
}
