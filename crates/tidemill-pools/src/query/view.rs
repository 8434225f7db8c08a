//! What the chain has answered so far, and what is still to be asked.

use std::cell::RefCell;

use rustc_hash::FxHashMap;

use crate::chain::Address;
use crate::multicall::{Answer, Call, Reverted};

use super::words::Words;
use super::{AnswersByCall, QueryError};

/// Why a reader stops before its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// Answers are missing; they are asked for in the next round.
    Asking,
    /// The pool cannot be read.
    Failed(Box<QueryError>),
}

impl From<QueryError> for Stop {
    fn from(error: QueryError) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// A view function: its selector, and its signature for messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signature(pub(super) [u8; 4], pub(super) &'static str);

/// The answers, and the questions that had none.
pub(super) struct View<'a> {
    known: &'a AnswersByCall,
    /// Each once, with its place.
    missing: RefCell<FxHashMap<Call, usize>>,
}

/// An answer that may not be there yet. Ask for everything first and look then, so that one round asks it all.
#[must_use]
pub(super) struct Asked<'a> {
    address: Address,
    call: &'static str,
    answer: Option<&'a Answer>,
}

impl<'a> View<'a> {
    pub(super) fn new(known: &'a AnswersByCall) -> Self {
        Self { known, missing: RefCell::default() }
    }

    /// Returns what was asked in vain, each once, in the order in which it was first asked.
    pub(super) fn into_missing(self) -> Vec<Call> {
        let mut missing: Vec<_> = self.missing.into_inner().into_iter().collect();
        missing.sort_unstable_by_key(|(_, place)| *place);
        missing.into_iter().map(|(call, _)| call).collect()
    }

    /// Asks a view without arguments.
    pub(super) fn ask(&self, to: Address, signature: Signature) -> Asked<'a> {
        self.ask_with(to, signature, &[])
    }

    /// Asks a view of one word.
    pub(super) fn ask_with(&self, to: Address, signature: Signature, words: &[[u8; 32]]) -> Asked<'a> {
        let mut data = Vec::with_capacity(4 + 32 * words.len());
        data.extend_from_slice(&signature.0);
        data.extend_from_slice(words.as_flattened());
        self.ask_data(to, signature.1, data)
    }

    /// Asks with calldata that is encoded already.
    pub(super) fn ask_data(&self, to: Address, signature: &'static str, data: Vec<u8>) -> Asked<'a> {
        let call = Call { to, data };
        let answer = self.known.get(&call);
        if answer.is_none() {
            let mut missing = self.missing.borrow_mut();
            let place = missing.len();
            missing.entry(call).or_insert(place);
        }
        Asked { address: to, call: signature, answer }
    }
}

impl<'a> Asked<'a> {
    /// Returns the words of the answer; `Reverted` where the contract refuses, as one without code seems to.
    pub(super) fn words(&self) -> Result<Words<'a>, Stop> {
        match self.answer {
            None => Err(Stop::Asking),
            Some(Ok(bytes)) => Ok(Words::new(self.address, self.call, bytes)),
            Some(Err(Reverted(reason))) => {
                let (address, call, reason) = (self.address, self.call, reason.clone());
                Err(QueryError::Reverted { address, call, reason }.into())
            }
        }
    }

    /// Returns the words of the answer; `None` where the contract refuses or says nothing.
    pub(super) fn words_if_any(&self) -> Result<Option<Words<'a>>, Stop> {
        match self.answer {
            None => Err(Stop::Asking),
            Some(Ok(bytes)) if !bytes.is_empty() => Ok(Some(Words::new(self.address, self.call, bytes))),
            Some(_) => Ok(None),
        }
    }

    /// Returns what the contract gave as its reason to refuse; `None` where it answers.
    pub(super) fn revert(&self) -> Result<Option<&'a [u8]>, Stop> {
        match self.answer {
            None => Err(Stop::Asking),
            Some(answer) => Ok(answer.as_ref().err().map(|Reverted(reason)| reason.as_slice())),
        }
    }

    /// Says whether the contract answered with whole words, at least `least` and at most `most` of them.
    pub(super) fn has_words(&self, least: usize, most: usize) -> Result<bool, Stop> {
        let words = self.words_if_any()?;
        Ok(words.is_some_and(|words| words.bytes_len() % 32 == 0 && (least..=most).contains(&words.len())))
    }

    /// Says whether the call succeeded and gave nothing, as every call of an address without code does.
    pub(super) fn is_silent(&self) -> Result<bool, Stop> {
        match self.answer {
            None => Err(Stop::Asking),
            Some(answer) => Ok(answer.as_ref().is_ok_and(Vec::is_empty)),
        }
    }
}
