//! Sizes of many paths at once: pools and hops in, a batch of amounts out.

use std::sync::Arc;

use arrow_array::{cast::AsArray, types::UInt32Type, Array, BooleanArray, FixedSizeBinaryArray, RecordBatch};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use tidemill_search::{size, Effort, Leg, Sized};

use crate::arrow::{array_of, to_record_batch};
use crate::pool::Pool;

/// Columns of sized paths, one row a path.
#[derive(Default)]
struct Columns {
    amounts_in: Vec<[u8; 32]>,
    amounts_out: Vec<[u8; 32]>,
    pays: Vec<bool>,
    is_proven: Vec<bool>,
}

impl Columns {
    fn push(&mut self, sized: Option<&Sized>) {
        let (amount_in, amount_out) =
            sized.map_or_else(Default::default, |sized| (sized.amount_in(), sized.amount_out()));
        self.amounts_in.push(amount_in.to_le_bytes());
        self.amounts_out.push(amount_out.to_le_bytes());
        self.pays.push(sized.is_some());
        self.is_proven.push(sized.is_some_and(|sized| sized.is_proven));
    }

    fn finish(self) -> Result<RecordBatch, ArrowError> {
        let nulls = NullBuffer::new(BooleanBuffer::from(self.pays));
        let amounts = |bytes: Vec<[u8; 32]>| {
            FixedSizeBinaryArray::try_new(32, Buffer::from_vec(bytes.into_flattened()), Some(nulls.clone()))
        };
        let amount = |name| Field::new(name, DataType::FixedSizeBinary(32), true);
        let fields =
            [amount("amount_in"), amount("amount_out"), Field::new("is_proven", DataType::Boolean, false)];
        let (amounts_in, amounts_out) = (amounts(self.amounts_in)?, amounts(self.amounts_out)?);
        let is_proven = BooleanArray::new(BooleanBuffer::from(self.is_proven), None);
        let columns: Vec<Arc<dyn Array>> =
            vec![Arc::new(amounts_in), Arc::new(amounts_out), Arc::new(is_proven)];
        RecordBatch::try_new(Arc::new(Schema::new(fields.to_vec())), columns)
    }
}

/// Says what a hop's number must be: twice its pool's place, and one more for token 1 to token 0.
fn legs<'a>(pools: &'a [Py<Pool>], hops: &[u32]) -> Result<[Leg<'a>; 4], String> {
    let leg = |hop: u32| {
        let pool = pools
            .get(hop as usize / 2)
            .ok_or_else(|| format!("expected hops below twice the {} pools, found {hop}", pools.len()))?;
        Ok::<_, String>(Leg::of(&pool.get().pool, hop.is_multiple_of(2)))
    };
    let [first, rest @ ..] = hops else { return Err("expected hops, found none".to_owned()) };
    let mut legs = [leg(*first)?; 4];
    for (slot, hop) in legs.iter_mut().skip(1).zip(rest) {
        *slot = leg(*hop)?;
    }
    Ok(legs)
}

fn sized(pools: &[Py<Pool>], hops: &[u32], hops_per_path: usize, effort: Effort) -> Result<Columns, String> {
    let mut columns = Columns::default();
    for path in hops.chunks_exact(hops_per_path) {
        let legs = legs(pools, path)?;
        // A pool that refuses makes its path one that does not pay.
        let found = size(legs.get(..hops_per_path).unwrap_or_default(), effort).ok().flatten();
        columns.push(found.as_ref());
    }
    Ok(columns)
}

/// Returns the input that pays most for each of many paths, and what it pays.
#[pyfunction]
#[pyo3(signature = (pools, hops, *, hops_per_path, trials_max=0))]
pub fn size_paths<'py>(
    pools: Vec<Py<Pool>>,
    hops: &Bound<'py, PyAny>,
    hops_per_path: usize,
    trials_max: u32,
) -> PyResult<Bound<'py, PyAny>> {
    let py = hops.py();
    let hops = array_of(hops)?;
    let Some(numbers) = hops.as_primitive_opt::<UInt32Type>().filter(|numbers| numbers.null_count() == 0)
    else {
        return Err(PyTypeError::new_err(format!(
            "expected uint32 without nulls, found {}",
            hops.data_type()
        )));
    };
    if !(2..=4).contains(&hops_per_path) || numbers.len() % hops_per_path != 0 {
        let found = format!("{hops_per_path} and {} hops", numbers.len());
        return Err(PyValueError::new_err(format!(
            "expected 2 to 4 hops a path, and whole paths, found {found}"
        )));
    }
    let columns = py.detach(|| sized(&pools, numbers.values(), hops_per_path, Effort { trials_max }));
    let batch = columns.map_err(PyValueError::new_err)?.finish();
    to_record_batch(py, batch.map_err(|error| PyValueError::new_err(error.to_string()))?)
}
