//! What is left of a profit: every cost is counted, rounded against us, and absent where it cannot be known.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use tidemill_pools::U256;
use tidemill_search::{Costs, Fraction, GasTable, HopKind, L1Fee, Signed};

fn number(value: u64) -> U256 {
    U256::from(value)
}

/// 30 gwei and 2 gwei on top, a rollup's data fee, Aave's premium, 2,500.5 units of the start token per 10^12 wei.
fn costs() -> Costs {
    Costs {
        base_fee_wei: number(30_000_000_000),
        priority_fee_wei: number(2_000_000_000),
        l1_fee: Some(L1Fee { bytes: 900, price_wei: number(1_000_000_000) }),
        flash_premium_ppm: 500,
        gas_token_price: Some(Fraction {
            numerator: number(25_005),
            denominator: number(10_000_000_000_000),
        }),
        gas: GasTable::MEASURED,
    }
}

#[test]
fn every_cost_is_taken_from_the_profit() {
    let outcome = costs().of(number(1_000_000_001), number(50_000_000), Some(200_000));
    // 0.05% of the loan, rounded up; (32 gwei · 200,000 + 900 gwei) at the price, rounded up.
    assert_eq!(outcome.flash_premium, number(500_001));
    assert_eq!(outcome.fee_wei, Some(number(6_400_900_000_000_000)));
    let net = outcome.net.unwrap();
    let fee = 16_005_451_u64; // 6,400.9 · 2,500.5 = 16,005,450.45
    assert_eq!(net.profit, Signed { is_negative: false, magnitude: number(50_000_000 - 500_001 - fee) });
}

#[test]
fn at_the_break_even_gas_price_nothing_is_lost_and_a_wei_above_it_something_is() {
    let outcome = costs().of(number(1_000_000_000), number(50_000_000), Some(200_000));
    let price = outcome.net.unwrap().break_even_gas_price_wei;
    let at = |price: U256| {
        let costs = Costs { base_fee_wei: price, priority_fee_wei: U256::ZERO, ..costs() };
        costs.of(number(1_000_000_000), number(50_000_000), Some(200_000)).net.unwrap().profit
    };
    assert!(!at(price).is_negative);
    let coarse = at(price + price / number(1_000_000));
    assert!(coarse.is_negative);
}

#[test]
fn without_a_price_of_the_gas_token_nothing_is_said_to_be_left() {
    let outcome = Costs { gas_token_price: None, ..costs() }.of(number(1_000), number(500), Some(200_000));
    assert_eq!(outcome.net, None);
    assert_eq!(outcome.fee_wei, Some(number(6_400_900_000_000_000)));
}

#[test]
fn a_hop_whose_gas_is_unknown_makes_the_cost_absent() {
    let hops = [(HopKind::UniswapV2, 0), (HopKind::CurveCrypto, 0)];
    assert_eq!(GasTable::MEASURED.of(&hops), None);
    let known = GasTable::MEASURED.with(HopKind::CurveCrypto, Some(200_000));
    assert_eq!(known.of(&hops), Some(GasTable::MEASURED.base + 66_900 + 200_000));
    assert_eq!(costs().of(number(1_000), number(500), None).net, None);
}

#[test]
fn each_tick_crossed_costs_gas() {
    let of = |ticks| GasTable::MEASURED.of(&[(HopKind::UniswapV3, ticks), (HopKind::UniswapV2, 0)]).unwrap();
    assert_eq!(of(3) - of(0), 3 * GasTable::MEASURED.tick);
}

proptest! {
    #[test]
    fn dearer_gas_never_leaves_more(amount: u64, gross: u64, gas in 1_u64..10_000_000, base: u64, more: u64) {
        let at = |fee: u64| Costs { base_fee_wei: number(fee), ..costs() }.of(number(amount), number(gross), Some(gas));
        let (cheap, dear) = (at(base).net.unwrap(), at(base.saturating_add(more)).net.unwrap());
        prop_assert!(dear.profit <= cheap.profit);
        prop_assert_eq!(dear.break_even_gas_price_wei, cheap.break_even_gas_price_wei);
    }

    #[test]
    fn numbers_of_any_size_leave_an_answer_or_none(
        amount: [u64; 4], gross: [u64; 4], fee: [u64; 4], numerator: [u64; 4], denominator: [u64; 4], gas: u64,
    ) {
        let price = Fraction { numerator: U256::from_limbs(numerator), denominator: U256::from_limbs(denominator) };
        let costs = Costs { base_fee_wei: U256::from_limbs(fee), gas_token_price: Some(price), ..costs() };
        let outcome = costs.of(U256::from_limbs(amount), U256::from_limbs(gross), Some(gas));
        if let Some(net) = outcome.net {
            prop_assert!(net.profit.is_negative || net.profit.magnitude <= outcome.gross_profit);
        }
    }
}
