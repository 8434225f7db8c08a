//! Pairs that keep reserves: Uniswap V2's and Solidly's; and what pools of two tokens have in common.

use ruint::aliases::U256;

use crate::chain::Address;
use crate::error::PoolError;

use super::lock;
use super::reading::{ask_coin, Doubt, Reading};
use super::solidly;
use super::view::{Asked, Signature, Stop, View};
use super::{Exact, Kind, QueryError, Wanted};

pub(super) const TOKEN0: Signature = Signature([0x0d, 0xfe, 0x16, 0x81], "token0()");
pub(super) const TOKEN1: Signature = Signature([0xd2, 0x12, 0x20, 0xa7], "token1()");
pub(super) const GET_RESERVES: Signature = Signature([0x09, 0x02, 0xf1, 0xac], "getReserves()");
pub(super) const STABLE: Signature = Signature([0x22, 0xbe, 0x3d, 0xe1], "stable()");
const FACTORY: Signature = Signature([0xc4, 0x5a, 0x01, 0x55], "factory()");

/// The two tokens and the factory, which last.
pub(super) enum Pair<'a> {
    Known { tokens: [Address; 2], factory: Option<Address> },
    Asked { token0: Asked<'a>, token1: Asked<'a>, factory: Asked<'a> },
}

pub(super) fn ask_pair<'a>(wanted: &Wanted<'_>, view: &View<'a>) -> Pair<'a> {
    let before = wanted.before.map(|before| (before.factory, before.coins.as_slice()));
    if let Some((factory, [coin0, coin1])) = before {
        return Pair::Known { tokens: [coin0.address, coin1.address], factory };
    }
    let ask = |signature| view.ask(wanted.address, signature);
    Pair::Asked { token0: ask(TOKEN0), token1: ask(TOKEN1), factory: ask(FACTORY) }
}

impl Pair<'_> {
    pub(super) fn tokens(&self, address: Address) -> Result<[Address; 2], Stop> {
        let [token0, token1] = match self {
            Self::Known { tokens, .. } => return Ok(*tokens),
            Self::Asked { token0, token1, .. } => {
                [token0.words()?.address(0, "address")?, token1.words()?.address(0, "address")?]
            }
        };
        if token0 == token1 {
            return Err(QueryError::Contradictory { address, problem: PoolError::Tokens }.into());
        }
        Ok([token0, token1])
    }

    /// Returns the factory; one that is no address is as good as none: nothing is computed from it.
    pub(super) fn factory(&self) -> Result<Option<Address>, Stop> {
        match self {
            Self::Known { factory, .. } => Ok(*factory),
            Self::Asked { factory, .. } => {
                Ok(factory.words_if_any()?.and_then(|words| words.address(0, "address").ok()))
            }
        }
    }
}

/// Reads a pair that keeps reserves.
pub(super) fn read_pair(kind: Kind, wanted: &Wanted<'_>, view: &View<'_>) -> Result<Reading, Stop> {
    let address = wanted.address;
    let reserves = view.ask(address, GET_RESERVES);
    // Every transaction opens the lock again, so that a pair once seen at rest stays at rest between blocks.
    let lock = wanted.before.is_none().then(|| lock::ask_pair(address, view));
    let pair = ask_pair(wanted, view);
    let terms = (kind == Kind::Solidly).then(|| solidly::ask_terms(address, view));
    let words = reserves.words()?;
    words.word(2, "three words of reserves and time")?;
    let bits = if kind == Kind::UniswapV2 { 112 } else { 256 };
    let held = [words.unsigned(0, bits, "uint112 reserve0")?, words.unsigned(1, bits, "uint112 reserve1")?];
    let [coin0, coin1] = pair.tokens(address)?.map(|token| ask_coin(token, wanted.before, view));
    if let Some(lock) = &lock {
        lock::check(lock, address)?;
    }
    let factory = pair.factory()?;
    let fee = terms.map(|terms| solidly::ask_fee(address, &terms, factory, view));
    let coins = vec![coin0.with(held[0])?, coin1.with(held[1])?];
    if held.iter().any(U256::is_zero) {
        return Err(QueryError::Empty { address }.into());
    }
    let mut reading =
        Reading { address, kind, factory, coins, fee_e18: None, slot: None, exact: Err(Doubt::FeeUnknown) };
    if let Some(fee) = fee {
        solidly::prove(&mut reading, &fee?, wanted.detail, view)?;
    }
    if let Some(Ok(Exact::Pool(crate::Pool::UniswapV2(before)))) = wanted.before.map(|before| &before.exact) {
        let set = reading.set_pair_fee(before.fee());
        set.map_err(|problem| QueryError::Contradictory { address, problem })?;
    }
    Ok(reading)
}
