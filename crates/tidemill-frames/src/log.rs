//! A log as a node spells it, one or an answer full of them, to `Logs`.

use std::fmt;

use memchr::memchr;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use tidemill_pools::{Hash, Log, Logs};

use crate::hex::Hex;
use crate::order::reject_duplicates;
use crate::FrameError;

/// How many bytes of JSON a log takes at least: what an answer's length reserves room for.
const LOG_JSON_BYTES: usize = 600;

/// How many topics a log has at most.
const TOPICS_MAX: usize = 4;

/// One log's texts, borrowed from the frame.
#[derive(Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
#[serde(bound(deserialize = "'de: 'a"), expecting = "a log")]
pub(crate) struct RawLog<'a> {
    address: Option<Hex<'a>>,
    topics: Option<Topics<'a>>,
    data: Option<Hex<'a>>,
    block_number: Option<Hex<'a>>,
    block_hash: Option<Hex<'a>>,
    transaction_hash: Option<Hex<'a>>,
    transaction_index: Option<Hex<'a>>,
    log_index: Option<Hex<'a>>,
}

/// At most four topics, without a list of their own.
#[derive(Default)]
struct Topics<'a> {
    texts: [Hex<'a>; TOPICS_MAX],
    count: usize,
}

impl<'de: 'a, 'a> Deserialize<'de> for Topics<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(TopicsVisitor)
    }
}

struct TopicsVisitor;

impl<'de> Visitor<'de> for TopicsVisitor {
    type Value = Topics<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("at most 4 topics")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut topics = Topics::default();
        while let Some(text) = sequence.next_element()? {
            let place =
                topics.texts.get_mut(topics.count).ok_or_else(|| A::Error::invalid_length(5, &self))?;
            *place = text;
            topics.count += 1;
        }
        Ok(topics)
    }
}

impl<'a> RawLog<'a> {
    /// Returns the field that is one text and called `name`.
    fn field(&mut self, name: &[u8]) -> Option<&mut Option<Hex<'a>>> {
        Some(match name {
            b"address" => &mut self.address,
            b"data" => &mut self.data,
            b"blockNumber" => &mut self.block_number,
            b"blockHash" => &mut self.block_hash,
            b"transactionHash" => &mut self.transaction_hash,
            b"transactionIndex" => &mut self.transaction_index,
            b"logIndex" => &mut self.log_index,
            _ => return None,
        })
    }

    /// Decodes the texts into `logs`; `bytes` is room for the data.
    #[inline]
    pub(crate) fn push_into(&self, logs: &mut Logs, bytes: &mut Vec<u8>) -> Result<(), FrameError> {
        let raw_topics = self.topics.as_ref().ok_or_else(|| FrameError::missing("log", "topics"))?;
        let mut topics: [Hash; TOPICS_MAX] = [[0; 32]; TOPICS_MAX];
        for (topic, text) in topics.iter_mut().zip(raw_topics.texts).take(raw_topics.count) {
            *topic = text.bytes("log topics")?;
        }
        self.decode_data(bytes)?;
        logs.push(&Log {
            address: &needed(self.address, "address")?.bytes("log address")?,
            topics: topics.get(..raw_topics.count).unwrap_or_default(),
            data: bytes,
            block_number: needed(self.block_number, "blockNumber")?.count64("log blockNumber")?,
            block_hash: &needed(self.block_hash, "blockHash")?.bytes("log blockHash")?,
            tx_hash: &needed(self.transaction_hash, "transactionHash")?.bytes("log transactionHash")?,
            tx_index: needed(self.transaction_index, "transactionIndex")?.count32("log transactionIndex")?,
            log_index: needed(self.log_index, "logIndex")?.count32("log logIndex")?,
        });
        Ok(())
    }

    #[inline]
    fn decode_data(&self, bytes: &mut Vec<u8>) -> Result<(), FrameError> {
        let data = needed(self.data, "data")?;
        let digits = data.digits("log data")?;
        let refused = || FrameError::new("log data", "0x and an even number of hex digits", data.0);
        // The decoder would take a second 0x and then miss a byte.
        if digits.len() % 2 != 0 || digits.starts_with(b"0x") {
            return Err(refused());
        }
        bytes.resize(digits.len() / 2, 0);
        const_hex::decode_to_slice(digits, bytes).map_err(|_| refused())
    }
}

fn needed<'a>(field: Option<Hex<'a>>, name: &str) -> Result<Hex<'a>, FrameError> {
    field.ok_or_else(|| FrameError::missing("log", name))
}

/// Reads the answer to `eth_getLogs`; the logs come in the chain's order.
///
/// # Errors
/// `Malformed` where the answer is no list of logs that have a place in the chain, or has a log twice.
pub fn parse_logs(result: &[u8]) -> Result<Logs, FrameError> {
    if let Some(mut logs) = scan_logs(result) {
        logs.sort();
        reject_duplicates(&logs)?;
        return Ok(logs);
    }
    let mut logs = Logs::with_capacity(result.len() / LOG_JSON_BYTES + 1, result.len() / 4);
    let mut refused = None;
    let mut deserializer = serde_json::Deserializer::from_slice(result);
    let read = LogsSeed { logs: &mut logs, refused: &mut refused }
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end());
    if let Some(error) = refused {
        return Err(error);
    }
    read.map_err(|error| FrameError::json("logs", "a list of logs", &error, result))?;
    logs.sort();
    reject_duplicates(&logs)?;
    Ok(logs)
}

/// Returns the logs of an answer in the spelling which nodes use; `None` for any other, which is then read as the
/// JSON that it is, and refused by name where it has to be.
///
/// That spelling has no space between the parts and no escape in a text. It takes half the time of reading JSON.
fn scan_logs(result: &[u8]) -> Option<Logs> {
    let mut scan = Scan { rest: result };
    if memchr(b'\\', result).is_some() {
        return None;
    }
    let mut logs = Logs::with_capacity(result.len() / LOG_JSON_BYTES + 1, result.len() / 4);
    let mut bytes = Vec::new();
    scan.take(b"[")?;
    while scan.rest != b"]" {
        if !logs.is_empty() {
            scan.take(b",")?;
        }
        scan.log()?.push_into(&mut logs, &mut bytes).ok()?;
    }
    Some(logs)
}

/// What is left of an answer that is scanned.
struct Scan<'a> {
    rest: &'a [u8],
}

impl<'a> Scan<'a> {
    fn take(&mut self, text: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(text)?;
        Some(())
    }

    /// Takes a text in quotes.
    fn text(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest.strip_prefix(b"\"")?;
        let (text, rest) = rest.split_at_checked(memchr(b'"', rest)?)?;
        self.rest = rest.strip_prefix(b"\"")?;
        Some(text)
    }

    fn log(&mut self) -> Option<RawLog<'a>> {
        let mut log = RawLog::default();
        self.take(b"{")?;
        loop {
            let name = self.text()?;
            self.take(b":")?;
            match name {
                b"topics" if log.topics.is_none() => log.topics = Some(self.topics()?),
                b"removed" => self.take(b"false").or_else(|| self.take(b"true"))?,
                b"blockTimestamp" => drop(Hex(self.text()?).count64("log blockTimestamp").ok()?),
                _ => {
                    let field = log.field(name).filter(|field| field.is_none())?;
                    *field = Some(Hex(self.text()?));
                }
            }
            if self.take(b"}").is_some() {
                return Some(log);
            }
            self.take(b",")?;
        }
    }

    fn topics(&mut self) -> Option<Topics<'a>> {
        let mut topics = Topics::default();
        self.take(b"[")?;
        while self.take(b"]").is_none() {
            if topics.count > 0 {
                self.take(b",")?;
            }
            *topics.texts.get_mut(topics.count)? = Hex(self.text()?);
            topics.count += 1;
        }
        Some(topics)
    }
}

/// Reads a list of logs straight into `logs`, and keeps the reason where a log's text is refused.
struct LogsSeed<'s> {
    logs: &'s mut Logs,
    refused: &'s mut Option<FrameError>,
}

impl<'de> DeserializeSeed<'de> for LogsSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for LogsSeed<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of logs")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let mut bytes = Vec::new();
        while let Some(raw) = sequence.next_element::<RawLog<'de>>()? {
            if let Err(error) = raw.push_into(self.logs, &mut bytes) {
                *self.refused = Some(error);
                return Err(A::Error::custom("a log is refused"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "0x96cfa0fb5e50b0a3f6cc76f3299cfbf48f17e8b41798d1394474e67ec8a97e9f";

    fn json(log_index: u32, data: &str) -> String {
        format!(
            r#"{{"address":"0x8ad599c3a0ff1de082011efddc58f1908eb6e6d8","topics":["{HASH}","{HASH}"],"data":"{data}",
            "blockNumber":"0x10","blockHash":"{HASH}","transactionHash":"{HASH}","transactionIndex":"0x2",
            "logIndex":"0x{log_index:x}","removed":false,"blockTimestamp":"0x6430ae13"}}"#
        )
    }

    #[test]
    fn logs_come_in_the_order_of_the_chain() {
        let answer = format!("[{},{}]", json(9, "0x0102"), json(3, "0x"));
        let logs = parse_logs(answer.as_bytes()).unwrap();
        let read: Vec<_> =
            logs.iter().map(|log| (log.log_index, log.topics.len(), log.data.to_vec())).collect();
        assert_eq!(read, [(3, 2, vec![]), (9, 2, vec![1, 2])]);
    }

    #[test]
    fn what_the_scan_says_the_json_says() {
        let compact = |log_index| json(log_index, "0x0102").replace(char::is_whitespace, "");
        let answer = format!("[{},{}]", compact(3), compact(9));
        let scanned = scan_logs(answer.as_bytes()).unwrap();
        assert_eq!(scanned.len(), 2);
        let spaced = answer.replace(',', ", ");
        assert_eq!(scan_logs(spaced.as_bytes()), None);
        assert_eq!(parse_logs(spaced.as_bytes()).unwrap(), scanned);
        assert_eq!(scan_logs(b"[]").map(|logs| logs.len()), Some(0));
    }

    #[test]
    fn any_other_spelling_is_left_to_the_reader_of_json() {
        let plain = json(3, "0x0102").replace(char::is_whitespace, "");
        for other in [
            plain.replace(r#""removed":false"#, r#""removed":null"#),
            plain.replace(r#""removed":false"#, r#""removed":false,"more":{}"#),
            plain.replace(r#""removed":false"#, r#""removed":false,"logIndex":"0x3""#),
            plain.replace(r#""0x0102""#, r#""0x\u0030""#),
            plain.replace("0x0102", "0x01021"),
            plain.replace('}', ""),
            format!("{plain},"),
            format!("{plain}{plain}"),
        ] {
            assert_eq!(scan_logs(format!("[{other}]").as_bytes()), None, "{other}");
        }
        assert_eq!(scan_logs(format!("[{plain}] ").as_bytes()), None);
        assert_eq!(scan_logs(b"["), None);
    }

    #[test]
    fn no_logs_are_no_fault() {
        assert!(parse_logs(b" [] ").unwrap().is_empty());
    }

    #[test]
    fn a_log_that_comes_twice_is_refused() {
        let answer = format!("[{},{}]", json(3, "0x"), json(3, "0x"));
        let error = parse_logs(answer.as_bytes()).unwrap_err().to_string();
        assert_eq!(error, "logs: expected each log once, found log 3 of block 16 twice");
    }

    #[test]
    fn what_is_wrong_with_a_log_is_named() {
        let cases = [
            (json(3, "0x123"), "log data: expected 0x and an even number of hex digits, found \"0x123\""),
            (json(3, "0x0x12"), "log data: expected 0x and an even number of hex digits, found \"0x0x12\""),
            (json(3, "zz"), "log data: expected hex that begins with 0x, found \"zz\""),
            (json(3, "0x").replace(r#""0x10""#, "null"), "log: expected the field blockNumber, found none"),
            (json(3, "0x").replace("logIndex", "other"), "log: expected the field logIndex, found none"),
        ];
        for (log, message) in cases {
            assert_eq!(parse_logs(format!("[{log}]").as_bytes()).unwrap_err().to_string(), message);
        }
        for answer in ["null", "{}", "[1]", "[] x", "[", r#"[{"topics":["0x1","0x1","0x1","0x1","0x1"]}]"#] {
            let error = parse_logs(answer.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("logs: expected a list of logs, found "), "{error}");
        }
    }
}
