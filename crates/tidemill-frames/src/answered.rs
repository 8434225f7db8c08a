//! An answer that is a list of objects, as logs are: most of what answers weigh, passed on unread.

use memchr::memchr;

const HEAD: &[u8] = br#"{"jsonrpc":"2.0","id":"#;
const RESULT: &[u8] = br#","result":"#;

/// Returns call and result of an answer that is a list of objects, in the spelling which nodes use; `None` for any other
/// frame, which is then read as the JSON that it is.
///
/// Who asked for the list reads all of it, and finds what is wrong with it, were it not the end of the answer: to
/// look through it before takes half as long again.
pub(crate) fn scan(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let rest = bytes.strip_prefix(HEAD)?;
    let (id, rest) = rest.split_at_checked(memchr(b',', rest)?)?;
    let result = rest.strip_prefix(RESULT)?.strip_suffix(b"}")?;
    let is_list = result.starts_with(b"[{") && result.ends_with(b"}]");
    Some((serde_json::from_slice(id).ok()?, result)).filter(|_| is_list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_logs;

    #[test]
    fn the_usual_spelling_is_scanned() {
        let text = br#"{"jsonrpc":"2.0","id":17,"result":[{"a":1},{"b":[2]}]}"#;
        assert_eq!(scan(text), Some((17, br#"[{"a":1},{"b":[2]}]"#.as_slice())));
    }

    #[test]
    fn any_other_spelling_is_left_to_the_reader_of_json() {
        for other in [
            r#"{"jsonrpc":"2.0","id":17,"result":[]}"#,
            r#"{"jsonrpc":"2.0","id":17,"result":"0x"}"#,
            r#"{"jsonrpc":"2.0","id":17,"result":null,"error":{"code":1,"message":""}}"#,
            r#"{"jsonrpc":"2.0","id":17,"error":{"code":1,"message":""}}"#,
            r#"{"jsonrpc":"2.0","id":"17","result":[{}]}"#,
            r#"{"jsonrpc":"2.0","id":-1,"result":[{}]}"#,
            r#"{"jsonrpc":"2.0","id":017,"result":[{}]}"#,
            r#"{"jsonrpc":"2.0","id":17,"result":[{}],"more":1}"#,
            r#"{"jsonrpc":"2.0","result":[{}],"id":17}"#,
            r#"{"jsonrpc": "2.0","id":17,"result":[{}]}"#,
            r#"{"jsonrpc":"2.0","id":17,"result":[{}]} "#,
            "",
        ] {
            assert_eq!(scan(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn what_is_wrong_with_the_list_its_reader_finds() {
        for result in
            [r#"[{},"id":[{}]"#, r#"[{}],"error":[{}]"#, "[{\"a\":\"\n\"}]", r#"[{"a":}]"#, "[{}},{}]"]
        {
            let text = format!(r#"{{"jsonrpc":"2.0","id":17,"result":{result}}}"#);
            assert!(parse_logs(scan(text.as_bytes()).unwrap().1).is_err(), "{result}");
        }
    }
}
