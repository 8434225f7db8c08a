//! Recursive length prefix: how the chain spells lists, strings and numbers before it hashes them.
//!
//! Source: Ethereum yellow paper, appendix B.

use ruint::aliases::U256;

const STRING: u8 = 0x80;
const LIST: u8 = 0xc0;
/// Payloads up to this long have their length in the first byte.
const SHORT_MAX: usize = 55;

/// Returns the big-endian bytes of `number` without leading zeros; none for zero.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

/// Returns how many bytes a header takes that says `length`.
fn header_len(length: usize) -> usize {
    if length <= SHORT_MAX {
        1
    } else {
        1 + trimmed(&length.to_be_bytes()).len()
    }
}

fn write_header(out: &mut Vec<u8>, kind: u8, length: usize) {
    // Both bytes fit: a short length is at most 55, and a length has at most 8 bytes.
    #[allow(clippy::cast_possible_truncation)]
    if length <= SHORT_MAX {
        out.push(kind + length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let length = trimmed(&bytes);
        out.push(kind + SHORT_MAX as u8 + length.len() as u8);
        out.extend_from_slice(length);
    }
}

/// Returns how many bytes `bytes` take as a string.
pub(crate) fn string_len(bytes: &[u8]) -> usize {
    match bytes {
        [byte] if *byte < STRING => 1,
        _ => header_len(bytes.len()) + bytes.len(),
    }
}

/// Returns how many bytes a list takes whose items take `payload` together.
pub(crate) fn list_len(payload: usize) -> usize {
    header_len(payload) + payload
}

/// Returns how many bytes `number` takes.
pub(crate) fn number_len(number: u64) -> usize {
    string_len(trimmed(&number.to_be_bytes()))
}

/// Begins a list whose items take `payload` bytes together.
pub(crate) fn write_list(out: &mut Vec<u8>, payload: usize) {
    write_header(out, LIST, payload);
}

/// Writes `bytes` as a string.
pub(crate) fn write_string(out: &mut Vec<u8>, bytes: &[u8]) {
    match bytes {
        [byte] if *byte < STRING => out.push(*byte),
        _ => {
            write_header(out, STRING, bytes.len());
            out.extend_from_slice(bytes);
        }
    }
}

/// Writes `number`, without leading zeros.
pub(crate) fn write_number(out: &mut Vec<u8>, number: u64) {
    write_string(out, trimmed(&number.to_be_bytes()));
}

/// Writes `number`, without leading zeros.
pub(crate) fn write_uint256(out: &mut Vec<u8>, number: U256) {
    write_string(out, trimmed(&number.to_be_bytes::<32>()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out);
        out
    }

    #[test]
    fn strings_are_spelt_as_the_paper_says() {
        assert_eq!(written(|out| write_string(out, b"dog")), b"\x83dog");
        assert_eq!(written(|out| write_string(out, b"")), b"\x80");
        assert_eq!(written(|out| write_string(out, b"\x00")), b"\x00");
        assert_eq!(written(|out| write_string(out, b"\x7f")), b"\x7f");
        assert_eq!(written(|out| write_string(out, b"\x80")), b"\x81\x80");
        assert_eq!(written(|out| write_string(out, &[7; 55]))[0], 0xb7);
        assert_eq!(written(|out| write_string(out, &[7; 56]))[..2], [0xb8, 56]);
        assert_eq!(written(|out| write_string(out, &[7; 1024]))[..3], [0xb9, 4, 0]);
    }

    #[test]
    fn numbers_have_no_leading_zeros() {
        assert_eq!(written(|out| write_number(out, 0)), b"\x80");
        assert_eq!(written(|out| write_number(out, 15)), b"\x0f");
        assert_eq!(written(|out| write_number(out, 1024)), b"\x82\x04\x00");
        assert_eq!(written(|out| write_uint256(out, U256::MAX)).len(), 33);
        assert_eq!(written(|out| write_uint256(out, U256::from(1024))), b"\x82\x04\x00");
    }

    #[test]
    fn what_a_length_says_is_what_is_written() {
        for length in [0, 1, 2, 55, 56, 255, 256, 65_535, 65_536] {
            let bytes = vec![0x99; length];
            assert_eq!(written(|out| write_string(out, &bytes)).len(), string_len(&bytes));
            assert_eq!(written(|out| write_list(out, length)).len() + length, list_len(length));
        }
        for number in [0, 1, 127, 128, 255, 256, u64::MAX] {
            assert_eq!(written(|out| write_number(out, number)).len(), number_len(number));
        }
    }
}
