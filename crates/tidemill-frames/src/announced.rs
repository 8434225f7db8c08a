//! A notice of one log, which is most of what a node says, to the log's place; what the log holds, an answer tells.

use std::sync::LazyLock;

use memchr::{memchr, memmem::Finder};
use tidemill_pools::Hash;

use crate::hex::Hex;
use crate::FrameError;

/// What a notice says of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPlace {
    /// Hash of its block.
    pub block_hash: Hash,
    /// Its place in the block.
    pub log_index: u32,
    /// Whether a reorg took it away.
    pub is_removed: bool,
}

/// A log's texts, of which the others are passed over.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"), expecting = "a log")]
pub(crate) struct RawPlace<'a> {
    block_hash: Option<Hex<'a>>,
    log_index: Option<Hex<'a>>,
    removed: Option<bool>,
}

impl RawPlace<'_> {
    /// Decodes the texts.
    pub(crate) fn place(&self) -> Result<LogPlace, FrameError> {
        let needed = |field: Option<_>, name| field.ok_or_else(|| FrameError::missing("log", name));
        Ok(LogPlace {
            block_hash: Hex::bytes(needed(self.block_hash, "blockHash")?, "log blockHash")?,
            log_index: Hex::count32(needed(self.log_index, "logIndex")?, "log logIndex")?,
            is_removed: self.removed.unwrap_or(false),
        })
    }
}

const HEAD: &[u8] = br#"{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":""#;
const RESULT: &[u8] = br#","result":{"#;

static BLOCK_HASH: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""blockHash":"#));
static LOG_INDEX: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""logIndex":"#));
static REMOVED: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""removed":"#));
static TOPICS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""topics":"#));

/// Returns subscription and place of a log that is announced in the spelling which nodes use; `None` for any other
/// frame, which is then read as the JSON that it is.
///
/// No text of a log holds a quote, and the log holds no object: so a field's name, found in its quotes, is that
/// field. This takes a fifth of the time of reading the JSON.
pub(crate) fn scan(bytes: &[u8]) -> Option<(&str, LogPlace)> {
    let rest = bytes.strip_prefix(HEAD)?;
    let (subscription, rest) = rest.split_at_checked(memchr(b'"', rest)?)?;
    let log = rest.strip_prefix(b"\"")?.strip_prefix(RESULT)?.strip_suffix(b"}}}")?;
    if memchr(b'{', log).is_some() || memchr(b'\\', bytes).is_some() || TOPICS.find(log).is_none() {
        return None;
    }
    let block_hash = text_after(&BLOCK_HASH, log)?.bytes("log blockHash").ok()?;
    let log_index = text_after(&LOG_INDEX, log)?.count32("log logIndex").ok()?;
    let is_removed = after(&REMOVED, log)?.starts_with(b"true");
    Some((std::str::from_utf8(subscription).ok()?, LogPlace { block_hash, log_index, is_removed }))
}

fn after<'a>(name: &Finder<'_>, log: &'a [u8]) -> Option<&'a [u8]> {
    log.get(name.find(log)? + name.needle().len()..)
}

fn text_after<'a>(name: &Finder<'_>, log: &'a [u8]) -> Option<Hex<'a>> {
    let text = after(name, log)?.strip_prefix(b"\"")?;
    text.get(..memchr(b'"', text)?).map(Hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "0x96cfa0fb5e50b0a3f6cc76f3299cfbf48f17e8b41798d1394474e67ec8a97e9f";

    fn notice(log: &str) -> String {
        format!(
            r#"{{"jsonrpc":"2.0","method":"eth_subscription","params":{{"subscription":"0x9c","result":{log}}}}}"#
        )
    }

    fn log(log_index: &str, removed: &str) -> String {
        format!(
            r#"{{"address":"0x8a","topics":["{HASH}"],"data":"0x","blockHash":"{HASH}","logIndex":"{log_index}","removed":{removed}}}"#
        )
    }

    #[test]
    fn the_usual_spelling_is_scanned() {
        let text = notice(&log("0x1f", "false"));
        let (subscription, place) = scan(text.as_bytes()).unwrap();
        assert_eq!((subscription, place.log_index, place.is_removed), ("0x9c", 31, false));
        assert_eq!((place.block_hash[0], place.block_hash[31]), (0x96, 0x9f));
        assert!(scan(notice(&log("0x0", "true")).as_bytes()).unwrap().1.is_removed);
    }

    #[test]
    fn what_the_scan_says_the_json_says() {
        let text = log("0x7", "true");
        let raw: RawPlace<'_> = serde_json::from_str(&text).unwrap();
        assert_eq!(scan(notice(&text).as_bytes()).unwrap().1, raw.place().unwrap());
    }

    #[test]
    fn any_other_spelling_is_left_to_the_reader_of_json() {
        let plain = log("0x1f", "false");
        for other in [
            plain.replace(r#""logIndex":"#, r#""logIndex" :"#),
            plain.replace("0x1f", "1f"),
            plain.replace("0x1f", "0xzz"),
            plain.replace('}', r#","more":{}}"#),
            plain.replace('}', r#","more":"\"removed\":"}"#),
            plain.replace("topics", "tropics"),
            plain.replace(r#","removed":false"#, ""),
            "{}".to_owned(),
        ] {
            assert_eq!(scan(notice(&other).as_bytes()), None, "{other}");
        }
        assert_eq!(scan(b""), None);
        assert_eq!(scan(notice(&plain).trim_end_matches('}').as_bytes()), None);
    }
}
