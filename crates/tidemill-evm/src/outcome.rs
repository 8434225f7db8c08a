//! What a call did: whether it went through, what it cost, whose balances it changed, what it touched.

use revm::primitives::{Address, Bytes, U256};
use revm::state::EvmState;

use crate::state::Reads;

/// An account's balance of one token before and after a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BalanceChange {
    /// The token's contract; none: ether.
    pub token: Option<[u8; 20]>,
    /// Whose balance.
    pub holder: [u8; 20],
    /// Smallest units.
    pub before: U256,
    /// Smallest units.
    pub after: U256,
}

/// What a call did.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Whether it went through; otherwise it changed nothing.
    pub is_success: bool,
    /// What would be paid for, refunds taken off.
    pub gas_used: u64,
    /// What it returned, or what it reverted with.
    pub output: Bytes,
    /// Why the machine stopped where the contract did not revert: out of gas, an invalid instruction, …
    pub halt: Option<String>,
    /// Every balance that is another after it, of those that were to be watched.
    pub balance_changes: Vec<BalanceChange>,
    /// What of the state it depended on.
    pub reads: Reads,
    /// Every account it touched, with storage.
    pub moved: EvmState,
}

/// Precompiled contracts are below this address.
const PRECOMPILES_END: u64 = 0x200;

impl Outcome {
    /// Returns accounts and slots that were touched, as an access list has them: without precompiled contracts, and
    /// without `implied` accounts of which no slot was touched.
    pub fn access_list(&self, implied: &[[u8; 20]]) -> Vec<([u8; 20], Vec<U256>)> {
        let mut list: Vec<_> = self
            .moved
            .iter()
            .filter(|(address, account)| {
                !is_precompile(address)
                    && (!account.storage.is_empty() || !implied.contains(&address.into_array()))
            })
            .map(|(address, account)| {
                let mut slots: Vec<_> = account.storage.keys().copied().collect();
                slots.sort_unstable();
                (address.into_array(), slots)
            })
            .collect();
        list.sort_unstable_by_key(|(address, _)| *address);
        list
    }
}

fn is_precompile(address: &Address) -> bool {
    U256::from_be_slice(address.as_slice()) < U256::from(PRECOMPILES_END)
}
