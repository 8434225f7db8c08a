//! Many frames in the order they came, to what was heard: logs of one subscription that follow each other are one.

use std::borrow::Cow;

use tidemill_pools::{Hash, Head};

use crate::announced::LogPlace;
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
    /// Logs that came one after another.
    Logs {
        /// Which subscription says it.
        subscription: Cow<'a, str>,
        /// Blocks, in the order in which they were named, and their logs' indexes, ascending, each once.
        blocks: Vec<(Hash, Vec<u32>)>,
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
        /// Why.
        error: FrameError,
    },
}

/// What was heard, and the last of the frames that it was heard in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeardIn<'a> {
    /// What was heard.
    pub heard: Heard<'a>,
    /// The index of the frame; of several that were heard as one, the last.
    pub frame: usize,
}

/// Reads `frames`; one that cannot be read does not spoil the others.
pub fn read_frames<'a>(frames: impl IntoIterator<Item = &'a [u8]>) -> Vec<HeardIn<'a>> {
    let mut all = Vec::new();
    for (index, bytes) in frames.into_iter().enumerate() {
        match read_frame(bytes) {
            Ok(Frame::Batch(parts)) => parts.into_iter().for_each(|part| hear(&mut all, index, part)),
            other => hear(&mut all, index, other),
        }
    }
    for one in &mut all {
        if let Heard::Logs { blocks, .. } = &mut one.heard {
            for (_, indexes) in blocks {
                indexes.sort_unstable();
                indexes.dedup();
            }
        }
    }
    all
}

fn hear<'a>(all: &mut Vec<HeardIn<'a>>, frame: usize, said: Result<Frame<'a>, FrameError>) {
    let heard = match said {
        Ok(Frame::Head { subscription, head }) => Heard::Head { subscription, head },
        Ok(Frame::Log { subscription, place }) => return hear_log(all, frame, subscription, place),
        Ok(Frame::Other { subscription, result }) => Heard::Other { subscription, result },
        Ok(Frame::Answer { id, result }) => Heard::Answer { id, result },
        Ok(Frame::AnswerError { id, code, message, data }) => Heard::Refusal { id, code, message, data },
        // A batch inside a batch is no JSON-RPC: `read_frame` refuses it.
        Ok(Frame::Batch(_)) => return,
        Err(error) => Heard::Malformed { error },
    };
    all.push(HeardIn { heard, frame });
}

/// Adds one log to what was heard before it where they belong together.
fn hear_log<'a>(all: &mut Vec<HeardIn<'a>>, frame: usize, subscription: Cow<'a, str>, place: LogPlace) {
    let LogPlace { block_hash, log_index, is_removed } = place;
    match all.last_mut() {
        Some(HeardIn {
            heard: Heard::Logs { subscription: before, blocks, is_removed: was_removed },
            frame: last,
        }) if *before == subscription && *was_removed == is_removed => {
            *last = frame;
            match blocks.iter_mut().rev().find(|(hash, _)| *hash == block_hash) {
                Some((_, indexes)) => indexes.push(log_index),
                None => blocks.push((block_hash, vec![log_index])),
            }
        }
        _ => {
            let blocks = vec![(block_hash, vec![log_index])];
            all.push(HeardIn { heard: Heard::Logs { subscription, blocks, is_removed }, frame });
        }
    }
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
        let Heard::Logs { blocks, .. } = heard else { return Vec::new() };
        blocks.iter().flat_map(|(_, indexes)| indexes.clone()).collect()
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
        let read: Vec<_> = heard.iter().map(|one| (logs_of(&one.heard), one.frame)).collect();
        assert_eq!(read, [(vec![2, 5], 2), (vec![1], 3), (vec![1], 4), (vec![], 5), (vec![3], 6)]);
        assert!(matches!(heard[3].heard, Heard::Malformed { .. }));
    }

    #[test]
    fn a_batch_is_heard_answer_by_answer() {
        let frame = br#"[{"id":2,"result":"0x1"},[],{"id":1,"error":{"code":3,"message":"no"}}]"#;
        let heard = read_frames([frame.as_slice()]);
        assert!(matches!(heard[0].heard, Heard::Answer { id: 2, result: b"\"0x1\"" }));
        assert!(matches!(heard[1].heard, Heard::Malformed { .. }));
        assert!(matches!(heard[2].heard, Heard::Refusal { id: Some(1), code: 3, .. }));
        assert!(heard.iter().all(|one| one.frame == 0));
    }
}
