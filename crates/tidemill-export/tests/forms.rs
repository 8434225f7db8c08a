//! What rows look like in each form.
#![allow(clippy::expect_used)] // a test fails by it

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Decimal128Array, FixedSizeBinaryArray, Float64Array, RecordBatch, StringArray, UInt64Array,
};
use arrow_schema::ArrowError;
use tidemill_export::{rows, Form};

fn minus_one() -> Vec<u8> {
    vec![0xff; 32]
}

fn batch() -> Result<RecordBatch, ArrowError> {
    let wide = FixedSizeBinaryArray::try_from_iter([vec![0xff; 32], minus_one()].into_iter())?;
    let decimals = Decimal128Array::from(vec![Some(-1_500_000_000_000_000_000), None])
        .with_precision_and_scale(38, 18)?;
    let columns: [(&str, ArrayRef); 6] = [
        ("count", Arc::new(UInt64Array::from(vec![u64::MAX, 0]))),
        ("unsigned", Arc::new(wide.clone())),
        ("signed", Arc::new(wide)),
        ("price", Arc::new(decimals)),
        ("share", Arc::new(Float64Array::from(vec![0.1, f64::NAN]))),
        ("name", Arc::new(StringArray::from(vec!["a,\"b\"\n", ""]))),
    ];
    RecordBatch::try_from_iter(columns)
}

fn written(form: Form) -> String {
    let kinds = ["U64", "U256", "I256", "Fixed18", "F64", "Text"].map(String::from);
    let pieces = rows(&batch().expect("valid"), &kinds, form).expect("columns of their kinds");
    String::from_utf8(pieces.concat()).expect("text")
}

const MOST: &str = "115792089237316195423570985008687907853269984665640564039457584007913129639935";

#[test]
fn absent_and_empty_differ_in_csv() {
    let expected =
        format!("18446744073709551615,{MOST},-1,-1.5,0.1,\"a,\"\"b\"\"\n\"\n0,{MOST},-1,,nan,\"\"\n");
    assert_eq!(written(Form::Csv), expected);
}

#[test]
fn numbers_that_others_would_round_are_text_in_json() {
    let first = format!(
        "{{\"count\":18446744073709551615,\"unsigned\":\"{MOST}\",\"signed\":\"-1\",\"price\":\"-1.5\",\
         \"share\":0.1,\"name\":\"a,\\\"b\\\"\\n\"}}\n"
    );
    let second = format!(
        "{{\"count\":0,\"unsigned\":\"{MOST}\",\"signed\":\"-1\",\"price\":null,\
         \"share\":\"NaN\",\"name\":\"\"}}\n"
    );
    assert_eq!(written(Form::JsonLines), first + &second);
}

#[test]
fn a_record_is_framed_with_its_length_and_checksums() {
    let names = RecordBatch::try_from_iter([("n", Arc::new(UInt64Array::from(vec![7])) as ArrayRef)]);
    let pieces = rows(&names.expect("valid"), &["U64".to_owned()], Form::TfRecord).expect("a count");
    // what TensorFlow's writer makes of Example(features={"n": int64 [7]})
    let record = [0x0a, 0x0c, 0x0a, 0x0a, 0x0a, 1, b'n', 0x12, 5, 0x1a, 3, 0x0a, 1, 7];
    let bytes = pieces.concat();
    assert_eq!(bytes[..8], 14_u64.to_le_bytes());
    assert_eq!(bytes[12..26], record);
    assert_eq!(bytes.len(), 8 + 4 + 14 + 4);
}

#[test]
fn a_column_that_is_not_of_its_kind_is_named() {
    let names = RecordBatch::try_from_iter([("n", Arc::new(UInt64Array::from(vec![7])) as ArrayRef)]);
    let error =
        rows(&names.expect("valid"), &["Hash".to_owned()], Form::Csv).expect_err("a count is no hash");
    assert_eq!(error.to_string(), "n: expected a column of the kind Hash, found UInt64");
}
