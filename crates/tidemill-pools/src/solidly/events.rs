//! What the logs of Solidly pools and factories say.
//!
//! Source: Solidly `BaseV1Factory` and `BaseV1Pair`; Velodrome V2 and Aerodrome `IPoolFactory` and `IPool`.

use crate::abi::{hash, Fields};
use crate::chain::{Address, Hash, Log};
use crate::error::DecodeError;
use crate::factory::Factory;
use crate::kind::{Deed, PoolSpec};
use crate::uniswap_v2::{decode_burn, decode_swap, V2Event};

use super::{Rules, Solidly};

/// Topic of Solidly's `PairCreated`.
pub const PAIR_CREATED: Hash = hash("c4805696c66d7cf352fc1d6bb633ad5ee82f6cb577c453024b6e0eb8306c6fc9");
/// Topic of Velodrome V2's `PoolCreated`.
pub const POOL_CREATED: Hash = hash("2128d88d14c80cb081c1252a5acff7a264671bf199ce226b53788fb26065005e");
/// Topic of the factory's `SetCustomFee`.
pub const SET_CUSTOM_FEE: Hash = hash("ae468ce586f9a87660fdffc1448cee942042c16ae2f02046b134b5224f31936b");
/// Topic of `Sync`, with words of 256 bits.
pub const SYNC: Hash = hash("cf2aa50876cdfbb541206f89af0ee78d44a2abf8d328e37fa4917f982149848a");
/// Topic of Velodrome V2's `Swap`.
pub const SWAP: Hash = hash("b3e2773606abfd36b5bd91394b3a54d1398336c65005baf7bf7a05efeffaf75b");
/// Topic of Velodrome V2's `Burn`.
pub const BURN: Hash = hash("5d624aa9c148153ab3446c1b154f660ee7701e549fe9b62dab7171b1c80e6fa2");

/// An event that concerns a Solidly pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // one at a time, on the stack
pub enum SolidlyEvent {
    /// The reserves after any change.
    Sync {
        /// Reserve of token 0.
        reserve0: u128,
        /// Reserve of token 1.
        reserve1: u128,
    },
    /// The factory gave the pool a fee of its own, in ten-thousandths; 0 takes it back, 420 means none at all.
    CustomFee(u128),
    /// A swap, a mint or a burn.
    Deed(Deed),
}

impl SolidlyEvent {
    /// Reads a log; `None` for events that are none of these.
    ///
    /// # Errors
    /// Where the log claims to be one of these events and is malformed.
    pub fn decode(log: &Log<'_>) -> Result<Option<Self>, DecodeError> {
        let Some(topic) = log.topics.first() else { return Ok(None) };
        let event = match *topic {
            SYNC => {
                let fields = Fields::<1, 64>::of(log, "Sync")?;
                // The contract has 256 bits; no token's supply is beyond 128.
                return Ok(Some(Self::Sync {
                    reserve0: fields.word(0, "uint256 reserve0").unsigned(128)?,
                    reserve1: fields.word(1, "uint256 reserve1").unsigned(128)?,
                }));
            }
            SET_CUSTOM_FEE => {
                let fields = Fields::<2, 32>::of(log, "SetCustomFee")?;
                let fee = fields.word(0, "uint256 fee");
                return fee.unsigned(14).map(Self::CustomFee).map(Some);
            }
            SWAP => Some(decode_swap(log)?),
            BURN => Some(decode_burn(log)?),
            _ => V2Event::decode(log)?,
        };
        Ok(event.and_then(|event| event.deed()).map(Self::Deed))
    }
}

/// Returns the pool that a factory's log is about.
pub(super) fn subject(log: &Log<'_>) -> Option<Address> {
    match log.topics {
        [SET_CUSTOM_FEE, pool] => pool.last_chunk().copied(),
        _ => None,
    }
}

/// Reads a factory's log.
pub(super) fn created(
    log: &Log<'_>,
    factory: &Factory,
) -> Result<Option<(PoolSpec, Solidly)>, DecodeError> {
    let (rules, token0, token1, is_stable, address) = match log.topics.first() {
        Some(&PAIR_CREATED) => {
            let fields = Fields::<3, 96>::of(log, "PairCreated")?;
            let (token0, token1) = (fields.topic(1, "address token0"), fields.topic(2, "address token1"));
            let is_stable = fields.word(0, "bool stable").unsigned(1)?;
            let pair = fields.word(1, "address pair").address()?;
            (Rules::Solidly, token0.address()?, token1.address()?, is_stable, pair)
        }
        Some(&POOL_CREATED) => {
            let fields = Fields::<4, 64>::of(log, "PoolCreated")?;
            let (token0, token1) = (fields.topic(1, "address token0"), fields.topic(2, "address token1"));
            let is_stable = fields.topic(3, "bool stable").unsigned(1)?;
            let pool = fields.word(0, "address pool").address()?;
            (Rules::Velodrome, token0.address()?, token1.address()?, is_stable, pool)
        }
        _ => return Ok(None),
    };
    let (dex, factory) = (factory.dex.clone(), factory.address);
    let spec = PoolSpec { address, dex, factory, token0, token1 };
    Ok(Some((spec, Solidly::new(rules, is_stable == 1))))
}
