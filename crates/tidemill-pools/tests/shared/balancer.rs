//! Recorded answers of Balancer V3's pools: the state that each was asked at, and how its swaps are tried.

use std::str::FromStr;

use serde_json::Value;
use tidemill_pools::balancer_buffer::{Buffer, Wrapping};
use tidemill_pools::balancer_fixed_point::ONE;
use tidemill_pools::balancer_pool::BalancerPool;
use tidemill_pools::balancer_v3::liquidity::{Add, Changed, LiquidityPool, Remove};
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

/// Compares every deposit and withdrawal of a recording with what `pool` finds: the shares and all amounts.
pub fn check_liquidity<P: LiquidityPool>(
    recording: &str,
    counts: (usize, usize),
    pool: impl Fn(&Value) -> P,
) {
    if let Some(recorded) = read_json(&format!("balancer/maths/{recording}.json")) {
        check_changes(&recorded, counts, &pool(&recorded["pool"]));
    }
}

/// Compares so many deposits and withdrawals with what `pool` finds.
pub fn check_changes(recorded: &Value, (adds, removes): (usize, usize), pool: &impl LiquidityPool) {
    let supply = uint(&recorded["pool"]["totalSupply"]);
    let changes = |name: &str, count| {
        let changes = recorded[name].as_array().unwrap();
        assert_eq!(changes.len(), count);
        changes
    };
    for told in changes("adds", adds) {
        let (amounts, shares) = (uints(&told["inputAmountsRaw"]), uint(&told["bptOutRaw"]));
        let given = match told["kind"].as_str().unwrap() {
            "Unbalanced" => Add::Unbalanced(&amounts),
            "SingleToken" => Add::Single { token: only(&amounts), shares },
            other => panic!("{other}"),
        };
        let found = pool.add_liquidity(supply, given).map(|found| (found.shares, found.amounts));
        assert_eq!(found, Ok((shares, amounts.clone())), "{told}");
    }
    for told in changes("removes", removes) {
        let (amounts, shares) = (uints(&told["amountsOutRaw"]), uint(&told["bptInRaw"]));
        let wanted = match told["kind"].as_str().unwrap() {
            "Proportional" => Remove::Proportional(shares),
            "SingleTokenExactIn" => Remove::SingleForShares { token: only(&amounts), shares },
            "SingleTokenExactOut" => {
                Remove::SingleAmount { token: only(&amounts), amount: amounts[only(&amounts)] }
            }
            other => panic!("{other}"),
        };
        let found = pool.remove_liquidity(supply, wanted).map(|found| (found.shares, found.amounts));
        assert_eq!(found, Ok((shares, amounts)), "{told}");
    }
}

/// Buys shares in each way and sells them in the same: nothing is gained, and proportions are those of the pool.
pub fn check_shares<P: LiquidityPool + BalancerPool>(pool: &P, supply: U256, token: usize, part_ppm: u64) {
    let of = |whole: U256| whole * U256::from(part_ppm) / U256::from(1_000_000);
    let (shares, balances) = (of(supply), pool.balances());
    let buy = |given: Add<'_>| pool.add_liquidity(supply, given).ok();
    let sell = |bought: &Changed<P>, wanted: Remove| {
        bought.pool.remove_liquidity(supply + bought.shares, wanted).ok()
    };
    if let Some(bought) = buy(Add::Proportional(shares)) {
        check_parts(&bought.amounts, balances, (shares, supply), true);
        if let Some(sold) = sell(&bought, Remove::Proportional(shares)) {
            check_parts(&sold.amounts, bought.pool.balances(), (shares, supply + shares), false);
            assert!(sold.amounts.iter().zip(&bought.amounts).all(|(back, paid)| back <= paid));
        }
    }
    let mut amounts = vec![U256::ZERO; balances.len()];
    amounts[token] = of(balances[token]);
    for given in [Add::Unbalanced(&amounts), Add::Single { token, shares }] {
        let Some(bought) = buy(given) else { continue };
        let (paid, shares) = (bought.amounts[token], bought.shares);
        assert!(bought.amounts.iter().enumerate().all(|(other, amount)| other == token || amount.is_zero()));
        if let Some(sold) = sell(&bought, Remove::SingleForShares { token, shares }) {
            assert!(sold.amounts[token] <= paid, "{paid} became {}", sold.amounts[token]);
        }
        if let Some(sold) = sell(&bought, Remove::SingleAmount { token, amount: paid }) {
            assert!(sold.shares >= shares, "{shares} shares became {}", sold.shares);
            assert_eq!(sold.amounts, bought.amounts);
        }
    }
}

/// Compares amounts with their part of the balances: rounded against who trades, by less than three units.
fn check_parts(amounts: &[U256], balances: &[U256], (shares, supply): (U256, U256), is_paid: bool) {
    for (amount, balance) in amounts.iter().zip(balances) {
        let (exact, found) = (balance * shares, amount * supply);
        let (more, less) = if is_paid { (found, exact) } else { (exact, found) };
        assert!(more >= less && more - less <= supply * U256::from(3), "{amount} of {balance}");
    }
}

/// Finds the one token of which there is an amount.
fn only(amounts: &[U256]) -> usize {
    amounts.iter().position(|amount| !amount.is_zero()).unwrap()
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
