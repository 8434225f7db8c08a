//! JSON as `derive.json_schema` describes it: wide integers, decimals and bytes are text.

use crate::column::{fixed18, float, hex, integer, wide, Column, Values};

/// Returns an object and `ending` for each row from `first` up to `end`.
pub fn objects(columns: &[Column<'_>], first: usize, end: usize, ending: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity((end - first) * columns.len() * 30);
    let keys: Vec<Vec<u8>> = columns.iter().enumerate().map(|(place, one)| key(one.name, place)).collect();
    for row in first..end {
        for (key, column) in keys.iter().zip(columns) {
            out.extend_from_slice(key);
            if column.is_absent(row) {
                out.extend_from_slice(b"null");
            } else {
                value(&mut out, &column.values, row);
            }
        }
        out.push(b'}');
        out.extend_from_slice(ending);
    }
    out
}

fn key(name: &str, place: usize) -> Vec<u8> {
    let mut out = vec![if place == 0 { b'{' } else { b',' }];
    text(&mut out, name);
    out.push(b':');
    out
}

fn value(out: &mut Vec<u8>, values: &Values<'_>, row: usize) {
    match values {
        Values::U8(all) => integer(out, all.value(row)),
        Values::U32(all) => integer(out, all.value(row)),
        Values::U64(all) => integer(out, all.value(row)),
        Values::I32(all) => integer(out, all.value(row)),
        Values::Nanos(all) => integer(out, all.value(row)),
        Values::F64(all) => float(out, all.value(row), ["\"NaN\"", "\"Infinity\"", "\"-Infinity\""]),
        Values::Wide(all, is_signed) => quoted(out, |out| wide(out, all.value(row), *is_signed)),
        Values::Hex(all) => quoted(out, |out| hex(out, all.value(row))),
        Values::Text(all) => text(out, all.value(row)),
        Values::Fixed18(all) => quoted(out, |out| fixed18(out, all.value(row))),
    }
}

fn quoted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    write(out);
    out.push(b'"');
}

fn text(out: &mut Vec<u8>, value: &str) {
    // Text as JSON cannot fail, nor can writing into memory.
    serde_json::to_writer(out, value).unwrap_or_default();
}
