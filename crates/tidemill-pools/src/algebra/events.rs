//! What the logs of Algebra pools and factories say, where they are not Uniswap V3's.
//!
//! Source: @cryptoalgebra/core 2.0.0 and 3.0.0, @cryptoalgebra/integral-core 1.2.10, `IAlgebraPoolEvents`, `IAlgebraFactory`.

use crate::abi::{hash, Fields};
use crate::chain::{Hash, Log};
use crate::error::DecodeError;
use crate::factory::Factory;
use crate::kind::PoolSpec;
use crate::uniswap_v3::{decode_burn, decode_swap, V3Event};

use super::Algebra;

/// Topic of the factory's `Pool`.
pub const POOL: Hash = hash("91ccaa7a278130b65168c3a0c8d3bcae84cf5e43704342bd3ec0b59e59c036db");
/// Topic of the factory's `CustomPool`.
pub const CUSTOM_POOL: Hash = hash("8a5f030f5fc13b04a1e4ef7c47177e3d76b0e80e1d9be9843db37caa5b7b9b8f");
/// Topic of `Fee`.
pub const FEE: Hash = hash("598b9f043c813aa6be3426ca60d1c65d17256312890be5118dab55b0775ebe2a");
/// Topic of `Fee` with one for each direction.
pub const DIRECTIONAL_FEE: Hash = hash("8a89de70856bccec096661388f305b9a75f5f65cb0d8a0e1e803c39dabedb57f");
/// Topic of `SwapFee`.
pub const SWAP_FEE: Hash = hash("9443903d84c9719611bd4bba871daaf18a3950d00d5d78b1a2fa701f76df54ff");
/// Topic of `Swap` with its fees.
pub const SWAP_WITH_FEES: Hash = hash("121cb44ee54098b1a04743c487e7460d8dd429b27f88b1f4d4767396e1a59f79");
/// Topic of `Burn` with the plugin's fee.
pub const BURN_WITH_FEE: Hash = hash("932214d4a69c27c086643126ed97c32681da179064c678836c173f99bd13ca01");

/// An event of an Algebra pool that changes its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlgebraEvent {
    /// One that Uniswap V3 has too.
    Ticked(V3Event),
    /// The fees of swaps from token 0 to token 1 and back, in millionths, from the next swap on.
    Fees(u32, u32),
    /// A swap, where its log says so, and whether its plugin set a fee of its own for it.
    SwapFee(Option<V3Event>, bool),
}

impl AlgebraEvent {
    /// Reads a log; `None` for events that change no state.
    ///
    /// # Errors
    /// Where the log claims to be one of these events and is malformed.
    pub fn decode(log: &Log<'_>) -> Result<Option<Self>, DecodeError> {
        let Some(topic) = log.topics.first() else { return Ok(None) };
        match *topic {
            FEE => {
                let fee = Fields::<1, 32>::of(log, "Fee")?.word(0, "uint16 fee").u16()?;
                Ok(Some(Self::Fees(fee, fee)))
            }
            DIRECTIONAL_FEE => {
                let fields = Fields::<1, 64>::of(log, "Fee")?;
                let fees = (fields.word(0, "uint16 feeZto").u16()?, fields.word(1, "uint16 feeOtz").u16()?);
                Ok(Some(Self::Fees(fees.0, fees.1)))
            }
            SWAP_FEE => {
                let fields = Fields::<2, 64>::of(log, "SwapFee")?;
                let fees = (fields.word(0, "uint24 overrideFee"), fields.word(1, "uint24 pluginFee"));
                Ok(Some(Self::SwapFee(None, (fees.0.u24()? | fees.1.u24()?) != 0)))
            }
            SWAP_WITH_FEES => {
                let fields = Fields::<3, 224>::of(log, "Swap")?;
                let fees = (fields.word(5, "uint24 overrideFee"), fields.word(6, "uint24 pluginFee"));
                let is_own = (fees.0.u24()? | fees.1.u24()?) != 0;
                Ok(Some(Self::SwapFee(Some(V3Event::Swap(decode_swap(&fields)?)), is_own)))
            }
            BURN_WITH_FEE => decode_burn::<128>(log).map(|event| Some(Self::Ticked(event))),
            _ => Ok(V3Event::decode(log)?.map(Self::Ticked)),
        }
    }
}

/// Reads a factory's log.
pub(super) fn created(
    log: &Log<'_>,
    factory: &Factory,
) -> Result<Option<(PoolSpec, Algebra)>, DecodeError> {
    let (token0, token1, address) = match log.topics.first() {
        Some(&POOL) => {
            let fields = Fields::<3, 32>::of(log, "Pool")?;
            let (token0, token1) = (fields.topic(1, "address token0"), fields.topic(2, "address token1"));
            (token0.address()?, token1.address()?, fields.word(0, "address pool").address()?)
        }
        Some(&CUSTOM_POOL) => {
            let fields = Fields::<4, 32>::of(log, "CustomPool")?;
            let (token0, token1) = (fields.topic(2, "address token0"), fields.topic(3, "address token1"));
            (token0.address()?, token1.address()?, fields.word(0, "address pool").address()?)
        }
        _ => return Ok(None),
    };
    let spec =
        PoolSpec { address, dex: factory.dex.clone(), factory: factory.address, token0, token1 };
    Ok(Some((spec, Algebra::new(factory.generation))))
}
