//! Algebra pools, such as `QuickSwap` V3: Uniswap V3's ranges and maths, one pool a pair, a fee that moves.
//!
//! Source: @cryptoalgebra/core 2.0.0 (V1) and 3.0.0 (V2), @cryptoalgebra/integral-core 1.2.10.

mod events;

use ruint::aliases::U256;

use crate::chain::{Address, Log};
use crate::error::{DecodeError, PoolError, RecordError};
use crate::factory::Factory;
use crate::kind::{Amount, CallTerms, Observed, PoolKind, PoolSpec, Price, Quote, State};
use crate::patch::{Journal, Reader, RECORD_VERSION};
use crate::ticked::Ticked;
use crate::uniswap_v3::{Course, FeePpm, LastStep, Search, Swapped, UniswapV3, V3Event};

pub use events::AlgebraEvent;

/// Key of the fees and of what forbids a quote; the keys of price and ticks are Uniswap V3's.
const FEES: &[u8] = &[3];

/// Spacing of the ticks of Algebra V1, by which its table divides them.
const V1_SPACING: i32 = 60;

/// Which of Algebra's code bases a pool runs: they differ in how they look for the next tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// V1, such as `QuickSwap` V3 on Polygon: a table of ticks divided by 60.
    V1,
    /// V1.9: a fee for each direction, a table of ticks as they are.
    V1Directional,
    /// V2: linked ticks, and limit orders.
    V2,
    /// Integral: linked ticks, and plugins.
    Integral,
}

impl Generation {
    /// Every generation, with its name in settings and snapshots.
    pub const ALL: [(&'static str, Self); 4] = [
        ("v1", Self::V1),
        ("v1_directional", Self::V1Directional),
        ("v2", Self::V2),
        ("integral", Self::Integral),
    ];

    /// Returns the generation of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, generation)| generation)
    }

    /// Returns its name in settings and snapshots.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V1Directional => "v1_directional",
            Self::V2 => "v2",
            Self::Integral => "integral",
        }
    }

    const fn search(self) -> Search {
        match self {
            Self::V1 => Search::Words(V1_SPACING),
            Self::V1Directional => Search::Words(1),
            Self::V2 | Self::Integral => Search::Linked,
        }
    }

    /// Returns the spacing that every tick keeps; later generations may change theirs, so that positions keep older ones.
    pub(crate) const fn spacing(self) -> i32 {
        match self {
            Self::V1 => V1_SPACING,
            Self::V1Directional | Self::V2 | Self::Integral => 1,
        }
    }
}

/// What a swap costs, and what makes that unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fees {
    /// Fee of swaps from token 0 to token 1 and of those back, in millionths; absent until told.
    pub ppm: Option<(u32, u32)>,
    /// Whether the pool's plugin set a fee of its own for the last swap.
    pub is_overridden: bool,
    /// Whether limit orders were placed: at their ticks more is traded than the ranges hold.
    pub has_limit_orders: bool,
}

/// An Algebra pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Algebra {
    generation: Generation,
    ticked: UniswapV3,
    fees: Fees,
}

impl Algebra {
    /// Returns a pool just created: no price, no liquidity, no fee told.
    pub fn new(generation: Generation) -> Self {
        let ticked = UniswapV3::with_fee(FeePpm::NONE, generation.spacing());
        Self { generation, ticked, fees: Fees::default() }
    }

    /// Sets the fees.
    ///
    /// # Errors
    /// `Fee` where one is not below one.
    pub fn set_fees(&mut self, fees: Fees) -> Result<(), PoolError> {
        if let Some((zero_for_one, one_for_zero)) = fees.ppm {
            FeePpm::new(zero_for_one)?;
            FeePpm::new(one_for_zero)?;
        }
        self.fees = fees;
        Ok(())
    }

    /// Returns the fees.
    pub const fn fees(&self) -> &Fees {
        &self.fees
    }

    /// Returns which code base the pool runs.
    pub const fn generation(&self) -> Generation {
        self.generation
    }

    fn course(&self, zero_for_one: bool) -> Result<Course, PoolError> {
        if self.fees.has_limit_orders {
            return Err(PoolError::LimitOrders);
        }
        if self.fees.is_overridden {
            return Err(PoolError::DynamicFee);
        }
        let (down, up) = self.fees.ppm.ok_or(PoolError::Incomplete)?;
        let fee = FeePpm::new(if zero_for_one { down } else { up })?;
        Ok(Course { fee, search: self.generation.search(), last_step: LastStep::UpToPrice })
    }

    fn follow(&mut self, event: &AlgebraEvent, journal: &mut Journal) -> Observed {
        match event {
            AlgebraEvent::Fees(zero_for_one, one_for_zero) => {
                let ppm = Some((*zero_for_one, *one_for_zero));
                self.change_fees(Fees { ppm, ..self.fees }, journal);
                Observed::default()
            }
            AlgebraEvent::SwapFee(swap, is_overridden) => {
                self.change_fees(Fees { is_overridden: *is_overridden, ..self.fees }, journal);
                swap.map_or_else(Observed::default, |swap| self.ticked.follow(&swap, journal))
            }
            AlgebraEvent::Ticked(event) => self.follow_ticked(event, journal),
        }
    }

    fn follow_ticked(&mut self, event: &V3Event, journal: &mut Journal) -> Observed {
        if let V3Event::Mint(position) | V3Event::Burn(position) = event {
            // A position without width is a limit order; what is left of it no log tells.
            if position.lower == position.upper {
                let is_mint = matches!(event, V3Event::Mint(_));
                let has_limit_orders = self.fees.has_limit_orders || is_mint;
                self.change_fees(Fees { has_limit_orders, ..self.fees }, journal);
                return Observed { deed: event.deed(), ..Observed::default() };
            }
        }
        self.ticked.follow(event, journal)
    }

    fn change_fees(&mut self, fees: Fees, journal: &mut Journal) {
        if self.fees != fees {
            journal.note(FEES, || self.encode_part(FEES));
            self.fees = fees;
        }
    }
}

impl Ticked for Algebra {
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
        self.ticked.swap_along(self.course(zero_for_one)?, zero_for_one, amount, sqrt_price_limit_x96)
    }
}

impl PoolKind for Algebra {
    const PROTOCOL: &'static str = "algebra";

    fn created(log: &Log<'_>, factory: &Factory) -> Result<Option<(PoolSpec, Self)>, DecodeError> {
        events::created(log, factory)
    }

    fn observe(&mut self, log: &Log<'_>, journal: &mut Journal) -> Result<Observed, DecodeError> {
        let event = AlgebraEvent::decode(log)?;
        Ok(event.map_or_else(Observed::default, |event| self.follow(&event, journal)))
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
        self.fees.ppm.filter(|_| !self.fees.is_overridden).map(|(zero_for_one, _)| zero_for_one)
    }

    fn call_terms(&self, spec: &PoolSpec, _token_in: &Address, _token_out: &Address) -> Option<CallTerms> {
        Some(CallTerms::new(spec.address, &[]))
    }

    fn tick_spacing(&self) -> Option<i32> {
        self.ticked.tick_spacing()
    }

    fn is_complete(&self) -> bool {
        self.ticked.is_complete() && self.fees.ppm.is_some()
    }

    fn quote(&self, zero_for_one: bool, amount: Amount) -> Result<Quote, PoolError> {
        self.ticked.quote_along(self.course(zero_for_one)?, zero_for_one, amount)
    }

    fn swap(&mut self, zero_for_one: bool, amount: Amount) -> Result<Quote, PoolError> {
        self.ticked.take_along(self.course(zero_for_one)?, zero_for_one, amount)
    }

    fn spot_price(&self) -> Result<Price, PoolError> {
        self.ticked.spot_price()
    }

    fn encode_terms(&self) -> Vec<u8> {
        let mut bytes = vec![RECORD_VERSION];
        bytes.extend_from_slice(self.generation.name().as_bytes());
        bytes
    }

    fn decode_terms(bytes: &[u8]) -> Result<Self, RecordError> {
        let reader = Reader::versioned(b"terms", bytes)?;
        let generation = std::str::from_utf8(reader.rest()).ok().and_then(Generation::named);
        generation.map(Self::new).ok_or_else(|| reader.refused("the name of a generation"))
    }

    fn encode_state(&self, write: &mut dyn FnMut(&[u8], Vec<u8>)) {
        self.ticked.encode_state(write);
        if let Some(bytes) = self.encode_part(FEES) {
            write(FEES, bytes);
        }
    }

    fn encode_part(&self, part: &[u8]) -> Option<Vec<u8>> {
        if part != FEES {
            return self.ticked.encode_part(part);
        }
        let flags = [self.fees.ppm.is_some(), self.fees.is_overridden, self.fees.has_limit_orders];
        let mut bytes = vec![RECORD_VERSION];
        bytes.extend(flags.map(u8::from));
        let (zero_for_one, one_for_zero) = self.fees.ppm.unwrap_or_default();
        bytes.extend_from_slice(&zero_for_one.to_le_bytes());
        bytes.extend_from_slice(&one_for_zero.to_le_bytes());
        Some(bytes)
    }

    fn decode_part(&mut self, part: &[u8], bytes: Option<&[u8]>) -> Result<(), RecordError> {
        if part != FEES {
            return self.ticked.decode_part(part, bytes);
        }
        let Some(bytes) = bytes else {
            self.fees = Fees::default();
            return Ok(());
        };
        let mut reader = Reader::versioned(part, bytes)?;
        let flags = reader.array::<3>("flags")?.map(|flag| flag != 0);
        let ppm = (reader.u32("a fee")?, reader.u32("a fee")?);
        reader.finish()?;
        let [is_told, is_overridden, has_limit_orders] = flags;
        let fees = Fees { ppm: is_told.then_some(ppm), is_overridden, has_limit_orders };
        self.set_fees(fees).map_err(|_| reader.refused("fees below one"))
    }
}
