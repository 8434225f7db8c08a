//! Hex text of a frame to bytes and numbers, named in the error where it is none.

use ruint::aliases::U256;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use crate::FrameError;

/// The text of a JSON string, borrowed from the frame and not yet decoded.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hex<'a>(pub &'a [u8]);

impl<'de: 'a, 'a> Deserialize<'de> for Hex<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(HexVisitor)
    }
}

struct HexVisitor;

impl<'de> Visitor<'de> for HexVisitor {
    type Value = Hex<'de>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a string of hex")
    }

    fn visit_borrowed_bytes<E: Error>(self, text: &'de [u8]) -> Result<Self::Value, E> {
        Ok(Hex(text))
    }
}

impl<'a> Hex<'a> {
    /// Returns the digits after `0x`.
    ///
    /// # Errors
    /// `Malformed` where the text is not that.
    pub fn digits(self, place: &'static str) -> Result<&'a [u8], FrameError> {
        self.0.strip_prefix(b"0x").ok_or_else(|| FrameError::new(place, "hex that begins with 0x", self.0))
    }

    /// Returns exactly `N` bytes.
    ///
    /// # Errors
    /// `Malformed` where the text is not that.
    #[inline]
    pub fn bytes<const N: usize>(self, place: &'static str) -> Result<[u8; N], FrameError> {
        let digits = self.digits(place)?;
        // The decoder would take a second 0x: its length gives it away.
        const_hex::decode_to_array(digits)
            .ok()
            .filter(|_| digits.len() == 2 * N)
            .ok_or_else(|| FrameError::new(place, format!("0x and {} hex digits", 2 * N), self.0))
    }

    /// Returns a number below 2^64.
    ///
    /// # Errors
    /// `Malformed` where the text is not that.
    #[inline]
    pub fn count64(self, place: &'static str) -> Result<u64, FrameError> {
        let digits = self.digits(place)?;
        let refused = || FrameError::new(place, "0x and 1 to 16 hex digits", self.0);
        if digits.is_empty() {
            return Err(refused());
        }
        let mut number = 0_u64;
        for digit in digits {
            let value = char::from(*digit).to_digit(16).ok_or_else(refused)?;
            if number >> 60 != 0 {
                return Err(refused());
            }
            number = number << 4 | u64::from(value);
        }
        Ok(number)
    }

    /// Returns a number below 2^32.
    ///
    /// # Errors
    /// `Malformed` where the text is not that.
    #[inline]
    pub fn count32(self, place: &'static str) -> Result<u32, FrameError> {
        u32::try_from(self.count64(place)?).map_err(|_| FrameError::new(place, "a number below 2^32", self.0))
    }

    /// Returns a number below 2^256.
    ///
    /// # Errors
    /// `Malformed` where the text is not that.
    pub fn uint256(self, place: &'static str) -> Result<U256, FrameError> {
        let digits = self.digits(place)?;
        let refused = || FrameError::new(place, "0x and 1 to 64 hex digits", self.0);
        let mut padded = [b'0'; 64];
        let start = padded.len().checked_sub(digits.len()).ok_or_else(refused)?;
        if digits.is_empty() {
            return Err(refused());
        }
        padded.get_mut(start..).unwrap_or_default().copy_from_slice(digits);
        let bytes: [u8; 32] = const_hex::decode_to_array(padded).map_err(|_| refused())?;
        Ok(U256::from_be_bytes(bytes))
    }
}

/// Returns the bytes that the answer to `eth_call` is: a JSON string of hex.
///
/// # Errors
/// `Malformed` where it is not that.
pub fn parse_bytes(result: &[u8]) -> Result<Vec<u8>, FrameError> {
    let text = result.trim_ascii();
    let hex = text.strip_prefix(b"\"0x").and_then(|rest| rest.strip_suffix(b"\""));
    // The decoder would take a second 0x.
    hex.filter(|digits| !digits.starts_with(b"0x"))
        .and_then(|digits| const_hex::decode(digits).ok())
        .ok_or_else(|| FrameError::new("answer", "a JSON string of bytes (\"0x…\")", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_may_have_any_number_of_digits_up_to_their_width() {
        assert_eq!(Hex(b"0x0").count64("x"), Ok(0));
        assert_eq!(Hex(b"0xf").count64("x"), Ok(15));
        assert_eq!(Hex(b"0x00000000000000000000f").count64("x"), Ok(15));
        assert_eq!(Hex(b"0xffffffffffffffff").count64("x"), Ok(u64::MAX));
        assert_eq!(Hex(b"0x1").uint256("x"), Ok(U256::from(1)));
        assert_eq!(Hex(&[b"0x".as_slice(), &[b'F'; 64]].concat()).uint256("x"), Ok(U256::MAX));
    }

    #[test]
    fn what_is_no_quantity_is_refused_by_name() {
        for text in [b"".as_slice(), b"0x", b"12", b"0xg", b"0x1ffffffffffffffff", b"0x-1", b"0x+1"] {
            let error = Hex(text).count64("the log's logIndex").unwrap_err().to_string();
            assert!(error.starts_with("the log's logIndex: expected "), "{error}");
        }
        assert!(Hex(&[b"0x".as_slice(), &[b'f'; 65]].concat()).uint256("x").is_err());
        assert!(Hex(b"0x100000000").count32("x").is_err());
    }

    #[test]
    fn a_hash_has_exactly_its_digits() {
        assert_eq!(Hex(b"0xAbcd").bytes::<2>("x"), Ok([0xab, 0xcd]));
        for text in [b"0xabc".as_slice(), b"0xabcdef", b"abcd", b"0xzzzz", b"0x0xabcd", b"0x0xab"] {
            assert!(Hex(text).bytes::<2>("x").is_err());
        }
    }

    #[test]
    fn an_answer_of_bytes_is_read_or_refused() {
        assert_eq!(parse_bytes(b"\"0x\""), Ok(Vec::new()));
        assert_eq!(parse_bytes(b" \"0x12aB\"\n"), Ok(vec![0x12, 0xab]));
        for text in [
            b"".as_slice(),
            b"null",
            b"\"",
            b"\"0x",
            b"0x12",
            b"\"12\"",
            b"\"0x1\"",
            b"\"0x0x12\"",
            b"\"0x1g\"",
        ] {
            let error = parse_bytes(text).unwrap_err().to_string();
            assert!(
                error.starts_with("answer: expected a JSON string of bytes (\"0x…\"), found "),
                "{error}"
            );
        }
    }
}
