//! Debts of others that were paid for their collateral.

use ruint::aliases::U256;
use tidemill_pools::{Address, Hash};

use crate::block::{Call, CallKind, Event, Tx};
use crate::transfer::{hash, Place, Transfer, NATIVE};

/// `LiquidationCall(collateral, debt, user, debtToCover, liquidatedCollateral, liquidator, receiveAToken)`, of Aave and its forks.
const AAVE: Hash = hash("e413a321e8681d831f4dbccbca790d2952b56f977908e45be37335533e005286");
/// `LiquidateBorrow(liquidator, borrower, repayAmount, cTokenCollateral, seizeTokens)`, of Compound V2 and its forks.
const COMPOUND_V2: Hash = hash("298637f684da70674f26509b10f07ec2fbc77a335ab1e7d6215a4b2484d8bb52");
/// `AbsorbCollateral(absorber, borrower, asset, collateralAbsorbed, usdValue)`: the market itself takes over debt and collateral.
const COMPOUND_V3: Hash = hash("9850ab1af75177e4a9201c65a2cf7976d5d28e40ef63494b44366f86b2f9412e");
/// `Liquidate(id, caller, borrower, repaidAssets, repaidShares, seizedAssets, badDebtAssets, badDebtShares)`.
const MORPHO: Hash = hash("a4946ede45d0c6f06a0f5ce92c9ad3b4751452d2fe0e25010783bcab57a67e41");
/// `Liquidate(liquidator, violator, collateral, repayAssets, yieldBalance)`.
const EULER_V2: Hash = hash("8246cc71ab01533b5bebc672a636df812f10637ad720797319d5741d5ebb3962");

/// One liquidation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Liquidation {
    /// The lending contract.
    pub lender: Address,
    /// Who paid the debt.
    pub liquidator: Address,
    /// Whose debt it was.
    pub borrower: Address,
    /// What was paid; absent where neither log nor transfer tells it.
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

/// Returns the liquidations of `tx`, those of calls that were undone left out.
pub fn liquidations(tx: &Tx, transfers: &[Transfer]) -> Vec<Liquidation> {
    let mut found: Vec<Liquidation> = if tx.has_logs {
        tx.logs.iter().filter_map(of_log).collect()
    } else {
        let calls = tx.calls.iter().filter(|call| !call.is_undone && call.kind == CallKind::Call);
        calls.filter_map(of_call).collect()
    };
    for one in &mut found {
        one.name_tokens(transfers);
    }
    found
}

impl Liquidation {
    /// Names the tokens that its log leaves out by the one transfer with the lender that has the amount.
    fn name_tokens(&mut self, transfers: &[Transfer]) {
        let lender = self.lender;
        let token_of = |amount: Option<U256>, is_side: &dyn Fn(&Transfer) -> bool| {
            let amount = amount.filter(|amount| *amount != U256::ZERO)?;
            transfers.iter().find(|one| one.amount == amount && is_side(one)).map(|one| one.token)
        };
        if self.debt_token.is_none() {
            self.debt_token = token_of(self.debt_amount, &|one| one.to == lender);
        }
        if self.collateral_token.is_none() {
            self.collateral_token = token_of(self.collateral_amount, &|one| one.from == lender);
        }
    }
}

fn of_log(log: &Event) -> Option<Liquidation> {
    let blank = |liquidator, borrower| blank(log.address, liquidator, borrower, Place::Log(log.log_index));
    Some(match *log.topics.first()? {
        AAVE => Liquidation {
            debt_token: log.topic_address(2),
            debt_amount: log.word(0),
            collateral_token: log.topic_address(1),
            collateral_amount: log.word(1),
            ..blank(log.address_at(2)?, log.topic_address(3)?)
        },
        COMPOUND_V2 => Liquidation {
            debt_amount: log.word(2),
            collateral_token: log.address_at(3),
            collateral_amount: log.word(4),
            ..blank(log.address_at(0)?, log.address_at(1)?)
        },
        COMPOUND_V3 => Liquidation {
            collateral_token: log.topic_address(3),
            collateral_amount: log.word(0),
            ..blank(log.topic_address(1)?, log.topic_address(2)?)
        },
        MORPHO => Liquidation {
            debt_amount: log.word(0),
            collateral_amount: log.word(2),
            ..blank(log.topic_address(2)?, log.topic_address(3)?)
        },
        EULER_V2 => Liquidation {
            debt_amount: log.word(1),
            collateral_token: log.address_at(0),
            collateral_amount: log.word(2),
            ..blank(log.topic_address(1)?, log.topic_address(2)?)
        },
        _ => return None,
    })
}

fn of_call(call: &Call) -> Option<Liquidation> {
    let (borrower, debt_token, debt_amount, collateral_token) = match call.selector? {
        // liquidationCall(collateral, debt, user, debtToCover, receiveAToken)
        [0x00, 0xa7, 0x18, 0xa9] => (call.address(2)?, call.address(1), call.word(3), call.address(0)),
        // liquidateBorrow(borrower, repayAmount, cTokenCollateral)
        [0xf5, 0xe3, 0xc4, 0x62] => (call.address(0)?, None, call.word(1), call.address(2)),
        // liquidateBorrow(borrower, cTokenCollateral), which is paid in the native coin
        [0xaa, 0xe4, 0x0a, 0x2a] => (call.address(0)?, Some(NATIVE), Some(call.value_wei), call.address(1)),
        // liquidate((loan, collateral, oracle, irm, lltv), borrower, seizedAssets, repaidShares, data) of Morpho
        [0xd8, 0xea, 0xbc, 0xb8] => (call.address(5)?, call.address(0), None, call.address(1)),
        // liquidate(violator, collateral, repayAssets, minYieldBalance) of Euler V2
        [0xc1, 0x34, 0x25, 0x74] => (call.address(0)?, None, call.word(2), call.address(1)),
        _ => return None,
    };
    Some(Liquidation {
        debt_token,
        debt_amount: debt_amount.filter(|amount| *amount != U256::MAX), // the most there is may be asked for
        collateral_token,
        ..blank(call.to, call.from, borrower, Place::Call(call.place.clone()))
    })
}

fn blank(lender: Address, liquidator: Address, borrower: Address, place: Place) -> Liquidation {
    Liquidation {
        lender,
        liquidator,
        borrower,
        debt_token: None,
        debt_amount: None,
        collateral_token: None,
        collateral_amount: None,
        place,
    }
}
