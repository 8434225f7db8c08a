//! How the V2 vault and its pools scale amounts, take the fee, and move balances.
//!
//! Source: balancer-v2-monorepo, `BaseGeneralPool`, `BaseMinimalSwapInfoPool`, `BasePool`.

use ruint::aliases::U256;

use crate::balancer_fixed_point::{add, complement, div_down, div_up, is_unscaled, mul_down, mul_up, sub};
use crate::balancer_pool::Swapped;
use crate::abi::{address_of, hash, Fields, Tail};
use crate::chain::{Address, Hash, Log};
use crate::coins::{exchanged, moved as moved_liquidity, CoinPool, Dialect};
use crate::error::{DecodeError, PoolError};
use crate::kind::{CallTerms, Deed, PoolSpec};

/// `getPoolId()`, of a pool.
const GET_POOL_ID: [u8; 4] = [0x38, 0xff, 0xf2, 0xd0];
/// Topic of `TokensRegistered`.
const TOKENS_REGISTERED: Hash = hash("f5847d3f2197b16cdcd2098ec95d0905cd1abdaf415f07bb7cef2bba8ac5dec4");
/// Topic of `Swap`.
const SWAP: Hash = hash("2170c741c41531aec20e7c107c24eecfdd15e69c9bb0a8dd37b1840b9e0b207b");
/// Topic of `PoolBalanceChanged`.
const BALANCE_CHANGED: Hash = hash("e5ce249087ce04f05a957192435400fd97868dba0e6a4b4c049abf8af80dae78");
/// More than any pool of the vault that can be read has.
const TOKENS_MAX: usize = 64;

/// The V2 vault keeps a balance in 112 bits.
const MAX_BALANCE_BITS: usize = 112;

/// A raw balance and the factor that brings raw amounts to 18 decimals, its rate included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scaled {
    pub(crate) balance: U256,
    pub(crate) factor: U256,
}

impl Scaled {
    #[inline]
    pub(crate) fn up_scale(self, amount: U256) -> Result<U256, PoolError> {
        if is_unscaled(amount, self.factor) {
            Ok(amount)
        } else {
            mul_down(amount, self.factor)
        }
    }

    #[inline]
    pub(crate) fn down_scale_down(self, amount: U256) -> Result<U256, PoolError> {
        if is_unscaled(amount, self.factor) {
            Ok(amount)
        } else {
            div_down(amount, self.factor)
        }
    }

    #[inline]
    pub(crate) fn down_scale_up(self, amount: U256) -> Result<U256, PoolError> {
        if is_unscaled(amount, self.factor) {
            Ok(amount)
        } else {
            div_up(amount, self.factor)
        }
    }
}

/// Returns the value of a token; `Tokens` where there is none.
#[inline]
pub(crate) fn side(values: &[U256], token: usize) -> Result<U256, PoolError> {
    values.get(token).copied().ok_or(PoolError::Tokens)
}

/// Takes the fee, rounded up, from what is paid in; `Empty` where nothing is.
#[inline]
pub(crate) fn subtract_fee(amount_in: U256, fee: U256) -> Result<U256, PoolError> {
    if amount_in.is_zero() {
        return Err(PoolError::Empty);
    }
    sub(amount_in, mul_up(amount_in, fee)?)
}

/// Adds the fee to what is due, rounded up.
#[inline]
pub(crate) fn add_fee(amount_in: U256, fee: U256) -> Result<U256, PoolError> {
    div_up(amount_in, complement(fee))
}

/// Returns the balances after a swap.
pub(crate) fn moved(balances: &[U256], swapped: &Swapped) -> Result<Vec<U256>, PoolError> {
    let mut after = balances.to_vec();
    let balance = after.get_mut(swapped.token_in).ok_or(PoolError::Tokens)?;
    *balance = add(*balance, swapped.amount_in)?;
    if balance.bit_len() > MAX_BALANCE_BITS {
        return Err(PoolError::Overflow);
    }
    let balance = after.get_mut(swapped.token_out).ok_or(PoolError::Tokens)?;
    *balance = sub(*balance, swapped.amount_out)?;
    Ok(after)
}

fn pool_of(id: &Hash) -> Address {
    id.first_chunk::<20>().copied().unwrap_or_default()
}

/// Reads a join or an exit, which names its tokens; one that adds and takes at once is neither.
fn balance_changed(log: &Log<'_>, coins: &[Address]) -> Result<Option<Deed>, DecodeError> {
    let event = "PoolBalanceChanged";
    let tail = Tail::of::<3>(log, event)?;
    let tokens = tail.list(0, TOKENS_MAX, "address[] tokens")?;
    let deltas = tail.list(1, TOKENS_MAX, "int256[] deltas")?;
    let owner = tail.topic(2, "address liquidityProvider").address()?;
    let (mut amounts, mut signs) = (vec![U256::ZERO; coins.len()], Vec::new());
    for (token, delta) in tokens.iter().zip(deltas) {
        let (token, delta) = (address_of(token, event, "address token")?, U256::from_be_bytes(*delta));
        let place = coins.iter().position(|coin| *coin == token);
        if let Some(amount) = place.and_then(|place| amounts.get_mut(place)).filter(|_| !delta.is_zero()) {
            let is_negative = delta.bit(255);
            *amount = if is_negative { delta.wrapping_neg() } else { delta };
            signs.push(is_negative);
        }
    }
    signs.dedup();
    Ok(match *signs.as_slice() {
        [is_negative] => moved_liquidity(!is_negative, owner, &amounts),
        _ => None,
    })
}

/// Balancer V2's pools as they are followed: the vault speaks for them, and each for its own terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed;

impl Dialect for Followed {
    const PROTOCOL: &'static str = "balancer_v2";

    /// Every log of the vault about a pool has its id as the first field, which begins with the pool's address.
    fn subject(log: &Log<'_>) -> Option<Address> {
        match log.topics {
            [TOKENS_REGISTERED, ..] => None,
            [_, id, ..] => Some(pool_of(id)),
            _ => None,
        }
    }

    /// A composable pool registers its own share token between the others, which is none of its coins.
    fn created(log: &Log<'_>) -> Result<Option<(Address, Vec<Address>)>, DecodeError> {
        let [TOKENS_REGISTERED, id, ..] = log.topics else { return Ok(None) };
        let event = "TokensRegistered";
        let tokens = Tail::of::<2>(log, event)?.list(0, TOKENS_MAX, "address[] tokens")?;
        let coins: Result<Vec<_>, _> =
            tokens.iter().map(|word| address_of(word, event, "address token")).collect();
        let pool = pool_of(id);
        Ok(Some((pool, coins?.into_iter().filter(|coin| *coin != pool).collect())))
    }

    fn call_terms(
        pool: &CoinPool<Self>,
        spec: &PoolSpec,
        _token_in: &Address,
        _token_out: &Address,
    ) -> Option<CallTerms> {
        pool.told_word(GET_POOL_ID).map(|id| CallTerms::new(spec.factory, &[id]))
    }

    fn deed(log: &Log<'_>, coins: &[Address]) -> Result<Option<Deed>, DecodeError> {
        match log.topics {
            [SWAP, ..] => {
                let fields = Fields::<4, 64>::of(log, "Swap")?;
                let sides = [
                    (fields.topic(2, "address tokenIn").address()?, fields.word(0, "uint256 amountIn").u256()),
                    (
                        fields.topic(3, "address tokenOut").address()?,
                        fields.word(1, "uint256 amountOut").u256(),
                    ),
                ];
                Ok(Some(exchanged(None, coins, sides)))
            }
            [BALANCE_CHANGED, ..] => balance_changed(log, coins),
            _ => Ok(None),
        }
    }
}

/// A pool of the V2 vault that is followed.
pub type BalancerV2 = CoinPool<Followed>;
