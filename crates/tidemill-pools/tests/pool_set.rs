//! A set of pools through blocks made up here: discovery, undo and redo, drift, malformed logs, and any bytes at all.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::cast_possible_truncation)]

use proptest::prelude::*;
use tidemill_pools::algebra::Generation;
use tidemill_pools::uniswap_v2::{Fee, V2Event};
use tidemill_pools::uniswap_v3::tick_math::sqrt_ratio_at_tick;
use tidemill_pools::uniswap_v3::{UniswapV3, V3Event};
use tidemill_pools::{
    Amount, Applied, ApplyError, Cause, EventColumns, Factory, Hash, Head, Log, Logs, Patch, Pool, PoolSet,
    PoolSpec, RecordError, Ticked, KINDS, U256,
};

const V2_FACTORY: [u8; 20] = [0xf2; 20];
const V3_FACTORY: [u8; 20] = [0xf3; 20];
const PAIR: [u8; 20] = [0xa2; 20];
const POOL: [u8; 20] = [0xa3; 20];

const PAIR_CREATED: &str = "0d3648bd0f6ba80134a33ba9275ac585d9d315f0ad8355cddefde31afa28d0e9";
const SYNC: &str = "1c411e9a96e071241c2f21f7726b17ae89e3cab4c78be50e062b03a9fffbbad1";
const V2_SWAP: &str = "d78ad95fa46c994b6551d0da85fc275fe613ce37657fb8d5e3d130840159d822";
const V2_MINT: &str = "4c209b5fc8ad50758f13e2e1088ba56a560dff690a1c6fef26394f4c03821c4f";
const V2_BURN: &str = "dccd412f0b1252819cb1fd330b93224ca42612892bb3f4f789976e6d81936496";
const POOL_CREATED: &str = "783cca1c0412dd0d695e784568c96da2e9c22ff989357a2e8b1d9b2b4e6b7118";
const INITIALIZE: &str = "98636036cb66a9c19a37435efc1e90142190214e8abeb821bdba3f2990dd4c95";
const V3_MINT: &str = "7a53080ba414158be7ec69b987b5fb7d07dee101fe85488f0853ae16239d0bde";
const V3_BURN: &str = "0c396cd989a39f4459b5fa1aed6a9a8dcdbc45908acfd67e028cd568da98982c";
const V3_SWAP: &str = "c42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67";
const PANCAKE_SWAP: &str = "19b47279256b2a23a1665c810c8d55a1758940ee09377d4f8d26497a3577dc83";

const TOPICS: [&str; 11] = [
    PAIR_CREATED,
    SYNC,
    V2_SWAP,
    V2_MINT,
    V2_BURN,
    POOL_CREATED,
    INITIALIZE,
    V3_MINT,
    V3_BURN,
    V3_SWAP,
    PANCAKE_SWAP,
];

fn topic(hex: &str) -> Hash {
    std::array::from_fn(|index| u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).unwrap())
}

fn word(value: impl TryInto<U256>) -> Hash {
    value.try_into().ok().unwrap().to_be_bytes()
}

fn signed(value: i32) -> Hash {
    if value < 0 {
        word(U256::from(value.unsigned_abs()).wrapping_neg())
    } else {
        word(value.unsigned_abs())
    }
}

fn of_address(address: [u8; 20]) -> Hash {
    let mut word = [0; 32];
    word[12..].copy_from_slice(&address);
    word
}

fn head(number: u64) -> Head {
    let hash = [number as u8; 32];
    Head { number, hash, parent_hash: [0; 32], timestamp_s: number, ..Head::default() }
}

/// A block being written.
struct Block {
    head: Head,
    logs: Logs,
}

impl Block {
    fn new(number: u64) -> Self {
        Self { head: head(number), logs: Logs::new() }
    }

    fn log(mut self, address: [u8; 20], name: &str, topics: &[Hash], words: &[Hash]) -> Self {
        let topics: Vec<Hash> = std::iter::once(topic(name)).chain(topics.iter().copied()).collect();
        self.logs.push(&Log {
            address: &address,
            topics: &topics,
            data: &words.concat(),
            block_number: self.head.number,
            block_hash: &self.head.hash,
            tx_hash: &[1; 32],
            tx_index: 0,
            log_index: self.logs.len() as u32,
        });
        self
    }

    fn pair_created(self) -> Self {
        let tokens = [of_address([1; 20]), of_address([2; 20])];
        self.log(V2_FACTORY, PAIR_CREATED, &tokens, &[of_address(PAIR), word(1_u32)])
    }

    fn sync(self, reserve0: u128, reserve1: u128) -> Self {
        self.log(PAIR, SYNC, &[], &[word(reserve0), word(reserve1)])
    }

    fn pool_created(self) -> Self {
        let topics = [of_address([1; 20]), of_address([2; 20]), word(3000_u32)];
        self.log(V3_FACTORY, POOL_CREATED, &topics, &[signed(60), of_address(POOL)])
    }

    fn initialize(self, tick: i32) -> Self {
        self.log(POOL, INITIALIZE, &[], &[word(sqrt_ratio_at_tick(tick).unwrap()), signed(tick)])
    }

    fn mint(self, lower: i32, upper: i32, liquidity: u128) -> Self {
        let topics = [of_address([5; 20]), signed(lower), signed(upper)];
        let words = [of_address([6; 20]), word(liquidity), word(7_u32), word(8_u32)];
        self.log(POOL, V3_MINT, &topics, &words)
    }

    fn burn(self, lower: i32, upper: i32, liquidity: u128) -> Self {
        let topics = [of_address([5; 20]), signed(lower), signed(upper)];
        self.log(POOL, V3_BURN, &topics, &[word(liquidity), word(7_u32), word(8_u32)])
    }

    /// The log of what `model` makes of a swap.
    fn swap(self, model: &mut UniswapV3, zero_for_one: bool, amount: U256) -> Self {
        let swapped = model.swap_to(zero_for_one, Amount::In(amount), None).unwrap();
        model.set_slot(swapped.sqrt_price_x96, swapped.tick, swapped.liquidity);
        let (amount0, amount1) = swapped.deltas(zero_for_one);
        let words = [
            word(amount0),
            word(amount1),
            word(swapped.sqrt_price_x96),
            word(swapped.liquidity),
            signed(swapped.tick),
        ];
        self.log(POOL, V3_SWAP, &[of_address([5; 20]), of_address([6; 20])], &words)
    }

    fn apply(&self, set: &mut PoolSet) -> (Applied, EventColumns) {
        let mut columns = EventColumns::default();
        let applied = set.apply_block(&self.head, self.logs.iter(), 9, &mut columns).unwrap();
        (applied, columns)
    }
}

fn set() -> PoolSet {
    let (fee, generation) = (Fee::new(9_975, 10_000).unwrap(), Generation::Integral);
    let factory = |address, protocol: &str| Factory {
        address,
        protocol: protocol.into(),
        dex: "fork".into(),
        fee,
        generation,
    };
    PoolSet::new("chain", 1, [factory(V2_FACTORY, KINDS[0]), factory(V3_FACTORY, KINDS[1])])
}

fn counts(columns: &EventColumns) -> [usize; 4] {
    [columns.pool.len(), columns.swap.len(), columns.liquidity_change.len(), columns.pool_state.len()]
}

fn v3(set: &PoolSet) -> UniswapV3 {
    match &set.get(&POOL).unwrap().pool {
        Pool::UniswapV3(pool) => pool.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_factorys_log_makes_a_pool_whose_state_follows_in_the_same_block() {
    let mut set = set();
    let block = Block::new(1).pair_created().sync(1000, 2000).pool_created().initialize(30);
    let (applied, columns) = block.apply(&mut set);
    assert_eq!(counts(&columns), [2, 0, 0, 2]);
    assert_eq!(applied.redo.pools(), [PAIR, POOL]);
    assert_eq!(set.get(&PAIR).unwrap().pool.fee_ppm(), Some(2500));
    assert_eq!(set.get(&PAIR).unwrap().pool.state().reserve1, Some(2000));
    assert_eq!(v3(&set).tick(), 30);
    assert!(v3(&set).is_complete());
    let quote = set.get(&PAIR).unwrap().pool.quote(true, Amount::In(U256::from(10))).unwrap();
    assert_eq!(quote.amount_out, U256::from(10 * 9975 * 2000 / (1000 * 10_000 + 10 * 9975)));
}

#[test]
fn undo_takes_a_block_back_and_redo_does_it_again_also_from_bytes() {
    let mut set = set();
    let mut states = vec![set.clone()];
    let mut steps: Vec<Applied> = Vec::new();
    let mut model = UniswapV3::new(3000, 60).unwrap();
    model.set_slot(sqrt_ratio_at_tick(30).unwrap(), 30, 0);
    model.change_liquidity(-600, 600, 1_000_000_000).unwrap();
    let first =
        Block::new(1).pair_created().sync(1, 2).pool_created().initialize(30).mint(-600, 600, 1_000_000_000);
    let second = Block::new(2).sync(3, 4).sync(5, 6).swap(&mut model, true, U256::from(5_000_000));
    model.change_liquidity(-1200, -600, 77).unwrap();
    model.change_liquidity(-600, 600, -400_000_000).unwrap();
    let third = Block::new(3).mint(-1200, -600, 77).burn(-600, 600, 400_000_000);
    let third = third.swap(&mut model, false, U256::from(90_000_000));
    for block in [first, second, third] {
        let (applied, _) = block.apply(&mut set);
        assert_eq!((applied.drifts.len(), applied.faults.len()), (0, 0));
        steps.push(applied);
        states.push(set.clone());
    }
    assert_eq!(v3(&set), model);
    for (step, before) in steps.iter().zip(&states).rev() {
        set.patch(&Patch::from_bytes(&step.undo.to_bytes()).unwrap()).unwrap();
        assert_eq!(&set, before);
    }
    for (step, after) in steps.iter().zip(&states[1..]) {
        set.patch(&Patch::from_bytes(&step.redo.to_bytes()).unwrap()).unwrap();
        assert_eq!(&set, after);
    }
    let (mut undo, mut redo) = (Patch::default(), Patch::default());
    for step in &steps {
        undo.merge_undo(step.undo.clone());
        redo.merge_redo(step.redo.clone());
    }
    set.patch(&undo).unwrap();
    assert!(set.is_empty());
    set.patch(&redo).unwrap();
    assert_eq!(set, states[3]);
}

#[test]
fn a_saved_set_is_loaded_whole() {
    let mut set = set();
    let block = Block::new(1).pair_created().sync(1, 2).pool_created().initialize(-60).mint(-120, 60, 5);
    block.apply(&mut set);
    let records = set.records();
    let mut loaded = PoolSet::new("chain", 1, []);
    loaded.load(records.iter()).unwrap();
    assert_eq!(loaded.records(), records);
    assert_eq!(loaded.get(&POOL), set.get(&POOL));
    assert_eq!(loaded.get(&PAIR), set.get(&PAIR));
}

#[test]
fn a_missed_mint_is_a_drift_and_the_pool_quotes_nothing_until_it_is_read_anew() {
    let mut set = set();
    let mut model = UniswapV3::new(3000, 60).unwrap();
    model.set_slot(sqrt_ratio_at_tick(30).unwrap(), 30, 0);
    model.change_liquidity(-600, 600, 1_000_000_000).unwrap();
    Block::new(1).pool_created().initialize(30).mint(-600, 600, 1_000_000_000).apply(&mut set);
    model.change_liquidity(0, 60, 1_000).unwrap();
    let (applied, columns) = Block::new(2).swap(&mut model, true, U256::from(10)).apply(&mut set);
    assert_eq!(counts(&columns), [0, 1, 0, 1]);
    let drift = &applied.drifts[0];
    assert_eq!((drift.pool, drift.block_number, drift.log_index), (POOL, 2, 0));
    assert_eq!(
        (drift.contradiction.expected, drift.contradiction.found),
        (Some(1_000_000_000), 1_000_001_000)
    );
    assert_eq!(v3(&set).liquidity(), 1_000_001_000);
    assert!(set.get(&POOL).unwrap().pool.quote(true, Amount::In(U256::from(10))).is_err());
    let (applied, _) = Block::new(3).swap(&mut model, true, U256::from(10)).apply(&mut set);
    assert!(applied.drifts.is_empty(), "a drift is told once");
    let drifted = set.clone();
    let spec = set.get(&POOL).unwrap().spec.clone();
    let inserted = set.insert(spec, Pool::from(model.clone()));
    assert_eq!(v3(&set), model);
    set.patch(&inserted.undo).unwrap();
    assert_eq!(set, drifted);
    set.patch(&inserted.redo).unwrap();
    assert_eq!(v3(&set), model);
}

#[test]
fn a_burn_of_what_was_never_minted_is_a_drift() {
    let mut set = set();
    Block::new(1).pool_created().initialize(30).mint(-600, 600, 10).apply(&mut set);
    let (applied, _) = Block::new(2).burn(-600, 600, 11).apply(&mut set);
    assert_eq!(applied.drifts.len(), 1);
    assert_eq!(applied.drifts[0].contradiction.expected, None);
    assert!(!v3(&set).is_complete());
}

#[test]
fn a_mint_at_ticks_that_cannot_be_is_a_drift_and_its_block_is_undone_and_redone() {
    for (lower, upper) in [(-61, 60), (-60, 887_280), (8_388_607, -8_388_608), (895_440, 0), (60, 60)] {
        let mut set = set();
        Block::new(1).pool_created().initialize(30).apply(&mut set);
        let mut again = set.clone();
        let before = set.clone();
        let (applied, _) = Block::new(2).mint(lower, upper, 5).apply(&mut set);
        assert_eq!(applied.drifts.len(), 1, "{lower} to {upper}");
        again.patch(&applied.redo).unwrap();
        assert_eq!(again, set);
        set.patch(&applied.undo).unwrap();
        assert_eq!(set, before);
    }
}

#[test]
fn a_malformed_log_is_left_out_and_told_and_the_rest_of_the_block_counts() {
    let mut set = set();
    let block = Block::new(1).pair_created().log(PAIR, SYNC, &[], &[word(1_u32)]).sync(3, 4);
    let block = block.log(PAIR, SYNC, &[], &[word(U256::from(1) << 112), word(1_u32)]);
    let (applied, columns) = block.apply(&mut set);
    assert_eq!(counts(&columns), [1, 0, 0, 1]);
    let faults: Vec<String> = applied.faults.iter().map(|fault| fault.error.to_string()).collect();
    assert_eq!(faults[0], "Sync: expected 64 bytes of data, found 32");
    assert!(
        faults[1].starts_with("Sync: expected uint112 reserve0 in range, found the word 0x0000"),
        "{faults:?}"
    );
    assert_eq!(set.get(&PAIR).unwrap().pool.state().reserve0, Some(3));
}

#[test]
fn logs_of_another_block_or_out_of_order_are_refused_and_change_nothing() {
    let mut set = set();
    Block::new(1).pair_created().sync(1, 2).apply(&mut set);
    let before = set.clone();
    let block = Block::new(2).sync(3, 4).sync(5, 6);
    let mut columns = EventColumns::default();
    let other = set.apply_block(&head(3), block.logs.iter(), 9, &mut columns);
    assert_eq!(other, Err(ApplyError::Block { number: 3, found: 2, log_index: 0 }));
    let backwards = set.apply_block(&block.head, block.logs.iter().rev(), 9, &mut columns);
    assert_eq!(backwards, Err(ApplyError::Order { number: 2, previous: 1, found: 0 }));
    assert_eq!((set, columns.len()), (before, 0));
}

#[test]
fn a_pool_read_from_the_chain_is_told_with_its_state() {
    let mut set = set();
    let spec =
        PoolSpec { address: POOL, dex: "fork".into(), factory: V3_FACTORY, token0: [1; 20], token1: [2; 20] };
    set.insert(spec, Pool::from(UniswapV3::new(500, 10).unwrap()));
    let mut columns = EventColumns::default();
    assert!(set.push_pool(&POOL, (&head(4), 9), &mut columns));
    assert!(set.push_state(&POOL, Cause::Bootstrap(0), (&head(4), 9), &mut columns));
    assert!(!set.push_state(&PAIR, Cause::Reorg(1), (&head(4), 9), &mut columns));
    assert_eq!(counts(&columns), [1, 0, 0, 1]);
    // A pool that is known is not discovered a second time.
    let (applied, columns) = Block::new(5).pool_created().apply(&mut set);
    assert_eq!((applied.undo.len(), counts(&columns)), (0, [0; 4]));
}

#[test]
fn records_of_another_version_or_layout_are_refused() {
    let mut set = set();
    assert_eq!(Patch::from_bytes(&[2]), Err(RecordError::Version { expected: 1, found: 2 }));
    assert!(Patch::from_bytes(&[]).is_err());
    assert!(Patch::from_bytes(&[1, 9, 0, 0, 0]).is_err());
    let short: (&[u8], Option<&[u8]>) = (&[1, 2], None);
    assert!(set.load([short]).is_err());
    let mut orphan = POOL.to_vec();
    orphan.push(1);
    let message = set.load([(orphan.as_slice(), Some([1].as_slice()))]).unwrap_err().to_string();
    assert!(message.starts_with("expected a pool's description before its parts"), "{message}");
}

fn any_log() -> impl Strategy<Value = ([u8; 20], Vec<Hash>, Vec<u8>)> {
    let address = prop_oneof![Just(PAIR), Just(POOL), Just(V2_FACTORY), Just(V3_FACTORY)];
    // Words that are often in range, so that logs get past the first check.
    let word = prop_oneof![
        any::<u64>().prop_map(word),
        any::<u8>().prop_map(|byte| word(u32::from(byte) * 60)),
        (-900_000_i32..900_000).prop_map(|tick| signed(tick / 60 * 60)),
        any::<[u8; 32]>(),
        Just(of_address(POOL)),
    ];
    let topics = (0..TOPICS.len(), proptest::collection::vec(word.clone(), 0..4));
    let data = proptest::collection::vec(word, 0..8);
    (address, topics, data, 0_usize..20).prop_map(|(address, (name, rest), data, cut)| {
        let topics = std::iter::once(topic(TOPICS[name])).chain(rest).collect();
        let mut data = data.concat();
        // One log in ten ends in the middle of a word.
        data.truncate(data.len().saturating_sub(if cut < 2 { cut + 1 } else { 0 }));
        (address, topics, data)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 500 } else { 20_000 }))]

    #[test]
    fn any_logs_are_followed_or_told_as_faults_and_undo_to_where_they_began(
        logs in proptest::collection::vec(any_log(), 0..40),
    ) {
        let mut set = set();
        Block::new(1).pair_created().sync(1, 2).pool_created().initialize(30).mint(-600, 600, 99).apply(&mut set);
        let before = set.clone();
        let head = head(2);
        let mut block = Logs::new();
        for (log_index, (address, topics, data)) in logs.iter().enumerate() {
            block.push(&Log {
                address,
                topics,
                data,
                block_number: 2,
                block_hash: &head.hash,
                tx_hash: &[1; 32],
                tx_index: 0,
                log_index: log_index as u32,
            });
        }
        let mut columns = EventColumns::default();
        let applied = set.apply_block(&head, block.iter(), 9, &mut columns).unwrap();
        let mut again = before.clone();
        again.patch(&applied.redo).unwrap();
        prop_assert_eq!(&again, &set);
        set.patch(&applied.undo).unwrap();
        prop_assert_eq!(set, before);
    }

    #[test]
    fn any_bytes_are_a_log_a_fault_or_nothing(topics: [[u8; 32]; 4], count in 0_usize..5, data: Vec<u8>, name in 0..12_usize) {
        let mut topics = topics;
        if let Some(name) = TOPICS.get(name) {
            topics[0] = topic(name);
        }
        let log = Log {
            address: &PAIR,
            topics: &topics[..count],
            data: &data,
            block_number: 0,
            block_hash: &[0; 32],
            tx_hash: &[0; 32],
            tx_index: 0,
            log_index: 0,
        };
        let _ = V2Event::decode(&log);
        let _ = V3Event::decode(&log);
    }

    #[test]
    fn any_bytes_are_a_patch_or_a_fault(bytes: Vec<u8>, key in proptest::collection::vec(0_u8..4, 20..27)) {
        let _ = Patch::from_bytes(&bytes);
        let _ = set().load([(key.as_slice(), Some(bytes.as_slice()))]);
        let mut bytes = bytes;
        bytes.insert(0, 1);
        let _ = Patch::from_bytes(&bytes);
        let _ = set().load([(key.as_slice(), Some(bytes.as_slice()))]);
    }
}
