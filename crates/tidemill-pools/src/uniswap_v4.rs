//! Uniswap V4 pools: Uniswap V3's ranges in one contract for all, with a protocol's share on top of the fee.
//!
//! Source: @uniswap/v4-core 1.0.2, `PoolManager`, `Pool`, `SwapMath`, `ProtocolFeeLibrary`.
//!
//! A pool has an id of 32 bytes and no address. Its first 20 bytes, of a hash as an address is, stand for the pool
//! wherever an address does; the id itself is the hash of the pool's currencies, fee, spacing and hooks.
//! A pool with hooks, or whose fee its hook sets, is followed like any other and refuses to quote.

mod events;

use ruint::aliases::U256;

use crate::chain::{Address, Hash, Log};
use crate::error::{DecodeError, PoolError, RecordError};
use crate::factory::Factory;
use crate::full_math::Rounding;
use crate::kind::{Amount, CallTerms, Observed, PoolKind, PoolSpec, Price, Quote, State};
use crate::patch::{Journal, Reader, RECORD_VERSION};
use crate::ticked::Ticked;
use crate::uniswap_v3::sqrt_price_math::{amount0_delta, amount1_delta};
use crate::uniswap_v3::tick_math::sqrt_ratio_at_tick;
use crate::uniswap_v3::{
    Course, FeePpm, LastStep, Search, Swapped, UniswapV3, V3Event, V3Position,
};

pub use events::{V4Event, V4Swap};

/// Key of the protocol's share; the keys of price and ticks are Uniswap V3's.
const PROTOCOL_FEE: &[u8] = &[3];

/// The fee of a key whose pool lets its hook set the fee.
const DYNAMIC_FEE: u32 = 0x80_0000;
/// Largest spacing of ticks.
const MOST_SPACING: i32 = 32_767;
/// Largest share of the protocol in one direction, in millionths.
const MOST_PROTOCOL_FEE: u32 = 1_000;
/// A fee of one, in millionths.
const FEE_ONE: u32 = 1_000_000;
/// The contract's amounts have 128 bits, one of them the sign.
const AMOUNT_BITS: usize = 127;

/// Returns what stands for a pool's address: the first 20 bytes of its id.
pub fn pool_address(id: &Hash) -> Address {
    id.first_chunk().copied().unwrap_or_default()
}

/// What a pool's id is the hash of, beside its currencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The pool's id.
    pub id: Hash,
    /// Fee of those who provide liquidity, in millionths, or the flag of a dynamic one.
    pub fee: u32,
    /// Spacing of ticks.
    pub tick_spacing: i32,
    /// Contract that is called around the pool's deeds; zero for none.
    pub hooks: Address,
}

impl Key {
    /// Says whether the pool has hooks.
    pub fn is_hooked(&self) -> bool {
        self.hooks != [0; 20]
    }

    /// Returns the key as the contract encodes it, whose hash the id is.
    pub fn encoded(&self, currency0: &Address, currency1: &Address) -> Vec<u8> {
        let of_address = |address: &Address| [&[0; 12], address.as_slice()].concat();
        let of_number = |number: [u8; 4]| [&[0; 28], number.as_slice()].concat();
        // A spacing is above zero.
        let (fee, spacing) = (of_number(self.fee.to_be_bytes()), of_number(self.tick_spacing.to_be_bytes()));
        [of_address(currency0), of_address(currency1), fee, spacing, of_address(&self.hooks)].concat()
    }

    /// Says whether the pool's hook sets its fee.
    pub const fn is_dynamic(&self) -> bool {
        self.fee == DYNAMIC_FEE
    }
}

/// The protocol's share of what is paid in, in millionths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProtocolFee {
    zero_for_one: u32,
    one_for_zero: u32,
}

impl ProtocolFee {
    /// Reads it as the contract packs it: 12 bits for token 0 to token 1, 12 above them for the way back.
    ///
    /// # Errors
    /// `Fee` where one is above a thousandth.
    pub const fn unpacked(packed: u32) -> Result<Self, PoolError> {
        let (zero_for_one, one_for_zero) = (packed & 0xfff, packed >> 12);
        if zero_for_one > MOST_PROTOCOL_FEE || one_for_zero > MOST_PROTOCOL_FEE {
            return Err(PoolError::Fee { numerator: packed, denominator: FEE_ONE });
        }
        Ok(Self { zero_for_one, one_for_zero })
    }

    /// Returns it as the contract packs it.
    pub const fn packed(self) -> u32 {
        self.zero_for_one | self.one_for_zero << 12
    }
}

/// A Uniswap V4 pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniswapV4 {
    key: Key,
    ticked: UniswapV3,
    protocol_fee: ProtocolFee,
}

impl UniswapV4 {
    /// Returns a pool without a price and without liquidity.
    ///
    /// # Errors
    /// `Fee` where the fee is above one and no flag, `Ticks` where the spacing is not between 1 and 32767.
    pub fn new(key: Key) -> Result<Self, PoolError> {
        if !(1..=MOST_SPACING).contains(&key.tick_spacing) {
            return Err(PoolError::Ticks { lower: key.tick_spacing, upper: key.tick_spacing });
        }
        if key.fee > FEE_ONE && !key.is_dynamic() {
            return Err(PoolError::Fee { numerator: key.fee, denominator: FEE_ONE });
        }
        let ticked = UniswapV3::with_fee(FeePpm::NONE, key.tick_spacing);
        Ok(Self { key, ticked, protocol_fee: ProtocolFee::default() })
    }

    /// Sets the protocol's share.
    pub const fn set_protocol_fee(&mut self, protocol_fee: ProtocolFee) {
        self.protocol_fee = protocol_fee;
    }

    /// Returns what the pool's id is the hash of, beside its currencies.
    pub const fn key(&self) -> &Key {
        &self.key
    }

    /// Returns the protocol's share.
    pub const fn protocol_fee(&self) -> ProtocolFee {
        self.protocol_fee
    }

    /// Returns the fee of a swap, the protocol's share in it: the share is taken first, the fee of what is left.
    fn swap_fee(&self, zero_for_one: bool) -> u32 {
        let protocol = if zero_for_one {
            self.protocol_fee.zero_for_one
        } else {
            self.protocol_fee.one_for_zero
        };
        let both = u64::from(protocol) * u64::from(self.key.fee) / u64::from(FEE_ONE);
        protocol + self.key.fee - u32::try_from(both).unwrap_or(u32::MAX)
    }

    fn course(&self, zero_for_one: bool) -> Result<Course, PoolError> {
        if self.key.is_dynamic() {
            return Err(PoolError::DynamicFee);
        }
        if self.key.is_hooked() {
            return Err(PoolError::Hooked);
        }
        let fee = FeePpm::new(self.swap_fee(zero_for_one))?;
        let search = Search::Words(self.key.tick_spacing);
        Ok(Course { fee, search, last_step: LastStep::All })
    }

    fn follow(&mut self, event: &V4Event, journal: &mut Journal) -> Observed {
        match event {
            V4Event::Swap(swap) => self.ticked.follow(&V3Event::Swap(swap.swap), journal),
            V4Event::ModifyLiquidity { sender, lower, upper, delta } => {
                let Some((amount0, amount1)) = self.principal(*lower, *upper, *delta) else {
                    // The log's ticks are in range, where no amount is beyond 191 bits.
                    return Observed::default();
                };
                let (owner, liquidity) = (*sender, delta.unsigned_abs());
                let position =
                    V3Position { owner, lower: *lower, upper: *upper, liquidity, amount0, amount1 };
                let event =
                    if *delta > 0 { V3Event::Mint(position) } else { V3Event::Burn(position) };
                self.ticked.follow(&event, journal)
            }
            V4Event::ProtocolFee(protocol_fee) => {
                journal.note(PROTOCOL_FEE, || self.encode_part(PROTOCOL_FEE));
                self.protocol_fee = *protocol_fee;
                Observed::default()
            }
        }
    }

    /// Returns the tokens that a change of liquidity is worth, which the log does not tell; without the fees it earned.
    fn principal(&self, lower: i32, upper: i32, delta: i128) -> Option<(U256, U256)> {
        let (bottom, top) = (sqrt_ratio_at_tick(lower)?, sqrt_ratio_at_tick(upper)?);
        let price = self.ticked.sqrt_price_x96().clamp(bottom, top);
        let rounding = if delta > 0 { Rounding::Up } else { Rounding::Down };
        let liquidity = delta.unsigned_abs();
        let amount0 = amount0_delta(price, top, liquidity, rounding).ok()?;
        let amount1 = amount1_delta(bottom, price, liquidity, rounding).ok()?;
        Some((amount0, amount1))
    }
}

impl Ticked for UniswapV4 {
    fn ticked(&self) -> &UniswapV3 {
        &self.ticked
    }

    fn ticked_mut(&mut self) -> &mut UniswapV3 {
        &mut self.ticked
    }

    fn swap_to(
        &self,
        zero_for_one: bool,
        amount: Amount,
        sqrt_price_limit_x96: Option<U256>,
    ) -> Result<Swapped, PoolError> {
        let course = self.course(zero_for_one)?;
        let swapped = self.ticked.swap_along(course, zero_for_one, amount, sqrt_price_limit_x96)?;
        if swapped.amount_in.max(swapped.amount_out).bit_len() > AMOUNT_BITS {
            return Err(PoolError::Overflow);
        }
        Ok(swapped)
    }
}

impl PoolKind for UniswapV4 {
    const PROTOCOL: &'static str = "uniswap_v4";

    fn created(log: &Log<'_>, factory: &Factory) -> Result<Option<(PoolSpec, Self)>, DecodeError> {
        events::created(log, factory)
    }

    fn subject(log: &Log<'_>) -> Option<Address> {
        events::subject(log)
    }

    fn observe(&mut self, log: &Log<'_>, journal: &mut Journal) -> Result<Observed, DecodeError> {
        Ok(V4Event::decode(log)?.map_or_else(Observed::default, |event| self.follow(&event, journal)))
    }

    fn as_ticked(&self) -> Option<&dyn Ticked> {
        Some(self)
    }

    fn as_ticked_mut(&mut self) -> Option<&mut dyn Ticked> {
        Some(self)
    }

    fn state(&self) -> State {
        self.ticked.state()
    }

    fn fee_ppm(&self) -> Option<u32> {
        (!self.key.is_dynamic()).then(|| self.swap_fee(true))
    }

    fn call_terms(&self, spec: &PoolSpec, _token_in: &Address, _token_out: &Address) -> Option<CallTerms> {
        let is_ether = [spec.token0, spec.token1].contains(&[0; 20]);
        let extra = self.key.encoded(&spec.token0, &spec.token1);
        (!is_ether).then_some(CallTerms { called: spec.factory, extra })
    }

    fn tick_spacing(&self) -> Option<i32> {
        Some(self.key.tick_spacing)
    }

    fn is_complete(&self) -> bool {
        self.ticked.is_complete()
    }

    fn quote(&self, zero_for_one: bool, amount: Amount) -> Result<Quote, PoolError> {
        let quote = self.ticked.quote_along(self.course(zero_for_one)?, zero_for_one, amount)?;
        is_deliverable(&quote, amount)?;
        Ok(quote)
    }

    fn swap(&mut self, zero_for_one: bool, amount: Amount) -> Result<Quote, PoolError> {
        let course = self.course(zero_for_one)?;
        let mut after = self.ticked.clone();
        let quote = after.take_along(course, zero_for_one, amount)?;
        is_deliverable(&quote, amount)?;
        self.ticked = after;
        Ok(quote)
    }

    fn spot_price(&self) -> Result<Price, PoolError> {
        self.ticked.spot_price()
    }

    fn encode_terms(&self) -> Vec<u8> {
        let mut bytes = vec![RECORD_VERSION];
        bytes.extend_from_slice(&self.key.id);
        bytes.extend_from_slice(&self.key.fee.to_le_bytes());
        bytes.extend_from_slice(&self.key.tick_spacing.to_le_bytes());
        bytes.extend_from_slice(&self.key.hooks);
        bytes
    }

    fn decode_terms(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut reader = Reader::versioned(b"terms", bytes)?;
        let key = Key {
            id: reader.array("an id")?,
            fee: reader.u32("a fee")?,
            tick_spacing: i32::from_le_bytes(reader.array("a tick spacing")?),
            hooks: reader.array("a hook's address")?,
        };
        reader.finish()?;
        Self::new(key).map_err(|_| reader.refused("a fee and a tick spacing in range"))
    }

    fn encode_state(&self, write: &mut dyn FnMut(&[u8], Vec<u8>)) {
        self.ticked.encode_state(write);
        if let Some(bytes) = self.encode_part(PROTOCOL_FEE) {
            write(PROTOCOL_FEE, bytes);
        }
    }

    fn encode_part(&self, part: &[u8]) -> Option<Vec<u8>> {
        if part != PROTOCOL_FEE {
            return self.ticked.encode_part(part);
        }
        let mut bytes = vec![RECORD_VERSION];
        bytes.extend_from_slice(&self.protocol_fee.packed().to_le_bytes());
        Some(bytes)
    }

    fn decode_part(&mut self, part: &[u8], bytes: Option<&[u8]>) -> Result<(), RecordError> {
        if part != PROTOCOL_FEE {
            return self.ticked.decode_part(part, bytes);
        }
        let Some(bytes) = bytes else {
            self.protocol_fee = ProtocolFee::default();
            return Ok(());
        };
        let mut reader = Reader::versioned(part, bytes)?;
        let packed = reader.u32("a protocol fee")?;
        reader.finish()?;
        let fee = ProtocolFee::unpacked(packed);
        self.protocol_fee = fee.map_err(|_| reader.refused("protocol fees of at most a thousandth"))?;
        Ok(())
    }
}

/// Refuses what the quoter refuses: an amount that is not taken in full, and amounts that no account can hold.
fn is_deliverable(quote: &Quote, amount: Amount) -> Result<(), PoolError> {
    if matches!(amount, Amount::In(given) if quote.amount_in != given) {
        return Err(PoolError::Insufficient);
    }
    if quote.amount_in.max(quote.amount_out).bit_len() > AMOUNT_BITS {
        return Err(PoolError::Overflow);
    }
    Ok(())
}
