//! Which tokens lead to each other and back: the strongly connected components of what can be changed for what.
//!
//! Source: Kosaraju's algorithm, with stacks of its own, in time proportional to the ways.

use std::collections::hash_map::Entry;

use rustc_hash::{FxHashMap, FxHashSet};
use tidemill_pools::Address;

/// Returns the number of each token's component. `ways` are from a token to another, or to itself.
pub(crate) fn components(ways: &[(Address, Address)]) -> FxHashMap<Address, usize> {
    let (mut onward, mut back) = (FxHashMap::default(), FxHashMap::default());
    for (from, to) in ways {
        onward.entry(*from).or_insert_with(Vec::new).push(*to);
        back.entry(*to).or_insert_with(Vec::new).push(*from);
    }
    let mut reached = FxHashSet::default();
    let mut left = Vec::new();
    for (from, to) in ways {
        leave(*from, &onward, &mut reached, &mut left);
        leave(*to, &onward, &mut reached, &mut left);
    }
    let mut components = FxHashMap::default();
    for (number, root) in left.into_iter().rev().enumerate() {
        let mut waiting = vec![root];
        while let Some(token) = waiting.pop() {
            if let Entry::Vacant(slot) = components.entry(token) {
                slot.insert(number);
                waiting.extend(back.get(&token).into_iter().flatten());
            }
        }
    }
    components
}

/// Adds what can be reached from `start`, each after all that it leads to first.
fn leave(
    start: Address,
    onward: &FxHashMap<Address, Vec<Address>>,
    reached: &mut FxHashSet<Address>,
    left: &mut Vec<Address>,
) {
    if !reached.insert(start) {
        return;
    }
    let ways = |token| onward.get(&token).into_iter().flatten();
    let mut waiting = vec![(start, ways(start))];
    while let Some((token, rest)) = waiting.last_mut() {
        if let Some(next) = rest.find(|next| reached.insert(**next)) {
            waiting.push((*next, ways(*next)));
        } else {
            left.push(*token);
            waiting.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn tokens_are_of_one_component_where_each_leads_to_the_other(pairs in prop::collection::vec((0_usize..7, 0_usize..7), 0..20)) {
            let token = |number: usize| [u8::try_from(number).unwrap_or_default(); 20];
            let ways: Vec<_> = pairs.iter().map(|(from, to)| (token(*from), token(*to))).collect();
            let found = components(&ways);
            let mut leads: FxHashSet<(usize, usize)> = pairs.iter().copied().collect();
            leads.extend((0..7).map(|one| (one, one)));
            for middle in 0..7 {
                for from in 0..7 {
                    for to in 0..7 {
                        if leads.contains(&(from, middle)) && leads.contains(&(middle, to)) {
                            leads.insert((from, to));
                        }
                    }
                }
            }
            for (one, other) in pairs {
                let is_both = leads.contains(&(one, other)) && leads.contains(&(other, one));
                prop_assert_eq!(found.get(&token(one)) == found.get(&token(other)), is_both);
            }
        }
    }
}
