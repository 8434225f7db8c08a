//! Keccak-256, the chain's hash, of one message or of many.

use tidemill_pools::Hash;
use tiny_keccak::{Hasher, Keccak};

use crate::keccak_lanes;

/// Returns the Keccak-256 hash of `bytes`, which is not the standard's SHA3-256.
pub fn keccak256(bytes: &[u8]) -> Hash {
    let mut hash = [0; 32];
    let mut keccak = Keccak::v256();
    keccak.update(bytes);
    keccak.finalize(&mut hash);
    hash
}

/// Returns the hash of each of `messages`, several at a time where the processor can.
pub(crate) fn keccak256_each<'m>(messages: impl ExactSizeIterator<Item = &'m [u8]>) -> Vec<Hash> {
    match keccak_lanes::Lanes::able().next() {
        Some(lanes) => lanes.keccak256_each(messages),
        None => messages.map(keccak256).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_signature_is_its_topic() {
        let topic = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";
        assert_eq!(const_hex::encode(keccak256(b"Transfer(address,address,uint256)")), topic);
    }

    #[test]
    fn many_are_hashed_as_one_is() {
        let bytes: Vec<u8> = (0..3_000_u32).map(|number| number.wrapping_mul(31).to_le_bytes()[0]).collect();
        let lengths = (0..=20).chain(130..=140).chain([271, 272, 273, 0, 2_999, 1, 407, 408, 32, 3_000]);
        let messages: Vec<&[u8]> = lengths.map(|length| &bytes[..length]).collect();
        let one_by_one: Vec<Hash> = messages.iter().map(|one| keccak256(one)).collect();
        for count in 0..messages.len() {
            for lanes in keccak_lanes::Lanes::able() {
                let hashes = lanes.keccak256_each(messages[..count].iter().copied());
                assert_eq!(hashes, one_by_one[..count]);
            }
        }
    }
}
