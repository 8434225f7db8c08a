//! How are many contract calls asked as one with few bytes: by a program of our own that the question itself carries.
//!
//! A node that lets a question replace an account's code (state overrides of `eth_call`) runs the program at [`ADDRESS`];
//! another finds no code there and answers nothing. Of each call it takes length, contract and data, and gives whether it
//! succeeded, the length of its answer, and that: a seventh of the question and half of the answer of `aggregate3`.

use thiserror::Error;

use crate::chain::Address;
use crate::multicall::{Answer, Call, Reverted};

/// Where the program is put: an address that nobody has the key of.
pub const ADDRESS: Address = *b"tidemill bundle code";

/// The program. On the stack are `in`, the place in the calldata, and `out`, the place in memory, the latter on top.
///
/// It calls and does not only look: a pair that is asked whether its lock is open writes before it refuses. A call whose
/// data are at `in` is copied to `out`, so that what it needs is memory that its answer takes anyway.
pub const CODE: [u8; 68] = [
    0x3d, 0x3d, // no call was made yet: two zeros, also before PUSH0 was known
    0x5b, // loop:
    0x81, 0x35, // calldata[in]: a length of 4 bytes, an address, 8 bytes of what follows
    0x80, 0x60, 224, 0x1c, // length
    0x90, 0x60, 64, 0x1c, // address; the higher bytes are not looked at
    0x81, 0x84, 0x60, 24, 0x01, 0x84, 0x37, // memory[out..] = calldata[in + 24..][..length]
    0x60, 0, 0x60, 0, 0x83, 0x85, 0x60, 0, 0x85, 0x5a, 0xf1, // call without value and with all gas
    0x60, 24, 0x1b, 0x3d, 0x17, 0x60, 224,
    0x1b, // whether it succeeded, and how long its answer is, in 4 bytes
    0x83, 0x52, 0x50, // memory[out] = these
    0x60, 24, 0x01, 0x82, 0x01, 0x91, 0x50, // in += 24 + length
    0x60, 4, 0x01, // out += 4
    0x3d, 0x60, 0, 0x82, 0x3e, 0x3d, 0x01, // memory[out..] = the answer, out += its length
    0x36, 0x82, 0x10, 0x60, 2, 0x57, // again while in < the length of the calldata
    0x60, 0, 0xf3, // return memory[..out]
];

/// An answer that is not one of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BundleError {
    /// It ends within an answer.
    #[error("bundled calls: expected {expected} answers, found an end in answer {at}")]
    Short {
        /// Calls asked.
        expected: usize,
        /// The answer that is not whole, counted from 0.
        at: usize,
    },
    /// It goes on behind the last answer.
    #[error("bundled calls: expected {expected} answers, found {found} bytes behind them")]
    Long {
        /// Calls asked.
        expected: usize,
        /// Bytes that no call gave.
        found: usize,
    },
}

/// Returns the program's calldata for these calls, at least one, each of which may fail.
pub fn encode_bundle<'a>(calls: impl Iterator<Item = &'a Call>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for call in calls {
        // No question of 4 GiB is asked; it would end for want of gas.
        bytes.extend_from_slice(&u32::try_from(call.data.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(&call.to);
        bytes.extend_from_slice(&call.data);
    }
    bytes
}

/// Returns what each of `expected` calls gave.
///
/// # Errors
/// Where the bytes are not such an answer.
pub fn decode_bundle(data: &[u8], expected: usize) -> Result<Vec<Answer>, BundleError> {
    let mut answers = Vec::with_capacity(expected.min(data.len() / 4));
    let mut left = data;
    for at in 0..expected {
        let short = BundleError::Short { expected, at };
        let ([has_succeeded, size @ ..], rest) = left.split_first_chunk::<4>().ok_or(short)?;
        let size = size.iter().fold(0, |size, byte| size << 8 | usize::from(*byte));
        let (bytes, rest) = rest.split_at_checked(size).ok_or(short)?;
        answers.push(if *has_succeeded == 1 { Ok(bytes.to_vec()) } else { Err(Reverted(bytes.to_vec())) });
        left = rest;
    }
    match left.len() {
        0 => Ok(answers),
        found => Err(BundleError::Long { expected, found }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn told(answers: &[Answer]) -> Vec<u8> {
        let told = |answer: &Answer| {
            let (is_good, bytes) = match answer {
                Ok(bytes) => (1_u32, bytes),
                Err(Reverted(bytes)) => (0, bytes),
            };
            let header = is_good << 24 | u32::try_from(bytes.len()).unwrap();
            [header.to_be_bytes().as_slice(), bytes].concat()
        };
        answers.iter().flat_map(told).collect()
    }

    fn answer() -> impl Strategy<Value = Answer> {
        let bytes = || vec(any::<u8>(), 0..300);
        prop_oneof![bytes().prop_map(Ok), bytes().prop_map(|bytes| Err(Reverted(bytes)))]
    }

    proptest! {
        #[test]
        fn what_the_program_tells_is_what_each_call_gave(answers in vec(answer(), 0..20)) {
            prop_assert_eq!(decode_bundle(&told(&answers), answers.len()), Ok(answers));
        }

        #[test]
        fn an_answer_that_was_cut_or_is_of_another_question_is_an_error(
            answers in vec(answer(), 1..20),
            cut in 1..200_usize,
        ) {
            let (bytes, expected) = (told(&answers), answers.len());
            let cut = cut.min(bytes.len());
            prop_assert!(decode_bundle(&bytes[..bytes.len() - cut], expected).is_err());
            prop_assert!(decode_bundle(&bytes, expected - 1).is_err());
        }

        #[test]
        fn whatever_a_node_answers_is_read_or_an_error(bytes in vec(any::<u8>(), 0..400), expected in 0..50_usize) {
            if let Ok(answers) = decode_bundle(&bytes, expected) {
                prop_assert_eq!(told(&answers).len(), bytes.len());
            }
        }
    }

    #[test]
    fn a_call_is_told_with_the_length_of_its_data() {
        let calls = [Call { to: [7; 20], data: vec![1, 2, 3] }, Call { to: [8; 20], data: Vec::new() }];
        let expected = [&[0, 0, 0, 3][..], &[7; 20], &[1, 2, 3], &[0, 0, 0, 0], &[8; 20]].concat();
        assert_eq!(encode_bundle(calls.iter()), expected);
    }
}
