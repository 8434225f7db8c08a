//! Are pools that are read by their addresses what their contracts are, and is every failure told as its own.
#![allow(clippy::unwrap_used, clippy::panic)]

mod shared;

use proptest::prelude::*;
use tidemill_pools::balancer_fixed_point::PowVersion;
use tidemill_pools::balancer_pool::BalancerPool;
use tidemill_pools::balancer_stable::stable_math::StableVersion;
use tidemill_pools::balancer_stable::{StableTerms, StableV2, StableV3};
use tidemill_pools::balancer_weighted::{WeightedTerms, WeightedV2};
use tidemill_pools::curve_crypto::{CryptoSwap, Generation, Prices};
use tidemill_pools::curve_stable::{Rules, StableSwap, Terms};
use tidemill_pools::multicall::{decode_aggregate3, encode_aggregate3, Call, Reverted};
use tidemill_pools::query::{
    kinds_of, Batch, DecimalsFault, Detail, Doubt, Exact, Kind, Query, QueryError, Reading, DEX_TYPES,
};
use tidemill_pools::uniswap_v2::Fee;
use tidemill_pools::{Address, Pool, PoolError, U256};

use shared::chain::{address, argument, arrays, number, of_address, words, Chain};
use shared::curve::{crypto_terms, number as decimal, prices, profit, ONE};

const POOL: Address = [0x50; 20];

fn exact(chain: &mut Chain, kinds: &[Kind]) -> Result<Reading, QueryError> {
    chain.run(Query::new(POOL, kinds, Detail::Exact))
}

/// A V2 pair of tokens 1 and 2.
fn pair(reserve0: u64, reserve1: u64) -> Chain {
    let mut chain = Chain::default();
    chain.tell(POOL, 0x0902_f1ac, &[], words(&[number(reserve0), number(reserve1), number(7)]));
    chain.tell(POOL, 0x0dfe_1681, &[], words(&[of_address(address(1))]));
    chain.tell(POOL, 0xd212_20a7, &[], words(&[of_address(address(2))]));
    chain.tell(POOL, 0xc45a_0155, &[], words(&[of_address(address(9))]));
    chain.token(address(1), 18);
    chain.token(address(2), 6);
    chain
}

/// A V3 pool with one position over the whole range.
fn ticked(price: U256, is_unlocked: bool) -> Chain {
    let mut chain = pair(1, 1);
    let zero = U256::ZERO;
    let liquidity = number(1_000_000);
    let mut chain_of =
        |selector, arguments: &[U256], answer: &[U256]| chain.tell(POOL, selector, arguments, words(answer));
    chain_of(0x3850_c7bd, &[], &[price, zero, zero, zero, zero, zero, U256::from(is_unlocked)]);
    chain_of(0x1a68_6502, &[], &[liquidity]);
    chain_of(0xddca_3f43, &[], &[number(3_000)]);
    chain_of(0xd0c9_3a7c, &[], &[number(16_000)]);
    let minus = |value: u64| zero.wrapping_sub(number(value));
    // -880000 is tick -55, bit 201 of word -1; 880000 is tick 55 of word 0.
    chain_of(0x5339_c296, &[minus(1)], &[U256::ONE << 201]);
    chain_of(0x5339_c296, &[zero], &[U256::ONE << 55]);
    chain_of(0xf30d_ba93, &[minus(880_000)], &[liquidity, liquidity]);
    chain_of(0xf30d_ba93, &[number(880_000)], &[liquidity, minus(1_000_000)]);
    for (token, held) in [(1, 500), (2, 700)] {
        chain.tell(address(token), 0x70a0_8231, &[of_address(POOL)], words(&[number(held)]));
    }
    chain
}

#[test]
fn a_pair_is_recognised_and_read_in_two_rounds() {
    let mut chain = pair(1_000_000, 2_000_000);
    let mut reading = exact(&mut chain, &[]).unwrap();
    assert_eq!(chain.rounds, 2, "one to recognise it, one for its factory and its tokens");
    assert_eq!((reading.kind, reading.factory), (Kind::UniswapV2, Some(address(9))));
    assert_eq!(reading.coins.iter().map(|coin| coin.decimals).collect::<Vec<_>>(), [Ok(18), Ok(6)]);
    assert_eq!(reading.exact, Err(Doubt::FeeUnknown));
    reading.set_pair_fee(Fee::UNISWAP).unwrap();
    let out = reading.exact.as_ref().unwrap().amount_out(0, 1, number(1_000)).unwrap();
    assert_eq!(out, number(1_992));
    let before = (chain.rounds, chain.calls);
    chain.tell(POOL, 0x0902_f1ac, &[], words(&[number(5), number(6), number(7)]));
    let after = chain.run(Query::again(reading, Detail::Exact)).unwrap();
    assert_eq!(
        (chain.rounds, chain.calls),
        (before.0 + 1, before.1 + 3),
        "its reserves and its tokens' decimals are asked again, in one round"
    );
    let Ok(Exact::Pool(Pool::UniswapV2(pool))) = after.exact else { panic!("its fee is kept") };
    assert_eq!(pool.reserves(), (5, 6));
}

#[test]
fn a_pool_with_ticks_is_read_to_the_last_tick() {
    let mut chain = ticked(U256::ONE << 96, true);
    let reading = exact(&mut chain, &[]).unwrap();
    assert_eq!(reading.kind, Kind::UniswapV3);
    assert_eq!(reading.coins[1].reserve, number(700));
    assert_eq!(reading.fee_e18, Some(number(3_000_000_000_000_000)));
    let Ok(Exact::Pool(Pool::UniswapV3(pool))) = &reading.exact else { panic!("{:?}", reading.exact) };
    assert!(pool.is_complete());
    assert_eq!(pool.ticks().len(), 2);
    let reserves = chain.run(Query::new(POOL, &[Kind::UniswapV3], Detail::Reserves)).unwrap();
    assert_eq!(reserves.exact, Err(Doubt::NotAsked));
    assert_eq!(reserves.slot, reading.slot);
}

#[test]
fn ticks_that_do_not_make_the_liquidity_are_a_contradiction() {
    let mut chain = ticked(U256::ONE << 96, true);
    chain.tell(POOL, 0x1a68_6502, &[], words(&[number(999)]));
    let found = exact(&mut chain, &[Kind::UniswapV3]);
    assert_eq!(found, Err(QueryError::Contradictory { address: POOL, problem: PoolError::Incomplete }));
}

#[test]
fn each_failure_has_its_own_error() {
    let failed = |chain: &mut Chain, kinds: &[Kind]| exact(chain, kinds).unwrap_err();
    assert_eq!(failed(&mut Chain::default(), &[]), QueryError::NotContract { address: POOL });
    assert_eq!(
        failed(&mut Chain::default(), &[Kind::CurveStable]),
        QueryError::NotContract { address: POOL }
    );
    let mut token = Chain::default();
    token.token(POOL, 18);
    assert_eq!(failed(&mut token, &[]), QueryError::UnknownPool { address: POOL });
    assert_eq!(failed(&mut pair(0, 5), &[Kind::UniswapV2]), QueryError::Empty { address: POOL });
    assert_eq!(failed(&mut ticked(U256::ZERO, false), &[]), QueryError::Empty { address: POOL });
    assert_eq!(failed(&mut ticked(U256::ONE << 96, false), &[]), QueryError::Locked { address: POOL });
    let wrong = failed(&mut pair(1, 1), &[Kind::UniswapV3]);
    assert_eq!(
        wrong.to_string(),
        format!("0x{}: expected a pool of kind uniswap_v3, found uniswap_v2", "50".repeat(20))
    );
    let mut wide = pair(1, 1);
    wide.tell(POOL, 0x0902_f1ac, &[], words(&[U256::ONE << 112, number(1), number(1)]));
    assert!(matches!(failed(&mut wide, &[]), QueryError::Range { expected: "uint112 reserve0", .. }));
    let mut short = pair(1, 1);
    short.tell(POOL, 0x0902_f1ac, &[], words(&[number(1)]));
    assert!(matches!(
        failed(&mut short, &[]),
        QueryError::Malformed { call: "getReserves()", found: 32, .. }
    ));
}

#[test]
fn a_token_that_lies_about_its_decimals_has_none_and_says_why() {
    for (told, fault) in [
        (words(&[number(78)]), DecimalsFault::Absurd { found: number(78) }),
        (words(&[U256::MAX]), DecimalsFault::Absurd { found: U256::MAX }),
        (vec![1], DecimalsFault::Shape { found: 1 }),
        (Vec::new(), DecimalsFault::Shape { found: 0 }),
        (words(&[number(32), number(1), number(6)]), DecimalsFault::Text),
    ] {
        let mut chain = pair(3, 4);
        chain.tell(address(2), 0x313c_e567, &[], told);
        let reading = exact(&mut chain, &[]).unwrap();
        assert_eq!(reading.coins[1].decimals, Err(fault));
        assert_eq!(reading.coins[0].decimals, Ok(18));
    }
}

#[test]
fn decimals_that_change_between_two_readings_are_a_lie_until_they_are_as_first_told() {
    let mut chain = pair(3, 4);
    let mut reading = exact(&mut chain, &[]).unwrap();
    for (told, expected) in [
        (9, Err(DecimalsFault::Changed { before: 6, found: 9 })),
        (7, Err(DecimalsFault::Changed { before: 6, found: 7 })),
        (6, Ok(6)),
    ] {
        chain.tell(address(2), 0x313c_e567, &[], words(&[number(told)]));
        reading = chain.run(Query::again(reading, Detail::Reserves)).unwrap();
        assert_eq!(reading.coins[1].decimals, expected);
    }
}

/// What a contract gives with `require(false, text)`.
fn error_of(text: &str) -> Vec<u8> {
    let mut bytes = vec![0x08, 0xc3, 0x79, 0xa0];
    bytes.extend(words(&[number(32), U256::from(text.len())]));
    bytes.extend(text.bytes());
    bytes
}

#[test]
fn a_pair_is_locked_where_its_lock_is_what_refuses_a_swap_of_nothing() {
    for (reason, is_locked) in [
        (error_of("UniswapV2: LOCKED"), true),
        (error_of("Pancake: LOCKED"), true),
        (error_of("ReentrancyGuard: reentrant call"), true),
        (vec![0x3e, 0xe5, 0xae, 0xb5], true),
        (error_of("UniswapV2: INSUFFICIENT_OUTPUT_AMOUNT"), false),
        (Vec::new(), false),
    ] {
        let mut chain = pair(3, 4);
        chain.refuse(POOL, 0x022c_0d9f, reason.clone());
        let found = exact(&mut chain, &[Kind::UniswapV2]);
        assert_eq!(found == Err(QueryError::Locked { address: POOL }), is_locked, "{reason:?}");
        assert!(is_locked || found.is_ok());
    }
}

fn stable_terms(amp: u64) -> Terms {
    Terms {
        amp: number(amp),
        fee: number(4_000_000),
        admin_fee: number(5_000_000_000),
        offpeg_fee_multiplier: U256::ZERO,
    }
}

/// A three-coin pool of decimals 18, 6, 6 that quotes by `rules`.
fn curve(rules: Rules, is_precise: bool, is_old: bool) -> (Chain, StableSwap) {
    let mut chain = Chain::default();
    let balances =
        [decimal("93218123456789012345678901"), number(71_234_567_890_123), number(85_432_109_876_543)];
    let rates = [ONE, ONE * number(1_000_000_000_000), ONE * number(1_000_000_000_000)];
    let pool = StableSwap::new(rules, stable_terms(if is_precise { 20_000 } else { 200 }), &balances, &rates)
        .unwrap();
    let (coins, held) = if is_old { (0x2374_6eb8, 0x065a_80d8) } else { (0xc661_0657, 0x4903_b0d1) };
    for (k, balance) in balances.iter().enumerate() {
        let token = address(u8::try_from(k).unwrap() + 1);
        chain.tell(POOL, coins, &[U256::from(k)], words(&[of_address(token)]));
        chain.tell(POOL, held, &[U256::from(k)], words(&[*balance]));
        chain.token(token, if k == 0 { 18 } else { 6 });
    }
    chain.tell(POOL, 0xf446_c1d0, &[], words(&[number(200)]));
    if is_precise {
        chain.tell(POOL, 0x76a2_f0f0, &[], words(&[number(20_000)]));
    }
    chain.tell(POOL, 0xddca_3f43, &[], words(&[number(4_000_000)]));
    chain.tell(POOL, 0xfee3_f7f9, &[], words(&[number(5_000_000_000)]));
    let quoting = pool.clone();
    chain.swap(
        POOL,
        0x5e0d_443f,
        Box::new(move |data| {
            let out = quoting.amount_out(argument(data, 0).to(), argument(data, 1).to(), argument(data, 2));
            out.ok().map(|out| words(&[out]))
        }),
    );
    (chain, pool)
}

#[test]
fn the_generation_of_a_curve_pool_is_the_one_that_quotes_as_it_does() {
    for (rules, is_precise, is_old) in [
        (Rules::THREE_POOL, false, false),
        (Rules::THREE_POOL, false, true),
        (Rules::TEMPLATE, true, false),
        (Rules::FIRST_META, false, false),
    ] {
        let (mut chain, pool) = curve(rules, is_precise, is_old);
        let reading = exact(&mut chain, &[]).unwrap();
        assert_eq!(reading.kind, Kind::CurveStable);
        let Ok(Exact::CurveStable(found)) = reading.exact else { panic!("{rules:?}: {:?}", reading.exact) };
        for (i, j) in [(0, 1), (1, 0), (1, 2), (2, 1)] {
            for part in [1_000_u64, 17, 3] {
                let dx = pool.balances()[i] / number(part);
                assert_eq!(found.amount_out(i, j, dx), pool.amount_out(i, j, dx), "{rules:?} {i} {j} {part}");
            }
        }
    }
}

#[test]
fn a_curve_pool_that_quotes_as_no_generation_does_is_doubted() {
    let (mut chain, pool) = curve(Rules::TEMPLATE, true, false);
    chain.swap(
        POOL,
        0x5e0d_443f,
        Box::new(move |data| {
            let out =
                pool.amount_out(argument(data, 0).to(), argument(data, 1).to(), argument(data, 2)).ok()?;
            Some(words(&[out - U256::ONE]))
        }),
    );
    let reading = exact(&mut chain, &[Kind::CurveStable]).unwrap();
    assert_eq!(reading.exact, Err(Doubt::Disproved));
    assert_eq!(reading.coins.len(), 3, "its reserves are told all the same");
}

#[test]
fn a_curve_pool_of_ng_is_read_with_its_stored_rates() {
    let (mut chain, plain) = curve(Rules::NG, true, false);
    let terms = Terms { offpeg_fee_multiplier: number(50_000_000_000), ..plain.terms() };
    let rates = [ONE * number(11) / number(10), plain.rates()[1], plain.rates()[2]];
    let pool = plain.with(terms, plain.balances(), &rates).unwrap();
    chain.tell(POOL, 0x8edf_dd5f, &[], words(&[number(50_000_000_000)]));
    chain.tell(POOL, 0xfd06_84b1, &[], arrays(&[&rates]));
    let quoting = pool.clone();
    chain.swap(
        POOL,
        0x5e0d_443f,
        Box::new(move |data| {
            let out = quoting.amount_out(argument(data, 0).to(), argument(data, 1).to(), argument(data, 2));
            out.ok().map(|out| words(&[out]))
        }),
    );
    let reading = exact(&mut chain, &[]).unwrap();
    assert_eq!(reading.exact, Ok(Exact::CurveStable(Box::new(pool))));
}

/// When the pool is read, after its average was last moved.
const NOW_S: u64 = 300;

#[test]
fn a_crypto_pool_is_read_whole() {
    let mut chain = Chain::default();
    let balances = [decimal("968569777414549410834"), decimal("1045106588251996643768")];
    let (ann, gamma, d) =
        (number(20_000_000), decimal("20000000000000000"), decimal("1996236386986675947911"));
    let fees = [number(500_000), number(8_000_000), decimal("30000000000000000")];
    let (scale, last) = (decimal("983313638977093334"), decimal("990000000000000000"));
    let supply = d / number(2);
    let pool = CryptoSwap::new(
        Generation::Ng,
        (&balances, &[U256::ONE, U256::ONE]),
        d,
        crypto_terms(ann, gamma, fees),
        (Prices { last: [last, U256::ZERO], ..prices([scale, U256::ZERO]) }, profit(ONE, supply)),
    )
    .unwrap();
    let dx = decimal("3000000000000000000");
    let (_, after) = pool.swap(0, 1, dx, NOW_S).unwrap();
    let average = after.prices().oracle[0];
    assert!(scale < average && average < last);
    for (k, balance) in balances.iter().enumerate() {
        let token = address(u8::try_from(k).unwrap() + 1);
        chain.tell(POOL, 0xc661_0657, &[U256::from(k)], words(&[of_address(token)]));
        chain.tell(POOL, 0x4903_b0d1, &[U256::from(k)], words(&[*balance]));
        chain.token(token, 18);
    }
    let extra = [decimal("2000000000000"), decimal("146000000000000")];
    for (selector, told) in [
        (0xf446_c1d0, ann),
        (0xb137_3929, gamma),
        (0x0f52_9ba2, d),
        (0x9252_6c0c, fees[0]),
        (0xee8d_e675, fees[1]),
        (0x72d4_f0e2, fees[2]),
        (0x49fe_9e77, extra[0]),
        (0x0838_12e5, extra[1]),
        (0x7ba1_a74d, ONE),
        (0x0b7b_594b, ONE),
        (0x0c46_b72a, ONE),
        (0xddca_3f43, number(600_000)),
        (0xb9e8_c9fd, scale),
        (0x86fc_88d3, average),
        (0xc146_bf94, last),
        (0x1816_0ddd, supply),
        (0x3dd6_5478, (extra[0] << 128) | (extra[1] << 64) | number(600)),
        (0x4469_ed14, decimal("5000000000")),
    ] {
        chain.tell(POOL, selector, &[], words(&[told]));
    }
    let quoting = pool.clone();
    chain.swap(
        POOL,
        0x556d_6e9f,
        Box::new(move |data| {
            let out = quoting.amount_out(argument(data, 0).to(), argument(data, 1).to(), argument(data, 2));
            out.ok().map(|out| words(&[out]))
        }),
    );
    let reading = exact(&mut chain, &[]).unwrap();
    assert_eq!(reading.kind, Kind::CurveCrypto);
    let Ok(exact) = &reading.exact else { panic!("{:?}", reading.exact) };
    assert_eq!(exact.amount_out(1, 0, decimal("50000000000000000")), Ok(decimal("49158730955589571")));
    let Exact::CurveCrypto(read) = exact else { panic!("{exact:?}") };
    assert_eq!(read.swap(0, 1, dx, NOW_S).unwrap().1, after, "the block's own time");
}

const VAULT: u8 = 0xba;

/// A pool of the V2 vault with these tokens and balances, whose swaps `pool` decides.
fn vault_v2<P: BalancerPool + Clone + 'static>(pool: &P, factors: &[U256]) -> Chain {
    let mut chain = Chain::default();
    let mut id = [7; 32];
    id[..20].copy_from_slice(&POOL);
    let id = U256::from_be_bytes(id);
    let tokens: Vec<_> =
        (1..=pool.balances().len()).map(|k| of_address(address(u8::try_from(k).unwrap()))).collect();
    chain.tell(POOL, 0x38ff_f2d0, &[], words(&[id]));
    chain.tell(POOL, 0x8d92_8af8, &[], words(&[of_address(address(VAULT))]));
    chain.tell(POOL, 0x55c6_7628, &[], words(&[decimal("3000000000000000")]));
    chain.tell(POOL, 0x1dd7_46ea, &[], arrays(&[factors]));
    let (offset, count) = (number(96), tokens.len());
    let mut told = vec![offset, number(96 + 32 * (count as u64 + 1)), number(5)];
    told.push(U256::from(count));
    told.extend(&tokens);
    told.push(U256::from(count));
    told.extend(pool.balances());
    chain.tell(address(VAULT), 0xf94d_4668, &[id], words(&told));
    for k in 1..=count {
        chain.token(address(u8::try_from(k).unwrap()), 18);
    }
    let (quoting, places) = (pool.clone(), tokens);
    chain.swap(
        address(VAULT),
        0xf84d_066e,
        Box::new(move |data| {
            let place = |word| places.iter().position(|token| *token == argument(data, word));
            let amount = argument(data, 12);
            let out = quoting.amount_out(place(16)?, place(17)?, amount).ok()?;
            Some(arrays(&[&[amount, U256::ZERO.wrapping_sub(out)]]))
        }),
    );
    chain
}

#[test]
fn a_weighted_pool_is_read_with_the_powers_it_uses() {
    for version in [PowVersion::Logarithms, PowVersion::Shortcuts] {
        let factors = vec![ONE, ONE];
        let weights = vec![decimal("800000000000000000"), decimal("200000000000000000")];
        let fee = decimal("3000000000000000");
        let terms =
            WeightedTerms { weights: weights.clone(), scaling_factors: factors.clone(), fee, version };
        let balances = vec![decimal("2133741937219414819371293"), decimal("548471973423647283412313")];
        let pool = WeightedV2::new(terms, balances).unwrap();
        let mut chain = vault_v2(&pool, &factors);
        chain.tell(POOL, 0xf89f_27ed, &[], arrays(&[&weights]));
        let reading = exact(&mut chain, &[]).unwrap();
        assert_eq!(reading.kind, Kind::BalancerV2);
        assert_eq!(reading.exact, Ok(Exact::WeightedV2(pool)));
    }
}

#[test]
fn a_composable_pool_is_read_without_its_share_token() {
    let (factors, fee) = (vec![ONE; 3], decimal("3000000000000000"));
    let balances =
        vec![decimal("5000000000000000000000"), U256::ONE << 111, decimal("6000000000000000000000")];
    let (amp, bpt_index) = (number(200_000), Some(1));
    let version = StableVersion::Truncate;
    let terms = StableTerms { amp, scaling_factors: factors.clone(), fee, version, bpt_index };
    let pool = StableV2::new(terms, balances.clone()).unwrap();
    let mut chain = vault_v2(&pool, &factors);
    chain.tell(POOL, 0x6dac_cffa, &[], words(&[amp, U256::ZERO, number(1_000)]));
    chain.tell(POOL, 0x8268_7a56, &[], words(&[number(1)]));
    let reading = exact(&mut chain, &[Kind::BalancerV2]).unwrap();
    let held: Vec<_> = reading.coins.iter().map(|coin| (coin.address, coin.reserve)).collect();
    assert_eq!(held, [(address(1), balances[0]), (address(3), balances[2])]);
    let found = reading.exact.unwrap().amount_out(0, 1, ONE);
    assert_eq!(found, pool.amount_out(0, 2, ONE));
    assert!(found.is_ok());
}

/// Arguments of `computeInvariant`: of 1 token and so many of the other, rounded down.
fn invariant_of(other: u64) -> [U256; 5] {
    [number(64), U256::ZERO, number(2), ONE, ONE * number(other)]
}

/// A pool of the V3 vault: two tokens, no rates, a hook or none.
fn vault_v3(hook: U256) -> (Chain, StableV3) {
    let mut chain = Chain::default();
    let (fee, amp) = (decimal("1000000000000000"), number(500_000));
    let balances = [decimal("4000000000000000000000"), decimal("4100000000000000000000")];
    chain.tell(POOL, 0x6dac_cffa, &[], words(&[amp, U256::ZERO, number(1_000)]));
    chain.tell(POOL, 0x984d_e9e8, &invariant_of(1), words(&[ONE]));
    let terms = chain.tell_vault_v3(POOL, address(VAULT), fee, balances, hook);
    (chain, StableV3::new(terms, amp, balances.to_vec()).unwrap())
}

#[test]
fn a_pool_of_the_v3_vault_is_read_and_one_with_a_hook_doubted() {
    let (mut chain, pool) = vault_v3(U256::ZERO);
    chain.tell(POOL, 0x984d_e9e8, &invariant_of(10_000), words(&[ONE]));
    let reading = exact(&mut chain, &[]).unwrap();
    assert_eq!((reading.kind, reading.factory), (Kind::BalancerV3, Some(address(VAULT))));
    assert_eq!(reading.exact, Ok(Exact::StableV3(Box::new(pool))));
    let (mut chain, _) = vault_v3(number(99));
    assert_eq!(exact(&mut chain, &[]).unwrap().exact, Err(Doubt::Hooked));
}

#[test]
fn a_later_stable_pool_is_told_by_the_balances_that_it_refuses() {
    let (mut chain, pool) = vault_v3(U256::ZERO);
    let later = pool.clone().bounded();
    assert_eq!(exact(&mut chain, &[]).unwrap().exact, Ok(Exact::StableV3(Box::new(later.clone()))));
    // 4,000 and 4,100 tokens: what makes one side 10,000 times the other is paid by the earlier pools alone.
    let all_but = |left: u64| decimal("4100000000000000000000") - number(left) * (ONE / number(10));
    assert_eq!(later.amount_in(0, 1, all_but(20)), pool.amount_in(0, 1, all_but(20)));
    assert!(pool.amount_in(0, 1, all_but(9)).is_ok());
    assert_eq!(later.amount_in(0, 1, all_but(9)), Err(PoolError::Insufficient));
}

#[test]
fn every_name_of_an_exchange_means_a_kind_and_each_kind_is_a_name() {
    assert!(kinds_of("unheard of").is_none());
    for kind in Kind::ALL {
        assert_eq!(kinds_of(kind.name()), Some([kind].as_slice()));
    }
    let mut names: Vec<_> = DEX_TYPES.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), DEX_TYPES.len());
}

#[test]
fn a_batch_asks_what_several_pools_need_once() {
    let chain = pair(10, 20);
    let twice = vec![Query::new(POOL, &[], Detail::Reserves), Query::new(POOL, &[], Detail::Reserves)];
    let alone = Query::new(POOL, &[], Detail::Reserves).calls().len();
    let mut batch = Batch::new(twice);
    assert_eq!(batch.round().calls().len(), alone);
    while !batch.round().calls().is_empty() {
        let answers = batch.round().calls().iter().map(|call| chain.answer(call)).collect();
        batch.round_mut().put(0, answers);
        batch.advance();
    }
    let results: Vec<_> = batch.results().into_iter().map(Option::unwrap).collect();
    assert_eq!(results.len(), 2);
    assert!(results.iter().all(Result::is_ok));
    let mut unanswered = Batch::new(vec![Query::new(POOL, &[], Detail::Reserves)]);
    unanswered.advance();
    assert!(matches!(unanswered.results()[0], Some(Err(QueryError::Answers { found: 0, .. }))));
}

proptest! {
    #[test]
    fn whatever_bytes_come_a_query_ends(
        seed in proptest::collection::vec(proptest::option::of(proptest::collection::vec(any::<u8>(), 0..200)), 1..40),
        kind in proptest::option::of(0..Kind::ALL.len()),
        sizes in proptest::collection::vec(0_usize..10, 1..40),
        small in any::<bool>(),
    ) {
        let kinds: Vec<_> = kind.map(|kind| Kind::ALL[kind]).into_iter().collect();
        let mut query = Query::new(POOL, &kinds, Detail::Exact);
        let mut at = 0_usize;
        for _ in 0..12 {
            let answers = query.calls().iter().map(|_| {
                at += 1;
                let size = sizes[at % sizes.len()] * 32;
                match &seed[at % seed.len()] {
                    None => Err(Reverted(vec![0x08, 0xc3, 0x79, 0xa0])),
                    // Words that are small numbers reach further than noise does.
                    Some(bytes) if small => Ok((0..size).map(|index| if index % 32 == 31 { bytes.first().copied().unwrap_or(1) } else { 0 }).collect()),
                    Some(bytes) => Ok(bytes.iter().copied().cycle().take(size).collect()),
                }
            }).collect();
            if !matches!(query.take(answers), tidemill_pools::query::Progress::Ask) {
                return Ok(());
            }
        }
        prop_assert!(false, "expected an end within 12 rounds");
    }

    #[test]
    fn random_bytes_are_decoded_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400), expected in 0_usize..6) {
        let _ = decode_aggregate3(&bytes, expected);
    }

    #[test]
    fn calls_are_encoded_in_whole_words(sizes in proptest::collection::vec(0_usize..100, 0..8)) {
        let calls: Vec<_> = sizes.iter().map(|size| Call { to: POOL, data: vec![1; *size] }).collect();
        let data = encode_aggregate3(calls.iter());
        prop_assert_eq!(data.len() % 32, 4);
    }
}
