//! Columns of a batch as numbers and bytes.

use arrow_array::types::{Float64Type, TimestampNanosecondType, UInt32Type, UInt64Type};
use arrow_array::{
    Array, ArrowPrimitiveType, FixedSizeBinaryArray, PrimitiveArray, RecordBatch, StringArray,
};

/// Whole numbers of so many bytes are exact as floats.
const EXACT_BYTES: usize = 6;

/// One batch, its columns by name.
pub struct Columns<'a>(pub &'a RecordBatch);

/// A column that is there and of the wanted type, or what was found.
pub type Found<T> = Result<T, String>;

impl<'a> Columns<'a> {
    fn of<T: Array + 'static>(&self, name: &str) -> Found<&'a T> {
        let column = self.0.column_by_name(name).ok_or_else(|| format!("{name}: found no such column"))?;
        column
            .as_any()
            .downcast_ref::<T>()
            .ok_or_else(|| format!("{name}: found {} instead", column.data_type()))
    }

    fn primitive<T: ArrowPrimitiveType>(&self, name: &str) -> Found<&'a PrimitiveArray<T>> {
        self.of(name)
    }

    /// Returns times, ns.
    pub fn times(&self, name: &str) -> Found<Vec<i64>> {
        Ok(self.primitive::<TimestampNanosecondType>(name)?.values().to_vec())
    }

    /// Returns whole numbers of 64 bits.
    pub fn wide(&self, name: &str) -> Found<&'a [u64]> {
        Ok(self.primitive::<UInt64Type>(name)?.values())
    }

    /// Returns whole numbers of 32 bits.
    pub fn narrow(&self, name: &str) -> Found<&'a [u32]> {
        Ok(self.primitive::<UInt32Type>(name)?.values())
    }

    /// Returns numbers of 64 bits, which may be absent, as floats.
    #[allow(clippy::cast_precision_loss)] // features are floats
    pub fn counts(&self, name: &str) -> Found<Vec<f64>> {
        let column = self.primitive::<UInt64Type>(name)?;
        Ok(column.iter().map(|value| value.map_or(f64::NAN, |value| value as f64)).collect())
    }

    /// Returns floats.
    pub fn floats(&self, name: &str) -> Found<Vec<f64>> {
        let column = self.primitive::<Float64Type>(name)?;
        Ok(column.iter().map(|value| value.unwrap_or(f64::NAN)).collect())
    }

    /// Returns bytes of one length.
    pub fn bytes(&self, name: &str) -> Found<&'a FixedSizeBinaryArray> {
        self.of(name)
    }

    /// Returns little-endian whole numbers without a sign as floats.
    pub fn amounts(&self, name: &str) -> Found<Vec<f64>> {
        Ok(self.bytes(name)?.iter().map(|bytes| bytes.map_or(f64::NAN, unsigned)).collect())
    }

    /// Returns little-endian whole numbers in two's complement as floats.
    pub fn signed_amounts(&self, name: &str) -> Found<Vec<f64>> {
        Ok(self.bytes(name)?.iter().map(|bytes| bytes.map_or(f64::NAN, signed)).collect())
    }

    /// Returns text.
    pub fn text(&self, name: &str) -> Found<&'a StringArray> {
        self.of(name)
    }
}

fn unsigned(bytes: &[u8]) -> f64 {
    digits(bytes, 0)
}

/// Returns the number of little-endian digits, each first flipped by `mask`; every step from the 53rd bit on rounds.
fn digits(bytes: &[u8], mask: u8) -> f64 {
    let used = bytes.iter().rposition(|byte| *byte != mask).map_or(0, |last| last + 1);
    let (low, high) = bytes.split_at_checked(used.saturating_sub(EXACT_BYTES)).unwrap_or_default();
    let first =
        high.iter().take(EXACT_BYTES).rev().fold(0_u64, |value, byte| (value << 8) | u64::from(byte ^ mask));
    #[allow(clippy::cast_precision_loss)] // so few bytes are exact
    low.iter().rev().fold(first as f64, |value, byte| value * 256.0 + f64::from(byte ^ mask))
}

fn signed(bytes: &[u8]) -> f64 {
    if bytes.last().is_none_or(|high| *high < 0x80) {
        return unsigned(bytes);
    }
    -(digits(bytes, 0xFF) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::{signed, unsigned};

    #[test]
    #[allow(clippy::float_cmp)] // small whole numbers are exact
    fn whole_numbers_of_any_length_become_floats() {
        assert_eq!(unsigned(&[1, 2, 0, 0]), 513.0);
        assert_eq!(signed(&1_000_i128.to_le_bytes()), 1_000.0);
        assert_eq!(signed(&(-1_000_i128).to_le_bytes()), -1_000.0);
    }
}
