//! An order book as a leg: what a taker who walks its levels is paid, to the last raw unit.
//!
//! The rule is one for all venues. An order's size is a multiple of the lot, what is left over of an input is not traded.
//! The best levels are taken first, each at its own price. The taker's fee is taken of what is received, and the whole
//! order's sum is rounded once, in the venue's favour.

use ruint::aliases::U256;
use tidemill_pools::full_math::{mul_div, mul_div_rounding_up};
use tidemill_pools::{Address, PoolError};

use crate::float::{of_u128, to_f64};

/// One of prices and sizes, and of a product of both.
const ONE: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);
const ONE_SQUARED: U256 = U256::from_limbs([12_919_594_847_110_692_864, 54_210_108_624_275_221, 0, 0]);
/// A fee of one, in millionths.
const PPM: u32 = 1_000_000;
/// Most decimals of a token whose unit fits 128 bits.
const DECIMALS_MAX: u8 = 38;

/// A price and the whole size that is offered at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// Quote per base, whole tokens, in 10^-18.
    pub price: u128,
    /// Whole base tokens, in 10^-18.
    pub size: u128,
}

/// What turns levels into raw units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BookTerms {
    /// Decimals of the base token.
    pub base_decimals: u8,
    /// Decimals of the quote token.
    pub quote_decimals: u8,
    /// The taker's fee, in millionths of what is received.
    pub taker_fee_ppm: u32,
    /// What the size of an order is a multiple of: whole base tokens, in 10^-18.
    pub lot_size: u128,
    /// The least size of an order, in the same; zero where one lot will do.
    pub size_min: u128,
}

/// Which way a taker trades.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trade {
    /// Pays base, and takes the bids.
    Sell,
    /// Pays quote, and takes the asks.
    Buy,
}

/// The levels of one instrument, the best first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderBook {
    terms: BookTerms,
    base_unit: U256,
    quote_unit: U256,
    bids: Vec<Level>,
    asks: Vec<Level>,
}

/// An order book, where it is, and what its two sides are on the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedBook {
    /// The venue.
    pub venue: String,
    /// The instrument, as the venue calls it.
    pub instrument: String,
    /// The token that a base is worth.
    pub base: Address,
    /// The token that a quote is worth.
    pub quote: Address,
    /// The book itself.
    pub book: OrderBook,
}

impl NamedBook {
    /// Returns what stands for the book where a pool has its address: the first 20 bytes of the hash of its names.
    pub fn address(&self) -> Address {
        let hash = tidemill_proof::keccak256(format!("{}/{}", self.venue, self.instrument).as_bytes());
        hash.first_chunk().copied().unwrap_or_default()
    }

    /// Returns the way in which a taker trades who pays `token_in`; `None` where the book has no such token.
    pub fn trade(&self, token_in: &Address) -> Option<Trade> {
        match token_in {
            token if *token == self.base => Some(Trade::Sell),
            token if *token == self.quote => Some(Trade::Buy),
            _ => None,
        }
    }
}

impl OrderBook {
    /// Returns a book without levels.
    ///
    /// # Errors
    /// `Fee` where the fee is not below one, `Empty` where the lot is zero, `Overflow` where a token has more than 38
    /// decimals.
    pub fn new(terms: BookTerms) -> Result<Self, PoolError> {
        if terms.taker_fee_ppm >= PPM {
            return Err(PoolError::Fee { numerator: terms.taker_fee_ppm, denominator: PPM });
        }
        if terms.lot_size == 0 {
            return Err(PoolError::Empty);
        }
        if terms.base_decimals.max(terms.quote_decimals) > DECIMALS_MAX {
            return Err(PoolError::Overflow);
        }
        let unit = |decimals: u8| U256::from(10_u128.pow(u32::from(decimals)));
        let (base_unit, quote_unit) = (unit(terms.base_decimals), unit(terms.quote_decimals));
        Ok(Self { terms, base_unit, quote_unit, bids: Vec::new(), asks: Vec::new() })
    }

    /// Sets the levels of both sides, the best first.
    ///
    /// # Errors
    /// `Empty` where a price or a size is zero, `PriceLimit` where a level is not worse than the one before it; the book
    /// is unchanged.
    pub fn set_levels(&mut self, bids: Vec<Level>, asks: Vec<Level>) -> Result<(), PoolError> {
        if bids.iter().chain(&asks).any(|level| level.price == 0 || level.size == 0) {
            return Err(PoolError::Empty);
        }
        let falls = bids.windows(2).all(|pair| matches!(pair, [one, next] if one.price > next.price));
        let rises = asks.windows(2).all(|pair| matches!(pair, [one, next] if one.price < next.price));
        if !(falls && rises) {
            return Err(PoolError::PriceLimit);
        }
        (self.bids, self.asks) = (bids, asks);
        Ok(())
    }

    /// Returns what turns levels into raw units.
    pub const fn terms(&self) -> &BookTerms {
        &self.terms
    }

    /// Says whether neither side has a level: the book is not known.
    pub const fn is_void(&self) -> bool {
        self.bids.is_empty() && self.asks.is_empty()
    }

    /// Returns the levels that a taker takes, the best first.
    pub fn levels(&self, trade: Trade) -> &[Level] {
        match trade {
            Trade::Sell => &self.bids,
            Trade::Buy => &self.asks,
        }
    }

    fn kept(&self) -> U256 {
        U256::from(PPM - self.terms.taker_fee_ppm)
    }

    fn in_lots(&self, size: U256) -> Result<U256, PoolError> {
        let lots = size - size % U256::from(self.terms.lot_size);
        if lots.is_zero() || lots < U256::from(self.terms.size_min) {
            Err(PoolError::Small)
        } else {
            Ok(lots)
        }
    }

    /// Returns what `amount_in` buys, both raw units.
    ///
    /// # Errors
    /// `Small` where it is too little for a lot, for the least order, or for a unit of what is bought; `Insufficient` where the levels do not
    /// take all of it; `Overflow`.
    pub fn amount_out(&self, trade: Trade, amount_in: U256) -> Result<U256, PoolError> {
        let bought = match trade {
            Trade::Sell => {
                let size = mul_div(amount_in, ONE, self.base_unit).ok_or(PoolError::Overflow)?;
                let proceeds = proceeds(&self.bids, self.in_lots(size)?)?;
                let net = mul_div(proceeds, self.kept(), U256::from(PPM)).ok_or(PoolError::Overflow)?;
                mul_div(net, self.quote_unit, ONE_SQUARED)
            }
            Trade::Buy => {
                let spent = mul_div(amount_in, ONE_SQUARED, self.quote_unit).ok_or(PoolError::Overflow)?;
                let size = self.in_lots(bought_size(&self.asks, spent)?)?;
                let net = mul_div(size, self.kept(), U256::from(PPM)).ok_or(PoolError::Overflow)?;
                mul_div(net, self.base_unit, ONE)
            }
        };
        let bought = bought.ok_or(PoolError::Overflow)?;
        if bought.is_zero() {
            Err(PoolError::Small)
        } else {
            Ok(bought)
        }
    }

    /// Returns the steps in which orders can be told apart: a lot, or what a raw unit of base is where that is more.
    fn grain(&self) -> U256 {
        let unit = ONE.div_ceil(self.base_unit);
        U256::from(self.terms.lot_size).max(unit)
    }

    /// Returns the number of the least order that is taken, and of the one that trades `amount` of base, raw units: what a
    /// sale pays, or what a purchase receives.
    pub(crate) fn order_of(&self, trade: Trade, amount: U256) -> Option<(U256, U256)> {
        let number = match trade {
            Trade::Sell => mul_div(amount, ONE, self.base_unit)? / self.grain(),
            Trade::Buy => {
                let size = mul_div_rounding_up(amount, ONE, self.base_unit)?;
                mul_div_rounding_up(size, U256::from(PPM), self.kept())?.div_ceil(self.grain())
            }
        };
        let least = U256::from(self.terms.size_min).div_ceil(self.grain()).max(U256::ONE);
        Some((least, number.max(least)))
    }

    /// Returns what an order of this number trades of base, raw units: what a sale pays, or what a purchase receives.
    pub(crate) fn order(&self, trade: Trade, number: U256) -> Option<U256> {
        let size = number.checked_mul(self.grain())?;
        match trade {
            Trade::Sell => mul_div_rounding_up(size, self.base_unit, ONE),
            Trade::Buy => mul_div(mul_div(size, self.kept(), U256::from(PPM))?, self.base_unit, ONE),
        }
    }

    /// Returns by how much base one order is larger than the one before, raw units.
    pub(crate) fn step(&self) -> f64 {
        to_f64(self.grain()) * to_f64(self.base_unit) / 1e18
    }

    /// Returns the levels that a trade of `amount_in` takes from, the last of them perhaps in part.
    pub fn taken(&self, trade: Trade, amount_in: U256) -> &[Level] {
        let levels = self.levels(trade);
        let part = match trade {
            Trade::Sell => mul_div_rounding_up(amount_in, ONE, self.base_unit),
            Trade::Buy => mul_div_rounding_up(amount_in, ONE_SQUARED, self.quote_unit),
        };
        let mut left = part.unwrap_or(U256::MAX);
        let count = levels
            .iter()
            .take_while(|level| {
                let is_reached = !left.is_zero();
                left = left.saturating_sub(level.worth(trade));
                is_reached
            })
            .count();
        levels.get(..count).unwrap_or_default()
    }

    /// Returns each level as what a raw unit of input buys, and how many raw units it takes.
    pub(crate) fn slopes(&self, trade: Trade) -> impl Iterator<Item = (f64, f64)> + '_ {
        let (base, quote) = (to_f64(self.base_unit) / 1e18, to_f64(self.quote_unit) / 1e36);
        let kept = to_f64(self.kept()) / f64::from(PPM);
        self.levels(trade).iter().map(move |level| {
            let (price, size) = (of_u128(level.price), of_u128(level.size));
            match trade {
                Trade::Sell => (kept * price * quote / base, size * base),
                Trade::Buy => (kept * base / (price * quote), size * price * quote),
            }
        })
    }

    /// Returns how far what is bought may stay below the levels' straight lines: units of the token in, of the one out.
    pub(crate) fn rounding(&self, trade: Trade) -> (f64, f64) {
        let lot = of_u128(self.terms.lot_size) * to_f64(self.base_unit) / 1e18;
        match trade {
            Trade::Sell => (lot + 1.0, 2.0),
            Trade::Buy => (1.0, lot + 2.0),
        }
    }
}

impl Level {
    /// Returns all that the level takes: its size, or its price times its size.
    fn worth(&self, trade: Trade) -> U256 {
        let size = U256::from(self.size);
        match trade {
            Trade::Sell => size,
            // Both have 128 bits.
            Trade::Buy => size.wrapping_mul(U256::from(self.price)),
        }
    }
}

/// Returns what a sale of `size` is paid, in 10^-36.
fn proceeds(bids: &[Level], size: U256) -> Result<U256, PoolError> {
    let (mut left, mut sum) = (size, U256::ZERO);
    for level in bids {
        let taken = left.min(U256::from(level.size));
        sum = sum.checked_add(taken.wrapping_mul(U256::from(level.price))).ok_or(PoolError::Overflow)?;
        left -= taken;
        if left.is_zero() {
            return Ok(sum);
        }
    }
    Err(PoolError::Insufficient)
}

/// Returns the largest size that costs at most `spent`, in 10^-36.
fn bought_size(asks: &[Level], spent: U256) -> Result<U256, PoolError> {
    let (mut left, mut sum) = (spent, U256::ZERO);
    for level in asks {
        let cost = level.worth(Trade::Buy);
        if left < cost {
            return Ok(sum + left / U256::from(level.price));
        }
        left -= cost;
        // As many levels as would overflow do not fit a memory.
        sum += U256::from(level.size);
    }
    if left.is_zero() {
        Ok(sum)
    } else {
        Err(PoolError::Insufficient)
    }
}
