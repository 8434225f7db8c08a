//! What every kind of pool can do: read its logs, tell its state, and compute an exact swap.

use ruint::aliases::{U256, U512};

use crate::chain::{Address, Log};
use crate::error::{DecodeError, PoolError, RecordError};
use crate::factory::Factory;
use crate::patch::Journal;
use crate::ticked::Ticked;

/// Which side of a swap is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// What is paid in, fee and all.
    In(U256),
    /// What is to be paid out.
    Out(U256),
}

/// An exact swap: raw token units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    /// What the pool takes; less than offered where its liquidity runs out.
    pub amount_in: U256,
    /// What the pool pays.
    pub amount_out: U256,
    /// How many initialised ticks the price crosses; 0 for pools without ticks.
    pub ticks_crossed: u32,
}

/// A price as an exact fraction: token 1 per token 0, raw units, before the fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// Numerator.
    pub numerator: U512,
    /// Denominator; above zero.
    pub denominator: U512,
}

impl Price {
    /// Returns the square of a square root in 2^-96.
    pub fn from_sqrt_x96(sqrt_price_x96: U256) -> Self {
        Self { numerator: sqrt_price_x96.widening_mul(sqrt_price_x96), denominator: U512::ONE << 192_u32 }
    }

    /// Returns the nearest float, or one next to it; for show and for features, not for amounts.
    pub fn to_f64(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }
}

/// The numbers of a `pool_state` event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct State {
    /// Reserve of token 0; absent for pools with ticks.
    pub reserve0: Option<u128>,
    /// Reserve of token 1; absent for pools with ticks.
    pub reserve1: Option<u128>,
    /// Square root of the price in 2^-96; absent for pools without ticks.
    pub sqrt_price_x96: Option<U256>,
    /// Liquidity in range; absent for pools without ticks.
    pub liquidity: Option<u128>,
    /// Tick; absent for pools without ticks.
    pub tick: Option<i32>,
}

/// What names and describes a pool and never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSpec {
    /// The pool's own address.
    pub address: Address,
    /// Whose pool it is, such as `sushiswap`.
    pub dex: String,
    /// Factory that made it.
    pub factory: Address,
    /// Token with the lower address.
    pub token0: Address,
    /// Token with the higher address.
    pub token1: Address,
}

/// What one swap log says; amounts are raw units seen from the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traded {
    /// Who called the pool; absent where the log does not say.
    pub sender: Option<Address>,
    /// Who was paid; absent where the log does not say.
    pub recipient: Option<Address>,
    /// Tokens 0 and 1 of this swap where the pool may have more; absent where they are the pool's.
    pub tokens: Option<[Address; 2]>,
    /// Token 0 paid in.
    pub amount0_in: U256,
    /// Token 1 paid in.
    pub amount1_in: U256,
    /// Token 0 paid out.
    pub amount0_out: U256,
    /// Token 1 paid out.
    pub amount1_out: U256,
    /// Price after the swap in 2^-96; absent for pools without ticks.
    pub sqrt_price_x96: Option<U256>,
    /// Liquidity in range after the swap; absent for pools without ticks.
    pub liquidity: Option<u128>,
    /// Tick after the swap; absent for pools without ticks.
    pub tick: Option<i32>,
}

/// What one mint or burn log says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Whether liquidity came in; otherwise it left.
    pub is_mint: bool,
    /// V3: the position's owner. V2: who called for a mint, who receives for a burn.
    pub owner: Address,
    /// Token 0, raw units.
    pub amount0: U256,
    /// Token 1, raw units.
    pub amount1: U256,
    /// Units of liquidity; absent where the event does not say.
    pub liquidity: Option<u128>,
    /// Lower tick; absent for pools without ticks.
    pub tick_lower: Option<i32>,
    /// Upper tick; absent for pools without ticks.
    pub tick_upper: Option<i32>,
}

/// What a log says that is an event of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// A swap.
    Swap(Traded),
    /// A mint or a burn.
    Liquidity(Moved),
}

/// A log that contradicts the pool's ticks: a mint or burn was missed, and the pool must be read anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contradiction {
    /// What the pool's ticks said; absent where they could not be added up.
    pub expected: Option<u128>,
    /// What the log says.
    pub found: u128,
}

/// What one log did to a pool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Observed {
    /// The event that the log is; absent for logs that only tell state.
    pub deed: Option<Deed>,
    /// Whether the pool's state changed or was told anew.
    pub has_state: bool,
    /// Present where the log contradicts what was known.
    pub contradiction: Option<Contradiction>,
}

/// What a transaction names to trade in a pool, as tidemill's executor and its requests have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallTerms {
    /// Contract that is called: the pool, or the vault or manager that holds it.
    pub called: Address,
    /// What is named beside the tokens, in words of the ABI.
    pub extra: Vec<u8>,
}

impl CallTerms {
    /// Returns the terms of a call that names these words.
    pub fn new(called: Address, words: &[[u8; 32]]) -> Self {
        Self { called, extra: words.concat() }
    }
}

/// Returns a number as a word of the ABI.
pub(crate) const fn number_word(number: u32) -> [u8; 32] {
    U256::from_limbs([number as u64, 0, 0, 0]).to_be_bytes()
}

/// Returns an address as a word of the ABI.
pub(crate) fn address_word(address: &Address) -> [u8; 32] {
    let mut word = [0; 32];
    if let Some(end) = word.last_chunk_mut::<20>() {
        *end = *address;
    }
    word
}

/// One kind of pool. `pools!` in lib.rs lists them all.
pub trait PoolKind: Sized + Clone {
    /// Name of the protocol, as in the events.
    const PROTOCOL: &'static str;

    /// Reads a factory's log; `None` where it does not create a pool.
    ///
    /// # Errors
    /// Where the log claims to create a pool and is malformed.
    fn created(log: &Log<'_>, factory: &Factory) -> Result<Option<(PoolSpec, Self)>, DecodeError>;

    /// Returns the pool that a factory's log is about, for kinds whose factory speaks for its pools.
    fn subject(_log: &Log<'_>) -> Option<Address> {
        None
    }

    /// Follows one log of the pool itself, or one of its factory about it, noting what it changes in `journal` before it does.
    ///
    /// # Errors
    /// Where the log claims to be one of the pool's events and is malformed; the pool is unchanged, or its state unknown.
    fn observe(&mut self, log: &Log<'_>, journal: &mut Journal) -> Result<Observed, DecodeError>;

    /// Returns the pool as one with ticks; `None` for kinds without.
    fn as_ticked(&self) -> Option<&dyn Ticked> {
        None
    }

    /// Returns the same to be changed.
    fn as_ticked_mut(&mut self) -> Option<&mut dyn Ticked> {
        None
    }

    /// Returns the numbers of the pool's state.
    fn state(&self) -> State;

    /// Returns the fee in millionths of the amount paid in, rounded to the nearest; `None` where it is not known.
    fn fee_ppm(&self) -> Option<u32>;

    /// Returns the tick spacing; `None` for pools without ticks.
    fn tick_spacing(&self) -> Option<i32>;

    /// Returns what a transaction names to trade `token_in` for `token_out`; `None` where not all of that is known, or the
    /// executor cannot trade so, as with ether itself.
    fn call_terms(&self, spec: &PoolSpec, token_in: &Address, token_out: &Address) -> Option<CallTerms>;

    /// Says whether all is known that a quote needs; an incomplete pool must be read from the node.
    fn is_complete(&self) -> bool;

    /// Says whether a quote holds for one block only, as rates or a ramp move it without a log of the pool.
    fn is_momentary(&self) -> bool {
        false
    }

    /// Forgets a state that holds no longer, noting it in `journal`; only momentary pools have one.
    fn lapse(&mut self, _journal: &mut Journal) {}

    /// Returns the exact swap for an amount in or out.
    ///
    /// # Errors
    /// Where the contract's own quoter would revert.
    fn quote(&self, zero_for_one: bool, amount: Amount) -> Result<Quote, PoolError>;

    /// Swaps, and moves the pool to the state after it.
    ///
    /// # Errors
    /// Where the contract would revert; the pool is unchanged.
    fn swap(&mut self, zero_for_one: bool, amount: Amount) -> Result<Quote, PoolError>;

    /// Returns the price of token 0 in token 1, before the fee.
    ///
    /// # Errors
    /// Where the pool has no price.
    fn spot_price(&self) -> Result<Price, PoolError>;

    /// Returns what never changes about the pool beside its `PoolSpec`, such as its fee.
    fn encode_terms(&self) -> Vec<u8>;

    /// Returns a pool with these terms and no state.
    ///
    /// # Errors
    /// Where the bytes are not the terms of such a pool.
    fn decode_terms(bytes: &[u8]) -> Result<Self, RecordError>;

    /// Calls `write` with every part of the state: the part's own key and its bytes.
    fn encode_state(&self, write: &mut dyn FnMut(&[u8], Vec<u8>));

    /// Returns one part of the state as bytes; `None` where the pool has no such part.
    fn encode_part(&self, part: &[u8]) -> Option<Vec<u8>>;

    /// Sets or clears one part of the state.
    ///
    /// # Errors
    /// Where key or bytes are not such a part.
    fn decode_part(&mut self, part: &[u8], bytes: Option<&[u8]>) -> Result<(), RecordError>;
}
