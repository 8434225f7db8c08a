//! CSV: what is absent is an empty field, empty text is `""`.

use crate::column::{fixed18, float, hex, integer, wide, Column, Values};

/// Returns a line for each row from `first` up to `end`.
pub fn lines(columns: &[Column<'_>], first: usize, end: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity((end - first) * columns.len() * 12);
    for row in first..end {
        for (place, column) in columns.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            if !column.is_absent(row) {
                field(&mut out, &column.values, row);
            }
        }
        out.push(b'\n');
    }
    out
}

fn field(out: &mut Vec<u8>, values: &Values<'_>, row: usize) {
    match values {
        Values::U8(all) => integer(out, all.value(row)),
        Values::U32(all) => integer(out, all.value(row)),
        Values::U64(all) => integer(out, all.value(row)),
        Values::I32(all) => integer(out, all.value(row)),
        Values::Nanos(all) => integer(out, all.value(row)),
        Values::F64(all) => float(out, all.value(row), ["nan", "inf", "-inf"]),
        Values::Wide(all, is_signed) => wide(out, all.value(row), *is_signed),
        Values::Hex(all) => hex(out, all.value(row)),
        Values::Text(all) => text(out, all.value(row)),
        Values::Fixed18(all) => fixed18(out, all.value(row)),
    }
}

fn text(out: &mut Vec<u8>, value: &str) {
    let is_plain = !value.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'));
    if is_plain && !value.is_empty() {
        out.extend_from_slice(value.as_bytes());
        return;
    }
    out.push(b'"');
    for byte in value.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}
