//! Are pairs of Solidly and pools of Algebra that are read by their addresses what their contracts are.
#![allow(clippy::unwrap_used, clippy::panic)]

mod shared;

use tidemill_pools::algebra::{Algebra, Generation};
use tidemill_pools::query::{Detail, Doubt, Exact, Kind, Query, Reading};
use tidemill_pools::solidly::{self, Rules, Solidly};
use tidemill_pools::uniswap_v2::Fee;
use tidemill_pools::{Address, Pool, PoolError, Ticked, U256};

use shared::chain::{address, argument, number, of_address, words, Chain};

const POOL: Address = [0x50; 20];
const GET_FEE_OF_POOL: u32 = 0xcc56_b2c5;
const GET_FEE_OF_CURVE: u32 = 0x512b_45ea;
const GET_AMOUNT_OUT: u32 = 0xf140_a35a;

/// What every pool of tokens 1 and 2 answers.
fn with_tokens() -> Chain {
    let mut chain = Chain::default();
    chain.tell(POOL, 0x0dfe_1681, &[], words(&[of_address(address(1))]));
    chain.tell(POOL, 0xd212_20a7, &[], words(&[of_address(address(2))]));
    chain.tell(POOL, 0xc45a_0155, &[], words(&[of_address(address(9))]));
    chain.token(address(1), 18);
    chain.token(address(2), 18);
    chain
}

fn solidly(rules: Rules, is_stable: bool, fee: u32) -> Solidly {
    let mut pool = Solidly::new(rules, is_stable);
    // So little that where the two codes stop their search shows in what they quote.
    pool.set_reserves(1_000_000_000_000_007, 1_000_000_000_000_099);
    let fee = Fee::new(10_000 - fee, 10_000).unwrap();
    pool.set_reading(Some(solidly::Reading::new(fee, 18, 18).unwrap()));
    pool
}

/// A pair whose contract is `pool`, and whose factory tells `fee` by the view of that selector.
fn pair(pool: Solidly, fee: Option<(u32, u64)>) -> Chain {
    let mut chain = with_tokens();
    let (reserve0, reserve1) = pool.reserves();
    let held = [U256::from(reserve0), U256::from(reserve1)];
    let stable = U256::from(pool.is_stable());
    chain.tell(POOL, 0x0902_f1ac, &[], words(&[held[0], held[1], number(7)]));
    chain.tell(POOL, 0x22be_3de1, &[], words(&[stable]));
    let units = [U256::from(10_u64.pow(18)); 2];
    let tokens = [of_address(address(1)), of_address(address(2))];
    let metadata = [units[0], units[1], held[0], held[1], stable, tokens[0], tokens[1]];
    chain.tell(POOL, 0x392f_37e9, &[], words(&metadata));
    chain.tell(address(9), 1, &[], Vec::new());
    if let Some((view, fee)) = fee {
        let asked = if view == GET_FEE_OF_POOL { vec![of_address(POOL), stable] } else { vec![stable] };
        chain.tell(address(9), view, &asked, words(&[number(fee)]));
    }
    let quoted = move |asked: &[u8]| {
        let zero_for_one = argument(asked, 1) == tokens[0];
        pool.amount_out(zero_for_one, argument(asked, 0)).ok().map(|out| words(&[out]))
    };
    chain.swap(POOL, GET_AMOUNT_OUT, Box::new(quoted));
    chain
}

fn exact(chain: &mut Chain) -> Reading {
    chain.run(Query::new(POOL, &[], Detail::Exact)).unwrap()
}

#[test]
fn a_pair_of_solidly_runs_the_code_that_quotes_as_it_does_with_its_factory_s_fee() {
    for is_stable in [false, true] {
        for (rules, told, fee) in [
            (Rules::Velodrome, Some((GET_FEE_OF_POOL, 30)), 30),
            (Rules::Solidly, Some((GET_FEE_OF_POOL, 5)), 5),
            (Rules::Solidly, Some((GET_FEE_OF_CURVE, 2)), 2),
            (Rules::Solidly, None, 1),
        ] {
            let pool = solidly(rules, is_stable, fee);
            let mut chain = pair(pool, told);
            let reading = exact(&mut chain);
            assert_eq!(reading.kind, Kind::Solidly);
            assert_eq!(reading.fee_e18, Some(U256::from(u64::from(fee) * 100_000_000_000_000)));
            let Ok(read) = &reading.exact else { panic!("{:?} of {pool:?}", reading.exact) };
            for (zero_for_one, amount_in) in [(true, 12_345_678_901_234_u64), (false, 98_765_432_109_876)] {
                let (i, j) = if zero_for_one { (0, 1) } else { (1, 0) };
                let expected = pool.amount_out(zero_for_one, number(amount_in));
                assert_eq!(read.amount_out(i, j, number(amount_in)), expected);
            }
            let Exact::Pool(Pool::Solidly(read)) = read else { panic!("{read:?}") };
            assert!(!is_stable || read.rules() == rules, "both codes quote volatile pairs alike");
            let again = chain.run(Query::again(reading.clone(), Detail::Exact)).unwrap();
            assert_eq!(again, reading);
        }
    }
}

#[test]
fn a_pair_of_solidly_that_quotes_otherwise_is_doubted_and_its_reserves_are_told() {
    let mut chain = pair(solidly(Rules::Velodrome, true, 30), Some((GET_FEE_OF_POOL, 31)));
    let reading = exact(&mut chain);
    assert_eq!(reading.exact, Err(Doubt::Disproved));
    assert_eq!(reading.coins[1].reserve, number(1_000_000_000_000_099));
    let mut chain = pair(solidly(Rules::Velodrome, true, 30), Some((GET_FEE_OF_POOL, 10_000)));
    assert_eq!(exact(&mut chain).exact, Err(Doubt::FeeUnknown));
    let reserves = chain.run(Query::new(POOL, &[Kind::Solidly], Detail::Reserves)).unwrap();
    assert_eq!(reserves.exact, Err(Doubt::NotAsked));
}

const LIQUIDITY: u64 = 5_000_000_000_000;

/// A pool of a generation with one position from -120 to 120, and the words of its ticks.
fn algebra(generation: Generation, state: &[U256], computed: Option<u64>, has_orders: bool) -> Chain {
    let mut chain = with_tokens();
    chain.tell(POOL, 0xe76c_01e4, &[], words(state));
    chain.tell(POOL, 0x1a68_6502, &[], words(&[number(LIQUIDITY)]));
    chain.tell(POOL, 0xd0c9_3a7c, &[], words(&[number(60)]));
    if let Some(fee) = computed {
        chain.tell(POOL, 0xddca_3f43, &[], words(&[number(fee)]));
    }
    let divisor = if generation == Generation::V1 { 60 } else { 1 };
    let place = |tick: i32| (tick.div_euclid(divisor) >> 8, tick.div_euclid(divisor).rem_euclid(256));
    let set: Vec<_> = [-120, 120].into_iter().map(place).collect();
    let bitmap = move |asked: &[u8]| {
        let index = i32::from_be_bytes(asked[28..32].try_into().unwrap());
        let bits = set.iter().filter(|(word, _)| *word == index);
        Some(words(
            &[bits.fold(U256::ZERO, |bits, (_, bit)| bits | U256::ONE << bit.unsigned_abs() as usize)],
        ))
    };
    chain.swap(POOL, 0xc677_e3e0, Box::new(bitmap));
    let count = match generation {
        Generation::V1 | Generation::V1Directional => 8,
        Generation::V2 => 9,
        Generation::Integral => 6,
    };
    let tick = move |asked: &[u8]| {
        let tick = i32::from_be_bytes(asked[28..32].try_into().unwrap());
        let mut told = vec![U256::ZERO; count];
        let liquidity = number(LIQUIDITY);
        if tick != 0 {
            told[0] = liquidity;
            told[1] = if tick < 0 { liquidity } else { U256::ZERO.wrapping_sub(liquidity) };
            told[count - 1] = U256::from(has_orders);
        }
        Some(words(&told))
    };
    chain.swap(POOL, 0xf30d_ba93, Box::new(tick));
    for (token, held) in [(1, 500), (2, 700)] {
        chain.tell(address(token), 0x70a0_8231, &[of_address(POOL)], words(&[number(held)]));
    }
    chain
}

#[test]
fn a_pool_of_algebra_is_read_with_the_fees_of_its_generation() {
    let (price, one, zero) = (U256::ONE << 96, U256::ONE, U256::ZERO);
    let fee = number(500);
    let cases = [
        (Generation::V1, vec![price, zero, fee, one, zero, zero, one], None, (500, 500)),
        (
            Generation::V1Directional,
            vec![price, zero, fee, number(900), one, zero, zero, one],
            None,
            (500, 900),
        ),
        (Generation::V2, vec![price, zero, number(120), fee, one, zero, one], None, (500, 500)),
        (Generation::Integral, vec![price, zero, fee, zero, zero, one], None, (500, 500)),
        (Generation::Integral, vec![price, zero, fee, number(129), zero, one], Some(770), (770, 770)),
    ];
    for (generation, state, computed, fees) in cases {
        let mut chain = algebra(generation, &state, computed, false);
        let reading = exact(&mut chain);
        assert_eq!(reading.kind, Kind::Algebra);
        let Ok(Exact::Pool(Pool::Algebra(pool))) = &reading.exact else { panic!("{:?}", reading.exact) };
        assert_eq!((pool.generation(), pool.fees().ppm), (generation, Some(fees)));
        assert_eq!(reading.fee_e18, Some(U256::from(fees.0) * number(1_000_000_000_000)));
        let mut expected = Algebra::new(generation);
        expected.set_fees(*pool.fees()).unwrap();
        expected.set_slot(price, 0, u128::from(LIQUIDITY));
        let liquidity = i128::from(LIQUIDITY);
        expected.set_tick(-120, Some((u128::from(LIQUIDITY), liquidity))).unwrap();
        expected.set_tick(120, Some((u128::from(LIQUIDITY), -liquidity))).unwrap();
        assert_eq!(*pool, expected);
        assert_eq!(chain.run(Query::again(reading.clone(), Detail::Exact)).unwrap(), reading);
    }
}

#[test]
fn a_pool_of_algebra_with_limit_orders_quotes_nothing() {
    let state = [U256::ONE << 96, U256::ZERO, number(120), number(500), U256::ONE, U256::ZERO, U256::ONE];
    let reading = exact(&mut algebra(Generation::V2, &state, None, true));
    let quoted = reading.exact.unwrap().amount_out(0, 1, number(1_000));
    assert_eq!(quoted, Err(PoolError::LimitOrders));
}
