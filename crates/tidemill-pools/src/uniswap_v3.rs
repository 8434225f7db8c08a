//! Uniswap V3 and its forks: liquidity in ranges of ticks, the price as a square root in 2^-96.
//!
//! Source: Uniswap/v3-core, `UniswapV3Pool`. A fork with the same maths differs by its factory only.

pub mod sqrt_price_math;
pub mod swap_math;
pub mod tick_math;

mod events;
mod record;
mod swap;
mod ticks;

use ruint::aliases::U256;

use crate::chain::{Address, Log};
use crate::error::{DecodeError, PoolError, RecordError};
use crate::factory::Factory;
use crate::kind::{number_word, Amount, CallTerms, Observed, PoolKind, PoolSpec, Price, Quote, State};
use crate::patch::Journal;
use crate::ticked::Ticked;

pub use events::V3Event;
pub(crate) use events::{decode_burn, decode_swap, V3Position, V3Swap};
pub(crate) use swap::Course;
pub use swap::Swapped;
pub(crate) use swap_math::{FeePpm, LastStep};
pub(crate) use ticks::Search;
pub use ticks::{add_liquidity, Tick, TickLiquidity, Ticks};

use tick_math::{MAX_TICK, MIN_TICK};

/// A Uniswap V3 pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniswapV3 {
    fee: FeePpm,
    tick_spacing: i32,
    /// Zero until the pool is initialised.
    sqrt_price_x96: U256,
    tick: i32,
    liquidity: u128,
    ticks: Ticks,
    /// Whether `ticks` holds every initialised tick.
    is_complete: bool,
}

impl UniswapV3 {
    /// Returns a pool just created: no price, no liquidity, and so nothing unknown.
    ///
    /// # Errors
    /// `Fee` where the fee is not below one, `Ticks` where the spacing is not between 1 and 16383.
    pub fn new(fee_ppm: u32, tick_spacing: i32) -> Result<Self, PoolError> {
        if !(1..16_384).contains(&tick_spacing) {
            return Err(PoolError::Ticks { lower: tick_spacing, upper: tick_spacing });
        }
        Ok(Self::with_fee(FeePpm::new(fee_ppm)?, tick_spacing))
    }

    /// Returns a pool without a price; the caller answers for the spacing.
    pub(crate) fn with_fee(fee: FeePpm, tick_spacing: i32) -> Self {
        Self {
            fee,
            tick_spacing,
            sqrt_price_x96: U256::ZERO,
            tick: 0,
            liquidity: 0,
            ticks: Ticks::default(),
            is_complete: true,
        }
    }

    /// Sets price, tick and liquidity in range, as the contract's `slot0` and `liquidity` tell them.
    pub fn set_slot(&mut self, sqrt_price_x96: U256, tick: i32, liquidity: u128) {
        self.sqrt_price_x96 = sqrt_price_x96;
        self.tick = tick;
        self.liquidity = liquidity;
    }

    /// Sets gross and net liquidity of one tick, as the contract's `ticks` tells them; `None` clears it.
    ///
    /// # Errors
    /// `Ticks` where the tick is out of range or off the spacing.
    pub fn set_tick(&mut self, tick: i32, liquidity: TickLiquidity) -> Result<(), PoolError> {
        self.check_ticks(tick, tick)?;
        self.ticks.set(tick, liquidity)
    }

    /// Says whether every initialised tick is known; an incomplete pool follows its price but quotes nothing.
    pub fn set_complete(&mut self, is_complete: bool) {
        self.is_complete = is_complete;
    }

    /// Returns whether every initialised tick is known.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Returns the square root of the price in 2^-96; zero before the pool is initialised.
    pub fn sqrt_price_x96(&self) -> U256 {
        self.sqrt_price_x96
    }

    /// Returns the current tick.
    pub fn tick(&self) -> i32 {
        self.tick
    }

    /// Returns the liquidity in range.
    pub fn liquidity(&self) -> u128 {
        self.liquidity
    }

    /// Returns the initialised ticks.
    pub fn ticks(&self) -> &Ticks {
        &self.ticks
    }

    /// Adds liquidity between two ticks, or takes it away.
    ///
    /// # Errors
    /// Where the contract would revert: `Ticks`, and `Overflow` where more is taken than is there or a tick holds too
    /// much; `Uninitialised` and `Incomplete`. The pool is unchanged.
    pub fn change_liquidity(&mut self, lower: i32, upper: i32, delta: i128) -> Result<(), PoolError> {
        self.is_ready()?;
        self.check_range(lower, upper)?;
        let at_lower = self.tick_after(lower, delta, Some(delta))?;
        let at_upper = self.tick_after(upper, delta, delta.checked_neg())?;
        if lower <= self.tick && self.tick < upper {
            self.liquidity = add_liquidity(self.liquidity, delta)?;
        }
        self.ticks.set(lower, Some(at_lower))?;
        self.ticks.set(upper, Some(at_upper))
    }

    fn tick_after(&self, tick: i32, delta: i128, net: Option<i128>) -> Result<(u128, i128), PoolError> {
        let (gross_before, net_before) = self.ticks.get(tick).unwrap_or((0, 0));
        let gross = add_liquidity(gross_before, delta)?;
        if gross > self.most_liquidity_per_tick() {
            return Err(PoolError::Overflow);
        }
        let net = net.and_then(|net| net_before.checked_add(net)).ok_or(PoolError::Overflow)?;
        Ok((gross, net))
    }

    /// Returns how much liquidity one tick may hold, so that all of them together fit 128 bits.
    fn most_liquidity_per_tick(&self) -> u128 {
        let count = 2 * (MAX_TICK / self.tick_spacing) + 1;
        u128::MAX / u128::from(count.unsigned_abs())
    }

    /// Refuses what cannot be a position.
    fn check_range(&self, lower: i32, upper: i32) -> Result<(), PoolError> {
        if lower >= upper {
            return Err(PoolError::Ticks { lower, upper });
        }
        self.check_ticks(lower, upper)
    }

    fn check_ticks(&self, lower: i32, upper: i32) -> Result<(), PoolError> {
        let is_valid = lower >= MIN_TICK
            && upper <= MAX_TICK
            && lower % self.tick_spacing == 0
            && upper % self.tick_spacing == 0;
        if is_valid { Ok(()) } else { Err(PoolError::Ticks { lower, upper }) }
    }

    fn is_ready(&self) -> Result<(), PoolError> {
        if self.sqrt_price_x96.is_zero() {
            return Err(PoolError::Uninitialised);
        }
        if self.is_complete { Ok(()) } else { Err(PoolError::Incomplete) }
    }
}

impl Ticked for UniswapV3 {
    fn ticked(&self) -> &UniswapV3 {
        self
    }

    fn ticked_mut(&mut self) -> &mut UniswapV3 {
        self
    }

    fn swap_to(
        &self,
        zero_for_one: bool,
        amount: Amount,
        sqrt_price_limit_x96: Option<U256>,
    ) -> Result<Swapped, PoolError> {
        self.swap_along(self.course(), zero_for_one, amount, sqrt_price_limit_x96)
    }
}

impl PoolKind for UniswapV3 {
    const PROTOCOL: &'static str = "uniswap_v3";

    fn created(log: &Log<'_>, factory: &Factory) -> Result<Option<(PoolSpec, Self)>, DecodeError> {
        events::created(log, factory)
    }

    fn observe(&mut self, log: &Log<'_>, journal: &mut Journal) -> Result<Observed, DecodeError> {
        Ok(V3Event::decode(log)?.map_or_else(Observed::default, |event| self.follow(&event, journal)))
    }

    fn as_ticked(&self) -> Option<&dyn Ticked> {
        Some(self)
    }

    fn as_ticked_mut(&mut self) -> Option<&mut dyn Ticked> {
        Some(self)
    }

    fn state(&self) -> State {
        if self.sqrt_price_x96.is_zero() {
            return State::default();
        }
        State {
            sqrt_price_x96: Some(self.sqrt_price_x96),
            liquidity: Some(self.liquidity),
            tick: Some(self.tick),
            ..State::default()
        }
    }

    fn fee_ppm(&self) -> Option<u32> {
        Some(self.fee.ppm())
    }

    fn call_terms(&self, spec: &PoolSpec, _token_in: &Address, _token_out: &Address) -> Option<CallTerms> {
        Some(CallTerms::new(spec.address, &[number_word(self.fee_ppm()?)]))
    }

    fn tick_spacing(&self) -> Option<i32> {
        Some(self.tick_spacing)
    }

    fn is_complete(&self) -> bool {
        self.is_complete
    }

    fn quote(&self, zero_for_one: bool, amount: Amount) -> Result<Quote, PoolError> {
        self.quote_along(self.course(), zero_for_one, amount)
    }

    fn swap(&mut self, zero_for_one: bool, amount: Amount) -> Result<Quote, PoolError> {
        self.take_along(self.course(), zero_for_one, amount)
    }

    fn spot_price(&self) -> Result<Price, PoolError> {
        if self.sqrt_price_x96.is_zero() {
            return Err(PoolError::Uninitialised);
        }
        Ok(Price::from_sqrt_x96(self.sqrt_price_x96))
    }

    fn encode_terms(&self) -> Vec<u8> {
        record::encode_terms(self)
    }

    fn decode_terms(bytes: &[u8]) -> Result<Self, RecordError> {
        record::decode_terms(bytes)
    }

    fn encode_state(&self, write: &mut dyn FnMut(&[u8], Vec<u8>)) {
        record::encode_state(self, write);
    }

    fn encode_part(&self, part: &[u8]) -> Option<Vec<u8>> {
        record::encode_part(self, part)
    }

    fn decode_part(&mut self, part: &[u8], bytes: Option<&[u8]>) -> Result<(), RecordError> {
        record::decode_part(self, part, bytes)
    }
}
