//! The root of the Merkle-Patricia trie over a list: key rlp(index), value the item.
//!
//! Source: Ethereum yellow paper, appendix D. The keys of a list are prefix-free, so no branch has a value, and the
//! whole list is known at once, so the trie is hashed from its leaves up and never stored.

use tidemill_pools::Hash;

use crate::keccak::{keccak256, keccak256_each};
use crate::rlp::{list_len, string_len, write_list, write_number, write_string};

/// A node this long or longer is named by its hash; a shorter one stands in its parent as it is.
const HASHED_MIN: usize = 32;
/// How a branch spells a child or a value that it does not have.
const NOTHING: u8 = 0x80;

/// A key as half-bytes, and what a parent says of the leaf that has it.
struct Entry {
    nibbles: Vec<u8>,
    leaf: Vec<u8>,
}

/// Returns the root of the trie of `values`, each under its index.
pub fn ordered_root<V: AsRef<[u8]>>(values: &[V]) -> Hash {
    let mut keyed: Vec<(Vec<u8>, &[u8])> =
        (0..).zip(values).map(|(index, value)| (key(index), value.as_ref())).collect();
    keyed.sort_unstable();
    match keyed.as_slice() {
        [] => keccak256(&[NOTHING]),
        [(nibbles, value)] => keccak256(&leaf(nibbles, value)),
        _ => {
            let mut node = Vec::new();
            write_node(&mut node, &entries(keyed), 0);
            keccak256(&node)
        }
    }
}

fn key(index: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(9);
    write_number(&mut bytes, index);
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]).collect()
}

/// Returns the entries of two or more sorted keys, all their leaves hashed at once.
fn entries(keyed: Vec<(Vec<u8>, &[u8])>) -> Vec<Entry> {
    let shared_with_next: Vec<usize> = keyed
        .windows(2)
        .map(|pair| if let [(one, _), (other, _)] = pair { shared(one, other) } else { 0 })
        .collect();
    let before = std::iter::once(&0).chain(&shared_with_next);
    let after = shared_with_next.iter().chain([&0]);
    // A leaf hangs below the half-byte in which its key leaves its neighbours'.
    let leaves: Vec<Vec<u8>> = keyed
        .iter()
        .zip(before.zip(after))
        .map(|((nibbles, value), (before, after))| {
            leaf(nibbles.get(1 + before.max(after)..).unwrap_or_default(), value)
        })
        .collect();
    let long = leaves.iter().filter(|leaf| leaf.len() >= HASHED_MIN).map(Vec::as_slice);
    let mut hashes = keccak256_each(long.collect::<Vec<_>>().into_iter()).into_iter();
    let named = leaves.into_iter().map(|leaf| {
        if leaf.len() < HASHED_MIN {
            return leaf;
        }
        let mut named = Vec::with_capacity(1 + HASHED_MIN);
        write_string(&mut named, &hashes.next().unwrap_or_default());
        named
    });
    keyed
        .into_iter()
        .map(|(nibbles, _)| nibbles)
        .zip(named)
        .map(|(nibbles, leaf)| Entry { nibbles, leaf })
        .collect()
}

fn shared(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

fn leaf(path: &[u8], value: &[u8]) -> Vec<u8> {
    let path = compact(path, true);
    let payload = string_len(&path) + string_len(value);
    let mut leaf = Vec::with_capacity(list_len(payload));
    write_list(&mut leaf, payload);
    write_string(&mut leaf, &path);
    write_string(&mut leaf, value);
    leaf
}

/// Writes the node of two or more `entries`, which are sorted and agree in their first `depth` half-bytes.
fn write_node(out: &mut Vec<u8>, entries: &[Entry], depth: usize) {
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return };
    let path = first.nibbles.get(depth..).unwrap_or_default();
    // Of sorted keys, what the first and the last share all share.
    let shared = shared(path, last.nibbles.get(depth..).unwrap_or_default());
    if shared == 0 {
        return write_branch(out, entries, depth);
    }
    let mut child = Vec::new();
    write_child(&mut child, entries, depth + shared);
    let path = compact(path.get(..shared).unwrap_or_default(), false);
    write_list(out, string_len(&path) + child.len());
    write_string(out, &path);
    out.extend_from_slice(&child);
}

fn write_branch(out: &mut Vec<u8>, entries: &[Entry], depth: usize) {
    let mut children = Vec::with_capacity(17 * (1 + HASHED_MIN));
    let mut rest = entries;
    for nibble in 0..16 {
        let count = rest.iter().take_while(|entry| entry.nibbles.get(depth) == Some(&nibble)).count();
        let (under, others) = rest.split_at(count);
        rest = others;
        match under {
            [] => children.push(NOTHING),
            [only] => children.extend_from_slice(&only.leaf),
            _ => write_child(&mut children, under, depth + 1),
        }
    }
    children.push(NOTHING);
    out.reserve(list_len(children.len()));
    write_list(out, children.len());
    out.extend_from_slice(&children);
}

/// Writes what a parent says of the node of two or more `entries`: its hash, or the node itself where it is short.
fn write_child(out: &mut Vec<u8>, entries: &[Entry], depth: usize) {
    let mut node = Vec::new();
    write_node(&mut node, entries, depth);
    if node.len() < HASHED_MIN {
        out.extend_from_slice(&node);
    } else {
        write_string(out, &keccak256(&node));
    }
}

/// Returns `nibbles` as bytes that say whether their count is odd and whether they end in a leaf.
fn compact(nibbles: &[u8], is_leaf: bool) -> Vec<u8> {
    let flag = if is_leaf { 0x20 } else { 0 };
    let (odd, pairs) = nibbles.split_at(nibbles.len() % 2);
    let first = odd.first().map_or(flag, |nibble| flag | 0x10 | nibble);
    let pairs = pairs.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low);
    std::iter::once(first).chain(pairs).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// The definition of the yellow paper, word for word: a map of keys, split by their first half-byte.
    fn slow_node(entries: &BTreeMap<Vec<u8>, Vec<u8>>) -> Vec<u8> {
        if let [(path, value)] = &entries.iter().collect::<Vec<_>>()[..] {
            return slow_list(&[slow_string(&slow_path(path, 2)), slow_string(value)]);
        }
        let mut shared = entries.keys().next().unwrap().clone();
        while !entries.keys().all(|key| key.starts_with(&shared)) {
            shared.pop();
        }
        if !shared.is_empty() {
            let rest = entries.iter().map(|(key, value)| (key[shared.len()..].to_vec(), value.clone()));
            return slow_list(&[slow_string(&slow_path(&shared, 0)), slow_child(&rest.collect())]);
        }
        let mut items: Vec<Vec<u8>> = (0..16_u8)
            .map(|nibble| {
                let under = entries.iter().filter(|(key, _)| key.first() == Some(&nibble));
                let under: BTreeMap<_, _> =
                    under.map(|(key, value)| (key[1..].to_vec(), value.clone())).collect();
                if under.is_empty() {
                    vec![0x80]
                } else {
                    slow_child(&under)
                }
            })
            .collect();
        items.push(slow_string(entries.get(&Vec::new()).map_or(&[], Vec::as_slice)));
        slow_list(&items)
    }

    fn slow_child(entries: &BTreeMap<Vec<u8>, Vec<u8>>) -> Vec<u8> {
        let node = slow_node(entries);
        if node.len() < 32 {
            node
        } else {
            slow_string(&keccak256(&node))
        }
    }

    fn slow_path(nibbles: &[u8], kind: u8) -> Vec<u8> {
        let flags = if nibbles.len() % 2 == 1 { vec![kind + 1] } else { vec![kind, 0] };
        [flags, nibbles.to_vec()].concat().chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect()
    }

    fn slow_sized(kind: u8, payload: &[u8]) -> Vec<u8> {
        let mut size = payload.len().to_be_bytes().to_vec();
        size.retain({
            let mut is_leading = true;
            move |byte| {
                is_leading &= *byte == 0;
                !is_leading
            }
        });
        let header = match payload.len() {
            short @ 0..=55 => vec![kind + u8::try_from(short).unwrap()],
            _ => [vec![kind + 55 + u8::try_from(size.len()).unwrap()], size].concat(),
        };
        [header, payload.to_vec()].concat()
    }

    fn slow_string(bytes: &[u8]) -> Vec<u8> {
        if bytes.len() == 1 && bytes[0] < 0x80 {
            bytes.to_vec()
        } else {
            slow_sized(0x80, bytes)
        }
    }

    fn slow_list(items: &[Vec<u8>]) -> Vec<u8> {
        slow_sized(0xc0, &items.concat())
    }

    fn slow_root(values: &[Vec<u8>]) -> Hash {
        let entries: BTreeMap<_, _> =
            (0..).zip(values).map(|(index, value)| (key(index), value.clone())).collect();
        if entries.is_empty() {
            keccak256(&[0x80])
        } else {
            keccak256(&slow_node(&entries))
        }
    }

    #[test]
    fn the_empty_list_has_the_empty_root() {
        let root = "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421";
        assert_eq!(const_hex::encode(ordered_root::<&[u8]>(&[])), root);
    }

    #[test]
    fn every_length_agrees_with_the_definition() {
        for count in (0..300).chain([65_535, 65_537]) {
            let values: Vec<Vec<u8>> =
                (0..count).map(|index: usize| vec![index.to_le_bytes()[0]; 1 + index % 70]).collect();
            assert_eq!(ordered_root(&values), slow_root(&values), "{count} items");
        }
    }

    proptest! {
        #[test]
        fn any_values_agree_with_the_definition(
            values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..90), 0..300),
        ) {
            prop_assert_eq!(ordered_root(&values), slow_root(&values));
        }
    }
}
