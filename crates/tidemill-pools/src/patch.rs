//! How a change of pool state is kept: as records before and after it, which undo it and redo it.

use std::collections::BTreeMap;

use crate::chain::Address;
use crate::error::RecordError;

/// Version of every layout in this crate's records.
pub const RECORD_VERSION: u8 = 1;

const ADDRESS_BYTES: usize = 20;
/// Bytes of a part's own key where each pool has the part but once; those of ticks are longer.
const WHOLE_PART_BYTES: usize = 1;

/// Key of one record: the pool's address, then the part's own key.
pub type Key = Vec<u8>;

/// Records by key; an absent value means that there is no such record.
///
/// A patch that was made as the undo of a step sets everything the step changed back to what it was; one that was
/// made as its redo does the step. Applied in order of their keys, which put a pool's description before its parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch {
    records: BTreeMap<Key, Option<Vec<u8>>>,
}

impl Patch {
    /// Returns the records in order of their keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], Option<&[u8]>)> {
        self.records.iter().map(|(key, value)| (key.as_slice(), value.as_deref()))
    }

    /// Returns the number of records.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Says whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Sets a record, whatever was there.
    pub fn set(&mut self, key: Key, value: Option<Vec<u8>>) {
        self.records.insert(key, value);
    }

    /// Adds the records of `later` that are not there yet: two undos become the undo of both steps.
    pub fn merge_undo(&mut self, later: Patch) {
        for (key, value) in later.records {
            self.records.entry(key).or_insert(value);
        }
    }

    /// Adds the records of `later` over those that are there: two redos become the redo of both steps.
    pub fn merge_redo(&mut self, later: Patch) {
        self.records.extend(later.records);
    }

    /// Returns the addresses of the pools that change, in order.
    pub fn pools(&self) -> Vec<Address> {
        let mut pools: Vec<_> =
            self.records.keys().filter_map(|key| key.first_chunk::<ADDRESS_BYTES>().copied()).collect();
        pools.dedup();
        pools
    }

    /// Returns the addresses of the pools that lose a part which each pool has but once, in order.
    pub fn lapsed(&self) -> Vec<Address> {
        let whole = |key: &Key| key.len() == ADDRESS_BYTES + WHOLE_PART_BYTES;
        let lost = self.records.iter().filter(|(key, value)| value.is_none() && whole(key));
        let mut pools: Vec<_> =
            lost.filter_map(|(key, _)| key.first_chunk::<ADDRESS_BYTES>().copied()).collect();
        pools.dedup();
        pools
    }

    /// Returns the patch as bytes: the version, then for each record two lengths (u32, little-endian), key and value.
    pub fn to_bytes(&self) -> Vec<u8> {
        let size =
            |(key, value): (&Key, &Option<Vec<u8>>)| 8 + key.len() + value.as_ref().map_or(0, Vec::len);
        let mut bytes = Vec::with_capacity(1 + self.records.iter().map(size).sum::<usize>());
        bytes.push(RECORD_VERSION);
        for (key, value) in &self.records {
            bytes.extend_from_slice(&length(key.len()));
            bytes.extend_from_slice(&value.as_ref().map_or([0xff; 4], |value| length(value.len())));
            bytes.extend_from_slice(key);
            bytes.extend_from_slice(value.as_deref().unwrap_or_default());
        }
        bytes
    }

    /// Reads back what `to_bytes` wrote.
    ///
    /// # Errors
    /// Where the bytes are of another version or not a patch.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut reader = Reader::versioned(&[], bytes)?;
        let mut patch = Self::default();
        while !reader.is_at_end() {
            let key_bytes = reader.u32("the length of a key")?;
            let value_bytes = reader.u32("the length of a value")?;
            let key = reader.take(key_bytes, "a key")?.to_vec();
            let value = match value_bytes {
                u32::MAX => None,
                value_bytes => Some(reader.take(value_bytes, "a value")?.to_vec()),
            };
            patch.set(key, value);
        }
        Ok(patch)
    }
}

// A record is far shorter than 4 GiB.
#[allow(clippy::cast_possible_truncation)]
fn length(bytes: usize) -> [u8; 4] {
    (bytes as u32).to_le_bytes()
}

/// Notes what records were before a step, the first note of each being the one that counts.
#[derive(Debug, Default)]
pub struct Journal {
    pool: Address,
    undo: Patch,
}

impl Journal {
    /// Says which pool the next notes are about.
    pub fn turn_to(&mut self, pool: Address) {
        self.pool = pool;
    }

    /// Notes what a part was; `before` is asked only where the part has no note yet.
    pub fn note(&mut self, part: &[u8], before: impl FnOnce() -> Option<Vec<u8>>) {
        self.undo.records.entry(key_of(&self.pool, part)).or_insert_with(before);
    }

    /// Returns the undo of the step.
    pub fn finish(self) -> Patch {
        self.undo
    }
}

/// Returns the key of a pool's part.
pub fn key_of(pool: &Address, part: &[u8]) -> Key {
    let mut key = Vec::with_capacity(ADDRESS_BYTES + part.len());
    key.extend_from_slice(pool);
    key.extend_from_slice(part);
    key
}

/// Returns a key's pool and part.
///
/// # Errors
/// Where the key is too short.
pub fn split_key(key: &[u8]) -> Result<(&Address, &[u8]), RecordError> {
    match key.split_first_chunk::<ADDRESS_BYTES>() {
        Some((pool, part)) if !part.is_empty() => Ok((pool, part)),
        _ => Err(RecordError::Layout {
            expected: "a key of an address and a part",
            found: key.len(),
            key: key.to_vec(),
        }),
    }
}

/// Reads a record from front to back.
pub(crate) struct Reader<'a> {
    key: &'a [u8],
    rest: &'a [u8],
    total: usize,
}

impl<'a> Reader<'a> {
    /// Starts after the version byte.
    pub(crate) fn versioned(key: &'a [u8], bytes: &'a [u8]) -> Result<Self, RecordError> {
        let mut reader = Self { key, rest: bytes, total: bytes.len() };
        let [found] = reader.array::<1>("a version")?;
        if found != RECORD_VERSION {
            return Err(RecordError::Version { expected: RECORD_VERSION, found });
        }
        Ok(reader)
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn refused(&self, expected: &'static str) -> RecordError {
        RecordError::Layout { expected, found: self.total, key: self.key.to_vec() }
    }

    pub(crate) fn array<const N: usize>(&mut self, expected: &'static str) -> Result<[u8; N], RecordError> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or_else(|| self.refused(expected))?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u32(&mut self, expected: &'static str) -> Result<u32, RecordError> {
        self.array(expected).map(u32::from_le_bytes)
    }

    pub(crate) fn take(&mut self, bytes: u32, expected: &'static str) -> Result<&'a [u8], RecordError> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let (taken, rest) = self.rest.split_at_checked(bytes).ok_or_else(|| self.refused(expected))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn text(&mut self, expected: &'static str) -> Result<&'a str, RecordError> {
        let [bytes] = self.array::<1>(expected)?;
        std::str::from_utf8(self.take(bytes.into(), expected)?).map_err(|_| self.refused(expected))
    }

    /// Returns all bytes not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Refuses bytes that are left over.
    pub(crate) fn finish(&self) -> Result<(), RecordError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.refused("no more bytes"))
        }
    }
}
