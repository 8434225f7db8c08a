//! Sizing against brute force: on small pools of every kind no other integer input pays more.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod pools;

use pools::{product, ranged, stable, weighted, AnyPool};
use proptest::prelude::*;
use tidemill_pools::U256;
use tidemill_search::{size, Effort, HopKind, Leg};

fn out(legs: &[Leg<'_>], amount_in: u64) -> Option<U256> {
    legs.iter()
        .try_fold(U256::from(amount_in), |amount, leg| leg.amount_out(amount).ok().map(|found| found.0))
}

/// Returns the best profit of all inputs up to `most`, and the least input that makes it.
fn brute_force(legs: &[Leg<'_>], most: u64) -> Option<(U256, u64)> {
    let mut best: Option<(U256, u64)> = None;
    for amount_in in 1..=most {
        let Some(paid) = out(legs, amount_in) else { continue };
        let profit = paid.saturating_sub(U256::from(amount_in));
        if !profit.is_zero() && best.is_none_or(|(known, _)| profit > known) {
            best = Some((profit, amount_in));
        }
    }
    best
}

fn check(legs: &[Leg<'_>], most: u64) -> Result<(), TestCaseError> {
    let sized = size(legs, Effort::EXACT);
    let expected = brute_force(legs, most);
    let Ok(sized) = sized else {
        prop_assert_eq!(expected, None, "refused: {:?}", sized);
        return Ok(());
    };
    let found = sized.map(|sized| sized.gross_profit());
    prop_assert_eq!(found, expected.map(|(profit, _)| profit), "{:?} {:?}", sized, expected);
    if let Some(sized) = sized {
        prop_assert!(sized.is_proven);
        let mut amount = sized.amount_in();
        for (leg, expected) in legs.iter().zip(&sized.amounts()[1..]) {
            amount = leg.amount_out(amount).unwrap().0;
            prop_assert_eq!(amount, *expected);
        }
    }
    Ok(())
}

fn hops(pools: &[AnyPool]) -> Vec<Leg<'_>> {
    // Token 0 to token 1 and back, so that any number of hops makes a circle of tokens of like value.
    pools.iter().enumerate().map(|(index, pool)| pool.leg(index % 2 == 0)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn brute_force_never_beats_two_products(a in product(1..20_000), b in product(1..20_000)) {
        check(&hops(&[a, b]), 30_000)?;
    }

    #[test]
    fn brute_force_never_beats_products_of_tokens_of_unlike_worth(
        fine in 10_000_u64..60_000, coarse in 3_u64..200, gap in 1_u64..300, scale in 1_u64..5,
    ) {
        let a = AnyPool::of_product(fine, coarse, 997);
        let b = AnyPool::of_product(fine * scale + fine * gap / 100, coarse * scale, 997);
        check(&hops(&[a.clone(), b.clone()]), 300_000)?;
        check(&[b.leg(false), a.leg(true)], 1_000)?;
    }

    #[test]
    fn brute_force_never_beats_three_or_four_products(
        pools in proptest::collection::vec(product(10..3_000), 3..=4),
    ) {
        check(&hops(&pools), 6_000)?;
    }

    #[test]
    fn brute_force_never_beats_a_product_and_ranges(a in product(1_000..20_000), b in ranged()) {
        check(&[a.leg(true), b.leg(false)], 30_000)?;
        check(&[b.leg(true), a.leg(false)], 30_000)?;
    }

    #[test]
    fn brute_force_never_beats_two_pools_of_ranges(a in ranged(), b in ranged()) {
        check(&[a.leg(true), b.leg(false)], 30_000)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn brute_force_never_beats_a_weighted_pool(a in product(1_000..8_000), b in weighted()) {
        check(&[a.leg(true), b.leg(false)], 8_000)?;
        check(&[b.leg(true), a.leg(false)], 8_000)?;
    }

    #[test]
    fn brute_force_never_beats_a_stable_pool(a in product(1_000..8_000), b in stable()) {
        check(&[a.leg(true), b.leg(false)], 8_000)?;
        check(&[b.leg(true), a.leg(false)], 8_000)?;
    }

    #[test]
    fn brute_force_never_beats_a_mix_of_three(a in weighted(), b in stable(), c in ranged(), d in product(1_000..8_000)) {
        check(&[a.leg(true), b.leg(false), c.leg(true), d.leg(false)], 6_000)?;
        check(&[c.leg(true), a.leg(false)], 6_000)?;
        check(&[b.leg(true), c.leg(false)], 6_000)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_input_further_off_pays_more_in_pools_of_any_size(
        reserve0 in 1_000_000_000_u64.., reserve1 in 1_000_000_000_u64.., scale in 0_u32..44,
        share in 1_u128..16, gap in 1_010_u128..1_100, off in 1_u64..1_000_000,
    ) {
        let (reserve0, reserve1) = (u128::from(reserve0) << scale, u128::from(reserve1) << scale);
        let a = AnyPool::of_product_u128(reserve0, reserve1, 997);
        let b = AnyPool::of_product_u128(reserve0 / 8 * share * gap / 1_000, reserve1 / 8 * share, 997);
        let legs = [a.leg(true), b.leg(false)];
        let (there, back) = (size(&legs, Effort::QUICK).unwrap(), size(&legs, Effort::EXACT).unwrap());
        if let (Some(quick), Some(exact)) = (there, back) {
            for sized in [quick, exact] {
                for (leg, hop) in legs.iter().zip(sized.amounts().windows(2)) {
                    prop_assert_eq!(leg.amount_out(hop[0]).map(|found| found.0), Ok(hop[1]));
                }
            }
            // The last units: one of each token, worth what the coarsest is worth.
            let middle = quick.amounts()[1];
            let units = quick.amount_in() / middle.max(U256::from(1)) + U256::from(4);
            let step = quick.amount_in() / U256::from(1_000_000) * U256::from(off);
            for other in [quick.amount_in() + step, quick.amount_in() - step / U256::from(2)] {
                let paid = legs.iter().try_fold(other, |amount, leg| leg.amount_out(amount).ok().map(|found| found.0));
                let profit = paid.unwrap_or_default().saturating_sub(other);
                prop_assert!(profit <= quick.gross_profit() + units, "{profit} {}", quick.gross_profit());
                prop_assert!(profit <= exact.gross_profit() + units);
            }
            prop_assert!(exact.gross_profit() + units >= quick.gross_profit());
        }
    }
}

#[test]
fn the_closed_form_gives_the_known_example() {
    // Pools (1000e18, 2000e18) and (1800e18, 1000e18) at 0.3%: 24.235726767e18 in, 1.234332246753694715e18 gained.
    let unit = U256::from(10).pow(U256::from(18));
    let a = AnyPool::of_product_u128(1_000 * 10_u128.pow(18), 2_000 * 10_u128.pow(18), 997);
    let b = AnyPool::of_product_u128(1_000 * 10_u128.pow(18), 1_800 * 10_u128.pow(18), 997);
    let sized = size(&hops(&[a, b]), Effort::EXACT).unwrap().unwrap();
    assert_eq!(sized.gross_profit(), U256::from(1_234_332_246_753_694_715_u64));
    assert_eq!(sized.amount_in() / (unit / U256::from(1_000_000)), U256::from(24_235_726));
}

#[test]
fn a_path_of_one_hop_is_refused() {
    let pool = AnyPool::of_product(1_000, 1_000, 997);
    assert!(size(&[pool.leg(true)], Effort::EXACT).is_err());
    assert_eq!(pool.leg(true).kind(), HopKind::UniswapV2);
}

#[test]
fn a_pool_whose_fee_swallows_a_single_unit_is_not_taken_for_one_that_pays_nothing() {
    let a = AnyPool::of_product(4_383, 1_000, 997);
    let b = AnyPool::of_weights((20, 2_689), (80, 1_000), 1);
    assert_eq!(brute_force(&[a.leg(true), b.leg(false)], 8_000), Some((U256::from(376), 634)));
    check(&[a.leg(true), b.leg(false)], 8_000).unwrap();
}
