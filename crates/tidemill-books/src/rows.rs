//! Rows of `book_snapshot` and `book_change` batches, borrowed from their columns.

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, TimestampNanosecondType, UInt32Type, UInt64Type, UInt8Type};
use arrow_array::{Array, ArrowPrimitiveType, PrimitiveArray, RecordBatch, StringArray};

/// A batch that is none of the schema's.
#[derive(Debug, thiserror::Error)]
#[error("expected column {column} of {topic} as the schema has it")]
pub struct RowsError {
    topic: &'static str,
    column: &'static str,
}

/// Returns a column of numbers.
pub fn numbers<'a, T: ArrowPrimitiveType>(
    batch: &'a RecordBatch,
    topic: &'static str,
    column: &'static str,
) -> Result<&'a PrimitiveArray<T>, RowsError> {
    let found = batch.column_by_name(column).and_then(|array| array.as_primitive_opt::<T>());
    found.ok_or(RowsError { topic, column })
}

/// Returns a column of texts.
pub fn texts<'a>(
    batch: &'a RecordBatch,
    topic: &'static str,
    column: &'static str,
) -> Result<&'a StringArray, RowsError> {
    let found = batch.column_by_name(column).and_then(|array| array.as_string_opt::<i32>());
    found.ok_or(RowsError { topic, column })
}

/// Returns the value of a row; none where it is absent.
pub fn some<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, row: usize) -> Option<T::Native> {
    array.is_valid(row).then(|| array.value(row))
}

/// The columns that snapshots and changes share.
pub struct Shared<'a> {
    pub event_ns: &'a PrimitiveArray<TimestampNanosecondType>,
    pub recv_ns: &'a PrimitiveArray<TimestampNanosecondType>,
    pub connection: &'a StringArray,
    pub sequence: &'a PrimitiveArray<UInt64Type>,
    pub instrument: &'a StringArray,
    pub last_update: &'a PrimitiveArray<UInt64Type>,
    pub checksum: &'a PrimitiveArray<UInt32Type>,
}

impl<'a> Shared<'a> {
    fn of(batch: &'a RecordBatch, topic: &'static str) -> Result<Self, RowsError> {
        Ok(Self {
            event_ns: numbers(batch, topic, "event_ns")?,
            recv_ns: numbers(batch, topic, "recv_ns")?,
            connection: texts(batch, topic, "connection")?,
            sequence: numbers(batch, topic, "sequence")?,
            instrument: texts(batch, topic, "instrument")?,
            last_update: numbers(batch, topic, "last_update")?,
            checksum: numbers(batch, topic, "checksum")?,
        })
    }
}

/// The columns of `book_snapshot`.
pub struct Snapshots<'a> {
    pub shared: Shared<'a>,
    pub price_decimals: &'a PrimitiveArray<UInt8Type>,
    pub size_decimals: &'a PrimitiveArray<UInt8Type>,
    pub count: usize,
}

impl<'a> Snapshots<'a> {
    pub fn of(batch: &'a RecordBatch) -> Result<Self, RowsError> {
        const TOPIC: &str = "book_snapshot";
        Ok(Self {
            shared: Shared::of(batch, TOPIC)?,
            price_decimals: numbers(batch, TOPIC, "price_decimals")?,
            size_decimals: numbers(batch, TOPIC, "size_decimals")?,
            count: batch.num_rows(),
        })
    }
}

/// The columns of `book_change`.
pub struct Changes<'a> {
    pub shared: Shared<'a>,
    pub side: &'a StringArray,
    pub price: &'a PrimitiveArray<Decimal128Type>,
    pub size: &'a PrimitiveArray<Decimal128Type>,
    pub first_update: &'a PrimitiveArray<UInt64Type>,
    pub best_bid: &'a PrimitiveArray<Decimal128Type>,
    pub best_ask: &'a PrimitiveArray<Decimal128Type>,
    pub count: usize,
}

impl<'a> Changes<'a> {
    pub fn of(batch: &'a RecordBatch) -> Result<Self, RowsError> {
        const TOPIC: &str = "book_change";
        Ok(Self {
            shared: Shared::of(batch, TOPIC)?,
            side: texts(batch, TOPIC, "side")?,
            price: numbers(batch, TOPIC, "price")?,
            size: numbers(batch, TOPIC, "size")?,
            first_update: numbers(batch, TOPIC, "first_update")?,
            best_bid: numbers(batch, TOPIC, "best_bid")?,
            best_ask: numbers(batch, TOPIC, "best_ask")?,
            count: batch.num_rows(),
        })
    }
}
