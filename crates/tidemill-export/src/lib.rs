//! Rows of events as the bytes of a file: CSV, JSON or `TFRecord`, from Arrow columns and what they mean.
//!
//! Integers of 128 and 256 bits are written in all their digits as text, hashes and addresses as 0x… in text
//! formats; `TFRecord` keeps the bytes. What is absent is left empty, null, or out.

mod column;
mod csv;
mod json;
mod tfrecord;

use std::num::NonZero;
use std::thread;

use arrow_array::RecordBatch;

use column::Column;
pub use column::ColumnError;

/// Below so many rows a thread costs more than it gains.
const ROWS_A_THREAD: usize = 1_024;

/// What the rows become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Lines of CSV, without a header.
    Csv,
    /// A JSON object and a line end for each row.
    JsonLines,
    /// A JSON object, a comma and a line end for each row.
    JsonItems,
    /// `tf.train.Example`s, framed.
    TfRecord,
}

/// Returns the rows of `batch`, as pieces to be written one after another.
///
/// `kinds` are the names of the columns' logical types. Rows are spread over the machine's cores.
///
/// # Errors
/// `ColumnError`, where a kind is unknown or a column is not of its kind.
pub fn rows(batch: &RecordBatch, kinds: &[String], form: Form) -> Result<Vec<Vec<u8>>, ColumnError> {
    let columns = &Column::all_of(batch, kinds)?;
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let share = batch.num_rows().div_ceil(cores).max(ROWS_A_THREAD);
    let parts: Vec<(usize, usize)> = (0..batch.num_rows())
        .step_by(share)
        .map(|first| (first, (first + share).min(batch.num_rows())))
        .collect();
    Ok(thread::scope(|scope| {
        let writing: Vec<_> = parts
            .iter()
            .map(|&(first, end)| scope.spawn(move || written(columns, first, end, form)))
            .collect();
        writing
            .into_iter()
            .zip(&parts)
            // a thread that could not be waited for is done again here
            .map(|(part, &(first, end))| part.join().unwrap_or_else(|_| written(columns, first, end, form)))
            .collect()
    }))
}

fn written(columns: &[Column<'_>], first: usize, end: usize, form: Form) -> Vec<u8> {
    match form {
        Form::Csv => csv::lines(columns, first, end),
        Form::JsonLines => json::objects(columns, first, end, b"\n"),
        Form::JsonItems => json::objects(columns, first, end, b",\n"),
        Form::TfRecord => tfrecord::records(columns, first, end),
    }
}
