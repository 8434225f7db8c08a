//! Circles of swaps that hand on what they bought: each pays the next, and the last pays who began.
//!
//! Source: the rules of flashbots/mev-inspect-py (arbitrages), as published; the search is breadth first and of so many steps at most,
//! so that a transaction of many swaps cannot make it run for long, and finds the same route: the shortest, the earliest swaps first among
//! equals.

use std::collections::hash_map::Entry;
use std::collections::VecDeque;

use ruint::aliases::U256;
use rustc_hash::{FxHashMap, FxHashSet};
use tidemill_pools::Address;

use crate::swap::Swap;

/// Swaps of one circle, by their places in the list, the first one first.
pub type Route = Vec<usize>;

/// How many swaps are looked at for the circles of one transaction: what a hundred swaps need that all fit each other, milliseconds. The
/// gas of a block is enough to log ten thousand swaps, which would need a million times as many.
const STEPS_MAX: usize = 1_000_000;

/// Returns the circles among the swaps of one transaction; no circle begins or ends with a swap of one before it.
///
/// What was undone within a transaction that was not is left out. Where the search would need more than `STEPS_MAX` steps, the circles
/// that were found by then are all.
pub fn routes(swaps: &[Swap], is_success: bool) -> Vec<Route> {
    let counted = swaps.iter().enumerate().filter(|(_, swap)| !(is_success && swap.is_undone));
    let (places, counted): (Vec<usize>, Vec<&Swap>) = counted.unzip();
    let mut found = Search::of(&counted).routes();
    for at in found.iter_mut().flatten() {
        *at = places.get(*at).copied().unwrap_or_default();
    }
    found
}

/// What is known of the swaps while circles are searched among them.
struct Search<'a> {
    swaps: &'a [&'a Swap],
    pools: FxHashSet<Address>,
    /// Swaps by what they are paid with, in order.
    by_token_in: FxHashMap<Address, Vec<usize>>,
    /// Swaps by what they bought and for whom, in order.
    by_end: FxHashMap<(Address, Address), Vec<usize>>,
    /// Whether a swap is of a circle that was found.
    used: Vec<bool>,
    steps: usize,
}

impl<'a> Search<'a> {
    fn of(swaps: &'a [&'a Swap]) -> Self {
        let mut by_token_in: FxHashMap<Address, Vec<usize>> = FxHashMap::default();
        let mut by_end: FxHashMap<(Address, Address), Vec<usize>> = FxHashMap::default();
        for (at, swap) in swaps.iter().enumerate() {
            if let Some(token) = swap.token_in {
                by_token_in.entry(token).or_default().push(at);
            }
            if let Some(token) = swap.token_out {
                by_end.entry((token, swap.to)).or_default().push(at);
            }
        }
        let pools = swaps.iter().map(|swap| swap.pool).collect();
        Self { swaps, pools, by_token_in, by_end, used: vec![false; swaps.len()], steps: 0 }
    }

    fn routes(mut self) -> Vec<Route> {
        let mut found: Vec<Route> = Vec::new();
        for start in 0..self.swaps.len() {
            if self.steps > STEPS_MAX {
                break;
            }
            if self.used.get(start) == Some(&true) || !self.has_end(start) {
                continue;
            }
            if let Some(route) = self.shortest(start) {
                for at in &route {
                    if let Some(used) = self.used.get_mut(*at) {
                        *used = true;
                    }
                }
                found.push(route);
            }
        }
        if found.len() > 1 {
            found.retain(|route| self.is_in_order(route));
        }
        found
    }

    /// Says whether the circle begins before it ends.
    fn is_in_order(&self, route: &Route) -> bool {
        let place = |at: Option<&usize>| at.and_then(|at| self.swaps.get(*at)).map(|swap| &swap.place);
        place(route.first()) < place(route.last())
    }

    /// Says whether there is a swap that may end a circle that the one at `start` begins.
    fn has_end(&mut self, start: usize) -> bool {
        let Some(first) = self.swaps.get(start) else { return false };
        let Some((token_in, _)) = first.tokens() else { return false };
        if self.pools.contains(&first.from) {
            return false;
        }
        let Some(ends) = self.by_end.get(&(token_in, first.from)) else { return false };
        let end = ends.iter().position(|at| self.is_end(*at, start));
        self.steps += end.unwrap_or(ends.len());
        end.is_some()
    }

    /// Says whether the swap at `at` may end a circle that the one at `start` begins.
    fn is_end(&self, at: usize, start: usize) -> bool {
        let (Some(end), Some(first)) = (self.swaps.get(at), self.swaps.get(start)) else { return false };
        at != start
            && self.used.get(at) == Some(&false)
            && end.token_out == first.token_in
            && end.to == first.from
            && !end.is_same_pool(first)
    }

    /// Returns the shortest chain of swaps from `start` to one that ends its circle; none where that takes too many steps.
    fn shortest(&mut self, start: usize) -> Option<Route> {
        let mut before: FxHashMap<usize, usize> = FxHashMap::default();
        let mut waiting = VecDeque::from([start]);
        while let Some(at) = waiting.pop_front() {
            let swap = self.swaps.get(at)?;
            let paid_with = swap.token_out.and_then(|token| self.by_token_in.get(&token));
            let paid_with = paid_with.map(Vec::as_slice).unwrap_or_default();
            self.steps += paid_with.len();
            if self.steps > STEPS_MAX {
                return None;
            }
            for next in paid_with.iter().copied() {
                if next == start || !self.swaps.get(next).is_some_and(|next| hands_on(swap, next)) {
                    continue;
                }
                if self.is_end(next, start) {
                    return Some(way(&before, at, next));
                }
                if let Entry::Vacant(slot) = before.entry(next) {
                    slot.insert(at);
                    waiting.push_back(next);
                }
            }
        }
        None
    }
}

/// Returns the way to `last` and from there to `end`, where `before` has what each swap was reached from.
fn way(before: &FxHashMap<usize, usize>, last: usize, end: usize) -> Route {
    let mut route = vec![end, last];
    let mut at = last;
    while let Some(earlier) = before.get(&at).copied() {
        route.push(earlier);
        at = earlier;
    }
    route.reverse();
    route
}

/// Says whether `next` pays with what `swap` bought.
fn hands_on(swap: &Swap, next: &Swap) -> bool {
    swap.token_out.is_some()
        && swap.token_out == next.token_in
        && (swap.pool == next.from || swap.to == next.pool || swap.to == next.from)
        && is_close(swap.amount_out, next.amount_in)
}

/// Says whether two amounts are apart by less than one in a hundred of their mean.
fn is_close(one: U256, other: U256) -> bool {
    if one == other {
        return true;
    }
    let Some(sum) = one.checked_add(other) else { return false };
    one.abs_diff(other).checked_mul(U256::from(200)).is_some_and(|scaled| scaled < sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swap::Protocol;
    use crate::transfer::Place;

    fn swap(at: u32, pool: u8, token_in: (u8, u64), token_out: (u8, u64), from: u8, to: u8) -> Swap {
        Swap {
            protocol: Protocol::UniswapV2Like,
            pool: [pool; 20],
            pool_id: None,
            from: [from; 20],
            to: [to; 20],
            token_in: Some([token_in.0; 20]),
            amount_in: U256::from(token_in.1),
            token_out: Some([token_out.0; 20]),
            amount_out: U256::from(token_out.1),
            is_undone: false,
            place: Place::Log(at),
        }
    }

    #[test]
    fn a_circle_through_three_pools_is_found_in_its_order() {
        let swaps = [
            swap(0, 11, (1, 100), (2, 50), 9, 12),
            swap(1, 12, (2, 50), (3, 70), 11, 13),
            swap(2, 13, (3, 70), (1, 101), 12, 9),
        ];
        assert_eq!(routes(&swaps, true), [vec![0, 1, 2]]);
    }

    #[test]
    fn a_user_who_ends_with_another_token_made_no_circle() {
        let swaps = [swap(0, 11, (1, 100), (2, 50), 9, 12), swap(1, 12, (2, 50), (3, 70), 11, 9)];
        assert_eq!(routes(&swaps, true), Vec::<Route>::new());
    }

    #[test]
    fn amounts_that_differ_by_a_hundredth_are_not_handed_on() {
        let second = |amount| swap(1, 12, (2, amount), (1, 110), 9, 9);
        let first = swap(0, 11, (1, 100), (2, 10_000), 9, 9);
        assert_eq!(routes(&[first.clone(), second(9_901)], true), [vec![0, 1]]);
        assert_eq!(routes(&[first, second(9_900)], true), Vec::<Route>::new());
    }

    #[test]
    fn swaps_that_all_fit_each_other_are_searched_in_no_time() {
        let swaps: Vec<Swap> = (0..200).map(|at| swap(at, 11, (1, 5), (1, 5), 9, 9)).collect();
        assert_eq!(routes(&swaps, true), Vec::<Route>::new());
    }

    #[test]
    fn ten_thousand_swaps_over_several_pools_are_searched_in_so_many_steps_and_no_more() {
        // Each that begins has all of the second pool to go through, none of which leads to those of the third, which would end it.
        let third = 3_333;
        let mut swaps = vec![swap(0, 14, (7, 100), (8, 50), 9, 15), swap(1, 15, (8, 50), (7, 101), 14, 9)];
        swaps.extend((0..third).map(|at| swap(2 + at, 11, (1, 5), (2, 5), 9, 9)));
        swaps.extend((0..third).map(|at| swap(2 + third + at, 12, (2, 5), (2, 5), 9, 9)));
        swaps.extend((0..third).map(|at| swap(2 + 2 * third + at, 13, (3, 5), (1, 5), 9, 9)));
        let all: Vec<&Swap> = swaps.iter().collect();
        let mut search = Search::of(&all);
        assert_eq!(search.shortest(2), None);
        assert!((STEPS_MAX..STEPS_MAX + swaps.len()).contains(&search.steps));
        assert_eq!(routes(&swaps, true), [vec![0, 1]]);
    }

    #[test]
    fn a_circle_is_of_swaps_that_were_not_undone_unless_all_of_the_transaction_was() {
        let undone = |swap| Swap { is_undone: true, ..swap };
        let first = |pool| swap(0, pool, (1, 100), (2, 50), 9, 9);
        let second = |at| swap(at, 12, (2, 50), (1, 101), 9, 9);
        let swaps = [undone(first(10)), first(11), undone(second(2)), second(3)];
        assert_eq!(routes(&swaps, true), [vec![1, 3]]);
        assert_eq!(routes(&swaps, false), [vec![0, 2], vec![1, 3]]);
    }
}
