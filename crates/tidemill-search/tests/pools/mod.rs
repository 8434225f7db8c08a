//! Small pools of every kind, whose every input can be tried.
#![allow(dead_code)] // each test file uses its own part

use proptest::prelude::*;
use std::ops::Range;
use tidemill_pools::balancer_fixed_point::PowVersion;
use tidemill_pools::balancer_weighted::{WeightedTerms, WeightedV2};
use tidemill_pools::curve_stable::{Rules, StableSwap, Terms};
use tidemill_pools::uniswap_v2::{Fee, UniswapV2};
use tidemill_pools::uniswap_v3::tick_math::sqrt_ratio_at_tick;
use tidemill_pools::uniswap_v3::UniswapV3;
use tidemill_pools::U256;
use tidemill_search::{HopKind, Leg};

#[derive(Debug, Clone)]
pub enum AnyPool {
    Product(UniswapV2),
    Ranged(UniswapV3),
    Weighted(WeightedV2),
    Stable(Box<StableSwap>),
}

impl AnyPool {
    pub fn of_product(reserve0: u64, reserve1: u64, kept: u32) -> Self {
        Self::of_product_u128(reserve0.into(), reserve1.into(), kept)
    }

    pub fn of_product_u128(reserve0: u128, reserve1: u128, kept: u32) -> Self {
        let mut pool = UniswapV2::new(Fee::new(kept, 1000).unwrap());
        pool.set_reserves(reserve0, reserve1).unwrap();
        Self::Product(pool)
    }

    /// Returns a pool of two tokens, each with its weight in percent and its balance; the fee is in thousandths.
    pub fn of_weights(token0: (u64, u64), token1: (u64, u64), fee: u64) -> Self {
        let weights = [token0, token1].map(|(weight, _)| one() / U256::from(100) * U256::from(weight));
        let terms = WeightedTerms {
            weights: weights.to_vec(),
            scaling_factors: vec![one() * one(); 2],
            fee: one() / U256::from(1000) * U256::from(fee),
            version: PowVersion::Shortcuts,
        };
        let balances = [token0, token1].map(|(_, balance)| U256::from(balance));
        Self::Weighted(WeightedV2::new(terms, balances.to_vec()).unwrap())
    }

    pub fn leg(&self, zero_for_one: bool) -> Leg<'_> {
        let tokens = if zero_for_one { (0, 1) } else { (1, 0) };
        match self {
            Self::Product(pool) => Leg::product(pool, zero_for_one),
            Self::Ranged(pool) => Leg::ranges(pool, zero_for_one),
            Self::Weighted(pool) => Leg::quoted(pool, tokens, HopKind::BalancerWeighted),
            Self::Stable(pool) => Leg::quoted(&**pool, tokens, HopKind::CurveStable),
        }
    }
}

pub fn product(reserves: Range<u64>) -> impl Strategy<Value = AnyPool> {
    let kept = prop_oneof![Just(997_u32), Just(998), Just(1000), Just(900)];
    (reserves.clone(), reserves, kept).prop_map(|(a, b, kept)| AnyPool::of_product(a, b, kept))
}

/// Pools of up to eight ranges around a price near one.
pub fn ranged() -> impl Strategy<Value = AnyPool> {
    let positions = proptest::collection::vec((-8_i32..8, 1_i32..6, 1_000_i128..400_000), 0..6);
    let fee = prop_oneof![Just((500_u32, 10_i32)), Just((3_000, 60)), Just((10_000, 200))];
    (fee, -600_i32..600, 1_000_i128..20_000, positions).prop_map(
        |((fee, spacing), tick, whole, positions)| {
            let mut pool = UniswapV3::new(fee, spacing).unwrap();
            pool.set_slot(sqrt_ratio_at_tick(tick).unwrap() + U256::from(12_345), tick, 0);
            let edge = 887_200 / spacing * spacing;
            pool.change_liquidity(-edge, edge, whole).unwrap();
            for (lower, width, liquidity) in positions {
                pool.change_liquidity(lower * spacing, (lower + width) * spacing, liquidity).unwrap();
            }
            AnyPool::Ranged(pool)
        },
    )
}

fn one() -> U256 {
    U256::from(1_000_000_000_000_000_000_u64)
}

/// Pools of two tokens without decimals.
pub fn weighted() -> impl Strategy<Value = AnyPool> {
    let weight = prop_oneof![Just(50_u64), Just(80), Just(20), Just(33)];
    (weight, 1_000_u64..8_000, 1_000_u64..8_000, 1_u64..20)
        .prop_map(|(weight, a, b, fee)| AnyPool::of_weights((weight, a), (100 - weight, b), fee))
}

/// Pools of two coins without decimals.
pub fn stable() -> impl Strategy<Value = AnyPool> {
    (1_000_u64..8_000, 1_000_u64..8_000, 2_u64..400, 0_u64..40_000_000).prop_map(|(a, b, amp, fee)| {
        let terms = Terms {
            amp: U256::from(amp * 100),
            fee: U256::from(fee),
            admin_fee: U256::from(5_000_000_000_u64),
            offpeg_fee_multiplier: U256::from(20_000_000_000_u64),
        };
        let rate = one() * one();
        let pool =
            StableSwap::new(Rules::TEMPLATE, terms, &[U256::from(a), U256::from(b)], &[rate, rate]).unwrap();
        AnyPool::Stable(Box::new(pool))
    })
}
