//! What must hold for any Balancer pool: more in never gives less out, there and back never gains, nothing panics.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss)]

mod shared;

use proptest::prelude::*;
use shared::balancer::check_shares;
use tidemill_pools::balancer_fixed_point::{pow_down, pow_up, PowVersion, ONE};
use tidemill_pools::balancer_pool::BalancerPool;
use tidemill_pools::balancer_stable::stable_math::StableVersion;
use tidemill_pools::balancer_stable::{StableTerms, StableV2, StableV3, Surge};
use tidemill_pools::balancer_v3::liquidity::{Add, LiquidityPool, Remove, MIN_SUPPLY};
use tidemill_pools::balancer_v3::{VaultTerms, MIN_TRADE};
use tidemill_pools::balancer_weighted::{WeightedTerms, WeightedV2, WeightedV3};
use tidemill_pools::{PoolError, U256};

/// A pool of any of the four kinds.
#[derive(Debug, Clone)]
enum Any {
    WeightedV2(WeightedV2),
    WeightedV3(WeightedV3),
    StableV2(StableV2),
    StableV3(StableV3),
}

type Step<T> = Result<(U256, T), PoolError>;

impl Any {
    fn swap_in(&self, token_in: usize, token_out: usize, amount: U256) -> Step<Self> {
        fn wrapped<T>(step: Step<T>, wrap: fn(T) -> Any) -> Step<Any> {
            step.map(|(amount, pool)| (amount, wrap(pool)))
        }
        match self {
            Self::WeightedV2(pool) => wrapped(pool.swap_in(token_in, token_out, amount), Self::WeightedV2),
            Self::WeightedV3(pool) => wrapped(pool.swap_in(token_in, token_out, amount), Self::WeightedV3),
            Self::StableV2(pool) => wrapped(pool.swap_in(token_in, token_out, amount), Self::StableV2),
            Self::StableV3(pool) => wrapped(pool.swap_in(token_in, token_out, amount), Self::StableV3),
        }
    }

    fn swap_out(&self, token_in: usize, token_out: usize, amount: U256) -> Step<Self> {
        fn wrapped<T>(step: Step<T>, wrap: fn(T) -> Any) -> Step<Any> {
            step.map(|(amount, pool)| (amount, wrap(pool)))
        }
        match self {
            Self::WeightedV2(pool) => wrapped(pool.swap_out(token_in, token_out, amount), Self::WeightedV2),
            Self::WeightedV3(pool) => wrapped(pool.swap_out(token_in, token_out, amount), Self::WeightedV3),
            Self::StableV2(pool) => wrapped(pool.swap_out(token_in, token_out, amount), Self::StableV2),
            Self::StableV3(pool) => wrapped(pool.swap_out(token_in, token_out, amount), Self::StableV3),
        }
    }

    fn balance(&self, token: usize) -> U256 {
        match self {
            Self::WeightedV2(pool) => pool.balances()[token],
            Self::WeightedV3(pool) => pool.balances()[token],
            Self::StableV2(pool) => pool.balances()[token],
            Self::StableV3(pool) => pool.balances()[token],
        }
    }
}

/// Numbers of which a pool of three tokens is made; balances with 18 decimals, a unit, a rate and a share for each.
#[derive(Debug, Clone)]
struct Made {
    tokens: [(u128, u32, u64, u64); 3],
    fee: u64,
    amp: u64,
    version: bool,
}

fn made() -> impl Strategy<Value = Made> {
    let balance = (10_u32..27, 1_u128..1_000).prop_map(|(power, digits)| digits * 10_u128.pow(power));
    let rate = prop_oneof![Just(10_u64.pow(18)), 10_u64.pow(18)..3 * 10_u64.pow(18)];
    let token = (balance, prop_oneof![Just(0_u32), Just(10), Just(12)], rate, 1_u64..50);
    // The contracts' least fee; without one, what the invariant's rounding loses would show in lopsided pools.
    let fee = prop_oneof![Just(10_u64.pow(12)), 10_u64.pow(12)..10_u64.pow(17)];
    (prop::array::uniform3(token), fee, 1_u64..5_000, any::<bool>())
        .prop_map(|(tokens, fee, amp, version)| Made { tokens, fee, amp: amp * 1_000, version })
}

impl Made {
    fn factors(&self) -> Vec<U256> {
        self.tokens.iter().map(|token| U256::from(10_u64.pow(token.1))).collect()
    }

    fn rates(&self) -> Vec<U256> {
        self.tokens.iter().map(|token| U256::from(token.2)).collect()
    }

    fn balances(&self) -> Vec<U256> {
        self.tokens.iter().map(|token| U256::from(token.0 / 10_u128.pow(token.1))).collect()
    }

    fn weights(&self) -> Vec<U256> {
        let sum: u64 = self.tokens.iter().map(|token| token.3).sum();
        self.tokens.iter().map(|token| ONE * U256::from(token.3) / U256::from(sum)).collect()
    }

    fn vault(&self) -> VaultTerms {
        VaultTerms {
            scaling_factors: self.factors(),
            rates: self.rates(),
            fee: U256::from(self.fee),
            aggregate_fee: if self.version { ONE / U256::from(2) } else { U256::ZERO },
            min_trade: MIN_TRADE,
        }
    }

    fn weighted_v2(&self, version: PowVersion) -> WeightedV2 {
        let terms = WeightedTerms {
            weights: self.weights(),
            scaling_factors: self.factors().iter().map(|factor| factor * ONE).collect(),
            fee: U256::from(self.fee),
            version,
        };
        WeightedV2::new(terms, self.balances()).unwrap()
    }

    fn weighted(&self) -> [Any; 2] {
        let version = if self.version { PowVersion::Shortcuts } else { PowVersion::Logarithms };
        [
            Any::WeightedV2(self.weighted_v2(version)),
            Any::WeightedV3(WeightedV3::new(self.vault(), self.weights(), self.balances()).unwrap()),
        ]
    }

    fn stable(&self) -> [Any; 2] {
        let factors = self.factors().into_iter().zip(self.rates());
        let terms = StableTerms {
            amp: U256::from(self.amp),
            scaling_factors: factors.map(|(factor, rate)| factor * rate).collect(),
            fee: U256::from(self.fee),
            version: if self.version { StableVersion::Truncate } else { StableVersion::RoundUp },
            bpt_index: None,
        };
        let v3 = StableV3::new(self.vault(), U256::from(self.amp), self.balances()).unwrap();
        [Any::StableV2(StableV2::new(terms, self.balances()).unwrap()), Any::StableV3(v3)]
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn weighted_pools_that_are_said_to_quote_alike_do(made in made(), part in 4_u64..1_000_000) {
        let [short, long] = [PowVersion::Shortcuts, PowVersion::Logarithms].map(|version| made.weighted_v2(version));
        let shares = made.tokens.map(|token| token.3);
        let pairs = || (0..3).flat_map(|i| (0..3).map(move |j| (i, j))).filter(|(i, j)| i != j);
        let is_exact = |(i, j): (usize, usize)| [1, 2, 4].iter().any(|times| shares[i] == times * shares[j]);
        prop_assert!(short.quotes_as(&short));
        prop_assert_eq!(short.quotes_as(&long), long.quotes_as(&short));
        // weights are cut to 18 decimals: of 1 and 3 in 11 the one is no longer the third part of the other
        prop_assert!(short.quotes_as(&long) || pairs().any(is_exact));
        if short.quotes_as(&long) {
            for (i, j) in pairs() {
                let amount = made.balances()[i] / U256::from(part);
                prop_assert_eq!(short.amount_out(i, j, amount), long.amount_out(i, j, amount));
                prop_assert_eq!(short.amount_in(j, i, amount), long.amount_in(j, i, amount));
            }
        }
    }

    #[test]
    fn an_amount_that_buys_the_same_by_any_code_does(
        times in prop::sample::select(vec![1_u64, 2, 4]),
        decimals in prop::array::uniform2(0_u32..=18),
        balances in prop::array::uniform2(1_000_000_u64..),
        part in 4_u64..1_000_000,
    ) {
        let weights = [times, 1].map(|share| ONE * U256::from(share) / U256::from(times + 1)).to_vec();
        let zeros = decimals.map(|decimals| U256::from(10).pow(U256::from(36 - decimals)));
        let [short, long] = [PowVersion::Shortcuts, PowVersion::Logarithms].map(|version| {
            let (weights, scaling_factors) = (weights.clone(), zeros.to_vec());
            let terms = WeightedTerms { weights, scaling_factors, fee: ONE / U256::from(1_000), version };
            WeightedV2::new(terms, balances.map(U256::from).to_vec()).unwrap()
        });
        for (i, j) in [(0, 1), (1, 0)] {
            let amount = U256::from(balances[i] / part);
            if short.is_any_code_alike(i, j, amount).unwrap() {
                prop_assert_eq!(short.amount_out(i, j, amount), long.amount_out(i, j, amount));
            }
        }
    }

    #[test]
    fn more_in_never_gives_less_out(made in made(), parts in prop::array::uniform2(1_u64..30_000_000)) {
        for pool in made.weighted().into_iter().chain(made.stable()) {
            let amount = |part: u64| pool.balance(0) * U256::from(part) / U256::from(100_000_000);
            let (less, more) = (parts[0].min(parts[1]), parts[0].max(parts[1]));
            let quotes = (pool.swap_in(0, 1, amount(less)), pool.swap_in(0, 1, amount(more)));
            if let (Ok((out_less, _)), Ok((out_more, _))) = quotes {
                prop_assert!(out_less <= out_more, "{:?}", pool);
            }
        }
    }

    #[test]
    fn there_and_back_never_gains(made in made(), part in 1_u64..30_000_000, is_given_in: bool) {
        for pool in made.weighted().into_iter().chain(made.stable()) {
            let of = |token| pool.balance(token) * U256::from(part) / U256::from(100_000_000);
            let there = if is_given_in {
                pool.swap_in(0, 1, of(0)).map(|(out, after)| (of(0), out, after))
            } else {
                pool.swap_out(0, 1, of(1)).map(|(paid, after)| (paid, of(1), after))
            };
            let Ok((paid, bought, after)) = there else { continue };
            if let Ok((back, _)) = after.swap_in(1, 0, bought) {
                prop_assert!(back <= paid, "{} after {} of {:?}", back, paid, pool);
            }
            if let Ok((cost, _)) = after.swap_out(1, 0, paid) {
                prop_assert!(cost >= bought, "{} after {} of {:?}", cost, bought, pool);
            }
        }
    }

    #[test]
    fn shares_bought_and_sold_again_never_gain(
        made in made(), supply in 10_u128.pow(9)..10_u128.pow(30), token in 0_usize..3, part_ppm in 1_u64..400_000,
    ) {
        let supply = U256::from(supply);
        let weighted = WeightedV3::new(made.vault(), made.weights(), made.balances()).unwrap();
        check_shares(&weighted, supply, token, part_ppm);
        check_shares(&weighted.with_least_balances(vec![MIN_TRADE; 3]).unwrap(), supply, token, part_ppm);
        let stable = StableV3::new(made.vault(), U256::from(made.amp), made.balances()).unwrap();
        check_shares(&stable, supply, token, part_ppm);
        check_shares(&stable.bounded(), supply, token, part_ppm);
    }

    #[test]
    fn any_numbers_give_an_answer_or_an_error(numbers in prop::collection::vec(any::<[u64; 4]>(), 12), cut in 0_usize..250) {
        let cut_of = |at: usize| U256::from_limbs(numbers[at]) >> cut;
        let three = |at: usize| (at..at + 3).map(cut_of).collect::<Vec<_>>();
        let vault = VaultTerms { scaling_factors: three(3), rates: three(6), fee: cut_of(9) % ONE, aggregate_fee: ONE, min_trade: U256::ZERO };
        let terms = WeightedTerms { weights: three(6), scaling_factors: three(3), fee: cut_of(9) % ONE, version: PowVersion::Shortcuts };
        let stable = StableTerms { amp: cut_of(10), scaling_factors: three(3), fee: cut_of(9) % ONE, version: StableVersion::RoundUp, bpt_index: None };
        let surge = Surge { threshold: cut_of(1), max_fee: cut_of(2) % ONE };
        let pools = [
            WeightedV2::new(terms, three(0)).map(Any::WeightedV2),
            WeightedV3::new(vault.clone(), three(6), three(0)).map(Any::WeightedV3),
            StableV2::new(stable, three(0)).map(Any::StableV2),
            StableV3::new(vault, cut_of(10), three(0)).map(|pool| Any::StableV3(pool.with_surge(surge))),
        ];
        for pool in pools.into_iter().flatten() {
            let _ = pool.swap_in(0, 1, cut_of(11));
            let _ = pool.swap_out(0, 1, cut_of(11));
            match pool {
                Any::WeightedV3(pool) => any_change(&pool, cut_of(10), cut_of(11), &three(9)),
                Any::StableV3(pool) => any_change(&pool, cut_of(9), cut_of(11), &three(9)),
                Any::WeightedV2(_) | Any::StableV2(_) => {}
            }
        }
    }

    #[test]
    fn powers_are_bounded_by_the_contracts_error(x in 1_u64..4_000_000_000_000_000_000, y in 1_u64..8_000_000_000_000_000_000) {
        let (x, y) = (U256::from(x), U256::from(y));
        let (Ok(down), Ok(up)) = (pow_down(x, y, PowVersion::Logarithms), pow_up(x, y, PowVersion::Logarithms)) else { return Ok(()) };
        prop_assert!(down <= up);
        let exact = (f64::from(x) / 1e18).powf(f64::from(y) / 1e18);
        let found = f64::from(up) / 1e18;
        prop_assert!((found - exact).abs() <= exact * 1e-12 + 1e-16, "{} {}", found, exact);
    }
}

fn any_change(pool: &impl LiquidityPool, supply: U256, shares: U256, amounts: &[U256]) {
    for given in [Add::Proportional(shares), Add::Unbalanced(amounts), Add::Single { token: 1, shares }] {
        let _ = pool.add_liquidity(supply, given);
    }
    let (for_shares, amount) =
        (Remove::SingleForShares { token: 1, shares }, Remove::SingleAmount { token: 1, amount: amounts[0] });
    for wanted in [Remove::Proportional(shares), for_shares, amount] {
        let _ = pool.remove_liquidity(supply, wanted);
    }
}

fn even_stable(amount: u64) -> StableV3 {
    let terms = VaultTerms {
        scaling_factors: vec![U256::ONE; 2],
        rates: vec![ONE; 2],
        fee: U256::from(10_u64.pow(14)),
        aggregate_fee: ONE / U256::from(2),
        min_trade: MIN_TRADE,
    };
    StableV3::new(terms, U256::from(200_000), vec![U256::from(amount); 2]).unwrap()
}

#[test]
fn changes_of_liquidity_that_the_contracts_refuse_are_errors() {
    let (balance, supply) = (10_u64.pow(18), U256::from(2 * 10_u64.pow(18)));
    let pool = even_stable(balance);
    let add = |given: Add<'_>| pool.add_liquidity(supply, given).map(|found| found.shares);
    let remove = |wanted| pool.remove_liquidity(supply, wanted).map(|found| found.shares);
    assert_eq!(add(Add::Proportional(MIN_TRADE - U256::ONE)), Err(PoolError::Small));
    assert_eq!(add(Add::Unbalanced(&[ONE])), Err(PoolError::Tokens));
    assert_eq!(add(Add::Single { token: 2, shares: ONE }), Err(PoolError::Tokens));
    assert_eq!(add(Add::Single { token: 0, shares: ONE * U256::from(9) }), Err(PoolError::Growth));
    assert_eq!(add(Add::Unbalanced(&[ONE * U256::from(9); 2])), Err(PoolError::Growth));
    assert_eq!(add(Add::Unbalanced(&[U256::MAX; 2])), Err(PoolError::Overflow));
    let half = supply / U256::from(2);
    assert_eq!(remove(Remove::SingleForShares { token: 0, shares: half }), Err(PoolError::Growth));
    assert_eq!(remove(Remove::SingleForShares { token: 2, shares: half }), Err(PoolError::Tokens));
    assert_eq!(remove(Remove::SingleAmount { token: 2, amount: ONE }), Err(PoolError::Tokens));
    assert_eq!(remove(Remove::SingleAmount { token: 0, amount: ONE + ONE }), Err(PoolError::Insufficient));
    let all_but = |left: U256| remove(Remove::Proportional(supply - left));
    assert_eq!(all_but(MIN_SUPPLY), Ok(supply - MIN_SUPPLY));
    assert_eq!(all_but(MIN_SUPPLY - U256::ONE), Err(PoolError::Insufficient));
    assert_eq!(pool.add_liquidity(U256::ZERO, Add::Proportional(ONE)), Err(PoolError::Empty));
}

#[test]
fn the_surge_hook_refuses_what_unbalances_and_lets_through_what_is_in_proportion() {
    let surge = Surge { threshold: ONE / U256::from(10), max_fee: ONE / U256::from(2) };
    let (pool, supply) = (even_stable(10_u64.pow(18)).with_surge(surge), U256::from(2 * 10_u64.pow(18)));
    let add = |amounts: &[U256]| pool.add_liquidity(supply, Add::Unbalanced(amounts)).map(|found| found.pool);
    let small = add(&[ONE / U256::from(10), U256::ZERO]).unwrap();
    assert_eq!(add(&[ONE, U256::ZERO]), Err(PoolError::Surge));
    // Half of the fee left the pool.
    assert!(small.balances()[0] < ONE + ONE / U256::from(10));
    assert!(pool.add_liquidity(supply, Add::Proportional(supply)).is_ok());
    assert!(pool.remove_liquidity(supply, Remove::Proportional(ONE)).is_ok());
    let shares = ONE / U256::from(2);
    assert_eq!(
        pool.remove_liquidity(supply, Remove::SingleForShares { token: 0, shares }),
        Err(PoolError::Surge)
    );
}

#[test]
fn what_the_contracts_refuse_is_an_error() {
    let terms = WeightedTerms {
        weights: vec![ONE / U256::from(2); 2],
        scaling_factors: vec![ONE; 2],
        fee: U256::ZERO,
        version: PowVersion::Shortcuts,
    };
    let pool = WeightedV2::new(terms, vec![U256::from(1_000); 2]).unwrap();
    assert_eq!(pool.amount_out(0, 1, U256::from(301)), Err(PoolError::Ratio));
    assert_eq!(pool.amount_in(0, 1, U256::from(301)), Err(PoolError::Ratio));
    assert_eq!(pool.amount_out(0, 1, U256::ZERO), Err(PoolError::Empty));
    assert_eq!(pool.amount_out(0, 0, U256::ONE), Err(PoolError::Tokens));
    assert_eq!(pool.amount_out(0, 2, U256::ONE), Err(PoolError::Tokens));
}

#[test]
fn the_share_token_of_a_composable_pool_is_left_out_of_the_curve() {
    let balance = U256::from(10_u64.pow(18)) * U256::from(1_000);
    let terms = |tokens, bpt_index| StableTerms {
        amp: U256::from(200_000),
        scaling_factors: vec![ONE; tokens],
        fee: U256::from(10_u64.pow(14)),
        version: StableVersion::Truncate,
        bpt_index,
    };
    let plain = StableV2::new(terms(2, None), vec![balance; 2]).unwrap();
    let shares = U256::from(1) << 111_usize;
    let composable = StableV2::new(terms(3, Some(1)), vec![balance, shares, balance]).unwrap();
    assert_eq!(composable.amount_out(0, 2, ONE), plain.amount_out(0, 1, ONE));
    assert_eq!(composable.amount_in(2, 0, ONE), plain.amount_in(1, 0, ONE));
    assert_eq!(composable.amount_out(0, 1, ONE), Err(PoolError::Tokens));
    let price = composable.spot_price(0, 2).unwrap();
    assert_eq!(price.numerator, price.denominator);
}

#[test]
fn weights_on_whose_powers_the_code_differs_are_not_said_to_quote_alike() {
    let pool = |weights: [u64; 2], version| {
        let weights = weights.map(|hundredths| ONE * U256::from(hundredths) / U256::from(100)).to_vec();
        let terms = WeightedTerms { weights, scaling_factors: vec![ONE; 2], fee: U256::ZERO, version };
        WeightedV2::new(terms, vec![ONE; 2]).unwrap()
    };
    for (weights, is_alike) in [([50, 50], false), ([80, 20], false), ([20, 80], false), ([60, 40], true)] {
        let [short, long] =
            [PowVersion::Shortcuts, PowVersion::Logarithms].map(|version| pool(weights, version));
        assert_eq!(short.quotes_as(&long), is_alike, "{weights:?}");
    }
}

#[test]
fn only_an_amount_on_which_the_code_may_differ_is_not_alike() {
    let alike = |balance: u64, decimals: u32, weights: [u64; 2]| {
        let scaling_factors = vec![U256::from(10).pow(U256::from(36 - decimals)); 2];
        let weights = weights.map(|hundredths| ONE * U256::from(hundredths) / U256::from(100)).to_vec();
        let terms =
            WeightedTerms { weights, scaling_factors, fee: U256::ZERO, version: PowVersion::Shortcuts };
        let pool = WeightedV2::new(terms, vec![U256::from(balance); 2]).unwrap();
        let amounts = (1..=1_000_u64).map(|part| U256::from(balance / 4 / part));
        amounts.filter(|amount| pool.is_any_code_alike(0, 1, *amount).unwrap()).count()
    };
    let (some, many) = (3_000_000_000_000, 10_u64.pow(19));
    assert!(alike(some, 6, [50, 50]) > 900); // what may differ is a twentieth of a unit
    assert_eq!(alike(many, 18, [50, 50]), 0); // what may differ is 100,000 units
    assert_eq!(alike(many, 18, [60, 40]), 1_000); // no code takes a shortcut
}
