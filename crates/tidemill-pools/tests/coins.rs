//! Pools of coins through blocks made up here: a log makes the state unknown, a reading makes it known, an undo takes both back.
#![allow(clippy::unwrap_used, clippy::panic)]

mod shared;

use std::sync::Arc;

use proptest::prelude::*;
use tidemill_pools::algebra::Generation;
use tidemill_pools::balancer_v2::BalancerV2;
use tidemill_pools::balancer_v3::BalancerV3;
use tidemill_pools::curve_stable::{CurveStable, Rules, StableSwap, Terms};
use tidemill_pools::multicall::Reverted;
use tidemill_pools::query::{Kind, QueryError};
use tidemill_pools::uniswap_v2::Fee;
use tidemill_pools::{
    Address, Amount, CoinBatch, CoinReading, CoinWanted, Deed, EventColumns, Factory, Hash, Head, Journal,
    Log, Logs, Observed, Patch, Pool, PoolError, PoolSet, PoolSpec, Quote, Traded, U256,
};

use shared::chain::{address, argument, arrays, number, of_address, words, Chain};
use shared::curve::ONE;

const POOL: Address = [0x50; 20];
const VAULT: Address = [0x7a; 20];
const BUYER: Address = [0x66; 20];

const EXCHANGE: &str = "8b3e96f2b889fa771c53c981b40daf005f63f637f1869f707052d15a3dd97140";
const CRYPTO_EXCHANGE: &str = "b2e76ae99761dc136e598d4a629bb347eccb9532a5f8bbd72e18467c3c34cc98";
const NG_CRYPTO_EXCHANGE: &str = "143f1f8e861fbdeddd5b46e844b7d3ac7b86a122f36e8c463859ee6811b1f29c";
const ADD_TWO: &str = "26f55a85081d24974e85c6c00045d0f0453991e95873f52bff0d21af4079a768";
const NG_REMOVE: &str = "347ad828e58cbe534d8f6b67985d791360756b18f0d95fd9f197a66cc46480ea";
const NEW_FEE: &str = "be12859b636aed607d5230b2cc2711f68d70e51060e6cca1f575ef5d2fcc95d1";
const TOKENS_REGISTERED: &str = "f5847d3f2197b16cdcd2098ec95d0905cd1abdaf415f07bb7cef2bba8ac5dec4";
const V2_SWAP: &str = "2170c741c41531aec20e7c107c24eecfdd15e69c9bb0a8dd37b1840b9e0b207b";
const V2_BALANCE: &str = "e5ce249087ce04f05a957192435400fd97868dba0e6a4b4c049abf8af80dae78";
const V3_SWAP: &str = "0874b2d545cb271cdbda4e093020c452328b24af12382ed62c4d00f5c26709db";
const V3_ADDED: &str = "a26a52d8d53702bba7f137907b8e1f99ff87f6d450144270ca25e72481cca871";

fn topic(hex: &str) -> Hash {
    shared::array_of(hex)
}

fn word(value: U256) -> Hash {
    value.to_be_bytes()
}

fn head(count: u8) -> Head {
    Head { number: count.into(), hash: [count; 32], timestamp_s: count.into(), ..Head::default() }
}

/// A chain with a plain pool of three coins, each of them held `held` times; its ramp ends at a time.
fn chain(held: u64, ramp_ends_s: u64) -> Chain {
    let balances = [number(held) * ONE; 3];
    let terms = Terms {
        amp: number(20_000),
        fee: number(4_000_000),
        admin_fee: number(5_000_000_000),
        offpeg_fee_multiplier: U256::ZERO,
    };
    let pool = StableSwap::new(Rules::TEMPLATE, terms, &balances, &[ONE; 3]).unwrap();
    let mut chain = Chain::default();
    for (k, balance) in balances.iter().enumerate() {
        let token = address(u8::try_from(k).unwrap() + 1);
        chain.tell(POOL, 0xc661_0657, &[U256::from(k)], words(&[of_address(token)]));
        chain.tell(POOL, 0x4903_b0d1, &[U256::from(k)], words(&[*balance]));
        chain.token(token, 18);
    }
    let views = [
        (0xf446_c1d0, 200),
        (0x76a2_f0f0, 20_000),
        (0xddca_3f43, 4_000_000),
        (0xfee3_f7f9, 5_000_000_000),
        (0x1405_2288, ramp_ends_s),
    ];
    for (view, value) in views {
        chain.tell(POOL, view, &[], words(&[number(value)]));
    }
    let quote = move |data: &[u8]| {
        let out = pool.amount_out(argument(data, 0).to(), argument(data, 1).to(), argument(data, 2));
        out.ok().map(|out| words(&[out]))
    };
    chain.swap(POOL, 0x5e0d_443f, Box::new(quote));
    chain
}

fn wanted(kind: Option<Kind>, before: Option<&CoinReading>) -> [CoinWanted; 1] {
    [CoinWanted { address: POOL, kind, before: before.cloned().map(Arc::new) }]
}

/// Reads the pool after a block; returns how many calls each round had, too.
fn read(
    chain: &Chain,
    timestamp_s: u64,
    wanted: &[CoinWanted],
) -> (Result<Box<CoinReading>, QueryError>, Vec<usize>) {
    let (mut batch, mut rounds) = (CoinBatch::new(wanted, timestamp_s, false), Vec::new());
    while !batch.round().calls().is_empty() {
        rounds.push(batch.round().calls().len());
        let answers = batch.round().calls().iter().map(|call| chain.answer(call)).collect();
        batch.round_mut().put(0, answers);
        batch.advance();
    }
    (batch.results().pop().unwrap().unwrap(), rounds)
}

fn known(held: u64, ramp_ends_s: u64, timestamp_s: u64) -> Pool {
    let wanted = wanted(Some(Kind::CurveStable), None);
    read(&chain(held, ramp_ends_s), timestamp_s, &wanted).0.unwrap().pool.unwrap()
}

fn curve(held: u64) -> Pool {
    known(held, 0, 1)
}

fn spec(factory: Address) -> PoolSpec {
    PoolSpec { address: POOL, dex: "curve".into(), factory, token0: address(1), token1: address(2) }
}

fn vault() -> Factory {
    let (protocol, dex) = ("balancer_v2".into(), "balancer".into());
    Factory { address: VAULT, protocol, dex, fee: Fee::UNISWAP, generation: Generation::V1 }
}

/// Applies a block with these logs: contract, event, its other topics, its data.
fn apply(
    set: &mut PoolSet,
    count: u8,
    told: &[(Address, &str, Vec<Hash>, Vec<u8>)],
) -> (Patch, EventColumns) {
    let (head, mut logs, mut columns) = (head(count), Logs::new(), EventColumns::default());
    for (index, (contract, event, others, data)) in (0..).zip(told) {
        let topics: Vec<Hash> = std::iter::once(topic(event)).chain(others.iter().copied()).collect();
        logs.push(&log(contract, &topics, data, (&head.hash, count.into(), index)));
    }
    let applied = set.apply_block(&head, logs.iter(), 9, &mut columns).unwrap();
    assert!(applied.faults.is_empty(), "{:?}", applied.faults);
    (applied.undo, columns)
}

fn log<'a>(
    contract: &'a Address,
    topics: &'a [Hash],
    data: &'a [u8],
    (block_hash, block_number, log_index): (&'a Hash, u64, u32),
) -> Log<'a> {
    let tx_hash = &[1; 32];
    Log { address: contract, topics, data, block_number, block_hash, tx_hash, tx_index: 0, log_index }
}

fn observed(pool: &mut Pool, event: &str, others: &[Hash], data: &[u8]) -> Observed {
    let topics: Vec<Hash> = std::iter::once(topic(event)).chain(others.iter().copied()).collect();
    pool.observe(&log(&POOL, &topics, data, (&[3; 32], 1, 0)), &mut Journal::default()).unwrap()
}

fn traded(observed: &Observed) -> Traded {
    match observed.deed {
        Some(Deed::Swap(traded)) => traded,
        other => panic!("expected a swap, found {other:?}"),
    }
}

fn exchange(sold: u64, bought: u64) -> (Vec<Hash>, Vec<u8>) {
    (vec![word(of_address(BUYER))], words(&[number(sold), number(70), number(bought), number(69)]))
}

fn is_known(set: &PoolSet) -> bool {
    set.get(&POOL).unwrap().pool.is_complete()
}

#[test]
fn a_log_makes_the_state_unknown_until_it_is_read_again_and_the_undo_takes_back_both() {
    let mut set = PoolSet::new("made", 1, []);
    set.insert(spec(POOL), curve(1_000));
    let first = set.records();
    assert!(is_known(&set));
    let (others, data) = exchange(2, 0);
    let twice = [(POOL, EXCHANGE, others.clone(), data.clone()), (POOL, EXCHANGE, others, data)];
    let (mut undo, columns) = apply(&mut set, 2, &twice);
    assert!(!is_known(&set));
    assert_eq!((columns.swap.len(), columns.pool_state.len()), (2, 0));
    let pool = &set.get(&POOL).unwrap().pool;
    assert_eq!(pool.coins().0, [address(1), address(2), address(3)], "its coins stay known");
    assert_eq!(pool.by_coin(), Some(Err(PoolError::Incomplete)));
    let unknown = set.records();
    undo.merge_undo(set.insert(spec(POOL), curve(2_000)).undo);
    assert!(is_known(&set));
    assert_ne!(set.records(), first);
    set.patch(&undo).unwrap();
    assert_eq!(set.records(), first);
    let mut loaded = PoolSet::new("made", 1, []);
    loaded.patch(&unknown).unwrap();
    assert!(!is_known(&loaded));
    loaded.patch(&first).unwrap();
    assert_eq!(loaded.get(&POOL), set.get(&POOL));
}

#[test]
fn any_other_log_of_the_pool_makes_its_state_unknown_too() {
    let mut set = PoolSet::new("made", 1, []);
    set.insert(spec(POOL), curve(1_000));
    let (_, columns) = apply(&mut set, 2, &[(POOL, NEW_FEE, vec![], words(&[number(1), number(2)]))]);
    assert!(!is_known(&set));
    assert_eq!(columns.swap.len(), 0);
}

#[test]
fn on_a_ramp_the_state_holds_for_one_block() {
    let mut set = PoolSet::new("made", 1, []);
    set.insert(spec(POOL), known(1_000, 50, 1));
    let before = set.records();
    let (undo, _) = apply(&mut set, 2, &[]);
    assert!(!is_known(&set));
    set.patch(&undo).unwrap();
    assert_eq!(set.records(), before);
    set.insert(spec(POOL), known(1_000, 50, 51));
    apply(&mut set, 3, &[]);
    assert!(is_known(&set), "the ramp is over");
}

#[test]
fn an_exchange_tells_its_coins_in_the_pools_own_order() {
    let mut pool = curve(1_000);
    for event in [EXCHANGE, CRYPTO_EXCHANGE, NG_CRYPTO_EXCHANGE] {
        for (sold, bought) in [(0, 2), (2, 0), (1, 2)] {
            let (others, mut data) = exchange(sold, bought);
            if event == NG_CRYPTO_EXCHANGE {
                data.extend(words(&[number(5), number(6)]));
            }
            let traded = traded(&observed(&mut pool, event, &others, &data));
            let (low, high) = (sold.min(bought), sold.max(bought));
            let coin = |place: u64| address(u8::try_from(place).unwrap() + 1);
            assert_eq!(traded.tokens, Some([coin(low), coin(high)]));
            assert_eq!((traded.sender, traded.recipient), (Some(BUYER), None));
            let sizes = [traded.amount0_in, traded.amount1_in, traded.amount0_out, traded.amount1_out];
            let expected = if sold < bought { [70, 0, 0, 69] } else { [0, 70, 69, 0] };
            assert_eq!(sizes, expected.map(number));
        }
    }
}

#[test]
fn liquidity_is_told_where_the_pool_has_two_coins() {
    let owner = [word(of_address(BUYER))];
    let mut two = Pool::from(CurveStable::described(POOL, vec![address(1), address(2)]));
    let added = observed(&mut two, ADD_TWO, &owner, &words(&[3, 4, 5, 6, 7, 8].map(number)));
    let Some(Deed::Liquidity(moved)) = added.deed else { panic!("{added:?}") };
    assert_eq!((moved.is_mint, moved.owner), (true, BUYER));
    assert_eq!((moved.amount0, moved.amount1), (number(3), number(4)));
    let list = arrays(&[&[number(8), number(9)], &[]]);
    let removed = observed(&mut two, NG_REMOVE, &owner, &list);
    let Some(Deed::Liquidity(moved)) = removed.deed else { panic!("{removed:?}") };
    assert_eq!((moved.is_mint, moved.amount0, moved.amount1), (false, number(8), number(9)));
    let list = arrays(&[&[number(8), number(9), number(1)], &[]]);
    assert_eq!(observed(&mut curve(1_000), NG_REMOVE, &owner, &list).deed, None);
}

/// The id of the vault's pool.
fn id() -> Hash {
    let mut id = [7; 32];
    id[..20].copy_from_slice(&POOL);
    id
}

fn registered() -> (Address, &'static str, Vec<Hash>, Vec<u8>) {
    let tokens = [address(1), POOL, address(2)].map(of_address);
    (VAULT, TOKENS_REGISTERED, vec![id()], arrays(&[&tokens, &[U256::ZERO; 3]]))
}

#[test]
fn a_pool_of_the_vault_is_found_by_its_tokens_without_its_own_share() {
    let mut set = PoolSet::new("made", 1, [vault()]);
    let (undo, columns) = apply(&mut set, 1, &[registered()]);
    assert_eq!(columns.pool.len(), 1);
    let found = set.get(&POOL).unwrap();
    assert_eq!(found.spec, PoolSpec { dex: "balancer".into(), ..spec(VAULT) });
    assert_eq!(found.pool.coins().0, [address(1), address(2)]);
    assert!(!is_known(&set));
    set.patch(&undo).unwrap();
    assert!(set.is_empty());
}

#[test]
fn only_its_own_vault_speaks_for_a_pool() {
    let other = [0x7b; 20];
    let mut set = PoolSet::new("made", 1, [vault(), Factory { address: other, ..vault() }]);
    apply(&mut set, 1, &[registered()]);
    let topics = vec![id(), word(of_address(address(2))), word(of_address(address(1)))];
    let data = words(&[number(70), number(69)]);
    let (_, columns) = apply(&mut set, 2, &[(other, V2_SWAP, topics.clone(), data.clone())]);
    assert_eq!(columns.swap.len(), 0);
    let (_, columns) = apply(&mut set, 3, &[(VAULT, V2_SWAP, topics, data)]);
    assert_eq!(columns.swap.len(), 1);
}

#[test]
fn a_swap_of_balancer_names_no_one_and_may_pay_in_the_pools_own_share() {
    let coins = vec![address(1), address(2)];
    let mut v2 = Pool::from(BalancerV2::described(POOL, coins.clone()));
    let topics = [id(), word(of_address(POOL)), word(of_address(address(2)))];
    let told = traded(&observed(&mut v2, V2_SWAP, &topics, &words(&[number(70), number(69)])));
    assert_eq!((told.sender, told.recipient, told.tokens), (None, None, Some([address(2), POOL])));
    assert_eq!((told.amount1_in, told.amount0_out), (number(70), number(69)));
    let mut v3 = Pool::from(BalancerV3::described(POOL, coins));
    let topics = [word(of_address(POOL)), word(of_address(address(1))), word(of_address(address(2)))];
    let told = traded(&observed(&mut v3, V3_SWAP, &topics, &words(&[70, 69, 1, 2].map(number))));
    assert_eq!((told.tokens, told.amount0_in), (Some([address(1), address(2)]), number(70)));
}

#[test]
fn a_join_or_exit_of_two_tokens_is_told_and_one_that_does_both_is_not() {
    let minus = |value: u64| U256::ZERO.wrapping_sub(number(value));
    let coins = vec![address(1), address(2)];
    let tokens = [address(1), POOL, address(2)].map(of_address);
    let topics = [id(), word(of_address(BUYER))];
    for (deltas, expected) in [
        ([number(5), minus(9), number(6)], Some((true, 5, 6))),
        ([minus(5), number(9), U256::ZERO], Some((false, 5, 0))),
        ([minus(5), U256::ZERO, number(6)], None),
        ([U256::ZERO, number(9), U256::ZERO], None),
    ] {
        let mut pool = Pool::from(BalancerV2::described(POOL, coins.clone()));
        let data = arrays(&[&tokens, &deltas, &[U256::ZERO; 3]]);
        let told = observed(&mut pool, V2_BALANCE, &topics, &data).deed.map(|deed| match deed {
            Deed::Liquidity(moved) => (moved.is_mint, moved.amount0.to::<u64>(), moved.amount1.to::<u64>()),
            Deed::Swap(traded) => panic!("{traded:?}"),
        });
        assert_eq!(told, expected);
    }
    let mut v3 = Pool::from(BalancerV3::described(POOL, coins));
    let data = words(&[9, 96, 192, 2, 5, 6, 0].map(number));
    let topics = [word(of_address(POOL)), word(of_address(BUYER)), word(U256::ZERO)];
    let Some(Deed::Liquidity(moved)) = observed(&mut v3, V3_ADDED, &topics, &data).deed else { panic!() };
    assert_eq!((moved.owner, moved.amount0, moved.amount1), (BUYER, number(5), number(6)));
}

#[test]
fn a_pool_whose_calls_are_not_all_answered_is_not_read() {
    let mut batch = CoinBatch::new(&wanted(Some(Kind::CurveStable), None), 1, false);
    let expected = batch.round().calls().len();
    batch.round_mut().put(1, vec![Err(Reverted(Vec::new())); expected - 1]);
    batch.advance();
    assert!(batch.round().calls().is_empty());
    let found = expected - 1;
    assert_eq!(batch.results(), [Some(Err(QueryError::Answers { expected, found }))]);
}

#[test]
fn a_contract_that_refuses_every_call_is_no_pool() {
    assert!(read(&Chain::default(), 1, &wanted(Some(Kind::CurveStable), None)).0.is_err());
}

#[test]
fn the_next_reading_asks_at_once_what_the_one_before_found_out() {
    let kind = Some(Kind::CurveStable);
    let (first, rounds) = read(&chain(1_000, 0), 1, &wanted(kind, None));
    assert!(rounds.len() > 1, "{rounds:?}");
    let first = first.unwrap();
    for held in [1_000, 1_001, 9_000] {
        let (next, fewer) = read(&chain(held, 0), 2, &wanted(kind, Some(&first)));
        let (afresh, _) = read(&chain(held, 0), 2, &wanted(kind, None));
        assert_eq!(state_of(&next.unwrap()), state_of(&afresh.unwrap()));
        assert!(fewer.iter().sum::<usize>() < rounds.iter().sum(), "{fewer:?} after {rounds:?}");
        // what a pool is tried with depends on what it holds, by the order of magnitude
        assert_eq!(fewer.len() == 1, held < 9_000, "{held}: {fewer:?}");
    }
}

#[test]
fn the_kind_of_a_pool_is_found_out_where_it_is_not_given() {
    let (found, _) = read(&chain(1_000, 0), 1, &wanted(None, None));
    assert_eq!(state_of(&found.unwrap()), {
        let (given, _) = read(&chain(1_000, 0), 1, &wanted(Some(Kind::CurveStable), None));
        state_of(&given.unwrap())
    });
}

/// What a pool holds, and what it quotes.
fn state_of(reading: &CoinReading) -> (Vec<U256>, Result<Quote, PoolError>) {
    let pool = reading.pool.as_ref().unwrap();
    (pool.coins().1.to_vec(), pool.quote(true, Amount::In(ONE)))
}

proptest! {
    #[test]
    fn whatever_a_log_says_the_state_is_unknown_after_it(
        event in prop::sample::select(vec![
            EXCHANGE, CRYPTO_EXCHANGE, NG_CRYPTO_EXCHANGE, ADD_TWO, NG_REMOVE, V2_SWAP, V2_BALANCE, V3_SWAP, V3_ADDED,
        ]),
        others in prop::collection::vec(any::<[u8; 32]>(), 0..4),
        data in prop::collection::vec(any::<u8>(), 0..260),
    ) {
        let topics: Vec<Hash> = std::iter::once(topic(event)).chain(others).collect();
        let told = log(&POOL, &topics, &data, (&[3; 32], 1, 0));
        let coins = vec![address(1), address(2)];
        for mut pool in [
            curve(1_000),
            BalancerV2::described(POOL, coins.clone()).into(),
            BalancerV3::described(POOL, coins).into(),
        ] {
            let _ = pool.observe(&told, &mut Journal::default());
            prop_assert!(!pool.is_complete());
        }
    }
}
