//! Is a pool in the middle of a swap: asked by a call of nothing, which a lock refuses by a reason of its own.

use crate::chain::Address;

use super::error::text_of;
use super::view::{Asked, Stop, View};
use super::words::word;
use super::QueryError;

const SWAP: [u8; 4] = [0x02, 0x2c, 0x0d, 0x9f];
const MANAGE_USER_BALANCE: [u8; 4] = [0x0e, 0x8e, 0x3e, 0x84];

/// `ReentrancyGuardReentrantCall()` of `OpenZeppelin` 5.
const REENTRANT_CALL: [u8; 4] = [0x3e, 0xe5, 0xae, 0xb5];

/// Asks a pair to swap nothing: it refuses that in any case, and looks at its lock first.
pub(super) fn ask_pair<'a>(pair: Address, view: &View<'a>) -> Asked<'a> {
    let nothing = [word(0), word(0), word(0), word(4 * 32), word(0)];
    view.ask_data(pair, "swap(uint256,uint256,address,bytes)", encode(SWAP, &nothing))
}

/// Asks a vault of Balancer V2 for no change of balances, which it takes unless it is locked.
pub(super) fn ask_vault<'a>(vault: Address, view: &View<'a>) -> Asked<'a> {
    view.ask_data(vault, "manageUserBalance", encode(MANAGE_USER_BALANCE, &[word(32), word(0)]))
}

/// Refuses the pool at `address` where the answer is its lock's.
pub(super) fn check(asked: &Asked<'_>, address: Address) -> Result<(), Stop> {
    match asked.revert()? {
        Some(reason) if is_lock(reason) => Err(QueryError::Locked { address }.into()),
        _ => Ok(()),
    }
}

/// Says whether a reason to refuse is a lock's: of V2 and its forks, of `OpenZeppelin`, or of Balancer's vault.
fn is_lock(reason: &[u8]) -> bool {
    let text = text_of(reason).unwrap_or_default();
    reason == REENTRANT_CALL
        || text.ends_with("LOCKED")
        || text == "ReentrancyGuard: reentrant call"
        || text == "BAL#400"
}

fn encode(selector: [u8; 4], words: &[[u8; 32]]) -> Vec<u8> {
    let mut data = selector.to_vec();
    data.extend_from_slice(words.as_flattened());
    data
}
