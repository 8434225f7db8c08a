//! The windows of one chain and the features made of them, as a class: batches of events in, a batch of features out.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tidemill_windows::{Engine, Plan, Rows, WindowError};

use crate::arrow::{batch_of, to_record_batch};
use crate::errors;

/// The windows of one chain.
#[pyclass(module = "tidemill._rust")]
pub struct FeatureEngine(Engine);

fn told(py: Python<'_>, error: &WindowError) -> PyErr {
    match error {
        WindowError::Plan(_) => PyValueError::new_err(error.to_string()),
        WindowError::Late { .. } => errors::refused(py, error),
        WindowError::Batch(..) | WindowError::State(_) => errors::malformed(py, error),
    }
}

#[pymethods]
impl FeatureEngine {
    #[new]
    fn new(py: Python<'_>, plan: &str) -> PyResult<Self> {
        Plan::parse(plan).map(|plan| Self(Engine::new(plan))).map_err(|error| told(py, &error))
    }

    /// The place of the last row.
    #[getter]
    fn place(&self) -> u64 {
        self.0.place()
    }

    /// How many keys are kept.
    #[getter]
    fn keys(&self) -> usize {
        self.0.keys()
    }

    /// Takes batches of events by topic, and returns the features of the asked ones as one batch.
    fn run<'py>(
        &mut self,
        py: Python<'py>,
        batches: Vec<(String, Bound<'py, PyAny>)>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let batches: Vec<(String, RecordBatch)> = batches
            .into_iter()
            .map(|(topic, batch)| Ok((topic, batch_of(&batch)?)))
            .collect::<PyResult<_>>()?;
        let engine = &mut self.0;
        let features = py.detach(|| {
            let rows = batches.iter().map(|(topic, batch)| Rows::read(topic, batch));
            let rows = rows.collect::<Result<Vec<_>, _>>()?;
            engine.run(&rows).map(|columns| to_batch(engine.plan(), columns))
        });
        let features = features.map_err(|error| told(py, &error))?;
        let features = features.map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        to_record_batch(py, features)
    }

    /// Returns all that is kept.
    fn save<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let saved = py.detach(|| self.0.save()).map_err(|error| told(py, &error))?;
        Ok(PyBytes::new(py, &saved))
    }

    /// Takes up what was saved.
    fn restore(&mut self, py: Python<'_>, saved: &[u8]) -> PyResult<()> {
        let engine = &mut self.0;
        py.detach(|| engine.restore(saved)).map_err(|error| told(py, &error))
    }
}

fn to_batch(plan: &Plan, columns: Vec<Vec<f64>>) -> Result<RecordBatch, ArrowError> {
    let rows = columns.first().map_or(0, Vec::len);
    let fields = plan.outputs.iter().map(|output| Field::new(&output.name, DataType::Float64, true));
    let schema = Schema::new(fields.collect::<Vec<_>>());
    let present = |value: f64| (!value.is_nan()).then_some(value);
    let columns = columns.into_iter().map(|column| -> ArrayRef {
        Arc::new(column.into_iter().map(present).collect::<Float64Array>())
    });
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(schema), columns.collect(), &options)
}
