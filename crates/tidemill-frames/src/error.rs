//! Why a frame cannot be read: what was expected, what was found, where.

use std::fmt::Write as _;

/// How many bytes of what was found a message shows.
const SHOWN_BYTES: usize = 48;

/// Why a frame cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The bytes are not what a node says: keep them and go on.
    #[error("{place}: expected {expected}, found {found}")]
    Malformed {
        /// Which part of the frame it is.
        place: &'static str,
        /// What the specification has there.
        expected: String,
        /// What is there.
        found: String,
    },
}

impl FrameError {
    /// Returns the error that `found` stands at `place` where `expected` should be.
    pub fn new(place: &'static str, expected: impl Into<String>, found: &[u8]) -> Self {
        Self::Malformed { place, expected: expected.into(), found: shown(found) }
    }

    /// Returns the error that `name` is missing at `place`.
    pub fn missing(place: &'static str, name: &str) -> Self {
        Self::Malformed { place, expected: format!("the field {name}"), found: "none".to_owned() }
    }

    /// Returns the error that `bytes` at `place` are not the JSON that `expected` says.
    pub fn json(place: &'static str, expected: &str, error: &serde_json::Error, bytes: &[u8]) -> Self {
        Self::Malformed {
            place,
            expected: expected.to_owned(),
            found: format!("{error} in {}", shown(bytes)),
        }
    }
}

/// Returns the beginning of `bytes`, readable whatever they are.
fn shown(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for byte in bytes.iter().take(SHOWN_BYTES) {
        match byte {
            b'"' => text.push('"'),
            _ => text.extend(byte.escape_ascii().map(char::from)),
        }
    }
    text.push('"');
    if bytes.len() > SHOWN_BYTES {
        let _ = write!(text, "… of {} bytes", bytes.len());
    }
    text
}
