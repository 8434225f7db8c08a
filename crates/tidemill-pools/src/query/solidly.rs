//! Pairs of Solidly and its forks: their factory's fee, and the code that quotes as the pair itself does.

use ruint::aliases::U256;

use crate::chain::Address;
use crate::error::PoolError;
use crate::solidly::{Reading as Lasting, Rules, Solidly};
use crate::uniswap_v2::Fee;

use super::proven::{proven, quotes, trials, Trial};
use super::reading::{Coin, Doubt, Reading};
use super::view::{Asked, Signature, Stop, View};
use super::words::{address_word, word};
use super::{Detail, Exact};

const METADATA: Signature = Signature([0x39, 0x2f, 0x37, 0xe9], "metadata()");
const FEE_OF_POOL: Signature = Signature([0xcc, 0x56, 0xb2, 0xc5], "getFee(address,bool)");
const FEE_OF_CURVE: Signature = Signature([0x51, 0x2b, 0x45, 0xea], "getFee(bool)");
const GET_AMOUNT_OUT: Signature = Signature([0xf1, 0x40, 0xa3, 0x5a], "getAmountOut(uint256,address)");

/// A fee of one, in the factories' ten-thousandths.
const FEE_ONE: u32 = 10_000;
/// The fee of Solidly's own pairs, whose factory tells none. Source: `BaseV1Pair`, `amountIn / 10000`.
const SOLIDLY_FEE: u32 = 1;
/// What a fee in ten-thousandths is multiplied by to be one in 10^-18.
const PER_FEE: u64 = 100_000_000_000_000;

/// What a pair tells of itself; absent where it tells nothing.
pub(super) struct AskedTerms<'a>(Asked<'a>);

/// What lasts of a pair.
#[derive(Clone, Copy)]
struct Terms {
    is_stable: bool,
    /// Of token 0 and token 1; absent where a unit is no power of ten.
    decimals: Option<(u32, u32)>,
}

/// What governs a pair, and whose code may do so, the likeliest first.
pub(super) struct Governed {
    terms: Option<Terms>,
    /// In ten-thousandths.
    fee: Option<u32>,
    rules: [Rules; 2],
}

/// Asks a pair for what it says of itself.
pub(super) fn ask_terms<'a>(address: Address, view: &View<'a>) -> AskedTerms<'a> {
    AskedTerms(view.ask(address, METADATA))
}

impl AskedTerms<'_> {
    fn get(&self) -> Result<Option<Terms>, Stop> {
        let Some(words) = self.0.words_if_any()? else { return Ok(None) };
        let units = [words.u256(0, "uint256 unit")?, words.u256(1, "uint256 unit")?];
        let decimals = units.map(|unit| (0..=19).find(|decimals| U256::from(10_u64.pow(*decimals)) == unit));
        let [decimals0, decimals1] = decimals;
        let is_stable = words.bool(4, "bool stable")?;
        Ok(Some(Terms { is_stable, decimals: decimals0.zip(decimals1) }))
    }
}

/// Reads the fee that the factory has set for the pair at `address`.
pub(super) fn ask_fee(
    address: Address,
    terms: &AskedTerms<'_>,
    factory: Option<Address>,
    view: &View<'_>,
) -> Result<Governed, Stop> {
    let unknown = |terms| Governed { terms, fee: None, rules: [Rules::Velodrome, Rules::Solidly] };
    let (Some(terms), Some(factory)) = (terms.get()?, factory) else { return Ok(unknown(None)) };
    let flag = word(u64::from(terms.is_stable));
    let of_pool = view.ask_with(factory, FEE_OF_POOL, &[address_word(address), flag]);
    let of_curve = view.ask_with(factory, FEE_OF_CURVE, &[flag]);
    let told =
        |asked: &Asked<'_>| asked.words_if_any()?.map(|words| words.u256(0, "uint256 fee")).transpose();
    let (of_pool, of_curve) = (told(&of_pool), told(&of_curve));
    let (fee, rules) = match (of_pool?, of_curve?) {
        (Some(fee), _) => (fee, [Rules::Velodrome, Rules::Solidly]),
        (None, Some(fee)) => (fee, [Rules::Solidly, Rules::Velodrome]),
        (None, None) => (U256::from(SOLIDLY_FEE), [Rules::Solidly, Rules::Velodrome]),
    };
    let fee = u32::try_from(fee).ok().filter(|fee| *fee < FEE_ONE);
    Ok(Governed { terms: Some(terms), fee, rules })
}

/// Gives a reading its fee, and the pair to the last unit that quotes as the contract does.
pub(super) fn prove(
    reading: &mut Reading,
    governed: &Governed,
    detail: Detail,
    view: &View<'_>,
) -> Result<(), Stop> {
    reading.fee_e18 = governed.fee.map(|fee| U256::from(fee) * U256::from(PER_FEE));
    reading.exact = match (detail, candidates(&reading.coins, governed)) {
        (Detail::Reserves, _) => Err(Doubt::NotAsked),
        (Detail::Exact, Err(doubt)) => Err(doubt),
        (Detail::Exact, Ok(candidates)) => {
            let coins = &reading.coins;
            let token = |trial: Trial| coins.get(trial.i).map_or([0; 32], |coin| address_word(coin.address));
            let told = quotes(trials(&candidates, coins, quote), |trial| {
                let words = [trial.amount.to_be_bytes(), token(trial)];
                view.ask_with(reading.address, GET_AMOUNT_OUT, &words)
            })?;
            proven(candidates, &told, quote).map(|pool| Exact::Pool(pool.into()))
        }
    };
    Ok(())
}

fn quote(pool: &Solidly, trial: Trial) -> Result<U256, PoolError> {
    pool.amount_out(trial.i == 0, trial.amount)
}

fn candidates(coins: &[Coin], governed: &Governed) -> Result<Vec<Solidly>, Doubt> {
    let terms = governed.terms.ok_or(Doubt::NoMaths)?;
    let (decimals0, decimals1) = terms.decimals.ok_or(Doubt::Decimals)?;
    let fee = governed.fee.and_then(|fee| Fee::new(FEE_ONE - fee, FEE_ONE).ok()).ok_or(Doubt::FeeUnknown)?;
    let lasting = Lasting::new(fee, decimals0, decimals1).map_err(|_| Doubt::Decimals)?;
    let held: Vec<_> = coins.iter().filter_map(|coin| u128::try_from(coin.reserve).ok()).collect();
    let [reserve0, reserve1] = held.as_slice() else { return Err(Doubt::Refused) };
    Ok(governed
        .rules
        .into_iter()
        .map(|rules| {
            let mut pool = Solidly::new(rules, terms.is_stable);
            pool.set_reading(Some(lasting));
            pool.set_reserves(*reserve0, *reserve1);
            pool
        })
        .collect())
}
