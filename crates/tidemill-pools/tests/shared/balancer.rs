//! Recorded answers of Balancer V3's pools: the state that each was asked at, and how its swaps are tried.

use std::str::FromStr;

use serde_json::Value;
use tidemill_pools::balancer_buffer::{Buffer, Wrapping};
use tidemill_pools::balancer_fixed_point::ONE;
use tidemill_pools::balancer_pool::BalancerPool;
use tidemill_pools::balancer_v3::{VaultTerms, MIN_TRADE};
use tidemill_pools::{PoolError, U256};

use super::read_json;

pub fn uint(value: &Value) -> U256 {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    U256::from_str(&text).unwrap_or_else(|_| panic!("a number, found {text}"))
}

pub fn uints(value: &Value) -> Vec<U256> {
    value.as_array().unwrap().iter().map(uint).collect()
}

/// Finds raw balances whose live balances are the recorded ones.
pub fn raw_balances(pool: &Value) -> Vec<U256> {
    let (factors, rates) = (uints(&pool["scalingFactors"]), uints(&pool["tokenRates"]));
    let live = uints(&pool["balancesLiveScaled18"]);
    let units = factors.into_iter().zip(rates);
    let raw = live.into_iter().zip(units).map(|(live, (factor, rate))| {
        let raw = (live * ONE).div_ceil(factor * rate);
        assert_eq!(raw * factor * rate / ONE, live);
        raw
    });
    raw.collect()
}

pub fn vault_terms(pool: &Value) -> VaultTerms {
    VaultTerms {
        scaling_factors: uints(&pool["scalingFactors"]),
        rates: uints(&pool["tokenRates"]),
        fee: uint(&pool["swapFee"]),
        aggregate_fee: U256::ZERO,
        min_trade: MIN_TRADE,
    }
}

pub type Answer = Result<U256, PoolError>;

/// Compares every swap of a recording with `quote`: whether the amount is paid in, the two tokens, the amount.
pub fn check_v3(
    recording: &str,
    expected_count: usize,
    quote: impl Fn(&Value, bool, (usize, usize), U256) -> Answer,
) {
    let Some(recording) = read_json(&format!("balancer/maths/{recording}.json")) else { return };
    let pool = &recording["pool"];
    let token_of = |address: &Value| {
        let address = address.as_str().unwrap();
        let mut tokens = pool["tokens"].as_array().unwrap().iter();
        tokens.position(|token| token.as_str().unwrap().eq_ignore_ascii_case(address)).unwrap()
    };
    let swaps = recording["swaps"].as_array().unwrap();
    for swap in swaps {
        let tokens = (token_of(&swap["tokenIn"]), token_of(&swap["tokenOut"]));
        let is_in = uint(&swap["swapKind"]).is_zero();
        let found = quote(pool, is_in, tokens, uint(&swap["amountRaw"]));
        assert_eq!(found, Ok(uint(&swap["outputRaw"])), "{swap}");
    }
    assert_eq!(swaps.len(), expected_count);
}

/// Asks a pool for one recorded swap.
pub fn quoted(
    pool: &impl BalancerPool,
    is_in: bool,
    (token_in, token_out): (usize, usize),
    amount: U256,
) -> Answer {
    if is_in {
        pool.amount_out(token_in, token_out, amount)
    } else {
        pool.amount_in(token_in, token_out, amount)
    }
}

/// Recordings of buffers, and whether their vault is one of the cautious ones.
pub const BUFFERS: [(&str, bool); 4] = [
    ("buffer-manual", false),
    ("1-21671845-Buffer-waEthLidoWETH", true),
    ("1-21671845-Buffer-waEthUSDC", true),
    ("1-21671845-Buffer-csUSDC", true),
];

/// What a buffer answered, and what we do.
pub struct BufferAnswer {
    pub told: U256,
    /// At the recorded rate, which is the wrapper's own cut to a unit.
    pub found: U256,
    /// At the rate one unit above, which the wrapper's own is below.
    pub at_next_rate: U256,
}

/// Asks a buffer for each recorded swap.
pub fn buffer_answers(recording: &str, is_cautious: bool) -> Option<Vec<BufferAnswer>> {
    let recorded = read_json(&format!("balancer/maths/{recording}.json"))?;
    let rate = uint(&recorded["pool"]["rate"]);
    let at = |rate: U256, swap: &Value| {
        let buffer = Buffer::new(rate, ONE, is_cautious).unwrap();
        let is_unwrap = swap["tokenIn"] == recorded["pool"]["poolAddress"];
        let wrapping = if is_unwrap { Wrapping::Unwrap } else { Wrapping::Wrap };
        let amount = uint(&swap["amountRaw"]);
        let is_in = uint(&swap["swapKind"]).is_zero();
        if is_in { buffer.amount_out(wrapping, amount) } else { buffer.amount_in(wrapping, amount) }.unwrap()
    };
    let answer = |swap: &Value| BufferAnswer {
        told: uint(&swap["outputRaw"]),
        found: at(rate, swap),
        at_next_rate: at(rate + U256::ONE, swap),
    };
    Some(recorded["swaps"].as_array().unwrap().iter().map(answer).collect())
}
