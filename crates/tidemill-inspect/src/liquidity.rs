//! Liquidity that was put into pools of ranges and taken out, and what was put in only for others' swaps.

use ruint::aliases::U256;
use tidemill_pools::{Address, Hash};

use crate::block::{Call, CallKind, Event, Tx};
use crate::sandwich::Placed;
use crate::transfer::{hash, Place};

const V3_MINT: Hash = hash("7a53080ba414158be7ec69b987b5fb7d07dee101fe85488f0853ae16239d0bde");
const V3_BURN: Hash = hash("0c396cd989a39f4459b5fa1aed6a9a8dcdbc45908acfd67e028cd568da98982c");
const V2_MINT: Hash = hash("4c209b5fc8ad50758f13e2e1088ba56a560dff690a1c6fef26394f4c03821c4f");
const V4_MODIFY: Hash = hash("f208f4912782fd25c7f114ca3723a2d5dd6f3bcc3ac8db5af63baa85f711d5ec");
const V2_BURN: Hash = hash("dccd412f0b1252819cb1fd330b93224ca42612892bb3f4f789976e6d81936496");

/// One change of a pool's liquidity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiquidityChange {
    /// Whether it was put in.
    pub is_added: bool,
    /// The contract that holds the pool.
    pub pool: Address,
    /// Which pool of that contract; absent where the contract is the pool.
    pub pool_id: Option<Hash>,
    /// Whose it is; a manager that holds it for others is one owner.
    pub owner: Address,
    /// Lowest and highest tick, as words; absent for pools without ranges.
    pub range: Option<(U256, U256)>,
    /// How much liquidity; absent for pools without ranges.
    pub liquidity: Option<U256>,
    /// How much of each token; absent where neither the log nor the call says it.
    pub amounts: Option<(U256, U256)>,
    /// Where it happened.
    pub place: Place,
}

/// A change with the transaction it is of.
#[derive(Debug, Clone, Copy)]
pub struct PlacedChange<'a> {
    /// Hash of the transaction.
    pub tx_hash: Hash,
    /// Place of the transaction in the block.
    pub tx_index: u32,
    /// Who signed it.
    pub signer: Option<Address>,
    /// The change.
    pub change: &'a LiquidityChange,
}

/// Liquidity that was there for others' swaps alone.
#[derive(Debug, Clone)]
pub struct JustInTime<'a> {
    /// Its coming.
    pub added: PlacedChange<'a>,
    /// Its going.
    pub removed: PlacedChange<'a>,
    /// The swaps of others between: of each transaction the first one.
    pub swaps: Vec<Placed<'a>>,
}

/// Returns what `tx` changed of pools' liquidity.
pub fn liquidity_changes(tx: &Tx) -> Vec<LiquidityChange> {
    if tx.has_logs {
        return tx.logs.iter().filter_map(change_of_log).collect();
    }
    let calls = tx.calls.iter().filter(|call| !call.is_undone && call.kind == CallKind::Call);
    calls.filter_map(change_of_call).collect()
}

/// Returns the liquidity that one signer put into a pool just before others' swaps and took out after them, in one block.
pub fn just_in_time<'a>(changes: &[PlacedChange<'a>], swaps: &[Placed<'a>]) -> Vec<JustInTime<'a>> {
    let mut found = Vec::new();
    for (at, added) in changes.iter().enumerate().filter(|(_, one)| one.change.is_added) {
        let is_its_going = |other: &&PlacedChange<'a>| {
            let (came, goes) = (added.change, other.change);
            !goes.is_added
                && other.tx_index > added.tx_index
                && other.signer == added.signer
                && (goes.pool, goes.pool_id, goes.owner, goes.range)
                    == (came.pool, came.pool_id, came.owner, came.range)
        };
        let Some(removed) = changes.iter().skip(at + 1).find(is_its_going) else { continue };
        let between = swaps.iter().filter(|swap| {
            (swap.swap.pool, swap.swap.pool_id) == (added.change.pool, added.change.pool_id)
                && swap.signer != added.signer
                && swap.tx_index > added.tx_index
                && swap.tx_index < removed.tx_index
                && !swap.swap.is_undone
        });
        let mut swaps: Vec<Placed<'a>> = Vec::new();
        for swap in between {
            if swaps.last().is_none_or(|last| last.tx_hash != swap.tx_hash) {
                swaps.push(*swap);
            }
        }
        if !swaps.is_empty() {
            found.push(JustInTime { added: *added, removed: *removed, swaps });
        }
    }
    found
}

fn change_of_log(log: &Event) -> Option<LiquidityChange> {
    let topic = *log.topics.first()?;
    if topic == V4_MODIFY {
        return change_of_manager(log);
    }
    let is_added = topic == V3_MINT || topic == V2_MINT;
    let range = || Some((topic_word(log, 2)?, topic_word(log, 3)?));
    let (range, liquidity, amounts) = match topic {
        // Mint(sender, owner, lower, upper, amount, amount0, amount1), Burn(owner, lower, upper, amount, amount0, amount1)
        V3_MINT => (range(), log.word(1), (log.word(2)?, log.word(3)?)),
        V3_BURN => (range(), log.word(0), (log.word(1)?, log.word(2)?)),
        V2_MINT | V2_BURN => (None, None, (log.word(0)?, log.word(1)?)),
        _ => return None,
    };
    if liquidity == Some(U256::ZERO) {
        return None; // a burn of nothing brings fees up to date
    }
    Some(LiquidityChange {
        is_added,
        pool: log.address,
        pool_id: None,
        owner: log.topic_address(1)?,
        range,
        liquidity,
        amounts: Some(amounts),
        place: Place::Log(log.log_index),
    })
}

/// Reads `ModifyLiquidity(id, sender, lower, upper, delta, salt)` of Uniswap V4's pool manager.
fn change_of_manager(log: &Event) -> Option<LiquidityChange> {
    let delta = log.word(2).filter(|delta| *delta != U256::ZERO)?;
    let is_added = !delta.bit(255);
    Some(LiquidityChange {
        is_added,
        pool: log.address,
        pool_id: log.topics.get(1).copied(),
        owner: log.topic_address(2)?,
        range: Some((log.word(0)?, log.word(1)?)),
        liquidity: Some(if is_added { delta } else { delta.wrapping_neg() }),
        amounts: None,
        place: Place::Log(log.log_index),
    })
}

fn topic_word(log: &Event, index: usize) -> Option<U256> {
    log.topics.get(index).map(|topic| U256::from_be_bytes(*topic))
}

fn change_of_call(call: &Call) -> Option<LiquidityChange> {
    let (is_added, owner, first) = match call.selector? {
        [0x3c, 0x8a, 0x7d, 0x8d] => (true, call.address(0)?, 1), // mint(recipient, lower, upper, amount, data)
        [0xa3, 0x41, 0x23, 0xa7] => (false, call.from, 0),       // burn(lower, upper, amount)
        _ => return None,
    };
    let liquidity = call.word(first + 2).filter(|liquidity| *liquidity != U256::ZERO)?;
    Some(LiquidityChange {
        is_added,
        pool: call.to,
        pool_id: None,
        owner,
        range: Some((call.word(first)?, call.word(first + 1)?)),
        liquidity: Some(liquidity),
        amounts: None,
        place: Place::Call(call.place.clone()),
    })
}
