//! What an endpoint is asked: its newest block, and many contract calls of one block's state in one question.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use hyper::body::Bytes;
use serde::Deserialize;
use tidemill_pools::multicall::{decode_aggregate3, encode_aggregate3, Answer, Call, Reverted};
use tidemill_pools::Address;
use tokio::task::JoinSet;

use crate::body::Block;
use crate::metrics::Metrics;
use crate::rpc::{Endpoint, RpcFault};

/// Calls that are asked one by one at a time, where the chain has no Multicall3.
const SINGLES_MAX: usize = 16;

/// An endpoint of a chain.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) endpoint: Endpoint,
    pub(crate) multicall: Address,
    pub(crate) multicall_calls: usize,
    /// The chain that the endpoint is to be of.
    pub(crate) chain_id: u64,
    /// Whether it said so since it last failed.
    pub(crate) is_checked: Arc<AtomicBool>,
    /// Whether it was found not to know blocks by their hash, as EIP-1898 has it.
    pub(crate) is_by_number: Arc<AtomicBool>,
    pub(crate) metrics: Arc<Metrics>,
}

#[derive(Deserialize)]
struct RawBlock<'a> {
    number: &'a str,
    hash: &'a str,
}

impl Node {
    /// Makes sure that the endpoint is of the right chain: what another one answers would be taken for this one's.
    pub(crate) async fn check(&self) -> Result<(), String> {
        if self.is_checked.load(Ordering::Acquire) {
            return Ok(());
        }
        self.metrics.questions.count();
        let result = self.endpoint.call("eth_chainId", "[]").await.map_err(RpcFault::said)?;
        let text: Option<&str> = serde_json::from_slice(&result).ok();
        let found = text.and_then(|text| u64::from_str_radix(text.strip_prefix("0x")?, 16).ok());
        if found == Some(self.chain_id) {
            self.is_checked.store(true, Ordering::Release);
            return Ok(());
        }
        let found = found.map_or_else(|| shown(&result), |found| found.to_string());
        Err(format!("expected an endpoint of chain {}, found one of {found}", self.chain_id))
    }

    /// Returns the result of a method, as JSON: nothing where the endpoint refuses it, `None` where it gives no answer.
    pub(crate) async fn try_call(&self, method: &str, params: &str) -> Option<Option<Bytes>> {
        self.metrics.questions.count();
        match self.endpoint.call(method, params).await {
            Ok(result) => Some(Some(result)),
            Err(RpcFault::Refused(_) | RpcFault::Params(_)) => Some(None),
            Err(RpcFault::Unreachable(_)) => None,
        }
    }

    /// Returns the newest block.
    pub(crate) async fn latest(&self) -> Result<Block, String> {
        self.block("latest").await
    }

    async fn block(&self, tag: &str) -> Result<Block, String> {
        self.metrics.questions.count();
        let result = self.endpoint.call("eth_getBlockByNumber", &format!(r#"["{tag}",false]"#)).await;
        let result = result.map_err(RpcFault::said)?;
        let found = || format!("expected a block with number and hash, found {}", shown(&result));
        let raw: RawBlock<'_> = serde_json::from_slice(&result).map_err(|_| found())?;
        let digits = raw.number.strip_prefix("0x").ok_or_else(found)?;
        let number = u64::from_str_radix(digits, 16).map_err(|_| found())?;
        let hash = const_hex::decode_to_array(raw.hash).map_err(|_| found())?;
        Ok(Block { number, hash })
    }

    /// Returns what each call gives in the state after `block`, in order.
    ///
    /// The block is named by its hash, so that a reorg between two rounds cannot mix two states; to a node that knows
    /// blocks by their number alone it is named so, and must still be there when the answers have come.
    pub(crate) async fn ask(&self, calls: &[Call], block: Block) -> Result<Vec<Answer>, String> {
        let answers = self.ask_in_parts(calls, block).await?;
        if self.is_by_number.load(Ordering::Acquire)
            && self.block(&format!("{:#x}", block.number)).await? != block
        {
            return Err(format!("expected block {} to last, a reorg took it away", block.number));
        }
        Ok(answers)
    }

    async fn ask_in_parts(&self, calls: &[Call], block: Block) -> Result<Vec<Answer>, String> {
        let mut answers = Vec::with_capacity(calls.len());
        let mut size = self.multicall_calls.max(1);
        while let Some(rest) = calls.get(answers.len()..).filter(|rest| !rest.is_empty()) {
            let chunk = rest.get(..size).unwrap_or(rest);
            match self.aggregate(chunk, block).await {
                Ok(Some(found)) => answers.extend(found),
                Ok(None) => answers.extend(self.one_by_one(chunk, block).await?),
                // It ran out of gas or was too much to answer: of less, the calls that do so fail alone.
                Err(RpcFault::Params(_)) if !self.is_by_number.swap(true, Ordering::AcqRel) => {}
                Err(RpcFault::Refused(_)) if chunk.len() > 1 => size = chunk.len() / 2,
                Err(RpcFault::Refused(said)) => answers.push(Err(Reverted(said.into_bytes()))),
                Err(RpcFault::Unreachable(said) | RpcFault::Params(said)) => return Err(said),
            }
        }
        Ok(answers)
    }

    /// Returns what each call gives; `None` where the chain has no Multicall3.
    async fn aggregate(&self, calls: &[Call], block: Block) -> Result<Option<Vec<Answer>>, RpcFault> {
        let data = encode_aggregate3(calls.iter());
        self.metrics.questions.count();
        let block = self.spelt(block);
        let found = call(&self.endpoint, &self.multicall, &data, &block).await?;
        if found.is_empty() {
            return Ok(None);
        }
        let answers = decode_aggregate3(&found, calls.len());
        answers.map(Some).map_err(|error| RpcFault::Unreachable(error.to_string()))
    }

    async fn one_by_one(&self, calls: &[Call], block: Block) -> Result<Vec<Answer>, String> {
        let mut answers = Vec::with_capacity(calls.len());
        for chunk in calls.chunks(SINGLES_MAX) {
            let mut tasks = JoinSet::new();
            for (index, one) in chunk.iter().cloned().enumerate() {
                let (endpoint, block) = (self.endpoint.clone(), self.spelt(block));
                self.metrics.questions.count();
                tasks.spawn(async move { (index, call(&endpoint, &one.to, &one.data, &block).await) });
            }
            let mut found = tasks.join_all().await;
            found.sort_by_key(|(index, _)| *index);
            for (_, answer) in found {
                answers.push(match answer {
                    Ok(bytes) => Ok(bytes),
                    Err(RpcFault::Refused(said)) => Err(Reverted(said.into_bytes())),
                    Err(RpcFault::Unreachable(said) | RpcFault::Params(said)) => return Err(said),
                });
            }
        }
        Ok(answers)
    }

    /// Returns the block as a parameter of a call. Source: EIP-1898.
    fn spelt(&self, block: Block) -> String {
        if self.is_by_number.load(Ordering::Acquire) {
            return format!(r#""{:#x}""#, block.number);
        }
        format!(r#"{{"blockHash":"0x{}"}}"#, const_hex::encode(block.hash))
    }
}

/// Returns what `to` gives for `data`.
async fn call(endpoint: &Endpoint, to: &Address, data: &[u8], block: &str) -> Result<Vec<u8>, RpcFault> {
    let (to, data) = (const_hex::encode(to), const_hex::encode(data));
    let params = format!(r#"[{{"to":"0x{to}","data":"0x{data}"}},{block}]"#);
    let result = endpoint.call("eth_call", &params).await?;
    let found = || RpcFault::Unreachable(format!("expected bytes, found {}", shown(&result)));
    let text: &str = serde_json::from_slice(&result).map_err(|_| found())?;
    const_hex::decode(text.strip_prefix("0x").ok_or_else(found)?).map_err(|_| found())
}

/// Returns the beginning of an answer, readable whatever it is.
fn shown(bytes: &[u8]) -> String {
    bytes.iter().take(48).flat_map(|byte| byte.escape_ascii()).map(char::from).collect()
}
