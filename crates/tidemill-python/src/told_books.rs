//! What was told last of books, as a class: batches in, a command for a key-value server out.

use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tidemill_books::latest::{Best, Latest, Name, Put};

use crate::arrow::batch_of;
use crate::books::{refused, BookSet};

const TOPICS: [&str; 4] = ["book_snapshot", "book_change", "book_top", "book_status"];

/// State, top, `recv_ns`, sequence, `event_ns` and connection of what was told last.
type Told = (Option<String>, Option<[Best; 2]>, i64, u64, i64, String);

/// What was told last of every book, for one thread at a time: another waits.
#[pyclass(frozen, module = "tidemill._rust")]
pub struct ToldBooks(Mutex<Latest>);

impl ToldBooks {
    fn with<T>(&self, read: impl FnOnce(&mut Latest) -> T) -> T {
        read(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[pymethods]
impl ToldBooks {
    #[new]
    fn new() -> Self {
        Self(Mutex::default())
    }

    fn note(&self, py: Python<'_>, topic: &str, batch: &Bound<'_, PyAny>) -> PyResult<Vec<Name>> {
        let known = TOPICS.into_iter().find(|known| *known == topic);
        let topic = known.ok_or_else(|| {
            PyValueError::new_err(format!("expected a topic that tells of books, found {topic:?}"))
        })?;
        let batch = batch_of(batch)?;
        py.detach(|| self.with(|latest| latest.note(topic, &batch))).map_err(|error| refused(&error))
    }

    fn names(&self) -> Vec<Name> {
        self.with(|latest| {
            latest.names().map(|(source, name)| (source.to_owned(), name.to_owned())).collect()
        })
    }

    fn told(&self, source: &str, instrument: &str) -> Option<Told> {
        self.with(|latest| {
            let told = latest.told(source, instrument)?;
            let newest = told.newest.clone();
            let (recv_ns, sequence, event_ns) = (newest.recv_ns, newest.sequence, newest.event_ns);
            Some((told.state.clone(), told.top, recv_ns, sequence, event_ns, newest.connection))
        })
    }

    #[pyo3(signature = (names, kept, *, script, prefix, levels_max, settings))]
    #[allow(clippy::too_many_arguments)] // each is named where it is called
    fn command<'py>(
        &self,
        py: Python<'py>,
        names: Vec<Name>,
        kept: Vec<(String, Py<BookSet>)>,
        script: &str,
        prefix: &str,
        levels_max: usize,
        settings: Vec<u64>,
    ) -> Bound<'py, PyBytes> {
        let put = Put { script, prefix, levels_max, settings: &settings };
        let command = py.detach(|| {
            let sets: Vec<_> = kept.iter().map(|(source, set)| (source.as_str(), set.get().set())).collect();
            self.with(|latest| {
                latest.command(&names, &put, |source, instrument| {
                    sets.iter().find(|(own, _)| *own == source).and_then(|(_, set)| set.live(instrument))
                })
            })
        });
        PyBytes::new(py, &command)
    }
}
