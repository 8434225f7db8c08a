//! The windows of one chain and the features made of them, as a class: batches of events in, a batch of features out.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch};
use arrow_buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tidemill_windows::{Engine, Plan, Rows, WindowError};

use crate::arrow::{batch_of, to_record_batch};
use crate::errors;

/// The windows of one chain.
#[derive(Clone)]
#[pyclass(module = "tidemill._rust")]
pub struct FeatureEngine {
    engine: Engine,
    fields: Vec<Arc<Field>>,
}

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
        let plan = Plan::parse(plan).map_err(|error| told(py, &error))?;
        let field = |name: &String| Arc::new(Field::new(name, DataType::Float64, true));
        let fields = plan.outputs.iter().map(|output| field(&output.name)).collect();
        Ok(Self { engine: Engine::new(plan), fields })
    }

    /// The place of the last row.
    #[getter]
    fn place(&self) -> u64 {
        self.engine.place()
    }

    /// How many keys are kept.
    #[getter]
    fn keys(&self) -> usize {
        self.engine.keys()
    }

    /// Takes batches of events by topic, and returns those of the asked topic that follow the first `fed`, with their features.
    fn run<'py>(
        &mut self,
        py: Python<'py>,
        batches: Vec<(String, Bound<'py, PyAny>)>,
        fed: usize,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let batches = read(batches)?;
        let engine = &mut self.engine;
        let fields = &self.fields;
        let records = py.detach(|| {
            let rows = batches.iter().map(|(topic, batch)| Rows::read(topic, batch));
            let rows = rows.collect::<Result<Vec<_>, _>>()?;
            let features = engine.run(&rows)?;
            let asked = &engine.plan().asked;
            Ok(records(&batches, fed, asked, fields, features))
        });
        let records = records.map_err(|error: WindowError| told(py, &error))?;
        let records = records.map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        records.into_iter().map(|record| to_record_batch(py, record)).collect()
    }

    /// Returns a batch of the asked topic with the features that it would have now; nothing is kept of it.
    fn peek<'py>(&mut self, py: Python<'py>, batch: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let asked = self.engine.plan().asked.clone();
        let batches = [(asked.clone(), batch_of(&batch)?)];
        let engine = &mut self.engine;
        let fields = &self.fields;
        let records = py.detach(|| {
            let rows = Rows::read(&asked, &batches[0].1)?;
            let features = engine.peek(&rows)?;
            Ok(records(&batches, 0, &asked, fields, features))
        });
        let records = records.map_err(|error: WindowError| told(py, &error))?;
        let records = records.map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        let record = records.into_iter().next();
        to_record_batch(py, record.ok_or_else(|| PyRuntimeError::new_err("expected one record batch"))?)
    }

    /// Returns another with the same behind it; what is kept of a key is shared until a row of either changes it.
    fn copy(&self) -> Self {
        self.clone()
    }

    /// Returns all that is kept.
    fn save<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let saved = py.detach(|| self.engine.save()).map_err(|error| told(py, &error))?;
        Ok(PyBytes::new(py, &saved))
    }

    /// Takes up what was saved.
    fn restore(&mut self, py: Python<'_>, saved: &[u8]) -> PyResult<()> {
        let engine = &mut self.engine;
        py.detach(|| engine.restore(saved)).map_err(|error| told(py, &error))
    }
}

fn read(batches: Vec<(String, Bound<'_, PyAny>)>) -> PyResult<Vec<(String, RecordBatch)>> {
    batches.into_iter().map(|(topic, batch)| Ok((topic, batch_of(&batch)?))).collect()
}

/// Returns the asked batches after the first `fed` batches, each with the columns of its features.
fn records(
    batches: &[(String, RecordBatch)],
    fed: usize,
    asked: &str,
    fields: &[Arc<Field>],
    features: Vec<Vec<f64>>,
) -> Result<Vec<RecordBatch>, ArrowError> {
    let features: Vec<ScalarBuffer<f64>> = features.into_iter().map(ScalarBuffer::from).collect();
    let mut first = 0;
    let mut records = Vec::new();
    for (at, (topic, batch)) in batches.iter().enumerate() {
        if topic != asked {
            continue;
        }
        let (begun, rows) = (first, batch.num_rows());
        first += rows;
        if at < fed {
            continue;
        }
        let made = features.iter().map(|column| -> ArrayRef {
            let values = column.slice(begun, rows);
            let present = values.iter().any(|value| value.is_nan()).then(|| {
                let is_present = |at| values.get(at).is_some_and(|value: &f64| !value.is_nan());
                NullBuffer::new(BooleanBuffer::collect_bool(values.len(), is_present))
            });
            Arc::new(Float64Array::new(values, present))
        });
        let columns: Vec<ArrayRef> = batch.columns().iter().cloned().chain(made).collect();
        let names = batch.schema().fields().iter().chain(fields).cloned().collect::<Fields>();
        records.push(RecordBatch::try_new(Arc::new(Schema::new(names)), columns)?);
    }
    Ok(records)
}
