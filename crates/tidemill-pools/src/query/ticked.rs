//! Pools of two tokens whose liquidity lies between ticks: Uniswap V3's and Algebra's.

use ruint::aliases::U256;

use crate::algebra::{Algebra, Fees, Generation};
use crate::chain::Address;
use crate::error::PoolError;
use crate::ticked::Ticked;
use crate::uniswap_v3::tick_math::MAX_TICK;
use crate::uniswap_v3::UniswapV3;

use super::reading::{ask_balance, ask_coin, AskedCoin, Coin, Doubt, Reading, Slot};
use super::uniswap::{ask_pair, Pair};
use super::view::{Asked, Signature, Stop, View};
use super::words::{signed_word, word, Words};
use super::{Detail, Exact, Kind, QueryError, Wanted};

pub(super) const SLOT0: Signature = Signature([0x38, 0x50, 0xc7, 0xbd], "slot0()");
pub(super) const GLOBAL_STATE: Signature = Signature([0xe7, 0x6c, 0x01, 0xe4], "globalState()");
const FEE: Signature = Signature([0xdd, 0xca, 0x3f, 0x43], "fee()");
const TICK_SPACING: Signature = Signature([0xd0, 0xc9, 0x3a, 0x7c], "tickSpacing()");
const LIQUIDITY: Signature = Signature([0x1a, 0x68, 0x65, 0x02], "liquidity()");
const TICK_BITMAP: Signature = Signature([0x53, 0x39, 0xc2, 0x96], "tickBitmap(int16)");
const TICK_TABLE: Signature = Signature([0xc6, 0x77, 0xe3, 0xe0], "tickTable(int16)");
const TICKS: Signature = Signature([0xf3, 0x0d, 0xba, 0x93], "ticks(int24)");

/// Most initialised ticks that are asked of one pool: above any real one, below what a hostile one could claim.
const TICKS_MAX: usize = 65_536;

/// What a fee in millionths is multiplied by to be one in 10^-18.
const PER_PPM: U256 = U256::from_limbs([1_000_000_000_000, 0, 0, 0]);

/// Words of a tick of Algebra V2, the last of which says whether limit orders stand at it.
const V2_TICK_WORDS: usize = 9;

/// Reads a pool with ticks.
pub(super) fn read_ticked(kind: Kind, wanted: &Wanted<'_>, view: &View<'_>) -> Result<Reading, Stop> {
    let address = wanted.address;
    let slot = view.ask(address, if kind == Kind::UniswapV3 { SLOT0 } else { GLOBAL_STATE });
    let liquidity = view.ask(address, LIQUIDITY);
    let pair = ask_pair(wanted, view);
    let terms = ask_terms(kind, wanted, view);
    let coins = read_coins(&pair, wanted, view);
    let words = slot.words()?;
    let (sqrt_price_x96, tick) = place(kind, address, words)?;
    let liquidity = liquidity.words()?.u128(0, 128, "uint128 liquidity")?;
    let terms = terms.get(words)?;
    let slot = Slot { sqrt_price_x96, tick, liquidity, tick_spacing: terms.tick_spacing };
    let is_exact = wanted.detail == Detail::Exact;
    let read = match terms.code {
        Some(code) if is_exact => read_ticks(address, code.table(terms.tick_spacing), view).map(Some),
        _ => Ok(None),
    };
    let (coins, factory) = (coins?, pair.factory()?);
    if liquidity == 0 && coins.iter().all(|coin| coin.reserve.is_zero()) {
        return Err(QueryError::Empty { address }.into());
    }
    let exact = match (terms.code, read?) {
        (Some(code), Some(read)) => {
            Ok(build(code, &slot, &read).map_err(|problem| QueryError::Contradictory { address, problem })?)
        }
        (Some(_), None) => Err(Doubt::NotAsked),
        (None, _) => Err(Doubt::NoMaths),
    };
    let fee_e18 = terms.code.map(|code| U256::from(code.fee_ppm()) * PER_PPM);
    Ok(Reading { address, kind, factory, coins, fee_e18, slot: Some(slot), exact })
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

/// Whose code a pool runs, with its fees in millionths.
#[derive(Clone, Copy)]
enum Code {
    UniswapV3(u32),
    Algebra(Generation, (u32, u32)),
}

/// Where a pool's bitmap is, and by what its places are multiplied to be ticks.
#[derive(Clone, Copy)]
struct Table(Signature, i32);

impl Code {
    /// Returns the fee of swaps from token 0 to token 1.
    const fn fee_ppm(self) -> u32 {
        match self {
            Self::UniswapV3(fee) | Self::Algebra(_, (fee, _)) => fee,
        }
    }

    const fn table(self, tick_spacing: i32) -> Table {
        match self {
            Self::UniswapV3(_) => Table(TICK_BITMAP, tick_spacing),
            Self::Algebra(generation, _) => Table(TICK_TABLE, generation.spacing()),
        }
    }
}

/// Code and spacing of a pool with ticks.
struct Terms {
    /// Absent for an Algebra pool that tells no tick, by whose shape alone two generations differ.
    code: Option<Code>,
    tick_spacing: i32,
}

enum AskedTerms<'a> {
    Known { fee_ppm: u32, tick_spacing: i32 },
    UniswapV3 { fee: Asked<'a>, tick_spacing: Asked<'a> },
    Algebra { fee: Asked<'a>, tick: Asked<'a>, tick_spacing: Asked<'a> },
}

/// Asks for fee and spacing. An Algebra pool's fee moves, and its spacing may change.
fn ask_terms<'a>(kind: Kind, wanted: &Wanted<'_>, view: &View<'a>) -> AskedTerms<'a> {
    let is_uniswap = kind == Kind::UniswapV3;
    let known = wanted.before.filter(|_| is_uniswap).and_then(|before| {
        let fee_ppm = u32::try_from(before.fee_e18? / PER_PPM).ok()?;
        Some((fee_ppm, before.slot?.tick_spacing))
    });
    if let Some((fee_ppm, tick_spacing)) = known {
        return AskedTerms::Known { fee_ppm, tick_spacing };
    }
    let (fee, tick_spacing) = (view.ask(wanted.address, FEE), view.ask(wanted.address, TICK_SPACING));
    if is_uniswap {
        return AskedTerms::UniswapV3 { fee, tick_spacing };
    }
    let tick = view.ask_with(wanted.address, TICKS, &[word(0)]);
    AskedTerms::Algebra { fee, tick, tick_spacing }
}

impl AskedTerms<'_> {
    /// Returns what the answers give, with what `slot0` or `globalState` told.
    fn get(self, told: Words<'_>) -> Result<Terms, Stop> {
        let spacing = |asked: &Asked<'_>| asked.words()?.i24(0, "int24 tickSpacing");
        match self {
            Self::Known { fee_ppm, tick_spacing } => {
                Ok(Terms { code: Some(Code::UniswapV3(fee_ppm)), tick_spacing })
            }
            Self::UniswapV3 { fee, tick_spacing } => {
                let fee_ppm = fee.words()?.unsigned(0, 24, "uint24 fee")?.to();
                Ok(Terms { code: Some(Code::UniswapV3(fee_ppm)), tick_spacing: spacing(&tick_spacing)? })
            }
            Self::Algebra { fee, tick, tick_spacing } => {
                Ok(Terms { code: algebra(told, &fee, &tick)?, tick_spacing: spacing(&tick_spacing)? })
            }
        }
    }
}

/// Returns the generation by the shape of what a pool tells, and its fees by where that generation tells them.
fn algebra(told: Words<'_>, fee: &Asked<'_>, tick: &Asked<'_>) -> Result<Option<Code>, Stop> {
    let at = |index| told.unsigned(index, 16, "uint16 fee").map(|fee| fee.to::<u32>());
    let both = |fee| (fee, fee);
    Ok(Some(match (told.len(), tick.words_if_any()?.map(|words| words.len())) {
        (0..=6, _) => {
            // Where a plugin computes the fee, it is not in the state.
            let computed = match fee.words_if_any()? {
                Some(fee) => fee.unsigned(0, 16, "uint16 fee")?.to(),
                None => at(2)?,
            };
            Code::Algebra(Generation::Integral, both(computed))
        }
        (7, Some(V2_TICK_WORDS)) => Code::Algebra(Generation::V2, both(at(3)?)),
        (7, Some(_)) => Code::Algebra(Generation::V1, both(at(2)?)),
        (7, None) => return Ok(None),
        _ => Code::Algebra(Generation::V1Directional, (at(2)?, at(3)?)),
    }))
}

/// Returns price and tick of what `slot0` or `globalState` told.
fn place(kind: Kind, address: Address, words: Words<'_>) -> Result<(U256, i32), Stop> {
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
    Ok((sqrt_price_x96, tick))
}

/// A tick and its gross and net liquidity.
type TickRow = (i32, u128, i128);

/// What a pool's ticks told.
#[derive(Default)]
struct Told {
    rows: Vec<TickRow>,
    has_limit_orders: bool,
}

/// Reads every initialised tick: the words of the bitmap in one round, the ticks whose bits are set in the next.
fn read_ticks(address: Address, table: Table, view: &View<'_>) -> Result<Told, Stop> {
    let Table(signature, spacing) = table;
    if !(1..16_384).contains(&spacing) {
        let problem = PoolError::Ticks { lower: spacing, upper: spacing };
        return Err(QueryError::Contradictory { address, problem }.into());
    }
    let words = (-MAX_TICK).div_euclid(spacing) >> 8..=(MAX_TICK / spacing) >> 8;
    let asked: Vec<_> =
        words.map(|word| (word, view.ask_with(address, signature, &[signed_word(word)]))).collect();
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
    let mut told = Told::default();
    for (tick, answer) in asked {
        let words = answer.words()?;
        if words.len() == V2_TICK_WORDS {
            told.has_limit_orders |= words.bool(V2_TICK_WORDS - 1, "bool hasLimitOrders")?;
        }
        let gross = words.u128(0, 128, "uint128 liquidityGross")?;
        told.rows.push((tick, gross, words.i128(1, "int128 liquidityNet")?));
    }
    Ok(told)
}

/// Builds the pool, whose ticks must add up to the liquidity that it tells.
fn build(code: Code, slot: &Slot, told: &Told) -> Result<Exact, PoolError> {
    Ok(Exact::Pool(match code {
        Code::UniswapV3(fee_ppm) => {
            filled(UniswapV3::new(fee_ppm, slot.tick_spacing)?, slot, &told.rows)?.into()
        }
        Code::Algebra(generation, fees_ppm) => {
            let mut pool = Algebra::new(generation);
            let has_limit_orders = told.has_limit_orders;
            pool.set_fees(Fees { ppm: Some(fees_ppm), has_limit_orders, ..Fees::default() })?;
            filled(pool, slot, &told.rows)?.into()
        }
    }))
}

fn filled<P: Ticked>(mut pool: P, slot: &Slot, rows: &[TickRow]) -> Result<P, PoolError> {
    pool.set_slot(slot.sqrt_price_x96, slot.tick, slot.liquidity);
    let mut in_range = 0_i128;
    for (tick, gross, net) in rows {
        pool.set_tick(*tick, Some((*gross, *net)))?;
        if *tick <= slot.tick {
            in_range = in_range.checked_add(*net).ok_or(PoolError::Overflow)?;
        }
    }
    if u128::try_from(in_range) == Ok(slot.liquidity) {
        Ok(pool)
    } else {
        Err(PoolError::Incomplete)
    }
}
