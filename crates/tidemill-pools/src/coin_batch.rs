//! Pools of coins read to be followed: again after each block with a log of theirs, each time asking at once what the
//! reading before found out that there is to ask.

use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use crate::balancer_v2::BalancerV2;
use crate::balancer_v3::BalancerV3;
use crate::chain::Address;
use crate::coins::{Answers, RAMP_ENDS};
use crate::curve_crypto::CurveCrypto;
use crate::curve_stable::CurveStable;
use crate::multicall::{Answer, Call, Reverted};
use crate::query::{is_lasting, Detail, Expected, Kind, Progress, Query, QueryError, Reading, Round};
use crate::Pool;

/// How many pools are worth another core: below, waiting for it where all are busy takes longer than they do.
const POOLS_A_CORE: usize = 64;

/// A pool of coins as it was read after one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoinReading {
    /// Kind that it is; one of two tokens that follows its logs is recognised, and not read.
    pub kind: Kind,
    /// Contract that made it, or the vault that keeps its tokens; absent where it does not tell.
    pub factory: Option<Address>,
    /// Its tokens in the pool's own order, a share token of its own left out.
    pub coins: Vec<Address>,
    /// The pool to the last unit, or why there is none.
    pub pool: Result<Pool, String>,
    /// What it tells of the next reading.
    expected: Arc<Expected>,
}

/// What is to be read.
#[derive(Debug, Clone)]
pub struct CoinWanted {
    /// The pool.
    pub address: Address,
    /// Its kind; where it is absent it is found out first.
    pub kind: Option<Kind>,
    /// What was read of it before.
    pub before: Option<Arc<CoinReading>>,
}

/// Pools that are read in the same rounds, each of which is answered from the same block.
#[derive(Debug, Default)]
pub struct CoinBatch {
    members: Vec<Member>,
    timestamp_s: u64,
    is_described: bool,
    round: Round,
}

#[derive(Debug)]
enum Member {
    Asking(Box<Asking>),
    Ended(Result<Box<CoinReading>, QueryError>),
}

/// One pool on its way.
#[derive(Debug)]
struct Asking {
    query: Query,
    /// Whether its kind is known; where it is not, that alone is found out at first.
    is_recognised: bool,
    /// What is asked on top, once: a query does not need it, who follows the pool does.
    extra: Option<Call>,
    expected: Arc<Expected>,
    rounds: usize,
    /// How many of the round's calls are its own.
    asked: usize,
    /// What these gave.
    told: Answers,
}

impl Asking {
    fn new(wanted: &CoinWanted) -> Self {
        let expected = wanted.before.as_ref().map(|before| before.expected.clone()).unwrap_or_default();
        wanted.kind.map_or_else(
            || Self::of(Query::new(wanted.address, &[], Detail::Reserves), None, Arc::default()),
            |kind| Self::exactly(wanted.address, kind, expected),
        )
    }

    fn exactly(address: Address, kind: Kind, expected: Arc<Expected>) -> Self {
        let query = Query::expecting(address, &[kind], Detail::Exact, &expected);
        let extra = (kind == Kind::CurveStable).then(|| Call { to: address, data: RAMP_ENDS.to_vec() });
        Self { is_recognised: true, ..Self::of(query, extra, expected) }
    }

    fn of(query: Query, extra: Option<Call>, expected: Arc<Expected>) -> Self {
        Self { query, is_recognised: false, extra, expected, rounds: 0, asked: 0, told: Answers::new() }
    }

    /// Takes what a round gave, and says what became of the pool; `None` where it is still being read.
    fn advance(
        &mut self,
        timestamp_s: u64,
        is_described: bool,
    ) -> Option<Result<Box<CoinReading>, QueryError>> {
        let (expected, found) = (self.asked, self.told.len());
        if expected != found {
            return Some(Err(QueryError::Answers { expected, found }));
        }
        self.rounds += 1;
        match self.query.take_answered(std::mem::take(&mut self.told)) {
            Progress::Ask => None,
            Progress::Failed(error) => Some(Err(error)),
            Progress::Done(reading) if self.is_recognised => {
                let expected = self.expected_next();
                let answers = self.query.take_answers().into_iter().collect();
                Some(Ok(Box::new(CoinReading::of(*reading, answers, expected, timestamp_s))))
            }
            Progress::Done(reading) if is_described || !is_followed(reading.kind) => {
                let read = CoinReading::of(*reading, Answers::new(), Arc::default(), timestamp_s);
                Some(Ok(Box::new(read)))
            }
            Progress::Done(reading) => {
                *self = Self::exactly(reading.address, reading.kind, Arc::default());
                None
            }
        }
    }

    /// Returns what to expect of the next reading, where this one succeeded.
    fn expected_next(&self) -> Arc<Expected> {
        let was_expected = !self.expected.calls.is_empty();
        if was_expected && self.rounds == 1 {
            return self.expected.clone();
        }
        let told = || self.query.answers().iter();
        let lasting = told().filter(|(call, answer)| is_lasting(call, answer));
        let answers = lasting.map(|(call, answer)| (call.clone(), answer.clone())).collect();
        // Trials that had to be found out at the first try are to be found out at the next.
        let asked = told()
            .filter(|(call, answer)| !was_expected && !is_lasting(call, answer) && call.data != RAMP_ENDS);
        Arc::new(Expected { answers, calls: asked.map(|(call, _)| call.clone()).collect() })
    }
}

const fn is_followed(kind: Kind) -> bool {
    matches!(kind, Kind::CurveStable | Kind::CurveCrypto | Kind::BalancerV2 | Kind::BalancerV3)
}

impl CoinReading {
    fn of(reading: Reading, answers: Answers, expected: Arc<Expected>, timestamp_s: u64) -> Self {
        let (kind, factory) = (reading.kind, reading.factory);
        let coins = reading.coins.iter().map(|coin| coin.address).collect();
        let doubt = reading.exact.as_ref().err().map(ToString::to_string);
        let nameless =
            || reading.coins.iter().find_map(|coin| coin.decimals.err()).map(|fault| fault.to_string());
        let pool = match doubt.or_else(nameless) {
            Some(doubt) => Err(doubt),
            None => pool_of(reading, answers, timestamp_s),
        };
        Self { kind, factory, coins, pool, expected }
    }
}

fn pool_of(reading: Reading, answers: Answers, timestamp_s: u64) -> Result<Pool, String> {
    let pool = match reading.kind {
        Kind::CurveStable => CurveStable::told(reading, answers, timestamp_s).map(Pool::from),
        Kind::CurveCrypto => CurveCrypto::told(reading, answers, timestamp_s).map(Pool::from),
        Kind::BalancerV2 => BalancerV2::told(reading, answers, timestamp_s).map(Pool::from),
        Kind::BalancerV3 => BalancerV3::told(reading, answers, timestamp_s).map(Pool::from),
        kind => return Err(format!("a pool of kind {} is followed by its logs", kind.name())),
    };
    pool.map_err(|error| error.to_string())
}

impl CoinBatch {
    /// Returns a batch that reads these pools after the block at `timestamp_s`; what `is_described` is told without a state,
    /// as which kind and coins it has.
    pub fn new(wanted: &[CoinWanted], timestamp_s: u64, is_described: bool) -> Self {
        let members = wanted.iter().map(|one| Member::Asking(Box::new(Asking::new(one)))).collect();
        let mut batch = Self { members, timestamp_s, is_described, round: Round::default() };
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

    /// Ends the round, and finds the calls of the next; many pools are read on every core.
    ///
    /// A pool of which a call has no answer ends with `Answers`.
    pub fn advance(&mut self) {
        let mut given = std::mem::take(&mut self.round).into_told();
        for member in &mut self.members {
            if let Member::Asking(asking) = member {
                let told = given.by_ref().take(asking.asked);
                asking.told = told.filter_map(|(call, answer)| Some((call, kept(answer?)))).collect();
            }
        }
        let (timestamp_s, is_described) = (self.timestamp_s, self.is_described);
        let work = |members: &mut [Member]| {
            for member in members {
                if let Member::Asking(asking) = member {
                    if let Some(end) = asking.advance(timestamp_s, is_described) {
                        *member = Member::Ended(end);
                    }
                }
            }
        };
        let shares = match self.members.len() / POOLS_A_CORE + 1 {
            1 => 1, // asking how many cores there are takes as long as reading some pools
            wanted => wanted.min(thread::available_parallelism().map_or(1, NonZero::get)),
        };
        let share = self.members.len().div_ceil(shares).max(1);
        let mut parts = self.members.chunks_mut(share);
        let own = parts.next();
        thread::scope(|scope| {
            for part in parts {
                scope.spawn(move || work(part));
            }
            own.map(work);
        });
        self.gather();
    }

    /// Returns what became of each pool, in order; `None` for one still being read.
    pub fn results(self) -> Vec<Option<Result<Box<CoinReading>, QueryError>>> {
        let result = |member| match member {
            Member::Asking(_) => None,
            Member::Ended(result) => Some(result),
        };
        self.members.into_iter().map(result).collect()
    }

    fn gather(&mut self) {
        let mut calls = Vec::new();
        for member in &mut self.members {
            if let Member::Asking(asking) = member {
                let first = calls.len();
                calls.extend(asking.extra.take());
                calls.append(&mut asking.query.take_calls());
                asking.asked = calls.len() - first;
            }
        }
        self.round = Round::new(calls);
    }
}

/// Returns an answer as the pool's record keeps it, which must make the same pool: without why a call was refused.
fn kept(answer: Answer) -> Answer {
    answer.map_err(|_| Reverted(Vec::new()))
}
