//! A number as a node spells it, in hex, or as a file does, in decimals.

use ruint::aliases::U256;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use tidemill_frames::{FrameError, Hex};

/// A number, not yet read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Amount<'a> {
    Text(Hex<'a>),
    Number(u64),
}

impl<'de: 'a, 'a> Deserialize<'de> for Amount<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

struct AmountVisitor;

impl<'de> Visitor<'de> for AmountVisitor {
    type Value = Amount<'de>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a number, or a string of hex")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Amount::Text(Hex(text.as_bytes())))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Amount::Number(number))
    }
}

impl Amount<'_> {
    pub(super) fn u64(self, place: &'static str) -> Result<u64, FrameError> {
        match self {
            Self::Text(text) => text.count64(place),
            Self::Number(number) => Ok(number),
        }
    }

    pub(super) fn u32(self, place: &'static str) -> Result<u32, FrameError> {
        let number = self.u64(place)?;
        u32::try_from(number)
            .map_err(|_| FrameError::new(place, "a number below 2^32", number.to_string().as_bytes()))
    }

    pub(super) fn u128(self, place: &'static str) -> Result<u128, FrameError> {
        match self {
            Self::Text(text) => u128::try_from(text.uint256(place)?)
                .map_err(|_| FrameError::new(place, "a number below 2^128", text.0)),
            Self::Number(number) => Ok(u128::from(number)),
        }
    }

    pub(super) fn u256(self, place: &'static str) -> Result<U256, FrameError> {
        match self {
            Self::Text(text) => text.uint256(place),
            Self::Number(number) => Ok(U256::from(number)),
        }
    }
}
