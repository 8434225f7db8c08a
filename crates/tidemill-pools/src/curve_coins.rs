//! Which coins of a Curve pool a call or a log names: two different ones that it has.
//!
//! Source of the events: curvefi/curve-contract, stableswap-ng, twocrypto-ng v2.1.0; topics computed from their signatures.

use ruint::aliases::U256;

use crate::abi::{hash, Fields, Tail};
use crate::chain::{Address, Hash, Log};
use crate::coins::{exchanged, moved};
use crate::error::{DecodeError, PoolError};
use crate::kind::{number_word, CallTerms, Deed, PoolSpec};

/// Topic of `StableSwap`'s `TokenExchange`.
const EXCHANGE: Hash = hash("8b3e96f2b889fa771c53c981b40daf005f63f637f1869f707052d15a3dd97140");
/// Topic of `CryptoSwap`'s, whose places are unsigned.
const CRYPTO_EXCHANGE: Hash = hash("b2e76ae99761dc136e598d4a629bb347eccb9532a5f8bbd72e18467c3c34cc98");
/// Topic of that of the newer `CryptoSwap` pools, which tell fee and price scale too.
const NG_EXCHANGE: Hash = hash("143f1f8e861fbdeddd5b46e844b7d3ac7b86a122f36e8c463859ee6811b1f29c");
/// Topics of what adds liquidity, its two amounts standing first: `StableSwap`'s, `CryptoSwap`'s, and that of the newer.
const ADDED: [Hash; 3] = [
    hash("26f55a85081d24974e85c6c00045d0f0453991e95873f52bff0d21af4079a768"),
    hash("540ab385f9b5d450a27404172caade516b3ba3f4be88239ac56a2ad1de2a1f5a"),
    hash("7196cbf63df1f2ec20638e683ebe51d18260be510592ee1e2efe3f3cfd4c33e9"),
];
/// Topics of what takes two amounts out: `RemoveLiquidity` of `StableSwap` and `CryptoSwap`, and `RemoveLiquidityImbalance`.
const REMOVED: [Hash; 3] = [
    hash("7c363854ccf79623411f8995b362bce5eddff18c927edc6f5dbbb5e05819a82c"),
    hash("dd3c0336a16f1b64f172b7bb0dad5b2b3c7c76f91e8c4aafd6aae60dce800153"),
    hash("2b5508378d7e19e0d5fa338419034731416c4f5b219a10379956f764317fd47e"),
];
/// Topic of `AddLiquidity` of `StableSwap` NG, whose amounts are a list.
const NG_ADDED: Hash = hash("189c623b666b1b45b83d7178f39b8c087cb09774317ca2f53c2d3c3726f222a2");
/// Topics of `RemoveLiquidity` and `RemoveLiquidityImbalance` of `StableSwap` NG.
const NG_REMOVED: [Hash; 2] = [
    hash("347ad828e58cbe534d8f6b67985d791360756b18f0d95fd9f197a66cc46480ea"),
    hash("3631c28b1f9dd213e0319fb167b554d76b6c283a41143eb400a0d1adb1af1755"),
];
/// The most coins a pool may have.
const COINS_MAX: usize = 8;
/// What the older pools call ether itself.
const ETHER: Address = [0xee; 20];

/// Returns what `exchange` names: both places, and, where the pool takes them as `uint256`, that it does.
pub(crate) fn call_terms(
    spec: &PoolSpec,
    coins: &[Address],
    sides: [&Address; 2],
    is_unsigned: bool,
) -> Option<CallTerms> {
    let place = |side: &Address| {
        let place = coins.iter().position(|coin| coin == side && *coin != ETHER)?;
        u32::try_from(place).ok().map(number_word)
    };
    let [coin_in, coin_out] = sides;
    let words = [place(coin_in)?, place(coin_out)?, number_word(1)];
    Some(CallTerms::new(spec.address, words.get(..2 + usize::from(is_unsigned))?))
}

/// Returns what a log of a pool of these coins says; an exchange of coins that a lower pool holds is none of its own.
///
/// # Errors
/// Where the log claims to be such an event and is malformed.
pub(crate) fn deed(log: &Log<'_>, coins: &[Address]) -> Result<Option<Deed>, DecodeError> {
    let Some(topic) = log.topics.first() else { return Ok(None) };
    match *topic {
        EXCHANGE | CRYPTO_EXCHANGE => exchange(&Fields::<2, 128>::of(log, "TokenExchange")?, coins).map(Some),
        NG_EXCHANGE => exchange(&Fields::<2, 192>::of(log, "TokenExchange")?, coins).map(Some),
        // Of other numbers of coins there are other events.
        NG_ADDED => listed(log, "AddLiquidity", true),
        topic if NG_REMOVED.contains(&topic) => listed(log, "RemoveLiquidity", false),
        topic if ADDED.contains(&topic) => pair(log, "AddLiquidity", true),
        topic if REMOVED.contains(&topic) => pair(log, "RemoveLiquidity", false),
        _ => Ok(None),
    }
}

fn exchange<const B: usize>(fields: &Fields<'_, 2, B>, coins: &[Address]) -> Result<Deed, DecodeError> {
    let coin = |index, name| {
        let word = fields.word(index, name);
        let place = usize::try_from(word.unsigned(8)?).ok();
        place.and_then(|place| coins.get(place)).copied().ok_or_else(|| word.refused())
    };
    let buyer = fields.topic(1, "address buyer").address()?;
    let sides = [
        (coin(0, "sold_id")?, fields.word(1, "uint256 tokens_sold").u256()),
        (coin(2, "bought_id")?, fields.word(3, "uint256 tokens_bought").u256()),
    ];
    Ok(exchanged(Some(buyer), coins, sides))
}

fn pair(log: &Log<'_>, event: &'static str, is_mint: bool) -> Result<Option<Deed>, DecodeError> {
    let tail = Tail::of::<2>(log, event)?;
    let amounts = [tail.word(0, "uint256 amount")?.u256(), tail.word(1, "uint256 amount")?.u256()];
    Ok(moved(is_mint, tail.topic(1, "address provider").address()?, &amounts))
}

fn listed(log: &Log<'_>, event: &'static str, is_mint: bool) -> Result<Option<Deed>, DecodeError> {
    let tail = Tail::of::<2>(log, event)?;
    let amounts: Vec<U256> =
        tail.list(0, COINS_MAX, "uint256[] amounts")?.iter().map(|word| U256::from_be_bytes(*word)).collect();
    Ok(moved(is_mint, tail.topic(1, "address provider").address()?, &amounts))
}

/// Checks that `i` and `j` are two of `coins`; `Coins` where they are not.
pub(crate) fn check_pair(i: usize, j: usize, coins: usize) -> Result<(), PoolError> {
    if i == j || i >= coins || j >= coins {
        return Err(PoolError::Coins { i, j, coins });
    }
    Ok(())
}

/// Returns the value of a coin; `Coins` where there is none.
pub(crate) fn at(of: &[U256], index: usize) -> Result<U256, PoolError> {
    of.get(index).copied().ok_or(PoolError::Coins { i: index, j: index, coins: of.len() })
}

/// Checks that `dy` can be bought of what a pool holds; `Empty` for nothing, `Insufficient` for all or more.
pub(crate) fn check_wanted(dy: U256, held: U256) -> Result<(), PoolError> {
    if dy.is_zero() {
        return Err(PoolError::Empty);
    }
    if dy >= held {
        return Err(PoolError::Insufficient);
    }
    Ok(())
}
