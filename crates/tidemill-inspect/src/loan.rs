//! What was lent and paid back within a transaction.

use ruint::aliases::U256;
use tidemill_pools::{Address, Hash};

use crate::block::{Call, CallKind, Event, Tx};
use crate::transfer::{hash, Place, Transfer};

const AAVE_V2: Hash = hash("631042c832b07452973831137f2d73e395028b44b250dedc5abb0ee766e168ac");
const AAVE_V3: Hash = hash("efefaba5e921573100900a3ad9cf29f222d995fb3b6045797eaea7521bd8d6f0");
const BALANCER: Hash = hash("0d7d75e01ab95780d3cd1c8ec0dd6c2ce19e3a20427eec8bf53283b6fb8e95f0");
const MORPHO: Hash = hash("c76f1b4fe4396ac07a9fa55a415d4ca430e72651d37d3401f3bed7cb13fc4f12");
const UNISWAP_V3: Hash = hash("bdbdb71d7860376ba52b25a5028beea23581364a40522f6bcfb86bb1f2dca633");

/// One flash loan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlashLoan {
    /// Who lent.
    pub lender: Address,
    /// What was lent.
    pub token: Address,
    /// How much.
    pub amount: U256,
    /// What was paid for it.
    pub fee: U256,
}

/// Returns the flash loans of `tx`.
pub fn flash_loans(tx: &Tx, transfers: &[Transfer]) -> Vec<FlashLoan> {
    if tx.has_logs {
        return tx.logs.iter().flat_map(|log| loans_of_log(log, transfers)).collect();
    }
    let mut found = Vec::new();
    let mut outer: Vec<&Call> = Vec::new();
    for call in tx.calls.iter().filter(|call| !call.is_undone && call.kind == CallKind::Call && is_loan(call))
    {
        outer.retain(|outer| outer.holds(call));
        // A lender's call within its own is seen with that one.
        if outer.iter().all(|outer| outer.to != call.to) {
            outer.push(call);
            found.extend(loans_of_call(call, transfers));
        }
    }
    found
}

fn loans_of_log(log: &Event, transfers: &[Transfer]) -> Vec<FlashLoan> {
    if log.topics.first() == Some(&UNISWAP_V3) {
        return [(0, 2), (1, 3)].into_iter().filter_map(|at| loan_of_pool(log, at, transfers)).collect();
    }
    loan_of_log(log).into_iter().collect()
}

fn loan_of_log(log: &Event) -> Option<FlashLoan> {
    let (token, amount, fee) = match *log.topics.first()? {
        AAVE_V2 => (log.topic_address(3)?, log.word(0)?, log.word(1)?),
        AAVE_V3 => (log.topic_address(2)?, log.word(1)?, log.word(3)?),
        BALANCER => (log.topic_address(2)?, log.word(0)?, log.word(1)?),
        MORPHO => (log.topic_address(2)?, log.word(0)?, U256::ZERO),
        _ => return None,
    };
    Some(FlashLoan { lender: log.address, token, amount, fee })
}

/// Reads one side of `Flash(sender, recipient, amount0, amount1, paid0, paid1)`: which token it was, what the pool gave says.
fn loan_of_pool(log: &Event, at: (usize, usize), transfers: &[Transfer]) -> Option<FlashLoan> {
    let (amount, fee) = (log.word(at.0).filter(|amount| *amount != U256::ZERO)?, log.word(at.1)?);
    let is_given = |one: &&Transfer| {
        one.from == log.address && one.amount == amount && Some(one.to) == log.topic_address(2)
    };
    let given = transfers.iter().find(is_given)?;
    Some(FlashLoan { lender: log.address, token: given.token, amount, fee })
}

/// Says whether the call borrows until its end.
fn is_loan(call: &Call) -> bool {
    matches!(
        call.selector,
        Some(
            // flashLoan and flashLoanSimple of Aave, flashLoan of Balancer, of ERC-3156 and of Morpho, flash of Uniswap V3
            [0xab, 0x9c, 0x4b, 0x5d]
                | [0x42, 0xb0, 0xb7, 0x7c]
                | [0x5c, 0x38, 0x44, 0x9e]
                | [0x5c, 0xff, 0xe9, 0xde]
                | [0xe0, 0x23, 0x2b, 0x42]
                | [0x49, 0x0e, 0x6c, 0xbc]
                // operate of dYdX's first market
                | [0xa6, 0x7a, 0x6a, 0x45]
        )
    )
}

/// Returns what the lender gave within the call and got back, no less of it, later.
fn loans_of_call(call: &Call, transfers: &[Transfer]) -> Vec<FlashLoan> {
    let is_within =
        |one: &&Transfer| matches!(&one.place, Place::Call(place) if place.starts_with(&call.place));
    let within: Vec<&Transfer> = transfers.iter().filter(is_within).collect();
    let mut loans = Vec::new();
    for (at, given) in within.iter().enumerate().filter(|(_, one)| one.from == call.to) {
        let mut later = within.iter().skip(at + 1);
        let back =
            later.find(|one| one.to == call.to && one.token == given.token && one.amount >= given.amount);
        if let Some(back) = back {
            let fee = back.amount - given.amount;
            loans.push(FlashLoan { lender: call.to, token: given.token, amount: given.amount, fee });
        }
    }
    loans
}
