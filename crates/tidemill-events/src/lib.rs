//! Rows and Arrow columns of every event: `Swap` is one row, `SwapColumns` collects rows into a record batch.
//!
//! `generated` is written by `make generate` from the Python schema, which is the only place that defines a column.

mod column;
pub mod fixed18;
mod generated;

pub use column::{Column, Kind, U256};
pub use generated::*;

/// Declares the row struct and the column builder of one event.
macro_rules! event {
    (
        $(#[$doc:meta])*
        $tag:literal $row:ident $columns:ident { $($field:ident: $kind:ty,)* }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs)] // what a field means stands in the Python schema
        pub struct $row<'a> {
            $(pub $field: <$kind as $crate::column::Kind>::Value<'a>,)*
        }

        #[doc = concat!("Collects rows of `", $tag, "` into an Arrow record batch.")]
        #[derive(Debug, Default)]
        pub struct $columns {
            $($field: <$kind as $crate::column::Kind>::Column,)*
            rows: usize,
        }

        impl $columns {
            /// The event's tag: its topic and its table.
            pub const TAG: &'static str = $tag;

            /// Reserves room for `rows` more rows.
            pub fn reserve(&mut self, rows: usize) {
                $($crate::column::Column::reserve(&mut self.$field, rows);)*
            }

            /// Appends one row.
            #[inline]
            pub fn push(&mut self, row: &$row<'_>) {
                $(<$kind as $crate::column::Kind>::push(&mut self.$field, row.$field);)*
                self.rows += 1;
            }

            /// Returns the number of rows.
            pub fn len(&self) -> usize {
                self.rows
            }

            /// Says whether there are no rows.
            pub fn is_empty(&self) -> bool {
                self.rows == 0
            }

            /// Removes every row after the first `rows`.
            pub fn truncate(&mut self, rows: usize) {
                if rows < self.rows {
                    $($crate::column::Column::truncate(&mut self.$field, rows);)*
                    self.rows = rows;
                }
            }

            /// Returns the rows as a record batch with the schema's columns.
            ///
            /// # Errors
            /// Where Arrow refuses the columns, which would be a bug of this crate.
            pub fn finish(self) -> Result<arrow_array::RecordBatch, arrow_schema::ArrowError> {
                // one for all batches: to make it took longer than the columns of a few rows
                static SCHEMA: std::sync::LazyLock<arrow_schema::SchemaRef> = std::sync::LazyLock::new(|| {
                    std::sync::Arc::new(arrow_schema::Schema::new(vec![
                        $(<$kind as $crate::column::Kind>::field(stringify!($field)),)*
                    ]))
                });
                let columns = vec![$($crate::column::Column::finish(self.$field)),*];
                arrow_array::RecordBatch::try_new(std::sync::Arc::clone(&SCHEMA), columns)
            }
        }
    };
}
pub(crate) use event;
