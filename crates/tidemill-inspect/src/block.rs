//! What is known of a block before it is explained: its transactions, their calls and their logs.

use ruint::aliases::U256;
use tidemill_pools::{Address, Hash};

/// A block as its receipts, its traces, or both tell it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Block {
    /// Block number; absent where no part says it.
    pub number: Option<u64>,
    /// Who gets the fees; absent where the block itself was not given.
    pub fee_recipient: Option<Address>,
    /// Base fee, wei per gas; absent before EIP-1559, and where the block was not given.
    pub base_fee_wei: Option<u128>,
    /// Its transactions in order.
    pub txs: Vec<Tx>,
}

/// A transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tx {
    /// Its hash.
    pub hash: Hash,
    /// Its place in the block.
    pub index: u32,
    /// Who signed it.
    pub from: Option<Address>,
    /// The contract it called, or the account it paid; absent where it made a contract.
    pub to: Option<Address>,
    /// What it gave to `to`, wei; known from the block or the first call.
    pub value_wei: Option<U256>,
    /// Whether it succeeded.
    pub is_success: Option<bool>,
    /// Gas it used.
    pub gas_used: Option<u64>,
    /// What it paid, wei per gas, base fee and priority fee together.
    pub gas_price_wei: Option<u128>,
    /// What a rollup took beside its gas, for writing it to the chain below and for its operator, wei.
    pub rollup_fee_wei: U256,
    /// Its calls in the order in which they began; none where no trace was given.
    pub calls: Vec<Call>,
    /// Its logs in order.
    pub logs: Vec<Event>,
    /// Whether its traces were given.
    pub has_traces: bool,
    /// Whether its logs were given.
    pub has_logs: bool,
}

/// How a call runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// Code and storage of `to`.
    Call,
    /// Code of `to` on the storage of `from`: what it moves is its caller's.
    Borrowed,
    /// A call that may change nothing.
    Static,
    /// The making of a contract.
    Create,
    /// The end of a contract, which gives what it has to `to`.
    Destruct,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Which child of which child of the transaction it is; empty for the transaction's own call.
    pub place: Vec<u32>,
    /// How it runs.
    pub kind: CallKind,
    /// Who calls.
    pub from: Address,
    /// Who is called, made, or given what is left.
    pub to: Address,
    /// What is given with it, wei.
    pub value_wei: U256,
    /// The first four bytes of its input; absent where it is shorter.
    pub selector: Option<[u8; 4]>,
    /// The first words after the selector, as many as `WORDS_MAX`.
    pub words: Vec<U256>,
    /// Whether it says that it failed by giving false; a call that gives nothing, or something else, does not.
    pub gives_false: bool,
    /// Whether it, or a call that it is part of, was undone.
    pub is_undone: bool,
}

/// How many words of a call's input are kept: what the calls that are understood need, and what they point at.
pub const WORDS_MAX: usize = 24;

/// One log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place in the block.
    pub log_index: u32,
    /// The contract that wrote it.
    pub address: Address,
    /// Its topics, four at most.
    pub topics: Vec<Hash>,
    /// Its data.
    pub data: Vec<u8>,
}

impl Call {
    /// Returns the word after the selector at `index`; absent where the input ends before it.
    pub fn word(&self, index: usize) -> Option<U256> {
        self.words.get(index).copied()
    }

    /// Returns the word at `index` as an address, whatever its upper bytes, which contracts of those days let pass.
    pub fn address(&self, index: usize) -> Option<Address> {
        self.word(index).map(low_address)
    }

    /// Says whether `other` runs within this call.
    pub fn holds(&self, other: &Self) -> bool {
        other.place.len() > self.place.len() && other.place.starts_with(&self.place)
    }
}

impl Event {
    /// Returns the word of the data at `index`; absent where the data end before it.
    pub fn word(&self, index: usize) -> Option<U256> {
        let bytes = self.data.get(index * 32..)?.first_chunk::<32>()?;
        Some(U256::from_be_bytes(*bytes))
    }

    /// Returns the topic at `index` as an address.
    pub fn topic_address(&self, index: usize) -> Option<Address> {
        self.topics.get(index).map(|topic| low_address(U256::from_be_bytes(*topic)))
    }

    /// Returns the word of the data at `index` as an address.
    pub fn address_at(&self, index: usize) -> Option<Address> {
        self.word(index).map(low_address)
    }
}

/// Returns the lower 20 bytes of `word`.
pub(crate) fn low_address(word: U256) -> Address {
    let bytes = word.to_be_bytes::<32>();
    bytes.last_chunk::<20>().copied().unwrap_or_default()
}
