//! Which code does a pool run: the one that quotes every trial swap, to the unit, as the pool itself does.
//!
//! Generations of contracts that answer the same views differ in where they round. Amounts are looked for on which the
//! candidates differ, and the pool is asked for these.

use ruint::aliases::U256;

use crate::error::PoolError;

use super::reading::{Coin, Doubt};
use super::view::{Asked, Stop};

/// How many amounts are tried to tell two candidates apart; those that agree on all of them are as good as equal.
const TRIES: usize = 96;

/// A swap that the pool is to quote: coins by their places, and what is paid in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trial {
    pub(super) i: usize,
    pub(super) j: usize,
    pub(super) amount: U256,
}

/// What the pool quoted.
pub(super) type Told = (Trial, U256);

/// Returns about a part of what the pool holds: of the next lower power of two, so that the trials are mostly those of the
/// last time the pool was read.
fn part_of(coins: &[Coin], i: usize, part: usize) -> U256 {
    let reserve = coins.get(i).map_or(U256::ZERO, |coin| coin.reserve);
    let power = reserve.bit_len().checked_sub(1).map_or(U256::ZERO, |bits| U256::ONE << bits);
    power / U256::from(part) + U256::from(13)
}

/// Returns swaps in every direction that touches the first coin, and swaps that tell the candidates apart.
pub(super) fn trials<T>(
    candidates: &[T],
    coins: &[Coin],
    quote: impl Fn(&T, Trial) -> Result<U256, PoolError>,
) -> Vec<Trial> {
    trials_among(candidates, coins, quote, |_| true)
}

/// Returns trials as `trials` does; those of which `may_tell` says no surely tell no candidates apart.
pub(super) fn trials_among<T>(
    candidates: &[T],
    coins: &[Coin],
    quote: impl Fn(&T, Trial) -> Result<U256, PoolError>,
    may_tell: impl Fn(Trial) -> bool,
) -> Vec<Trial> {
    let directions = (1..coins.len()).flat_map(|k| [(0, k, 100), (k, 0, 9)]);
    let mut found: Vec<_> =
        directions.map(|(i, j, part)| Trial { i, j, amount: part_of(coins, i, part) }).collect();
    let mut pairs: Vec<(usize, usize)> = (0..candidates.len())
        .flat_map(|one| (one + 1..candidates.len()).map(move |other| (one, other)))
        .collect();
    for trial in (0..TRIES).map(|index| nth(coins, index)) {
        if pairs.is_empty() {
            break;
        }
        if !may_tell(trial) {
            continue;
        }
        let quoted: Vec<_> = candidates.iter().map(|candidate| quote(candidate, trial).ok()).collect();
        let is_apart = |(one, other): (usize, usize)| match (quoted.get(one), quoted.get(other)) {
            (Some(Some(one)), Some(Some(other))) => one != other,
            _ => false,
        };
        let before = pairs.len();
        pairs.retain(|pair| !is_apart(*pair));
        if pairs.len() < before && !found.contains(&trial) {
            found.push(trial);
        }
    }
    found
}

/// Returns a trial of another direction and size for each index.
fn nth(coins: &[Coin], index: usize) -> Trial {
    let count = coins.len().max(2);
    let (i, step) = (index % count, 1 + index / count % (count - 1));
    let j = (i + step) % count;
    Trial { i, j, amount: part_of(coins, i, 4 + index * index) }
}

/// Asks the pool for its quotes; one that it cannot quote is left out: the candidates are judged by the others.
pub(super) fn quotes<'a>(trials: Vec<Trial>, ask: impl Fn(Trial) -> Asked<'a>) -> Result<Vec<Told>, Stop> {
    let asked: Vec<_> = trials.into_iter().map(|trial| (trial, ask(trial))).collect();
    let mut told = Vec::with_capacity(asked.len());
    for (trial, answer) in asked {
        if let Some(words) = answer.words_if_any()? {
            told.push((trial, words.u256(0, "uint256 amount out")?));
        }
    }
    Ok(told)
}

/// Returns the first candidate that gives every answer the pool gave.
pub(super) fn proven<T>(
    candidates: Vec<T>,
    told: &[Told],
    quote: impl Fn(&T, Trial) -> Result<U256, PoolError>,
) -> Result<T, Doubt> {
    if told.is_empty() || candidates.is_empty() {
        return Err(Doubt::Refused);
    }
    let gives_all = |pool: &T| told.iter().all(|(trial, out)| quote(pool, *trial) == Ok(*out));
    candidates.into_iter().find(gives_all).ok_or(Doubt::Disproved)
}
