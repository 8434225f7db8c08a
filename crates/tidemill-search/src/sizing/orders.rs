//! The best of the orders that a path's order book takes: each size is a whole number of lots, and they are counted.
//!
//! What a path pays only changes with the number of lots that it trades at one of its books, whatever the others round:
//! of all inputs that trade so many the least pays most. So it is enough to try numbers at the book whose lots are worth
//! most, as far as what the other hops round away could still favour one.

use ruint::aliases::U256;

use crate::book::{OrderBook, Trade};
use crate::float::{to_f64, to_u256};
use crate::leg::Source;

use super::refine::{edge, keep, Path, Trial};
use super::walk::Estimate;
use super::window::nearest;
use super::{Effort, PLACES};

/// Most orders tried where no proof was asked for: lots that many fit are worth little each.
const TRIED_MAX: u32 = 64;

/// The orders of one book on the path.
struct Orders<'b> {
    book: &'b OrderBook,
    trade: Trade,
    /// Where on the path its base is.
    place: usize,
    /// What one more of its lots is worth in the start token.
    lot_worth: f64,
    /// Number of the least that it takes.
    least: U256,
    /// Number of one that is accepted, next to the estimate.
    near: U256,
}

impl Path<'_, '_> {
    /// Returns the best order near `estimate`, and whether every order that could pay more was tried; `None` where the path
    /// has no order book, or no order is accepted.
    pub(super) fn best_order(&self, estimate: &Estimate, effort: Effort) -> Option<(Trial, bool)> {
        if !self.legs().iter().any(|leg| matches!(leg.source, Source::Levels(..))) {
            return None;
        }
        let traded = *nearest(self, to_u256(estimate.amounts[0]))?.trial.amounts();
        // From what is accepted one finds what else is: from an estimate that is refused one may not.
        let estimate = &Estimate { amounts: traded.map(to_f64), ..*estimate };
        let orders = self.orders(estimate, &traded)?;
        let ask = |number| {
            let wanted = orders.book.order(orders.trade, number)?;
            // More may come than is wanted, and is then not traded.
            self.at_input(self.least_for(orders.place, wanted, estimate)?)
        };
        let near = orders.near;
        let mut best = ask(near);
        keep(&mut best, near.checked_add(U256::ONE).and_then(ask));
        // Its own lots are counted, and round nothing.
        let slack = self.slack(estimate, orders.place) - 2.0 * orders.lot_worth;
        let reach = (U256::ONE, to_u256(slack.max(0.0)) + U256::ONE);
        let below = |stride| near.checked_sub(stride).filter(|number| *number >= orders.least);
        let above = edge(&ask, reach, |stride| near.checked_add(stride), &mut best);
        let (Some(above), Some(below)) = (above, edge(&ask, reach, below, &mut best)) else {
            return Some((best?, false));
        };
        let (first, last) = (near.saturating_sub(below).max(orders.least), near.saturating_add(above));
        if last - first > U256::from(effort.trials_max.max(TRIED_MAX)) {
            return Some((best?, false));
        }
        let mut number = first;
        while number <= last {
            keep(&mut best, ask(number));
            number += U256::ONE;
        }
        Some((best?, true))
    }

    /// Returns the orders of the book whose lots are worth most, next to what is traded at an accepted input.
    fn orders(&self, estimate: &Estimate, traded: &[U256; PLACES]) -> Option<Orders<'_>> {
        let books = self.legs().iter().enumerate().filter_map(|(at, leg)| {
            let Source::Levels(book, trade) = leg.source else { return None };
            let place = if trade == Trade::Sell { at } else { at + 1 };
            let (least, near) = book.order_of(trade, *traded.get(place)?)?;
            let lot_worth = book.step() * estimate.values.get(place)?;
            Some(Orders { book, trade, place, lot_worth, least, near })
        });
        books.max_by(|one, other| one.lot_worth.total_cmp(&other.lot_worth))
    }
}
