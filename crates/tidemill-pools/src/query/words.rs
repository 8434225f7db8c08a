//! How the words of an answer become numbers: one that does not fit its type is refused, never cut.

use ruint::aliases::U256;

use crate::chain::Address;

use super::view::Stop;
use super::QueryError;

/// The words that one call gave.
#[derive(Clone, Copy)]
pub(super) struct Words<'a> {
    address: Address,
    call: &'static str,
    bytes: &'a [u8],
}

/// Encodes a number as a word.
pub(super) fn word(value: u64) -> [u8; 32] {
    U256::from(value).to_be_bytes()
}

/// Encodes a signed number as a word.
pub(super) fn signed_word(value: i32) -> [u8; 32] {
    let mut bytes = if value < 0 { [0xff; 32] } else { [0; 32] };
    bytes[28..].copy_from_slice(&value.to_be_bytes());
    bytes
}

/// Encodes an address as a word.
pub(super) fn address_word(address: Address) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[12..].copy_from_slice(&address);
    bytes
}

impl<'a> Words<'a> {
    pub(super) fn new(address: Address, call: &'static str, bytes: &'a [u8]) -> Self {
        Self { address, call, bytes }
    }

    /// Returns the number of whole words.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() / 32
    }

    /// Returns the length of the whole answer.
    pub(super) fn bytes_len(&self) -> usize {
        self.bytes.len()
    }

    /// Says whether the answer begins with these bytes.
    pub(super) fn starts_with(&self, bytes: &[u8]) -> bool {
        self.bytes.starts_with(bytes)
    }

    fn malformed(&self, expected: &'static str) -> Stop {
        let (address, call, found) = (self.address, self.call, self.bytes.len());
        QueryError::Malformed { address, call, expected, found }.into()
    }

    fn refused(&self, expected: &'static str, word: [u8; 32]) -> Stop {
        QueryError::Range { address: self.address, call: self.call, expected, word }.into()
    }

    /// Returns the word at `index`.
    pub(super) fn word(&self, index: usize, expected: &'static str) -> Result<[u8; 32], Stop> {
        let word = self.bytes.get(index.saturating_mul(32)..).and_then(<[u8]>::first_chunk::<32>);
        word.copied().ok_or_else(|| self.malformed(expected))
    }

    /// Returns the word at `index` as `uint256`.
    pub(super) fn u256(&self, index: usize, expected: &'static str) -> Result<U256, Stop> {
        self.word(index, expected).map(U256::from_be_bytes)
    }

    /// Returns the word at `index` as an unsigned number of at most `bits` bits.
    pub(super) fn unsigned(&self, index: usize, bits: usize, expected: &'static str) -> Result<U256, Stop> {
        let word = self.word(index, expected)?;
        let value = U256::from_be_bytes(word);
        if value.bit_len() > bits {
            return Err(self.refused(expected, word));
        }
        Ok(value)
    }

    /// Returns the word at `index` as `int256`: whether it is negative, and its size.
    pub(super) fn signed(&self, index: usize, expected: &'static str) -> Result<(bool, U256), Stop> {
        let value = self.u256(index, expected)?;
        Ok(if value.bit(255) { (true, value.wrapping_neg()) } else { (false, value) })
    }

    /// Returns the word at `index` as `uint128` or less.
    pub(super) fn u128(&self, index: usize, bits: usize, expected: &'static str) -> Result<u128, Stop> {
        Ok(self.unsigned(index, bits.min(128), expected)?.to())
    }

    /// Returns the word at `index` as a signed number of at most 128 bits.
    pub(super) fn i128(&self, index: usize, expected: &'static str) -> Result<i128, Stop> {
        let word = self.word(index, expected)?;
        let (high, low) = word.split_at(16);
        let low = low.try_into().map_or(0, i128::from_be_bytes);
        let sign = if low < 0 { 0xff } else { 0 };
        if high.iter().any(|byte| *byte != sign) {
            return Err(self.refused(expected, word));
        }
        Ok(low)
    }

    /// Returns the word at `index` as `int24`.
    pub(super) fn i24(&self, index: usize, expected: &'static str) -> Result<i32, Stop> {
        let value = self.i128(index, expected)?;
        match i32::try_from(value) {
            Ok(value) if (-0x80_0000..0x80_0000).contains(&value) => Ok(value),
            _ => Err(self.refused(expected, self.word(index, expected)?)),
        }
    }

    /// Returns the word at `index` as `bool`.
    pub(super) fn bool(&self, index: usize, expected: &'static str) -> Result<bool, Stop> {
        Ok(!self.unsigned(index, 1, expected)?.is_zero())
    }

    /// Returns the word at `index` as an address.
    pub(super) fn address(&self, index: usize, expected: &'static str) -> Result<Address, Stop> {
        let word = self.word(index, expected)?;
        match word.split_first_chunk::<12>() {
            Some(([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], address)) => {
                address.try_into().map_err(|_| self.refused(expected, word))
            }
            _ => Err(self.refused(expected, word)),
        }
    }

    /// Returns the dynamic array whose offset stands at word `index`: its words, at most `most` of them.
    pub(super) fn array(&self, index: usize, most: usize, expected: &'static str) -> Result<Self, Stop> {
        let offset = self.u256(index, expected)?;
        let offset = usize::try_from(offset).map_err(|_| self.malformed(expected))?;
        let rest = self.bytes.get(offset..).ok_or_else(|| self.malformed(expected))?;
        let (count, rest) = rest.split_first_chunk::<32>().ok_or_else(|| self.malformed(expected))?;
        let count = usize::try_from(U256::from_be_bytes(*count)).map_err(|_| self.malformed(expected))?;
        if count > most {
            return Err(QueryError::Tokens { address: self.address, max: most, found: count }.into());
        }
        let bytes = rest.get(..count * 32).ok_or_else(|| self.malformed(expected))?;
        Ok(Self { bytes, ..*self })
    }

    /// Returns every word as `uint256`.
    pub(super) fn numbers(&self, expected: &'static str) -> Result<Vec<U256>, Stop> {
        (0..self.len()).map(|index| self.u256(index, expected)).collect()
    }

    /// Returns every word as an address.
    pub(super) fn addresses(&self, expected: &'static str) -> Result<Vec<Address>, Stop> {
        (0..self.len()).map(|index| self.address(index, expected)).collect()
    }
}
