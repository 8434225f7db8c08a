//! Curve pools: coins by their index until one reverts, and rules that are proven by the pool's own quotes.
//!
//! The generations of the contracts cannot be told apart by what they answer, but by what they quote.

mod crypto;
mod stable;

use ruint::aliases::U256;

use crate::chain::Address;
use crate::error::PoolError;

use super::proven::{quotes, trials, Told, Trial};
use super::reading::{ask_coin, Coin};
use super::view::{Asked, Signature, Stop, View};
use super::words::word;
use super::{QueryError, Wanted};

pub(super) use crypto::read_crypto;
pub(super) use stable::{read_stable, A_PRECISE, BASE_POOL, OFFPEG, STORED_RATES};

pub(super) const COINS: Signature = Signature([0xc6, 0x61, 0x06, 0x57], "coins(uint256)");
pub(super) const COINS_OLD: Signature = Signature([0x23, 0x74, 0x6e, 0xb8], "coins(int128)");
pub(super) const GAMMA: Signature = Signature([0xb1, 0x37, 0x39, 0x29], "gamma()");
pub(super) const BALANCES: Signature = Signature([0x49, 0x03, 0xb0, 0xd1], "balances(uint256)");
pub(super) const BALANCES_OLD: Signature = Signature([0x06, 0x5a, 0x80, 0xd8], "balances(int128)");
const AMPLIFICATION: Signature = Signature([0xf4, 0x46, 0xc1, 0xd0], "A()");
const FEE: Signature = Signature([0xdd, 0xca, 0x3f, 0x43], "fee()");
const ADMIN_FEE: Signature = Signature([0xfe, 0xe3, 0xf7, 0xf9], "admin_fee()");
pub(super) const FACTORY: Signature = Signature([0xc4, 0x5a, 0x01, 0x55], "factory()");

/// What a fee in 10^-10 is multiplied by to be one in 10^-18.
const PER_FEE: u64 = 100_000_000;

/// The coins and what the pool holds of each.
fn read_coins(wanted: &Wanted<'_>, most: usize, view: &View<'_>) -> Result<Vec<Coin>, Stop> {
    let address = wanted.address;
    let tokens = match wanted.before {
        Some(before) => Ok(before.coins.iter().map(|coin| coin.address).collect()),
        None => read_tokens(address, most, view),
    };
    // Balances are asked along with the coins, however many there are.
    let asked: Vec<_> = (0..most).map(|k| view.ask_with(address, BALANCES, &[word(k as u64)])).collect();
    let tokens: Vec<Address> = tokens?;
    if !(2..=most).contains(&tokens.len()) {
        return Err(QueryError::Tokens { address, max: most, found: tokens.len() }.into());
    }
    let is_old = match asked.first() {
        Some(first) => first.words_if_any()?.is_none(),
        None => false,
    };
    let asked: Vec<_> = if is_old {
        (0..tokens.len()).map(|k| view.ask_with(address, BALANCES_OLD, &[word(k as u64)])).collect()
    } else {
        asked
    };
    let coins: Vec<_> = tokens.iter().map(|token| ask_coin(*token, wanted.before, view)).collect();
    let mut found = Vec::with_capacity(tokens.len());
    for (coin, balance) in coins.iter().zip(asked) {
        found.push(coin.with(balance.words()?.u256(0, "uint256 balance")?)?);
    }
    if found.iter().any(|coin| coin.reserve.is_zero()) {
        return Err(QueryError::Empty { address }.into());
    }
    Ok(found)
}

/// The coins' addresses: asked one after another until the pool has no more.
fn read_tokens(address: Address, most: usize, view: &View<'_>) -> Result<Vec<Address>, Stop> {
    let ask = |signature| -> Vec<_> {
        (0..most).map(|k| view.ask_with(address, signature, &[word(k as u64)])).collect()
    };
    let asked = ask(COINS);
    let is_new = asked.first().is_some_and(|first| first.has_words(1, 1).unwrap_or(true));
    let asked = if is_new { asked } else { ask(COINS_OLD) };
    let mut tokens = Vec::new();
    for coin in &asked {
        let Some(words) = coin.words_if_any()? else { break };
        let token = words.address(0, "address")?;
        if token == [0; 20] {
            break;
        }
        tokens.push(token);
    }
    Ok(tokens)
}

/// Asks the pool for what tells the candidates apart.
fn ask_quotes<T>(
    address: Address,
    signature: Signature,
    (candidates, coins): (&[T], &[Coin]),
    quote: impl Fn(&T, Trial) -> Result<U256, PoolError>,
    view: &View<'_>,
) -> Result<Vec<Told>, Stop> {
    quotes(trials(candidates, coins, quote), |trial| {
        let words = [word(trial.i as u64), word(trial.j as u64), trial.amount.to_be_bytes()];
        view.ask_with(address, signature, &words)
    })
}

fn ten_to(exponent: u8) -> U256 {
    U256::from(10).pow(U256::from(exponent))
}

/// Returns 10^(base − decimals) for each coin; `None` where decimals are absent or above.
fn scales(coins: &[Coin], base: u8) -> Option<Vec<U256>> {
    coins.iter().map(|coin| Some(ten_to(base.checked_sub(coin.decimals.ok()?)?))).collect()
}

/// Returns the number that a view told, if it told one.
fn number(asked: &Asked<'_>) -> Result<Option<U256>, Stop> {
    asked.words_if_any()?.map(|words| words.u256(0, "uint256")).transpose()
}

/// Returns the address that a view told, if it told one.
fn of_address(asked: &Asked<'_>) -> Result<Option<Address>, Stop> {
    Ok(asked.words_if_any()?.and_then(|words| words.address(0, "address").ok()))
}
