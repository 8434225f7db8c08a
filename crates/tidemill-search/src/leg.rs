//! What the search knows of a pool or an order book in one direction: its exact swaps, and a smooth model where there is one.

use ruint::aliases::U256;
use tidemill_pools::balancer_gyro::GyroV3;
use tidemill_pools::balancer_pool::BalancerPool;
use tidemill_pools::balancer_stable::{StableV2, StableV3};
use tidemill_pools::balancer_weighted::{WeightedV2, WeightedV3};
use tidemill_pools::curve_crypto::CryptoSwap;
use tidemill_pools::curve_stable::StableSwap;
use tidemill_pools::least::least;
use tidemill_pools::query::Exact;
use tidemill_pools::uniswap_v2::UniswapV2;
use tidemill_pools::uniswap_v3::UniswapV3;
use tidemill_pools::{Address, Amount, Pool, PoolError, PoolKind, Tracked};

use crate::book::{OrderBook, Trade};
use crate::costs::HopKind;
use crate::float::{of_u128, to_f64, to_u256};

/// A pool of any kind that can only be asked what an amount buys; tokens are numbered as the pool numbers them.
pub trait Quoting {
    /// Returns what `amount_in` buys, to the last unit.
    ///
    /// # Errors
    /// Where the contract would revert.
    fn amount_out(&self, token_in: usize, token_out: usize, amount_in: U256) -> Result<U256, PoolError>;

    /// Returns what `amount_in` buys, and how many initialised ticks that crosses.
    ///
    /// # Errors
    /// Where the contract would revert; `Insufficient` where it would not take all of `amount_in`.
    fn crossing(&self, token_in: usize, token_out: usize, amount_in: U256) -> Result<(U256, u32), PoolError> {
        Ok((self.amount_out(token_in, token_out, amount_in)?, 0))
    }

    /// Returns what the pool holds of a token, raw units.
    ///
    /// # Errors
    /// Where the pool has no such token.
    fn balance(&self, token: usize) -> Result<U256, PoolError>;
}

/// A pool of two tokens, whatever its kind.
impl Quoting for Pool {
    fn amount_out(&self, token_in: usize, token_out: usize, amount_in: U256) -> Result<U256, PoolError> {
        Ok(self.crossing(token_in, token_out, amount_in)?.0)
    }

    fn crossing(&self, token_in: usize, token_out: usize, amount_in: U256) -> Result<(U256, u32), PoolError> {
        let zero_for_one = match (token_in, token_out) {
            (0, 1) => true,
            (1, 0) => false,
            _ => return Err(PoolError::Tokens),
        };
        let quote = self.quote(zero_for_one, Amount::In(amount_in))?;
        if quote.amount_in != amount_in {
            return Err(PoolError::Insufficient);
        }
        Ok((quote.amount_out, quote.ticks_crossed))
    }

    /// Of pools with ticks: what the liquidity in range stands for.
    fn balance(&self, token: usize) -> Result<U256, PoolError> {
        let state = self.state();
        if let (Some(price), Some(liquidity)) = (state.sqrt_price_x96, state.liquidity) {
            let (root, liquidity) = (to_f64(price) / 2_f64.powi(96), of_u128(liquidity));
            return Ok(to_u256(if token == 0 { liquidity / root } else { liquidity * root }));
        }
        let reserve = if token == 0 { state.reserve0 } else { state.reserve1 };
        reserve.map(U256::from).ok_or(PoolError::Uninitialised)
    }
}

/// A pool of two to eight coins, by their places.
impl Quoting for Exact {
    fn amount_out(&self, token_in: usize, token_out: usize, amount_in: U256) -> Result<U256, PoolError> {
        match self {
            Self::CurveStable(pool) => pool.exchange_out(token_in, token_out, amount_in),
            _ => Self::amount_out(self, token_in, token_out, amount_in),
        }
    }

    fn balance(&self, token: usize) -> Result<U256, PoolError> {
        match self {
            Self::Pool(pool) => pool.balance(token),
            Self::CurveStable(pool) => pool.balance(token),
            Self::CurveCrypto(pool) => pool.balance(token),
            Self::WeightedV2(pool) => pool.balance(token),
            Self::StableV2(pool, share) => {
                pool.balance(token + usize::from(share.is_some_and(|share| share <= token)))
            }
            Self::WeightedV3(pool) => pool.balance(token),
            Self::StableV3(pool) => pool.balance(token),
            Self::GyroV3(pool) => pool.balance(token),
        }
    }
}

/// What a swap pays, which of the older pools is not always what they quote.
impl Quoting for StableSwap {
    fn amount_out(&self, token_in: usize, token_out: usize, amount_in: U256) -> Result<U256, PoolError> {
        self.exchange_out(token_in, token_out, amount_in)
    }

    fn balance(&self, token: usize) -> Result<U256, PoolError> {
        let coins = self.balances().len();
        self.balances().get(token).copied().ok_or(PoolError::Coins { i: token, j: token, coins })
    }
}

impl Quoting for CryptoSwap {
    fn amount_out(&self, token_in: usize, token_out: usize, amount_in: U256) -> Result<U256, PoolError> {
        Self::amount_out(self, token_in, token_out, amount_in)
    }

    fn balance(&self, token: usize) -> Result<U256, PoolError> {
        let coins = self.balances().len();
        self.balances().get(token).copied().ok_or(PoolError::Coins { i: token, j: token, coins })
    }
}

macro_rules! quoting_of_balancer {
    ($($pool:ty),*) => {
        $(impl Quoting for $pool {
            fn amount_out(&self, token_in: usize, token_out: usize, amount_in: U256) -> Result<U256, PoolError> {
                BalancerPool::amount_out(self, token_in, token_out, amount_in)
            }

            fn balance(&self, token: usize) -> Result<U256, PoolError> {
                self.balances().get(token).copied().ok_or(PoolError::Tokens)
            }
        })*
    };
}

quoting_of_balancer![WeightedV2, WeightedV3, StableV2, StableV3, GyroV3];

/// So many units that their rounding is below a millionth of the screen's margin.
const ENOUGH: U256 = U256::from_limbs([1_000_000_000, 0, 0, 0]);

/// Who gives the exact numbers of a leg.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    Product(&'a UniswapV2, bool),
    Ranges(&'a UniswapV3, bool),
    Levels(&'a OrderBook, Trade),
    Quoted(&'a dyn Quoting, usize, usize),
}

/// One pool, or one order book, in one direction.
#[derive(Clone, Copy)]
pub struct Leg<'a> {
    pub(crate) source: Source<'a>,
    kind: HopKind,
}

impl<'a> Leg<'a> {
    /// Returns the leg of a Uniswap V2 pair.
    #[inline]
    pub const fn product(pool: &'a UniswapV2, zero_for_one: bool) -> Self {
        Self { source: Source::Product(pool, zero_for_one), kind: HopKind::UniswapV2 }
    }

    /// Returns the leg of a Uniswap V3 pool.
    #[inline]
    pub const fn ranges(pool: &'a UniswapV3, zero_for_one: bool) -> Self {
        Self { source: Source::Ranges(pool, zero_for_one), kind: HopKind::UniswapV3 }
    }

    /// Returns the leg of a taker at an order book.
    pub const fn levels(book: &'a OrderBook, trade: Trade) -> Self {
        Self { source: Source::Levels(book, trade), kind: HopKind::OrderBook }
    }

    /// Returns the leg of a pool that can only be asked.
    pub fn quoted(pool: &'a dyn Quoting, (token_in, token_out): (usize, usize), kind: HopKind) -> Self {
        Self { source: Source::Quoted(pool, token_in, token_out), kind }
    }

    /// Returns the leg of a pool of two tokens.
    pub fn of(pool: &'a Pool, zero_for_one: bool) -> Self {
        let tokens = if zero_for_one { (0, 1) } else { (1, 0) };
        match pool {
            Pool::UniswapV2(pool) => Self::product(pool, zero_for_one),
            Pool::UniswapV3(pool) => Self::ranges(pool, zero_for_one),
            Pool::UniswapV4(_) => Self::quoted(pool, tokens, HopKind::UniswapV4),
            Pool::Algebra(_) => Self::quoted(pool, tokens, HopKind::Algebra),
            Pool::Solidly(_) => Self::quoted(pool, tokens, HopKind::Solidly),
            Pool::CurveStable(_) => Self::quoted(pool, tokens, HopKind::CurveStable),
            Pool::CurveCrypto(_) => Self::quoted(pool, tokens, HopKind::CurveCrypto),
            Pool::BalancerV2(_) => Self::quoted(pool, tokens, HopKind::BalancerStable),
            Pool::BalancerV3(_) => Self::quoted(pool, tokens, HopKind::BalancerV3),
        }
    }

    /// Returns the leg between two tokens of a pool, whatever its kind.
    ///
    /// # Errors
    /// `Tokens` where the pool has no such token, `Incomplete` where its state is not known.
    pub fn between(tracked: &'a Tracked, token_in: &Address, token_out: &Address) -> Result<Self, PoolError> {
        let Tracked { spec, pool } = tracked;
        let Some(exact) = pool.by_coin() else { return Ok(Self::of(pool, *token_in == spec.token0)) };
        let (coins, _) = pool.coins();
        let place = |token| coins.iter().position(|coin| coin == token).ok_or(PoolError::Tokens);
        Ok(Self::of_coins(exact?, (place(token_in)?, place(token_out)?)))
    }

    /// Returns the leg between two coins of a pool that may have more.
    pub fn of_coins(pool: &'a Exact, (coin_in, coin_out): (usize, usize)) -> Self {
        let kind = match pool {
            Exact::Pool(pool) => return Self::of(pool, coin_in == 0),
            Exact::CurveStable(_) => HopKind::CurveStable,
            Exact::CurveCrypto(_) => HopKind::CurveCrypto,
            Exact::WeightedV2(_) => HopKind::BalancerWeighted,
            Exact::StableV2(..) => HopKind::BalancerStable,
            Exact::WeightedV3(_) | Exact::StableV3(_) | Exact::GyroV3(_) => HopKind::BalancerV3,
        };
        Self::quoted(pool, (coin_in, coin_out), kind)
    }

    /// Returns what kind of hop this is, as to gas.
    pub const fn kind(&self) -> HopKind {
        self.kind
    }

    /// Returns what `amount_in` buys and how many ticks that crosses.
    ///
    /// # Errors
    /// Where the contract would revert; `Insufficient` where it would not take all of `amount_in`.
    #[inline]
    pub fn amount_out(&self, amount_in: U256) -> Result<(U256, u32), PoolError> {
        match self.source {
            Source::Product(pool, zero_for_one) => Ok((pool.amount_out(zero_for_one, amount_in)?, 0)),
            Source::Ranges(pool, zero_for_one) => {
                let quote = pool.quote(zero_for_one, Amount::In(amount_in))?;
                if quote.amount_in != amount_in {
                    return Err(PoolError::Insufficient);
                }
                Ok((quote.amount_out, quote.ticks_crossed))
            }
            Source::Levels(book, trade) => Ok((book.amount_out(trade, amount_in)?, 0)),
            Source::Quoted(pool, token_in, token_out) => pool.crossing(token_in, token_out, amount_in),
        }
    }

    /// Returns the least that buys at least `amount_out`.
    ///
    /// # Errors
    /// Where the contract would revert, or cannot pay so much.
    #[inline]
    pub fn least_in(&self, amount_out: U256, guess: f64) -> Result<U256, PoolError> {
        match self.source {
            Source::Product(pool, zero_for_one) => least_of_product(pool, zero_for_one, amount_out),
            Source::Ranges(pool, zero_for_one) => {
                let guess = pool.quote(zero_for_one, Amount::Out(amount_out))?.amount_in;
                least(guess, amount_out, |amount| Ok(self.amount_out(amount)?.0))
            }
            Source::Levels(..) | Source::Quoted(..) => {
                least(to_u256(guess), amount_out, |amount| Ok(self.amount_out(amount)?.0))
            }
        }
    }

    /// Returns what a small amount buys per unit, fee included: raw units, for a screen and not for amounts.
    ///
    /// # Errors
    /// Where the pool has no price, or nothing to sell at it.
    pub fn rate(&self) -> Result<f64, PoolError> {
        match self.source {
            Source::Product(pool, zero_for_one) => {
                let (reserve_in, reserve_out) = product_reserves(pool, zero_for_one);
                let (numerator, denominator) = pool.fee().parts();
                if reserve_in == 0 || reserve_out == 0 {
                    return Err(PoolError::Empty);
                }
                let kept = f64::from(numerator) / f64::from(denominator);
                Ok(kept * of_u128(reserve_out) / of_u128(reserve_in))
            }
            Source::Ranges(pool, zero_for_one) => {
                if !pool.is_complete() {
                    return Err(PoolError::Incomplete);
                }
                let price = pool.spot_price()?.to_f64();
                let is_empty = pool.liquidity() == 0 && pool.ticks().is_empty();
                if is_empty {
                    return Err(PoolError::Empty);
                }
                let kept = 1.0 - f64::from(pool.fee_ppm().ok_or(PoolError::Incomplete)?) / 1e6;
                Ok(kept * if zero_for_one { price } else { 1.0 / price })
            }
            Source::Levels(book, trade) => {
                book.slopes(trade).next().map(|(slope, _)| slope).ok_or(PoolError::Empty)
            }
            Source::Quoted(pool, token_in, token_out) => quoted_rate(pool, token_in, token_out),
        }
    }

    /// Returns how much of the token paid in moves the price by about its double, raw units.
    ///
    /// # Errors
    /// Where the pool has no such token.
    pub(crate) fn depth(&self) -> Result<f64, PoolError> {
        match self.source {
            Source::Product(pool, zero_for_one) => Ok(of_u128(product_reserves(pool, zero_for_one).0)),
            Source::Ranges(pool, zero_for_one) => {
                let root = to_f64(pool.sqrt_price_x96()) / 2_f64.powi(96);
                let liquidity = of_u128(pool.liquidity());
                Ok(if zero_for_one { liquidity / root } else { liquidity * root })
            }
            // Not where the price doubles, but where there is nothing more to take.
            Source::Levels(book, trade) => Ok(book.slopes(trade).map(|(_, most)| most).sum()),
            Source::Quoted(pool, token_in, _) => Ok(to_f64(pool.balance(token_in)?)),
        }
    }

    /// Returns how far a swap may stay below a smooth concave curve: units of the token in, units of the token out.
    pub(crate) fn rounding(&self, steps: f64) -> (f64, f64) {
        match self.source {
            Source::Product(..) => (0.0, 1.0),
            Source::Ranges(pool, zero_for_one) => {
                // Each step rounds the fee, the amount and the price, whose grain is 2^-96.
                let root = to_f64(pool.sqrt_price_x96()) / 2_f64.powi(96);
                let grain = of_u128(pool.liquidity()) / 2_f64.powi(96);
                let grain = if zero_for_one { grain } else { grain / (root * root) };
                (2.0 * steps, (2.0 + 4.0 * grain) * steps)
            }
            Source::Levels(book, trade) => book.rounding(trade),
            Source::Quoted(pool, _, token_out) => {
                // Balancer's powers err by up to 10^-14 of the balance in the pool's favour.
                let balance = pool.balance(token_out).map_or(0.0, to_f64);
                (2.0, 4.0 + balance * 4e-14)
            }
        }
    }
}

#[inline]
pub(crate) const fn product_reserves(pool: &UniswapV2, zero_for_one: bool) -> (u128, u128) {
    let (reserve0, reserve1) = pool.reserves();
    if zero_for_one {
        (reserve0, reserve1)
    } else {
        (reserve1, reserve0)
    }
}

/// The library adds one to the quotient even where the division is exact; the least input does not need it then.
#[inline]
fn least_of_product(pool: &UniswapV2, zero_for_one: bool, amount_out: U256) -> Result<U256, PoolError> {
    let above = pool.amount_in(zero_for_one, amount_out)?;
    let quotient = above - U256::ONE;
    let (reserve_in, reserve_out) = product_reserves(pool, zero_for_one);
    let (numerator, denominator) = pool.fee().parts();
    let left = U256::from(reserve_out) - amount_out;
    // Both sides fit 256 bits where they are equal: the right one is below 2^239.
    let paid = quotient.wrapping_mul(U256::from(numerator)).wrapping_mul(left);
    let due = amount_out.wrapping_mul(U256::from(reserve_in)).wrapping_mul(U256::from(denominator));
    Ok(if paid == due { quotient } else { above })
}

/// Asks for ever larger amounts until one buys enough units that its rounding does not matter; errs upwards only.
fn quoted_rate(pool: &dyn Quoting, token_in: usize, token_out: usize) -> Result<f64, PoolError> {
    let (balance_in, balance_out) = (pool.balance(token_in)?, pool.balance(token_out)?);
    if balance_in.is_zero() || balance_out.is_zero() {
        return Err(PoolError::Empty);
    }
    let mut best: Result<f64, PoolError> = Err(PoolError::Empty);
    for shift in [24_u8, 12, 4] {
        let amount = (balance_in >> usize::from(shift)).max(U256::from(8));
        match pool.amount_out(token_in, token_out, amount) {
            Ok(bought) => {
                // A few units that rounding takes of either token, and what the amount itself moves the price by.
                let rate = (to_f64(bought) + 4.0) / (to_f64(amount) - 2.0);
                let rate = rate * (1.0 + 1e-6 + 64.0 * to_f64(amount) / to_f64(balance_in));
                best = Ok(best.map_or(rate, |known| known.min(rate)));
                if bought > ENOUGH {
                    return best;
                }
            }
            Err(error) => best = best.or(Err(error)),
        }
    }
    best
}
