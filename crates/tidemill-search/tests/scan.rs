//! The incremental scan against every circle tried one by one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::cast_possible_truncation)]

mod pools;

use std::collections::{BTreeMap, BTreeSet};

use pools::AnyPool;
use proptest::prelude::*;
use rustc_hash::FxHashMap;
use tidemill_pools::curve_stable::{Rules, StableSwap, Terms};
use tidemill_pools::{PoolError, U256};
use tidemill_search::{
    size, usd_price, Costs, Effort, Fraction, GasTable, Graph, Hop, HopKind, Leg, Market, Scan, Search,
    StableToken,
};

/// Pools with their tokens, in memory.
#[derive(Debug, Clone, Default)]
struct Listed {
    pools: Vec<(AnyPool, Vec<u32>)>,
}

impl Market for Listed {
    fn leg(&self, pool: u32, token_in: u32, token_out: u32) -> Result<Leg<'_>, PoolError> {
        let (pool, tokens) = self.pools.get(pool as usize).ok_or(PoolError::Uninitialised)?;
        let place = |token: u32| tokens.iter().position(|known| *known == token).ok_or(PoolError::Tokens);
        let (token_in, token_out) = (place(token_in)?, place(token_out)?);
        Ok(match pool {
            AnyPool::Stable(pool) => Leg::quoted(&**pool, (token_in, token_out), HopKind::CurveStable),
            AnyPool::Weighted(pool) => Leg::quoted(pool, (token_in, token_out), HopKind::BalancerWeighted),
            _ => pool.leg(token_in < token_out),
        })
    }
}

impl Listed {
    fn graph(&self) -> Graph {
        let mut graph = Graph::new();
        for (pool, (_, tokens)) in self.pools.iter().enumerate() {
            graph.insert(pool as u32, tokens);
        }
        let _ = graph.refresh(self, &self.numbers());
        graph
    }

    fn numbers(&self) -> Vec<u32> {
        (0..self.pools.len() as u32).collect()
    }

    /// Returns every circle that pays, by trying all: its pools and its profit, from its lowest pool on.
    fn all_that_pay(&self, hops_max: usize) -> BTreeMap<Vec<u32>, U256> {
        let mut found = BTreeMap::new();
        for first in self.numbers() {
            for token_in in &self.pools[first as usize].1 {
                self.extend(&mut Vec::new(), (first, *token_in), hops_max, &mut found);
            }
        }
        found
    }

    fn extend(
        &self,
        hops: &mut Vec<Hop>,
        (pool, token_in): (u32, u32),
        hops_max: usize,
        found: &mut BTreeMap<Vec<u32>, U256>,
    ) {
        for token_out in self.pools[pool as usize].1.iter().filter(|token| **token != token_in) {
            hops.push(Hop { pool, token_in, token_out: *token_out });
            if *token_out == hops[0].token_in {
                self.keep(hops, found);
            } else if hops.len() < hops_max
                && !hops[..hops.len() - 1].iter().any(|hop| hop.token_out == *token_out)
            {
                for next in self.numbers() {
                    let is_new = next > hops[0].pool && hops.iter().all(|hop| hop.pool != next);
                    if is_new && self.pools[next as usize].1.contains(token_out) {
                        self.extend(hops, (next, *token_out), hops_max, found);
                    }
                }
            }
            hops.pop();
        }
    }

    fn keep(&self, hops: &[Hop], found: &mut BTreeMap<Vec<u32>, U256>) {
        let legs: Result<Vec<Leg<'_>>, _> =
            hops.iter().map(|hop| self.leg(hop.pool, hop.token_in, hop.token_out)).collect();
        if hops.len() < 2 {
            return;
        }
        if let Ok(Some(sized)) = size(&legs.unwrap(), Effort::QUICK) {
            let mut pools: Vec<u32> = hops.iter().map(|hop| hop.pool).collect();
            pools.sort_unstable();
            found.entry(pools).or_insert(sized.gross_profit());
        }
    }
}

fn pools_of(scan: &Scan) -> BTreeSet<Vec<u32>> {
    let sets = scan.opportunities.iter().map(|found| {
        let mut pools: Vec<u32> = found.cycle.hops().iter().map(|hop| hop.pool).collect();
        pools.sort_unstable();
        pools
    });
    let listed: Vec<Vec<u32>> = sets.collect();
    let distinct: BTreeSet<Vec<u32>> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), distinct.len(), "a trade is told twice");
    distinct
}

fn no_costs() -> FxHashMap<u32, Costs> {
    FxHashMap::default()
}

fn search<'a>(costs: &'a FxHashMap<u32, Costs>, starts: &'a [u32], hops_max: usize) -> Search<'a> {
    Search { hops_max, starts, effort: Effort::QUICK, costs }
}

/// Pools of products between eight tokens, each worth as many units as its number and one.
fn worlds() -> impl Strategy<Value = Listed> {
    let pool = (0_u32..8, 1_u32..8, 1_000_000_u64..100_000_000, 9_900_u64..10_100);
    proptest::collection::vec(pool, 4..20).prop_map(|pools| {
        let listed = pools.into_iter().map(|(a, step, depth, off)| {
            let b = (a + step) % 8;
            let (low, high) = (a.min(b), a.max(b));
            let reserve0 = depth * 1_000 / u64::from(low + 1);
            let reserve1 = depth / u64::from(high + 1) * off / 10;
            (AnyPool::of_product(reserve0, reserve1, 997), vec![low, high])
        });
        Listed { pools: listed.collect() }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_full_scan_finds_every_circle_that_pays(world in worlds(), hops_max in 2_usize..=4) {
        let costs = no_costs();
        let scan = world.graph().scan(&world, &world.numbers(), &search(&costs, &[], hops_max));
        let expected: BTreeSet<Vec<u32>> = world.all_that_pay(hops_max).into_keys().collect();
        prop_assert_eq!(pools_of(&scan), expected);
        prop_assert!(scan.faults.is_empty());
    }

    #[test]
    fn a_scan_of_what_changed_finds_what_a_full_scan_finds_there(
        world in worlds(), changed in proptest::collection::vec((0_usize..20, 9_000_u64..11_000), 1..4),
    ) {
        let mut world = world;
        let mut graph = world.graph();
        let mut touched: Vec<u32> = Vec::new();
        for (at, factor) in changed {
            let at = at % world.pools.len();
            if let AnyPool::Product(pool) = &mut world.pools[at].0 {
                let (reserve0, reserve1) = pool.reserves();
                pool.set_reserves(reserve0 * u128::from(factor) / 10_000, reserve1).unwrap();
            }
            touched.push(at as u32);
        }
        prop_assert!(graph.refresh(&world, &touched).is_empty());
        let costs = no_costs();
        let full = graph.scan(&world, &world.numbers(), &search(&costs, &[], 3));
        let part = graph.scan(&world, &touched, &search(&costs, &[], 3));
        let is_touched = |pools: &Vec<u32>| pools.iter().any(|pool| touched.contains(pool));
        let expected: BTreeSet<Vec<u32>> = pools_of(&full).into_iter().filter(is_touched).collect();
        prop_assert_eq!(pools_of(&part), expected);
        for found in &part.opportunities {
            prop_assert!(full.opportunities.contains(found));
        }
    }

    #[test]
    fn a_planted_gap_is_always_found(world in worlds(), at in 0_usize..20, gap in 2_u64..10) {
        let mut world = world;
        let at = at % world.pools.len();
        let (pool, tokens) = world.pools[at].clone();
        let AnyPool::Product(twin) = pool else { unreachable!("all are products") };
        let (reserve0, reserve1) = twin.reserves();
        world.pools.push((AnyPool::of_product_u128(reserve0 * u128::from(100 + gap) / 100, reserve1, 997), tokens));
        let planted = world.pools.len() as u32 - 1;
        let costs = no_costs();
        let scan = world.graph().scan(&world, &[planted], &search(&costs, &[], 3));
        prop_assert!(pools_of(&scan).contains(&vec![at as u32, planted]));
    }
}

fn pair(reserve0: u64, reserve1: u64, tokens: [u32; 2]) -> (AnyPool, Vec<u32>) {
    (AnyPool::of_product(reserve0, reserve1, 997), tokens.to_vec())
}

fn stable_of_three() -> AnyPool {
    let one = U256::from(1_000_000_000_000_000_000_u64);
    let terms = Terms {
        amp: U256::from(200_000),
        fee: U256::from(1_000_000),
        admin_fee: U256::ZERO,
        offpeg_fee_multiplier: U256::ZERO,
    };
    let balances =
        [U256::from(9_000_000_000_u64), U256::from(10_000_000_000_u64), U256::from(11_000_000_000_u64)];
    AnyPool::Stable(Box::new(StableSwap::new(Rules::TEMPLATE, terms, &balances, &[one * one; 3]).unwrap()))
}

#[test]
fn a_pool_of_three_tokens_joins_circles_between_any_two() {
    let world = Listed {
        pools: vec![
            (stable_of_three(), vec![0, 1, 2]),
            pair(1_000_000_000, 1_050_000_000, [0, 1]),
            pair(1_000_000_000, 1_040_000_000, [1, 2]),
        ],
    };
    let costs = no_costs();
    let scan = world.graph().scan(&world, &[0], &search(&costs, &[], 3));
    assert_eq!(pools_of(&scan), BTreeSet::from([vec![0, 1], vec![0, 2], vec![0, 1, 2]]));
}

#[test]
fn an_empty_pool_leaves_the_search_and_is_told_while_the_others_go_on() {
    let mut world = Listed {
        pools: vec![
            pair(1_000_000, 1_000_000, [0, 1]),
            pair(1_100_000, 1_000_000, [0, 1]),
            pair(1_500_000, 1_000_000, [0, 1]),
        ],
    };
    let mut graph = world.graph();
    world.pools[2] = pair(0, 0, [0, 1]);
    let faults = graph.refresh(&world, &[2]);
    assert_eq!(
        faults.iter().map(|fault| (fault.pool, fault.error)).collect::<Vec<_>>(),
        [(2, PoolError::Empty)]
    );
    let costs = no_costs();
    let scan = graph.scan(&world, &[0, 1, 2], &search(&costs, &[], 3));
    assert_eq!(pools_of(&scan), BTreeSet::from([vec![0, 1]]));
}

#[test]
fn a_pool_taken_out_is_searched_no_more() {
    let world =
        Listed { pools: vec![pair(1_000_000, 1_000_000, [0, 1]), pair(1_100_000, 1_000_000, [0, 1])] };
    let mut graph = world.graph();
    let costs = no_costs();
    assert_eq!(graph.scan(&world, &[0], &search(&costs, &[], 3)).opportunities.len(), 1);
    graph.remove(1);
    assert!(graph.scan(&world, &[0], &search(&costs, &[], 3)).opportunities.is_empty());
}

#[test]
fn circles_start_with_the_most_wanted_token_that_they_have() {
    let world =
        Listed { pools: vec![pair(1_000_000, 2_000_000, [3, 5]), pair(1_100_000, 2_000_000, [3, 5])] };
    let costs = no_costs();
    let start = |starts: &[u32]| {
        let scan = world.graph().scan(&world, &[0], &search(&costs, starts, 3));
        scan.opportunities.first().map(|found| found.cycle.start())
    };
    assert_eq!(start(&[7, 5, 3]), Some(5));
    assert_eq!(start(&[3, 5]), Some(3));
    assert_eq!(start(&[7]), None);
}

#[test]
fn what_is_left_ranks_across_start_tokens_and_is_absent_without_a_price() {
    let world = Listed {
        pools: vec![
            pair(10_000_000, 10_000_000, [0, 1]),
            pair(11_000_000, 10_000_000, [0, 1]),
            pair(100_000_000, 10_000_000, [2, 3]),
            pair(110_000_000, 10_000_000, [2, 3]),
            pair(900_000_000, 10_000_000, [4, 5]),
            pair(990_000_000, 10_000_000, [4, 5]),
        ],
    };
    let price = |numerator: u64| Fraction { numerator: U256::from(numerator), denominator: U256::from(1) };
    let of = |gas_token_price| Costs {
        base_fee_wei: U256::ZERO,
        priority_fee_wei: U256::ZERO,
        l1_fee: None,
        flash_premium_ppm: 0,
        gas_token_price,
        gas: GasTable::MEASURED,
    };
    // Token 2 is worth a hundredth of token 0 in the gas token, and has ten times the profit; token 4 has no price.
    let costs: FxHashMap<u32, Costs> =
        [(0, of(Some(price(1)))), (2, of(Some(price(100)))), (4, of(None))].into_iter().collect();
    let scan = world.graph().scan(&world, &[0, 2, 4], &search(&costs, &[0, 2, 4], 2));
    let starts: Vec<u32> = scan.opportunities.iter().map(|found| found.cycle.start()).collect();
    assert_eq!(starts, [0, 2, 4]);
    assert!(scan.opportunities[1].outcome.unwrap().net.is_some());
    assert!(scan.opportunities[2].outcome.unwrap().net.is_none());
}

#[test]
fn a_dollar_price_comes_from_the_deepest_pool_within_two_steps() {
    let world = Listed {
        pools: vec![
            pair(1_000, 2_000_000, [1, 0]),
            pair(1_000_000, 3_000_000_000, [1, 0]),
            pair(500, 1_000, [2, 1]),
            pair(500, 1_000, [3, 2]),
        ]
        .into_iter()
        .map(|(pool, tokens)| match pool {
            // The lower token comes first in a pool.
            AnyPool::Product(product) => {
                let (reserve0, reserve1) = product.reserves();
                let is_sorted = tokens[0] < tokens[1];
                let (a, b) = if is_sorted { (reserve0, reserve1) } else { (reserve1, reserve0) };
                (
                    AnyPool::of_product_u128(a, b, 997),
                    vec![tokens[0].min(tokens[1]), tokens[0].max(tokens[1])],
                )
            }
            other => (other, tokens),
        })
        .collect(),
    };
    let graph = world.graph();
    let priced = |token: u32| usd_price(&graph, &world, token, &[StableToken { token: 0, decimals: 2 }]);
    let price = |token: u32| priced(token).map(|price| (price.usd_per_unit * 1e6).round() / 1e6);
    assert_eq!(price(0), Some(0.01));
    assert_eq!(price(1), Some(30.0));
    assert_eq!(price(2), Some(60.0));
    assert_eq!(price(3), None, "three steps away");
    let steps =
        |token: u32| priced(token).unwrap().steps.map(|step| step.map(|step| (step.pool, step.token)));
    assert_eq!(steps(0), [None, None]);
    assert_eq!(steps(1), [Some((1, 0)), None]);
    assert_eq!(steps(2)[1], Some((1, 0)), "the second step is that of the token in between");
}
