//! What sizing and scanning cost: one line of JSON each. `ONLY=name` runs one, `ITER=n` fixes the number of operations.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss, clippy::cast_possible_truncation)]

use std::hint::black_box;
use std::time::Instant;

use tidemill_pools::balancer_fixed_point::PowVersion;
use tidemill_pools::balancer_weighted::{WeightedTerms, WeightedV2};
use tidemill_pools::curve_crypto::{self, CryptoSwap, Generation, Prices, Profit};
use tidemill_pools::curve_stable::{self, Rules, StableSwap};
use tidemill_pools::uniswap_v2::{Fee, UniswapV2};
use tidemill_pools::uniswap_v3::tick_math::sqrt_ratio_at_tick;
use tidemill_pools::uniswap_v3::UniswapV3;
use tidemill_pools::U256;
use tidemill_search::{size, Effort, HopKind, Leg, Sized};

/// Paths per round: enough different ones that the branches are not learnt by heart.
const INPUTS: usize = 1024;
/// Many short rounds: on a busy machine some pass without being interrupted.
const ROUNDS: usize = 100;
const ONE: u128 = 1_000_000_000_000_000_000;

fn main() {
    products();
    ranges();
    quoted();
}

fn products() {
    let pairs: Vec<[UniswapV2; 3]> = (0..INPUTS as u128)
        .map(|index| {
            let gap = 1_010 + index % 40;
            [
                pair((31_415 + index) * ONE, (92_718 + 3 * index) * ONE),
                pair((21_415 + index) * ONE * gap / 1_000, (63_203 + 3 * index) * ONE),
                pair((41_415 + index) * ONE, (41_400 + index) * ONE),
            ]
        })
        .collect();
    let unlike: Vec<[UniswapV2; 2]> = (0..INPUTS as u128)
        .map(|index| {
            let gap = 1_010 + index % 40;
            // 18 and 6 decimals.
            [
                pair((3_141 + index) * ONE, (9_424_000 + 3_000 * index) * 1_000_000),
                pair((2_141 + index) * ONE * gap / 1_000, (6_423_000 + 3_000 * index) * 1_000_000),
            ]
        })
        .collect();
    measure("size_2_v2", 400_000, |index| {
        let [a, b, _] = &pairs[index];
        pays(&[Leg::product(a, true), Leg::product(b, false)])
    });
    measure("size_2_v2_18_and_6_decimals", 400_000, |index| {
        let [a, b] = &unlike[index];
        pays(&[Leg::product(a, true), Leg::product(b, false)])
    });
    measure("size_3_v2", 400_000, |index| {
        let [a, b, c] = &pairs[index];
        pays(&[Leg::product(a, true), Leg::product(b, false), Leg::product(c, false)])
    });
}

fn ranges() {
    let pool = ranged();
    // Within the range of 60 ticks around tick 30 of the ranged pool, and over its next eight.
    for (name, count, apart_ppm, depth, crossed) in
        [("size_2_v3_in_range", 100_000, 7_500, 400, 0), ("size_2_v3_8_ranges", 50_000, 75_000, 900_000, 8)]
    {
        let pairs: Vec<UniswapV2> = (0..INPUTS as u128)
            .map(|index| {
                let reserve = (depth + index % 7) * ONE;
                pair(reserve, reserve * (1_003_000 - apart_ppm - index % 100) / 1_000_000)
            })
            .collect();
        let sized: Vec<Sized> =
            pairs.iter().map(|pair| pays(&[Leg::ranges(&pool, true), Leg::product(pair, false)])).collect();
        let most = sized.iter().map(|sized| sized.ticks_crossed[0]).max().unwrap();
        let least = sized.iter().map(|sized| sized.ticks_crossed[0]).min().unwrap();
        assert!(least == crossed && crossed == most, "{name}: {least} to {most} ticks are crossed");
        measure(name, count, |index| pays(&[Leg::ranges(&pool, true), Leg::product(&pairs[index], false)]));
    }
}

fn quoted() {
    let (weighted, stable, crypto) = (weighted(), stable(), crypto());
    let pairs: Vec<UniswapV2> = (0..INPUTS as u128)
        .map(|index| {
            pair((3_000_000 + index) * ONE, (3_000_000 + index) * ONE * (1_020 + index % 30) / 1_000)
        })
        .collect();
    measure("size_2_balancer_weighted", 5_000, |index| {
        let leg = Leg::quoted(&weighted, (0, 1), HopKind::BalancerWeighted);
        pays(&[Leg::product(&pairs[index], true), leg])
    });
    measure("size_2_curve_stable", 5_000, |index| {
        let leg = Leg::quoted(&stable, (0, 1), HopKind::CurveStable);
        pays(&[Leg::product(&pairs[index], true), leg])
    });
    measure("size_2_curve_crypto", 5_000, |index| {
        let leg = Leg::quoted(&crypto, (0, 1), HopKind::CurveCrypto);
        pays(&[Leg::product(&pairs[index], true), leg])
    });
}

/// Sizes a path that pays, as the search does.
#[inline]
fn pays(legs: &[Leg<'_>]) -> Sized {
    size(black_box(legs), Effort::QUICK).unwrap().unwrap()
}

/// Times `operation`, the best of several rounds.
fn measure<T>(name: &str, count: usize, mut operation: impl FnMut(usize) -> T) {
    if std::env::var("ONLY").is_ok_and(|only| only != name) {
        return;
    }
    let fixed: Option<usize> = std::env::var("ITER").ok().and_then(|count| count.parse().ok());
    let count = fixed.unwrap_or((count / ROUNDS).max(INPUTS.min(count)));
    let mut best_ns = f64::INFINITY;
    for _ in 0..if fixed.is_some() { 1 } else { ROUNDS } {
        let start = Instant::now();
        for index in 0..count {
            black_box(operation(black_box(index % INPUTS)));
        }
        best_ns = best_ns.min(start.elapsed().as_nanos() as f64 / count as f64);
    }
    println!("{{\"name\":\"{name}\",\"ns\":{best_ns:.1},\"per_s\":{:.0},\"count\":{count}}}", 1e9 / best_ns);
}

fn pair(reserve0: u128, reserve1: u128) -> UniswapV2 {
    let mut pair = UniswapV2::new(Fee::UNISWAP);
    pair.set_reserves(reserve0, reserve1).unwrap();
    pair
}

/// A pool with positions of 60 ticks side by side, so that every 60th tick is initialised.
fn ranged() -> UniswapV3 {
    let mut pool = UniswapV3::new(3000, 60).unwrap();
    pool.set_slot(sqrt_ratio_at_tick(30).unwrap(), 30, 0);
    pool.change_liquidity(-887_220, 887_220, 1_000_000_000_000_000_000_000).unwrap();
    for step in -60..60 {
        let liquidity = 200_000_000_000_000_000_000_000 + i128::from(step) * 1_000_000_000_000_000_000;
        pool.change_liquidity(step * 60 - 30 * 60, step * 60 + 30 * 60, liquidity / 30).unwrap();
    }
    pool
}

fn weighted() -> WeightedV2 {
    let part = |percent: u128| U256::from(ONE / 100 * percent);
    let terms = WeightedTerms {
        weights: vec![part(60), part(40)],
        scaling_factors: vec![U256::from(ONE); 2],
        fee: U256::from(ONE / 1_000),
        version: PowVersion::Shortcuts,
    };
    WeightedV2::new(terms, vec![U256::from(6_000_000 * ONE), U256::from(4_000_000 * ONE)]).unwrap()
}

fn stable() -> StableSwap {
    let rules = Rules::TEMPLATE;
    let terms = curve_stable::Terms {
        amp: U256::from(2_000 * rules.a_precision),
        fee: U256::from(1_000_000),
        admin_fee: U256::from(5_000_000_000_u64),
        offpeg_fee_multiplier: U256::from(20_000_000_000_u64),
    };
    let balances = [31_415_926, 27_182_818].map(|balance: u128| U256::from(balance * ONE));
    StableSwap::new(rules, terms, &balances, &[U256::from(ONE); 2]).unwrap()
}

fn crypto() -> CryptoSwap {
    let one = U256::from(ONE);
    let terms = curve_crypto::Terms {
        ann: U256::from(400_000),
        gamma: U256::from(145_000_000_000_000_u64),
        mid_fee: U256::from(3_000_000),
        out_fee: U256::from(30_000_000),
        fee_gamma: U256::from(500_000_000_000_000_u64),
        allowed_extra_profit: U256::from(2_000_000_000_000_u64),
        adjustment_step: U256::from(146_000_000_000_000_u64),
        ma_half_time_s: 600,
        admin_fee: U256::from(5_000_000_000_u64),
        ramp_ends_s: 0,
    };
    let prices = Prices { scale: [one; 2], oracle: [one; 2], last: [one; 2], last_s: 0 };
    let profit = Profit { xcp: one, xcp_claimed: one, virtual_price: one, supply: one, is_adjusting: false };
    let half = U256::from(5_000_000) * one;
    let held = (&[half; 2][..], &[U256::from(1); 2][..]);
    CryptoSwap::new(Generation::Ng, held, half * U256::from(2), terms, (prices, profit)).unwrap()
}
