//! `TFRecord`: each row a `tf.train.Example` with a feature for each value that is there, framed with CRC-32C.
//!
//! Integers up to 64 bits are an int64 (larger than 2^63 in two's complement), floats the 8 bytes of a double,
//! wide integers, hashes and addresses their bytes, decimals and text UTF-8.
//! Source: `tensorflow/core/lib/io/record_writer.h`, `tensorflow/core/example/feature.proto`.

use crate::column::{fixed18, Column, Values};

const BYTES_LIST: u8 = 1 << 3 | 2;
const INT64_LIST: u8 = 3 << 3 | 2;
/// Field 1, of length given: of `Example`, `Features`, their entries, and both lists.
const FIRST: u8 = 1 << 3 | 2;
const ENTRY_VALUE: u8 = 2 << 3 | 2;
const MASK_DELTA: u32 = 0xa282_ead8;

/// Returns a record for each row from `first` up to `end`.
pub fn records(columns: &[Column<'_>], first: usize, end: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity((end - first) * columns.len() * 40);
    let (mut entries, mut scratch) = (Vec::new(), Vec::new());
    let keys: Vec<Key> = columns.iter().map(|column| Key::of(column.name)).collect();
    for row in first..end {
        entries.clear();
        for (key, column) in keys.iter().zip(columns) {
            if !column.is_absent(row) {
                entry(&mut entries, key, &column.values, row, &mut scratch);
            }
        }
        frame(&mut out, &entries);
    }
    out
}

/// What comes before each value of a column.
struct Key {
    name: Vec<u8>,
    /// All that comes before a double, which is the same for each.
    double: Vec<u8>,
}

impl Key {
    fn of(column: &str) -> Self {
        let mut name = vec![FIRST];
        varint(&mut name, column.len() as u64);
        name.extend_from_slice(column.as_bytes());
        let mut double = Vec::new();
        bytes(&mut double, &name, &[0; 8]);
        double.truncate(double.len() - 8);
        Self { name, double }
    }
}

fn entry(
    out: &mut Vec<u8>,
    Key { name: key, double }: &Key,
    values: &Values<'_>,
    row: usize,
    scratch: &mut Vec<u8>,
) {
    scratch.clear();
    match values {
        Values::U8(all) => number(out, key, u64::from(all.value(row))),
        Values::U32(all) => number(out, key, u64::from(all.value(row))),
        Values::U64(all) => number(out, key, all.value(row)),
        Values::I32(all) => number(out, key, i64::from(all.value(row)).cast_unsigned()),
        Values::Nanos(all) => number(out, key, all.value(row).cast_unsigned()),
        Values::F64(all) => {
            out.extend_from_slice(double);
            out.extend_from_slice(&all.value(row).to_le_bytes());
        }
        Values::Wide(all, _) | Values::Hex(all) => bytes(out, key, all.value(row)),
        Values::Text(all) => bytes(out, key, all.value(row).as_bytes()),
        Values::Fixed18(all) => {
            fixed18(scratch, all.value(row));
            bytes(out, key, scratch);
        }
    }
}

fn number(out: &mut Vec<u8>, key: &[u8], value: u64) {
    let list_length = 1 + 1 + varint_length(value);
    nested(out, key, INT64_LIST, list_length);
    out.push(FIRST); // packed
    varint(out, varint_length(value));
    varint(out, value);
}

fn bytes(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let length = value.len() as u64;
    nested(out, key, BYTES_LIST, 1 + varint_length(length) + length);
    out.push(FIRST);
    varint(out, length);
    out.extend_from_slice(value);
}

/// Writes a map's entry up to its list, which will have `list_length` bytes.
fn nested(out: &mut Vec<u8>, key: &[u8], list: u8, list_length: u64) {
    let feature_length = 1 + varint_length(list_length) + list_length;
    out.push(FIRST);
    varint(out, key.len() as u64 + 1 + varint_length(feature_length) + feature_length);
    out.extend_from_slice(key);
    out.push(ENTRY_VALUE);
    varint(out, feature_length);
    out.push(list);
    varint(out, list_length);
}

fn frame(out: &mut Vec<u8>, entries: &[u8]) {
    let features_length = entries.len() as u64;
    let length = (1 + varint_length(features_length) + features_length).to_le_bytes();
    out.extend_from_slice(&length);
    out.extend_from_slice(&masked(&length).to_le_bytes());
    let begin = out.len();
    out.push(FIRST);
    varint(out, features_length);
    out.extend_from_slice(entries);
    let checksum = masked(&out[begin..]);
    out.extend_from_slice(&checksum.to_le_bytes());
}

fn masked(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(MASK_DELTA)
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

fn varint_length(value: u64) -> u64 {
    u64::from((64 - (value | 1).leading_zeros()).div_ceil(7))
}
