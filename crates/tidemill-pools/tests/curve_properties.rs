//! What must hold of any Curve pool: no gain in a circle, more in never buys less, no number makes it panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod shared;

use proptest::prelude::*;
use shared::curve::{crypto_terms, number, prices, profit, ONE};
use tidemill_pools::curve_crypto::{CryptoSwap, Generation, Prices, Terms as CryptoTerms};
use tidemill_pools::curve_stable::{MetaSwap, Rules, StableSwap, Terms};
use tidemill_pools::{Price, U256};

const GENERATIONS: [Rules; 7] = [
    Rules::THREE_POOL,
    Rules::FIRST_META,
    Rules::TEMPLATE,
    Rules::FACTORY,
    Rules::LENDING,
    Rules::AAVE,
    Rules::NG,
];

/// Pools of two to four coins of 18 decimals, of every generation, up to a hundredfold out of balance.
fn stable_pools() -> impl Strategy<Value = StableSwap> {
    let balances = proptest::collection::vec(1_000_000_u64..100_000_000, 2..=4);
    (0..GENERATIONS.len(), balances, 5_u64..5_000, 0_u64..50_000_000, 1_u64..1_000_000_000).prop_map(
        |(generation, balances, a, fee, dust)| {
            let rules = GENERATIONS[generation];
            let terms = Terms {
                amp: U256::from(a * rules.a_precision),
                fee: U256::from(fee),
                admin_fee: number("5000000000"),
                offpeg_fee_multiplier: number("20000000000"),
            };
            let held = |balance: &u64| U256::from(*balance) * ONE + U256::from(dust);
            let balances: Vec<U256> = balances.iter().map(held).collect();
            StableSwap::new(rules, terms, &balances, &vec![ONE; balances.len()]).unwrap()
        },
    )
}

/// A balanced two- or three-coin pool, with a scale and the D the contract would store.
fn crypto_pool(generation: Generation, coins: usize, scale: u64, size: u64) -> CryptoSwap {
    let (ann, gamma) = if coins == 2 { (400_000, "145000000000000") } else { (1_707_629, "11809167828997") };
    let fees = [U256::from(3_000_000), U256::from(30_000_000), number("500000000000000")];
    let terms = crypto_terms(U256::from(ann), number(gamma), fees);
    let scale = U256::from(scale) * ONE / U256::from(1_000);
    let first = U256::from(size) * ONE;
    let balances = [first, first * ONE / scale, first * ONE / scale];
    let d = first * U256::from(coins);
    let supply = number("1000000000000000000");
    let precisions = [U256::from(1); 3];
    let state = (prices([scale, scale]), profit(ONE, supply));
    CryptoSwap::new(generation, (&balances[..coins], &precisions[..coins]), d, terms, state).unwrap()
}

fn crypto_pools() -> impl Strategy<Value = CryptoSwap> {
    let generation = prop_oneof![Just(Generation::First), Just(Generation::Ng)];
    (generation, 2_usize..=3, 10_u64..10_000_000, 1_000_000_u64..100_000_000)
        .prop_map(|(generation, coins, scale, size)| crypto_pool(generation, coins, scale, size))
}

/// What a price makes of an amount.
fn at_price(amount: U256, price: &Price) -> f64 {
    f64::from(price.numerator) / f64::from(price.denominator) * f64::from(amount)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn more_into_a_stable_pool_never_buys_less(pool in stable_pools(), dx in 1_u64.., more in 1_u64..) {
        let dx = U256::from(dx) * U256::from(100_000);
        let less = pool.amount_out(0, 1, dx).unwrap_or_default();
        let found = pool.amount_out(0, 1, dx + U256::from(more)).unwrap_or_default();
        // The contract's own y settles to a unit, so that its answers may waver by one.
        prop_assert!(found + U256::from(1) >= less, "{less} {found}");
    }

    #[test]
    fn into_a_stable_pool_and_back_never_gains(pool in stable_pools(), dx in 1_u64.., scale in 0_u32..7) {
        let dx = U256::from(dx) * U256::from(10).pow(U256::from(scale));
        if let Ok((dy, after)) = pool.swap(0, 1, dx) {
            let back = after.swap(1, 0, dy).map_or(U256::ZERO, |(back, _)| back);
            let slack = U256::from(if pool.rules().keeps_a_unit { 0 } else { 2 });
            prop_assert!(back <= dx + slack, "{dx} {dy} {back}");
        }
    }

    #[test]
    fn stable_pools_that_are_said_to_quote_alike_do(pool in stable_pools(), dx in 1_u64.., scale in 0_u32..9) {
        let dx = U256::from(dx) * U256::from(10).pow(U256::from(scale));
        let twin = |rules| StableSwap::new(rules, pool.terms(), pool.balances(), pool.rates()).unwrap();
        for other in GENERATIONS.map(twin).iter().filter(|other| pool.quotes_as(other)) {
            prop_assert_eq!(pool.amount_out(0, 1, dx), other.amount_out(0, 1, dx));
            prop_assert_eq!(pool.amount_out(1, 0, dx), other.amount_out(1, 0, dx));
        }
        let (template, factory) = (twin(Rules::TEMPLATE), twin(Rules::FACTORY));
        prop_assert_eq!(template.quotes_as(&factory), template.d() == factory.d());
        prop_assert!(!template.quotes_as(&twin(Rules::LENDING)));
    }

    #[test]
    fn the_least_into_a_stable_pool_buys_and_a_unit_less_does_not(pool in stable_pools(), dy in 1_000_u64..) {
        let dy = U256::from(dy) * U256::from(10_000);
        let dx = pool.amount_in(0, 1, dy).unwrap();
        prop_assert!(pool.amount_out(0, 1, dx).unwrap() >= dy);
        prop_assert!(pool.amount_out(0, 1, dx - U256::from(1)).unwrap_or_default() < dy);
    }

    #[test]
    fn a_stable_pools_price_is_that_of_a_small_swap(pool in stable_pools()) {
        let terms = Terms { fee: U256::ZERO, offpeg_fee_multiplier: U256::ZERO, ..pool.terms() };
        let pool = pool.with(terms, pool.balances(), pool.rates()).unwrap();
        let dx = ONE / U256::from(1_000);
        let bought = f64::from(pool.amount_out(0, 1, dx).unwrap());
        let priced = at_price(dx, &pool.spot_price(0, 1).unwrap());
        prop_assert!((bought / priced - 1.0).abs() < 1e-6, "{bought} {priced}");
    }

    #[test]
    fn no_number_makes_a_stable_pool_panic(
        generation in 0..GENERATIONS.len(),
        words in proptest::collection::vec(any::<[u64; 4]>(), 12),
        cuts in proptest::collection::vec(0_usize..256, 12),
    ) {
        let words: Vec<U256> =
            words.into_iter().zip(cuts).map(|(word, cut)| U256::from_limbs(word) >> cut).collect();
        let terms = Terms { amp: words[0], fee: words[1], admin_fee: words[2], offpeg_fee_multiplier: words[3] };
        if let Ok(pool) = StableSwap::new(GENERATIONS[generation], terms, &words[4..7], &words[7..10]) {
            let _ = (pool.swap(0, 1, words[10]), pool.amount_out(2, 0, words[10]), pool.spot_price(0, 2));
            let _ = (pool.amount_in(1, 2, words[11]), pool.views_amount_in(1, 2, words[11]));
            let _ = (pool.add_liquidity(&words[9..12], words[10]), pool.withdrawn(words[10], 1, words[11]));
            let meta = MetaSwap { pool: pool.clone(), base: pool, base_supply: words[11] };
            let _ = (meta.amount_out(0, 2, words[10]), meta.swap(3, 0, words[11]), meta.swap(1, 9, words[11]));
        }
    }

    #[test]
    fn more_into_a_crypto_pool_never_buys_less(pool in crypto_pools(), dx in 1_u64.., times in 1_u64..100) {
        let dx = U256::from(dx) * U256::from(100_000);
        let less = pool.amount_out(0, 1, dx).unwrap_or_default();
        let found = pool.amount_out(0, 1, dx * U256::from(100 + times) / U256::from(100));
        if let Ok(found) = found {
            prop_assert!(found >= less, "{less} {found}");
        }
    }

    #[test]
    fn into_a_crypto_pool_and_back_never_gains(pool in crypto_pools(), dx in 1_u64..1_000_000) {
        let dx = U256::from(dx) * ONE / U256::from(1_000);
        if let Ok((dy, after)) = pool.swap(0, 1, dx, 60) {
            let back = after.amount_out(1, 0, dy).unwrap_or_default();
            prop_assert!(back <= dx, "{dx} {dy} {back}");
        }
    }

    #[test]
    fn the_least_into_a_crypto_pool_buys_and_a_unit_less_does_not(pool in crypto_pools(), share in 10_u64..10_000) {
        let dy = pool.balances()[1] / U256::from(share * 10);
        let dx = pool.amount_in(0, 1, dy).unwrap();
        prop_assert!(pool.amount_out(0, 1, dx).unwrap() >= dy);
        prop_assert!(pool.amount_out(0, 1, dx - U256::from(1)).unwrap_or_default() < dy);
    }

    #[test]
    fn a_crypto_pools_price_is_that_of_a_small_swap(pool in crypto_pools()) {
        let dx = pool.balances()[0] / U256::from(10_000_000);
        let bought = f64::from(pool.amount_out(0, 1, dx).unwrap()) / (1.0 - 0.0003);
        let priced = at_price(dx, &pool.spot_price(0, 1).unwrap());
        prop_assert!((bought / priced - 1.0).abs() < 1e-4, "{bought} {priced}");
    }

    #[test]
    fn no_number_makes_a_crypto_pool_panic(
        coins in 2_usize..=3,
        is_first: bool,
        words in proptest::collection::vec(any::<[u64; 4]>(), 20),
        cuts in proptest::collection::vec(0_usize..256, 20),
    ) {
        let w: Vec<U256> =
            words.into_iter().zip(cuts).map(|(word, cut)| U256::from_limbs(word) >> cut).collect();
        let generation = if is_first { Generation::First } else { Generation::Ng };
        let terms = CryptoTerms { ramp_ends_s: 5, ..crypto_terms(w[0], w[1], [w[2], w[3], w[4]]) };
        let prices = Prices { scale: [w[5], w[6]], oracle: [w[7], w[8]], last: [w[9], w[10]], last_s: Some(3) };
        let held = (&w[11..11 + coins], &w[14..14 + coins]);
        let pool = CryptoSwap::new(generation, held, w[17], terms, (prices, profit(w[18], w[19]))).unwrap();
        let _ = (pool.swap(0, 1, w[0], 9), pool.amount_in(1, 0, w[1]), pool.spot_price(0, coins - 1));
    }
}
