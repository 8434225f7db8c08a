//! Places of logs in their block, as a frozen set.

use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyList};

/// Log indexes of one block, ascending.
#[pyclass(frozen, module = "tidemill._rust")]
pub struct LogIndexes(Box<[u32]>);

impl LogIndexes {
    /// Returns the set of these indexes.
    pub fn of(mut indexes: Vec<u32>) -> Self {
        indexes.sort_unstable();
        indexes.dedup();
        Self(indexes.into_boxed_slice())
    }

    fn has(&self, index: u32) -> bool {
        self.0.binary_search(&index).is_ok()
    }

    fn without<'a>(&'a self, others: &'a Self) -> impl Iterator<Item = u32> + 'a {
        self.0.iter().copied().filter(|index| !others.has(*index))
    }
}

#[pymethods]
impl LogIndexes {
    #[new]
    fn new(indexes: Vec<u32>) -> Self {
        Self::of(indexes)
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        PyList::new(py, self.0.iter())?.try_iter()
    }

    fn __contains__(&self, index: u32) -> bool {
        self.has(index)
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    fn __or__(&self, others: &Self) -> Self {
        Self::of([&*self.0, &*others.0].concat())
    }

    fn __sub__(&self, others: &Self) -> Self {
        Self(self.without(others).collect())
    }

    fn __ge__(&self, others: &Self) -> bool {
        others.without(self).next().is_none()
    }

    fn __repr__(&self) -> String {
        format!("LogIndexes({:?})", self.0)
    }
}
