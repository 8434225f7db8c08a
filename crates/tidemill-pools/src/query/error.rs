//! Why the pool at an address cannot be read.

use thiserror::Error;

use crate::chain::Address;
use crate::error::{hex, PoolError};

use super::Kind;

/// Why a pool cannot be read. Each says what was expected, what was found, and of which address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QueryError {
    /// No code is at the address.
    #[error("0x{}: expected a contract, found none: every call gave nothing", hex(address))]
    NotContract {
        /// Address asked.
        address: Address,
    },
    /// A contract, but of no kind of pool that is known.
    #[error("0x{}: expected a pool of a known kind, found a contract that answers as none", hex(address))]
    UnknownPool {
        /// Address asked.
        address: Address,
    },
    /// A pool of another kind than it was said to be.
    #[error("0x{}: expected a pool of kind {}, found {}", hex(address), names(expected), found.name())]
    WrongKind {
        /// Address asked.
        address: Address,
        /// Kinds that would have been right.
        expected: Vec<Kind>,
        /// Kind that it is.
        found: Kind,
    },
    /// A view that every pool of the kind has reverts.
    #[error("0x{}: expected an answer to {call}, found that it reverts{}", hex(address), because(reason))]
    Reverted {
        /// Contract asked.
        address: Address,
        /// The view's signature.
        call: &'static str,
        /// What the contract gave as its reason.
        reason: Vec<u8>,
    },
    /// A view's answer has another shape.
    #[error("0x{}: expected {expected} from {call}, found {found} bytes", hex(address))]
    Malformed {
        /// Contract asked.
        address: Address,
        /// The view's signature.
        call: &'static str,
        /// Shape of an answer.
        expected: &'static str,
        /// Length of the answer.
        found: usize,
    },
    /// A number in an answer does not fit its type.
    #[error("0x{}: expected {expected} in range from {call}, found 0x{}", hex(address), hex(word))]
    Range {
        /// Contract asked.
        address: Address,
        /// The view's signature.
        call: &'static str,
        /// The number and its type.
        expected: &'static str,
        /// The word as it was told.
        word: [u8; 32],
    },
    /// The pool is in the middle of a swap.
    #[error("0x{}: expected a pool at rest, found it locked in the middle of a swap", hex(address))]
    Locked {
        /// Address asked.
        address: Address,
    },
    /// The pool holds nothing to swap, or has no price yet.
    #[error("0x{}: expected a pool with liquidity, found it empty", hex(address))]
    Empty {
        /// Address asked.
        address: Address,
    },
    /// The pool has fewer or more tokens than any pool that is known.
    #[error("0x{}: expected 2 to {max} tokens, found {found}", hex(address))]
    Tokens {
        /// Address asked.
        address: Address,
        /// Most tokens a pool of the kind has.
        max: usize,
        /// Tokens found.
        found: usize,
    },
    /// The pool claims more initialised ticks than are read.
    #[error("0x{}: expected at most {max} initialised ticks, found {found}", hex(address))]
    Ticks {
        /// Address asked.
        address: Address,
        /// Most ticks that are read.
        max: usize,
        /// Ticks whose bits are set.
        found: usize,
    },
    /// The answers contradict each other, or what the kind's maths allows.
    #[error("0x{}: expected answers that make a pool, found them contradictory: {problem}", hex(address))]
    Contradictory {
        /// Address asked.
        address: Address,
        /// What its maths says.
        problem: PoolError,
    },
    /// Another contract that the pool needs, such as a token of it or its vault, fails it.
    #[error("pool 0x{}: {error}", hex(pool))]
    Needed {
        /// Address asked.
        pool: Address,
        /// What the other contract did.
        error: Box<QueryError>,
    },
    /// Not as many answers as calls: the caller's mistake or the node's.
    #[error("expected {expected} answers, found {found}")]
    Answers {
        /// Calls of the round.
        expected: usize,
        /// Answers given.
        found: usize,
    },
    /// Every answer leads to another question.
    #[error("0x{}: expected a pool that is read in a few rounds, found none after {rounds}", hex(address))]
    Endless {
        /// Address asked.
        address: Address,
        /// Rounds asked.
        rounds: usize,
    },
}

impl QueryError {
    /// Returns a name of the reason, in lower case, for those who branch on it.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotContract { .. } => "not_contract",
            Self::UnknownPool { .. } => "unknown_pool",
            Self::WrongKind { .. } => "wrong_kind",
            Self::Reverted { .. } => "reverted",
            Self::Malformed { .. } => "malformed",
            Self::Range { .. } => "out_of_range",
            Self::Locked { .. } => "locked",
            Self::Empty { .. } => "empty",
            Self::Tokens { .. } => "tokens",
            Self::Ticks { .. } => "ticks",
            Self::Contradictory { .. } => "contradictory",
            Self::Needed { error, .. } => error.reason(),
            Self::Answers { .. } => "answers",
            Self::Endless { .. } => "endless",
        }
    }

    /// Names the pool beside the contract that failed it, where that is another.
    pub(super) fn of_pool(self, pool: Address) -> Self {
        let failed = match &self {
            Self::Reverted { address, .. }
            | Self::Malformed { address, .. }
            | Self::Range { address, .. }
            | Self::Tokens { address, .. } => *address,
            _ => pool,
        };
        if failed == pool {
            return self;
        }
        Self::Needed { pool, error: Box::new(self) }
    }
}

fn names(kinds: &[Kind]) -> String {
    let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
    names.join(" or ")
}

fn because(reason: &[u8]) -> String {
    text_of(reason).map_or_else(String::new, |text| format!(": {text}"))
}

/// Returns the text of a revert, where it is one: `Error(string)`.
pub(super) fn text_of(reason: &[u8]) -> Option<&str> {
    reason
        .strip_prefix(&[0x08, 0xc3, 0x79, 0xa0])
        .and_then(|words| {
            let size = usize::try_from(u64::from_be_bytes(words.get(56..64)?.try_into().ok()?)).ok()?;
            words.get(64..64_usize.checked_add(size)?)
        })
        .and_then(|text| std::str::from_utf8(text).ok())
        .filter(|text| text.chars().all(|character| !character.is_control()) && text.len() <= 100)
}
