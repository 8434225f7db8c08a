//! The answer to `eth_getBlockReceipts`, with or without its logs.

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
    /// What rollups of the OP stack take beside the gas.
    #[serde(borrow, alias = "l1_fee")]
    l1_fee: Option<Amount<'a>>,
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
        tx.l1_fee_wei = raw.l1_fee.map(|fee| fee.u128("receipt l1Fee")).transpose()?;
        if let Some(logs) = raw.logs {
            tx.has_logs = true;
            tx.logs = logs.iter().map(RawLog::event).collect::<Result<_, _>>()?;
            tx.logs.sort_by_key(|log| log.log_index);
        }
    }
    Ok(())
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
