//! A leg as a smooth curve that is a Möbius map from where it stands to the end of its range of liquidity.

use tidemill_pools::uniswap_v2::UniswapV2;
use tidemill_pools::uniswap_v3::{Tick, UniswapV3};
use tidemill_pools::PoolKind;

use crate::book::{OrderBook, Trade};
use crate::float::{of_u128, to_f64};
use crate::leg::{product_reserves, Leg, Source};

const X96: f64 = 79_228_162_514_264_337_593_543_950_336.0;

/// What paying `amount` more buys from here: `slope · amount / (1 + bend · amount)`, up to `most`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Local {
    pub(crate) slope: f64,
    pub(crate) bend: f64,
    pub(crate) most: f64,
}

impl Local {
    #[inline]
    pub(crate) fn out(&self, amount: f64) -> f64 {
        self.slope * amount / (1.0 + self.bend * amount)
    }
}

/// A leg on its way along its curve.
pub(crate) enum Course<'a> {
    /// Two reserves, of which the part `kept` of what is paid moves the first.
    Product { reserve_in: f64, reserve_out: f64, kept: f64 },
    /// Ranges of liquidity.
    Ranges(Ranges<'a>),
    /// Levels of an order book: what a unit buys at the one where it stands, and how much that still takes.
    Levels { slope: f64, left: f64, ahead: Slopes<'a> },
}

type Slopes<'a> = std::iter::Peekable<Box<dyn Iterator<Item = (f64, f64)> + 'a>>;

/// Ranges of liquidity in the direction of a swap.
///
/// With `s` = the square root of the price of what is paid in what is bought, upside down, the virtual reserves are
/// `L · s` of what is paid and `L / s` of what is bought, whichever way the swap goes.
pub(crate) struct Ranges<'a> {
    zero_for_one: bool,
    kept: f64,
    s: f64,
    liquidity: u128,
    /// The end of the range; absent beyond the last tick.
    end: Option<(f64, i128)>,
    ahead: Ahead<'a>,
}

type Ahead<'a> = Box<dyn Iterator<Item = &'a Tick> + 'a>;

impl<'a> Course<'a> {
    /// Returns the leg at rest; `None` where it has no such curve.
    #[inline]
    pub(crate) fn of(leg: &Leg<'a>) -> Option<Self> {
        match leg.source {
            Source::Product(pool, zero_for_one) => Some(product(pool, zero_for_one)),
            Source::Ranges(pool, zero_for_one) => (pool.is_complete() && !pool.sqrt_price_x96().is_zero())
                .then(|| Self::Ranges(Ranges::new(pool, zero_for_one))),
            Source::Levels(book, trade) => levels(book, trade),
            Source::Quoted(..) => None,
        }
    }

    #[inline]
    pub(crate) fn local(&self) -> Local {
        match self {
            Self::Product { reserve_in, reserve_out, kept } => {
                let bend = kept / reserve_in;
                Local { slope: bend * reserve_out, bend, most: f64::INFINITY }
            }
            Self::Ranges(ranges) => ranges.local(),
            Self::Levels { slope, left, ahead: _ } => Local { slope: *slope, bend: 0.0, most: *left },
        }
    }

    /// Moves on by `amount` paid in; where that is all the range takes, to the next range. Says whether there is one.
    #[inline]
    pub(crate) fn advance(&mut self, amount: f64, is_to_end: bool) -> bool {
        match self {
            Self::Product { reserve_in, reserve_out, kept } => {
                let after = *reserve_in + *kept * amount;
                *reserve_out *= *reserve_in / after;
                *reserve_in = after;
                true
            }
            Self::Ranges(ranges) => ranges.advance(amount, is_to_end),
            Self::Levels { slope, left, ahead } => {
                if !is_to_end {
                    *left -= amount;
                    return true;
                }
                let Some(next) = ahead.next() else { return false };
                (*slope, *left) = (next.0, within(next.1, ahead));
                true
            }
        }
    }
}

#[inline]
fn product<'a>(pool: &UniswapV2, zero_for_one: bool) -> Course<'a> {
    let (reserve_in, reserve_out) = product_reserves(pool, zero_for_one);
    let (numerator, denominator) = pool.fee().parts();
    let kept = f64::from(numerator) / f64::from(denominator);
    Course::Product { reserve_in: of_u128(reserve_in), reserve_out: of_u128(reserve_out), kept }
}

fn levels(book: &OrderBook, trade: Trade) -> Option<Course<'_>> {
    let all: Box<dyn Iterator<Item = (f64, f64)>> = Box::new(book.slopes(trade));
    let mut ahead = all.peekable();
    let (slope, most) = ahead.next()?;
    Some(Course::Levels { slope, left: within(most, &mut ahead), ahead })
}

/// Returns what a level takes; of the last a little less, so that a float does not ask for more than there is.
fn within(most: f64, ahead: &mut Slopes<'_>) -> f64 {
    if ahead.peek().is_some() {
        most
    } else {
        (most * (1.0 - 1e-12) - 1.0).max(0.0)
    }
}

impl<'a> Ranges<'a> {
    fn new(pool: &'a UniswapV3, zero_for_one: bool) -> Self {
        let root = to_f64(pool.sqrt_price_x96()) / X96;
        let s = if zero_for_one { 1.0 / root } else { root };
        // A pool of this kind always has a fee: the rate, which is asked for first, refuses one without.
        let kept = 1.0 - f64::from(pool.fee_ppm().unwrap_or_default()) / 1e6;
        let ahead: Ahead<'a> = if zero_for_one {
            Box::new(pool.ticks().downwards(pool.tick()))
        } else {
            Box::new(pool.ticks().upwards(pool.tick()))
        };
        let mut ranges = Self { zero_for_one, kept, s, liquidity: pool.liquidity(), end: None, ahead };
        ranges.look_ahead();
        ranges.skip_empty();
        ranges
    }

    fn look_ahead(&mut self) {
        self.end = self.ahead.next().map(|tick| {
            let root = to_f64(tick.sqrt_ratio_x96()) / X96;
            if self.zero_for_one {
                (1.0 / root, tick.liquidity_net.saturating_neg())
            } else {
                (root, tick.liquidity_net)
            }
        });
    }

    /// Passes over ranges in which nothing can be traded; says whether anything is left.
    fn skip_empty(&mut self) -> bool {
        while self.liquidity == 0 {
            if !self.cross() {
                return false;
            }
        }
        true
    }

    fn cross(&mut self) -> bool {
        let Some((s, net)) = self.end else { return false };
        self.s = s;
        self.liquidity = self.liquidity.saturating_add_signed(net);
        self.look_ahead();
        true
    }

    fn local(&self) -> Local {
        let liquidity = of_u128(self.liquidity);
        if self.liquidity == 0 {
            return Local { slope: 0.0, bend: 0.0, most: 0.0 };
        }
        // Beyond the last tick there is only what lies within the price's own range.
        let most = self.end.map_or(f64::INFINITY, |(end, _)| liquidity * (end - self.s).max(0.0) / self.kept);
        Local { slope: self.kept / (self.s * self.s), bend: self.kept / (liquidity * self.s), most }
    }

    fn advance(&mut self, amount: f64, is_to_end: bool) -> bool {
        if is_to_end {
            return self.cross() && self.skip_empty();
        }
        if self.liquidity > 0 {
            self.s += self.kept * amount / of_u128(self.liquidity);
        }
        true
    }
}
