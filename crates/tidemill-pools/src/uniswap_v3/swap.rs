//! What a swap does: the contract's own loop, from tick to tick and from bitmap word to bitmap word.
//!
//! Source: Uniswap/v3-core, UniswapV3Pool.swap; Uniswap/v3-periphery, `QuoterV2`.

use ruint::aliases::U256;

use crate::error::PoolError;
use crate::kind::{Amount, Quote};

use super::swap_math::{advance, FeePpm, LastStep, Range};
use super::tick_math::{tick_at_sqrt_ratio, MAX_SQRT_RATIO, MIN_SQRT_RATIO};
use super::ticks::{add_liquidity, Cursor, Search, Stop};
use super::UniswapV3;

/// What a swap moved and where it left the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swapped {
    /// Taken in, fee and all.
    pub amount_in: U256,
    /// Paid out.
    pub amount_out: U256,
    /// Price after the swap, in 2^-96.
    pub sqrt_price_x96: U256,
    /// Tick after the swap.
    pub tick: i32,
    /// Liquidity in range after the swap.
    pub liquidity: u128,
    /// Initialised ticks crossed.
    pub ticks_crossed: u32,
}

impl Swapped {
    /// Returns the amounts as the pool's deltas in two's complement: positive where the pool gains; token 0 first.
    pub fn deltas(&self, zero_for_one: bool) -> (U256, U256) {
        let paid = self.amount_out.wrapping_neg();
        if zero_for_one { (self.amount_in, paid) } else { (paid, self.amount_in) }
    }
}

/// What a swap depends on beside price and ticks: the same for every Uniswap V3 pool, not for those like it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Course {
    pub(crate) fee: FeePpm,
    pub(crate) search: Search,
    pub(crate) last_step: LastStep,
}

/// A swap under way.
struct Walk<'a> {
    cursor: Cursor<'a>,
    zero_for_one: bool,
    limit: U256,
    course: Course,
    remaining: Amount,
    /// Sum of what is not given: paid out for an amount in, taken in for an amount out.
    computed: U256,
    price: U256,
    /// Absent where the price moved off the last tick and nobody has asked since.
    tick: Option<i32>,
    liquidity: u128,
    ticks_crossed: u32,
}

impl UniswapV3 {
    /// Returns what a swap does on a course that need not be the pool's own.
    pub(crate) fn swap_along(
        &self,
        course: Course,
        zero_for_one: bool,
        amount: Amount,
        sqrt_price_limit_x96: Option<U256>,
    ) -> Result<Swapped, PoolError> {
        let walk = self.walk(course, zero_for_one, amount, sqrt_price_limit_x96)?;
        let tick = walk.tick.or_else(|| tick_at_sqrt_ratio(walk.price)).ok_or(PoolError::Overflow)?;
        let quote = walk.quote(amount)?;
        Ok(Swapped {
            amount_in: quote.amount_in,
            amount_out: quote.amount_out,
            sqrt_price_x96: walk.price,
            tick,
            liquidity: walk.liquidity,
            ticks_crossed: walk.ticks_crossed,
        })
    }

    /// Returns the amounts of a swap without a price limit, as the quoter contract does.
    pub(crate) fn quote_along(
        &self,
        course: Course,
        zero_for_one: bool,
        amount: Amount,
    ) -> Result<Quote, PoolError> {
        let quote = self.walk(course, zero_for_one, amount, None)?.quote(amount)?;
        is_deliverable(&quote, amount)?;
        Ok(quote)
    }

    /// Swaps as far as there is liquidity, and moves the pool to the state after it.
    pub(crate) fn take_along(
        &mut self,
        course: Course,
        zero_for_one: bool,
        amount: Amount,
    ) -> Result<Quote, PoolError> {
        let swapped = self.swap_along(course, zero_for_one, amount, None)?;
        let Swapped { amount_in, amount_out, ticks_crossed, .. } = swapped;
        let quote = Quote { amount_in, amount_out, ticks_crossed };
        is_deliverable(&quote, amount)?;
        self.set_slot(swapped.sqrt_price_x96, swapped.tick, swapped.liquidity);
        Ok(quote)
    }

    #[inline]
    pub(super) fn course(&self) -> Course {
        Course { fee: self.fee, search: Search::Words(self.tick_spacing), last_step: LastStep::UpToPrice }
    }

    #[inline]
    fn walk(
        &self,
        course: Course,
        zero_for_one: bool,
        amount: Amount,
        sqrt_price_limit_x96: Option<U256>,
    ) -> Result<Walk<'_>, PoolError> {
        self.is_ready()?;
        let limit = self.price_limit(zero_for_one, sqrt_price_limit_x96)?;
        let (Amount::In(given) | Amount::Out(given)) = amount;
        if given.is_zero() {
            return Err(PoolError::Empty);
        }
        // The contract takes a signed amount.
        if given.bit(255) {
            return Err(PoolError::Overflow);
        }
        let mut walk = Walk {
            cursor: Cursor::new(&self.ticks, course.search, self.tick, zero_for_one),
            zero_for_one,
            limit,
            course,
            remaining: amount,
            computed: U256::ZERO,
            price: self.sqrt_price_x96,
            tick: Some(self.tick),
            liquidity: self.liquidity,
            ticks_crossed: 0,
        };
        walk.run()?;
        Ok(walk)
    }

    #[inline]
    fn price_limit(&self, zero_for_one: bool, given: Option<U256>) -> Result<U256, PoolError> {
        let price = self.sqrt_price_x96;
        let limit = given.unwrap_or(if zero_for_one {
            MIN_SQRT_RATIO + U256::ONE
        } else {
            MAX_SQRT_RATIO - U256::ONE
        });
        let is_valid = if zero_for_one {
            limit < price && limit > MIN_SQRT_RATIO
        } else {
            limit > price && limit < MAX_SQRT_RATIO
        };
        is_valid.then_some(limit).ok_or(PoolError::PriceLimit)
    }
}

/// Refuses what the quoter refuses: an output that is not whole, and a swap that moves nothing.
fn is_deliverable(quote: &Quote, amount: Amount) -> Result<(), PoolError> {
    match amount {
        Amount::Out(asked) if quote.amount_out != asked => Err(PoolError::Insufficient),
        _ if quote.amount_in.is_zero() => Err(PoolError::Empty),
        _ => Ok(()),
    }
}

impl Walk<'_> {
    #[inline]
    fn run(&mut self) -> Result<(), PoolError> {
        while !self.is_done() && self.price != self.limit {
            let tick = match self.tick {
                Some(tick) => tick,
                None => self.find_tick()?,
            };
            if self.liquidity == 0 {
                self.skip_empty(tick);
            }
            let tick = self.tick.unwrap_or(tick);
            let stop = self.cursor.next(tick).ok_or(PoolError::Overflow)?;
            self.step(stop)?;
        }
        Ok(())
    }

    #[inline]
    fn is_done(&self) -> bool {
        let (Amount::In(rest) | Amount::Out(rest)) = self.remaining;
        rest.is_zero()
    }

    fn find_tick(&mut self) -> Result<i32, PoolError> {
        let tick = tick_at_sqrt_ratio(self.price).ok_or(PoolError::Overflow)?;
        self.tick = Some(tick);
        Ok(tick)
    }

    /// Jumps over words without ticks, in which nothing can be traded.
    fn skip_empty(&mut self, tick: i32) {
        let skip = tick_at_sqrt_ratio(self.limit).and_then(|limit| self.cursor.skip_empty(tick, limit));
        if let Some(stop) = skip {
            self.price = stop.sqrt_ratio;
            self.tick = Some(self.beyond(stop.tick));
        }
    }

    /// Returns the tick that the pool is in after its price arrived at the ratio of `tick`.
    #[inline]
    fn beyond(&self, tick: i32) -> i32 {
        if self.zero_for_one { tick - 1 } else { tick }
    }

    #[inline]
    fn step(&mut self, stop: Stop) -> Result<(), PoolError> {
        let is_past_limit = if self.zero_for_one {
            stop.sqrt_ratio < self.limit
        } else {
            stop.sqrt_ratio > self.limit
        };
        let target = if is_past_limit { self.limit } else { stop.sqrt_ratio };
        let range = Range { price: self.price, target, liquidity: self.liquidity };
        let advance = advance(&range, self.remaining, self.course.fee, self.course.last_step)?;
        self.account(advance.taken_in, advance.paid_out)?;
        if advance.price == stop.sqrt_ratio {
            if let Some(net) = stop.liquidity_net {
                // Crossing downwards takes away what crossing upwards adds.
                let net = if self.zero_for_one { net.checked_neg() } else { Some(net) };
                self.liquidity = add_liquidity(self.liquidity, net.ok_or(PoolError::Overflow)?)?;
                self.ticks_crossed += 1;
                self.cursor.cross();
            }
            self.tick = Some(self.beyond(stop.tick));
        } else if advance.price != self.price {
            self.tick = None;
        }
        self.price = advance.price;
        Ok(())
    }

    #[inline]
    fn account(&mut self, taken_in: U256, paid_out: U256) -> Result<(), PoolError> {
        let (rest, counted) = match &mut self.remaining {
            Amount::In(rest) => (rest, (taken_in, paid_out)),
            Amount::Out(rest) => (rest, (paid_out, taken_in)),
        };
        *rest = rest.checked_sub(counted.0).ok_or(PoolError::Overflow)?;
        self.computed = self.computed.checked_add(counted.1).ok_or(PoolError::Overflow)?;
        // The contract counts in signed numbers.
        if self.computed.bit(255) { Err(PoolError::Overflow) } else { Ok(()) }
    }

    #[inline]
    fn quote(&self, amount: Amount) -> Result<Quote, PoolError> {
        let (amount_in, amount_out) = match (amount, self.remaining) {
            (Amount::In(given), Amount::In(rest)) => (given.checked_sub(rest), Some(self.computed)),
            (Amount::Out(given), Amount::Out(rest)) => (Some(self.computed), given.checked_sub(rest)),
            _ => (None, None),
        };
        Ok(Quote {
            amount_in: amount_in.ok_or(PoolError::Overflow)?,
            amount_out: amount_out.ok_or(PoolError::Overflow)?,
            ticks_crossed: self.ticks_crossed,
        })
    }
}
