//! A pool as it was read: its tokens, what it holds, and what a swap needs.

use ruint::aliases::U256;

use crate::chain::Address;
use crate::error::PoolError;
use crate::uniswap_v2::{Fee, UniswapV2};
use crate::Pool;

use super::view::{Asked, Stop, View};
use super::words::{address_word, word};
use super::{Exact, Kind};

use super::view::Signature;

/// Most decimals at which one whole token fits 256 bits.
const DECIMALS_MAX: u64 = 77;
/// What Curve calls the chain's own coin.
const ETHER: Address = [0xee; 20];
const ETHER_DECIMALS: u8 = 18;

pub(super) const DECIMALS: Signature = Signature([0x31, 0x3c, 0xe5, 0x67], "decimals()");
const BALANCE_OF: Signature = Signature([0x70, 0xa0, 0x82, 0x31], "balanceOf(address)");

/// Why a token's decimals are absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecimalsFault {
    /// `decimals()` reverts, or there is no such view.
    Reverted,
    /// The answer is not one word.
    Shape {
        /// Length of the answer, bytes.
        found: usize,
    },
    /// The answer is a string.
    Text,
    /// The number is another than the one told before.
    Changed {
        /// The number told first.
        before: u8,
        /// The number told now.
        found: u8,
    },
    /// The number is above 77, so that one whole token would not fit 256 bits.
    Absurd {
        /// The number told.
        found: U256,
    },
}

impl std::fmt::Display for DecimalsFault {
    fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Reverted => text.write_str("expected decimals() from 0 to 77, found that it reverts"),
            Self::Shape { found } => {
                write!(text, "expected decimals() from 0 to 77 in one word, found {found} bytes")
            }
            Self::Text => text.write_str("expected decimals() from 0 to 77, found a string"),
            Self::Changed { before, found } => {
                write!(text, "expected decimals() of {before} as told before, found {found}")
            }
            Self::Absurd { found } => write!(text, "expected decimals() from 0 to 77, found {found}"),
        }
    }
}

/// One token of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coin {
    /// The token's contract.
    pub address: Address,
    /// Its decimals, or why they are absent.
    pub decimals: Result<u8, DecimalsFault>,
    /// What the pool holds of it, raw units; for pools with ticks what the token says that it holds, unclaimed fees
    /// included.
    pub reserve: U256,
}

/// Why a pool that was to be read exactly cannot be quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// It was not asked for.
    NotAsked,
    /// A V2 pair does not tell its fee: its factory's is to be set.
    FeeUnknown,
    /// No exact maths for this kind of pool is built in.
    NoMaths,
    /// A token's decimals are absent.
    Decimals,
    /// No generation of the contracts gives the answers that this pool gave to the same swaps.
    Disproved,
    /// A hook or a rate provider may change what a swap gives.
    Hooked,
    /// The pool is paused, or the maths refuses its numbers.
    Refused,
}

impl std::fmt::Display for Doubt {
    fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        text.write_str(match self {
            Self::NotAsked => "its exact state was not asked for",
            Self::FeeUnknown => "a pair does not tell its fee, and its factory's is not known",
            Self::NoMaths => "no exact maths for its kind is built in",
            Self::Decimals => "a token does not tell its decimals",
            Self::Disproved => "no maths that is built in gives the amounts that the pool itself quotes",
            Self::Hooked => "a hook may change what a swap gives",
            Self::Refused => "it is paused, or quotes nothing itself",
        })
    }
}

/// A pool as it stood after one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The pool.
    pub address: Address,
    /// Kind that it is.
    pub kind: Kind,
    /// Contract that made it, or the vault that keeps its tokens; absent where it does not tell.
    pub factory: Option<Address>,
    /// Its tokens in the pool's own order, 2 to 8, a Balancer pool's own share token not among them.
    pub coins: Vec<Coin>,
    /// Fee of a swap in 10^-18 of the amount, now; absent where the pool does not tell.
    pub fee_e18: Option<U256>,
    /// Square root of the price in 2^-96, tick and liquidity in range; absent for pools without ticks.
    pub slot: Option<Slot>,
    /// The pool to the last unit, or why there is none.
    pub exact: Result<Exact, Doubt>,
}

/// Where a pool with ticks stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Square root of the price in 2^-96.
    pub sqrt_price_x96: U256,
    /// Tick.
    pub tick: i32,
    /// Liquidity in range.
    pub liquidity: u128,
    /// Tick spacing.
    pub tick_spacing: i32,
}

impl Reading {
    /// Returns who has the pool's tokens: itself, or the vault that keeps them.
    pub fn holder(&self) -> Address {
        match self.kind {
            Kind::BalancerV2 | Kind::BalancerV3 => self.factory.unwrap_or(self.address),
            _ => self.address,
        }
    }

    /// Gives a V2 pair the fee that its factory's pairs have.
    ///
    /// # Errors
    /// `Overflow` where its reserves do not fit 112 bits; nothing happens to a pool of another kind.
    pub fn set_pair_fee(&mut self, fee: Fee) -> Result<(), PoolError> {
        if let (Kind::UniswapV2, [coin0, coin1]) = (self.kind, self.coins.as_slice()) {
            let reserve = |coin: &Coin| u128::try_from(coin.reserve).map_err(|_| PoolError::Overflow);
            let mut pair = UniswapV2::new(fee);
            pair.set_reserves(reserve(coin0)?, reserve(coin1)?)?;
            let (numerator, denominator) = fee.parts();
            let one = U256::from(1_000_000_000_000_000_000_u64);
            self.fee_e18 = Some(U256::from(denominator - numerator) * one / U256::from(denominator));
            self.exact = Ok(Exact::Pool(Pool::UniswapV2(pair)));
        }
        Ok(())
    }
}

/// A token whose decimals were asked.
pub(super) struct AskedCoin<'a> {
    address: Address,
    /// Absent for the chain's own coin, which cannot be asked.
    decimals: Option<Asked<'a>>,
    /// What it told first.
    before: Option<u8>,
}

impl AskedCoin<'_> {
    pub(super) fn with(&self, reserve: U256) -> Result<Coin, Stop> {
        Ok(Coin { address: self.address, decimals: self.decimals()?, reserve })
    }

    fn decimals(&self) -> Result<Result<u8, DecimalsFault>, Stop> {
        let Some(asked) = &self.decimals else { return Ok(Ok(ETHER_DECIMALS)) };
        Ok(match (self.before, told_decimals(asked)?) {
            (Some(before), Ok(found)) if before != found => Err(DecimalsFault::Changed { before, found }),
            (_, told) => told,
        })
    }
}

fn told_decimals(asked: &Asked<'_>) -> Result<Result<u8, DecimalsFault>, Stop> {
    if asked.revert()?.is_some() {
        return Ok(Err(DecimalsFault::Reverted));
    }
    let words = asked.words()?;
    if words.bytes_len() != 32 {
        let is_text = words.bytes_len() > 64 && words.word(0, "a string's offset")? == word(32);
        let shape = DecimalsFault::Shape { found: words.bytes_len() };
        return Ok(Err(if is_text { DecimalsFault::Text } else { shape }));
    }
    let found = words.u256(0, "uint8 decimals")?;
    Ok(match u8::try_from(found) {
        Ok(decimals) if u64::from(decimals) <= DECIMALS_MAX => Ok(decimals),
        _ => Err(DecimalsFault::Absurd { found }),
    })
}

/// Asks the tokens of a pool that was read before for their decimals, in the round that asks for its state.
pub(super) fn ask_coins_again(before: &Reading, view: &View<'_>) {
    for coin in &before.coins {
        let _ = ask_coin(coin.address, Some(before), view);
    }
}

/// Asks a token for its decimals; those told before are held against what it tells now.
pub(super) fn ask_coin<'a>(address: Address, before: Option<&Reading>, view: &View<'a>) -> AskedCoin<'a> {
    let known = before.and_then(|before| before.coins.iter().find(|coin| coin.address == address));
    let before = known.and_then(|coin| match coin.decimals {
        Ok(before) | Err(DecimalsFault::Changed { before, .. }) => Some(before),
        Err(_) => None,
    });
    let decimals = (address != ETHER).then(|| view.ask(address, DECIMALS));
    AskedCoin { address, decimals, before }
}

/// Asks a token what `holder` has of it.
pub(super) fn ask_balance<'a>(token: Address, holder: Address, view: &View<'a>) -> Asked<'a> {
    view.ask_with(token, BALANCE_OF, &[address_word(holder)])
}
