//! What the hot paths cost: one line of JSON each. `ONLY=name` runs one, `ITER=n` fixes the number of operations.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss, clippy::cast_possible_truncation)]

use std::hint::black_box;
use std::time::Instant;

use tidemill_pools::algebra::Generation as AlgebraGeneration;
use tidemill_pools::curve_crypto::{self, CryptoSwap, Generation, Prices, Profit};
use tidemill_pools::curve_stable::{self, Rules, StableSwap};
use tidemill_pools::uniswap_v2::{Fee, UniswapV2, V2Event};
use tidemill_pools::uniswap_v3::tick_math::sqrt_ratio_at_tick;
use tidemill_pools::uniswap_v3::{UniswapV3, V3Event};
use tidemill_pools::{
    Amount, EventColumns, Factory, Hash, Head, Log, Logs, Pool, PoolKind, PoolSet, PoolSpec, Ticked, U256,
};

/// Operations per round: enough different inputs that the branches are not learnt by heart.
const INPUTS: usize = 1024;
const ROUNDS: usize = 5;

fn main() {
    let pair = pair();
    let pool = pool();
    let amounts =
        |base: u64| (0..INPUTS as u64).map(|index| U256::from(base + index * (base / 2048))).collect();
    let amounts_in: Vec<U256> = amounts(1_000_000_000_000_000_000);
    let crossing: Vec<U256> = (0..INPUTS).map(|index| crossing_amount(&pool, index)).collect();
    let quote = |zero_for_one: bool, amounts: &[U256], index: usize| {
        pool.quote(zero_for_one, Amount::In(amounts[index])).unwrap().amount_out
    };
    let syncs = sync_logs();
    let syncs: Vec<Log<'_>> = syncs.iter().collect();
    let swaps = swap_logs();
    let swaps: Vec<Log<'_>> = swaps.iter().collect();
    measure("decode_v2_sync", |index| V2Event::decode(&syncs[index]).unwrap());
    measure("decode_v3_swap", |index| V3Event::decode(&swaps[index]).unwrap());
    measure("v2_amount_out", |index| pair.amount_out(index % 2 == 0, amounts_in[index]).unwrap());
    measure("v2_amount_in", |index| pair.amount_in(index % 2 == 0, amounts_in[index]).unwrap());
    measure("v3_quote_in_range", |index| quote(index % 2 == 0, &amounts_in, index));
    measure("v3_quote_in_range_out", |index| {
        pool.quote(index % 2 == 0, Amount::Out(amounts_in[index])).unwrap().amount_in
    });
    measure("v3_swap_in_range", |index| {
        pool.swap_to(index % 2 == 0, Amount::In(amounts_in[index]), None).unwrap().tick
    });
    for (index, amount) in crossing.iter().enumerate() {
        let crossed = pool.quote(index % 2 == 0, Amount::In(*amount)).unwrap().ticks_crossed;
        assert_eq!(crossed, 8, "the bench claims eight ticks");
    }
    measure("v3_quote_8_ticks", |index| quote(index % 2 == 0, &crossing, index));
    curve();
    apply_blocks();
}

/// Quotes of Curve's pools; fewer rounds, as each iterates.
fn curve() {
    let amounts: Vec<U256> =
        (0..INPUTS as u64).map(|index| U256::from(1_000_000_000_000_000_000 + index * 1_000_003)).collect();
    for (name, rules, coins) in [
        ("curve_stable_2_quote", Rules::TEMPLATE, 2),
        ("curve_stable_3_quote", Rules::THREE_POOL, 3),
        ("curve_stable_ng_2_quote", Rules::NG, 2),
    ] {
        let pool = stable(rules, coins);
        let quote = |index: usize| pool.amount_out(index % 2, (index + 1) % 2, amounts[index]).unwrap();
        measure_batches(name, (50_000, 1), quote);
    }
    let pool = stable(Rules::TEMPLATE, 2);
    measure_batches("curve_stable_2_swap", (50_000, 1), |index| pool.swap(0, 1, amounts[index]).unwrap().0);
    for (name, generation, coins) in [
        ("curve_crypto_2_quote", Generation::First, 2),
        ("curve_crypto_3_quote", Generation::First, 3),
        ("curve_crypto_ng_2_quote", Generation::Ng, 2),
        ("curve_crypto_ng_3_quote", Generation::Ng, 3),
    ] {
        let pool = crypto(generation, coins);
        let quote = |index: usize| pool.amount_out(index % 2, (index + 1) % 2, amounts[index]).unwrap();
        measure_batches(name, (50_000, 1), quote);
    }
}

fn stable(rules: Rules, coins: usize) -> StableSwap {
    let one = U256::from(1_000_000_000_000_000_000_u64);
    let terms = curve_stable::Terms {
        amp: U256::from(2_000 * rules.a_precision),
        fee: U256::from(1_000_000),
        admin_fee: U256::from(5_000_000_000_u64),
        offpeg_fee_multiplier: U256::from(20_000_000_000_u64),
    };
    let balances = [31_415_926, 27_182_818, 16_180_339].map(|balance| U256::from(balance) * one);
    StableSwap::new(rules, terms, &balances[..coins], &[one; 3][..coins]).unwrap()
}

fn crypto(generation: Generation, coins: usize) -> CryptoSwap {
    let one = U256::from(1_000_000_000_000_000_000_u64);
    let (ann, gamma) =
        if coins == 2 { (400_000, 145_000_000_000_000_u64) } else { (1_707_629, 11_809_167_828_997) };
    let terms = curve_crypto::Terms {
        ann: U256::from(ann),
        gamma: U256::from(gamma),
        mid_fee: U256::from(3_000_000),
        out_fee: U256::from(30_000_000),
        fee_gamma: U256::from(500_000_000_000_000_u64),
        allowed_extra_profit: U256::from(2_000_000_000_000_u64),
        adjustment_step: U256::from(146_000_000_000_000_u64),
        ma_half_time_s: 600,
        admin_fee: U256::from(5_000_000_000_u64),
        ramp_ends_s: 0,
    };
    let scale = [one * U256::from(2); 2];
    let prices = Prices { scale, oracle: scale, last: scale, last_s: Some(0) };
    let profit = Profit { xcp: one, xcp_claimed: one, virtual_price: one, supply: one, is_adjusting: false };
    let half = U256::from(5_000_000) * one;
    let balances = [half * U256::from(2), half, half];
    let d = half * U256::from(2 * coins);
    let held = (&balances[..coins], &[U256::from(1); 3][..coins]);
    CryptoSwap::new(generation, held, d, terms, (prices, profit)).unwrap()
}

/// Times `operation`, the best of several rounds of 400,000 operations.
fn measure<T>(name: &str, operation: impl FnMut(usize) -> T) {
    measure_batches(name, (400_000, 1), operation);
}

/// Times `operation`, which does `size` operations in one, the best of several rounds of `batches`; per operation.
fn measure_batches<T>(name: &str, (batches, size): (usize, usize), mut operation: impl FnMut(usize) -> T) {
    if std::env::var("ONLY").is_ok_and(|only| only != name) {
        return;
    }
    let fixed: Option<usize> = std::env::var("ITER").ok().and_then(|count| count.parse().ok());
    let batches = fixed.unwrap_or(batches);
    let count = batches * size;
    let mut best_ns = f64::INFINITY;
    for _ in 0..if fixed.is_some() { 1 } else { ROUNDS } {
        let start = Instant::now();
        for index in 0..batches {
            black_box(operation(black_box(index % INPUTS)));
        }
        best_ns = best_ns.min(start.elapsed().as_nanos() as f64 / count as f64);
    }
    println!("{{\"name\":\"{name}\",\"ns\":{best_ns:.1},\"per_s\":{:.0},\"count\":{count}}}", 1e9 / best_ns);
}

fn pair() -> UniswapV2 {
    let mut pair = UniswapV2::new(Fee::UNISWAP);
    pair.set_reserves(31_415_926_535_897_932_384_626, 27_182_818_284_590_452_353_602_874).unwrap();
    pair
}

/// A pool with positions of 60 ticks side by side, so that every 60th tick is initialised.
fn pool() -> UniswapV3 {
    let mut pool = UniswapV3::new(3000, 60).unwrap();
    pool.set_slot(sqrt_ratio_at_tick(30).unwrap(), 30, 0);
    pool.change_liquidity(-887_220, 887_220, 1_000_000_000_000_000_000_000).unwrap();
    for step in -60..60 {
        let liquidity = 200_000_000_000_000_000_000_000 + i128::from(step) * 1_000_000_000_000_000_000;
        pool.change_liquidity(step * 60 - 30 * 60, step * 60 + 30 * 60, liquidity / 30).unwrap();
    }
    pool
}

/// Returns what moves the price to the middle between the eighth and the ninth tick, a little more for each index.
fn crossing_amount(pool: &UniswapV3, index: usize) -> U256 {
    let zero_for_one = index.is_multiple_of(2);
    let limit = sqrt_ratio_at_tick(if zero_for_one { -450 } else { 510 });
    let swapped = pool.swap_to(zero_for_one, Amount::In(U256::MAX >> 1), limit).unwrap();
    swapped.amount_in + U256::from(index)
}

fn word(value: u128) -> Hash {
    let mut word = [0; 32];
    word[16..].copy_from_slice(&value.to_be_bytes());
    word
}

fn topic(hex: &str) -> Hash {
    std::array::from_fn(|index| u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).unwrap())
}

fn logs(of: impl Fn(usize) -> (Vec<Hash>, Vec<u8>)) -> Logs {
    let mut logs = Logs::new();
    for index in 0..INPUTS {
        let (topics, data) = of(index);
        let mut address = [0; 20];
        address[19] = (index % 200) as u8;
        logs.push(&Log {
            address: &address,
            topics: &topics,
            data: &data,
            block_number: 1,
            block_hash: &[7; 32],
            tx_hash: &word(index as u128 / 3),
            tx_index: (index / 3) as u32,
            log_index: index as u32,
        });
    }
    logs
}

fn sync_logs() -> Logs {
    let sync = topic("1c411e9a96e071241c2f21f7726b17ae89e3cab4c78be50e062b03a9fffbbad1");
    logs(|index| {
        let reserves = [word(1 << 80 | index as u128), word(1 << 90 | index as u128)];
        (vec![sync], reserves.concat())
    })
}

fn swap_logs() -> Logs {
    let swap = topic("c42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67");
    logs(|index| {
        let words = [
            word(1_000_000 + index as u128),
            [0xff; 32],
            word(1 << 96 | index as u128),
            word(1 << 70),
            word(index as u128 % 60),
        ];
        (vec![swap, word(1 << 100), word(1 << 101)], words.concat())
    })
}

/// Blocks of Sync logs through a set of 200 pairs, events and records and all; per log.
fn apply_blocks() {
    let fee = Fee::UNISWAP;
    let generation = AlgebraGeneration::Integral;
    let (protocol, dex) = ("uniswap_v2".to_owned(), "uniswap".to_owned());
    let factory = Factory { address: [9; 20], protocol, dex, fee, generation };
    let mut set = PoolSet::new("bench", 1, [factory]);
    for index in 0..200 {
        let mut address = [0; 20];
        address[19] = index;
        let dex = "uniswap".to_owned();
        let spec = PoolSpec { address, dex, factory: [9; 20], token0: [1; 20], token1: [2; 20] };
        set.insert(spec, Pool::from(UniswapV2::new(fee)));
    }
    let logs = sync_logs();
    let head = Head {
        number: 1,
        hash: [7; 32],
        parent_hash: [6; 32],
        timestamp_s: 1_700_000_000,
        ..Head::default()
    };
    let mut columns = EventColumns::default();
    measure_batches("apply_block_v2_sync", (400, INPUTS), |_| {
        if columns.len() > 100_000 {
            columns = EventColumns::default();
        }
        set.apply_block(&head, logs.iter(), 5, &mut columns).unwrap()
    });
}
