//! What is known of a chain's state at one block; what is not known is missing, never zero.

use std::cell::RefCell;
use std::fmt;
use std::str::FromStr;

use revm::bytecode::Bytecode;
use revm::database_interface::{DBErrorMarker, Database};
use revm::primitives::hardfork::SpecId;
use revm::primitives::{Address, Bytes, B256, KECCAK_EMPTY, U256};
use revm::state::{AccountInfo, EvmState};
use rustc_hash::FxHashMap;

/// A part of the state that a call needed and that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// An account's balance, nonce and code.
    Account([u8; 20]),
    /// A slot of an account's storage.
    Slot([u8; 20], U256),
    /// The hash of a block, by its number.
    BlockHash(u64),
}

impl fmt::Display for Missing {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(address) => write!(to, "account {}", Address::from(*address)),
            Self::Slot(address, slot) => write!(to, "slot {slot:#x} of {}", Address::from(*address)),
            Self::BlockHash(number) => write!(to, "the hash of block {number}"),
        }
    }
}

impl std::error::Error for Missing {}

impl DBErrorMarker for Missing {}

/// Accounts, storage and block hashes of a chain as they are at one block.
#[derive(Clone, Debug)]
pub struct ChainState {
    pub(crate) chain_id: u64,
    pub(crate) spec: SpecId,
    accounts: FxHashMap<Address, AccountInfo>,
    slots: FxHashMap<(Address, U256), U256>,
    block_hashes: FxHashMap<u64, B256>,
}

/// A contract's code, hashed and looked through once.
#[derive(Clone, Debug)]
pub struct Code {
    hash: B256,
    code: Bytecode,
}

impl Code {
    /// Looks through code as it is on chain.
    pub fn new(code: Vec<u8>) -> Self {
        let bytes = Bytes::from(code);
        // What begins as a delegation and is none, as on chains where it was deployed before London, is code.
        let code = Bytecode::new_raw_checked(bytes.clone()).unwrap_or_else(|_| Bytecode::new_legacy(bytes));
        Self { hash: if code.is_empty() { KECCAK_EMPTY } else { code.hash_slow() }, code }
    }

    fn put_into(&self, info: &mut AccountInfo) {
        info.code_hash = self.hash;
        info.code = Some(self.code.clone());
    }
}

/// What a call sees otherwise than it is.
#[derive(Clone, Debug, Default)]
pub struct Override {
    /// In wei.
    pub balance_wei: Option<U256>,
    /// Of contracts' creations and transactions.
    pub nonce: Option<u64>,
    /// As on chain.
    pub code: Option<Code>,
    /// Slots that differ; the others are as they are.
    pub slots: Vec<(U256, U256)>,
}

/// What each account is made to be, for one call.
pub type Overrides = Vec<([u8; 20], Override)>;

/// Returns the rules that are called `name`: `cancun`, `prague`, …
///
/// # Errors
/// The name, where there are none.
pub fn spec_named(name: &str) -> Result<SpecId, String> {
    let mut letters = name.chars();
    let capital: String = letters.next().map(|first| first.to_ascii_uppercase()).into_iter().collect();
    SpecId::from_str(&(capital + letters.as_str())).map_err(|_| name.to_owned())
}

impl ChainState {
    /// Returns a state of which nothing is known.
    pub fn new(chain_id: u64, spec: SpecId) -> Self {
        let (accounts, slots, block_hashes) = Default::default();
        Self { chain_id, spec, accounts, slots, block_hashes }
    }

    /// Puts an account as the chain has it; where `code` is none, it is what was put before, or nothing.
    pub fn put_account(&mut self, address: [u8; 20], balance_wei: U256, nonce: u64, code: Option<Vec<u8>>) {
        let address = Address::from(address);
        let mut info = self.accounts.remove(&address).unwrap_or_default();
        info.balance = balance_wei;
        info.nonce = nonce;
        if let Some(code) = code {
            Code::new(code).put_into(&mut info);
        }
        self.accounts.insert(address, info);
    }

    /// Puts what a slot holds.
    pub fn put_slot(&mut self, address: [u8; 20], slot: U256, value: U256) {
        self.slots.insert((Address::from(address), slot), value);
    }

    /// Puts a block's hash.
    pub fn put_block_hash(&mut self, number: u64, hash: [u8; 32]) {
        self.block_hashes.insert(number, B256::from(hash));
    }

    /// Forgets what may change from block to block, and keeps the accounts' code.
    pub fn forget_values(&mut self) {
        self.slots.clear();
        self.block_hashes.clear();
    }

    /// Makes what a call did part of the state.
    pub fn keep(&mut self, moved: &EvmState) {
        for (address, account) in moved {
            if !account.is_touched() {
                continue;
            }
            self.accounts.insert(*address, account.info.clone());
            for (slot, value) in &account.storage {
                self.slots.insert((*address, *slot), value.present_value);
            }
        }
    }

    /// Says whether all that was read elsewhere is known here and the same: then the same call in the same block,
    /// with the same overrides, does the same here.
    pub fn agrees(&self, reads: &Reads) -> bool {
        let accounts = reads.accounts.iter().all(|(address, info)| self.accounts.get(address) == Some(info));
        let mut slots = reads.slots.iter();
        accounts
            && slots.all(|(address, slot, value)| self.slots.get(&(*address, *slot)) == Some(value))
            && reads.block_hashes.iter().all(|(number, hash)| self.block_hashes.get(number) == Some(hash))
    }

    pub(crate) fn balance_wei(&self, address: &Address) -> Option<U256> {
        self.accounts.get(address).map(|info| info.balance)
    }
}

/// What of a state a call depended on.
#[derive(Clone, Debug, Default)]
pub struct Reads {
    accounts: Vec<(Address, AccountInfo)>,
    slots: Vec<(Address, U256, U256)>,
    block_hashes: Vec<(u64, B256)>,
}

/// The state as a call sees it: as it is, with what is made otherwise, after what moved it.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub state: &'a ChainState,
    pub overrides: &'a Overrides,
    pub moved: Option<&'a EvmState>,
    pub reads: &'a RefCell<Reads>,
}

impl View<'_> {
    fn changed(&self, address: Address) -> Option<&Override> {
        self.overrides.iter().find(|(one, _)| Address::from(*one) == address).map(|(_, change)| change)
    }

    fn moved_account(&self, address: Address) -> Option<&revm::state::Account> {
        self.moved.and_then(|moved| moved.get(&address)).filter(|account| account.is_touched())
    }
}

impl Database for View<'_> {
    type Error = Missing;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Missing> {
        if let Some(account) = self.moved_account(address) {
            return Ok(Some(account.info.clone()));
        }
        let known = self.state.accounts.get(&address);
        let mut info = known.cloned().ok_or(Missing::Account(address.into_array()))?;
        self.reads.borrow_mut().accounts.push((address, info.clone()));
        if let Some(change) = self.changed(address) {
            info.balance = change.balance_wei.unwrap_or(info.balance);
            info.nonce = change.nonce.unwrap_or(info.nonce);
            if let Some(code) = &change.code {
                code.put_into(&mut info);
            }
        }
        Ok((!info.is_empty()).then_some(info))
    }

    fn code_by_hash(&mut self, _: B256) -> Result<Bytecode, Missing> {
        Ok(Bytecode::default()) // every account that has code carries it
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Missing> {
        if let Some(value) = self.moved_account(address).and_then(|account| account.storage.get(&slot)) {
            return Ok(value.present_value);
        }
        let made = self.changed(address).map(|change| change.slots.iter());
        if let Some((_, value)) = made.and_then(|mut slots| slots.find(|(one, _)| *one == slot)) {
            return Ok(*value);
        }
        let known = self.state.slots.get(&(address, slot)).copied();
        let value = known.ok_or(Missing::Slot(address.into_array(), slot))?;
        self.reads.borrow_mut().slots.push((address, slot, value));
        Ok(value)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Missing> {
        let known = self.state.block_hashes.get(&number).copied();
        let hash = known.ok_or(Missing::BlockHash(number))?;
        self.reads.borrow_mut().block_hashes.push((number, hash));
        Ok(hash)
    }
}
