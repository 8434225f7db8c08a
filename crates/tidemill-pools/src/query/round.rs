//! One round of questions: the calls that are asked together, and what came of them so far.

use crate::multicall::{Answer, Call};

/// Calls that are answered from the same block.
#[derive(Debug, Clone, Default)]
pub struct Round {
    calls: Vec<Call>,
    answers: Vec<Option<Answer>>,
}

impl Round {
    /// Returns a round of these calls, none of which has been answered yet.
    pub fn new(calls: Vec<Call>) -> Self {
        let answers = vec![None; calls.len()];
        Self { calls, answers }
    }

    /// Returns the calls; none where nothing is left to ask.
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// Takes answers of the calls from place `first` on; those beyond the last call are left out.
    pub fn put(&mut self, first: usize, answers: Vec<Answer>) {
        for (slot, answer) in self.answers.iter_mut().skip(first).zip(answers) {
            *slot = Some(answer);
        }
    }

    /// Returns what the call at a place gave; `None` where that has not come, or there is no such call.
    pub fn answer(&self, place: usize) -> Option<&Answer> {
        self.answers.get(place).and_then(Option::as_ref)
    }

    /// Returns the calls, in order, and what each gave.
    pub fn into_told(self) -> impl Iterator<Item = (Call, Option<Answer>)> {
        self.calls.into_iter().zip(self.answers)
    }
}
