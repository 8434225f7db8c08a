//! Calls run in the process on chain state that Python hands over.

use std::borrow::Cow;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use ruint::aliases::U256;
use tidemill_evm::{
    run, run_each, spec_named, Address, Block, Call, CannotRun, ChainState, Code, Missing, Outcome, Override,
    Overrides,
};

use crate::errors;
use crate::numbers::Uint;

/// What a call sees otherwise: address, then balance, nonce, code, and slots with their values.
type OverrideParts = (Address, Option<Uint>, Option<u64>, Option<Vec<u8>>, Vec<(Uint, Uint)>);

/// A call: sender, to, data, value, gas limit, gas price, and whose balances of which tokens are watched.
type CallParts = (Address, Option<Address>, Vec<u8>, Uint, u64, u128, Option<Vec<(Address, Address)>>);

/// What calls see otherwise; its code is looked through once.
#[pyclass(frozen, module = "tidemill._rust")]
pub struct EvmOverrides(Overrides);

#[pymethods]
impl EvmOverrides {
    #[new]
    fn new(overrides: Vec<OverrideParts>) -> Self {
        Self(overrides.into_iter().map(override_of).collect())
    }
}

/// The block that calls run in.
#[pyclass(frozen, module = "tidemill._rust")]
pub struct EvmBlock(Block);

#[pymethods]
impl EvmBlock {
    #[new]
    #[pyo3(signature = (*, number, timestamp_s, base_fee_wei, gas_limit, fee_recipient, prev_randao))]
    fn new(
        number: u64,
        timestamp_s: u64,
        base_fee_wei: u64,
        gas_limit: u64,
        fee_recipient: Address,
        prev_randao: [u8; 32],
    ) -> Self {
        Self(Block { number, timestamp_s, base_fee_wei, gas_limit, fee_recipient, prev_randao })
    }
}

/// A part of the state that a call needed: an account, a slot of one, or a block's hash.
#[pyclass(frozen, module = "tidemill._rust")]
pub struct EvmMissing(Missing);

#[pymethods]
impl EvmMissing {
    /// The account, or the one whose slot it is.
    #[getter]
    fn address<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        match &self.0 {
            Missing::Account(address) | Missing::Slot(address, _) => Some(PyBytes::new(py, address)),
            Missing::BlockHash(_) => None,
        }
    }

    /// The slot, where it is one.
    #[getter]
    fn slot(&self) -> Option<Uint> {
        match &self.0 {
            Missing::Slot(_, slot) => Some(Uint(*slot)),
            _ => None,
        }
    }

    /// The block, where its hash is missing.
    #[getter]
    fn block_number(&self) -> Option<u64> {
        match &self.0 {
            Missing::BlockHash(number) => Some(*number),
            _ => None,
        }
    }

    fn __repr__(&self) -> String {
        self.0.to_string()
    }
}

/// What a call did.
#[pyclass(frozen, module = "tidemill._rust")]
pub struct EvmOutcome(Outcome);

#[pymethods]
impl EvmOutcome {
    /// Whether it went through.
    #[getter]
    fn is_success(&self) -> bool {
        self.0.is_success
    }

    /// Gas that would be paid for.
    #[getter]
    fn gas_used(&self) -> u64 {
        self.0.gas_used
    }

    /// What it returned or reverted with.
    #[getter]
    fn output<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.output)
    }

    /// Why the machine stopped without a revert.
    #[getter]
    fn halt(&self) -> Option<&str> {
        self.0.halt.as_deref()
    }

    /// Returns token (None: ether), holder, and the balances before and after, of each that changed.
    fn balance_changes<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyTuple>>> {
        let changes = self.0.balance_changes.iter();
        changes
            .map(|one| {
                let token = one.token.map(|token| PyBytes::new(py, &token));
                let holder = PyBytes::new(py, &one.holder);
                (token, holder, Uint(one.before), Uint(one.after)).into_pyobject(py)
            })
            .collect()
    }

    /// Returns accounts with the slots that were touched; `implied` ones only where there are slots.
    fn access_list<'py>(
        &self,
        py: Python<'py>,
        implied: Vec<Address>,
    ) -> Vec<(Bound<'py, PyBytes>, Vec<Uint>)> {
        let list = self.0.access_list(&implied).into_iter();
        list.map(|(address, slots)| (PyBytes::new(py, &address), slots.into_iter().map(Uint).collect()))
            .collect()
    }
}

/// A chain's state at one block, as far as it is known.
#[pyclass(module = "tidemill._rust")]
pub struct EvmState(ChainState);

#[pymethods]
impl EvmState {
    #[new]
    #[pyo3(signature = (*, chain_id, rules))]
    fn new(chain_id: u64, rules: &str) -> PyResult<Self> {
        let spec = spec_named(rules).map_err(|name| {
            PyValueError::new_err(format!(
                "expected the name of a hard fork as cancun or prague, found {name}"
            ))
        })?;
        Ok(Self(ChainState::new(chain_id, spec)))
    }

    /// Puts an account; where `code` is None, its code stays.
    fn put_account(&mut self, address: Address, balance_wei: Uint, nonce: u64, code: Option<Cow<'_, [u8]>>) {
        self.0.put_account(address, balance_wei.0, nonce, code.map(Cow::into_owned));
    }

    /// Puts what a slot holds.
    fn put_slot(&mut self, address: Address, slot: Uint, value: Uint) {
        self.0.put_slot(address, slot.0, value.0);
    }

    /// Puts a block's hash.
    fn put_block_hash(&mut self, number: u64, hash: [u8; 32]) {
        self.0.put_block_hash(number, hash);
    }

    /// Forgets slots and hashes; accounts stay.
    fn forget_values(&mut self) {
        self.0.forget_values();
    }

    /// Runs a call; the state stays as it is.
    #[pyo3(signature = (block, *, sender, to, data, value_wei, gas_limit, gas_price_wei))]
    #[allow(clippy::too_many_arguments)] // a call's parts, which Python names
    fn run<'py>(
        &self,
        py: Python<'py>,
        block: &EvmBlock,
        sender: Address,
        to: Option<Address>,
        data: Vec<u8>,
        value_wei: Uint,
        gas_limit: u64,
        gas_price_wei: u128,
    ) -> PyResult<Bound<'py, PyAny>> {
        let call = Call { sender, to, data, value_wei: value_wei.0, gas_limit, gas_price_wei, watched: None };
        told(py, py.detach(|| run(&self.0, &block.0, &call, &Overrides::new())))
    }

    /// Runs each call by itself, on all processors; the state stays as it is.
    fn run_each<'py>(
        &self,
        py: Python<'py>,
        block: &EvmBlock,
        calls: Vec<CallParts>,
        overrides: &EvmOverrides,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let calls: Vec<Call> = calls.into_iter().map(call_of).collect();
        let found = py.detach(|| run_each(&self.0, &block.0, &calls, &overrides.0));
        found.into_iter().map(|one| told(py, one)).collect()
    }

    /// Says whether the call of `outcome` would find here all that it read where it was run.
    fn agrees(&self, outcome: &EvmOutcome) -> bool {
        self.0.agrees(&outcome.0.reads)
    }

    /// Makes what a call did part of the state.
    fn keep(&mut self, outcome: &EvmOutcome) {
        self.0.keep(&outcome.0.moved);
    }
}

fn told(py: Python<'_>, found: Result<Outcome, CannotRun>) -> PyResult<Bound<'_, PyAny>> {
    match found {
        Ok(outcome) => Ok(Bound::new(py, EvmOutcome(outcome))?.into_any()),
        Err(CannotRun::Missing(missing)) => Ok(Bound::new(py, EvmMissing(missing))?.into_any()),
        Err(invalid @ CannotRun::Invalid(_)) => Err(errors::refused(py, &invalid)),
    }
}

fn call_of(parts: CallParts) -> Call {
    let (sender, to, data, value_wei, gas_limit, gas_price_wei, watched) = parts;
    Call { sender, to, data, value_wei: value_wei.0, gas_limit, gas_price_wei, watched }
}

fn override_of(parts: OverrideParts) -> (Address, Override) {
    let (address, balance_wei, nonce, code, slots) = parts;
    let slots: Vec<(U256, U256)> = slots.into_iter().map(|(slot, value)| (slot.0, value.0)).collect();
    let balance_wei = balance_wei.map(|balance| balance.0);
    (address, Override { balance_wei, nonce, code: code.map(Code::new), slots })
}
