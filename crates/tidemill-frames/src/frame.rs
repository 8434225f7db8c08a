//! One frame of a node's socket, to what it says: a head, a log, an answer, or a batch of answers.

use std::borrow::Cow;

use memchr::memmem;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use tidemill_pools::Head;

use crate::announced::{self, LogPlace, RawPlace};
use crate::{answered, parse_head, FrameError};

const EXPECTED: &str = "a JSON-RPC notice or answer";

/// What a node says in one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A new head of the chain.
    Head {
        /// Which subscription says it.
        subscription: Cow<'a, str>,
        /// The head.
        head: Head,
    },
    /// A log was added to the chain, or taken away by a reorg.
    Log {
        /// Which subscription says it.
        subscription: Cow<'a, str>,
        /// Where the log is.
        place: LogPlace,
    },
    /// Something else that a subscription says.
    Other {
        /// Which subscription says it.
        subscription: Cow<'a, str>,
        /// What it says, as JSON.
        result: &'a [u8],
    },
    /// The answer to a call.
    Answer {
        /// The call's number.
        id: u64,
        /// The answer, as JSON; a list of objects as it came, not looked through.
        result: &'a [u8],
    },
    /// The refusal of a call.
    AnswerError {
        /// The call's number; absent where the node could not tell which call it refuses.
        id: Option<u64>,
        /// The JSON-RPC code.
        code: i64,
        /// The node's own words.
        message: Cow<'a, str>,
        /// More of them, as JSON.
        data: Option<&'a [u8]>,
    },
    /// Answers in one frame; one that cannot be read does not spoil the others.
    Batch(Vec<Result<Frame<'a>, FrameError>>),
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct RawFrame<'a> {
    #[serde(default, borrow, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    method: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    params: Option<RawParams<'a>>,
    // A null result is an answer; only its absence is none.
    #[serde(default, borrow, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    error: Option<RawError<'a>>,
}

#[derive(Deserialize)]
#[serde(expecting = "a subscription and a result")]
struct RawParams<'a> {
    #[serde(borrow)]
    subscription: Cow<'a, str>,
    #[serde(borrow)]
    result: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(expecting = "a code and a message")]
struct RawError<'a> {
    code: i64,
    #[serde(default, borrow)]
    message: Cow<'a, str>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Reads one frame.
///
/// # Errors
/// `Malformed` where `bytes` are not a notice of a subscription, an answer, or a batch of answers.
pub fn read_frame(bytes: &[u8]) -> Result<Frame<'_>, FrameError> {
    if bytes.trim_ascii_start().first() != Some(&b'[') {
        return read_single(bytes);
    }
    let parts: Vec<&RawValue> =
        serde_json::from_slice(bytes).map_err(|error| FrameError::json("frame", EXPECTED, &error, bytes))?;
    Ok(Frame::Batch(parts.into_iter().map(|part| read_single(part.get().as_bytes())).collect()))
}

fn read_single(bytes: &[u8]) -> Result<Frame<'_>, FrameError> {
    if let Some((subscription, place)) = announced::scan(bytes) {
        return Ok(Frame::Log { subscription: Cow::Borrowed(subscription), place });
    }
    if let Some((id, result)) = answered::scan(bytes) {
        return Ok(Frame::Answer { id, result });
    }
    let raw: RawFrame<'_> =
        serde_json::from_slice(bytes).map_err(|error| FrameError::json("frame", EXPECTED, &error, bytes))?;
    raw.frame(bytes)
}

impl<'a> RawFrame<'a> {
    fn frame(self, bytes: &[u8]) -> Result<Frame<'a>, FrameError> {
        match self {
            Self { method: Some(method), params: Some(params), .. } if method == "eth_subscription" => {
                params.notice()
            }
            Self { error: Some(error), id, .. } => Ok(error.answer(call_number(id)?)),
            Self { result: Some(result), id, .. } => match call_number(id)? {
                Some(id) => Ok(Frame::Answer { id, result: result.get().as_bytes() }),
                None => Err(FrameError::missing("answer", "id")),
            },
            _ => Err(FrameError::new("frame", "an eth_subscription, a result or an error", bytes)),
        }
    }
}

fn call_number(id: Option<&RawValue>) -> Result<Option<u64>, FrameError> {
    let Some(text) = id.map(RawValue::get) else { return Ok(None) };
    serde_json::from_str(text)
        .map_err(|error| FrameError::json("answer id", "a number of ours", &error, text.as_bytes()))
}

impl<'a> RawError<'a> {
    fn answer(self, id: Option<u64>) -> Frame<'a> {
        let data = self.data.map(|data| data.get().as_bytes());
        Frame::AnswerError { id, code: self.code, message: self.message, data }
    }
}

impl<'a> RawParams<'a> {
    fn notice(self) -> Result<Frame<'a>, FrameError> {
        let Self { subscription, result } = self;
        let result = result.get().as_bytes();
        if memmem::find(result, b"\"topics\"").is_some() {
            let raw: RawPlace<'_> = serde_json::from_slice(result)
                .map_err(|error| FrameError::json("notice", "a log", &error, result))?;
            return Ok(Frame::Log { subscription, place: raw.place()? });
        }
        if memmem::find(result, b"\"parentHash\"").is_some() {
            if let Some(head) = parse_head(result)? {
                return Ok(Frame::Head { subscription, head });
            }
        }
        Ok(Frame::Other { subscription, result })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "0x96cfa0fb5e50b0a3f6cc76f3299cfbf48f17e8b41798d1394474e67ec8a97e9f";

    fn notice(result: &str) -> String {
        format!(
            r#"{{"jsonrpc":"2.0","method":"eth_subscription","params":{{"subscription":"0x9c","result":{result}}}}}"#
        )
    }

    #[test]
    fn a_new_head_is_read() {
        let text = notice(&format!(
            r#"{{"number":"0x2","hash":"{HASH}","parentHash":"{HASH}","timestamp":"0x3","gasUsed":"0x4","gasLimit":"0x5"}}"#
        ));
        let Frame::Head { subscription, head } = read_frame(text.as_bytes()).unwrap() else {
            panic!("{text}")
        };
        assert_eq!((subscription.as_ref(), head.number), ("0x9c", 2));
    }

    #[test]
    fn a_log_is_read_and_says_whether_it_was_removed() {
        let text = notice(&format!(
            r#"{{"address":"0x8ad599c3a0ff1de082011efddc58f1908eb6e6d8","topics":[],"data":"0x","blockNumber":"0x1",
            "blockHash":"{HASH}","transactionHash":"{HASH}","transactionIndex":"0x0","logIndex":"0x7","removed":true}}"#
        ));
        let Frame::Log { place, .. } = read_frame(text.as_bytes()).unwrap() else { panic!("{text}") };
        assert_eq!((place.log_index, place.is_removed), (7, true));
    }

    #[test]
    fn answers_are_read_alone_and_in_batches_and_null_is_an_answer() {
        let text = br#"[{"jsonrpc":"2.0","id":7,"result":null},{"id":8,"result":{"a":[1]}},17,
            {"id":null,"error":{"code":-32005,"message":"limit \"10\"","data":{"x":1}}}]"#;
        let Frame::Batch(frames) = read_frame(text).unwrap() else { panic!() };
        assert!(frames.iter().any(Result::is_err));
        assert_eq!(
            frames.into_iter().flatten().collect::<Vec<_>>(),
            [
                Frame::Answer { id: 7, result: b"null" },
                Frame::Answer { id: 8, result: br#"{"a":[1]}"# },
                Frame::AnswerError {
                    id: None,
                    code: -32005,
                    message: "limit \"10\"".into(),
                    data: Some(br#"{"x":1}"#)
                },
            ]
        );
    }

    #[test]
    fn another_subscription_is_passed_on() {
        let text = notice("true");
        let frame = read_frame(text.as_bytes()).unwrap();
        assert_eq!(frame, Frame::Other { subscription: "0x9c".into(), result: b"true" });
    }

    #[test]
    fn anything_else_is_malformed() {
        let texts: [&[u8]; 10] = [
            b"",
            b"\xff\xfe",
            b"null",
            b"{}",
            b"{\"id\":1}",
            b"{\"id\":-1,\"result\":1}",
            b"{\"id\":\"1\",\"result\":1}",
            b"{\"result\":1}",
            b"{\"method\":\"eth_subscription\"}",
            b"{\"method\":\"eth_subscription\",\"params\":{\"subscription\":\"1\",\"result\":{\"topics\":[]}}}",
        ];
        for text in texts {
            assert!(read_frame(text).is_err(), "{}", text.escape_ascii());
        }
    }
}
