//! A column of a batch with what its values mean, and its values as text.

use arrow_array::{
    cast::AsArray,
    types::{
        Decimal128Type, Float64Type, Int32Type, TimestampNanosecondType, UInt32Type, UInt64Type, UInt8Type,
    },
    Array, Decimal128Array, FixedSizeBinaryArray, Float64Array, Int32Array, RecordBatch, StringArray,
    TimestampNanosecondArray, UInt32Array, UInt64Array, UInt8Array,
};
use arrow_buffer::NullBuffer;
use ruint::aliases::U256;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// A column that is not what was said of it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{column}: expected a column of the kind {kind}, found {found}")]
pub struct ColumnError {
    column: String,
    kind: String,
    found: String,
}

/// The values of a column.
pub enum Values<'b> {
    /// Small counts.
    U8(&'b UInt8Array),
    /// Counts.
    U32(&'b UInt32Array),
    /// Large counts.
    U64(&'b UInt64Array),
    /// Signed counts.
    I32(&'b Int32Array),
    /// Times.
    Nanos(&'b TimestampNanosecondArray),
    /// Floats.
    F64(&'b Float64Array),
    /// Integers as little-endian bytes; whether they are in two's complement.
    Wide(&'b FixedSizeBinaryArray, bool),
    /// Hashes and addresses.
    Hex(&'b FixedSizeBinaryArray),
    /// Names and texts.
    Text(&'b StringArray),
    /// Exact decimals of 18 digits after the point.
    Fixed18(&'b Decimal128Array),
}

/// A named column.
pub struct Column<'b> {
    /// Its name.
    pub name: &'b str,
    /// Its values.
    pub values: Values<'b>,
    nulls: Option<&'b NullBuffer>,
}

impl<'b> Column<'b> {
    /// Returns the columns of `batch`, whose logical types are `kinds`.
    pub fn all_of(batch: &'b RecordBatch, kinds: &[String]) -> Result<Vec<Self>, ColumnError> {
        let schema = batch.schema_ref();
        batch
            .columns()
            .iter()
            .enumerate()
            .map(|(place, array)| {
                let (name, kind) =
                    (schema.field(place).name().as_str(), kinds.get(place).map_or("", String::as_str));
                let values = values_of(array.as_ref(), kind).ok_or_else(|| ColumnError {
                    column: name.to_owned(),
                    kind: kind.to_owned(),
                    found: array.data_type().to_string(),
                })?;
                Ok(Self { name, values, nulls: array.nulls() })
            })
            .collect()
    }

    /// Whether the value in `row` is absent.
    pub fn is_absent(&self, row: usize) -> bool {
        self.nulls.is_some_and(|nulls| nulls.is_null(row))
    }
}

fn values_of<'b>(array: &'b dyn Array, kind: &str) -> Option<Values<'b>> {
    Some(match kind {
        "U8" => Values::U8(array.as_primitive_opt::<UInt8Type>()?),
        "U32" => Values::U32(array.as_primitive_opt::<UInt32Type>()?),
        "U64" => Values::U64(array.as_primitive_opt::<UInt64Type>()?),
        "I32" => Values::I32(array.as_primitive_opt::<Int32Type>()?),
        "Nanos" => Values::Nanos(array.as_primitive_opt::<TimestampNanosecondType>()?),
        "F64" => Values::F64(array.as_primitive_opt::<Float64Type>()?),
        "U128" | "U256" => Values::Wide(array.as_fixed_size_binary_opt()?, false),
        "I256" => Values::Wide(array.as_fixed_size_binary_opt()?, true),
        "Hash" | "Address" => Values::Hex(array.as_fixed_size_binary_opt()?),
        "Name" | "Text" => Values::Text(array.as_string_opt::<i32>()?),
        "Fixed18" => {
            Values::Fixed18(array.as_primitive_opt::<Decimal128Type>().filter(|found| found.scale() == 18)?)
        }
        _ => return None,
    })
}

/// Writes an integer.
pub fn integer(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Writes an integer of so many little-endian bytes, in all its digits.
pub fn wide(out: &mut Vec<u8>, bytes: &[u8], is_signed: bool) {
    let is_negative = is_signed && bytes.last().is_some_and(|last| last & 0x80 != 0);
    let mut filled = [if is_negative { 0xff } else { 0 }; 32];
    for (to, from) in filled.iter_mut().zip(bytes) {
        *to = *from;
    }
    let mut value = U256::from_le_bytes(filled);
    if is_negative {
        out.push(b'-');
        value = value.wrapping_neg();
    }
    match u128::try_from(value) {
        Ok(small) => integer(out, small),
        Err(_) => out.extend_from_slice(value.to_string().as_bytes()),
    }
}

/// Writes bytes as 0x….
pub fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(b"0x");
    out.extend(bytes.iter().flat_map(|byte| [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]));
}

/// Writes a number of 10^-18 without needless zeros.
pub fn fixed18(out: &mut Vec<u8>, value_e18: i128) {
    if value_e18 < 0 {
        out.push(b'-');
    }
    tidemill_events::fixed18::write(value_e18.unsigned_abs(), out);
}

/// Writes a float with the fewest digits that give the same one; what is no number in these `words`.
pub fn float(out: &mut Vec<u8>, value: f64, [nan, infinite, minus_infinite]: [&str; 3]) {
    if value.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    } else if value.is_nan() {
        out.extend_from_slice(nan.as_bytes());
    } else {
        out.extend_from_slice(if value > 0.0 { infinite } else { minus_infinite }.as_bytes());
    }
}
