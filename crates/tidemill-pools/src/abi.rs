//! How the words of a log become numbers: a word that does not fit its type is refused, never cut.

use ruint::aliases::U256;

use crate::chain::{Address, Hash, Log};
use crate::error::DecodeError;

/// A log whose shape is that of `event`: `T` topics and `B` bytes of data.
pub(crate) struct Fields<'a, const T: usize, const B: usize> {
    event: &'static str,
    topics: &'a [Hash; T],
    data: &'a [u8; B],
}

impl<'a, const T: usize, const B: usize> Fields<'a, T, B> {
    /// Checks the shape of `log`.
    #[inline]
    pub(crate) fn of(log: &Log<'a>, event: &'static str) -> Result<Self, DecodeError> {
        let topics = <&[Hash; T]>::try_from(log.topics);
        let topics =
            topics.map_err(|_| DecodeError::Topics { event, expected: T, found: log.topics.len() })?;
        let data = <&[u8; B]>::try_from(log.data);
        let data = data.map_err(|_| DecodeError::Length { event, expected: B, found: log.data.len() })?;
        Ok(Self { event, topics, data })
    }

    /// Returns the topic at `index`, the event's own hash being the first.
    #[inline]
    pub(crate) fn topic(&self, index: usize, field: &'static str) -> Word<'_> {
        Word { event: self.event, field, bytes: self.topics.get(index).unwrap_or(&[0; 32]) }
    }

    /// Returns the word of the data at `index`.
    #[inline]
    pub(crate) fn word(&self, index: usize, field: &'static str) -> Word<'_> {
        let bytes = self.data.get(index * 32..).and_then(<[u8]>::first_chunk::<32>).unwrap_or(&[0; 32]);
        Word { event: self.event, field, bytes }
    }
}

/// A log with `T` topics whose data are of no fixed length.
pub(crate) struct Tail<'a> {
    event: &'static str,
    topics: &'a [Hash],
    data: &'a [u8],
}

impl<'a> Tail<'a> {
    /// Checks the number of topics.
    pub(crate) fn of<const T: usize>(log: &Log<'a>, event: &'static str) -> Result<Self, DecodeError> {
        let (topics, data) = (log.topics, log.data);
        if topics.len() != T {
            return Err(DecodeError::Topics { event, expected: T, found: topics.len() });
        }
        Ok(Self { event, topics, data })
    }

    /// Returns the topic at `index`, the event's own hash being the first.
    pub(crate) fn topic(&self, index: usize, field: &'static str) -> Word<'_> {
        Word { event: self.event, field, bytes: self.topics.get(index).unwrap_or(&[0; 32]) }
    }

    /// Returns the word of the data at `index`.
    pub(crate) fn word(&self, index: usize, field: &'static str) -> Result<Word<'_>, DecodeError> {
        let rest = self.data.get(index.saturating_mul(32)..);
        let bytes = rest.and_then(<[u8]>::first_chunk::<32>).ok_or_else(|| self.short((index + 1) * 32))?;
        Ok(Word { event: self.event, field, bytes })
    }

    /// Returns the list whose offset stands at word `index`: its words, at most `most` of them.
    pub(crate) fn list(
        &self,
        index: usize,
        most: usize,
        field: &'static str,
    ) -> Result<&'a [[u8; 32]], DecodeError> {
        let offset = self.word(index, field)?;
        let start = usize::try_from(offset.unsigned(32)?).map_err(|_| offset.refused())?;
        let rest = self.data.get(start..).ok_or_else(|| offset.refused())?;
        let (count, rest) = rest.split_first_chunk::<32>().ok_or_else(|| self.short(start + 32))?;
        let count = Word { event: self.event, field, bytes: count };
        let words = usize::try_from(count.unsigned(32)?).ok().filter(|words| *words <= most);
        let words = words.ok_or_else(|| count.refused())?;
        let (list, _) = rest.as_chunks::<32>();
        list.get(..words).ok_or_else(|| self.short(start + 32 + words * 32))
    }

    #[cold]
    fn short(&self, expected: usize) -> DecodeError {
        DecodeError::Length { event: self.event, expected, found: self.data.len() }
    }
}

/// Returns a word as an address.
pub(crate) fn address_of(
    word: &[u8; 32],
    event: &'static str,
    field: &'static str,
) -> Result<Address, DecodeError> {
    Word { event, field, bytes: word }.address()
}

/// One word and what it should be.
pub(crate) struct Word<'a> {
    event: &'static str,
    field: &'static str,
    bytes: &'a [u8; 32],
}

impl Word<'_> {
    #[cold]
    pub(crate) fn refused(&self) -> DecodeError {
        DecodeError::Range { event: self.event, field: self.field, word: *self.bytes }
    }

    /// Returns the word as `uint256`, or as the bits of `int256`.
    #[inline]
    pub(crate) fn u256(&self) -> U256 {
        U256::from_be_bytes(*self.bytes)
    }

    /// Returns the word as an address.
    #[inline]
    pub(crate) fn address(&self) -> Result<Address, DecodeError> {
        match self.bytes.split_first_chunk::<12>() {
            Some(([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], address)) => {
                address.try_into().map_err(|_| self.refused())
            }
            _ => Err(self.refused()),
        }
    }

    /// Returns the word as an unsigned number of at most `bits` bits, 128 being the most.
    #[inline]
    pub(crate) fn unsigned(&self, bits: u32) -> Result<u128, DecodeError> {
        let (high, low) = halves(self.bytes);
        if high == 0 && low.leading_zeros() >= 128 - bits {
            Ok(low)
        } else {
            Err(self.refused())
        }
    }

    /// Returns the word as `uint160`.
    #[inline]
    pub(crate) fn u160(&self) -> Result<U256, DecodeError> {
        let value = self.u256();
        if value.leading_zeros() >= 96 {
            Ok(value)
        } else {
            Err(self.refused())
        }
    }

    /// Returns the word as `uint16`, wide enough to reckon with.
    #[inline]
    pub(crate) fn u16(&self) -> Result<u32, DecodeError> {
        u32::try_from(self.unsigned(16)?).map_err(|_| self.refused())
    }

    /// Returns the word as `uint24`.
    #[inline]
    pub(crate) fn u24(&self) -> Result<u32, DecodeError> {
        u32::try_from(self.unsigned(24)?).map_err(|_| self.refused())
    }

    /// Returns the word as `int24`.
    #[inline]
    pub(crate) fn i24(&self) -> Result<i32, DecodeError> {
        let (high, low) = halves(self.bytes);
        let value = low.cast_signed();
        let is_extended = high.cast_signed() == value >> 127;
        match i32::try_from(value) {
            Ok(value) if is_extended && (-0x80_0000..0x80_0000).contains(&value) => Ok(value),
            _ => Err(self.refused()),
        }
    }
}

impl Word<'_> {
    /// Returns the word as `int128`.
    #[inline]
    pub(crate) fn i128(&self) -> Result<i128, DecodeError> {
        let (high, low) = halves(self.bytes);
        let value = low.cast_signed();
        if high.cast_signed() == value >> 127 {
            Ok(value)
        } else {
            Err(self.refused())
        }
    }
}

#[inline]
fn halves(bytes: &[u8; 32]) -> (u128, u128) {
    let half = |from: usize| {
        bytes.get(from..).and_then(<[u8]>::first_chunk::<16>).map_or(0, |half| u128::from_be_bytes(*half))
    };
    (half(0), half(16))
}

/// Reads a hash from 64 hex digits, at compile time.
pub(crate) const fn hash(digits: &str) -> Hash {
    let digits = digits.as_bytes();
    assert!(digits.len() == 64, "a hash has 64 hex digits");
    let mut bytes = [0; 32];
    let mut index = 0;
    while index < 32 {
        bytes[index] = digit(digits[2 * index]) << 4 | digit(digits[2 * index + 1]);
        index += 1;
    }
    bytes
}

// Runs at compile time only, where it is a build error.
#[allow(clippy::panic)]
const fn digit(character: u8) -> u8 {
    match character {
        b'0'..=b'9' => character - b'0',
        b'a'..=b'f' => character - b'a' + 10,
        _ => panic!("a hash is spelled in lower-case hex"),
    }
}

#[cfg(test)]
mod tests {
    use super::Word;

    fn word(bytes: &[u8; 32]) -> Word<'_> {
        Word { event: "Swap", field: "int24 tick", bytes }
    }

    #[test]
    fn a_tick_is_sign_extended_and_one_out_of_range_is_refused() {
        let mut bytes = [0xff; 32];
        assert_eq!(word(&bytes).i24(), Ok(-1));
        bytes[29] = 0x80;
        bytes[30..].fill(0);
        assert_eq!(word(&bytes).i24(), Ok(-0x80_0000));
        bytes[29] = 0x7f;
        assert!(word(&bytes).i24().is_err());
        bytes[0] = 0;
        let message = word(&bytes).i24().unwrap_err().to_string();
        assert!(
            message.starts_with("Swap: expected int24 tick in range, found the word 0x00ff"),
            "{message}"
        );
    }

    #[test]
    fn an_address_with_bits_above_it_is_refused() {
        let mut bytes = [0; 32];
        bytes[12] = 7;
        assert_eq!(word(&bytes).address().unwrap()[0], 7);
        bytes[11] = 1;
        assert!(word(&bytes).address().is_err());
    }

    #[test]
    fn a_number_wider_than_its_type_is_refused() {
        let mut bytes = [0; 32];
        bytes[18] = 0xff;
        assert!(word(&bytes).unsigned(112).is_ok());
        assert!(word(&bytes).unsigned(128).is_ok());
        bytes[17] = 1;
        assert!(word(&bytes).unsigned(112).is_err());
        assert!(word(&bytes).u160().is_ok());
        bytes[11] = 1;
        assert!(word(&bytes).u160().is_err());
    }
}
