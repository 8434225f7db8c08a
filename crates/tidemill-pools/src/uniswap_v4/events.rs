//! What the logs of the V4 `PoolManager` say: one contract speaks for all pools and names each by its id.
//!
//! Source: @uniswap/v4-core 1.0.2, `IPoolManager`, `IProtocolFees`.

use ruint::aliases::U256;

use crate::abi::{hash, Fields, Word};
use crate::chain::{Address, Hash, Log};
use crate::error::DecodeError;
use crate::factory::Factory;
use crate::kind::PoolSpec;
use crate::ticked::Ticked;
use crate::uniswap_v3::tick_math::{MAX_TICK, MIN_TICK};
use crate::uniswap_v3::V3Swap;

use super::{pool_address, Key, ProtocolFee, UniswapV4};

/// Topic of `Initialize`.
pub const INITIALIZE: Hash = hash("dd466e674ea557f56295e2d0218a125ea4b4f0f6f3307b95f85e6110838d6438");
/// Topic of `Swap`.
pub const SWAP: Hash = hash("40e9cecb9f5f1f1c5b9c97dec2917b7ee92e57ba5563708daca94dd84ad7112f");
/// Topic of `ModifyLiquidity`.
pub const MODIFY_LIQUIDITY: Hash = hash("f208f4912782fd25c7f114ca3723a2d5dd6f3bcc3ac8db5af63baa85f711d5ec");
/// Topic of `ProtocolFeeUpdated`.
pub const PROTOCOL_FEE_UPDATED: Hash =
    hash("e9c42593e71f84403b84352cd168d693e2c9fcd1fdbcc3feb21d92b43e6696f9");

/// An event of a V4 pool that changes its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum V4Event {
    /// A swap; amounts are the pool's gains, as Uniswap V3 tells them and unlike the log itself.
    Swap(V4Swap),
    /// A position changed.
    ModifyLiquidity {
        /// Who called the manager.
        sender: Address,
        /// Lower tick.
        lower: i32,
        /// Upper tick.
        upper: i32,
        /// Liquidity added, or taken away below zero.
        delta: i128,
    },
    /// The protocol's share.
    ProtocolFee(ProtocolFee),
}

/// A swap as the event tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct V4Swap {
    /// What V3's event has too; the recipient is the sender, whose account with the manager was settled.
    pub swap: V3Swap,
    /// Fee of this swap, the protocol's share in it, in millionths.
    pub fee_ppm: u32,
}

impl V4Event {
    /// Reads a log; `None` for events that change no pool that is there already.
    ///
    /// # Errors
    /// Where the log claims to be one of these events and is malformed.
    pub fn decode(log: &Log<'_>) -> Result<Option<Self>, DecodeError> {
        let Some(topic) = log.topics.first() else { return Ok(None) };
        match *topic {
            SWAP => decode_swap(log).map(Some),
            MODIFY_LIQUIDITY => {
                let fields = Fields::<3, 128>::of(log, "ModifyLiquidity")?;
                let bounds = (fields.word(0, "int24 tickLower"), fields.word(1, "int24 tickUpper"));
                let (lower, upper) = (bounds.0.i24()?, bounds.1.i24()?);
                if lower < MIN_TICK || lower >= upper {
                    return Err(bounds.0.refused());
                }
                if upper > MAX_TICK {
                    return Err(bounds.1.refused());
                }
                let sender = fields.topic(2, "address sender").address()?;
                let delta = fields.word(2, "int256 liquidityDelta").i128()?;
                Ok(Some(Self::ModifyLiquidity { sender, lower, upper, delta }))
            }
            PROTOCOL_FEE_UPDATED => {
                let fields = Fields::<2, 32>::of(log, "ProtocolFeeUpdated")?;
                let word = fields.word(0, "uint24 protocolFee");
                let fee = ProtocolFee::unpacked(word.u24()?).map_err(|_| word.refused())?;
                Ok(Some(Self::ProtocolFee(fee)))
            }
            _ => Ok(None),
        }
    }
}

fn decode_swap(log: &Log<'_>) -> Result<V4Event, DecodeError> {
    let fields = Fields::<3, 192>::of(log, "Swap")?;
    let sender = fields.topic(2, "address sender").address()?;
    // The log has the swapper's side, which pays with a minus.
    let gain = |word: Word<'_>| -> Result<U256, DecodeError> {
        word.i128()?;
        Ok(word.u256().wrapping_neg())
    };
    let swap = V3Swap {
        sender,
        recipient: sender,
        amount0: gain(fields.word(0, "int128 amount0"))?,
        amount1: gain(fields.word(1, "int128 amount1"))?,
        sqrt_price_x96: fields.word(2, "uint160 sqrtPriceX96").u160()?,
        liquidity: fields.word(3, "uint128 liquidity").unsigned(128)?,
        tick: fields.word(4, "int24 tick").i24()?,
    };
    Ok(V4Event::Swap(V4Swap { swap, fee_ppm: fields.word(5, "uint24 fee").u24()? }))
}

/// Returns the pool that a log of the manager is about, unless it makes one.
pub(super) fn subject(log: &Log<'_>) -> Option<Address> {
    match log.topics {
        [SWAP | MODIFY_LIQUIDITY | PROTOCOL_FEE_UPDATED, id, ..] => Some(pool_address(id)),
        _ => None,
    }
}

/// Reads a log of the manager.
pub(super) fn created(
    log: &Log<'_>,
    factory: &Factory,
) -> Result<Option<(PoolSpec, UniswapV4)>, DecodeError> {
    if log.topics.first() != Some(&INITIALIZE) {
        return Ok(None);
    }
    let fields = Fields::<4, 160>::of(log, "Initialize")?;
    let id = log.topics.get(1).copied().unwrap_or_default();
    let spacing = fields.word(1, "int24 tickSpacing");
    let key = Key {
        id,
        fee: fields.word(0, "uint24 fee").u24()?,
        tick_spacing: spacing.i24()?,
        hooks: fields.word(2, "address hooks").address()?,
    };
    let Ok(mut pool) = UniswapV4::new(key) else { return Err(spacing.refused()) };
    pool.set_slot(fields.word(3, "uint160 sqrtPriceX96").u160()?, fields.word(4, "int24 tick").i24()?, 0);
    let spec = PoolSpec {
        address: pool_address(&id),
        dex: factory.dex.clone(),
        factory: factory.address,
        token0: fields.topic(2, "address currency0").address()?,
        token1: fields.topic(3, "address currency1").address()?,
    };
    Ok(Some((spec, pool)))
}
