//! Solidly and its forks, Velodrome and Aerodrome: volatile pairs and stable ones, whose fee is the factory's to set.
//!
//! Source: Solidly `BaseV1Pair`; Velodrome V2 and Aerodrome `Pool` and `PoolFactory`.

mod curve;
mod events;
mod reading;
mod record;

use ruint::aliases::{U256, U512};

use crate::chain::{Address, Log};
use crate::checked::mul;
use crate::error::{DecodeError, PoolError, RecordError};
use crate::factory::Factory;
use crate::kind::{number_word, Amount, CallTerms, Observed, PoolKind, PoolSpec, Price, Quote, State};
use crate::least::least;
use crate::patch::Journal;

use curve::{volatile_in, volatile_out, Side, Stable};
pub use events::SolidlyEvent;
pub use reading::Reading;
use record::{READING, RESERVES};

/// How many amounts next to each other that the contract refuses are passed over on the way to one that it takes.
const MOST_REFUSED: usize = 256;

/// Whose code the pool runs: they end their search for a stable price differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// Solidly and Velodrome V1: stops at a step of one.
    Solidly,
    /// Velodrome V2 and Aerodrome: stops where nothing is left to move, in the pool's favour.
    Velodrome,
}

/// A pool of Solidly or of one of its forks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Solidly {
    rules: Rules,
    is_stable: bool,
    reserve0: u128,
    reserve1: u128,
    reading: Option<Reading>,
}

impl Solidly {
    /// Returns a pool just created: nothing in it, and its fee unknown.
    pub const fn new(rules: Rules, is_stable: bool) -> Self {
        Self { rules, is_stable, reserve0: 0, reserve1: 0, reading: None }
    }

    /// Sets the reserves, as the contract's `getReserves` tells them.
    pub const fn set_reserves(&mut self, reserve0: u128, reserve1: u128) {
        self.reserve0 = reserve0;
        self.reserve1 = reserve1;
    }

    /// Sets what only the node tells; a pool without it follows its reserves but quotes nothing.
    pub const fn set_reading(&mut self, reading: Option<Reading>) {
        self.reading = reading;
    }

    /// Returns the reserves of token 0 and token 1.
    pub const fn reserves(&self) -> (u128, u128) {
        (self.reserve0, self.reserve1)
    }

    /// Returns fee and decimals; `None` where they are not known.
    pub const fn reading(&self) -> Option<&Reading> {
        self.reading.as_ref()
    }

    /// Returns whose code the pool runs.
    pub const fn rules(&self) -> Rules {
        self.rules
    }

    /// Says whether the pool is a stable one.
    pub const fn is_stable(&self) -> bool {
        self.is_stable
    }

    fn known(&self) -> Result<&Reading, PoolError> {
        self.reading.as_ref().ok_or(PoolError::Incomplete)
    }

    fn side(&self, reading: &Reading, zero_for_one: bool) -> Result<Side, PoolError> {
        if self.reserve0 == 0 || self.reserve1 == 0 {
            return Err(PoolError::Empty);
        }
        let (reserve0, reserve1) = (U256::from(self.reserve0), U256::from(self.reserve1));
        let (unit0, unit1) = (reading.unit0(), reading.unit1());
        Ok(if zero_for_one {
            Side { reserve_in: reserve0, reserve_out: reserve1, unit_in: unit0, unit_out: unit1 }
        } else {
            Side { reserve_in: reserve1, reserve_out: reserve0, unit_in: unit1, unit_out: unit0 }
        })
    }

    fn stable<'a>(&self, reading: &'a Reading) -> Stable<'a> {
        Stable { rules: self.rules, reading, is_lenient: false }
    }

    /// Returns the pool's invariant at other reserves, as the contract checks it after a swap.
    fn invariant(&self, reading: &Reading, reserve0: u128, reserve1: u128) -> Result<U256, PoolError> {
        let (reserve0, reserve1) = (U256::from(reserve0), U256::from(reserve1));
        if self.is_stable { self.stable(reading).k(reserve0, reserve1) } else { mul(reserve0, reserve1) }
    }

    /// Returns what `amount_in` buys, as the contract's `getAmountOut`.
    ///
    /// # Errors
    /// `Incomplete` where fee and decimals are unknown, `Empty` where an amount or a reserve is zero, `Overflow`,
    /// `Insufficient` and `Unconverged` where the contract reverts.
    pub fn amount_out(&self, zero_for_one: bool, amount_in: U256) -> Result<U256, PoolError> {
        let reading = self.known()?;
        let side = self.side(reading, zero_for_one)?;
        if amount_in.is_zero() {
            return Err(PoolError::Empty);
        }
        let net_in = reading.without_fee(amount_in)?;
        if !self.is_stable {
            return volatile_out(&side, net_in);
        }
        let k = self.invariant(reading, self.reserve0, self.reserve1)?;
        self.stable(reading).amount_out(&side, k, net_in)
    }

    /// Returns the least that buys `amount_out`: the contract has no such question, its `getAmountOut` is the answer.
    ///
    /// # Errors
    /// As `amount_out`, and `Insufficient` where the reserve is not above `amount_out`.
    pub fn amount_in(&self, zero_for_one: bool, amount_out: U256) -> Result<U256, PoolError> {
        let reading = self.known()?;
        let side = self.side(reading, zero_for_one)?;
        if amount_out.is_zero() {
            return Err(PoolError::Empty);
        }
        if amount_out >= side.reserve_out {
            return Err(PoolError::Insufficient);
        }
        if !self.is_stable {
            return reading.with_fee(volatile_in(&side, amount_out)?);
        }
        let k = self.invariant(reading, self.reserve0, self.reserve1)?;
        // The contract never solves for the amount in: where that does not settle, the search starts from nothing.
        let curve = Stable { is_lenient: true, ..self.stable(reading) };
        let guess = curve.guess_in(&side, k, amount_out).unwrap_or_default();
        let guess = reading.with_fee(guess.max(U256::ONE))?;
        let bought = |amount_in| curve.amount_out(&side, k, reading.without_fee(amount_in)?);
        self.next_taken(zero_for_one, least(guess, amount_out, bought)?)
    }

    /// Returns `amount_in`, or the next amount above it that the contract does not refuse.
    fn next_taken(&self, zero_for_one: bool, amount_in: U256) -> Result<U256, PoolError> {
        let mut amount_in = amount_in;
        for _ in 1..MOST_REFUSED {
            if self.amount_out(zero_for_one, amount_in).is_ok() {
                return Ok(amount_in);
            }
            amount_in = amount_in.checked_add(U256::ONE).ok_or(PoolError::Overflow)?;
        }
        self.amount_out(zero_for_one, amount_in).map(|_| amount_in)
    }

    /// Returns the swap and the pool after it; `self` is unchanged.
    ///
    /// # Errors
    /// Where the contract would revert: `Empty` also where nothing would come out, `Invariant` where the swap would
    /// lower what the pool may not lose.
    pub fn swapped(&self, zero_for_one: bool, amount: Amount) -> Result<(Quote, Self), PoolError> {
        let quote = self.quote(zero_for_one, amount)?;
        if quote.amount_out.is_zero() {
            return Err(PoolError::Empty);
        }
        let reading = self.known()?;
        let (reserve_in, reserve_out) =
            if zero_for_one { (self.reserve0, self.reserve1) } else { (self.reserve1, self.reserve0) };
        // The fee leaves the pool.
        let net_in = u128::try_from(reading.without_fee(quote.amount_in)?).map_err(|_| PoolError::Overflow)?;
        let paid_out = u128::try_from(quote.amount_out).map_err(|_| PoolError::Insufficient)?;
        let after_in = reserve_in.checked_add(net_in).ok_or(PoolError::Overflow)?;
        let after_out = reserve_out.checked_sub(paid_out).filter(|after| *after > 0);
        let after_out = after_out.ok_or(PoolError::Insufficient)?;
        let mut after = *self;
        if zero_for_one {
            after.set_reserves(after_in, after_out);
        } else {
            after.set_reserves(after_out, after_in);
        }
        let kept = self.invariant(reading, after.reserve0, after.reserve1)?;
        if kept < self.invariant(reading, self.reserve0, self.reserve1)? {
            return Err(PoolError::Invariant);
        }
        Ok((quote, after))
    }

    fn follow(&mut self, event: &SolidlyEvent, journal: &mut Journal) -> Observed {
        match *event {
            SolidlyEvent::Sync { reserve0, reserve1 } => {
                journal.note(RESERVES, || self.encode_part(RESERVES));
                self.set_reserves(reserve0, reserve1);
                Observed { has_state: true, ..Observed::default() }
            }
            SolidlyEvent::CustomFee(fee) => {
                journal.note(READING, || self.encode_part(READING));
                self.reading = self.reading.and_then(|reading| reading.with_custom_fee(fee));
                Observed::default()
            }
            SolidlyEvent::Deed(deed) => Observed { deed: Some(deed), ..Observed::default() },
        }
    }
}

impl PoolKind for Solidly {
    const PROTOCOL: &'static str = "solidly";

    fn created(log: &Log<'_>, factory: &Factory) -> Result<Option<(PoolSpec, Self)>, DecodeError> {
        events::created(log, factory)
    }

    fn subject(log: &Log<'_>) -> Option<Address> {
        events::subject(log)
    }

    fn observe(&mut self, log: &Log<'_>, journal: &mut Journal) -> Result<Observed, DecodeError> {
        let event = SolidlyEvent::decode(log)?;
        Ok(event.map_or_else(Observed::default, |event| self.follow(&event, journal)))
    }

    fn state(&self) -> State {
        State { reserve0: Some(self.reserve0), reserve1: Some(self.reserve1), ..State::default() }
    }

    fn fee_ppm(&self) -> Option<u32> {
        self.reading.map(|reading| reading.fee.ppm())
    }

    fn call_terms(&self, spec: &PoolSpec, _token_in: &Address, _token_out: &Address) -> Option<CallTerms> {
        Some(CallTerms::new(spec.address, &[number_word(u32::from(self.is_stable))]))
    }

    fn tick_spacing(&self) -> Option<i32> {
        None
    }

    fn is_complete(&self) -> bool {
        self.reading.is_some()
    }

    fn quote(&self, zero_for_one: bool, amount: Amount) -> Result<Quote, PoolError> {
        let (amount_in, amount_out) = match amount {
            Amount::In(amount_in) => (amount_in, self.amount_out(zero_for_one, amount_in)?),
            Amount::Out(amount_out) => (self.amount_in(zero_for_one, amount_out)?, amount_out),
        };
        Ok(Quote { amount_in, amount_out, ticks_crossed: 0 })
    }

    fn swap(&mut self, zero_for_one: bool, amount: Amount) -> Result<Quote, PoolError> {
        let (quote, after) = self.swapped(zero_for_one, amount)?;
        *self = after;
        Ok(quote)
    }

    fn spot_price(&self) -> Result<Price, PoolError> {
        if self.reserve0 == 0 || self.reserve1 == 0 {
            return Err(PoolError::Empty);
        }
        let (x, y) = (U512::from(self.reserve0), U512::from(self.reserve1));
        if !self.is_stable {
            return Ok(Price { numerator: y, denominator: x });
        }
        let (decimals0, decimals1) = self.known()?.decimals();
        let scale = |decimals: u32, other: u32| U512::from(10_u64.pow(other.saturating_sub(decimals)));
        let (scale0, scale1) = (scale(decimals0, decimals1), scale(decimals1, decimals0));
        // Both in the finer token's units; the ratio holds as many bits as fit the products.
        let (x, y) = (x * scale0, y * scale1);
        let beyond = x.bit_len().max(y.bit_len()).saturating_sub(140);
        let (x, y) = (x >> beyond, y >> beyond);
        let numerator = y * (U512::from(3) * x * x + y * y) * scale0;
        let denominator = x * (x * x + U512::from(3) * y * y) * scale1;
        if denominator.is_zero() { Err(PoolError::Empty) } else { Ok(Price { numerator, denominator }) }
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
