//! How the logs of exchanges become rows of `wallet_trade`, one for each order that was filled.

use rustc_hash::{FxHashMap, FxHashSet};
use tidemill_events::{WalletTrade, WalletTradeColumns};

use crate::chain::{Address, Head, Log};
use crate::error::hex;
use crate::order_fill::{matched_order, OrderFill};

/// A contract whose logs are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Its address.
    pub address: Address,
    /// Its name, as the rows' channel.
    pub name: String,
}

/// The exchanges of one chain.
#[derive(Debug, Clone)]
pub struct OrderFills {
    source: String,
    chain_id: u64,
    names: FxHashMap<Address, String>,
}

impl OrderFills {
    /// Returns a reader of these exchanges' logs; `source` is the chain's name in the events.
    pub fn new(source: String, chain_id: u64, exchanges: impl IntoIterator<Item = Exchange>) -> Self {
        let names = exchanges.into_iter().map(|exchange| (exchange.address, exchange.name)).collect();
        Self { source, chain_id, names }
    }

    /// Pushes a row for each order that the block's logs say was filled; returns what is wrong with others.
    ///
    /// A match whose taker's order made no row is told too: its makers' rows stand.
    pub fn read<'l>(
        &self,
        head: &Head,
        logs: impl Iterator<Item = Log<'l>>,
        recv_ns: i64,
        columns: &mut WalletTradeColumns,
    ) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut takers = FxHashSet::default();
        let connection = format!("0x{}", hex(&head.hash));
        for log in logs {
            let Some(name) = self.names.get(log.address) else { continue };
            let said = |what: &dyn std::fmt::Display| {
                let (contract, block, index) = (hex(log.address), log.block_number, log.log_index);
                format!("contract 0x{contract}, block {block}, log {index}: {what}")
            };
            match OrderFill::decode(&log) {
                Ok(Some(fill)) => {
                    if fill.counterparty.is_none() {
                        takers.insert((*log.tx_hash, fill.order_hash));
                    }
                    let (source, chain_id) = (self.source.as_str(), self.chain_id);
                    let (log, exchange, connection) = (&log, name.as_str(), connection.as_str());
                    let told = Told { head, recv_ns, log, source, chain_id, exchange, connection, fill };
                    told.push(columns);
                }
                Ok(None) => match matched_order(&log) {
                    Ok(Some(order)) if !takers.contains(&(*log.tx_hash, order)) => {
                        let order = hex(&order);
                        wrong.push(said(&format!(
                            "expected the taker's order 0x{order} filled before its match"
                        )));
                    }
                    Ok(_) => {}
                    Err(error) => wrong.push(said(&error)),
                },
                Err(error) => wrong.push(said(&error)),
            }
        }
        wrong
    }
}

/// A fill, and where it was told.
struct Told<'a> {
    head: &'a Head,
    recv_ns: i64,
    log: &'a Log<'a>,
    source: &'a str,
    chain_id: u64,
    exchange: &'a str,
    connection: &'a str,
    fill: OrderFill,
}

impl Told<'_> {
    fn push(&self, columns: &mut WalletTradeColumns) {
        let Self { head, log, fill, .. } = self;
        columns.push(&WalletTrade {
            event_ns: head.event_ns(),
            recv_ns: self.recv_ns,
            source: self.source,
            connection: self.connection,
            sequence: head.number,
            row: log.log_index,
            channel: self.exchange,
            market: None,
            instrument: &fill.token_id.to_string(),
            wallet: fill.wallet,
            side: if fill.is_buy { "buy" } else { "sell" },
            role: Some(if fill.counterparty.is_none() { "taker" } else { "maker" }),
            price: fill.price,
            size: fill.size,
            tx_hash: Some(*log.tx_hash),
            slug: None,
            outcome: None,
            pseudonym: None,
            amount: Some(fill.amount),
            fee: fill.fee,
            fee_size: fill.fee_size,
            counterparty: fill.counterparty,
            order_hash: Some(fill.order_hash),
            exchange: Some(*log.address),
            chain_id: Some(self.chain_id),
            block_number: Some(head.number),
            block_hash: Some(head.hash),
            tx_index: Some(log.tx_index),
            log_index: Some(log.log_index),
        });
    }
}
