//! Real blocks and real pools' logs: what we make of them is what others made of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod shared;

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::cast::AsArray as _;
use arrow_array::RecordBatch;
use serde_json::Value;
use shared::{array_of, bytes_of, read, read_json};
use tidemill_pools::uniswap_v2::{Fee, UniswapV2};
use tidemill_pools::uniswap_v3::{UniswapV3, V3Event};
use tidemill_pools::{Address, Amount, EventColumns, Head, Log, Logs, Pool, PoolSet, PoolSpec, Ticked, U256};

const POOLS: [(&str, &str, usize); 2] = [
    ("0x8ad599c3a0ff1de082011efddc58f1908eb6e6d8", "USDC/WETH", 267),
    ("0x82c427adfdf2d245ec51d8046b41c4ee87f0d29c", "SQUEETH/WETH", 41),
];

struct Recorded {
    topics: Vec<[u8; 32]>,
    data: Vec<u8>,
    tx_hash: [u8; 32],
    tx_index: u32,
    log_index: u32,
}

/// Reads a day of one pool's logs by block.
fn day_of(pool: &str) -> Option<BTreeMap<u64, Vec<Recorded>>> {
    let text = read(&format!("evm_logs/univ3_raw/ethereum-{pool}-2024-01-05.raw.csv.gz"))?;
    let mut blocks: BTreeMap<u64, Vec<Recorded>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let (before, rest) = line.split_once('"').unwrap();
        let (topics, data) = rest.split_once('"').unwrap();
        let fields: Vec<&str> = before.split(',').collect();
        let topics = topics.split('\'').filter(|part| part.starts_with("0x")).map(array_of).collect();
        blocks.entry(fields[0].parse().unwrap()).or_default().push(Recorded {
            topics,
            data: bytes_of(data.trim_start_matches(',')),
            tx_hash: array_of(fields[2]),
            tx_index: fields[3].parse().unwrap(),
            log_index: fields[4].parse().unwrap(),
        });
    }
    for logs in blocks.values_mut() {
        logs.sort_by_key(|log| log.log_index);
    }
    Some(blocks)
}

fn head_of(number: u64) -> Head {
    let mut hash = [0; 32];
    hash[24..].copy_from_slice(&number.to_be_bytes());
    let timestamp_s = 1_700_000_000 + number;
    Head { number, hash, parent_hash: [0; 32], timestamp_s, ..Head::default() }
}

fn spec_of(address: Address) -> PoolSpec {
    PoolSpec { address, dex: "uniswap".into(), factory: [3; 20], token0: [1; 20], token1: [2; 20] }
}

fn logs_of(address: &Address, head: &Head, recorded: &[Recorded]) -> Logs {
    let mut logs = Logs::new();
    for log in recorded {
        logs.push(&Log {
            address,
            topics: &log.topics,
            data: &log.data,
            block_number: head.number,
            block_hash: &head.hash,
            tx_hash: &log.tx_hash,
            tx_index: log.tx_index,
            log_index: log.log_index,
        });
    }
    logs
}

fn u256_at(batch: &RecordBatch, column: &str, row: usize) -> U256 {
    let column = batch.column_by_name(column).unwrap().as_fixed_size_binary();
    U256::from_le_slice(column.value(row))
}

/// Returns a signed decimal as what came in and what went out.
fn split(text: &str) -> (U256, U256) {
    match text.strip_prefix('-') {
        Some(digits) => (U256::ZERO, digits.parse().unwrap()),
        None => (text.parse().unwrap(), U256::ZERO),
    }
}

#[test]
fn a_day_of_mainnet_logs_gives_the_swaps_that_others_decoded_and_undoes_to_its_start() {
    for (address, _, swap_count) in POOLS {
        let Some(blocks) = day_of(address) else { return };
        let pool_address = array_of(address);
        let mut set = PoolSet::new("ethereum", 1, []);
        let mut pool = UniswapV3::new(3000, 60).unwrap();
        pool.set_complete(false);
        set.insert(spec_of(pool_address), Pool::from(pool));
        let start = set.clone();
        let (mut undos, mut columns) = (Vec::new(), EventColumns::default());
        let mut follower = start.clone();
        for (number, recorded) in &blocks {
            let head = head_of(*number);
            let logs = logs_of(&pool_address, &head, recorded);
            let applied = set.apply_block(&head, logs.iter(), 1, &mut columns).unwrap();
            assert_eq!((applied.drifts.len(), applied.faults.len()), (0, 0));
            follower.patch(&applied.redo).unwrap();
            assert_eq!(follower, set, "redo of block {number}");
            undos.push(applied.undo);
        }
        let batch = columns.swap.finish().unwrap();
        assert_eq!(batch.num_rows(), swap_count);
        check_against_upstream(address, &batch);
        for undo in undos.iter().rev() {
            set.patch(undo).unwrap();
        }
        assert_eq!(set, start);
    }
}

fn check_against_upstream(address: &str, batch: &RecordBatch) {
    let upstream =
        read(&format!("evm_logs/univ3_raw/ethereum-{address}-2024-01-05.pool.tick.csv.gz")).unwrap();
    let lines = upstream.lines().filter(|line| line.contains(",SWAP,"));
    for (row, line) in lines.enumerate() {
        let fields: Vec<&str> = line.split(',').collect();
        let (amount0, amount1) = (split(fields[8]), split(fields[9]));
        assert_eq!(u256_at(batch, "amount0_in", row), amount0.0, "{line}");
        assert_eq!(u256_at(batch, "amount0_out", row), amount0.1, "{line}");
        assert_eq!(u256_at(batch, "amount1_in", row), amount1.0, "{line}");
        assert_eq!(u256_at(batch, "amount1_out", row), amount1.1, "{line}");
        assert_eq!(u256_at(batch, "sqrt_price_x96", row), fields[12].parse::<U256>().unwrap(), "{line}");
        let tick = batch.column_by_name("tick").unwrap().as_primitive::<arrow_array::types::Int32Type>();
        assert_eq!(format!("{}.0", tick.value(row)), fields[13], "{line}");
    }
}

#[test]
fn real_swaps_within_a_range_are_our_swaps_to_the_last_unit() {
    let mut count = 0;
    for (address, name, _) in POOLS {
        let Some(blocks) = day_of(address) else { return };
        let mut last = None;
        for recorded in blocks.values().flatten() {
            let address = array_of(address);
            let head = head_of(1);
            let logs = logs_of(&address, &head, std::slice::from_ref(recorded));
            let event = V3Event::decode(&logs.iter().next().unwrap()).unwrap();
            let Some(V3Event::Swap(swap)) = event else { continue };
            if let Some((price, tick, liquidity)) = last.filter(|(_, _, before)| *before == swap.liquidity) {
                let mut pool = UniswapV3::new(3000, 60).unwrap();
                pool.set_slot(price, tick, 0);
                pool.change_liquidity(-887_220, 887_220, i128::try_from(liquidity).unwrap()).unwrap();
                let zero_for_one = !swap.amount0.bit(255);
                let (paid, got) =
                    if zero_for_one { (swap.amount0, swap.amount1) } else { (swap.amount1, swap.amount0) };
                // The log does not say what was asked for: an amount in, an amount out, or to go to a price.
                let asked = [
                    (Amount::In(paid), None),
                    (Amount::Out(got.wrapping_neg()), None),
                    (Amount::In(U256::MAX >> 1), Some(swap.sqrt_price_x96)),
                ];
                let is_ours = asked.into_iter().any(|(amount, limit)| {
                    pool.swap_to(zero_for_one, amount, limit).is_ok_and(|swapped| {
                        let is_same_price = swapped.sqrt_price_x96 == swap.sqrt_price_x96;
                        is_same_price && swapped.deltas(zero_for_one) == (swap.amount0, swap.amount1)
                    })
                });
                assert!(is_ours, "{name}: {swap:?} from {price} at {liquidity}");
                count += 1;
            }
            last = Some((swap.sqrt_price_x96, swap.tick, swap.liquidity));
        }
    }
    assert!(count > 200, "only {count} pairs of swaps share their liquidity");
}

const BLOCKS: [&str; 4] = [
    "ethereum_native_block_14000000",
    "ethereum_native_block_17000000",
    "ethereum_native_block_22119617",
    "polygon_native_block_40000000",
];

#[test]
fn real_blocks_give_the_swaps_that_others_decoded() {
    for name in BLOCKS {
        let Some(block) = read_json(&format!("evm_logs/rpc_blocks/{name}.json.gz")) else { return };
        let derived = read_json(&format!("evm_logs/rpc_blocks/{name}.derived.json")).unwrap();
        let expected: Vec<&Value> =
            derived["swaps"].as_array().unwrap().iter().filter(|swap| is_known(swap)).collect();
        let number = number_of(&block["block"]["number"]);
        let head = Head { hash: array_of(text(&block["block"]["hash"])), ..head_of(number) };
        let mut set = PoolSet::new("chain", 1, []);
        let followed: BTreeSet<(&str, &str)> =
            expected.iter().map(|swap| (text(&swap["pool"]), text(&swap["protocol"]))).collect();
        for (address, protocol) in followed {
            set.insert(spec_of(array_of(address)), pool_of(protocol));
        }
        let mut columns = EventColumns::default();
        let logs = block_logs(&block);
        let applied = set.apply_block(&head, logs.iter(), 1, &mut columns).unwrap();
        assert_eq!((applied.drifts.len(), applied.faults.len()), (0, 0), "{name}");
        let batch = columns.swap.finish().unwrap();
        assert_eq!(batch.num_rows(), expected.len(), "{name}");
        for (row, swap) in expected.iter().enumerate() {
            check_swap(&batch, row, swap);
        }
    }
}

/// Says whether a swap is of a kind of pool that we have.
fn is_known(swap: &Value) -> bool {
    swap["protocol"] == "v2" || swap["protocol"] == "v3"
}

fn pool_of(protocol: &str) -> Pool {
    if protocol == "v2" {
        return Pool::from(UniswapV2::new(Fee::UNISWAP));
    }
    let mut pool = UniswapV3::new(3000, 60).unwrap();
    pool.set_complete(false);
    Pool::from(pool)
}

fn check_swap(batch: &RecordBatch, row: usize, swap: &Value) {
    let column = batch.column_by_name("pool").unwrap().as_fixed_size_binary();
    assert_eq!(column.value(row), bytes_of(text(&swap["pool"])), "{swap}");
    for side in ["amount0", "amount1"] {
        let (paid, got) = if swap["protocol"] == "v2" {
            let of = |way: &str| text(&swap[&format!("{side}_{way}")]).parse().unwrap();
            (of("in"), of("out"))
        } else {
            split(text(&swap[side]))
        };
        assert_eq!(u256_at(batch, &format!("{side}_in"), row), paid, "{swap}");
        assert_eq!(u256_at(batch, &format!("{side}_out"), row), got, "{swap}");
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a text, found {value}"))
}

fn number_of(value: &Value) -> u64 {
    let text = text(value);
    let hex = text.strip_prefix("0x");
    hex.map_or_else(|| text.parse().unwrap(), |hex| u64::from_str_radix(hex, 16).unwrap())
}

fn block_logs(block: &Value) -> Logs {
    let mut logs = Logs::new();
    let receipts = block["receipts"].as_array().unwrap().iter();
    for log in receipts.flat_map(|receipt| receipt["logs"].as_array().unwrap()) {
        let topics: Vec<[u8; 32]> =
            log["topics"].as_array().unwrap().iter().map(|topic| array_of(text(topic))).collect();
        logs.push(&Log {
            address: &array_of(text(&log["address"])),
            topics: &topics,
            data: &bytes_of(text(&log["data"])),
            block_number: number_of(&log["blockNumber"]),
            block_hash: &array_of(text(&log["blockHash"])),
            tx_hash: &array_of(text(&log["transactionHash"])),
            tx_index: u32::try_from(number_of(&log["transactionIndex"])).unwrap(),
            log_index: u32::try_from(number_of(&log["logIndex"])).unwrap(),
        });
    }
    logs.sort();
    logs
}
