//! What sizing and scanning cost: one line of JSON each. `ONLY=name` runs one, `ITER=n` fixes the number of operations.
#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

use std::hint::black_box;
use std::time::Instant;

use tidemill_pools::balancer_fixed_point::PowVersion;
use tidemill_pools::balancer_weighted::{WeightedTerms, WeightedV2};
use tidemill_pools::curve_crypto::{self, CryptoSwap, Generation, Prices, Profit};
use tidemill_pools::curve_stable::{self, Rules, StableSwap};
use tidemill_pools::uniswap_v2::{Fee, UniswapV2};
use tidemill_pools::uniswap_v3::tick_math::sqrt_ratio_at_tick;
use tidemill_pools::uniswap_v3::UniswapV3;
use tidemill_pools::{Pool, PoolError, U256};
use tidemill_search::{size, Effort, Graph, HopKind, Leg, Market, Search, Sized};

/// Paths per round: enough different ones that the branches are not learnt by heart.
const INPUTS: usize = 1024;
/// Many short rounds: on a busy machine some pass without being interrupted.
const ROUNDS: usize = 100;
const ONE: u128 = 1_000_000_000_000_000_000;

fn main() {
    products();
    ranges();
    quoted();
    scans();
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

/// Pools of two tokens, with their tokens.
struct Listed(Vec<(Pool, [u32; 2])>);

impl Market for Listed {
    fn leg(&self, pool: u32, token_in: u32, _: u32) -> Result<Leg<'_>, PoolError> {
        let (pool, tokens) = self.0.get(pool as usize).ok_or(PoolError::Uninitialised)?;
        Ok(Leg::of(pool, tokens[0] == token_in))
    }
}

/// A seeded generator (`SplitMix64`), so that every run has the same graph.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number from 0 to 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A graph of `count` pools over half as many tokens, seed 7: token 0 (WETH) is in 60% of the pools, token 1 (USDC) in
/// 20%, the rest join tokens drawn by a power law (density ~ 1/rank, so degrees fall off as real ones do); the first eight
/// are between the two, and no two tokens have more than twelve pools (dexes times fees). Each token has a price from the seed; every pool stands within 0.25% of it, which is inside all
/// fees; one in four pools is a V3 pool.
fn world(count: u64) -> Listed {
    let mut random = Random(7);
    let tokens = count / 2;
    let prices: Vec<f64> = (0..tokens).map(|_| (random.unit() * 12.0 - 6.0).exp()).collect();
    let drawn = |random: &mut Random, above: u64| {
        let rank = ((tokens - above) as f64).powf(random.unit());
        (above + rank as u64).min(tokens - 1)
    };
    let mut pools = Vec::new();
    let mut parallel = std::collections::HashMap::new();
    while (pools.len() as u64) < count {
        let (kind, other) = (random.unit(), drawn(&mut random, 2));
        let hub = if kind < 0.6 {
            0
        } else if kind < 0.8 {
            1
        } else {
            drawn(&mut random, 2)
        };
        // Half the pools of a hub go to the tail, each token of which has a pool or two.
        let other = if kind < 0.4 { 2 + random.next() % (tokens - 2) } else { other };
        let (hub, other) = if pools.len() < 8 { (0, 1) } else { (hub, other) };
        let (low, high) = (hub.min(other), hub.max(other));
        let known: &mut u32 = parallel.entry((low, high)).or_default();
        if low == high || *known == 12 {
            continue;
        }
        *known += 1;
        let off = 1.0 + (random.unit() - 0.5) * 0.005;
        let price = prices[low as usize] / prices[high as usize] * off;
        let depth = 1e19 * 10_f64.powf(random.unit() * 4.0);
        pools.push((pool_at(price, depth, random.unit() < 0.25), [low as u32, high as u32]));
    }
    Listed(pools)
}

fn pool_at(price: f64, depth: f64, is_ranged: bool) -> Pool {
    if !is_ranged {
        return pair(depth as u128, (depth * price) as u128).into();
    }
    let tick = (price.ln() / 1.0001_f64.ln()) as i32;
    let mut pool = UniswapV3::new(3_000, 60).unwrap();
    pool.set_slot(sqrt_ratio_at_tick(tick).unwrap(), tick, 0);
    let around = tick.div_euclid(60) * 60;
    for width in [1, 4, 16, 64] {
        let liquidity = (depth * price.sqrt()) as i128;
        pool.change_liquidity(around - width * 60, around + (width + 1) * 60, liquidity).unwrap();
    }
    pool.into()
}

/// A block that moves 20 pools by 1% (the V2 pools among them), one of them between the two hubs, the others evenly from the list: rates are
/// read anew, circles found, sized and ranked.
fn scans() {
    for (count, rounds) in [(1_000_u64, 20_usize), (5_000, 20), (20_000, 10)] {
        let name = format!("scan_20_of_{count}");
        if std::env::var("ONLY").is_ok_and(|only| only != name) {
            continue;
        }
        let fixed: Option<usize> = std::env::var("ITER").ok().and_then(|rounds| rounds.parse().ok());
        let rounds = fixed.unwrap_or(rounds);
        let mut world = world(count);
        let mut graph = Graph::new();
        for (pool, (_, tokens)) in world.0.iter().enumerate() {
            graph.insert(pool as u32, tokens);
        }
        let all: Vec<u32> = graph.pools().collect();
        assert!(graph.refresh(&world, &all).is_empty());
        let touched: Vec<u32> = (0..20).map(|index| (index * (count / 20)) as u32).collect();
        for (pool, moved) in touched.iter().zip([1.01, 0.99].into_iter().cycle()) {
            if let Pool::UniswapV2(pair) = &mut world.0[*pool as usize].0 {
                let (reserve0, reserve1) = pair.reserves();
                pair.set_reserves((reserve0 as f64 * moved) as u128, reserve1).unwrap();
            }
        }
        let costs = std::collections::HashMap::default();
        let search = Search { hops_max: 3, starts: &[0, 1], effort: Effort::QUICK, costs: &costs };
        let mut took_ns = Vec::new();
        let (mut candidates, mut found) = (0, 0);
        for _ in 0..rounds {
            let start = Instant::now();
            assert!(graph.refresh(&world, &touched).is_empty());
            let scan = graph.scan(&world, &touched, &search);
            took_ns.push(start.elapsed().as_nanos() as f64);
            (candidates, found) = (scan.candidates, scan.opportunities.len());
        }
        took_ns.sort_by(f64::total_cmp);
        let degree = all.iter().filter(|pool| graph.tokens(**pool).contains(&0)).count();
        let (best_ms, median_ms) = (took_ns[0] / 1e6, took_ns[rounds / 2] / 1e6);
        println!(
            "{{\"name\":\"{name}\",\"ms\":{best_ms:.3},\"median_ms\":{median_ms:.3},\"candidates\":{candidates},\"found\":{found},\"hub_pools\":{degree}}}"
        );
    }
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
    let prices = Prices { scale: [one; 2], oracle: [one; 2], last: [one; 2], last_s: Some(0) };
    let profit = Profit { xcp: one, xcp_claimed: one, virtual_price: one, supply: one, is_adjusting: false };
    let half = U256::from(5_000_000) * one;
    let held = (&[half; 2][..], &[U256::from(1); 2][..]);
    CryptoSwap::new(Generation::Ng, held, half * U256::from(2), terms, (prices, profit)).unwrap()
}
