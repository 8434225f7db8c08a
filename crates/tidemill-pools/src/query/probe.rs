//! What kind of pool is at an address: what each kind alone answers, asked in one round.

use crate::chain::Address;

use super::balancer::{GET_POOL_ID, GET_VAULT};
use super::curve::{COINS, COINS_OLD, GAMMA};
use super::reading::DECIMALS;
use super::ticked::{GLOBAL_STATE, SLOT0};
use super::uniswap::{GET_RESERVES, STABLE, TOKEN0, TOKEN1};
use super::view::{Asked, Stop, View};
use super::words::word;
use super::{Kind, QueryError};

struct Probes<'a> {
    token0: Asked<'a>,
    token1: Asked<'a>,
    reserves: Asked<'a>,
    stable: Asked<'a>,
    slot0: Asked<'a>,
    global_state: Asked<'a>,
    coin: Asked<'a>,
    coin_old: Asked<'a>,
    gamma: Asked<'a>,
    pool_id: Asked<'a>,
    vault: Asked<'a>,
    /// Of no pool, but of tokens that swallow every call they do not know, as wrapped ether does.
    decimals: Asked<'a>,
}

/// Returns the kind of the pool at `address`.
pub(super) fn recognise(address: Address, view: &View<'_>) -> Result<Kind, Stop> {
    let probes = Probes {
        token0: view.ask(address, TOKEN0),
        token1: view.ask(address, TOKEN1),
        reserves: view.ask(address, GET_RESERVES),
        stable: view.ask(address, STABLE),
        slot0: view.ask(address, SLOT0),
        global_state: view.ask(address, GLOBAL_STATE),
        coin: view.ask_with(address, COINS, &[word(0)]),
        coin_old: view.ask_with(address, COINS_OLD, &[word(0)]),
        gamma: view.ask(address, GAMMA),
        pool_id: view.ask(address, GET_POOL_ID),
        vault: view.ask(address, GET_VAULT),
        decimals: view.ask(address, DECIMALS),
    };
    if probes.all_silent()? {
        return Err(QueryError::NotContract { address }.into());
    }
    if let Some(kind) = probes.pair_like()? {
        return Ok(kind);
    }
    if probes.vault.has_words(1, 1)? {
        let is_v2 = probes.pool_id.words_if_any()?.is_some_and(|id| id.starts_with(&address));
        return Ok(if is_v2 { Kind::BalancerV2 } else { Kind::BalancerV3 });
    }
    if probes.coin.has_words(1, 1)? || probes.coin_old.has_words(1, 1)? {
        let is_crypto = probes.gamma.has_words(1, 1)?;
        return Ok(if is_crypto { Kind::CurveCrypto } else { Kind::CurveStable });
    }
    if probes.has_pair()? {
        return Err(probes.broken(address)?.into());
    }
    Err(QueryError::UnknownPool { address }.into())
}

impl Probes<'_> {
    fn all_silent(&self) -> Result<bool, Stop> {
        let asked = [
            &self.token0,
            &self.reserves,
            &self.slot0,
            &self.global_state,
            &self.coin,
            &self.coin_old,
            &self.pool_id,
            &self.vault,
            &self.decimals,
        ];
        for answer in asked {
            if !answer.is_silent()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn has_pair(&self) -> Result<bool, Stop> {
        Ok(self.token0.has_words(1, 1)? && self.token1.has_words(1, 1)?)
    }

    /// Returns the kind of a pool of two tokens that names them `token0` and `token1`.
    fn pair_like(&self) -> Result<Option<Kind>, Stop> {
        if !self.has_pair()? {
            return Ok(None);
        }
        Ok(if self.slot0.has_words(7, 7)? {
            Some(Kind::UniswapV3)
        } else if self.global_state.has_words(6, 8)? {
            Some(Kind::Algebra)
        } else if self.reserves.has_words(3, 3)? {
            Some(if self.stable.has_words(1, 1)? { Kind::Solidly } else { Kind::UniswapV2 })
        } else {
            None
        })
    }

    /// Says what is wrong with a pool that has two tokens and tells no state.
    fn broken(&self, address: Address) -> Result<QueryError, Stop> {
        for (asked, call) in [
            (&self.slot0, "slot0()"),
            (&self.global_state, "globalState()"),
            (&self.reserves, "getReserves()"),
        ] {
            if let Some(words) = asked.words_if_any()? {
                let found = words.bytes_len();
                return Ok(QueryError::Malformed { address, call, expected: "a pool's state", found });
            }
        }
        let reason = self.reserves.words().err().and_then(|stop| match stop {
            Stop::Failed(error) => match *error {
                QueryError::Reverted { reason, .. } => Some(reason),
                _ => None,
            },
            Stop::Asking => None,
        });
        let call = "getReserves(), slot0() or globalState()";
        Ok(QueryError::Reverted { address, call, reason: reason.unwrap_or_default() })
    }
}
