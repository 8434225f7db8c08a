//! What lenders did in a transaction: flash loans given and paid back, debts of others paid for their collateral.

use ruint::aliases::U256;
use tidemill_pools::{Address, Hash};

use crate::block::{Call, CallKind, Event, Tx};
use crate::transfer::{hash, Place, Transfer};

const AAVE_V2_LOAN: Hash = hash("631042c832b07452973831137f2d73e395028b44b250dedc5abb0ee766e168ac");
const AAVE_V3_LOAN: Hash = hash("efefaba5e921573100900a3ad9cf29f222d995fb3b6045797eaea7521bd8d6f0");
const BALANCER_LOAN: Hash = hash("0d7d75e01ab95780d3cd1c8ec0dd6c2ce19e3a20427eec8bf53283b6fb8e95f0");
const MORPHO_LOAN: Hash = hash("c76f1b4fe4396ac07a9fa55a415d4ca430e72651d37d3401f3bed7cb13fc4f12");
const AAVE_LIQUIDATION: Hash = hash("e413a321e8681d831f4dbccbca790d2952b56f977908e45be37335533e005286");
const COMPOUND_LIQUIDATION: Hash = hash("298637f684da70674f26509b10f07ec2fbc77a335ab1e7d6215a4b2484d8bb52");

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

/// One liquidation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Liquidation {
    /// The lending contract.
    pub lender: Address,
    /// Who paid the debt.
    pub liquidator: Address,
    /// Whose debt it was.
    pub borrower: Address,
    /// What was paid; absent where only the lender's own market tells it.
    pub debt_token: Option<Address>,
    /// How much was paid; absent where the call leaves it to the contract.
    pub debt_amount: Option<U256>,
    /// What was taken for it.
    pub collateral_token: Option<Address>,
    /// How much was taken; absent where only a log would tell it.
    pub collateral_amount: Option<U256>,
    /// Where it happened.
    pub place: Place,
}

/// Returns the flash loans of `tx`.
pub fn flash_loans(tx: &Tx, transfers: &[Transfer]) -> Vec<FlashLoan> {
    if tx.has_logs {
        return tx.logs.iter().filter_map(loan_of_log).collect();
    }
    let lent = tx.calls.iter().filter(|call| !call.is_undone && call.kind == CallKind::Call && is_loan(call));
    lent.flat_map(|call| loans_of_call(call, transfers)).collect()
}

/// Returns the liquidations of `tx`, those of calls that were undone left out.
pub fn liquidations(tx: &Tx) -> Vec<Liquidation> {
    if tx.has_logs {
        return tx.logs.iter().filter_map(liquidation_of_log).collect();
    }
    let calls = tx.calls.iter().filter(|call| !call.is_undone && call.kind == CallKind::Call);
    calls.filter_map(liquidation_of_call).collect()
}

fn loan_of_log(log: &Event) -> Option<FlashLoan> {
    let (token, amount, fee) = match *log.topics.first()? {
        AAVE_V2_LOAN => (log.topic_address(3)?, log.word(0)?, log.word(1)?),
        AAVE_V3_LOAN => (log.topic_address(2)?, log.word(1)?, log.word(3)?),
        BALANCER_LOAN => (log.topic_address(2)?, log.word(0)?, log.word(1)?),
        MORPHO_LOAN => (log.topic_address(2)?, log.word(0)?, U256::ZERO),
        _ => return None,
    };
    Some(FlashLoan { lender: log.address, token, amount, fee })
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

fn liquidation_of_log(log: &Event) -> Option<Liquidation> {
    let place = Place::Log(log.log_index);
    let lender = log.address;
    match *log.topics.first()? {
        // LiquidationCall(collateral, debt, user, debtToCover, liquidatedCollateral, liquidator, receiveAToken)
        AAVE_LIQUIDATION => Some(Liquidation {
            lender,
            liquidator: log.address_at(2)?,
            borrower: log.topic_address(3)?,
            debt_token: log.topic_address(2),
            debt_amount: log.word(0),
            collateral_token: log.topic_address(1),
            collateral_amount: log.word(1),
            place,
        }),
        // LiquidateBorrow(liquidator, borrower, repayAmount, cTokenCollateral, seizeTokens)
        COMPOUND_LIQUIDATION => Some(Liquidation {
            lender,
            liquidator: log.address_at(0)?,
            borrower: log.address_at(1)?,
            debt_token: None,
            debt_amount: log.word(2),
            collateral_token: log.address_at(3),
            collateral_amount: log.word(4),
            place,
        }),
        _ => None,
    }
}

fn liquidation_of_call(call: &Call) -> Option<Liquidation> {
    let place = Place::Call(call.place.clone());
    let (lender, liquidator) = (call.to, call.from);
    match call.selector? {
        // liquidationCall(collateral, debt, user, debtToCover, receiveAToken); the most there is may be asked for
        [0x00, 0xa7, 0x18, 0xa9] => Some(Liquidation {
            lender,
            liquidator,
            borrower: call.address(2)?,
            debt_token: call.address(1),
            debt_amount: call.word(3).filter(|amount| *amount != U256::MAX),
            collateral_token: call.address(0),
            collateral_amount: None,
            place,
        }),
        // liquidateBorrow(borrower, repayAmount, cTokenCollateral)
        [0xf5, 0xe3, 0xc4, 0x62] => Some(Liquidation {
            lender,
            liquidator,
            borrower: call.address(0)?,
            debt_token: None,
            debt_amount: call.word(1).filter(|amount| *amount != U256::MAX),
            collateral_token: call.address(2),
            collateral_amount: None,
            place,
        }),
        // liquidateBorrow(borrower, cTokenCollateral), which is paid in the native coin
        [0xaa, 0xe4, 0x0a, 0x2a] => Some(Liquidation {
            lender,
            liquidator,
            borrower: call.address(0)?,
            debt_token: Some(crate::transfer::NATIVE),
            debt_amount: Some(call.value_wei),
            collateral_token: call.address(1),
            collateral_amount: None,
            place,
        }),
        _ => None,
    }
}
