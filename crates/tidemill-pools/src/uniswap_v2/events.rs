//! What the logs of V2 pairs and factories say.
//!
//! Source: Uniswap/v2-core, `IUniswapV2Pair`, `IUniswapV2Factory`.

use ruint::aliases::U256;

use crate::abi::{hash, Fields};
use crate::chain::{Address, Hash, Log};
use crate::error::DecodeError;
use crate::factory::Factory;
use crate::kind::{Deed, Moved, PoolSpec, Traded};

use super::UniswapV2;

/// Topic of `PairCreated`.
pub const PAIR_CREATED: Hash = hash("0d3648bd0f6ba80134a33ba9275ac585d9d315f0ad8355cddefde31afa28d0e9");
/// Topic of `Sync`.
pub const SYNC: Hash = hash("1c411e9a96e071241c2f21f7726b17ae89e3cab4c78be50e062b03a9fffbbad1");
/// Topic of `Swap`.
pub const SWAP: Hash = hash("d78ad95fa46c994b6551d0da85fc275fe613ce37657fb8d5e3d130840159d822");
/// Topic of `Mint`.
pub const MINT: Hash = hash("4c209b5fc8ad50758f13e2e1088ba56a560dff690a1c6fef26394f4c03821c4f");
/// Topic of `Burn`.
pub const BURN: Hash = hash("dccd412f0b1252819cb1fd330b93224ca42612892bb3f4f789976e6d81936496");

/// An event of a V2 pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum V2Event {
    /// The reserves after any change.
    Sync {
        /// Reserve of token 0.
        reserve0: u128,
        /// Reserve of token 1.
        reserve1: u128,
    },
    /// A swap.
    Swap(V2Swap),
    /// Liquidity added.
    Mint {
        /// Who called the pair.
        sender: Address,
        /// Token 0, raw units.
        amount0: U256,
        /// Token 1, raw units.
        amount1: U256,
    },
    /// Liquidity taken away.
    Burn {
        /// Who received the tokens.
        recipient: Address,
        /// Token 0, raw units.
        amount0: U256,
        /// Token 1, raw units.
        amount1: U256,
    },
}

/// A swap as the event tells it, raw units seen from the pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct V2Swap {
    /// Who called the pair.
    pub sender: Address,
    /// Who was paid.
    pub recipient: Address,
    /// Token 0 paid in.
    pub amount0_in: U256,
    /// Token 1 paid in.
    pub amount1_in: U256,
    /// Token 0 paid out.
    pub amount0_out: U256,
    /// Token 1 paid out.
    pub amount1_out: U256,
}

impl V2Event {
    /// Reads a log; `None` for events that are none of these.
    ///
    /// # Errors
    /// Where the log claims to be one of these events and is malformed.
    #[inline]
    pub fn decode(log: &Log<'_>) -> Result<Option<Self>, DecodeError> {
        let Some(topic) = log.topics.first() else { return Ok(None) };
        match *topic {
            SYNC => decode_sync(log).map(Some),
            SWAP => decode_swap(log).map(Some),
            MINT => decode_mint(log).map(Some),
            BURN => decode_burn(log).map(Some),
            _ => Ok(None),
        }
    }

    /// Returns the event of its own that this is; `None` for `Sync`, which only tells state.
    pub fn deed(&self) -> Option<Deed> {
        let liquidity = |is_mint, owner, amount0, amount1| {
            let (liquidity, tick_lower, tick_upper) = (None, None, None);
            Deed::Liquidity(Moved { is_mint, owner, amount0, amount1, liquidity, tick_lower, tick_upper })
        };
        match *self {
            Self::Sync { .. } => None,
            Self::Swap(swap) => Some(Deed::Swap(swap.traded())),
            Self::Mint { sender, amount0, amount1 } => Some(liquidity(true, sender, amount0, amount1)),
            Self::Burn { recipient, amount0, amount1 } => Some(liquidity(false, recipient, amount0, amount1)),
        }
    }
}

impl V2Swap {
    fn traded(&self) -> Traded {
        Traded {
            sender: Some(self.sender),
            recipient: Some(self.recipient),
            tokens: None,
            amount0_in: self.amount0_in,
            amount1_in: self.amount1_in,
            amount0_out: self.amount0_out,
            amount1_out: self.amount1_out,
            sqrt_price_x96: None,
            liquidity: None,
            tick: None,
        }
    }
}

#[inline]
fn decode_sync(log: &Log<'_>) -> Result<V2Event, DecodeError> {
    let fields = Fields::<1, 64>::of(log, "Sync")?;
    Ok(V2Event::Sync {
        reserve0: fields.word(0, "uint112 reserve0").unsigned(112)?,
        reserve1: fields.word(1, "uint112 reserve1").unsigned(112)?,
    })
}

#[inline]
pub(crate) fn decode_swap(log: &Log<'_>) -> Result<V2Event, DecodeError> {
    let fields = Fields::<3, 128>::of(log, "Swap")?;
    Ok(V2Event::Swap(V2Swap {
        sender: fields.topic(1, "address sender").address()?,
        recipient: fields.topic(2, "address to").address()?,
        amount0_in: fields.word(0, "uint256 amount0In").u256(),
        amount1_in: fields.word(1, "uint256 amount1In").u256(),
        amount0_out: fields.word(2, "uint256 amount0Out").u256(),
        amount1_out: fields.word(3, "uint256 amount1Out").u256(),
    }))
}

fn decode_mint(log: &Log<'_>) -> Result<V2Event, DecodeError> {
    let fields = Fields::<2, 64>::of(log, "Mint")?;
    Ok(V2Event::Mint {
        sender: fields.topic(1, "address sender").address()?,
        amount0: fields.word(0, "uint256 amount0").u256(),
        amount1: fields.word(1, "uint256 amount1").u256(),
    })
}

pub(crate) fn decode_burn(log: &Log<'_>) -> Result<V2Event, DecodeError> {
    let fields = Fields::<3, 64>::of(log, "Burn")?;
    Ok(V2Event::Burn {
        recipient: fields.topic(2, "address to").address()?,
        amount0: fields.word(0, "uint256 amount0").u256(),
        amount1: fields.word(1, "uint256 amount1").u256(),
    })
}

/// Reads a factory's log.
pub(super) fn created(
    log: &Log<'_>,
    factory: &Factory,
) -> Result<Option<(PoolSpec, UniswapV2)>, DecodeError> {
    if log.topics.first() != Some(&PAIR_CREATED) {
        return Ok(None);
    }
    let fields = Fields::<3, 64>::of(log, "PairCreated")?;
    let spec = PoolSpec {
        address: fields.word(0, "address pair").address()?,
        dex: factory.dex.clone(),
        factory: factory.address,
        token0: fields.topic(1, "address token0").address()?,
        token1: fields.topic(2, "address token1").address()?,
    };
    Ok(Some((spec, UniswapV2::new(factory.fee))))
}
