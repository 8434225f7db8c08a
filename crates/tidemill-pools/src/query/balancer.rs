//! Pools of Balancer's vaults: the pool tells its terms, the vault what it holds.

use ruint::aliases::U256;

use crate::balancer_fixed_point::PowVersion;
use crate::balancer_gyro::{EclpTerms, GyroV3};
use crate::balancer_stable::stable_math::StableVersion;
use crate::balancer_stable::{StableTerms, StableV2, StableV3, IMBALANCE_MAX};
use crate::balancer_v3::{VaultTerms, MAX_TOKENS};
use crate::balancer_weighted::{WeightedTerms, WeightedV2, WeightedV3};
use crate::chain::Address;
use crate::error::PoolError;

use super::lock;
use super::proven::{proven, trials_among, Told, Trial};
use super::reading::{ask_coin, AskedCoin, Coin, Doubt, Reading};
use super::view::{Asked, Signature, Stop, View};
use super::words::{address_word, word, Words};
use super::{Detail, Exact, Kind, QueryError, Wanted};

pub(super) const GET_POOL_ID: Signature = Signature([0x38, 0xff, 0xf2, 0xd0], "getPoolId()");
pub(super) const GET_VAULT: Signature = Signature([0x8d, 0x92, 0x8a, 0xf8], "getVault()");
const POOL_TOKENS: Signature = Signature([0xf9, 0x4d, 0x46, 0x68], "getPoolTokens(bytes32)");
pub(super) const WEIGHTS: Signature = Signature([0xf8, 0x9f, 0x27, 0xed], "getNormalizedWeights()");
pub(super) const LEAST_BALANCES: Signature = Signature([0xd6, 0x7f, 0x28, 0x0b], "getMinTokenBalances()");
pub(super) const AMPLIFICATION: Signature =
    Signature([0x6d, 0xac, 0xcf, 0xfa], "getAmplificationParameter()");
pub(super) const SCALING: Signature = Signature([0x1d, 0xd7, 0x46, 0xea], "getScalingFactors()");
const SWAP_FEE: Signature = Signature([0x55, 0xc6, 0x76, 0x28], "getSwapFeePercentage()");
pub(super) const SHARE_INDEX: Signature = Signature([0x82, 0x68, 0x7a, 0x56], "getBptIndex()");
const QUERY_SWAP: [u8; 4] = [0xf8, 0x4d, 0x06, 0x6e];
const TOKEN_INFO: Signature = Signature([0x67, 0xe0, 0xe0, 0x76], "getPoolTokenInfo(address)");
const TOKEN_RATES: Signature = Signature([0x7e, 0x36, 0x1b, 0xde], "getPoolTokenRates(address)");
const STATIC_FEE: Signature = Signature([0xb4, 0x50, 0x90, 0xf9], "getStaticSwapFeePercentage(address)");
const HOOKS: Signature = Signature([0xce, 0x86, 0x30, 0xd4], "getHooksConfig(address)");
const POOL_CONFIG: Signature = Signature([0xf2, 0x94, 0x86, 0xa1], "getPoolConfig(address)");
pub(super) const ECLP: Signature = Signature([0x7b, 0xe2, 0x19, 0xa2], "getECLPParams()");
/// Asked only of made-up balances, to tell the pool's generation by how it answers.
pub(super) const INVARIANT: Signature =
    Signature([0x98, 0x4d, 0xe9, 0xe8], "computeInvariant(uint256[],uint8)");
const MINIMUM_TRADE: Signature = Signature([0xe2, 0xcb, 0x0b, 0xa0], "getMinimumTradeAmount()");

/// Words of a hooks' configuration: ten flags, then the contract.
const HOOKS_CONTRACT: usize = 10;
/// Words of a pool's configuration: four flags of liquidity, then the fees.
const CONFIG_FEE: usize = 4;
const CONFIG_AGGREGATE_FEE: usize = 5;
const CONFIG_IS_PAUSED: usize = 11;

/// What the pool itself says of its maths: weights, an amplification, or an ellipse.
enum Shape {
    Weighted(Vec<U256>),
    Stable(U256),
    Ellipse(Box<EclpTerms>),
    Other,
}

struct AskedShape<'a> {
    weights: Asked<'a>,
    amp: Asked<'a>,
    /// Not asked of the V2 vault's pools, whose elliptic ones swap otherwise.
    ellipse: Option<Asked<'a>>,
}

fn ask_shape<'a>(address: Address, view: &View<'a>) -> AskedShape<'a> {
    AskedShape { weights: view.ask(address, WEIGHTS), amp: view.ask(address, AMPLIFICATION), ellipse: None }
}

/// Reads the numbers of an ellipse in the contract's order; the first two are prices at its ends, which no swap needs.
fn ellipse_of(words: Words<'_>) -> Result<EclpTerms, Stop> {
    let of = |index| words.signed(index, "int256 of the ellipse");
    let [cosine, sine, stretch, norm] =
        [2, 3, 4, 13].map(|index| words.unsigned(index, 255, "int256 of the ellipse, above zero"));
    Ok(EclpTerms {
        cosine: cosine?,
        sine: sine?,
        stretch: stretch?,
        lowest: [of(5)?, of(6)?],
        highest: [of(7)?, of(8)?],
        derived: [of(9)?, of(10)?, of(11)?, of(12)?],
        norm: norm?,
    })
}

impl AskedShape<'_> {
    fn get(&self) -> Result<Shape, Stop> {
        if let Some(words) = self.weights.words_if_any()? {
            return Ok(Shape::Weighted(
                words.array(0, MAX_TOKENS, "uint256[] weights")?.numbers("uint256 weight")?,
            ));
        }
        if let Some(words) = self.amp.words_if_any()? {
            return Ok(Shape::Stable(words.u256(0, "uint256 amplification")?));
        }
        let Some(ellipse) = &self.ellipse else { return Ok(Shape::Other) };
        Ok(match ellipse.words_if_any()? {
            Some(words) => Shape::Ellipse(Box::new(ellipse_of(words)?)),
            None => Shape::Other,
        })
    }
}

fn ask_coins<'a>(tokens: &[Address], wanted: &Wanted<'_>, view: &View<'a>) -> Vec<AskedCoin<'a>> {
    tokens.iter().map(|token| ask_coin(*token, wanted.before, view)).collect()
}

fn check_tokens(address: Address, tokens: usize, balances: usize, max: usize) -> Result<(), Stop> {
    if tokens != balances {
        return Err(QueryError::Contradictory { address, problem: PoolError::Tokens }.into());
    }
    if !(2..=max).contains(&tokens) {
        return Err(QueryError::Tokens { address, max, found: tokens }.into());
    }
    Ok(())
}

fn coins_with(asked: &[AskedCoin<'_>], balances: &[U256], address: Address) -> Result<Vec<Coin>, Stop> {
    let coins: Result<Vec<_>, Stop> =
        asked.iter().zip(balances).map(|(coin, balance)| coin.with(*balance)).collect();
    let coins = coins?;
    if coins.iter().any(|coin| coin.reserve.is_zero()) {
        return Err(QueryError::Empty { address }.into());
    }
    Ok(coins)
}

/// A pool of the V2 vault, before its maths.
struct V2 {
    vault: Address,
    id: [u8; 32],
    tokens: Vec<Address>,
    balances: Vec<U256>,
    fee: U256,
    share: Option<usize>,
}

/// Reads a pool of the V2 vault.
pub(super) fn read_v2(wanted: &Wanted<'_>, view: &View<'_>) -> Result<Reading, Stop> {
    let address = wanted.address;
    let (id, vault) = (view.ask(address, GET_POOL_ID), view.ask(address, GET_VAULT));
    let (fee, share) = (view.ask(address, SWAP_FEE), view.ask(address, SHARE_INDEX));
    let (shape, scaling) = (ask_shape(address, view), view.ask(address, SCALING));
    let (id, vault) = (id.words()?.word(0, "bytes32 pool id")?, vault.words()?.address(0, "address")?);
    let (held, lock) = (view.ask_with(vault, POOL_TOKENS, &[id]), lock::ask_vault(vault, view));
    let held = held.words()?;
    lock::check(&lock, address)?;
    // A composable pool has its share token beside the tokens that it swaps.
    let most = MAX_TOKENS + 1;
    let tokens = held.array(0, most, "address[] tokens")?.addresses("address token")?;
    let balances = held.array(1, most, "uint256[] balances")?.numbers("uint256 balance")?;
    let share = share.words_if_any()?.map(|words| words.u128(0, 8, "share token's place")).transpose()?;
    let share = share.and_then(|share| usize::try_from(share).ok()).filter(|share| *share < tokens.len());
    let fee = fee.words()?.unsigned(0, 64, "uint64 swap fee")?;
    let pool = V2 { vault, id, tokens, balances, fee, share };
    let without_share = |values: &[U256]| -> Vec<U256> {
        values.iter().enumerate().filter(|(k, _)| Some(*k) != pool.share).map(|(_, value)| *value).collect()
    };
    let swapped: Vec<_> =
        pool.tokens.iter().enumerate().filter(|(k, _)| Some(*k) != pool.share).map(|(_, t)| *t).collect();
    let held = without_share(&pool.balances);
    check_tokens(address, swapped.len(), held.len(), MAX_TOKENS)?;
    let asked = ask_coins(&swapped, wanted, view);
    let scaling = match scaling.words_if_any()? {
        Some(words) => Some(words.array(0, most, "uint256[] factors")?.numbers("uint256 factor")?),
        None => None,
    };
    let coins = coins_with(&asked, &held, address)?;
    let exact = match wanted.detail {
        Detail::Reserves => Err(Doubt::NotAsked),
        Detail::Exact => exact_v2(&pool, &coins, &shape.get()?, scaling, view)?,
    };
    Ok(Reading {
        address,
        kind: Kind::BalancerV2,
        factory: Some(pool.vault),
        coins,
        fee_e18: Some(pool.fee),
        slot: None,
        exact,
    })
}

/// Returns 1e18 · 10^(18 − decimals) for each coin; `None` where decimals are absent or above 18.
fn factors(coins: &[Coin]) -> Option<Vec<U256>> {
    let factor = |coin: &Coin| {
        let zeros = 36_u8.checked_sub(coin.decimals.ok()?).filter(|zeros| *zeros >= 18)?;
        Some(U256::from(10).pow(U256::from(zeros)))
    };
    coins.iter().map(factor).collect()
}

fn exact_v2(
    pool: &V2,
    coins: &[Coin],
    shape: &Shape,
    scaling: Option<Vec<U256>>,
    view: &View<'_>,
) -> Result<Result<Exact, Doubt>, Stop> {
    let Some(scaling_factors) = scaling.or_else(|| factors(coins)) else { return Ok(Err(Doubt::Decimals)) };
    let candidates: Vec<Result<Exact, PoolError>> = match shape {
        Shape::Weighted(weights) => [PowVersion::Shortcuts, PowVersion::Logarithms]
            .map(|version| {
                let (weights, fee) = (weights.clone(), pool.fee);
                let terms = WeightedTerms { weights, scaling_factors: scaling_factors.clone(), fee, version };
                WeightedV2::new(terms, pool.balances.clone()).map(Exact::WeightedV2)
            })
            .into(),
        Shape::Stable(amp) => [StableVersion::Truncate, StableVersion::RoundUp]
            .map(|version| {
                let (amp, fee, bpt_index) = (*amp, pool.fee, pool.share);
                let scaling_factors = scaling_factors.clone();
                let terms = StableTerms { amp, scaling_factors, fee, version, bpt_index };
                let built = StableV2::new(terms, pool.balances.clone());
                built.map(|built| Exact::StableV2(Box::new(built), pool.share))
            })
            .into(),
        Shape::Ellipse(_) | Shape::Other => return Ok(Err(Doubt::NoMaths)),
    };
    let mut candidates: Vec<_> = candidates.into_iter().flatten().collect();
    // No trial tells these apart: the first would be found in any case.
    candidates.dedup_by(|later, earlier| match (earlier, later) {
        (Exact::WeightedV2(earlier), Exact::WeightedV2(later)) => earlier.quotes_as(later),
        _ => false,
    });
    let quote = |exact: &Exact, trial: Trial| exact.amount_out(trial.i, trial.j, trial.amount);
    // It takes less to see that powers make no difference than to compute them.
    let may_tell = |Trial { i, j, amount }| match candidates.first() {
        Some(Exact::WeightedV2(pool)) => !pool.is_any_code_alike(i, j, amount).unwrap_or(false),
        _ => true,
    };
    let told = ask_quotes(pool, trials_among(&candidates, coins, quote, may_tell), view)?;
    Ok(proven(candidates, &told, quote))
}

/// Asks the vault for the trials; one that it cannot quote is left out.
fn ask_quotes(pool: &V2, trials: Vec<Trial>, view: &View<'_>) -> Result<Vec<Told>, Stop> {
    let place = |coin: usize| coin + usize::from(pool.share.is_some_and(|share| share <= coin));
    let asked: Vec<_> = trials
        .into_iter()
        .map(|trial| {
            let data = encode_swap(pool, (place(trial.i), place(trial.j)), trial.amount);
            (trial, view.ask_data(pool.vault, "queryBatchSwap", data))
        })
        .collect();
    let mut told = Vec::with_capacity(asked.len());
    for (trial, answer) in asked {
        let Some(words) = answer.words_if_any()? else { continue };
        // The vault tells what it would get: what it pays is negative.
        let out = U256::ZERO.wrapping_sub(words.array(0, 2, "int256[] deltas")?.u256(1, "int256 delta")?);
        told.push((trial, out));
    }
    Ok(told)
}

/// Encodes a `queryBatchSwap` of one swap with a given amount in.
fn encode_swap(pool: &V2, (i, j): (usize, usize), amount: U256) -> Vec<u8> {
    let token = |k: usize| address_word(pool.tokens.get(k).copied().unwrap_or_default());
    let words: [[u8; 32]; 18] = [
        word(0),
        word(7 * 32),
        word(15 * 32),
        word(0),
        word(0),
        word(0),
        word(0),
        word(1),
        word(32),
        pool.id,
        word(0),
        word(1),
        amount.to_be_bytes(),
        word(5 * 32),
        word(0),
        word(2),
        token(i),
        token(j),
    ];
    let mut data = QUERY_SWAP.to_vec();
    data.extend_from_slice(words.as_flattened());
    data
}

/// What the V3 vault tells of a pool, once it is asked.
struct AskedV3<'a> {
    info: Asked<'a>,
    fee: Asked<'a>,
    rates: Asked<'a>,
    hooks: Asked<'a>,
    config: Asked<'a>,
    minimum: Asked<'a>,
    least: Asked<'a>,
    /// Of equal balances, and of some that later stable pools refuse, one being too many times the other.
    invariants: [Asked<'a>; 2],
}

fn ask_invariant<'a>(address: Address, times: U256, view: &View<'a>) -> Asked<'a> {
    let balance = U256::from(10).pow(U256::from(18));
    let balances = [balance, balance * times].map(|balance| balance.to_be_bytes());
    view.ask_with(address, INVARIANT, &[word(2 * 32), word(0), word(2), balances[0], balances[1]])
}

/// Reads a pool of the V3 vault.
pub(super) fn read_v3(wanted: &Wanted<'_>, view: &View<'_>) -> Result<Reading, Stop> {
    let address = wanted.address;
    let (vault, mut shape) = (view.ask(address, GET_VAULT), ask_shape(address, view));
    shape.ellipse = Some(view.ask(address, ECLP));
    let vault = vault.words()?.address(0, "address")?;
    let of_pool = |signature| view.ask_with(vault, signature, &[address_word(address)]);
    let asked = AskedV3 {
        info: of_pool(TOKEN_INFO),
        fee: of_pool(STATIC_FEE),
        rates: of_pool(TOKEN_RATES),
        hooks: of_pool(HOOKS),
        config: of_pool(POOL_CONFIG),
        minimum: view.ask(vault, MINIMUM_TRADE),
        least: view.ask(address, LEAST_BALANCES),
        invariants: [U256::ONE, IMBALANCE_MAX].map(|times| ask_invariant(address, times, view)),
    };
    let info = asked.info.words()?;
    let tokens = info.array(0, MAX_TOKENS, "address[] tokens")?.addresses("address token")?;
    let balances = info.array(2, MAX_TOKENS, "uint256[] balances")?.numbers("uint256 balance")?;
    check_tokens(address, tokens.len(), balances.len(), MAX_TOKENS)?;
    let coins = ask_coins(&tokens, wanted, view);
    let fee = asked.fee.words()?.unsigned(0, 64, "uint64 swap fee")?;
    let coins = coins_with(&coins, &balances, address)?;
    let exact = match wanted.detail {
        Detail::Reserves => Err(Doubt::NotAsked),
        Detail::Exact => exact_v3(&asked, fee, balances, &shape.get()?)?,
    };
    Ok(Reading {
        address,
        kind: Kind::BalancerV3,
        factory: Some(vault),
        coins,
        fee_e18: Some(fee),
        slot: None,
        exact,
    })
}

fn exact_v3(
    asked: &AskedV3<'_>,
    fee: U256,
    balances: Vec<U256>,
    shape: &Shape,
) -> Result<Result<Exact, Doubt>, Stop> {
    let (Some(hooks), Some(config), Some(minimum)) =
        (asked.hooks.words_if_any()?, asked.config.words_if_any()?, asked.minimum.words_if_any()?)
    else {
        return Ok(Err(Doubt::NoMaths));
    };
    if !hooks.u256(HOOKS_CONTRACT, "address hooks")?.is_zero() {
        return Ok(Err(Doubt::Hooked));
    }
    // The layout of the configuration is proven by the fee, which the vault tells by itself as well.
    if config.u256(CONFIG_FEE, "uint256 swap fee")? != fee || config.bool(CONFIG_IS_PAUSED, "bool paused")? {
        return Ok(Err(Doubt::Refused));
    }
    let rates = asked.rates.words()?;
    let list = |words: Words<'_>, index| words.array(index, MAX_TOKENS, "uint256[]")?.numbers("uint256");
    let terms = VaultTerms {
        scaling_factors: list(rates, 0)?,
        rates: list(rates, 1)?,
        fee,
        aggregate_fee: config.u256(CONFIG_AGGREGATE_FEE, "uint256 aggregate fee")?,
        min_trade: minimum.u256(0, "uint256 minimum trade")?,
    };
    let built = match shape {
        Shape::Weighted(weights) => {
            let least = asked.least.words_if_any()?.map(|words| list(words, 0)).transpose()?;
            let pool = WeightedV3::new(terms, weights.clone(), balances);
            let pool = match least {
                Some(least) => pool.and_then(|pool| pool.with_least_balances(least)),
                None => pool,
            };
            pool.map(|pool| Exact::WeightedV3(Box::new(pool)))
        }
        Shape::Stable(amp) => {
            let pool = StableV3::new(terms, *amp, balances);
            let [equal, unequal] = &asked.invariants;
            let pool = match (equal.words_if_any()?, unequal.words_if_any()?) {
                (Some(_), Some(_)) => pool,
                (Some(_), None) => pool.map(StableV3::bounded),
                (None, _) => return Ok(Err(Doubt::NoMaths)),
            };
            pool.map(|pool| Exact::StableV3(Box::new(pool)))
        }
        Shape::Ellipse(ellipse) => {
            GyroV3::new(terms, ellipse, balances).map(|pool| Exact::GyroV3(Box::new(pool)))
        }
        Shape::Other => return Ok(Err(Doubt::NoMaths)),
    };
    Ok(built.map_err(|_| Doubt::Refused))
}
