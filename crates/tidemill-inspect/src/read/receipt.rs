//! The answer to `eth_getBlockReceipts`, with or without its logs.

use ruint::aliases::U256;
use serde::Deserialize;
use tidemill_frames::{FrameError, Hex};

use super::amount::Amount;
use super::{address, parsed, Building};
use crate::block::Event;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a receipt")]
struct RawReceipt<'a> {
    #[serde(borrow, alias = "transaction_hash")]
    transaction_hash: Hex<'a>,
    #[serde(borrow, alias = "transaction_index")]
    transaction_index: Amount<'a>,
    #[serde(borrow, alias = "block_number")]
    block_number: Option<Amount<'a>>,
    #[serde(borrow)]
    from: Option<Hex<'a>>,
    #[serde(borrow)]
    to: Option<Hex<'a>>,
    #[serde(borrow)]
    status: Option<Amount<'a>>,
    /// What receipts had before they had a status; some nodes spell no root as no bytes.
    #[serde(borrow)]
    root: Option<Hex<'a>>,
    #[serde(borrow, alias = "gas_used")]
    gas_used: Option<Amount<'a>>,
    #[serde(borrow, alias = "effective_gas_price")]
    effective_gas_price: Option<Amount<'a>>,
    /// What rollups of the OP stack take beside the gas: for the chain below, and since Isthmus for their operator.
    #[serde(borrow, alias = "l1_fee")]
    l1_fee: Option<Amount<'a>>,
    #[serde(borrow, alias = "operator_fee_scalar")]
    operator_fee_scalar: Option<Amount<'a>>,
    #[serde(borrow, alias = "operator_fee_constant")]
    operator_fee_constant: Option<Amount<'a>>,
    /// Which receipts have since Jovian.
    #[serde(alias = "da_footprint_gas_scalar")]
    da_footprint_gas_scalar: Option<serde::de::IgnoredAny>,
    #[serde(borrow)]
    logs: Option<Vec<RawLog<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a log")]
struct RawLog<'a> {
    #[serde(borrow)]
    address: Hex<'a>,
    #[serde(borrow)]
    topics: Vec<Hex<'a>>,
    #[serde(borrow)]
    data: Hex<'a>,
    #[serde(borrow)]
    log_index: Amount<'a>,
}

pub(super) fn read(text: &[u8], building: &mut Building) -> Result<(), FrameError> {
    let receipts: Vec<RawReceipt<'_>> = parsed("receipts", "a list of receipts", text)?;
    for raw in receipts {
        if let Some(number) = raw.block_number {
            building.number(number.u64("receipt blockNumber")?)?;
        }
        let hash = raw.transaction_hash.bytes("receipt transactionHash")?;
        let tx = building.tx(hash, raw.transaction_index.u32("receipt transactionIndex")?)?;
        tx.from = address(raw.from, "receipt from")?.or(tx.from);
        tx.to = address(raw.to, "receipt to")?.or(tx.to);
        let status = raw.status.map(|status| status.u64("receipt status")).transpose()?;
        let has_status = raw.root.is_none_or(|root| root.0.len() <= 2);
        tx.is_success = status.filter(|_| has_status).map(|status| status == 1).or(tx.is_success);
        tx.gas_used = raw.gas_used.map(|gas| gas.u64("receipt gasUsed")).transpose()?;
        tx.gas_price_wei =
            raw.effective_gas_price.map(|price| price.u128("receipt effectiveGasPrice")).transpose()?;
        tx.rollup_fee_wei = raw.rollup_fee_wei(tx.gas_used.unwrap_or_default())?; // without its gas no fee is told
        if let Some(logs) = raw.logs {
            tx.has_logs = true;
            tx.logs = logs.iter().map(RawLog::event).collect::<Result<_, _>>()?;
            tx.logs.sort_by_key(|log| log.log_index);
        }
    }
    Ok(())
}

impl RawReceipt<'_> {
    /// Returns what is taken beside the gas: l1Fee + gas·scalar/10^6 + constant, rounded down; since Jovian l1Fee + gas·scalar·100 + constant.
    ///
    /// Source: ethereum-optimism/specs, protocol/isthmus and protocol/jovian, exec-engine.md, "Operator Fee".
    fn rollup_fee_wei(&self, gas_used: u64) -> Result<U256, FrameError> {
        let wei = |amount: Option<Amount<'_>>, place| {
            amount.map_or(Ok(U256::ZERO), |amount| amount.u128(place).map(U256::from))
        };
        let gas = U256::from(gas_used) * wei(self.operator_fee_scalar, "receipt operatorFeeScalar")?;
        let is_jovian = self.da_footprint_gas_scalar.is_some();
        let scaled = if is_jovian { gas * U256::from(100) } else { gas / U256::from(1_000_000) };
        let constant = wei(self.operator_fee_constant, "receipt operatorFeeConstant")?;
        Ok(wei(self.l1_fee, "receipt l1Fee")? + scaled + constant)
    }
}

impl RawLog<'_> {
    fn event(&self) -> Result<Event, FrameError> {
        let digits = self.data.digits("log data")?;
        let data = const_hex::decode(digits)
            .map_err(|_| FrameError::new("log data", "0x and an even number of hex digits", self.data.0))?;
        Ok(Event {
            log_index: self.log_index.u32("log logIndex")?,
            address: self.address.bytes("log address")?,
            topics: self.topics.iter().map(|topic| topic.bytes("log topics")).collect::<Result<_, _>>()?,
            data,
        })
    }
}
