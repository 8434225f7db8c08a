//! What is the state of the pool at an address: which calls to ask of the chain, round by round, and what the answers
//! mean. The kind of pool is recognised where it is not given.
//!
//! A reader of a kind is written as if every answer were there: what it asks and has no answer yet becomes a call of the
//! next round, and it is read from its beginning again when the answers have come.

mod balancer;
mod batch;
mod curve;
mod error;
mod exact;
mod kinds;
mod lasting;
mod lock;
mod probe;
mod proven;
mod reading;
mod round;
mod solidly;
mod ticked;
mod uniswap;
mod view;
mod words;

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use crate::chain::Address;
use crate::multicall::{Answer, Call};

pub use batch::Batch;
pub use error::QueryError;
pub use exact::Exact;
pub use kinds::{kinds_of, Kind, DEX_TYPES};
pub use lasting::is_lasting;
pub use reading::{Coin, DecimalsFault, Doubt, Reading, Slot};
pub use round::Round;

use view::{Stop, View};

/// Most rounds that any kind needs; more would mean that the chain answers without end.
const ROUNDS_MAX: usize = 8;

/// How much of a pool is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Tokens, reserves, price and fee.
    Reserves,
    /// Also what an exact swap needs, such as every tick of a Uniswap V3 pool.
    Exact,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The calls of `Query::calls` are to be asked, all of the same block's state.
    Ask,
    /// The pool is read.
    Done(Box<Reading>),
    /// The pool cannot be read, and asking again of the same block would not help.
    Failed(QueryError),
}

/// What was asked, each once, and what came, in the order in which it came.
pub type AnswersByCall = IndexMap<Call, Answer, FxBuildHasher>;

/// What an earlier query of the same pool tells of the next one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// What lasts, and need not be asked.
    pub answers: AnswersByCall,
    /// What most likely is all that is to be asked.
    pub calls: Vec<Call>,
}

/// One pool being read. Every round must be answered from the same block.
#[derive(Debug, Clone)]
pub struct Query {
    address: Address,
    kinds: Vec<Kind>,
    detail: Detail,
    /// What was read before, whose lasting parts are not asked again.
    before: Option<Box<Reading>>,
    is_probing: bool,
    known: AnswersByCall,
    calls: Vec<Call>,
    rounds: usize,
}

impl Query {
    /// Returns a query for the pool at `address`, which must be one of `kinds`, or of any kind where there are none.
    pub fn new(address: Address, kinds: &[Kind], detail: Detail) -> Self {
        Self::expecting(address, kinds, detail, &Expected::default())
    }

    /// Returns a query like `new` that begins with what an earlier one tells.
    pub fn expecting(address: Address, kinds: &[Kind], detail: Detail, expected: &Expected) -> Self {
        let mut query = Self {
            address,
            kinds: kinds.to_vec(),
            detail,
            before: None,
            is_probing: kinds.len() != 1,
            known: expected.answers.clone(),
            calls: expected.calls.clone(),
            rounds: 0,
        };
        if query.calls.is_empty() {
            query.start();
        }
        query
    }

    /// Returns a query for what may have changed since `before`: tokens and terms that last are not asked, and decimals are
    /// held against those told before.
    pub fn again(before: Reading, detail: Detail) -> Self {
        let mut query = Self {
            address: before.address,
            kinds: vec![before.kind],
            detail,
            before: Some(Box::new(before)),
            is_probing: false,
            known: AnswersByCall::default(),
            calls: Vec::new(),
            rounds: 0,
        };
        query.start();
        query
    }

    /// Returns the calls of this round, each of which may fail.
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// Takes the calls of this round away, to be given to `take_answered` with what came.
    pub fn take_calls(&mut self) -> Vec<Call> {
        std::mem::take(&mut self.calls)
    }

    /// Takes the calls of this round, and others, with what each gave.
    pub fn take_answered(&mut self, told: Vec<(Call, Answer)>) -> Progress {
        self.known.extend(told);
        self.advance()
    }

    /// Returns all that was told so far, what was expected to last included.
    pub const fn answers(&self) -> &AnswersByCall {
        &self.known
    }

    /// Takes all of that away, where the query is at its end.
    pub fn take_answers(&mut self) -> AnswersByCall {
        std::mem::take(&mut self.known)
    }

    /// Returns the pool's address.
    pub fn address(&self) -> Address {
        self.address
    }

    /// Takes what the calls of this round gave, in their order.
    pub fn take(&mut self, answers: Vec<Answer>) -> Progress {
        if answers.len() != self.calls.len() {
            return Progress::Failed(QueryError::Answers {
                expected: self.calls.len(),
                found: answers.len(),
            });
        }
        self.known.extend(self.calls.drain(..).zip(answers));
        self.advance()
    }

    /// Finds the calls of the first round.
    fn start(&mut self) {
        // Without answers there is nothing but questions.
        let _ = self.advance();
    }

    fn advance(&mut self) -> Progress {
        self.rounds += 1;
        let view = View::new(&self.known);
        let read = self.read(&view);
        let missing = view.into_missing();
        match read {
            Ok(reading) => Progress::Done(Box::new(reading)),
            Err(Stop::Asking) if self.rounds > ROUNDS_MAX || missing.is_empty() => {
                Progress::Failed(QueryError::Endless { address: self.address, rounds: self.rounds })
            }
            Err(Stop::Asking) => {
                self.calls = missing;
                Progress::Ask
            }
            Err(Stop::Failed(_)) if !self.is_probing && self.before.is_none() => {
                // The pool is not what it was said to be, or is that and broken: find out which.
                self.is_probing = true;
                self.advance()
            }
            Err(Stop::Failed(error)) => Progress::Failed(error.of_pool(self.address)),
        }
    }

    fn read(&self, view: &View<'_>) -> Result<Reading, Stop> {
        let kind = match self.kinds.as_slice() {
            [kind] if !self.is_probing => *kind,
            _ => probe::recognise(self.address, view)?,
        };
        if !self.kinds.is_empty() && !self.kinds.contains(&kind) {
            let expected = self.kinds.clone();
            return Err(QueryError::WrongKind { address: self.address, expected, found: kind }.into());
        }
        if let Some(before) = &self.before {
            reading::ask_coins_again(before, view);
        }
        let wanted = Wanted { address: self.address, detail: self.detail, before: self.before.as_deref() };
        match kind {
            Kind::UniswapV2 | Kind::Solidly => uniswap::read_pair(kind, &wanted, view),
            Kind::UniswapV3 | Kind::Algebra => ticked::read_ticked(kind, &wanted, view),
            Kind::CurveStable => curve::read_stable(&wanted, view),
            Kind::CurveCrypto => curve::read_crypto(&wanted, view),
            Kind::BalancerV2 => balancer::read_v2(&wanted, view),
            Kind::BalancerV3 => balancer::read_v3(&wanted, view),
        }
    }
}

/// What a reader of one kind is to read.
struct Wanted<'a> {
    address: Address,
    detail: Detail,
    before: Option<&'a Reading>,
}
