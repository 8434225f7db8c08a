//! One call, run as the node's `eth_call` would run it: in a block, without a nonce, paying for gas only where told.

use revm::context::result::{EVMError, ExecutionResult, ResultAndState};
use revm::context::{BlockEnv, Context, TxEnv};
use revm::primitives::{Address, Bytes, TxKind, B256, U256};
use revm::{ExecuteEvm, MainBuilder, MainContext, MainnetEvm};

use crate::balances::changes;
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
    let view = View { state, overrides, moved: None };
    let ResultAndState { result, state: moved } = transacted(&mut machine(view, block), transaction(call))?;
    let gas_used = result.gas_used();
    let balance_changes = changes(state, block, call, overrides, result.logs(), &moved)?;
    Ok(match result {
        ExecutionResult::Success { output, .. } => Outcome {
            is_success: true,
            gas_used,
            output: output.into_data(),
            halt: None,
            balance_changes,
            moved,
        },
        ExecutionResult::Revert { output, .. } => {
            Outcome { is_success: false, gas_used, output, halt: None, balance_changes, moved }
        }
        ExecutionResult::Halt { reason, .. } => Outcome {
            is_success: false,
            gas_used,
            output: Bytes::new(),
            halt: Some(format!("{reason:?}")),
            balance_changes,
            moved,
        },
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
