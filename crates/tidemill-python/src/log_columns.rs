//! Logs as Arrow columns, and back: what a batch of raw logs looks like.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BinaryArray, FixedSizeBinaryArray, ListArray, RecordBatch, UInt32Array, UInt64Array,
};
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use tidemill_pools::{Hash, Log, Logs};

/// Collects the logs' column of `N` bytes that `of` picks.
fn fixed<'a, const N: usize>(logs: &'a Logs, of: impl Fn(&Log<'a>) -> &'a [u8; N]) -> ArrayRef {
    // Whole rows: byte by byte it takes eight times as long.
    let rows: Vec<[u8; N]> = logs.iter().map(|log| *of(&log)).collect();
    Arc::new(FixedSizeBinaryArray::new(width(N), Buffer::from_vec(rows.into_flattened()), None))
}

// A column's width is 20 or 32.
#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
const fn width(bytes: usize) -> i32 {
    bytes as i32
}

fn offsets(lengths: impl Iterator<Item = usize>) -> Result<OffsetBuffer<i32>, ArrowError> {
    let mut ends = vec![0_i32];
    let mut end = 0_usize;
    for length in lengths {
        end += length;
        ends.push(i32::try_from(end).map_err(|_| ArrowError::OffsetOverflowError(end))?);
    }
    Ok(OffsetBuffer::new(ScalarBuffer::from(ends)))
}

fn topic_field() -> Field {
    Field::new("topic", DataType::FixedSizeBinary(32), false)
}

/// Returns `logs` as one batch.
///
/// # Errors
/// Where the logs have more data than one batch can hold.
pub fn to_batch(logs: &Logs) -> Result<RecordBatch, ArrowError> {
    let (mut topics, mut data) = (Vec::new(), Vec::new());
    for log in logs.iter() {
        topics.extend_from_slice(log.topics.as_flattened());
        data.extend_from_slice(log.data);
    }
    let topics = FixedSizeBinaryArray::new(32, Buffer::from_vec(topics), None);
    let topic_ends = offsets(logs.iter().map(|log| log.topics.len()))?;
    let data_ends = offsets(logs.iter().map(|log| log.data.len()))?;
    let columns: [(&str, ArrayRef); 8] = [
        ("block_number", Arc::new(UInt64Array::from_iter_values(logs.iter().map(|log| log.block_number)))),
        ("block_hash", fixed(logs, |log| log.block_hash)),
        ("tx_hash", fixed(logs, |log| log.tx_hash)),
        ("tx_index", Arc::new(UInt32Array::from_iter_values(logs.iter().map(|log| log.tx_index)))),
        ("log_index", Arc::new(UInt32Array::from_iter_values(logs.iter().map(|log| log.log_index)))),
        ("address", fixed(logs, |log| log.address)),
        (
            "topics",
            Arc::new(ListArray::try_new(Arc::new(topic_field()), topic_ends, Arc::new(topics), None)?),
        ),
        ("data", Arc::new(BinaryArray::try_new(data_ends, Buffer::from_vec(data), None)?)),
    ];
    let fields: Vec<Field> =
        columns.iter().map(|(name, column)| Field::new(*name, column.data_type().clone(), false)).collect();
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

/// The columns of a batch of raw logs, from which each log can be borrowed.
pub struct LogColumns {
    block_number: UInt64Array,
    block_hash: FixedSizeBinaryArray,
    tx_hash: FixedSizeBinaryArray,
    tx_index: UInt32Array,
    log_index: UInt32Array,
    address: FixedSizeBinaryArray,
    topics: FixedSizeBinaryArray,
    topic_ends: OffsetBuffer<i32>,
    data: BinaryArray,
}

impl LogColumns {
    /// Takes the columns out of `batch`; others may be there too.
    ///
    /// # Errors
    /// What is missing, of another type, or null.
    pub fn of(batch: &RecordBatch) -> Result<Self, String> {
        let topics: &ListArray = column(batch, "topics")?;
        let texts = topics.values().as_any().downcast_ref::<FixedSizeBinaryArray>();
        let texts = texts.filter(|texts| texts.value_length() == 32 && texts.null_count() == 0);
        Ok(Self {
            block_number: column::<UInt64Array>(batch, "block_number")?.clone(),
            block_hash: fixed_column(batch, "block_hash", 32)?,
            tx_hash: fixed_column(batch, "tx_hash", 32)?,
            tx_index: column::<UInt32Array>(batch, "tx_index")?.clone(),
            log_index: column::<UInt32Array>(batch, "log_index")?.clone(),
            address: fixed_column(batch, "address", 20)?,
            topics: texts.ok_or("column topics: expected lists of 32 bytes, found others")?.clone(),
            topic_ends: topics.offsets().clone(),
            data: column::<BinaryArray>(batch, "data")?.clone(),
        })
    }

    /// Returns the logs, in the order of the rows.
    ///
    /// A row whose topics are not where its list says, which validation has ruled out, has none.
    pub fn iter(&self) -> impl Iterator<Item = Log<'_>> {
        let topics: &[Hash] = chunks(&self.topics);
        let fixed =
            chunks::<20>(&self.address).iter().zip(chunks::<32>(&self.block_hash)).zip(chunks(&self.tx_hash));
        let numbers =
            self.block_number.values().iter().zip(self.tx_index.values()).zip(self.log_index.values());
        let variable = self.topic_ends.windows(2).zip(self.data.offsets().windows(2));
        let data = self.data.value_data();
        fixed.zip(numbers).zip(variable).map(move |((fixed, numbers), (topic_range, data_range))| {
            let ((address, block_hash), tx_hash) = fixed;
            let ((block_number, tx_index), log_index) = numbers;
            Log {
                address,
                topics: part(topics, topic_range),
                data: part(data, data_range),
                block_number: *block_number,
                block_hash,
                tx_hash,
                tx_index: *tx_index,
                log_index: *log_index,
            }
        })
    }
}

fn part<'a, T>(values: &'a [T], ends: &[i32]) -> &'a [T] {
    let [start, end] = *ends else { return &[] };
    let (Ok(start), Ok(end)) = (usize::try_from(start), usize::try_from(end)) else { return &[] };
    values.get(start..end).unwrap_or_default()
}

/// Returns the values of a column of `N` bytes.
pub fn chunks<const N: usize>(column: &FixedSizeBinaryArray) -> &[[u8; N]] {
    column.value_data().as_chunks().0
}

/// Returns the column `name` of `batch`, in which nothing is null.
///
/// # Errors
/// What is wrong with it.
pub fn column<'b, T: Array + 'static>(batch: &'b RecordBatch, name: &str) -> Result<&'b T, String> {
    let column = batch.column_by_name(name).ok_or_else(|| format!("expected a column {name}, found none"))?;
    let found = column.data_type();
    if column.null_count() > 0 {
        return Err(format!("column {name}: expected a value in each row, found null"));
    }
    column
        .as_any()
        .downcast_ref::<T>()
        .ok_or_else(|| format!("column {name}: expected {}, found {found}", short_name::<T>()))
}

fn fixed_column(batch: &RecordBatch, name: &str, bytes: i32) -> Result<FixedSizeBinaryArray, String> {
    let column: &FixedSizeBinaryArray = column(batch, name)?;
    if column.value_length() != bytes {
        return Err(format!(
            "column {name}: expected values of {bytes} bytes, found {}",
            column.value_length()
        ));
    }
    Ok(column.clone())
}

fn short_name<T>() -> &'static str {
    let name = std::any::type_name::<T>();
    name.rsplit("::").next().unwrap_or(name)
}
