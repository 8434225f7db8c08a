//! Many frames in the order they came, to what was heard: logs of one subscription that follow each other are one.

use std::borrow::Cow;

use tidemill_pools::{Head, Logs};

use crate::frame::LogNotice;
use crate::log::RawLog;
use crate::order::in_order;
use crate::{read_frame, Frame, FrameError};

/// What was heard in one or more frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard<'a> {
    /// A new head.
    Head {
        /// Which subscription says it.
        subscription: Cow<'a, str>,
        /// The head.
        head: Head,
    },
    /// Logs that came one after another, in the chain's order.
    Logs {
        /// Which subscription says it.
        subscription: Cow<'a, str>,
        /// The logs, exact copies once.
        logs: Logs,
        /// Whether a reorg took them away.
        is_removed: bool,
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
        /// The answer, as JSON.
        result: &'a [u8],
    },
    /// The refusal of a call.
    Refusal {
        /// The call's number; absent where the node could not tell which call it refuses.
        id: Option<u64>,
        /// The JSON-RPC code.
        code: i64,
        /// The node's own words.
        message: Cow<'a, str>,
        /// More of them, as JSON.
        data: Option<&'a [u8]>,
    },
    /// A frame, or one answer of it, that cannot be read.
    Malformed {
        /// Which of the frames.
        index: usize,
        /// Why.
        error: FrameError,
    },
}

/// Reads `frames`; one that cannot be read does not spoil the others.
pub fn read_frames<'a>(frames: impl IntoIterator<Item = &'a [u8]>) -> Vec<Heard<'a>> {
    let mut heard = Vec::new();
    let mut data = Vec::new();
    for (index, bytes) in frames.into_iter().enumerate() {
        if let Some((subscription, log)) = LogNotice::read(bytes) {
            if hear_log(&mut heard, subscription, &log, &mut data).is_ok() {
                continue;
            }
        }
        match read_frame(bytes) {
            Ok(Frame::Batch(parts)) => parts.into_iter().for_each(|part| hear(&mut heard, index, part)),
            other => hear(&mut heard, index, other),
        }
    }
    for one in &mut heard {
        if let Heard::Logs { logs, .. } = one {
            *logs = in_order(std::mem::take(logs));
        }
    }
    heard
}

/// Adds one log to the notice before it where they belong together; on an error nothing has changed.
fn hear_log<'a>(
    heard: &mut Vec<Heard<'a>>,
    subscription: Cow<'a, str>,
    log: &RawLog<'a>,
    data: &mut Vec<u8>,
) -> Result<(), FrameError> {
    let is_removed = log.is_removed();
    if let Some(Heard::Logs { subscription: before, logs, is_removed: was_removed }) = heard.last_mut() {
        if *before == subscription && *was_removed == is_removed {
            return log.push_into(logs, data);
        }
    }
    let mut logs = Logs::default();
    log.push_into(&mut logs, data)?;
    heard.push(Heard::Logs { subscription, logs, is_removed });
    Ok(())
}

fn hear<'a>(heard: &mut Vec<Heard<'a>>, index: usize, frame: Result<Frame<'a>, FrameError>) {
    let next = match frame {
        Ok(Frame::Head { subscription, head }) => Heard::Head { subscription, head },
        Ok(Frame::Log { subscription, log, is_removed }) => match heard.last_mut() {
            Some(Heard::Logs { subscription: before, logs, is_removed: was_removed })
                if *before == subscription && *was_removed == is_removed =>
            {
                logs.extend(log.iter());
                return;
            }
            _ => Heard::Logs { subscription, logs: log, is_removed },
        },
        Ok(Frame::Other { subscription, result }) => Heard::Other { subscription, result },
        Ok(Frame::Answer { id, result }) => Heard::Answer { id, result },
        Ok(Frame::AnswerError { id, code, message, data }) => Heard::Refusal { id, code, message, data },
        // A batch inside a batch is no JSON-RPC: `read_frame` refuses it.
        Ok(Frame::Batch(_)) => return,
        Err(error) => Heard::Malformed { index, error },
    };
    heard.push(next);
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "0x96cfa0fb5e50b0a3f6cc76f3299cfbf48f17e8b41798d1394474e67ec8a97e9f";

    fn log(subscription: &str, log_index: u32, is_removed: bool) -> Vec<u8> {
        format!(
            r#"{{"method":"eth_subscription","params":{{"subscription":"{subscription}","result":{{
            "address":"0x8ad599c3a0ff1de082011efddc58f1908eb6e6d8","topics":[],"data":"0x","blockNumber":"0x1",
            "blockHash":"{HASH}","transactionHash":"{HASH}","transactionIndex":"0x0","logIndex":"0x{log_index:x}",
            "removed":{is_removed}}}}}}}"#
        )
        .into_bytes()
    }

    fn logs_of(heard: &Heard<'_>) -> Vec<u32> {
        let Heard::Logs { logs, .. } = heard else { return Vec::new() };
        logs.iter().map(|log| log.log_index).collect()
    }

    #[test]
    fn logs_that_follow_each_other_become_one_notice_a_subscription() {
        let frames = [
            log("a", 5, false),
            log("a", 2, false),
            log("a", 5, false),
            log("b", 1, false),
            log("b", 1, true),
            b"nonsense".to_vec(),
            log("b", 3, true),
        ];
        let heard = read_frames(frames.iter().map(Vec::as_slice));
        let read: Vec<_> = heard.iter().map(logs_of).collect();
        assert_eq!(read, [vec![2, 5], vec![1], vec![1], vec![], vec![3]]);
        assert!(matches!(heard[3], Heard::Malformed { index: 5, .. }));
    }

    #[test]
    fn a_batch_is_heard_answer_by_answer() {
        let frame = br#"[{"id":2,"result":"0x1"},[],{"id":1,"error":{"code":3,"message":"no"}}]"#;
        let heard = read_frames([frame.as_slice()]);
        assert!(matches!(heard[0], Heard::Answer { id: 2, result: b"\"0x1\"" }));
        assert!(matches!(heard[1], Heard::Malformed { index: 0, .. }));
        assert!(matches!(heard[2], Heard::Refusal { id: Some(1), code: 3, .. }));
    }
}
