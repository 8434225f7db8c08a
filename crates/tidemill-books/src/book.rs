//! One book: levels by price on two sides, the best last.

use std::cmp::Ordering;

/// Which half of a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Offers to buy: the highest is best.
    Bid,
    /// Offers to sell: the lowest is best.
    Ask,
}

/// A price and the whole size that is offered at it, both numbers of 10^-18.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// Quote per base.
    pub price: i128,
    /// Base.
    pub size: i128,
}

/// The best levels; none where a side is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Top {
    /// The highest bid.
    pub bid: Option<Level>,
    /// The lowest ask.
    pub ask: Option<Level>,
}

impl Top {
    /// Says whether somebody would buy for at least what another sells for.
    #[must_use]
    pub fn is_crossed(&self) -> bool {
        matches!((self.bid, self.ask), (Some(bid), Some(ask)) if bid.price >= ask.price)
    }
}

/// The levels of one instrument.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Book {
    bids: Vec<Level>,
    asks: Vec<Level>,
}

impl Book {
    /// Removes every level.
    pub fn clear(&mut self) {
        self.bids.clear();
        self.asks.clear();
    }

    /// Gives a level its size; a size of 0 removes it. Returns how many levels of its side are better.
    pub fn set(&mut self, side: Side, price: i128, size: i128) -> usize {
        let levels = match side {
            Side::Bid => &mut self.bids,
            Side::Ask => &mut self.asks,
        };
        let found = levels.binary_search_by(|level| towards_best(side, level.price, price));
        let (Ok(at) | Err(at)) = found;
        let better = levels.len() - at - usize::from(found.is_ok());
        match found {
            Ok(at) if size == 0 => {
                levels.remove(at);
            }
            Ok(at) => {
                if let Some(level) = levels.get_mut(at) {
                    level.size = size;
                }
            }
            Err(_) if size == 0 => {}
            Err(at) => levels.insert(at, Level { price, size }),
        }
        better
    }

    /// Keeps the best `depth` levels of each side.
    pub fn truncate(&mut self, depth: usize) {
        for levels in [&mut self.bids, &mut self.asks] {
            let beyond = levels.len().saturating_sub(depth);
            levels.drain(..beyond);
        }
    }

    /// Returns the best levels.
    #[must_use]
    pub fn top(&self) -> Top {
        Top { bid: self.bids.last().copied(), ask: self.asks.last().copied() }
    }

    /// Yields the levels of a side, the best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = &Level> {
        match side {
            Side::Bid => self.bids.iter().rev(),
            Side::Ask => self.asks.iter().rev(),
        }
    }

    /// Returns (bid - ask) / (bid + ask) of the sizes of the best `depth` levels of both sides, from -1 to 1; none where
    /// both sides are empty.
    ///
    /// Source: Gould and Bonart (2015), Queue imbalance as a one-tick-ahead price predictor, arXiv:1512.03492.
    #[must_use]
    pub fn imbalance(&self, depth: usize) -> Option<f64> {
        let total =
            |side| self.levels(side).take(depth).map(|level| level.size).fold(0_i128, i128::saturating_add);
        let (bid, ask) = (float(total(Side::Bid)), float(total(Side::Ask)));
        (bid + ask > 0.0).then(|| (bid - ask) / (bid + ask))
    }

    /// Returns the best prices' mean, each weighted with the size at the other; none where a side is empty.
    ///
    /// Source: Stoikov (2018), The micro-price, Quantitative Finance 18(12), the weighted mid-price.
    #[must_use]
    pub fn microprice(&self) -> Option<f64> {
        let Top { bid: Some(bid), ask: Some(ask) } = self.top() else { return None };
        let (bid_size, ask_size) = (float(bid.size), float(ask.size));
        Some((float(bid.price) * ask_size + float(ask.price) * bid_size) / (bid_size + ask_size))
    }
}

/// Features are floats: what is lost is below 10^-15 of the value.
#[allow(clippy::cast_precision_loss)]
fn float(value: i128) -> f64 {
    value as f64 / 1e18
}

fn towards_best(side: Side, price: i128, than: i128) -> Ordering {
    match side {
        Side::Bid => price.cmp(&than),
        Side::Ask => than.cmp(&price),
    }
}
