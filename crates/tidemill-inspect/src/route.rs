//! Circles of swaps that hand on what they bought: each pays the next, and the last pays who began.
//!
//! Source: the rules of flashbots/mev-inspect-py (arbitrages), as published; the search is breadth first, so that a transaction of many
//! swaps cannot make it run for long, and finds the same route: the shortest, the earliest swaps first among equals.

use std::collections::VecDeque;

use ruint::aliases::U256;

use crate::swap::Swap;

/// Swaps of one circle, by their places in the list, the first one first.
pub type Route = Vec<usize>;

/// Returns the circles among the swaps of one transaction; no swap is of two.
pub fn routes(swaps: &[Swap]) -> Vec<Route> {
    let mut used = vec![false; swaps.len()];
    let mut found: Vec<Route> = Vec::new();
    for (start, first) in swaps.iter().enumerate() {
        let ends = ends_of(first, start, swaps);
        if ends.is_empty() || used.get(start) == Some(&true) {
            continue;
        }
        let unused: Vec<usize> = ends.into_iter().filter(|end| used.get(*end) == Some(&false)).collect();
        if let Some(route) = shortest(start, &unused, swaps) {
            for at in &route {
                if let Some(used) = used.get_mut(*at) {
                    *used = true;
                }
            }
            found.push(route);
        }
    }
    if found.len() > 1 {
        found.retain(|route| is_in_order(route, swaps));
    }
    found
}

/// Says whether the circle begins before it ends.
fn is_in_order(route: &Route, swaps: &[Swap]) -> bool {
    let place = |at: Option<&usize>| at.and_then(|at| swaps.get(*at)).map(|swap| &swap.place);
    place(route.first()) < place(route.last())
}

/// Returns the swaps that may end a circle that `first` begins.
fn ends_of(first: &Swap, start: usize, swaps: &[Swap]) -> Vec<usize> {
    let Some((token_in, _)) = first.tokens() else { return Vec::new() };
    if swaps.iter().any(|swap| swap.pool == first.from) {
        return Vec::new();
    }
    let ends = swaps.iter().enumerate().filter(|(at, end)| {
        *at != start && end.token_out == Some(token_in) && !end.is_same_pool(first) && end.to == first.from
    });
    ends.map(|(at, _)| at).collect()
}

/// Returns the shortest chain of swaps from `start` to one of `ends`.
fn shortest(start: usize, ends: &[usize], swaps: &[Swap]) -> Option<Route> {
    let mut before: Vec<Option<usize>> = vec![None; swaps.len()];
    let mut waiting = VecDeque::from([start]);
    while let Some(at) = waiting.pop_front() {
        let swap = swaps.get(at)?;
        let is_next = |next: usize| swaps.get(next).is_some_and(|next| hands_on(swap, next));
        if let Some(end) = ends.iter().copied().find(|end| is_next(*end)) {
            let mut route = vec![end, at];
            let mut last = at;
            while let Some(Some(earlier)) = before.get(last).copied() {
                route.push(earlier);
                last = earlier;
            }
            route.reverse();
            return Some(route);
        }
        for next in 0..swaps.len() {
            let is_new = next != start && !ends.contains(&next) && before.get(next) == Some(&None);
            if is_new && is_next(next) {
                if let Some(slot) = before.get_mut(next) {
                    *slot = Some(at);
                }
                waiting.push_back(next);
            }
        }
    }
    None
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
        assert_eq!(routes(&swaps), [vec![0, 1, 2]]);
    }

    #[test]
    fn a_user_who_ends_with_another_token_made_no_circle() {
        let swaps = [swap(0, 11, (1, 100), (2, 50), 9, 12), swap(1, 12, (2, 50), (3, 70), 11, 9)];
        assert_eq!(routes(&swaps), Vec::<Route>::new());
    }

    #[test]
    fn amounts_that_differ_by_a_hundredth_are_not_handed_on() {
        let second = |amount| swap(1, 12, (2, amount), (1, 110), 9, 9);
        let first = swap(0, 11, (1, 100), (2, 10_000), 9, 9);
        assert_eq!(routes(&[first.clone(), second(9_901)]), [vec![0, 1]]);
        assert_eq!(routes(&[first, second(9_900)]), Vec::<Route>::new());
    }

    #[test]
    fn swaps_that_all_fit_each_other_are_searched_in_no_time() {
        let swaps: Vec<Swap> = (0..200).map(|at| swap(at, 11, (1, 5), (1, 5), 9, 9)).collect();
        assert_eq!(routes(&swaps), Vec::<Route>::new());
    }
}
