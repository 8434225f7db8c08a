//! What the logs of V3 pools and factories say, and how a pool follows them.
//!
//! Source: Uniswap/v3-core, `IUniswapV3PoolEvents`; `PancakeSwap`'s Swap carries two more words, its protocol fees.

use ruint::aliases::U256;

use crate::abi::{hash, Fields};
use crate::chain::{Address, Hash, Log};
use crate::error::{DecodeError, PoolError};
use crate::factory::Factory;
use crate::kind::{Contradiction, Deed, Moved, Observed, PoolSpec, Traded};
use crate::patch::Journal;

use super::record::{encode_part, tick_part, SLOT};
use super::ticks::add_liquidity;
use super::UniswapV3;

/// Topic of `PoolCreated`.
pub const POOL_CREATED: Hash = hash("783cca1c0412dd0d695e784568c96da2e9c22ff989357a2e8b1d9b2b4e6b7118");
/// Topic of `Initialize`.
pub const INITIALIZE: Hash = hash("98636036cb66a9c19a37435efc1e90142190214e8abeb821bdba3f2990dd4c95");
/// Topic of `Mint`.
pub const MINT: Hash = hash("7a53080ba414158be7ec69b987b5fb7d07dee101fe85488f0853ae16239d0bde");
/// Topic of `Burn`.
pub const BURN: Hash = hash("0c396cd989a39f4459b5fa1aed6a9a8dcdbc45908acfd67e028cd568da98982c");
/// Topic of `Swap`.
pub const SWAP: Hash = hash("c42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67");
/// Topic of `PancakeSwap`'s `Swap`.
pub const PANCAKE_SWAP: Hash = hash("19b47279256b2a23a1665c810c8d55a1758940ee09377d4f8d26497a3577dc83");

/// An event of a V3 pool that changes its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum V3Event {
    /// The pool's first price.
    Initialize {
        /// Square root of the price, in 2^-96.
        sqrt_price_x96: U256,
        /// Tick of the price.
        tick: i32,
    },
    /// A swap.
    Swap(V3Swap),
    /// Liquidity added.
    Mint(V3Position),
    /// Liquidity taken away.
    Burn(V3Position),
}

/// A swap as the event tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct V3Swap {
    /// Who called the pool.
    pub sender: Address,
    /// Who was paid.
    pub recipient: Address,
    /// The pool's gain of token 0, in two's complement.
    pub amount0: U256,
    /// The pool's gain of token 1, in two's complement.
    pub amount1: U256,
    /// Square root of the price after it, in 2^-96.
    pub sqrt_price_x96: U256,
    /// Liquidity in range after it.
    pub liquidity: u128,
    /// Tick after it.
    pub tick: i32,
}

/// A change of a position as the event tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct V3Position {
    /// Whose position.
    pub owner: Address,
    /// Lower tick.
    pub lower: i32,
    /// Upper tick.
    pub upper: i32,
    /// Liquidity added or taken away.
    pub liquidity: u128,
    /// Token 0, raw units.
    pub amount0: U256,
    /// Token 1, raw units.
    pub amount1: U256,
}

impl V3Event {
    /// Reads a log; `None` for events that change no state.
    ///
    /// # Errors
    /// Where the log claims to be one of these events and is malformed.
    #[inline]
    pub fn decode(log: &Log<'_>) -> Result<Option<Self>, DecodeError> {
        let Some(topic) = log.topics.first() else { return Ok(None) };
        match *topic {
            SWAP => Ok(Some(Self::Swap(decode_swap(&Fields::<3, 160>::of(log, "Swap")?)?))),
            PANCAKE_SWAP => Ok(Some(Self::Swap(decode_swap(&Fields::<3, 224>::of(log, "Swap")?)?))),
            MINT => decode_mint(log).map(Some),
            BURN => decode_burn::<96>(log).map(Some),
            INITIALIZE => decode_initialize(log).map(Some),
            _ => Ok(None),
        }
    }

    /// Returns the event of its own that this is; `None` for `Initialize`, which only tells state.
    pub fn deed(&self) -> Option<Deed> {
        match self {
            Self::Initialize { .. } => None,
            Self::Swap(swap) => Some(swap.deed()),
            Self::Mint(position) => Some(position.deed(true)),
            Self::Burn(position) => Some(position.deed(false)),
        }
    }
}

#[inline]
pub(crate) fn decode_swap<const B: usize>(fields: &Fields<'_, 3, B>) -> Result<V3Swap, DecodeError> {
    Ok(V3Swap {
        sender: fields.topic(1, "address sender").address()?,
        recipient: fields.topic(2, "address recipient").address()?,
        amount0: fields.word(0, "int256 amount0").u256(),
        amount1: fields.word(1, "int256 amount1").u256(),
        sqrt_price_x96: fields.word(2, "uint160 sqrtPriceX96").u160()?,
        liquidity: fields.word(3, "uint128 liquidity").unsigned(128)?,
        tick: fields.word(4, "int24 tick").i24()?,
    })
}

fn decode_mint(log: &Log<'_>) -> Result<V3Event, DecodeError> {
    let fields = Fields::<4, 128>::of(log, "Mint")?;
    Ok(V3Event::Mint(V3Position {
        owner: fields.topic(1, "address owner").address()?,
        lower: fields.topic(2, "int24 tickLower").i24()?,
        upper: fields.topic(3, "int24 tickUpper").i24()?,
        liquidity: fields.word(1, "uint128 amount").unsigned(128)?,
        amount0: fields.word(2, "uint256 amount0").u256(),
        amount1: fields.word(3, "uint256 amount1").u256(),
    }))
}

pub(crate) fn decode_burn<const B: usize>(log: &Log<'_>) -> Result<V3Event, DecodeError> {
    let fields = Fields::<4, B>::of(log, "Burn")?;
    Ok(V3Event::Burn(V3Position {
        owner: fields.topic(1, "address owner").address()?,
        lower: fields.topic(2, "int24 tickLower").i24()?,
        upper: fields.topic(3, "int24 tickUpper").i24()?,
        liquidity: fields.word(0, "uint128 amount").unsigned(128)?,
        amount0: fields.word(1, "uint256 amount0").u256(),
        amount1: fields.word(2, "uint256 amount1").u256(),
    }))
}

fn decode_initialize(log: &Log<'_>) -> Result<V3Event, DecodeError> {
    let fields = Fields::<1, 64>::of(log, "Initialize")?;
    Ok(V3Event::Initialize {
        sqrt_price_x96: fields.word(0, "uint160 sqrtPriceX96").u160()?,
        tick: fields.word(1, "int24 tick").i24()?,
    })
}

/// Reads a factory's log.
pub(super) fn created(
    log: &Log<'_>,
    factory: &Factory,
) -> Result<Option<(PoolSpec, UniswapV3)>, DecodeError> {
    if log.topics.first() != Some(&POOL_CREATED) {
        return Ok(None);
    }
    let fields = Fields::<4, 64>::of(log, "PoolCreated")?;
    let fee = fields.topic(3, "uint24 fee");
    let spacing = fields.word(0, "int24 tickSpacing");
    let Ok(pool) = UniswapV3::new(fee.u24()?, spacing.i24()?) else {
        return Err(spacing.refused());
    };
    let spec = PoolSpec {
        address: fields.word(1, "address pool").address()?,
        dex: factory.dex.clone(),
        factory: factory.address,
        token0: fields.topic(1, "address token0").address()?,
        token1: fields.topic(2, "address token1").address()?,
    };
    Ok(Some((spec, pool)))
}

impl V3Swap {
    fn deed(&self) -> Deed {
        let (amount0_in, amount0_out) = split(self.amount0);
        let (amount1_in, amount1_out) = split(self.amount1);
        Deed::Swap(Traded {
            sender: Some(self.sender),
            recipient: Some(self.recipient),
            tokens: None,
            amount0_in,
            amount1_in,
            amount0_out,
            amount1_out,
            sqrt_price_x96: Some(self.sqrt_price_x96),
            liquidity: Some(self.liquidity),
            tick: Some(self.tick),
        })
    }
}

/// Splits a signed amount into what came in and what went out.
#[inline]
fn split(amount: U256) -> (U256, U256) {
    if amount.bit(255) { (U256::ZERO, amount.wrapping_neg()) } else { (amount, U256::ZERO) }
}

impl V3Position {
    fn deed(&self, is_mint: bool) -> Deed {
        Deed::Liquidity(Moved {
            is_mint,
            owner: self.owner,
            amount0: self.amount0,
            amount1: self.amount1,
            liquidity: Some(self.liquidity),
            tick_lower: Some(self.lower),
            tick_upper: Some(self.upper),
        })
    }
}

impl UniswapV3 {
    /// Moves the pool to the state after `event`.
    pub(crate) fn follow(&mut self, event: &V3Event, journal: &mut Journal) -> Observed {
        journal.note(SLOT, || encode_part(self, SLOT));
        match event {
            V3Event::Initialize { sqrt_price_x96, tick } => {
                self.set_slot(*sqrt_price_x96, *tick, 0);
                // Nothing can have been minted before the first price, so nothing is unknown.
                self.is_complete = true;
                Observed { has_state: true, ..Observed::default() }
            }
            V3Event::Swap(swap) => self.follow_swap(swap),
            V3Event::Mint(position) => self.follow_position(position, true, journal),
            V3Event::Burn(position) => self.follow_position(position, false, journal),
        }
    }

    fn follow_swap(&mut self, swap: &V3Swap) -> Observed {
        let contradiction = if self.is_complete { self.contradiction(swap) } else { None };
        self.is_complete &= contradiction.is_none();
        self.set_slot(swap.sqrt_price_x96, swap.tick, swap.liquidity);
        Observed { deed: Some(swap.deed()), has_state: true, contradiction }
    }

    /// Compares the liquidity after a swap with what the ticks between its two prices make of the liquidity before.
    fn contradiction(&self, swap: &V3Swap) -> Option<Contradiction> {
        let expected = if self.sqrt_price_x96.is_zero() {
            None
        } else {
            self.ticks.liquidity_between(self.liquidity, self.tick, swap.tick).ok()
        };
        (expected != Some(swap.liquidity)).then_some(Contradiction { expected, found: swap.liquidity })
    }

    fn follow_position(&mut self, position: &V3Position, is_mint: bool, journal: &mut Journal) -> Observed {
        let before = self.liquidity;
        let contradiction = self.move_position(position, is_mint, journal).err().map(|_| {
            self.is_complete = false;
            Contradiction { expected: None, found: position.liquidity }
        });
        Observed {
            deed: Some(position.deed(is_mint)),
            has_state: self.liquidity != before,
            contradiction,
        }
    }

    fn move_position(
        &mut self,
        position: &V3Position,
        is_mint: bool,
        journal: &mut Journal,
    ) -> Result<(), PoolError> {
        let V3Position { lower, upper, liquidity, .. } = *position;
        let delta = i128::try_from(liquidity).map_err(|_| PoolError::Overflow)?;
        let delta = if is_mint { delta } else { -delta };
        if !self.is_complete {
            // Its ticks are unknown, but the liquidity in range is known since the last swap.
            if !self.sqrt_price_x96.is_zero() && lower <= self.tick && self.tick < upper {
                self.liquidity = add_liquidity(self.liquidity, delta).unwrap_or(self.liquidity);
            }
            return Ok(());
        }
        self.check_range(lower, upper)?; // a tick that cannot be has no record to undo
        for tick in [lower, upper] {
            let part = tick_part(tick);
            journal.note(&part, || encode_part(self, &part));
        }
        self.change_liquidity(lower, upper, delta)
    }
}
