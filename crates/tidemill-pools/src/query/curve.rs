//! Curve pools: coins by their index until one reverts, and rules that are proven by the pool's own quotes.
//!
//! The generations of the contracts cannot be told apart by what they answer, but by what they quote.

use ruint::aliases::U256;

use crate::chain::Address;
use crate::curve_crypto::{CryptoSwap, Generation, Prices, Profit, Terms as CryptoTerms};
use crate::curve_stable::{Rules, StableSwap, Terms, COINS_MAX};
use crate::error::PoolError;

use super::proven::{proven, trials, Told, Trial};
use super::reading::{ask_coin, Coin, Doubt, Reading};
use super::view::{Asked, Signature, Stop, View};
use super::words::word;
use super::{Detail, Exact, Kind, QueryError, Wanted};

pub(super) const COINS: Signature = Signature([0xc6, 0x61, 0x06, 0x57], "coins(uint256)");
pub(super) const COINS_OLD: Signature = Signature([0x23, 0x74, 0x6e, 0xb8], "coins(int128)");
pub(super) const GAMMA: Signature = Signature([0xb1, 0x37, 0x39, 0x29], "gamma()");
const BALANCES: Signature = Signature([0x49, 0x03, 0xb0, 0xd1], "balances(uint256)");
const BALANCES_OLD: Signature = Signature([0x06, 0x5a, 0x80, 0xd8], "balances(int128)");
const AMPLIFICATION: Signature = Signature([0xf4, 0x46, 0xc1, 0xd0], "A()");
const A_PRECISE: Signature = Signature([0x76, 0xa2, 0xf0, 0xf0], "A_precise()");
const FEE: Signature = Signature([0xdd, 0xca, 0x3f, 0x43], "fee()");
const ADMIN_FEE: Signature = Signature([0xfe, 0xe3, 0xf7, 0xf9], "admin_fee()");
const OFFPEG: Signature = Signature([0x8e, 0xdf, 0xdd, 0x5f], "offpeg_fee_multiplier()");
const STORED_RATES: Signature = Signature([0xfd, 0x06, 0x84, 0xb1], "stored_rates()");
const BASE_POOL: Signature = Signature([0x5d, 0x63, 0x62, 0xbb], "base_pool()");
const BASE_VIRTUAL_PRICE: Signature = Signature([0x95, 0xcc, 0xc0, 0x2f], "base_virtual_price()");
const VIRTUAL_PRICE: Signature = Signature([0xbb, 0x7b, 0x8b, 0x80], "get_virtual_price()");
const FACTORY: Signature = Signature([0xc4, 0x5a, 0x01, 0x55], "factory()");
const GET_DY: Signature = Signature([0x5e, 0x0d, 0x44, 0x3f], "get_dy(int128,int128,uint256)");
const GET_DY_CRYPTO: Signature = Signature([0x55, 0x6d, 0x6e, 0x9f], "get_dy(uint256,uint256,uint256)");

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

/// Asks the pool for what tells the candidates apart; one that it cannot quote is judged by the others.
fn ask_quotes<T>(
    address: Address,
    signature: Signature,
    (candidates, coins): (&[T], &[Coin]),
    quote: impl Fn(&T, Trial) -> Result<U256, PoolError>,
    view: &View<'_>,
) -> Result<Vec<Told>, Stop> {
    let asked: Vec<_> = trials(candidates, coins, quote)
        .into_iter()
        .map(|trial| {
            let words = [word(trial.i as u64), word(trial.j as u64), trial.amount.to_be_bytes()];
            (trial, view.ask_with(address, signature, &words))
        })
        .collect();
    let mut told = Vec::with_capacity(asked.len());
    for (trial, answer) in asked {
        if let Some(words) = answer.words_if_any()? {
            told.push((trial, words.u256(0, "uint256 dy")?));
        }
    }
    Ok(told)
}

fn ten_to(exponent: u8) -> U256 {
    U256::from(10).pow(U256::from(exponent))
}

/// Returns 10^(base − decimals) for each coin; `None` where decimals are absent or above.
fn scales(coins: &[Coin], base: u8) -> Option<Vec<U256>> {
    coins.iter().map(|coin| Some(ten_to(base.checked_sub(coin.decimals.ok()?)?))).collect()
}

/// What governs a `StableSwap` pool, as far as it tells.
struct Stable {
    amp: U256,
    is_precise: bool,
    fee: U256,
    admin_fee: Option<U256>,
    offpeg: Option<U256>,
    stored_rates: Option<Vec<U256>>,
    base_pool: Option<Address>,
    factory: Option<Address>,
}

fn read_terms(address: Address, view: &View<'_>) -> Result<Stable, Stop> {
    let ask = |signature| view.ask(address, signature);
    let (amp, amp_precise, fee) = (ask(AMPLIFICATION), ask(A_PRECISE), ask(FEE));
    let (admin_fee, offpeg, rates) = (ask(ADMIN_FEE), ask(OFFPEG), ask(STORED_RATES));
    let (base_pool, factory) = (ask(BASE_POOL), ask(FACTORY));
    let number = |asked: Asked<'_>| -> Result<Option<U256>, Stop> {
        asked.words_if_any()?.map(|words| words.u256(0, "uint256")).transpose()
    };
    let of_address = |asked: Asked<'_>| -> Result<Option<Address>, Stop> {
        Ok(asked.words_if_any()?.and_then(|words| words.address(0, "address").ok()))
    };
    let precise = number(amp_precise)?;
    let stored_rates = match rates.words_if_any()? {
        // NG tells a dynamic array, the oracle pools before it a fixed one.
        Some(words) if words.word(0, "rates")? == word(32) => {
            Some(words.array(0, COINS_MAX, "uint256[] rates")?.numbers("uint256 rate")?)
        }
        Some(words) => Some(words.numbers("uint256 rate")?),
        None => None,
    };
    Ok(Stable {
        is_precise: precise.is_some(),
        amp: match precise {
            Some(precise) => precise,
            None => amp.words()?.u256(0, "uint256 A")?,
        },
        fee: fee.words()?.unsigned(0, 64, "uint256 fee")?,
        admin_fee: number(admin_fee)?,
        offpeg: number(offpeg)?,
        stored_rates,
        base_pool: of_address(base_pool)?.filter(|base| *base != [0; 20]),
        factory: of_address(factory)?,
    })
}

/// Reads a `StableSwap` pool.
pub(super) fn read_stable(wanted: &Wanted<'_>, view: &View<'_>) -> Result<Reading, Stop> {
    let address = wanted.address;
    let (coins, terms) = (read_coins(wanted, COINS_MAX, view), read_terms(address, view));
    let (coins, terms) = (coins?, terms?);
    let exact = match wanted.detail {
        Detail::Reserves => Err(Doubt::NotAsked),
        Detail::Exact => exact_stable(address, &coins, &terms, view)?,
    };
    Ok(Reading {
        address,
        kind: Kind::CurveStable,
        factory: terms.factory,
        coins,
        fee_e18: Some(terms.fee * U256::from(PER_FEE)),
        slot: None,
        exact,
    })
}

fn exact_stable(
    address: Address,
    coins: &[Coin],
    terms: &Stable,
    view: &View<'_>,
) -> Result<Result<Exact, Doubt>, Stop> {
    let rates = rates_of(address, coins, terms, view)?;
    if rates.is_empty() {
        return Ok(Err(Doubt::Decimals));
    }
    let rules: &[Rules] = match (terms.is_precise, terms.offpeg, &terms.stored_rates) {
        (_, Some(_), Some(_)) => &[Rules::NG],
        (_, Some(_), None) => &[Rules::AAVE],
        (true, ..) => &[Rules::TEMPLATE, Rules::FACTORY],
        (false, ..) => &[Rules::THREE_POOL, Rules::FIRST_META, Rules::LENDING],
    };
    let balances: Vec<_> = coins.iter().map(|coin| coin.reserve).collect();
    let governed = Terms {
        amp: terms.amp,
        fee: terms.fee,
        // NG's share is a constant that some of its pools do not tell: half.
        admin_fee: terms.admin_fee.unwrap_or(U256::from(5_000_000_000_u64)),
        offpeg_fee_multiplier: terms.offpeg.unwrap_or_default(),
    };
    let build = |rates: &Vec<U256>| {
        let with = |rules: &Rules| StableSwap::new(*rules, governed, &balances, rates).ok();
        rules.iter().filter_map(with).collect::<Vec<_>>()
    };
    let candidates: Vec<_> = rates.iter().flat_map(build).collect();
    let quote = |pool: &StableSwap, trial: Trial| pool.amount_out(trial.i, trial.j, trial.amount);
    let told = ask_quotes(address, GET_DY, (&candidates, coins), quote, view)?;
    let found = proven(candidates, &told, quote);
    Ok(found.map(|pool| Exact::CurveStable(Box::new(pool))))
}

/// Returns the rates that the pool may use: the stored ones, or those that follow from decimals and a base pool's price.
fn rates_of(
    address: Address,
    coins: &[Coin],
    terms: &Stable,
    view: &View<'_>,
) -> Result<Vec<Vec<U256>>, Stop> {
    if let Some(rates) = &terms.stored_rates {
        return Ok(vec![rates.clone()]);
    }
    let Some(plain) = scales(coins, 36) else { return Ok(Vec::new()) };
    let Some(base) = terms.base_pool else { return Ok(vec![plain]) };
    // The price is kept for ten minutes by the pools before NG: the quotes tell which is in use.
    let (live, kept) = (view.ask(base, VIRTUAL_PRICE), view.ask(address, BASE_VIRTUAL_PRICE));
    let mut rates = Vec::new();
    for price in [live.words_if_any()?, kept.words_if_any()?].into_iter().flatten() {
        let mut with_base = plain.clone();
        if let Some(last) = with_base.last_mut() {
            *last = price.u256(0, "uint256 virtual price")?;
        }
        rates.push(with_base);
    }
    Ok(rates)
}

/// Views that only a `CryptoSwap` pool has, in the order of `Crypto::numbers`.
const CRYPTO: [Signature; 12] = [
    AMPLIFICATION,
    GAMMA,
    Signature([0x0f, 0x52, 0x9b, 0xa2], "D()"),
    Signature([0x92, 0x52, 0x6c, 0x0c], "mid_fee()"),
    Signature([0xee, 0x8d, 0xe6, 0x75], "out_fee()"),
    Signature([0x72, 0xd4, 0xf0, 0xe2], "fee_gamma()"),
    Signature([0x49, 0xfe, 0x9e, 0x77], "allowed_extra_profit()"),
    Signature([0x08, 0x38, 0x12, 0xe5], "adjustment_step()"),
    Signature([0x7b, 0xa1, 0xa7, 0x4d], "xcp_profit()"),
    Signature([0x0b, 0x7b, 0x59, 0x4b], "xcp_profit_a()"),
    Signature([0x0c, 0x46, 0xb7, 0x2a], "virtual_price()"),
    FEE,
];
const PRICES: [[Signature; 2]; 3] = [
    [
        Signature([0xb9, 0xe8, 0xc9, 0xfd], "price_scale()"),
        Signature([0xa3, 0xf7, 0xcd, 0xd5], "price_scale(uint256)"),
    ],
    [
        Signature([0x86, 0xfc, 0x88, 0xd3], "price_oracle()"),
        Signature([0x68, 0x72, 0x76, 0x53], "price_oracle(uint256)"),
    ],
    [
        Signature([0xc1, 0x46, 0xbf, 0x94], "last_prices()"),
        Signature([0x59, 0x18, 0x90, 0x17], "last_prices(uint256)"),
    ],
];
const LAST_TIME: Signature = Signature([0x61, 0x12, 0xc7, 0x47], "last_prices_timestamp()");
const MA_HALF_TIME: Signature = Signature([0x66, 0x2b, 0x62, 0x74], "ma_half_time()");
const MA_TIME: Signature = Signature([0x09, 0xc3, 0xda, 0x6a], "ma_time()");
const RAMP_ENDS: Signature = Signature([0xf9, 0xed, 0x95, 0x97], "future_A_gamma_time()");
const TOKEN: Signature = Signature([0xfc, 0x0c, 0x54, 0x6a], "token()");
const TOTAL_SUPPLY: Signature = Signature([0x18, 0x16, 0x0d, 0xdd], "totalSupply()");

/// Reads a `CryptoSwap` pool.
pub(super) fn read_crypto(wanted: &Wanted<'_>, view: &View<'_>) -> Result<Reading, Stop> {
    let address = wanted.address;
    let (coins, factory) = (read_coins(wanted, 3, view), view.ask(address, FACTORY));
    let numbers = CRYPTO.map(|signature| view.ask(address, signature));
    let [.., fee] = &numbers;
    let coins = coins?;
    let fee = fee.words_if_any()?.map(|words| words.unsigned(0, 64, "uint256 fee")).transpose()?;
    let factory = factory.words_if_any()?.and_then(|words| words.address(0, "address").ok());
    let exact = match wanted.detail {
        Detail::Reserves => Err(Doubt::NotAsked),
        Detail::Exact => exact_crypto(address, &coins, &numbers, view)?,
    };
    Ok(Reading {
        address,
        kind: Kind::CurveCrypto,
        factory,
        coins,
        fee_e18: fee.map(|fee| fee * U256::from(PER_FEE)),
        slot: None,
        exact,
    })
}

fn exact_crypto(
    address: Address,
    coins: &[Coin],
    numbers: &[Asked<'_>; 12],
    view: &View<'_>,
) -> Result<Result<Exact, Doubt>, Stop> {
    let Some(precisions) = scales(coins, 18) else { return Ok(Err(Doubt::Decimals)) };
    let times = [LAST_TIME, MA_HALF_TIME, MA_TIME, RAMP_ENDS].map(|signature| view.ask(address, signature));
    let prices = PRICES.map(|signatures| read_prices(address, signatures, coins.len(), view));
    let supply = read_supply(address, view);
    let mut told = [U256::ZERO; 12];
    for (slot, asked) in told.iter_mut().zip(numbers) {
        *slot = asked.words()?.u256(0, "uint256")?;
    }
    let mut seconds = [None; 4];
    for (slot, asked) in seconds.iter_mut().zip(&times) {
        *slot = asked.words_if_any()?.map(|words| words.u128(0, 64, "seconds")).transpose()?;
    }
    let [scale, oracle, last] = prices;
    let (scale, oracle, last, supply) = (scale?, oracle?, last?, supply?);
    let second = |index: usize| seconds.get(index).copied().flatten().and_then(|s| u64::try_from(s).ok());
    let [ann, gamma, d, mid_fee, out_fee, fee_gamma, extra, step, xcp, claimed, virtual_price, _] = told;
    let terms = CryptoTerms {
        ann,
        gamma,
        mid_fee,
        out_fee,
        fee_gamma,
        allowed_extra_profit: extra,
        adjustment_step: step,
        // The three below move the price scale after a swap; none of them is part of a quote.
        ma_half_time_s: second(1).or(second(2)).unwrap_or_default(),
        admin_fee: U256::from(5_000_000_000_u64),
        ramp_ends_s: second(3).unwrap_or_default(),
    };
    let prices = Prices { scale, oracle, last, last_s: second(0).unwrap_or_default() };
    let profit = Profit { xcp, xcp_claimed: claimed, virtual_price, supply, is_adjusting: false };
    let balances: Vec<_> = coins.iter().map(|coin| coin.reserve).collect();
    let build =
        |generation| CryptoSwap::new(generation, (&balances, &precisions), d, terms, (prices, profit)).ok();
    let candidates: Vec<_> = [Generation::Ng, Generation::First].into_iter().filter_map(build).collect();
    let quote = |pool: &CryptoSwap, trial: Trial| pool.amount_out(trial.i, trial.j, trial.amount);
    let told = ask_quotes(address, GET_DY_CRYPTO, (&candidates, coins), quote, view)?;
    let found = proven(candidates, &told, quote);
    Ok(found.map(|pool| Exact::CurveCrypto(Box::new(pool))))
}

/// Reads prices of coins 1 and 2, or of coin 1 where there are two coins.
fn read_prices(
    address: Address,
    [of_one, of_two]: [Signature; 2],
    coins: usize,
    view: &View<'_>,
) -> Result<[U256; 2], Stop> {
    if coins == 2 {
        let price = view.ask(address, of_one).words()?.u256(0, "uint256 price")?;
        return Ok([price, U256::ZERO]);
    }
    let asked = [0, 1].map(|k| view.ask_with(address, of_two, &[word(k)]));
    let [first, second] = &asked;
    Ok([first.words()?.u256(0, "uint256 price")?, second.words()?.u256(0, "uint256 price")?])
}

/// Reads the supply of LP tokens, which are the pool's own or another contract's.
fn read_supply(address: Address, view: &View<'_>) -> Result<U256, Stop> {
    let (token, own) = (view.ask(address, TOKEN), view.ask(address, TOTAL_SUPPLY));
    match token.words_if_any()? {
        Some(token) => {
            view.ask(token.address(0, "address")?, TOTAL_SUPPLY).words()?.u256(0, "uint256 supply")
        }
        None => own.words()?.u256(0, "uint256 supply"),
    }
}
