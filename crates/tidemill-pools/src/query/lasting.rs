//! Which answers stay the same after every block, so that they need not be asked again.

use crate::multicall::{Answer, Call};

use super::view::Signature;
use super::{balancer, curve, reading};

/// What was settled when the contract was made.
const SETTLED: [Signature; 10] = [
    curve::COINS,
    curve::COINS_OLD,
    curve::FACTORY,
    curve::BASE_POOL,
    balancer::GET_POOL_ID,
    balancer::GET_VAULT,
    balancer::SHARE_INDEX,
    balancer::ECLP,
    // Its value moves with the amplification; which balances it refuses does not, and that alone is asked.
    balancer::INVARIANT,
    // A pool took them when it was made: what a token tells later changes nothing of its rates.
    reading::DECIMALS,
];

/// What may change where a contract tells it; one that has no such view, or no such coin, never will.
const ABSENT: [Signature; 9] = [
    curve::BALANCES,
    curve::BALANCES_OLD,
    curve::A_PRECISE,
    curve::OFFPEG,
    curve::STORED_RATES,
    balancer::WEIGHTS,
    balancer::LEAST_BALANCES,
    balancer::AMPLIFICATION,
    balancer::SCALING,
];

/// Says whether a pool that was read exactly will be told the same of `call` after every later block.
pub fn is_lasting(call: &Call, answer: &Answer) -> bool {
    let is_of = |signature: &Signature| call.data.starts_with(&signature.0);
    let is_absent = answer.as_ref().map_or(true, Vec::is_empty);
    SETTLED.iter().any(is_of) || is_absent && ABSENT.iter().any(is_of)
}
