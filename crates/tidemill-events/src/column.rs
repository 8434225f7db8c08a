//! One column of an event: how values of each logical type are collected and become an Arrow array.

use std::sync::Arc;

use arrow_array::types::{
    Decimal128Type, Float64Type, Int32Type, TimestampNanosecondType, UInt32Type, UInt64Type, UInt8Type,
};
use arrow_array::{ArrayRef, ArrowPrimitiveType, FixedSizeBinaryArray, PrimitiveArray, StringArray};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, TimeUnit};

/// A logical type: what a row holds for it and which column collects it.
pub trait Kind {
    /// What a row holds.
    type Value<'a>;
    /// What collects the values.
    type Column: Column;

    /// Returns the Arrow type.
    fn data_type() -> DataType;

    /// Says whether values may be absent.
    const IS_OPTIONAL: bool = false;

    /// Appends a value.
    fn push(column: &mut Self::Column, value: Self::Value<'_>);

    /// Returns the Arrow field called `name`.
    fn field(name: &str) -> Field {
        Field::new(name, Self::data_type(), Self::IS_OPTIONAL)
    }
}

/// Something that collects values and becomes an Arrow array.
pub trait Column: Default {
    /// Reserves room for `rows` more values.
    fn reserve(&mut self, rows: usize);
    /// Appends what stands for an absent value.
    fn push_absent(&mut self);
    /// Removes every value after the first `rows`.
    fn truncate(&mut self, rows: usize);
    /// Returns the values, of which those that `nulls` names are absent.
    fn finish_with(self, nulls: Option<NullBuffer>) -> ArrayRef;
    /// Returns the values.
    fn finish(self) -> ArrayRef {
        self.finish_with(None)
    }
}

/// Collects numbers.
#[derive(Debug)]
pub struct Numbers<T: ArrowPrimitiveType>(Vec<T::Native>);

impl<T: ArrowPrimitiveType> Default for Numbers<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Says which Arrow type a column of numbers has; a timestamp's differs from its primitive's default.
trait Spelled: ArrowPrimitiveType {
    fn spelled() -> DataType {
        Self::DATA_TYPE
    }
}

impl Spelled for UInt8Type {}
impl Spelled for UInt32Type {}
impl Spelled for UInt64Type {}
impl Spelled for Int32Type {}
impl Spelled for Float64Type {}
impl Spelled for TimestampNanosecondType {
    fn spelled() -> DataType {
        DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))
    }
}

impl Spelled for Decimal128Type {
    fn spelled() -> DataType {
        DataType::Decimal128(38, 18)
    }
}

impl<T: Spelled> Column for Numbers<T> {
    fn reserve(&mut self, rows: usize) {
        self.0.reserve(rows);
    }
    fn push_absent(&mut self) {
        self.0.push(T::Native::default());
    }
    fn truncate(&mut self, rows: usize) {
        self.0.truncate(rows);
    }
    fn finish_with(self, nulls: Option<NullBuffer>) -> ArrayRef {
        let values = ScalarBuffer::from(self.0);
        Arc::new(PrimitiveArray::<T>::new(values, nulls).with_data_type(T::spelled()))
    }
}

/// Collects values of `N` bytes.
#[derive(Debug)]
pub struct Bytes<const N: usize>(Vec<u8>);

impl<const N: usize> Default for Bytes<N> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<const N: usize> Bytes<N> {
    // A column's width is at most 32.
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
    const WIDTH: i32 = N as i32;
}

impl<const N: usize> Column for Bytes<N> {
    fn reserve(&mut self, rows: usize) {
        self.0.reserve(rows * N);
    }
    fn push_absent(&mut self) {
        self.0.extend_from_slice(&[0; N]);
    }
    fn truncate(&mut self, rows: usize) {
        self.0.truncate(rows * N);
    }
    fn finish_with(self, nulls: Option<NullBuffer>) -> ArrayRef {
        Arc::new(FixedSizeBinaryArray::new(Self::WIDTH, Buffer::from_vec(self.0), nulls))
    }
}

/// Collects text.
#[derive(Debug)]
pub struct Strings {
    bytes: Vec<u8>,
    ends: Vec<i32>,
}

impl Default for Strings {
    fn default() -> Self {
        Self { bytes: Vec::new(), ends: vec![0] }
    }
}

impl Strings {
    // A batch holds far less than 2 GiB of text: rows are bounded by what one step reads.
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
    fn end(&mut self) {
        self.ends.push(self.bytes.len() as i32);
    }
}

impl Column for Strings {
    fn reserve(&mut self, rows: usize) {
        self.ends.reserve(rows);
    }
    fn push_absent(&mut self) {
        self.end();
    }
    fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows + 1);
        let end = self.ends.last().copied().and_then(|end| usize::try_from(end).ok());
        self.bytes.truncate(end.unwrap_or(0));
    }
    fn finish_with(self, nulls: Option<NullBuffer>) -> ArrayRef {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.ends));
        let values = Buffer::from_vec(self.bytes);
        Arc::new(StringArray::new(offsets, values, nulls))
    }
}

/// Collects values of which some are absent.
#[derive(Debug)]
pub struct Optional<C> {
    values: C,
    is_present: BooleanBufferBuilder,
}

impl<C: Column> Default for Optional<C> {
    fn default() -> Self {
        Self { values: C::default(), is_present: BooleanBufferBuilder::new(0) }
    }
}

impl<C: Column> Column for Optional<C> {
    fn reserve(&mut self, rows: usize) {
        self.values.reserve(rows);
        self.is_present.reserve(rows);
    }
    fn push_absent(&mut self) {
        self.values.push_absent();
        self.is_present.append(false);
    }
    fn truncate(&mut self, rows: usize) {
        self.values.truncate(rows);
        self.is_present.truncate(rows);
    }
    fn finish_with(mut self, _: Option<NullBuffer>) -> ArrayRef {
        let nulls = NullBuffer::new(self.is_present.finish());
        self.values.finish_with(Some(nulls))
    }
}

impl<K: Kind> Kind for Option<K> {
    type Value<'a> = Option<K::Value<'a>>;
    type Column = Optional<K::Column>;
    const IS_OPTIONAL: bool = true;

    fn data_type() -> DataType {
        K::data_type()
    }
    #[inline]
    fn push(column: &mut Self::Column, value: Self::Value<'_>) {
        if let Some(value) = value {
            K::push(&mut column.values, value);
            column.is_present.append(true);
        } else {
            column.push_absent();
        }
    }
}

/// A point in time, ns since 1970-01-01 UTC.
#[derive(Debug)]
pub struct Nanos;
/// A 256-bit unsigned integer, little-endian in Arrow.
pub use ruint::aliases::U256;
/// A 128-bit unsigned integer, little-endian in Arrow.
#[derive(Debug)]
pub struct U128;
/// A 256-bit integer with a sign: little-endian, in two's complement.
#[derive(Debug)]
pub struct I256;
/// A 32-byte hash, in the chain's own byte order.
#[derive(Debug)]
pub struct Hash;
/// A 20-byte address, in the chain's own byte order.
#[derive(Debug)]
pub struct Address;
/// One of a small set of names.
#[derive(Debug)]
pub struct Name;
/// Free text.
#[derive(Debug)]
pub struct Text;
/// An exact decimal, as its number of 10^-18.
#[derive(Debug)]
pub struct Fixed18;
/// One value of an enum, by its name.
#[derive(Debug)]
pub struct Choice;

macro_rules! numbers {
    ($($kind:ty, $native:ty, $arrow:ty;)*) => {$(
        impl Kind for $kind {
            type Value<'a> = $native;
            type Column = Numbers<$arrow>;
            fn data_type() -> DataType {
                <$arrow as Spelled>::spelled()
            }
            #[inline]
            fn push(column: &mut Self::Column, value: Self::Value<'_>) {
                column.0.push(value);
            }
        }
    )*};
}
numbers! {
    u8, u8, UInt8Type;
    u32, u32, UInt32Type;
    u64, u64, UInt64Type;
    i32, i32, Int32Type;
    f64, f64, Float64Type;
    Nanos, i64, TimestampNanosecondType;
    Fixed18, i128, Decimal128Type;
}

macro_rules! bytes {
    ($($kind:ty, $value:ty, $width:literal, $encode:expr;)*) => {$(
        impl Kind for $kind {
            type Value<'a> = $value;
            type Column = Bytes<$width>;
            fn data_type() -> DataType {
                DataType::FixedSizeBinary($width)
            }
            #[inline]
            fn push(column: &mut Self::Column, value: Self::Value<'_>) {
                let encode: fn($value) -> [u8; $width] = $encode;
                column.0.extend_from_slice(&encode(value));
            }
        }
    )*};
}
bytes! {
    U256, U256, 32, |value| value.to_le_bytes();
    U128, u128, 16, u128::to_le_bytes;
    I256, [u8; 32], 32, |value| value;
    Hash, [u8; 32], 32, |value| value;
    Address, [u8; 20], 20, |value| value;
}

macro_rules! strings {
    ($($kind:ty),*) => {$(
        impl Kind for $kind {
            type Value<'a> = &'a str;
            type Column = Strings;
            fn data_type() -> DataType {
                DataType::Utf8
            }
            #[inline]
            fn push(column: &mut Self::Column, value: Self::Value<'_>) {
                column.bytes.extend_from_slice(value.as_bytes());
                column.end();
            }
        }
    )*};
}
strings!(Name, Text, Choice);

#[cfg(test)]
mod tests {
    use arrow_array::Array;

    use crate::{Token, TokenColumns};

    fn row(symbol: Option<&str>) -> Token<'_> {
        Token {
            event_ns: 1,
            recv_ns: 2,
            source: "sandbox",
            chain_id: 31337,
            block_number: 3,
            token: [7; 20],
            symbol,
            decimals: None,
        }
    }

    #[test]
    fn absent_values_are_null_and_present_ones_are_kept() {
        let mut columns = TokenColumns::default();
        columns.push(&row(Some("WETH")));
        columns.push(&row(None));
        let batch = columns.finish().unwrap();
        let symbol = batch.column_by_name("symbol").unwrap();
        assert_eq!(symbol.null_count(), 1);
        assert!(symbol.is_valid(0));
        assert_eq!(batch.column_by_name("decimals").unwrap().null_count(), 2);
    }

    #[test]
    fn truncate_forgets_the_rows_after_a_mark() {
        let mut columns = TokenColumns::default();
        columns.push(&row(Some("WETH")));
        columns.push(&row(Some("a longer symbol")));
        columns.truncate(1);
        columns.push(&row(Some("USDC")));
        assert_eq!(columns.len(), 2);
        assert_eq!(columns.finish().unwrap().num_rows(), 2);
    }
}
