//! Arrow arrays and batches across the boundary, without a copy, by the C data interface's capsules.
#![allow(unsafe_code)] // the interface is made of pointers; what comes in is validated before it is used

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::ffi::{from_ffi, FFI_ArrowArray, FFI_ArrowSchema};
use arrow_array::{make_array, Array, ArrayRef, RecordBatch, StructArray};
use arrow_schema::{ArrowError, SchemaRef};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

const ARRAY: &CStr = c"arrow_array";
const SCHEMA: &CStr = c"arrow_schema";

fn refused(error: &ArrowError) -> PyErr {
    PyValueError::new_err(format!("expected valid Arrow data: {error}"))
}

/// Returns the array that `object` hands out by `__arrow_c_array__`.
pub fn array_of(object: &Bound<'_, PyAny>) -> PyResult<ArrayRef> {
    let capsules = object.call_method0("__arrow_c_array__").map_err(|_| {
        PyTypeError::new_err(format!("expected an Arrow array or record batch, found {}", object.get_type()))
    })?;
    let (schema, array): (Bound<'_, PyCapsule>, Bound<'_, PyCapsule>) = capsules.extract()?;
    let schema = schema.pointer_checked(Some(SCHEMA))?.cast::<FFI_ArrowSchema>();
    let array = array.pointer_checked(Some(ARRAY))?.cast::<FFI_ArrowArray>();
    // SAFETY: the capsules' names say what they point to, and both live until the end of this function;
    // the array is moved out, which leaves a released one behind, as the interface asks.
    let data = unsafe { from_ffi(FFI_ArrowArray::from_raw(array.as_ptr()), schema.as_ref()) };
    let data = data.map_err(|error| refused(&error))?;
    data.validate_full().map_err(|error| refused(&error))?;
    Ok(make_array(data))
}

/// Returns the record batch that `object` hands out.
pub fn batch_of(object: &Bound<'_, PyAny>) -> PyResult<RecordBatch> {
    let array = array_of(object)?;
    let rows = array.as_any().downcast_ref::<StructArray>();
    let rows = rows.ok_or_else(|| PyTypeError::new_err("expected a record batch, found an array"))?;
    if rows.null_count() > 0 {
        return Err(PyValueError::new_err("expected a record batch, found rows that are null"));
    }
    Ok(RecordBatch::from(rows))
}

fn export<'py>(
    py: Python<'py>,
    class: &str,
    array: &dyn Array,
    schema: FFI_ArrowSchema,
) -> PyResult<Bound<'py, PyAny>> {
    let array = PyCapsule::new_with_value(py, FFI_ArrowArray::new(&array.to_data()), ARRAY)?;
    let schema = PyCapsule::new_with_value(py, schema, SCHEMA)?;
    py.import("pyarrow")?.getattr(class)?.call_method1("_import_from_c_capsule", (schema, array))
}

/// Returns `batch` as a `pyarrow.RecordBatch`.
pub fn to_record_batch(py: Python<'_>, batch: RecordBatch) -> PyResult<Bound<'_, PyAny>> {
    let schema = FFI_ArrowSchema::try_from(batch.schema().as_ref()).map_err(|error| refused(&error))?;
    export(py, "RecordBatch", &StructArray::from(batch), schema)
}

/// Returns rows of `topic`, whose batches have one schema, as a `pyarrow.RecordBatch`.
pub fn to_topic_batch<'py>(
    py: Python<'py>,
    topic: &'static str,
    batch: RecordBatch,
) -> PyResult<Bound<'py, PyAny>> {
    let schema = topic_schema(py, topic, &batch.schema())?;
    let mut array = FFI_ArrowArray::new(&StructArray::from(batch).to_data());
    let class = py.import("pyarrow")?.getattr("RecordBatch")?;
    // what is taken over leaves a released array behind, as the interface asks
    class.call_method1("_import_from_c", (&raw mut array as usize, schema))
}

/// Returns the `pyarrow.Schema` of a topic; it is made once, for that takes longer than a few rows.
fn topic_schema<'py>(
    py: Python<'py>,
    topic: &'static str,
    schema: &SchemaRef,
) -> PyResult<Bound<'py, PyAny>> {
    static MADE: Mutex<BTreeMap<&str, (SchemaRef, Py<PyAny>)>> = Mutex::new(BTreeMap::new());
    if let Some((of, made)) = MADE.lock().unwrap_or_else(PoisonError::into_inner).get(topic) {
        if Arc::ptr_eq(of, schema) {
            return Ok(made.bind(py).clone());
        }
    }
    let exported = FFI_ArrowSchema::try_from(schema.as_ref()).map_err(|error| refused(&error))?;
    let exported = PyCapsule::new_with_value(py, exported, SCHEMA)?;
    let made =
        py.import("pyarrow")?.getattr("Schema")?.call_method1("_import_from_c_capsule", (exported,))?;
    let kept = (Arc::clone(schema), made.clone().unbind());
    MADE.lock().unwrap_or_else(PoisonError::into_inner).insert(topic, kept);
    Ok(made)
}

/// Returns `array` as a `pyarrow.Array`.
pub fn to_array<'py>(py: Python<'py>, array: &dyn Array) -> PyResult<Bound<'py, PyAny>> {
    let schema = FFI_ArrowSchema::try_from(array.data_type()).map_err(|error| refused(&error))?;
    export(py, "Array", array, schema)
}
