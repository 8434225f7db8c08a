//! One call, run as the node's `eth_call` would run it: in a block, without a nonce, paying for gas only where told.

use std::cell::RefCell;
use std::num::NonZeroUsize;

use revm::context::result::{EVMError, ExecutionResult, ResultAndState};
use revm::context::{BlockEnv, Context, TxEnv};
use revm::primitives::{Address, Bytes, TxKind, B256, U256};
use revm::{ExecuteEvm, MainBuilder, MainContext, MainnetEvm};

use crate::balances::{all_changes, token_changes};
use crate::outcome::Outcome;
use crate::state::{ChainState, Missing, Overrides, View};

/// The block that a call runs in.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its number.
    pub number: u64,
    /// Seconds since 1970.
    pub timestamp_s: u64,
    /// Wei a unit of gas.
    pub base_fee_wei: u64,
    /// Of the whole block.
    pub gas_limit: u64,
    /// Who is paid for it.
    pub fee_recipient: [u8; 20],
    /// The beacon chain's randomness.
    pub prev_randao: [u8; 32],
}

/// What is asked of the chain.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who asks.
    pub sender: [u8; 20],
    /// Whom; none: a contract is created.
    pub to: Option<[u8; 20]>,
    /// Call data, or creation code.
    pub data: Vec<u8>,
    /// Ether that goes with it.
    pub value_wei: U256,
    /// The most that may be used.
    pub gas_limit: u64,
    /// 0: gas is free, as `eth_call` has it.
    pub gas_price_wei: u128,
    /// The only tokens and holders whose balances are to be told; none: all that the call's logs name, and ether.
    pub watched: Option<Vec<([u8; 20], [u8; 20])>>,
}

/// Why a call was not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum CannotRun {
    /// Part of the state is not known.
    #[error("{0} is not known")]
    Missing(#[from] Missing),
    /// No block would take such a transaction.
    #[error("{0}")]
    Invalid(String),
}

pub(crate) type Machine<'a> =
    MainnetEvm<Context<BlockEnv, TxEnv, revm::context::CfgEnv, View<'a>, revm::Journal<View<'a>>>>;

/// A thread costs about as much as one of them.
const LEAST_CALLS_A_THREAD: usize = 8;

/// Returns what `call` does in `block` on `state`; the state stays as it is.
///
/// # Errors
/// What of the state is missing, or why no block would take the call.
pub fn run(
    state: &ChainState,
    block: &Block,
    call: &Call,
    overrides: &Overrides,
) -> Result<Outcome, CannotRun> {
    let reads = RefCell::default();
    let view = View { state, overrides, moved: None, reads: &reads };
    let ResultAndState { result, state: moved } = transacted(&mut machine(view, block), transaction(call))?;
    let (is_success, gas_used) = (result.is_success(), result.gas_used());
    let before = View { state, overrides, moved: None, reads: &reads };
    let balance_changes = match &call.watched {
        None => all_changes(before, block, call, result.logs(), &moved)?,
        Some(_) if !is_success => Vec::new(), // it was undone
        Some(watched) => {
            let named = watched.iter().map(|(token, holder)| (Address::from(*token), Address::from(*holder)));
            token_changes(before, block, call, named, &moved)?
        }
    };
    let (output, halt) = match result {
        ExecutionResult::Success { output, .. } => (output.into_data(), None),
        ExecutionResult::Revert { output, .. } => (output, None),
        ExecutionResult::Halt { reason, .. } => (Bytes::new(), Some(format!("{reason:?}"))),
    };
    Ok(Outcome { is_success, gas_used, output, halt, balance_changes, reads: reads.into_inner(), moved })
}

/// Returns what each of `calls` does by itself, as `run` does; on all processors.
pub fn run_each(
    state: &ChainState,
    block: &Block,
    calls: &[Call],
    overrides: &Overrides,
) -> Vec<Result<Outcome, CannotRun>> {
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let share = calls.len().div_ceil(threads).max(LEAST_CALLS_A_THREAD);
    let run_share =
        |share: &[Call]| -> Vec<_> { share.iter().map(|call| run(state, block, call, overrides)).collect() };
    let mut shares = calls.chunks(share);
    let mine = shares.next().unwrap_or_default();
    std::thread::scope(|scope| {
        let others: Vec<_> = shares.map(|share| scope.spawn(move || run_share(share))).collect();
        let mut outcomes = run_share(mine);
        for other in others {
            match other.join() {
                Ok(more) => outcomes.extend(more),
                Err(panicked) => std::panic::resume_unwind(panicked),
            }
        }
        outcomes
    })
}

pub(crate) fn machine<'a>(view: View<'a>, block: &Block) -> Machine<'a> {
    let (chain_id, spec) = (view.state.chain_id, view.state.spec);
    Context::mainnet()
        .with_db(view)
        .modify_cfg_chained(|rules| {
            rules.set_spec_and_mainnet_gas_params(spec);
            rules.chain_id = chain_id;
            rules.disable_nonce_check = true;
            rules.disable_eip3607 = true;
            rules.disable_base_fee = true;
        })
        .modify_block_chained(|to| {
            to.number = U256::from(block.number);
            to.timestamp = U256::from(block.timestamp_s);
            to.basefee = block.base_fee_wei;
            to.gas_limit = block.gas_limit;
            to.beneficiary = Address::from(block.fee_recipient);
            to.prevrandao = Some(B256::from(block.prev_randao));
        })
        .build_mainnet()
}

pub(crate) fn transacted(machine: &mut Machine<'_>, transaction: TxEnv) -> Result<ResultAndState, CannotRun> {
    machine.transact(transaction).map_err(|error| match error {
        EVMError::Database(missing) => CannotRun::Missing(missing),
        other => CannotRun::Invalid(other.to_string()),
    })
}

fn transaction(call: &Call) -> TxEnv {
    TxEnv {
        caller: Address::from(call.sender),
        kind: call.to.map_or(TxKind::Create, |to| TxKind::Call(Address::from(to))),
        data: Bytes::from(call.data.clone()),
        value: call.value_wei,
        gas_limit: call.gas_limit,
        gas_price: call.gas_price_wei,
        chain_id: None,
        ..TxEnv::default()
    }
}
