//! Whose balances a call changed: logs say whom to ask about, the tokens themselves say how much.

use std::collections::BTreeSet;

use revm::context::TxEnv;
use revm::primitives::{b256, Address, Bytes, Log, TxKind, B256, U256};
use revm::state::EvmState;

use crate::outcome::BalanceChange;
use crate::run::{machine, transacted, Block, Call, CannotRun, Machine};
use crate::state::{ChainState, Overrides, View};

const TRANSFER: B256 = b256!("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
/// Of wrapped ether, which does not log a transfer where it is made or unmade.
const DEPOSIT: B256 = b256!("e1fffcc4923d04b559f4d29a8bfc6cda04eb5b0d3c460751c2402c5c5cc9109c");
const WITHDRAWAL: B256 = b256!("7fcf532c15f0a6db0bd6d0e038bea71d30d808c7d98cb3bf7268a95bf5081b65");
const BALANCE_OF: [u8; 4] = [0x70, 0xa0, 0x82, 0x31];
const ASKING_GAS: u64 = 5_000_000;

/// Returns every balance of a token or of ether that is another after the call.
///
/// A holder that no log names is not asked about; a token that does not answer is left out.
pub(crate) fn all_changes(
    before: View<'_>,
    block: &Block,
    call: &Call,
    logs: &[Log],
    moved: &EvmState,
) -> Result<Vec<BalanceChange>, CannotRun> {
    let mut found = ether_changes(before.state, before.overrides, moved);
    found.extend(token_changes(before, block, call, named(logs), moved)?);
    Ok(found)
}

/// Returns those of `named` balances of tokens that are another after the call.
pub(crate) fn token_changes(
    before: View<'_>,
    block: &Block,
    call: &Call,
    named: impl IntoIterator<Item = (Address, Address)>,
    moved: &EvmState,
) -> Result<Vec<BalanceChange>, CannotRun> {
    let mut found = Vec::new();
    let mut later = machine(View { moved: Some(moved), ..before }, block);
    let mut earlier = machine(before, block);
    for (token, holder) in named {
        let before = balance(&mut earlier, call, token, holder)?;
        let after = balance(&mut later, call, token, holder)?;
        if let (Some(before), Some(after)) = (before, after) {
            if before != after {
                let (token, holder) = (Some(token.into_array()), holder.into_array());
                found.push(BalanceChange { token, holder, before, after });
            }
        }
    }
    Ok(found)
}

fn ether_changes(state: &ChainState, overrides: &Overrides, moved: &EvmState) -> Vec<BalanceChange> {
    let made = |address: &Address| {
        let change = overrides.iter().find(|(one, _)| Address::from(*one) == *address);
        change.and_then(|(_, change)| change.balance_wei)
    };
    let mut found: Vec<_> = moved
        .iter()
        .filter_map(|(address, account)| {
            let before = made(address).or_else(|| state.balance_wei(address)).unwrap_or_default();
            let after = account.info.balance;
            let change = BalanceChange { token: None, holder: address.into_array(), before, after };
            (before != after).then_some(change)
        })
        .collect();
    found.sort_unstable_by_key(|change| change.holder);
    found
}

fn named(logs: &[Log]) -> BTreeSet<(Address, Address)> {
    let mut named = BTreeSet::new();
    for log in logs {
        let holders = match log.topics() {
            [TRANSFER, holders @ ..] if holders.len() == 2 => holders,
            [DEPOSIT | WITHDRAWAL, holders @ ..] if holders.len() == 1 => holders,
            _ => continue,
        };
        let holders = holders.iter().map(|topic| Address::from_word(*topic)).filter(|one| !one.is_zero());
        named.extend(holders.map(|holder| (log.address, holder)));
    }
    named
}

fn balance(
    machine: &mut Machine<'_>,
    call: &Call,
    token: Address,
    holder: Address,
) -> Result<Option<U256>, CannotRun> {
    let mut data = BALANCE_OF.to_vec();
    data.extend(holder.into_word());
    let asking = TxEnv {
        caller: Address::from(call.sender),
        kind: TxKind::Call(token),
        data: Bytes::from(data),
        gas_limit: ASKING_GAS,
        chain_id: None,
        ..TxEnv::default()
    };
    let result = transacted(machine, asking)?.result;
    let output = result.output().filter(|_| result.is_success());
    Ok(output.and_then(|output| output.get(..32)).map(U256::from_be_slice))
}
