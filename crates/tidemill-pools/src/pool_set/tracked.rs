//! A pool with its description, and both as records.

use crate::chain::Address;
use crate::error::RecordError;
use crate::kind::PoolSpec;
use crate::patch::{Reader, RECORD_VERSION};
use crate::Pool;

/// Key of the description; it comes before the keys of every kind's own parts.
pub(super) const SPEC: &[u8] = &[0];

/// A pool that is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracked {
    /// What names and describes it.
    pub spec: PoolSpec,
    /// Its exact state.
    pub pool: Pool,
}

impl Tracked {
    pub(super) fn new(spec: PoolSpec, pool: Pool) -> Self {
        Self { spec, pool }
    }

    /// Calls `write` with every record of the pool.
    pub(super) fn encode(&self, write: &mut dyn FnMut(&[u8], Vec<u8>)) {
        write(SPEC, self.encode_spec());
        self.pool.encode_state(write);
    }

    /// Returns one record; `None` where the pool has no such part.
    pub(super) fn encode_part(&self, part: &[u8]) -> Option<Vec<u8>> {
        if part == SPEC {
            Some(self.encode_spec())
        } else {
            self.pool.encode_part(part)
        }
    }

    fn encode_spec(&self) -> Vec<u8> {
        let mut bytes = vec![RECORD_VERSION];
        push_text(&mut bytes, self.pool.protocol());
        push_text(&mut bytes, &self.spec.dex);
        bytes.extend_from_slice(&self.spec.factory);
        bytes.extend_from_slice(&self.spec.token0);
        bytes.extend_from_slice(&self.spec.token1);
        bytes.extend_from_slice(&self.pool.encode_terms());
        bytes
    }

    /// Reads a description; the pool has no state yet.
    pub(super) fn decode_spec(address: &Address, bytes: &[u8]) -> Result<Self, RecordError> {
        let mut reader = Reader::versioned(address, bytes)?;
        let protocol = reader.text("a protocol")?;
        let dex = reader.text("a dex")?.to_owned();
        let factory = reader.array("a factory")?;
        let token0 = reader.array("a token")?;
        let token1 = reader.array("a token")?;
        let pool = Pool::decode_terms(protocol, reader.rest())?;
        Ok(Self { spec: PoolSpec { address: *address, dex, factory, token0, token1 }, pool })
    }
}

/// Appends a name of at most 255 bytes, cutting at a character what is beyond.
fn push_text(bytes: &mut Vec<u8>, text: &str) {
    let mut end = text.len().min(usize::from(u8::MAX));
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let kept = text.get(..end).unwrap_or_default();
    bytes.push(u8::try_from(kept.len()).unwrap_or(u8::MAX));
    bytes.extend_from_slice(kept.as_bytes());
}
