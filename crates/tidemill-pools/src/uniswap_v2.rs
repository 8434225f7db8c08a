//! Uniswap V2 and its forks: two reserves whose product does not fall, and a fee that is a fork's own.
//!
//! Source: Uniswap/v2-core, `UniswapV2Pair`; Uniswap/v2-periphery, `UniswapV2Library`.

mod events;
mod quote;

use ruint::aliases::{U256, U512};

use crate::chain::{Address, Log};
use crate::error::{DecodeError, PoolError, RecordError};
use crate::factory::Factory;
use crate::kind::{number_word, Amount, CallTerms, Observed, PoolKind, PoolSpec, Price, Quote, State};
use crate::patch::{Journal, Reader, RECORD_VERSION};

pub use events::{V2Event, V2Swap};
pub(crate) use events::{decode_burn, decode_swap};

/// Largest reserve: the pair keeps reserves in 112 bits.
pub const MAX_RESERVE: u128 = (1 << 112) - 1;

/// Key of the reserves.
const RESERVES: &[u8] = &[1];

/// Which part of the amount paid in is swapped: 997/1000 for Uniswap, 9975/10000 for `PancakeSwap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fee {
    numerator: u32,
    denominator: u32,
}

impl Fee {
    /// The fee of Uniswap V2 and most of its forks: 0.3%.
    pub const UNISWAP: Self = Self { numerator: 997, denominator: 1000 };

    /// Returns a fee that leaves `numerator / denominator` of the amount paid in.
    ///
    /// # Errors
    /// `Fee` where the fraction is zero or above one, or the denominator is above 32768.
    pub const fn new(numerator: u32, denominator: u32) -> Result<Self, PoolError> {
        if numerator == 0 || numerator > denominator || denominator > 32_768 {
            return Err(PoolError::Fee { numerator, denominator });
        }
        Ok(Self { numerator, denominator })
    }

    /// Returns the fee in millionths of the amount paid in, rounded to the nearest.
    pub fn ppm(self) -> u32 {
        let (part, whole) = (u64::from(self.denominator - self.numerator), self.denominator);
        let ppm = (part * 1_000_000 + u64::from(whole / 2)) / u64::from(whole);
        u32::try_from(ppm).unwrap_or(u32::MAX)
    }

    /// Returns the part that is swapped, as numerator and denominator.
    pub const fn parts(self) -> (u32, u32) {
        (self.numerator, self.denominator)
    }
}

/// A Uniswap V2 pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UniswapV2 {
    reserve0: u128,
    reserve1: u128,
    fee: Fee,
}

impl UniswapV2 {
    /// Returns a pair just created, with nothing in it.
    pub const fn new(fee: Fee) -> Self {
        Self { reserve0: 0, reserve1: 0, fee }
    }

    /// Sets the reserves, as the contract's `getReserves` tells them.
    ///
    /// # Errors
    /// `Overflow` where a reserve does not fit 112 bits.
    pub const fn set_reserves(&mut self, reserve0: u128, reserve1: u128) -> Result<(), PoolError> {
        if reserve0 > MAX_RESERVE || reserve1 > MAX_RESERVE {
            return Err(PoolError::Overflow);
        }
        self.reserve0 = reserve0;
        self.reserve1 = reserve1;
        Ok(())
    }

    /// Returns the reserves of token 0 and token 1.
    pub const fn reserves(&self) -> (u128, u128) {
        (self.reserve0, self.reserve1)
    }

    /// Returns the fee.
    pub const fn fee(&self) -> Fee {
        self.fee
    }

    #[inline]
    const fn reserves_in_out(&self, zero_for_one: bool) -> (u128, u128) {
        if zero_for_one { (self.reserve0, self.reserve1) } else { (self.reserve1, self.reserve0) }
    }

    /// Returns what `amount_in` buys.
    ///
    /// # Errors
    /// `Empty` where an amount or a reserve is zero, `Overflow` where the library's checked arithmetic reverts.
    #[inline]
    pub fn amount_out(&self, zero_for_one: bool, amount_in: U256) -> Result<U256, PoolError> {
        let (reserve_in, reserve_out) = self.reserves_in_out(zero_for_one);
        quote::amount_out(reserve_in, reserve_out, self.fee, amount_in)
    }

    /// Returns what `amount_in` buys, to the last unit, where floats next to it are known: `amount_out`, and `inverse` of
    /// `Rin·d + in·n`. They save the division; `None` where they do not lead to the answer, or there is none.
    #[inline]
    pub fn amount_out_near(
        &self,
        zero_for_one: bool,
        amount_in: u128,
        amount_out: f64,
        inverse: f64,
    ) -> Option<u128> {
        quote::amount_out_near(self.reserves_in_out(zero_for_one), self.fee, amount_in, amount_out, inverse)
    }

    /// Returns what `amount_out` costs.
    ///
    /// # Errors
    /// `Empty` where an amount or a reserve is zero, `Insufficient` where the reserve is not above `amount_out`.
    #[inline]
    pub fn amount_in(&self, zero_for_one: bool, amount_out: U256) -> Result<U256, PoolError> {
        let (reserve_in, reserve_out) = self.reserves_in_out(zero_for_one);
        quote::amount_in(reserve_in, reserve_out, self.fee, amount_out)
    }

    /// Returns the least that pays back `amount_out` of a token in that token, as a flash swap may.
    ///
    /// out·d / n, rounded up: the pair takes its fee from what comes in.
    ///
    /// # Errors
    /// `Empty` where nothing is lent, `Insufficient` where the token's reserve is not above `amount_out`.
    pub fn repayment(&self, is_token0: bool, amount_out: U256) -> Result<U256, PoolError> {
        let reserve = if is_token0 { self.reserve0 } else { self.reserve1 };
        if amount_out.is_zero() {
            return Err(PoolError::Empty);
        }
        if amount_out >= U256::from(reserve) {
            return Err(PoolError::Insufficient);
        }
        Ok((amount_out * U256::from(self.fee.denominator)).div_ceil(U256::from(self.fee.numerator)))
    }

    /// Returns the swap and the pair after it; `self` is unchanged.
    ///
    /// # Errors
    /// Where the library or the pair would revert: `Empty` also where nothing would come out, `Overflow` also where a
    /// reserve would not fit 112 bits.
    pub fn swapped(&self, zero_for_one: bool, amount: Amount) -> Result<(Quote, Self), PoolError> {
        let quote = self.quote(zero_for_one, amount)?;
        if quote.amount_out.is_zero() {
            return Err(PoolError::Empty);
        }
        let (reserve_in, reserve_out) = self.reserves_in_out(zero_for_one);
        let after_in = U256::from(reserve_in).checked_add(quote.amount_in).ok_or(PoolError::Overflow)?;
        let after_in = u128::try_from(after_in).map_err(|_| PoolError::Overflow)?;
        let paid_out = u128::try_from(quote.amount_out).map_err(|_| PoolError::Insufficient)?;
        let after_out = reserve_out.checked_sub(paid_out).ok_or(PoolError::Insufficient)?;
        let mut after = *self;
        if zero_for_one {
            after.set_reserves(after_in, after_out)?;
        } else {
            after.set_reserves(after_out, after_in)?;
        }
        Ok((quote, after))
    }
}

impl PoolKind for UniswapV2 {
    const PROTOCOL: &'static str = "uniswap_v2";

    fn created(log: &Log<'_>, factory: &Factory) -> Result<Option<(PoolSpec, Self)>, DecodeError> {
        events::created(log, factory)
    }

    fn observe(&mut self, log: &Log<'_>, journal: &mut Journal) -> Result<Observed, DecodeError> {
        let Some(event) = V2Event::decode(log)? else { return Ok(Observed::default()) };
        if let V2Event::Sync { reserve0, reserve1 } = event {
            journal.note(RESERVES, || self.encode_part(RESERVES));
            (self.reserve0, self.reserve1) = (reserve0, reserve1);
            return Ok(Observed { has_state: true, ..Observed::default() });
        }
        Ok(Observed { deed: event.deed(), ..Observed::default() })
    }

    fn state(&self) -> State {
        State { reserve0: Some(self.reserve0), reserve1: Some(self.reserve1), ..State::default() }
    }

    fn fee_ppm(&self) -> Option<u32> {
        Some(self.fee.ppm())
    }

    fn call_terms(&self, spec: &PoolSpec, _token_in: &Address, _token_out: &Address) -> Option<CallTerms> {
        Some(CallTerms::new(spec.address, &[number_word(self.fee_ppm()?)]))
    }

    fn tick_spacing(&self) -> Option<i32> {
        None
    }

    fn is_complete(&self) -> bool {
        true
    }

    #[inline]
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
        Ok(Price { numerator: U512::from(self.reserve1), denominator: U512::from(self.reserve0) })
    }

    fn encode_terms(&self) -> Vec<u8> {
        let mut bytes = vec![RECORD_VERSION];
        bytes.extend_from_slice(&self.fee.numerator.to_le_bytes());
        bytes.extend_from_slice(&self.fee.denominator.to_le_bytes());
        bytes
    }

    fn decode_terms(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut reader = Reader::versioned(b"terms", bytes)?;
        let fee = Fee::new(reader.u32("a fee")?, reader.u32("a fee")?);
        reader.finish()?;
        fee.map(Self::new).map_err(|_| reader.refused("a fee below one"))
    }

    fn encode_state(&self, write: &mut dyn FnMut(&[u8], Vec<u8>)) {
        if let Some(bytes) = self.encode_part(RESERVES) {
            write(RESERVES, bytes);
        }
    }

    fn encode_part(&self, part: &[u8]) -> Option<Vec<u8>> {
        if part != RESERVES {
            return None;
        }
        let mut bytes = vec![RECORD_VERSION];
        bytes.extend_from_slice(&self.reserve0.to_le_bytes());
        bytes.extend_from_slice(&self.reserve1.to_le_bytes());
        Some(bytes)
    }

    fn decode_part(&mut self, part: &[u8], bytes: Option<&[u8]>) -> Result<(), RecordError> {
        let mut reader = Reader::versioned(part, bytes.unwrap_or(&EMPTY_RESERVES))?;
        if part != RESERVES {
            return Err(reader.refused("the key of reserves"));
        }
        let reserve0 = u128::from_le_bytes(reader.array("a reserve")?);
        let reserve1 = u128::from_le_bytes(reader.array("a reserve")?);
        reader.finish()?;
        self.set_reserves(reserve0, reserve1).map_err(|_| reader.refused("reserves of 112 bits"))
    }
}

/// The record of a pair without reserves.
const EMPTY_RESERVES: [u8; 33] = {
    let mut bytes = [0; 33];
    bytes[0] = RECORD_VERSION;
    bytes
};
