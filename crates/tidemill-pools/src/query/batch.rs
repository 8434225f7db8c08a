//! Many pools read together: the calls of all of them in one list, a call that several need but once.

use rustc_hash::FxHashMap;

use crate::multicall::Call;

use super::{Progress, Query, QueryError, Reading, Round};

/// One pool of the batch.
#[derive(Debug, Clone)]
enum Member {
    /// Being read; its calls stand at these places of the round's.
    Asking(Box<Query>, Vec<usize>),
    /// At its end.
    Ended(Result<Box<Reading>, QueryError>),
}

/// Pools that are read in the same rounds.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    members: Vec<Member>,
    round: Round,
}

impl Batch {
    /// Returns a batch of these queries, none of which has been answered yet.
    pub fn new(queries: Vec<Query>) -> Self {
        let members = queries.into_iter().map(|query| Member::Asking(Box::new(query), Vec::new())).collect();
        let mut batch = Self { members, round: Round::default() };
        batch.gather();
        batch
    }

    /// Returns the round; it has no calls where every pool is at its end.
    pub const fn round(&self) -> &Round {
        &self.round
    }

    /// Returns the round, to be given its answers.
    pub const fn round_mut(&mut self) -> &mut Round {
        &mut self.round
    }

    /// Ends the round, and finds the calls of the next.
    ///
    /// A pool of which a call has no answer ends with `Answers`.
    pub fn advance(&mut self) {
        for member in &mut self.members {
            let Member::Asking(query, places) = member else { continue };
            let expected = places.len();
            let answers: Vec<_> =
                places.iter().filter_map(|place| self.round.answer(*place).cloned()).collect();
            let progress = if answers.len() == expected {
                query.take(answers)
            } else {
                Progress::Failed(QueryError::Answers { expected, found: answers.len() })
            };
            match progress {
                Progress::Ask => {}
                Progress::Done(reading) => *member = Member::Ended(Ok(reading)),
                Progress::Failed(error) => *member = Member::Ended(Err(error)),
            }
        }
        self.gather();
    }

    /// Returns what became of each pool, in the order of the queries; `None` for one still being read.
    pub fn results(self) -> Vec<Option<Result<Box<Reading>, QueryError>>> {
        let result = |member| match member {
            Member::Asking(..) => None,
            Member::Ended(result) => Some(result),
        };
        self.members.into_iter().map(result).collect()
    }

    fn gather(&mut self) {
        let mut calls = Vec::new();
        let mut placed: FxHashMap<&Call, usize> = FxHashMap::default();
        for member in &mut self.members {
            let Member::Asking(query, places) = member else { continue };
            places.clear();
            for call in query.calls() {
                let next = placed.len();
                let place = *placed.entry(call).or_insert(next);
                if place == calls.len() {
                    calls.push(call.clone());
                }
                places.push(place);
            }
        }
        self.round = Round::new(calls);
    }
}
