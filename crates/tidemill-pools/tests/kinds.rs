//! Solidly, Algebra and Uniswap V4 pools: recorded answers, properties, and blocks made up here.
#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;
use tidemill_pools::algebra::{Algebra, Fees, Generation};
use tidemill_pools::solidly::{Reading, Rules, Solidly};
use tidemill_pools::uniswap_v2::Fee;
use tidemill_pools::uniswap_v3::tick_math::sqrt_ratio_at_tick;
use tidemill_pools::uniswap_v3::UniswapV3;
use tidemill_pools::uniswap_v4::{pool_address, Key, ProtocolFee, UniswapV4};
use tidemill_pools::{
    Amount, Applied, EventColumns, Factory, Hash, Head, Log, Logs, Patch, Pool, PoolError, PoolKind, PoolSet,
    Ticked, U256,
};

/// What Aerodrome's own `Pool`, compiled from its sources and run by a local node, answered.
const ANSWERS: &str = include_str!("golden/solidly.jsonl");

fn number<T: std::str::FromStr>(value: &serde_json::Value) -> T
where
    T::Err: std::fmt::Debug,
{
    value.as_str().map_or_else(|| value.to_string(), str::to_owned).parse().unwrap()
}

fn solidly(rules: Rules, is_stable: bool, reserves: (u128, u128), terms: (u32, u32, u32)) -> Solidly {
    let (fee, decimals0, decimals1) = terms;
    let mut pool = Solidly::new(rules, is_stable);
    let fee = Fee::new(10_000 - fee, 10_000).unwrap();
    pool.set_reading(Some(Reading::new(fee, decimals0, decimals1).unwrap()));
    pool.set_reserves(reserves.0, reserves.1);
    pool
}

#[test]
fn solidly_pools_answer_what_the_contract_answered() {
    let (mut told, mut refused) = (0, 0);
    for line in ANSWERS.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let reserves = (number(&row["reserves"][0]), number(&row["reserves"][1]));
        let terms = (number(&row["fee"]), number(&row["decimals"][0]), number(&row["decimals"][1]));
        let is_stable = row["is_stable"].as_bool().unwrap();
        let pool = solidly(Rules::Velodrome, is_stable, reserves, terms);
        let zero_for_one = row["zero_for_one"].as_bool().unwrap();
        let amount_out = pool.amount_out(zero_for_one, number(&row["amount_in"]));
        if row["amount_out"].is_null() {
            refused += 1;
            assert!(amount_out.is_err(), "{line}");
        } else {
            told += 1;
            assert_eq!(amount_out, Ok(number(&row["amount_out"])), "{line}");
        }
    }
    assert_eq!((told, refused), (317, 3));
}

fn any_solidly(rules: Rules) -> impl Strategy<Value = Solidly> {
    let reserve = |decimals: u32| 10_u128.pow(decimals)..10_u128.pow(decimals + 9);
    let decimals = prop_oneof![Just(6_u32), Just(8), Just(18)];
    (any::<bool>(), decimals.clone(), decimals, 0_u32..300).prop_flat_map(move |(stable, d0, d1, fee)| {
        (reserve(d0), reserve(d1)).prop_map(move |reserves| solidly(rules, stable, reserves, (fee, d0, d1)))
    })
}

/// An amount between a millionth of a reserve and ten times it.
fn part_of(reserve: u128, millionths: u64) -> U256 {
    U256::from(reserve) * U256::from(millionths) / U256::from(1_000_000) + U256::ONE
}

proptest! {
    #[test]
    fn more_into_a_solidly_pool_never_gives_less(
        pool in any_solidly(Rules::Velodrome), parts in 0_u64..10_000_000, more in 0_u64..1_000_000,
    ) {
        let less = part_of(pool.reserves().0, parts);
        let (less, more) = (less, less + part_of(pool.reserves().0, more));
        if let (Ok(less), Ok(more)) = (pool.amount_out(true, less), pool.amount_out(true, more)) {
            prop_assert!(less <= more);
        }
    }

    #[test]
    fn into_a_solidly_pool_and_back_never_gains(
        pool in any_solidly(Rules::Velodrome), parts in 0_u64..2_000_000, first in any::<bool>(),
    ) {
        let reserve = if first { pool.reserves().0 } else { pool.reserves().1 };
        let amount_in = part_of(reserve, parts);
        let mut after = pool;
        if let Ok(there) = after.swap(first, Amount::In(amount_in)) {
            if let Ok(back) = after.swap(!first, Amount::In(there.amount_out)) {
                prop_assert!(back.amount_out <= amount_in);
            }
        }
    }

    #[test]
    fn what_a_solidly_pool_asks_buys_what_was_wanted_and_one_less_does_not(
        pool in prop_oneof![any_solidly(Rules::Velodrome), any_solidly(Rules::Solidly)],
        parts in 0_u64..900_000,
    ) {
        let wanted = part_of(pool.reserves().1, parts);
        if let Ok(amount_in) = pool.amount_in(true, wanted) {
            prop_assert!(pool.amount_out(true, amount_in).unwrap() >= wanted);
            if amount_in > U256::ONE && pool.rules() == Rules::Velodrome {
                let fewer = pool.amount_out(true, amount_in - U256::ONE);
                prop_assert!(fewer.is_err() || fewer.unwrap() < wanted);
            }
        }
    }

    #[test]
    fn no_amount_makes_a_solidly_pool_panic(
        reserves: (u128, u128), amount: [u64; 4], is_stable: bool, first: bool, d0 in 0_u32..20, d1 in 0_u32..20,
    ) {
        for rules in [Rules::Solidly, Rules::Velodrome] {
            let mut pool = solidly(rules, is_stable, reserves, (30, d0, d1));
            let amount = U256::from_limbs(amount);
            let _ = pool.spot_price();
            let _ = pool.swap(first, Amount::In(amount));
            let _ = pool.quote(first, Amount::Out(amount >> 128));
        }
    }
}

/// Liquidity in three overlapping ranges about tick 0, on multiples of 60.
const RANGES: [(i32, i32, u128); 3] =
    [(-60_000, 60_000, 10_u128.pow(18)), (-600, 600, 10_u128.pow(21)), (-240, 1_200, 5 * 10_u128.pow(20))];

fn ticks() -> Vec<(i32, (u128, i128))> {
    let mut ticks = std::collections::BTreeMap::new();
    for (lower, upper, liquidity) in RANGES {
        let net = i128::try_from(liquidity).unwrap();
        for (tick, net) in [(lower, net), (upper, -net)] {
            let (gross, sum) = ticks.entry(tick).or_insert((0, 0));
            *gross += liquidity;
            *sum += net;
        }
    }
    ticks.into_iter().collect()
}

fn v3(fee_ppm: u32) -> UniswapV3 {
    let mut pool = UniswapV3::new(fee_ppm, 60).unwrap();
    pool.set_slot(sqrt_ratio_at_tick(0).unwrap(), 0, RANGES.iter().map(|range| range.2).sum());
    for (tick, liquidity) in ticks() {
        pool.set_tick(tick, Some(liquidity)).unwrap();
    }
    pool
}

fn algebra(generation: Generation, ppm: (u32, u32)) -> Algebra {
    let mut pool = Algebra::new(generation);
    pool.set_fees(Fees { ppm: Some(ppm), ..Fees::default() }).unwrap();
    pool.set_slot(sqrt_ratio_at_tick(0).unwrap(), 0, RANGES.iter().map(|range| range.2).sum());
    for (tick, liquidity) in ticks() {
        pool.set_tick(tick, Some(liquidity)).unwrap();
    }
    pool
}

fn key(fee: u32) -> Key {
    Key { id: [7; 32], fee, tick_spacing: 60, hooks: [0; 20] }
}

fn v4(key: Key) -> UniswapV4 {
    let mut pool = UniswapV4::new(key).unwrap();
    pool.set_slot(sqrt_ratio_at_tick(0).unwrap(), 0, RANGES.iter().map(|range| range.2).sum());
    for (tick, liquidity) in ticks() {
        pool.set_tick(tick, Some(liquidity)).unwrap();
    }
    pool
}

proptest! {
    #[test]
    fn algebra_v1_and_v4_swap_as_v3_does_at_the_same_fee(amount in 1_u64.., first: bool, fee in 0_u32..60_000) {
        let amount = Amount::In(U256::from(amount));
        let expected = v3(fee).quote(first, amount);
        prop_assert_eq!(algebra(Generation::V1, (fee, fee)).quote(first, amount), expected);
        prop_assert_eq!(v4(key(fee)).quote(first, amount), expected);
    }

    #[test]
    fn more_into_linked_ticks_never_gives_less_and_back_never_gains(
        less in 1_u64.., more: u64, first: bool, fees in (0_u32..60_000, 0_u32..60_000),
    ) {
        let pool = algebra(Generation::Integral, fees);
        let (less, more) = (U256::from(less), U256::from(less) + U256::from(more));
        let out = |amount| pool.quote(first, Amount::In(amount)).map(|quote| quote.amount_out);
        if let (Ok(less), Ok(more)) = (out(less), out(more)) {
            prop_assert!(less <= more);
        }
        let mut after = pool.clone();
        let there = after.swap(first, Amount::In(more)).unwrap();
        if let Ok(back) = after.swap(!first, Amount::In(there.amount_out)) {
            prop_assert!(back.amount_out <= there.amount_in);
        }
    }
}

#[test]
fn each_direction_of_an_algebra_pool_has_its_own_fee() {
    let pool = algebra(Generation::V1Directional, (500, 3_000));
    let amount = Amount::In(U256::from(1_000_000_000_u64));
    let out = |pool: &Algebra, first| pool.quote(first, amount).unwrap().amount_out;
    assert_eq!(out(&pool, true), out(&algebra(Generation::V1Directional, (500, 500)), true));
    assert_eq!(out(&pool, false), out(&algebra(Generation::V1Directional, (3_000, 3_000)), false));
    assert!(out(&pool, false) < out(&pool, true));
}

#[test]
fn the_protocols_share_of_a_v4_swap_comes_first_and_the_fee_is_of_the_rest() {
    let mut pool = v4(key(3_000));
    pool.set_protocol_fee(ProtocolFee::unpacked(1_000 + 500 * 4_096).unwrap());
    // 1000 + 3000 - 1000 · 3000 / 10^6, and the same with 500, the quotients rounded down.
    let amount = Amount::In(U256::from(1_000_000_000_u64));
    assert_eq!(pool.quote(true, amount), v3(3_997).quote(true, amount));
    assert_eq!(pool.quote(false, amount), v3(3_499).quote(false, amount));
    assert!(ProtocolFee::unpacked(1_001).is_err());
}

#[test]
fn pools_whose_outcome_is_not_known_refuse_by_name() {
    let amount = Amount::In(U256::from(1_000));
    let hooked = Key { hooks: [1; 20], ..key(3_000) };
    assert_eq!(v4(hooked).quote(true, amount), Err(PoolError::Hooked));
    let dynamic = Key { fee: 0x80_0000, ..hooked };
    assert_eq!(v4(dynamic).quote(true, amount), Err(PoolError::DynamicFee));
    assert_eq!(v4(dynamic).fee_ppm(), None);
    assert_eq!(Algebra::new(Generation::V2).fee_ppm(), None);
    let mut pool = algebra(Generation::V2, (100, 100));
    pool.set_fees(Fees { has_limit_orders: true, ..*pool.fees() }).unwrap();
    assert_eq!(pool.quote(true, amount), Err(PoolError::LimitOrders));
    let mut pool = algebra(Generation::Integral, (100, 100));
    pool.set_fees(Fees { is_overridden: true, ..*pool.fees() }).unwrap();
    assert_eq!(pool.quote(true, amount), Err(PoolError::DynamicFee));
    let unread = Solidly::new(Rules::Velodrome, false);
    assert_eq!(unread.quote(true, amount), Err(PoolError::Incomplete));
    let without_fee = v4(key(1_000_000));
    assert!(matches!(without_fee.quote(true, amount), Err(PoolError::Fee { .. })));
}

#[test]
fn a_v4_swap_beyond_the_liquidity_or_the_accounts_is_refused() {
    let much = Amount::In(U256::ONE << 120);
    assert_eq!(v4(key(500)).quote(true, much), Err(PoolError::Insufficient));
    assert_eq!(v4(key(500)).quote(true, Amount::Out(U256::ONE << 120)), Err(PoolError::Insufficient));
}

// Blocks made up here.

const MANAGER: [u8; 20] = [0xf4; 20];
const ALGEBRA: [u8; 20] = [0xfa; 20];
const SOLIDLY: [u8; 20] = [0xf5; 20];
const ID: Hash = [0x77; 32];

fn topic(hex: &str) -> Hash {
    std::array::from_fn(|index| u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).unwrap())
}

fn word(value: u128) -> Hash {
    U256::from(value).to_be_bytes()
}

fn minus(value: u128) -> Hash {
    U256::from(value).wrapping_neg().to_be_bytes()
}

fn of_address(address: [u8; 20]) -> Hash {
    U256::from_be_slice(&address).to_be_bytes()
}

/// A log: who says it, its topics, its words.
type Said = ([u8; 20], Vec<Hash>, Vec<Hash>);

fn set() -> PoolSet {
    let factory = |address, protocol: &str| Factory {
        address,
        protocol: protocol.into(),
        dex: "dex".into(),
        fee: Fee::UNISWAP,
        generation: Generation::Integral,
    };
    let factories =
        [factory(MANAGER, "uniswap_v4"), factory(ALGEBRA, "algebra"), factory(SOLIDLY, "solidly")];
    PoolSet::new("chain", 1, factories)
}

/// Applies one block of logs, each an emitter, topics and words.
fn apply(set: &mut PoolSet, number: u64, logs: &[Said]) -> (Applied, EventColumns) {
    let hash = [u8::try_from(number).unwrap(); 32];
    let head = Head { number, hash, ..Head::default() };
    let mut block = Logs::new();
    for (log_index, (address, topics, words)) in (0_u32..).zip(logs) {
        let data = words.concat();
        let (block_hash, tx_hash) = (&head.hash, &[0; 32]);
        let block_number = number;
        block.push(&Log {
            address,
            topics,
            data: &data,
            block_number,
            block_hash,
            tx_hash,
            tx_index: 0,
            log_index,
        });
    }
    let mut columns = EventColumns::default();
    let applied = set.apply_block(&head, block.iter(), 0, &mut columns).unwrap();
    (applied, columns)
}

fn v4_initialize(hooks: [u8; 20]) -> Said {
    let name = topic("dd466e674ea557f56295e2d0218a125ea4b4f0f6f3307b95f85e6110838d6438");
    let price = sqrt_ratio_at_tick(0).unwrap().to_be_bytes();
    let topics = vec![name, ID, of_address([1; 20]), of_address([2; 20])];
    (MANAGER, topics, vec![word(500), word(60), of_address(hooks), price, word(0)])
}

fn v4_modify(delta: Hash) -> Said {
    let name = topic("f208f4912782fd25c7f114ca3723a2d5dd6f3bcc3ac8db5af63baa85f711d5ec");
    (MANAGER, vec![name, ID, of_address([3; 20])], vec![minus(600), word(600), delta, [0; 32]])
}

fn v4_swap(pool: &Pool, amount_in: u128) -> (Said, Pool) {
    let mut after = pool.clone();
    let quote = after.swap(true, Amount::In(U256::from(amount_in))).unwrap();
    let state = after.state();
    let tick = state.tick.unwrap();
    let tick = if tick < 0 { minus(tick.unsigned_abs().into()) } else { word(tick.unsigned_abs().into()) };
    let name = topic("40e9cecb9f5f1f1c5b9c97dec2917b7ee92e57ba5563708daca94dd84ad7112f");
    // The swapper's side: paid in is below zero.
    let words = vec![
        minus(amount_in),
        quote.amount_out.to_be_bytes(),
        state.sqrt_price_x96.unwrap().to_be_bytes(),
        word(state.liquidity.unwrap()),
        tick,
        word(500),
    ];
    ((MANAGER, vec![name, ID, of_address([3; 20])], words), after)
}

#[test]
fn a_v4_pool_lives_by_the_managers_logs_and_every_step_can_be_undone() {
    let mut set = set();
    let before = set.clone();
    let (made, columns) = apply(&mut set, 1, &[v4_initialize([0; 20]), v4_modify(word(10_u128.pow(18)))]);
    assert_eq!((columns.pool.len(), columns.pool_state.len(), columns.liquidity_change.len()), (1, 2, 1));
    let address = pool_address(&ID);
    let pool = set.get(&address).unwrap().pool.clone();
    assert_eq!(pool.state().liquidity, Some(10_u128.pow(18)));
    let (log, expected) = v4_swap(&pool, 1_000_000);
    let (swapped, columns) = apply(&mut set, 2, &[log]);
    assert_eq!(columns.swap.len(), 1);
    assert!(swapped.drifts.is_empty() && swapped.faults.is_empty());
    assert_eq!(set.get(&address).unwrap().pool, expected);
    let mut copy = PoolSet::new("chain", 1, []);
    copy.load(set.records().iter()).unwrap();
    assert_eq!(copy.get(&address), set.get(&address));
    for applied in [swapped, made] {
        set.patch(&Patch::from_bytes(&applied.undo.to_bytes()).unwrap()).unwrap();
    }
    assert_eq!(set, before);
}

#[test]
fn a_hooked_v4_pool_is_followed_and_refuses_to_quote() {
    let mut set = set();
    apply(&mut set, 1, &[v4_initialize([9; 20]), v4_modify(word(5_000))]);
    let pool = &set.get(&pool_address(&ID)).unwrap().pool;
    assert_eq!(pool.state().liquidity, Some(5_000));
    assert_eq!(pool.quote(true, Amount::In(U256::from(10))), Err(PoolError::Hooked));
}

#[test]
fn a_managers_log_with_ticks_out_of_order_is_left_out_and_told() {
    let mut set = set();
    let (address, topics, mut words) = v4_modify(word(1));
    words.swap(0, 1);
    let (applied, _) = apply(&mut set, 1, &[v4_initialize([0; 20]), (address, topics, words)]);
    assert_eq!(applied.faults.len(), 1);
}

#[test]
fn a_fee_that_the_factory_sets_reaches_the_solidly_pool_it_names_and_no_other_contracts_does() {
    let mut set = set();
    let pool = [0xaa; 20];
    let created = topic("2128d88d14c80cb081c1252a5acff7a264671bf199ce226b53788fb26065005e");
    let custom = topic("ae468ce586f9a87660fdffc1448cee942042c16ae2f02046b134b5224f31936b");
    let sync = topic("cf2aa50876cdfbb541206f89af0ee78d44a2abf8d328e37fa4917f982149848a");
    let made = vec![created, of_address([1; 20]), of_address([2; 20]), word(1)];
    let fee = |emitter, fee| (emitter, vec![custom, of_address(pool)], vec![word(fee)]);
    apply(
        &mut set,
        1,
        &[
            (SOLIDLY, made, vec![of_address(pool), word(1)]),
            (pool, vec![sync], vec![word(5_000_000), word(7_000_000)]),
        ],
    );
    assert!(!set.get(&pool).unwrap().pool.is_complete());
    let read = solidly(Rules::Velodrome, true, (5_000_000, 7_000_000), (5, 6, 6));
    let spec = set.get(&pool).unwrap().spec.clone();
    set.insert(spec, read.into());
    let (applied, _) = apply(&mut set, 2, &[fee(SOLIDLY, 100), fee(ALGEBRA, 200)]);
    assert_eq!(set.get(&pool).unwrap().pool.fee_ppm(), Some(10_000));
    set.patch(&applied.undo).unwrap();
    assert_eq!(set.get(&pool).unwrap().pool, read.into());
    apply(&mut set, 3, &[fee(SOLIDLY, 420)]);
    assert_eq!(set.get(&pool).unwrap().pool.fee_ppm(), Some(0));
    apply(&mut set, 4, &[fee(SOLIDLY, 0)]);
    assert!(!set.get(&pool).unwrap().pool.is_complete(), "the factory's own fee no log tells");
}

#[test]
fn an_algebra_pool_takes_its_fee_from_its_log_and_a_limit_order_ends_its_quotes() {
    let mut set = set();
    let pool = [0xab; 20];
    let named =
        |name, topics: &[Hash], words: &[Hash]| (pool, [&[topic(name)], topics].concat(), words.to_vec());
    let made = topic("91ccaa7a278130b65168c3a0c8d3bcae84cf5e43704342bd3ec0b59e59c036db");
    let mint = "7a53080ba414158be7ec69b987b5fb7d07dee101fe85488f0853ae16239d0bde";
    let position = |lower: u128, upper: u128| {
        let topics = [of_address([3; 20]), minus(lower), word(upper)];
        named(mint, &topics, &[of_address([3; 20]), word(10_u128.pow(18)), word(1), word(1)])
    };
    let price = sqrt_ratio_at_tick(0).unwrap().to_be_bytes();
    apply(
        &mut set,
        1,
        &[
            (ALGEBRA, vec![made, of_address([1; 20]), of_address([2; 20])], vec![of_address(pool)]),
            named("98636036cb66a9c19a37435efc1e90142190214e8abeb821bdba3f2990dd4c95", &[], &[price, word(0)]),
            position(77, 60),
        ],
    );
    let quote = |set: &PoolSet| set.get(&pool).unwrap().pool.quote(true, Amount::In(U256::from(1_000_000)));
    assert_eq!(quote(&set), Err(PoolError::Incomplete));
    let fee = named("598b9f043c813aa6be3426ca60d1c65d17256312890be5118dab55b0775ebe2a", &[], &[word(500)]);
    apply(&mut set, 2, &[fee]);
    assert_eq!(
        quote(&set).unwrap().amount_out,
        U256::from(999_499),
        "999500 without the fee, and a unit for the price's move"
    );
    let (applied, columns) = apply(&mut set, 3, &[position(0, 0)]);
    assert_eq!(columns.liquidity_change.len(), 1);
    assert_eq!(quote(&set), Err(PoolError::LimitOrders));
    set.patch(&applied.undo).unwrap();
    assert!(quote(&set).is_ok());
}
