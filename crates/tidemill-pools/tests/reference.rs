//! The swap as the contract writes it, without any short cut, beside ours: both must agree to the last unit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::cast_sign_loss)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use ruint::aliases::U512;
use ruint::UintTryFrom as _;
use tidemill_pools::uniswap_v2::{Fee, UniswapV2};
use tidemill_pools::uniswap_v3::tick_math::{
    sqrt_ratio_at_tick, tick_at_sqrt_ratio, MAX_SQRT_RATIO, MAX_TICK, MIN_SQRT_RATIO, MIN_TICK,
};
use tidemill_pools::uniswap_v3::UniswapV3;
use tidemill_pools::{Amount, Pool, Ticked, U256};

fn wide(value: U256) -> U512 {
    U512::from(value)
}

fn mul_div(a: U256, b: U256, d: U256, is_up: bool) -> Option<U256> {
    let product = wide(a) * wide(b);
    if d.is_zero() {
        return None;
    }
    let (quotient, rest) = product.div_rem(wide(d));
    U256::uint_try_from(quotient + U512::from(u8::from(is_up && !rest.is_zero()))).ok()
}

fn delta0(a: U256, b: U256, liquidity: u128, is_up: bool) -> Option<U256> {
    let (lower, upper) = (a.min(b), a.max(b));
    let part = mul_div(U256::from(liquidity) << 96, upper - lower, upper, is_up)?;
    mul_div(part, U256::from(1), lower, is_up)
}

fn delta1(a: U256, b: U256, liquidity: u128, is_up: bool) -> Option<U256> {
    mul_div(U256::from(liquidity), a.max(b) - a.min(b), U256::from(1) << 96, is_up)
}

fn next_from_0(price: U256, liquidity: u128, amount: U256, is_in: bool) -> Option<U256> {
    if amount.is_zero() {
        return Some(price);
    }
    let scaled: U256 = U256::from(liquidity) << 96;
    let product = amount.checked_mul(price);
    if is_in {
        if let Some(denominator) = product.and_then(|product| scaled.checked_add(product)) {
            return mul_div(scaled, price, denominator, true);
        }
        return mul_div(scaled, U256::from(1), (scaled / price).checked_add(amount)?, true);
    }
    let denominator = scaled.checked_sub(product?).filter(|denominator| !denominator.is_zero())?;
    mul_div(scaled, price, denominator, true).filter(|next| next.bit_len() <= 160)
}

fn next_from_1(price: U256, liquidity: u128, amount: U256, is_in: bool) -> Option<U256> {
    let step = mul_div(amount, U256::from(1) << 96, U256::from(liquidity), !is_in)?;
    if is_in {
        return price.checked_add(step).filter(|next| next.bit_len() <= 160);
    }
    price.checked_sub(step).filter(|next| !next.is_zero())
}

/// Returns the price after a step, the amount in, the amount out and the fee.
fn step(
    price: U256,
    target: U256,
    liquidity: u128,
    remaining: Amount,
    fee: u64,
) -> Option<(U256, U256, U256, U256)> {
    let is_down = price >= target;
    let (one, fee) = (U256::from(1_000_000), U256::from(fee));
    let in_to = |next| {
        if is_down {
            delta0(next, price, liquidity, true)
        } else {
            delta1(price, next, liquidity, true)
        }
    };
    let out_to = |next| {
        if is_down {
            delta1(next, price, liquidity, false)
        } else {
            delta0(price, next, liquidity, false)
        }
    };
    match remaining {
        Amount::In(rest) => {
            let net = mul_div(rest, one - fee, one, false)?;
            let next = if net >= in_to(target)? {
                target
            } else if is_down {
                next_from_0(price, liquidity, net, true)?
            } else {
                next_from_1(price, liquidity, net, true)?
            };
            let amount_in = in_to(next)?;
            let kept =
                if next == target { mul_div(amount_in, fee, one - fee, true)? } else { rest - amount_in };
            Some((next, amount_in, out_to(next)?, kept))
        }
        Amount::Out(rest) => {
            let next = if rest >= out_to(target)? {
                target
            } else if is_down {
                next_from_1(price, liquidity, rest, false)?
            } else {
                next_from_0(price, liquidity, rest, false)?
            };
            let amount_in = in_to(next)?;
            Some((next, amount_in, out_to(next)?.min(rest), mul_div(amount_in, fee, one - fee, true)?))
        }
    }
}

/// A pool as maps: net liquidity by tick.
#[derive(Debug, Clone)]
struct Naive {
    price: U256,
    tick: i32,
    liquidity: u128,
    fee: u64,
    spacing: i32,
    nets: BTreeMap<i32, i128>,
}

impl Naive {
    /// Looks within one word of the bitmap, bit by bit.
    fn next_tick(&self, tick: i32, is_down: bool) -> (i32, bool) {
        let compressed = tick.div_euclid(self.spacing);
        let mut at = if is_down { compressed } else { compressed + 1 };
        loop {
            let tick = at * self.spacing;
            if self.nets.contains_key(&tick) {
                return (tick, true);
            }
            let is_edge = if is_down { at.rem_euclid(256) == 0 } else { at.rem_euclid(256) == 255 };
            if is_edge {
                return (tick.clamp(MIN_TICK, MAX_TICK), false);
            }
            at += if is_down { -1 } else { 1 };
        }
    }

    /// Returns amount in, amount out, price, tick and liquidity.
    fn swap(mut self, is_down: bool, amount: Amount, limit: U256) -> Option<(U256, U256, U256, i32, u128)> {
        let mut remaining = amount;
        let (mut total_in, mut total_out) = (U256::ZERO, U256::ZERO);
        loop {
            let (Amount::In(rest) | Amount::Out(rest)) = remaining;
            if rest.is_zero() || self.price == limit {
                return Some((total_in, total_out, self.price, self.tick, self.liquidity));
            }
            let (next, is_initialised) = self.next_tick(self.tick, is_down);
            let ratio = sqrt_ratio_at_tick(next)?;
            let target = if is_down { ratio.max(limit) } else { ratio.min(limit) };
            let (price, amount_in, amount_out, kept) =
                step(self.price, target, self.liquidity, remaining, self.fee)?;
            remaining = match remaining {
                Amount::In(rest) => Amount::In(rest - amount_in - kept),
                Amount::Out(rest) => Amount::Out(rest - amount_out),
            };
            total_in += amount_in + kept;
            total_out += amount_out;
            if price == ratio {
                if is_initialised {
                    let net = self.nets[&next];
                    self.liquidity = self.liquidity.checked_add_signed(if is_down { -net } else { net })?;
                }
                self.tick = if is_down { next - 1 } else { next };
            } else if price != self.price {
                self.tick = tick_at_sqrt_ratio(price)?;
            }
            self.price = price;
        }
    }
}

#[derive(Debug, Clone)]
struct Case {
    naive: Naive,
    pool: UniswapV3,
}

const TIERS: [(u64, i32); 5] = [(100, 1), (500, 10), (3000, 60), (10_000, 200), (999_999, 1)];

/// Pools with up to eight positions near the price or far from it, with and without liquidity in range.
fn cases() -> impl Strategy<Value = Case> {
    let position = (-40_i32..40, 1_i32..40, 0_u32..100, any::<u64>(), 1_i32..60);
    (0..TIERS.len(), -300_000_i32..300_000, 0_u64..u64::MAX, proptest::collection::vec(position, 0..8))
        .prop_map(|(tier, tick, offset, positions)| {
            let (fee, spacing) = TIERS[tier];
            let mut pool = UniswapV3::new(u32::try_from(fee).unwrap(), spacing).unwrap();
            let (low, high) = (sqrt_ratio_at_tick(tick).unwrap(), sqrt_ratio_at_tick(tick + 1).unwrap());
            let price = if offset % 4 == 0 { low } else { low + U256::from(offset) % (high - low) };
            pool.set_slot(price, tick, 0);
            let mut nets = BTreeMap::new();
            for (start, width, bits, base, scale) in positions {
                let lower = (tick / spacing + start * scale) * spacing;
                let upper = lower + width * scale * spacing;
                let liquidity = i128::from(base) << (bits % 48) >> (bits % 13) | 1;
                if pool.change_liquidity(lower, upper, liquidity).is_ok() {
                    *nets.entry(lower).or_insert(0) += liquidity;
                    *nets.entry(upper).or_insert(0) -= liquidity;
                }
            }
            let liquidity = pool.liquidity();
            Case { naive: Naive { price, tick, liquidity, fee, spacing, nets }, pool }
        })
}

fn amounts() -> impl Strategy<Value = Amount> {
    (any::<[u64; 4]>(), 2_usize..255, any::<bool>()).prop_map(|(limbs, cut, is_in)| {
        let value = (U256::from_limbs(limbs) >> cut).max(U256::from(1));
        if is_in {
            Amount::In(value)
        } else {
            Amount::Out(value)
        }
    })
}

/// Returns how many cases each property is tried on; `make soak` sets more.
fn cases_each() -> u32 {
    let usual = if cfg!(debug_assertions) { 1_000 } else { 15_000 };
    std::env::var("REFERENCE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases_each()))]

    #[test]
    fn our_swap_is_the_contracts_loop_step_by_step(
        case in cases(),
        amount in amounts(),
        is_down: bool,
        limit_ticks in proptest::option::of(1_i32..20_000),
    ) {
        let limit = limit_ticks.map(|ticks| {
            let tick = if is_down { case.naive.tick - ticks } else { case.naive.tick + ticks };
            sqrt_ratio_at_tick(tick.clamp(MIN_TICK, MAX_TICK)).unwrap()
        });
        let default = if is_down { MIN_SQRT_RATIO + U256::from(1) } else { MAX_SQRT_RATIO - U256::from(1) };
        let expected = case.naive.swap(is_down, amount, limit.unwrap_or(default));
        let found = case.pool.swap_to(is_down, amount, limit).ok();
        let found = found.map(|swapped| {
            (swapped.amount_in, swapped.amount_out, swapped.sqrt_price_x96, swapped.tick, swapped.liquidity)
        });
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_quote_is_the_swap_and_in_then_out_never_gains(case in cases(), amount in amounts(), is_down: bool) {
        let mut after = Pool::from(case.pool.clone());
        let before = after.clone();
        let quote = after.quote(is_down, amount);
        prop_assert_eq!(after.swap(is_down, amount), quote);
        if let Ok(there) = quote {
            if let Ok(back) = after.quote(!is_down, Amount::In(there.amount_out)) {
                prop_assert!(back.amount_out <= there.amount_in);
            }
        } else {
            prop_assert_eq!(after, before);
        }
    }

    #[test]
    fn more_in_never_gives_less_out(case in cases(), amount in amounts(), more: u64, is_down: bool) {
        let (Amount::In(less) | Amount::Out(less)) = amount;
        let pool = Pool::from(case.pool);
        if let (Ok(less), Ok(more)) =
            (pool.quote(is_down, Amount::In(less)), pool.quote(is_down, Amount::In(less + U256::from(more))))
        {
            prop_assert!(more.amount_out >= less.amount_out);
            prop_assert!(more.amount_in >= less.amount_in);
        }
    }

    #[test]
    fn a_pairs_quotes_are_the_formulae(
        reserves in any::<[u128; 2]>(),
        cuts in any::<[u8; 2]>(),
        amount in amounts(),
        fee in prop_oneof![Just((997_u32, 1000_u32)), Just((9975, 10_000)), (1_u32..=32_768, Just(32_768))],
    ) {
        let reserve = |index: usize| reserves[index] >> 16 >> (cuts[index] % 112);
        let mut pair = UniswapV2::new(Fee::new(fee.0, fee.1).unwrap());
        pair.set_reserves(reserve(0), reserve(1)).unwrap();
        let (Amount::In(value) | Amount::Out(value)) = amount;
        prop_assert_eq!(pair.amount_out(true, value).ok(), naive_out(reserve(0), reserve(1), fee, value));
        prop_assert_eq!(pair.amount_in(true, value).ok(), naive_in(reserve(0), reserve(1), fee, value));
        if let Ok((there, after)) = pair.swapped(true, amount) {
            if let Ok(back) = after.amount_out(false, there.amount_out) {
                prop_assert!(back <= there.amount_in);
            }
        }
        let most = pair.amount_out(true, value.saturating_add(U256::from(1)));
        if let (Ok(less), Ok(more)) = (pair.amount_out(true, value), most) {
            prop_assert!(more >= less);
        }
    }
}

fn naive_out(reserve_in: u128, reserve_out: u128, fee: (u32, u32), value: U256) -> Option<U256> {
    let net = value.checked_mul(U256::from(fee.0))?;
    let divisor = (U256::from(reserve_in) * U256::from(fee.1)).checked_add(net)?;
    let is_empty = value.is_zero() || reserve_in == 0 || reserve_out == 0;
    let product = net.checked_mul(U256::from(reserve_out))?;
    if is_empty {
        None
    } else {
        Some(product / divisor)
    }
}

fn naive_in(reserve_in: u128, reserve_out: u128, fee: (u32, u32), value: U256) -> Option<U256> {
    let rest = U256::from(reserve_out).checked_sub(value).filter(|rest| !rest.is_zero())?;
    if value.is_zero() || reserve_in == 0 {
        return None;
    }
    let product = U256::from(reserve_in) * value * U256::from(fee.1);
    Some(product / (rest * U256::from(fee.0)) + U256::from(1))
}
