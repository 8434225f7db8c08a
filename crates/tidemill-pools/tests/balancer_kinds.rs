//! Recorded answers of Balancer V3's further kinds: elliptic and readjusting pools, sales at a fixed price, buffers.
#![allow(clippy::unwrap_used, clippy::panic)]

mod shared;

use proptest::prelude::*;
use serde_json::Value;
use shared::balancer::{
    buffer_answers, check_liquidity, check_shares, check_v3, quoted, raw_balances, uint, uints, vault_terms,
    BufferAnswer, BUFFERS,
};
use shared::chain::{number, words, Chain};
use tidemill_pools::balancer_buffer::{Buffer, Wrapping, LEAST_WRAP};
use tidemill_pools::balancer_fixed_point::ONE;
use tidemill_pools::balancer_fixed_price::FixedPriceV3;
use tidemill_pools::balancer_gyro::{EclpTerms, GyroV3};
use tidemill_pools::balancer_pool::BalancerPool;
use tidemill_pools::balancer_reclamm::{ReClammTerms, ReClammV3, ReClammVersion};
use tidemill_pools::balancer_v3::{VaultTerms, MIN_TRADE};
use tidemill_pools::query::{Detail, Exact, Kind, Query};
use tidemill_pools::{PoolError, U256};

fn number_of(text: &str) -> (bool, U256) {
    (text.starts_with('-'), text.trim_start_matches('-').parse().unwrap())
}

fn signed(value: &Value) -> (bool, U256) {
    number_of(value.as_str().unwrap())
}

fn elliptic(pool: &Value) -> GyroV3 {
    let of = |names: [&str; 2]| names.map(|name| signed(&pool[name]));
    let [cosine, sine, stretch] = ["C", "S", "Lambda"].map(|name| uint(&pool[format!("params{name}")]));
    let ellipse = EclpTerms {
        cosine,
        sine,
        stretch,
        lowest: of(["tauAlphaX", "tauAlphaY"]),
        highest: of(["tauBetaX", "tauBetaY"]),
        derived: ["u", "v", "w", "z"].map(|name| signed(&pool[name])),
        norm: uint(&pool["dSq"]),
    };
    GyroV3::new(vault_terms(pool), &ellipse, raw_balances(pool)).unwrap()
}

#[test]
fn the_deployed_elliptic_pools_answers_are_ours() {
    for (recording, count) in [("11155111-7748718-GyroECLP", 4), ("1-23511249-GyroECLP-Barter", 1)] {
        check_v3(recording, count, |pool, is_in, tokens, amount| {
            quoted(&elliptic(pool), is_in, tokens, amount)
        });
    }
    check_liquidity("11155111-7748718-GyroECLP", (3, 5), elliptic);
}

/// The ellipse of a pool on Sepolia, as `getECLPParams()` tells it: two prices, then the numbers that swaps need.
const ECLP_PARAMS: [&str; 14] = [
    "998502246630054917",
    "1000200040008001600",
    "707106781186547524",
    "707106781186547524",
    "4000000000000000000000",
    "-94861212813096057289512505574275160547",
    "31644119574235279926451292677567331630",
    "37142269533113549537591131345643981951",
    "92846388265400743995957747409218517601",
    "66001741173104803338721745994955553010",
    "62245253919818011890633399060291020887",
    "30601134345582732000058913853921008022",
    "-28859471639991253843240999485797747790",
    "99999999999999999886624093342106115200",
];

fn sepolia() -> EclpTerms {
    let [_, _, c, s, stretch, ax, ay, bx, by, u, v, w, z, norm] = ECLP_PARAMS.map(number_of);
    EclpTerms {
        cosine: c.1,
        sine: s.1,
        stretch: stretch.1,
        lowest: [ax, ay],
        highest: [bx, by],
        derived: [u, v, w, z],
        norm: norm.1,
    }
}

#[test]
fn an_elliptic_pool_is_read_by_what_it_tells_of_its_ellipse() {
    let (pool, vault) = ([0x50; 20], [0x60; 20]);
    let told = ECLP_PARAMS.map(|text| {
        let (is_negative, size) = number_of(text);
        if is_negative {
            size.wrapping_neg()
        } else {
            size
        }
    });
    let mut chain = Chain::default();
    chain.tell(pool, 0x7be2_19a2, &[], words(&told));
    let fee = ONE / number(100);
    let terms = chain.tell_vault_v3(pool, vault, fee, [ONE, ONE], U256::ZERO);
    let reading = chain.run(Query::new(pool, &[], Detail::Exact)).unwrap();
    assert_eq!(reading.kind, Kind::BalancerV3);
    let exact = reading.exact.unwrap();
    assert!(matches!(exact, Exact::GyroV3(_)), "{exact:?}");
    // What the deployed pool gave for the same balances and fee.
    assert_eq!(terms.fee, fee);
    assert_eq!(exact.amount_out(1, 0, ONE), Ok(number(989_980_003_877_180_195)));
    assert_eq!(exact.amount_in(1, 0, number(10_000_000_000_000)), Ok(number(10_099_488_370_678)));
    assert_eq!(exact.amount_out(0, 1, U256::MAX >> 1_usize), Err(PoolError::Overflow));
    let price = exact.spot_price(0, 1).unwrap().to_f64();
    let (paid, bought) = (ONE / number(1_000), exact.amount_out(0, 1, ONE / number(1_000)).unwrap());
    assert!((f64::from(bought) / f64::from(paid) / 0.99 / price - 1.0).abs() < 1e-4, "{price}");
    let back = exact.spot_price(1, 0).unwrap().to_f64();
    assert!((back * price - 1.0).abs() < 1e-12, "{price} {back}");
}

fn seconds(value: &Value) -> u64 {
    value.as_str().unwrap().parse().unwrap()
}

fn pair(value: &Value) -> [U256; 2] {
    uints(value).try_into().unwrap()
}

fn readjusting(pool: &Value) -> ReClammV3 {
    let terms = ReClammTerms {
        version: match pool["poolType"].as_str().unwrap() {
            "RECLAMM" => ReClammVersion::First,
            _ => ReClammVersion::Second,
        },
        virtuals: pair(&pool["lastVirtualBalances"]),
        last_s: seconds(&pool["lastTimestamp"]),
        shift_base: uint(&pool["dailyPriceShiftBase"]),
        margin: uint(&pool["centerednessMargin"]),
        ratio_roots: ["startFourthRootPriceRatio", "endFourthRootPriceRatio"].map(|name| uint(&pool[name])),
        change_s: ["priceRatioUpdateStartTime", "priceRatioUpdateEndTime"].map(|name| seconds(&pool[name])),
    };
    ReClammV3::new(vault_terms(pool), &terms, raw_balances(pool), seconds(&pool["currentTimestamp"])).unwrap()
}

#[test]
fn the_deployed_readjusting_pools_answers_are_ours() {
    let recordings = [
        ("8453-31094200-ReClamm-WETH-USDC-In-Range", 4),
        ("8453-31094380-ReClamm-WETH-USDC-Same-Timestamp", 1),
        ("8453-31094381-ReClamm-WETH-USDC-Out-Of-Range", 4),
        ("8453-32632378-ReClamm-V2", 4),
        ("8453-32641745-ReClamm-V2-Out-Of-Range", 4),
    ];
    for (recording, count) in recordings {
        check_v3(recording, count, |pool, is_in, tokens, amount| {
            quoted(&readjusting(pool), is_in, tokens, amount)
        });
    }
}

fn fixed_price(pool: &Value) -> FixedPriceV3 {
    let project = usize::from(pool["projectTokenIndex"] != "0");
    FixedPriceV3::new(vault_terms(pool), project, uint(&pool["projectTokenRate"]), raw_balances(pool))
        .unwrap()
}

#[test]
fn the_deployed_fixed_prices_answers_are_ours() {
    check_v3("11155111-10434442-FixedPriceLBP-MTK-USDC", 2, |pool, is_in, tokens, amount| {
        quoted(&fixed_price(pool), is_in, tokens, amount)
    });
}

#[test]
fn the_deployed_buffers_answers_are_ours_as_far_as_their_rates_are_recorded() {
    for (recording, is_cautious) in BUFFERS {
        let Some(answers) = buffer_answers(recording, is_cautious) else { return };
        for BufferAnswer { told, found, at_next_rate } in answers {
            let (least, most) = (found.min(at_next_rate), found.max(at_next_rate));
            assert!((least..=most).contains(&told), "{recording}: {told}, found {least} to {most}");
        }
    }
}

fn free() -> VaultTerms {
    let (scaling_factors, rates) = (vec![U256::ONE; 2], vec![ONE; 2]);
    VaultTerms { scaling_factors, rates, fee: U256::ZERO, aggregate_fee: U256::ZERO, min_trade: MIN_TRADE }
}

/// Swaps there and back, and what was paid and what came back.
fn check_no_gain(pool: &impl BalancerPool, token_in: usize, amount: U256) {
    let token_out = 1 - token_in;
    if let Ok((bought, after)) = pool.swap_in(token_in, token_out, amount) {
        assert!(bought <= pool.balances()[token_out]);
        if let Ok(back) = after.amount_out(token_out, token_in, bought) {
            assert!(back <= amount, "{amount} became {back}");
        }
    }
    for extreme in [U256::ZERO, U256::MAX, U256::MAX >> 1_usize] {
        assert!(pool.amount_out(token_in, token_out, extreme).is_err());
        assert!(pool.amount_in(token_in, token_out, extreme).is_err());
    }
}

proptest! {
    #[test]
    fn nothing_is_gained_there_and_back(
        balances in (1_u128..10_u128.pow(30), 1_u128..10_u128.pow(30)),
        amount in 1_u128..10_u128.pow(31),
        token_in in 0_usize..2,
        passed_s in 0_u64..5_000_000,
        part_ppm in 1_u64..400_000,
        is_first in any::<bool>(),
    ) {
        let (balances, amount) = (vec![U256::from(balances.0), U256::from(balances.1)], U256::from(amount));
        let pool = GyroV3::new(free(), &sepolia(), balances.clone()).unwrap();
        check_no_gain(&pool, token_in, amount);
        check_shares(&pool, amount, token_in, part_ppm);
        let pool = FixedPriceV3::new(free(), 0, ONE, balances.clone()).unwrap();
        check_no_gain(&pool, token_in, amount);
        let terms = ReClammTerms {
            version: if is_first { ReClammVersion::First } else { ReClammVersion::Second },
            virtuals: [balances[1], balances[0] + balances[1]],
            last_s: 1_000,
            shift_base: U256::from(999_991_977_472_743_464_u64),
            margin: ONE / number(4),
            ratio_roots: [ONE + ONE / number(50), ONE + ONE / number(10)],
            change_s: [900, 900_000],
        };
        if let Ok(pool) = ReClammV3::new(free(), &terms, balances, 1_000 + passed_s) {
            check_no_gain(&pool, token_in, amount);
        }
    }
}

#[test]
fn a_buffer_refuses_what_is_too_small_and_rates_of_nothing() {
    let buffer = Buffer::new(ONE, ONE, true).unwrap();
    for wrapping in [Wrapping::Wrap, Wrapping::Unwrap] {
        let less = LEAST_WRAP - U256::ONE;
        assert_eq!(buffer.amount_out(wrapping, less), Err(PoolError::Small));
        assert_eq!(buffer.amount_in(wrapping, less), Err(PoolError::Small));
        assert_eq!(buffer.amount_in(wrapping, U256::MAX), Err(PoolError::Overflow));
    }
    assert_eq!(Buffer::new(U256::ZERO, ONE, true), Err(PoolError::Empty));
    assert_eq!(Buffer::new(ONE, U256::ZERO, true), Err(PoolError::Empty));
}
