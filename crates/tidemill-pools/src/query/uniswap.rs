//! Pairs and pools of two tokens: Uniswap V2, Solidly, Uniswap V3 and Algebra.

use ruint::aliases::U256;

use crate::chain::Address;
use crate::error::PoolError;
use crate::uniswap_v3::tick_math::MAX_TICK;
use crate::uniswap_v3::UniswapV3;

use super::lock;
use super::reading::{ask_balance, ask_coin, AskedCoin, Coin, Doubt, Reading, Slot};
use super::view::{Asked, Signature, Stop, View};
use super::words::{signed_word, Words};
use super::{Detail, Exact, Kind, QueryError, Wanted};

pub(super) const TOKEN0: Signature = Signature([0x0d, 0xfe, 0x16, 0x81], "token0()");
pub(super) const TOKEN1: Signature = Signature([0xd2, 0x12, 0x20, 0xa7], "token1()");
pub(super) const GET_RESERVES: Signature = Signature([0x09, 0x02, 0xf1, 0xac], "getReserves()");
pub(super) const STABLE: Signature = Signature([0x22, 0xbe, 0x3d, 0xe1], "stable()");
pub(super) const SLOT0: Signature = Signature([0x38, 0x50, 0xc7, 0xbd], "slot0()");
pub(super) const GLOBAL_STATE: Signature = Signature([0xe7, 0x6c, 0x01, 0xe4], "globalState()");
const FACTORY: Signature = Signature([0xc4, 0x5a, 0x01, 0x55], "factory()");
const FEE: Signature = Signature([0xdd, 0xca, 0x3f, 0x43], "fee()");
const TICK_SPACING: Signature = Signature([0xd0, 0xc9, 0x3a, 0x7c], "tickSpacing()");
const LIQUIDITY: Signature = Signature([0x1a, 0x68, 0x65, 0x02], "liquidity()");
const TICK_BITMAP: Signature = Signature([0x53, 0x39, 0xc2, 0x96], "tickBitmap(int16)");
const TICKS: Signature = Signature([0xf3, 0x0d, 0xba, 0x93], "ticks(int24)");

/// Most initialised ticks that are asked of one pool: above any real one, below what a hostile one could claim.
const TICKS_MAX: usize = 65_536;

/// What a fee in millionths is multiplied by to be one in 10^-18.
const PER_PPM: U256 = U256::from_limbs([1_000_000_000_000, 0, 0, 0]);

/// The two tokens and the factory, which last.
enum Pair<'a> {
    Known { tokens: [Address; 2], factory: Option<Address> },
    Asked { token0: Asked<'a>, token1: Asked<'a>, factory: Asked<'a> },
}

fn ask_pair<'a>(wanted: &Wanted<'_>, view: &View<'a>) -> Pair<'a> {
    let before = wanted.before.map(|before| (before.factory, before.coins.as_slice()));
    if let Some((factory, [coin0, coin1])) = before {
        return Pair::Known { tokens: [coin0.address, coin1.address], factory };
    }
    let ask = |signature| view.ask(wanted.address, signature);
    Pair::Asked { token0: ask(TOKEN0), token1: ask(TOKEN1), factory: ask(FACTORY) }
}

impl Pair<'_> {
    fn tokens(&self, address: Address) -> Result<[Address; 2], Stop> {
        let [token0, token1] = match self {
            Self::Known { tokens, .. } => return Ok(*tokens),
            Self::Asked { token0, token1, .. } => {
                [token0.words()?.address(0, "address")?, token1.words()?.address(0, "address")?]
            }
        };
        if token0 == token1 {
            return Err(QueryError::Contradictory { address, problem: PoolError::Tokens }.into());
        }
        Ok([token0, token1])
    }

    /// Returns the factory; one that is no address is as good as none: nothing is computed from it.
    fn factory(&self) -> Result<Option<Address>, Stop> {
        match self {
            Self::Known { factory, .. } => Ok(*factory),
            Self::Asked { factory, .. } => {
                Ok(factory.words_if_any()?.and_then(|words| words.address(0, "address").ok()))
            }
        }
    }
}

/// Reads a pair that keeps reserves.
pub(super) fn read_pair(kind: Kind, wanted: &Wanted<'_>, view: &View<'_>) -> Result<Reading, Stop> {
    let address = wanted.address;
    let reserves = view.ask(address, GET_RESERVES);
    // Every transaction opens the lock again, so that a pair once seen at rest stays at rest between blocks.
    let lock = wanted.before.is_none().then(|| lock::ask_pair(address, view));
    let pair = ask_pair(wanted, view);
    let words = reserves.words()?;
    words.word(2, "three words of reserves and time")?;
    let bits = if kind == Kind::UniswapV2 { 112 } else { 256 };
    let held = [words.unsigned(0, bits, "uint112 reserve0")?, words.unsigned(1, bits, "uint112 reserve1")?];
    let [coin0, coin1] = pair.tokens(address)?.map(|token| ask_coin(token, wanted.before, view));
    if let Some(lock) = &lock {
        lock::check(lock, address)?;
    }
    let factory = pair.factory()?;
    let coins = vec![coin0.with(held[0])?, coin1.with(held[1])?];
    if held.iter().any(U256::is_zero) {
        return Err(QueryError::Empty { address }.into());
    }
    let mut reading = Reading {
        address,
        kind,
        factory,
        coins,
        fee_e18: None,
        slot: None,
        exact: Err(if kind == Kind::UniswapV2 { Doubt::FeeUnknown } else { Doubt::NoMaths }),
    };
    if let Some(Ok(Exact::Pool(crate::Pool::UniswapV2(before)))) = wanted.before.map(|before| &before.exact) {
        let set = reading.set_pair_fee(before.fee());
        set.map_err(|problem| QueryError::Contradictory { address, problem })?;
    }
    Ok(reading)
}

/// Reads a pool with ticks.
pub(super) fn read_ticked(kind: Kind, wanted: &Wanted<'_>, view: &View<'_>) -> Result<Reading, Stop> {
    let address = wanted.address;
    let slot = view.ask(address, if kind == Kind::UniswapV3 { SLOT0 } else { GLOBAL_STATE });
    let liquidity = view.ask(address, LIQUIDITY);
    let pair = ask_pair(wanted, view);
    let terms = ask_terms(kind, wanted, view);
    let coins = read_coins(&pair, wanted, view);
    let at = words_of_slot(kind, address, slot.words()?)?;
    let liquidity = liquidity.words()?.u128(0, 128, "uint128 liquidity")?;
    let terms = terms.get()?;
    let slot = Slot {
        sqrt_price_x96: at.sqrt_price_x96,
        tick: at.tick,
        liquidity,
        tick_spacing: terms.tick_spacing,
    };
    let is_exact = wanted.detail == Detail::Exact && kind == Kind::UniswapV3;
    let ticks = if is_exact { read_ticks(address, &slot, view) } else { Ok(Vec::new()) };
    let (coins, factory) = (coins?, pair.factory()?);
    if liquidity == 0 && coins.iter().all(|coin| coin.reserve.is_zero()) {
        return Err(QueryError::Empty { address }.into());
    }
    let exact = match (kind, is_exact) {
        (Kind::UniswapV3, true) => build(address, &terms, &slot, ticks?)?,
        (Kind::UniswapV3, false) => Err(Doubt::NotAsked),
        _ => Err(Doubt::NoMaths),
    };
    let fee_ppm = terms.fee_ppm.or(at.fee_ppm);
    Ok(Reading {
        address,
        kind,
        factory,
        coins,
        fee_e18: fee_ppm.map(|fee_ppm| U256::from(fee_ppm) * PER_PPM),
        slot: Some(slot),
        exact,
    })
}

/// Reads the tokens of a pool that keeps no reserves: what they say that it has.
fn read_coins(pair: &Pair<'_>, wanted: &Wanted<'_>, view: &View<'_>) -> Result<Vec<Coin>, Stop> {
    let tokens = pair.tokens(wanted.address)?;
    let balances = tokens.map(|token| ask_balance(token, wanted.address, view));
    let coins = tokens.map(|token| ask_coin(token, wanted.before, view));
    let with = |(coin, balance): (&AskedCoin<'_>, &Asked<'_>)| {
        coin.with(balance.words()?.u256(0, "uint256 balance")?)
    };
    coins.iter().zip(&balances).map(with).collect()
}

/// Fee and spacing of a pool with ticks.
struct TickedTerms {
    fee_ppm: Option<u32>,
    tick_spacing: i32,
}

enum AskedTerms<'a> {
    Known(TickedTerms),
    Asked { fee: Option<Asked<'a>>, tick_spacing: Asked<'a> },
}

/// Asks for fee and spacing. An Algebra pool's fee is in its state, and its spacing may change.
fn ask_terms<'a>(kind: Kind, wanted: &Wanted<'_>, view: &View<'a>) -> AskedTerms<'a> {
    let is_uniswap = kind == Kind::UniswapV3;
    let known = wanted.before.filter(|_| is_uniswap).and_then(|before| Some((before.slot?, before.fee_e18?)));
    if let Some((slot, fee_e18)) = known {
        let fee_ppm = u32::try_from(fee_e18 / PER_PPM).ok();
        return AskedTerms::Known(TickedTerms { fee_ppm, tick_spacing: slot.tick_spacing });
    }
    let fee = is_uniswap.then(|| view.ask(wanted.address, FEE));
    AskedTerms::Asked { fee, tick_spacing: view.ask(wanted.address, TICK_SPACING) }
}

impl AskedTerms<'_> {
    fn get(self) -> Result<TickedTerms, Stop> {
        let (fee, tick_spacing) = match self {
            Self::Known(terms) => return Ok(terms),
            Self::Asked { fee, tick_spacing } => (fee, tick_spacing),
        };
        let fee_ppm = match fee {
            Some(fee) => Some(fee.words()?.unsigned(0, 24, "uint24 fee")?.to()),
            None => None,
        };
        Ok(TickedTerms { fee_ppm, tick_spacing: tick_spacing.words()?.i24(0, "int24 tickSpacing")? })
    }
}

/// What `slot0` or `globalState` tells.
struct At {
    sqrt_price_x96: U256,
    tick: i32,
    /// Of Algebra pools whose layout says which word it is.
    fee_ppm: Option<u32>,
}

fn words_of_slot(kind: Kind, address: Address, words: Words<'_>) -> Result<At, Stop> {
    let sqrt_price_x96 = words.unsigned(0, 160, "uint160 price")?;
    let tick = words.i24(1, "int24 tick")?;
    let count = if kind == Kind::UniswapV3 { 7 } else { words.len().clamp(6, 8) };
    let is_unlocked = words.bool(count - 1, "bool unlocked")?;
    if sqrt_price_x96.is_zero() {
        return Err(QueryError::Empty { address }.into());
    }
    if !is_unlocked {
        return Err(QueryError::Locked { address }.into());
    }
    // Of seven words the first Algebra has its fee in the third and the second in the fourth; of eight, two fees.
    let fee_ppm = match (kind, count) {
        (Kind::Algebra, 6) => Some(words.unsigned(2, 16, "uint16 lastFee")?.to()),
        _ => None,
    };
    Ok(At { sqrt_price_x96, tick, fee_ppm })
}

/// A tick and its gross and net liquidity.
type TickRow = (i32, u128, i128);

/// Reads every initialised tick: the words of the bitmap in one round, the ticks whose bits are set in the next.
fn read_ticks(address: Address, slot: &Slot, view: &View<'_>) -> Result<Vec<TickRow>, Stop> {
    let spacing = slot.tick_spacing;
    if !(1..16_384).contains(&spacing) {
        let problem = PoolError::Ticks { lower: spacing, upper: spacing };
        return Err(QueryError::Contradictory { address, problem }.into());
    }
    let words = (-MAX_TICK).div_euclid(spacing) >> 8..=(MAX_TICK / spacing) >> 8;
    let asked: Vec<_> =
        words.map(|word| (word, view.ask_with(address, TICK_BITMAP, &[signed_word(word)]))).collect();
    let mut ticks = Vec::new();
    for (word, bitmap) in asked {
        let bits = bitmap.words()?.u256(0, "uint256 bitmap")?;
        for bit in (0..256_i32).filter(|bit| bits.bit(bit.unsigned_abs() as usize)) {
            ticks.push(((word << 8) + bit) * spacing);
        }
    }
    if ticks.len() > TICKS_MAX {
        return Err(QueryError::Ticks { address, max: TICKS_MAX, found: ticks.len() }.into());
    }
    let asked: Vec<_> =
        ticks.iter().map(|tick| (*tick, view.ask_with(address, TICKS, &[signed_word(*tick)]))).collect();
    let mut rows = Vec::with_capacity(asked.len());
    for (tick, told) in asked {
        let words = told.words()?;
        rows.push((
            tick,
            words.u128(0, 128, "uint128 liquidityGross")?,
            words.i128(1, "int128 liquidityNet")?,
        ));
    }
    Ok(rows)
}

/// Builds the pool, whose ticks must add up to the liquidity that it tells.
fn build(
    address: Address,
    terms: &TickedTerms,
    slot: &Slot,
    ticks: Vec<TickRow>,
) -> Result<Result<Exact, Doubt>, Stop> {
    let contradictory = |problem| Stop::from(QueryError::Contradictory { address, problem });
    let fee_ppm = terms.fee_ppm.unwrap_or_default();
    let mut pool = UniswapV3::new(fee_ppm, terms.tick_spacing).map_err(contradictory)?;
    pool.set_slot(slot.sqrt_price_x96, slot.tick, slot.liquidity);
    let mut in_range = 0_i128;
    for (tick, gross, net) in ticks {
        pool.set_tick(tick, Some((gross, net))).map_err(contradictory)?;
        if tick <= slot.tick {
            in_range = in_range.checked_add(net).ok_or_else(|| contradictory(PoolError::Overflow))?;
        }
    }
    if u128::try_from(in_range) != Ok(slot.liquidity) {
        return Err(contradictory(PoolError::Incomplete));
    }
    Ok(Ok(Exact::Pool(pool.into())))
}
