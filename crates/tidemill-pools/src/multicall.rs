//! How many contract calls are asked as one: `aggregate3` of Multicall3, every call of which may fail by itself.
//!
//! Source: mds1/multicall, `Multicall3.sol`.

use thiserror::Error;

use crate::chain::Address;

/// Where Multicall3 is on most chains.
pub const MULTICALL3: Address = [
    0xca, 0x11, 0xbd, 0xe0, 0x59, 0x77, 0xb3, 0x63, 0x11, 0x67, 0x02, 0x88, 0x62, 0xbe, 0x2a, 0x17, 0x39,
    0x76, 0xca, 0x11,
];

const AGGREGATE3: [u8; 4] = [0x82, 0xad, 0x56, 0xcb];
const WORD: usize = 32;
/// Words of one call beside its data: offset, target, whether it may fail, offset of the data, and its length.
const WORDS_A_CALL: usize = 5;

/// One call of a contract.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Call {
    /// The contract.
    pub to: Address,
    /// Selector and arguments.
    pub data: Vec<u8>,
}

/// A call that the contract refused, and the bytes it gave as its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reverted(pub Vec<u8>);

/// What a call gave.
pub type Answer = Result<Vec<u8>, Reverted>;

/// An answer that is not one of `aggregate3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MulticallError {
    /// Another number of results.
    #[error("aggregate3: expected {expected} results, found {found}")]
    Count {
        /// Calls asked.
        expected: usize,
        /// Results told.
        found: usize,
    },
    /// An offset or a length points out of the answer.
    #[error("aggregate3: expected {size} bytes at byte {at}, found an answer of {found} bytes")]
    Range {
        /// Where the bytes should begin.
        at: usize,
        /// How many there should be.
        size: usize,
        /// Length of the whole answer.
        found: usize,
    },
}

fn put(word: usize, into: &mut Vec<u8>) {
    into.extend_from_slice(&[0; WORD - 8]);
    into.extend_from_slice(&(word as u64).to_be_bytes());
}

const fn padded(size: usize) -> usize {
    size.div_ceil(WORD) * WORD
}

/// Returns the calldata of `aggregate3` for these calls, each of which may fail.
pub fn encode_aggregate3<'a>(calls: impl ExactSizeIterator<Item = &'a Call> + Clone) -> Vec<u8> {
    let size: usize = calls.clone().map(|call| WORDS_A_CALL * WORD + padded(call.data.len())).sum();
    let mut bytes = Vec::with_capacity(AGGREGATE3.len() + 2 * WORD + size);
    bytes.extend_from_slice(&AGGREGATE3);
    put(WORD, &mut bytes);
    put(calls.len(), &mut bytes);
    let mut offset = WORD * calls.len();
    for call in calls.clone() {
        put(offset, &mut bytes);
        offset += (WORDS_A_CALL - 1) * WORD + padded(call.data.len());
    }
    for call in calls {
        bytes.extend_from_slice(&[0; WORD - 20]);
        bytes.extend_from_slice(&call.to);
        put(1, &mut bytes);
        put(3 * WORD, &mut bytes);
        put(call.data.len(), &mut bytes);
        bytes.extend_from_slice(&call.data);
        bytes.resize(bytes.len() + padded(call.data.len()) - call.data.len(), 0);
    }
    bytes
}

/// Returns what each of `expected` calls gave.
///
/// # Errors
/// Where the bytes are not such an answer.
pub fn decode_aggregate3(data: &[u8], expected: usize) -> Result<Vec<Answer>, MulticallError> {
    let array = offset(data, 0)?;
    let found = offset(data, array)?;
    if found != expected {
        return Err(MulticallError::Count { expected, found });
    }
    let base = array.saturating_add(WORD);
    let mut answers = Vec::with_capacity(expected);
    for index in 0..expected {
        let at = base.saturating_add(offset(data, base.saturating_add(index * WORD))?);
        let start = at.saturating_add(offset(data, at.saturating_add(WORD))?);
        let size = offset(data, start)?;
        let bytes = slice(data, start.saturating_add(WORD), size)?.to_vec();
        answers.push(if offset(data, at)? == 1 { Ok(bytes) } else { Err(Reverted(bytes)) });
    }
    Ok(answers)
}

fn slice(data: &[u8], at: usize, size: usize) -> Result<&[u8], MulticallError> {
    let bytes = at.checked_add(size).and_then(|end| data.get(at..end));
    bytes.ok_or(MulticallError::Range { at, size, found: data.len() })
}

/// Returns the word at a byte as an offset or a length; one that no answer can have is out of range anyway.
fn offset(data: &[u8], at: usize) -> Result<usize, MulticallError> {
    let word = slice(data, at, WORD)?;
    let (high, low) = word.split_at(WORD - 8);
    let low = low.try_into().map(u64::from_be_bytes).ok().and_then(|low| usize::try_from(low).ok());
    match low {
        Some(low) if high.iter().all(|byte| *byte == 0) => Ok(low),
        _ => Ok(usize::MAX),
    }
}
