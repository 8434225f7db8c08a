//! What can be wrong with what an engine is given.

/// What an engine refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// The plan does not fit together.
    #[error("plan: expected one that fits together, found {0}")]
    Plan(String),
    /// A batch lacks what is needed of it.
    #[error("{0}: expected a batch of its events: {1}")]
    Batch(String, String),
    /// A row lies before what was taken already.
    #[error("expected rows from place {expected:#x} on, found {found:#x}")]
    Late {
        /// The place of the last row.
        expected: u64,
        /// The place of this one.
        found: u64,
    },
    /// A saved state is not one, or is of another plan.
    #[error("state: expected one that was saved by this plan: {0}")]
    State(String),
}
