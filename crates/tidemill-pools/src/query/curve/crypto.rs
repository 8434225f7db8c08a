//! What governs a `CryptoSwap` pool of two or three coins, and which generation it is.

use ruint::aliases::U256;

use crate::chain::Address;
use crate::curve_crypto::{CryptoSwap, Generation, Prices, Profit, Terms};

use super::super::proven::{proven, Trial};
use super::super::reading::{Coin, Doubt, Reading};
use super::super::view::{Asked, Signature, Stop, View};
use super::super::words::word;
use super::super::{Detail, Exact, Kind, Wanted};
use super::{
    ask_quotes, number, of_address, read_coins, scales, ADMIN_FEE, AMPLIFICATION, FACTORY, FEE, GAMMA,
    PER_FEE,
};

const GET_DY_CRYPTO: Signature = Signature([0x55, 0x6d, 0x6e, 0x9f], "get_dy(uint256,uint256,uint256)");
const ADMIN_FEE_NG: Signature = Signature([0x44, 0x69, 0xed, 0x14], "ADMIN_FEE()");

/// Views that only a `CryptoSwap` pool has, in the order in which `exact_crypto` takes them.
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
/// NG's `ma_time` tells ln 2 times what the contract computes with, cut; this holds the latter in its lowest 64 bits.
const REBALANCING: Signature = Signature([0x3d, 0xd6, 0x54, 0x78], "packed_rebalancing_params()");
const RAMP_ENDS: Signature = Signature([0xf9, 0xed, 0x95, 0x97], "future_A_gamma_time()");
const TOKEN: Signature = Signature([0xfc, 0x0c, 0x54, 0x6a], "token()");
const TOTAL_SUPPLY: Signature = Signature([0x18, 0x16, 0x0d, 0xdd], "totalSupply()");

/// Reads a `CryptoSwap` pool.
pub(in super::super) fn read_crypto(wanted: &Wanted<'_>, view: &View<'_>) -> Result<Reading, Stop> {
    let address = wanted.address;
    let (coins, factory) = (read_coins(wanted, 3, view), view.ask(address, FACTORY));
    let numbers = CRYPTO.map(|signature| view.ask(address, signature));
    let [.., fee] = &numbers;
    let coins = coins?;
    let fee = fee.words_if_any()?.map(|words| words.unsigned(0, 64, "uint256 fee")).transpose()?;
    let factory = of_address(&factory)?;
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
    let (lasting, prices) =
        (read_lasting(address, coins.len(), view), read_all_prices(address, coins.len(), view));
    let supply = read_supply(address, view);
    let mut told = [U256::ZERO; 12];
    for (slot, asked) in told.iter_mut().zip(numbers) {
        *slot = asked.words()?.u256(0, "uint256")?;
    }
    let (lasting, [scale, oracle, last], supply) = (lasting?, prices?, supply?);
    let [ann, gamma, d, mid_fee, out_fee, fee_gamma, extra, step, xcp, claimed, virtual_price, _] = told;
    let Some(admin_fee) = lasting.admin_fee else { return Ok(Err(Doubt::NoMaths)) };
    let terms = Terms {
        ann,
        gamma,
        mid_fee,
        out_fee,
        fee_gamma,
        allowed_extra_profit: extra,
        adjustment_step: step,
        ma_half_time_s: lasting.ma_half_time_s,
        admin_fee,
        ramp_ends_s: lasting.ramp_ends_s,
    };
    let profit = Profit { xcp, xcp_claimed: claimed, virtual_price, supply, is_adjusting: false };
    let balances: Vec<_> = coins.iter().map(|coin| coin.reserve).collect();
    let build = |generation| {
        // Only three-coin pools of the first generation tell the average as they keep it.
        let last_s = lasting.last_s.filter(|_| generation == Generation::First);
        let prices = Prices { scale, oracle, last, last_s };
        CryptoSwap::new(generation, (&balances, &precisions), d, terms, (prices, profit)).ok()
    };
    let candidates: Vec<_> = [Generation::Ng, Generation::First].into_iter().filter_map(build).collect();
    let quote = |pool: &CryptoSwap, trial: Trial| pool.amount_out(trial.i, trial.j, trial.amount);
    let told = ask_quotes(address, GET_DY_CRYPTO, (&candidates, coins), quote, view)?;
    let found = proven(candidates, &told, quote);
    Ok(found.map(|pool| Exact::CurveCrypto(Box::new(pool))))
}

/// What moves the price scale after a swap; none of it is part of a quote, and zero is what a pool that does not tell it
/// would have had no use for.
struct Lasting {
    last_s: Option<u64>,
    ma_half_time_s: u64,
    ramp_ends_s: u64,
    admin_fee: Option<U256>,
}

fn read_lasting(address: Address, coins: usize, view: &View<'_>) -> Result<Lasting, Stop> {
    let ask = |signature| view.ask(address, signature);
    let last = (coins == 3).then(|| ask(LAST_TIME));
    let (half, rebalancing, ramp) = (ask(MA_HALF_TIME), ask(REBALANCING), ask(RAMP_ENDS));
    let (admin_fee, admin_fee_ng) = (ask(ADMIN_FEE), ask(ADMIN_FEE_NG));
    let seconds = |asked: &Asked<'_>| -> Result<Option<u64>, Stop> {
        let words = asked.words_if_any()?;
        Ok(words.map(|words| words.unsigned(0, 64, "seconds")).transpose()?.map(|seconds| seconds.to()))
    };
    let mean_s = number(&rebalancing)?.map(|packed| packed.as_limbs()[0]);
    Ok(Lasting {
        last_s: last.as_ref().map(seconds).transpose()?.flatten(),
        ma_half_time_s: seconds(&half)?.or(mean_s).unwrap_or_default(),
        ramp_ends_s: seconds(&ramp)?.unwrap_or_default(),
        admin_fee: number(&admin_fee)?.or(number(&admin_fee_ng)?),
    })
}

/// Reads the price scale, the oracle and the last prices.
fn read_all_prices(address: Address, coins: usize, view: &View<'_>) -> Result<[[U256; 2]; 3], Stop> {
    let [scale, oracle, last] = PRICES.map(|signatures| read_prices(address, signatures, coins, view));
    Ok([scale?, oracle?, last?])
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
