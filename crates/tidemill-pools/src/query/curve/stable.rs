//! What governs a `StableSwap` pool of any generation, and which generation it is.

use ruint::aliases::U256;

use crate::chain::Address;
use crate::curve_stable::{Rules, StableSwap, Terms, COINS_MAX};

use super::super::proven::{proven, Trial};
use super::super::reading::{Coin, Doubt, Reading};
use super::super::view::{Asked, Signature, Stop, View};
use super::super::words::word;
use super::super::{Detail, Exact, Kind, Wanted};
use super::{
    ask_quotes, number, of_address, read_coins, scales, ADMIN_FEE, AMPLIFICATION, FACTORY, FEE, PER_FEE,
};

pub(in super::super) const A_PRECISE: Signature = Signature([0x76, 0xa2, 0xf0, 0xf0], "A_precise()");
pub(in super::super) const OFFPEG: Signature = Signature([0x8e, 0xdf, 0xdd, 0x5f], "offpeg_fee_multiplier()");
pub(in super::super) const STORED_RATES: Signature = Signature([0xfd, 0x06, 0x84, 0xb1], "stored_rates()");
pub(in super::super) const BASE_POOL: Signature = Signature([0x5d, 0x63, 0x62, 0xbb], "base_pool()");
const BASE_VIRTUAL_PRICE: Signature = Signature([0x95, 0xcc, 0xc0, 0x2f], "base_virtual_price()");
const VIRTUAL_PRICE: Signature = Signature([0xbb, 0x7b, 0x8b, 0x80], "get_virtual_price()");
const GET_DY: Signature = Signature([0x5e, 0x0d, 0x44, 0x3f], "get_dy(int128,int128,uint256)");

/// Share of the fee that leaves a pool of NG, in 10^-10: a constant that it need not tell.
const NG_ADMIN_FEE: u64 = 5_000_000_000;

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

impl Stable {
    /// Returns the generations whose views these are.
    fn rules(&self) -> &'static [Rules] {
        match (self.is_precise, self.offpeg, &self.stored_rates) {
            (_, Some(_), Some(_)) => &[Rules::NG],
            (_, Some(_), None) => &[Rules::AAVE],
            (true, ..) => &[Rules::TEMPLATE, Rules::FACTORY],
            (false, ..) => &[Rules::THREE_POOL, Rules::FIRST_META, Rules::LENDING],
        }
    }
}

fn read_terms(address: Address, view: &View<'_>) -> Result<Stable, Stop> {
    let ask = |signature| view.ask(address, signature);
    let (amp, amp_precise, fee) = (ask(AMPLIFICATION), ask(A_PRECISE), ask(FEE));
    let (admin_fee, offpeg, rates) = (ask(ADMIN_FEE), ask(OFFPEG), ask(STORED_RATES));
    let (base_pool, factory) = (ask(BASE_POOL), ask(FACTORY));
    let precise = number(&amp_precise)?;
    Ok(Stable {
        is_precise: precise.is_some(),
        amp: match precise {
            Some(precise) => precise,
            None => amp.words()?.u256(0, "uint256 A")?,
        },
        fee: fee.words()?.unsigned(0, 64, "uint256 fee")?,
        admin_fee: number(&admin_fee)?,
        offpeg: number(&offpeg)?,
        stored_rates: stored_rates(&rates)?,
        base_pool: of_address(&base_pool)?.filter(|base| *base != [0; 20]),
        factory: of_address(&factory)?,
    })
}

fn stored_rates(rates: &Asked<'_>) -> Result<Option<Vec<U256>>, Stop> {
    let Some(words) = rates.words_if_any()? else { return Ok(None) };
    // NG tells a dynamic array, the oracle pools before it a fixed one.
    if words.word(0, "rates")? == word(32) {
        return Ok(Some(words.array(0, COINS_MAX, "uint256[] rates")?.numbers("uint256 rate")?));
    }
    Ok(Some(words.numbers("uint256 rate")?))
}

/// Reads a `StableSwap` pool.
pub(in super::super) fn read_stable(wanted: &Wanted<'_>, view: &View<'_>) -> Result<Reading, Stop> {
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
    let rules = terms.rules();
    let is_ng = rules.contains(&Rules::NG);
    let Some(admin_fee) = terms.admin_fee.or_else(|| is_ng.then(|| U256::from(NG_ADMIN_FEE))) else {
        return Ok(Err(Doubt::NoMaths));
    };
    let offpeg_fee_multiplier = terms.offpeg.unwrap_or_default();
    let governed = Terms { amp: terms.amp, fee: terms.fee, admin_fee, offpeg_fee_multiplier };
    let balances: Vec<_> = coins.iter().map(|coin| coin.reserve).collect();
    let build = |rates: &Vec<U256>| {
        let with = |rules: &Rules| StableSwap::new(*rules, governed, &balances, rates).ok();
        rules.iter().filter_map(with).collect::<Vec<_>>()
    };
    let mut candidates: Vec<_> = rates.iter().flat_map(build).collect();
    // No trial tells these apart: the first would be found in any case.
    candidates.dedup_by(|later, earlier| earlier.quotes_as(later));
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
