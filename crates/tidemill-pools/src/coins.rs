//! A pool whose logs do not tell its state: kept as what the node answered after one block, and unknown from its next log
//! on until it is read again.

use std::marker::PhantomData;
use std::sync::Arc;

use ruint::aliases::U256;

use crate::chain::{Address, Log};
use crate::error::{DecodeError, PoolError, RecordError};
use crate::factory::Factory;
use crate::kind::{
    Amount, CallTerms, Deed, Moved, Observed, PoolKind, PoolSpec, Price, Quote, State, Traded,
};
use crate::multicall::{Answer, Call, Reverted};
use crate::patch::{Journal, Reader, RECORD_VERSION};
use crate::query::{kinds_of, Detail, Exact, Expected, Progress, Query, Reading};

/// Key of the only part: what the node answered.
const ANSWERS: &[u8] = &[1];
/// `future_A_time()`: when the ramp of a Curve pool's amplification ends.
pub(crate) const RAMP_ENDS: [u8; 4] = [0x14, 0x05, 0x22, 0x88];
/// `getAmplificationParameter()` of Balancer's stable pools, whose second word says whether it is on a ramp.
const AMPLIFICATION: [u8; 4] = [0x6d, 0xac, 0xcf, 0xfa];
const ONE: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);

/// What tells one protocol of such pools from the others.
pub trait Dialect: Clone + std::fmt::Debug + PartialEq + Eq {
    /// Name of the protocol, also that of its kind in `query`.
    const PROTOCOL: &'static str;

    /// Returns the pool that a log of the vault is about; pools without a vault speak for themselves.
    fn subject(_log: &Log<'_>) -> Option<Address> {
        None
    }

    /// Returns the pool that a log of the vault makes, and its coins; pools without a vault are listed.
    ///
    /// # Errors
    /// Where the log claims to make a pool and is malformed.
    fn created(_log: &Log<'_>) -> Result<Option<(Address, Vec<Address>)>, DecodeError> {
        Ok(None)
    }

    /// Returns what a transaction names to trade one coin of `pool` for another, as `PoolKind` has it.
    fn call_terms(
        pool: &CoinPool<Self>,
        spec: &PoolSpec,
        token_in: &Address,
        token_out: &Address,
    ) -> Option<CallTerms>;

    /// Returns what a log says that is an event of its own, of a pool of these coins.
    ///
    /// # Errors
    /// Where the log claims to be such an event and is malformed.
    fn deed(log: &Log<'_>, coins: &[Address]) -> Result<Option<Deed>, DecodeError>;
}

/// Returns the exchange of two coins; `sides` are the coin and the size that came in, then those that went out.
pub(crate) fn exchanged(sender: Option<Address>, coins: &[Address], sides: [(Address, U256); 2]) -> Deed {
    let [(coin_in, size_in), (coin_out, size_out)] = sides;
    // The pool's own share token has no place and comes last.
    let place = |coin| coins.iter().position(|known| *known == coin).unwrap_or(coins.len());
    let is_up = place(coin_in) <= place(coin_out);
    let zero = U256::ZERO;
    let traded = Traded {
        sender,
        recipient: None,
        tokens: Some(if is_up { [coin_in, coin_out] } else { [coin_out, coin_in] }),
        amount0_in: if is_up { size_in } else { zero },
        amount1_in: if is_up { zero } else { size_in },
        amount0_out: if is_up { zero } else { size_out },
        amount1_out: if is_up { size_out } else { zero },
        sqrt_price_x96: None,
        liquidity: None,
        tick: None,
    };
    Deed::Swap(traded)
}

/// Returns a change of liquidity; `None` where nothing moved, or of more coins than the event has fields for.
pub(crate) fn moved(is_mint: bool, owner: Address, amounts: &[U256]) -> Option<Deed> {
    let [amount0, amount1] = *amounts else { return None };
    let (liquidity, tick_lower, tick_upper) = (None, None, None);
    let moved = Moved { is_mint, owner, amount0, amount1, liquidity, tick_lower, tick_upper };
    (!amount0.is_zero() || !amount1.is_zero()).then_some(Deed::Liquidity(moved))
}

/// What was asked and what came, in the order of the calls.
pub type Answers = Vec<(Call, Answer)>;

/// A pool of two to eight coins, known to the last unit after one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoinPool<D> {
    address: Address,
    coins: Vec<Address>,
    known: Option<Box<Known>>,
    dialect: PhantomData<D>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    answers: Arc<Answers>,
    timestamp_s: u64,
    balances: Vec<U256>,
    fee_e18: Option<U256>,
    exact: Exact,
    is_momentary: bool,
}

impl Known {
    /// Reads the answers as the query that asked for them would, with the coins; `None` where they do not make an exact pool.
    fn of(
        protocol: &str,
        address: Address,
        answers: Answers,
        timestamp_s: u64,
    ) -> Option<(Vec<Address>, Self)> {
        let (calls, given) = answers.iter().cloned().unzip();
        let expected = Expected { calls, ..Expected::default() };
        let mut query = Query::expecting(address, kinds_of(protocol)?, Detail::Exact, &expected);
        let Progress::Done(reading) = query.take(given) else { return None };
        Self::told(*reading, answers, timestamp_s)
    }

    /// Returns what a reading says, which was made of `answers`.
    fn told(reading: Reading, answers: Answers, timestamp_s: u64) -> Option<(Vec<Address>, Self)> {
        let is_ramping = is_ramping(reading.address, &answers, timestamp_s);
        let exact = reading.exact.ok()?;
        let plain_rates: Option<Vec<_>> =
            reading.coins.iter().map(|coin| Some(18_i16 - i16::from(coin.decimals.ok()?))).collect();
        let is_momentary = is_ramping || moves_with_time(&exact, &plain_rates?, timestamp_s);
        let (coins, balances) = reading.coins.iter().map(|coin| (coin.address, coin.reserve)).unzip();
        let (fee_e18, answers) = (reading.fee_e18, Arc::new(answers));
        Some((coins, Self { answers, timestamp_s, balances, fee_e18, exact, is_momentary }))
    }
}

/// Says whether the amplification is on a ramp after the block at `timestamp_s`.
fn is_ramping(pool: Address, told: &Answers, timestamp_s: u64) -> bool {
    let word = |selector: [u8; 4], index: usize| {
        let (_, answer) = told.iter().find(|(call, _)| call.to == pool && call.data == selector)?;
        let answer = answer.as_ref().ok()?;
        answer.get(32 * index..).and_then(<[u8]>::first_chunk::<32>).map(|word| U256::from_be_bytes(*word))
    };
    word(RAMP_ENDS, 0).is_some_and(|ends_s| ends_s > U256::from(timestamp_s))
        || word(AMPLIFICATION, 1).is_some_and(|is_updating| !is_updating.is_zero())
}

/// Says whether a quote changes without a log of the pool: by rates of others, or by a ramp.
///
/// `zeros` are 18 − decimals of each coin.
fn moves_with_time(exact: &Exact, zeros: &[i16], timestamp_s: u64) -> bool {
    let ten_to = |zeros: &i16, base: i16| {
        u64::try_from(*zeros + base).ok().map(|power| U256::from(10).pow(U256::from(power)))
    };
    match exact {
        Exact::CurveStable(pool) => {
            !pool.rates().iter().zip(zeros).all(|(rate, zeros)| Some(*rate) == ten_to(zeros, 18))
        }
        Exact::CurveCrypto(pool) => pool.terms().ramp_ends_s > timestamp_s,
        Exact::StableV2(pool, share) => {
            let factors = pool.scaling_factors().iter().enumerate().filter(|(k, _)| Some(*k) != *share);
            !factors.zip(zeros).all(|((_, factor), zeros)| Some(*factor) == ten_to(zeros, 18))
        }
        Exact::WeightedV3(pool) => pool.rates().iter().any(|rate| *rate != ONE),
        Exact::StableV3(pool) => pool.rates().iter().any(|rate| *rate != ONE),
        Exact::GyroV3(pool) => pool.rates().iter().any(|rate| *rate != ONE),
        Exact::WeightedV2(_) | Exact::Pool(_) => false,
    }
}

impl<D: Dialect> CoinPool<D> {
    /// Returns the pool of a reading that was made of `answers`, as the node told them after the block at `timestamp_s`.
    ///
    /// # Errors
    /// `Incomplete` where it is not all that an exact swap needs.
    pub fn told(reading: Reading, answers: Answers, timestamp_s: u64) -> Result<Self, PoolError> {
        let address = reading.address;
        let (coins, known) = Known::told(reading, answers, timestamp_s).ok_or(PoolError::Incomplete)?;
        Ok(Self { address, coins, known: Some(Box::new(known)), dialect: PhantomData })
    }

    /// Returns a pool of these coins whose state is not known.
    pub const fn described(address: Address, coins: Vec<Address>) -> Self {
        Self { address, coins, known: None, dialect: PhantomData }
    }

    fn known(&self) -> Result<&Known, PoolError> {
        self.known.as_deref().ok_or(PoolError::Incomplete)
    }

    /// Returns what the pool itself answered to a call without arguments; `None` where it was not asked, or refused.
    pub(crate) fn told_word(&self, selector: [u8; 4]) -> Option<[u8; 32]> {
        let asked = |call: &Call| call.to == self.address && call.data == selector;
        let (_, answer) = self.known.as_deref()?.answers.iter().find(|(call, _)| asked(call))?;
        answer.as_ref().ok()?.as_slice().try_into().ok()
    }

    /// Returns the coins in the pool's own order, a share token left out.
    pub fn coins(&self) -> &[Address] {
        &self.coins
    }

    /// Returns what the pool holds of each coin, raw units; none where the state is not known.
    pub fn balances(&self) -> &[U256] {
        self.known.as_deref().map_or(&[], |known| &known.balances)
    }

    /// Returns the pool to the last unit.
    ///
    /// # Errors
    /// `Incomplete` where the state is not known.
    pub fn exact(&self) -> Result<&Exact, PoolError> {
        Ok(&self.known()?.exact)
    }
}

impl<D: Dialect> PoolKind for CoinPool<D> {
    const PROTOCOL: &'static str = D::PROTOCOL;

    fn created(log: &Log<'_>, factory: &Factory) -> Result<Option<(PoolSpec, Self)>, DecodeError> {
        let Some((address, coins)) = D::created(log)? else { return Ok(None) };
        // The vault's other pools of one token or none trade nothing.
        let [token0, token1, ..] = *coins.as_slice() else { return Ok(None) };
        let spec = PoolSpec { address, dex: factory.dex.clone(), factory: factory.address, token0, token1 };
        Ok(Some((spec, Self::described(address, coins))))
    }

    fn subject(log: &Log<'_>) -> Option<Address> {
        D::subject(log)
    }

    /// Forgets the state whatever the log says, a malformed one too.
    fn observe(&mut self, log: &Log<'_>, journal: &mut Journal) -> Result<Observed, DecodeError> {
        self.lapse(journal);
        Ok(Observed { deed: D::deed(log, &self.coins)?, ..Observed::default() })
    }

    fn lapse(&mut self, journal: &mut Journal) {
        journal.note(ANSWERS, || self.encode_part(ANSWERS));
        self.known = None;
    }

    fn is_momentary(&self) -> bool {
        self.known.as_deref().is_some_and(|known| known.is_momentary)
    }

    fn state(&self) -> State {
        let reserve = |coin: usize| u128::try_from(*self.balances().get(coin)?).ok();
        State { reserve0: reserve(0), reserve1: reserve(1), ..State::default() }
    }

    fn fee_ppm(&self) -> Option<u32> {
        let fee = self.known.as_deref()?.fee_e18?;
        let ppm = (fee + U256::from(500_000_000_000_u64)) / U256::from(1_000_000_000_000_u64);
        u32::try_from(ppm).ok()
    }

    fn call_terms(&self, spec: &PoolSpec, token_in: &Address, token_out: &Address) -> Option<CallTerms> {
        self.coins.contains(token_in).then_some(())?;
        D::call_terms(self, spec, token_in, token_out)
    }

    fn tick_spacing(&self) -> Option<i32> {
        None
    }

    fn is_complete(&self) -> bool {
        self.known.is_some()
    }

    fn quote(&self, zero_for_one: bool, amount: Amount) -> Result<Quote, PoolError> {
        let exact = self.exact()?;
        let (i, j) = if zero_for_one { (0, 1) } else { (1, 0) };
        let (amount_in, amount_out) = match amount {
            Amount::In(amount_in) => (amount_in, exact.amount_out(i, j, amount_in)?),
            Amount::Out(amount_out) => (exact.amount_in(i, j, amount_out)?, amount_out),
        };
        Ok(Quote { amount_in, amount_out, ticks_crossed: 0 })
    }

    /// Quotes the swap; the state after it is for the node to tell.
    fn swap(&mut self, zero_for_one: bool, amount: Amount) -> Result<Quote, PoolError> {
        let quote = self.quote(zero_for_one, amount)?;
        self.known = None;
        Ok(quote)
    }

    fn spot_price(&self) -> Result<Price, PoolError> {
        self.exact()?.spot_price(0, 1)
    }

    fn encode_terms(&self) -> Vec<u8> {
        let mut bytes = vec![RECORD_VERSION];
        bytes.extend_from_slice(&self.address);
        bytes.extend_from_slice(self.coins.as_flattened());
        bytes
    }

    fn decode_terms(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut reader = Reader::versioned(b"terms", bytes)?;
        let address = reader.array("an address")?;
        let mut coins = Vec::new();
        while !reader.is_at_end() {
            coins.push(reader.array("a coin")?);
        }
        Ok(Self::described(address, coins))
    }

    fn encode_state(&self, write: &mut dyn FnMut(&[u8], Vec<u8>)) {
        if let Some(bytes) = self.encode_part(ANSWERS) {
            write(ANSWERS, bytes);
        }
    }

    fn encode_part(&self, part: &[u8]) -> Option<Vec<u8>> {
        let known = self.known.as_deref().filter(|_| part == ANSWERS)?;
        let of_one = |(call, answer): &(Call, Answer)| {
            20 + 4 + call.data.len() + 4 + answer.as_ref().map_or(0, Vec::len)
        };
        let mut bytes = Vec::with_capacity(1 + 8 + known.answers.iter().map(of_one).sum::<usize>());
        bytes.push(RECORD_VERSION);
        bytes.extend_from_slice(&known.timestamp_s.to_le_bytes());
        for (call, answer) in known.answers.iter() {
            bytes.extend_from_slice(&call.to);
            push(&mut bytes, Some(&call.data));
            push(&mut bytes, answer.as_ref().ok());
        }
        Some(bytes)
    }

    fn decode_part(&mut self, part: &[u8], bytes: Option<&[u8]>) -> Result<(), RecordError> {
        let Some(bytes) = bytes else {
            self.known = None;
            return Ok(());
        };
        let mut reader = Reader::versioned(part, bytes)?;
        let timestamp_s = u64::from_le_bytes(reader.array("a time")?);
        let mut answers = Answers::new();
        while !reader.is_at_end() {
            let to = reader.array("a contract")?;
            let data = pull(&mut reader)?.ok_or_else(|| reader.refused("a call's data"))?;
            let answer = pull(&mut reader)?.ok_or_else(|| Reverted(Vec::new()));
            answers.push((Call { to, data }, answer));
        }
        // What an earlier version asked may not make the pool any more: its state is not known, and it is read again.
        let known = Known::of(D::PROTOCOL, self.address, answers, timestamp_s)
            .filter(|(coins, _)| *coins == self.coins);
        self.known = known.map(|(_, known)| Box::new(known));
        Ok(())
    }
}

/// Appends a length (u32, little-endian) and the bytes; all ones for what is absent.
fn push(bytes: &mut Vec<u8>, value: Option<&Vec<u8>>) {
    let length = value.map_or(u32::MAX, |value| u32::try_from(value.len()).unwrap_or(u32::MAX));
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(value.map_or(&[], Vec::as_slice));
}

fn pull(reader: &mut Reader<'_>) -> Result<Option<Vec<u8>>, RecordError> {
    match reader.u32("a length")? {
        u32::MAX => Ok(None),
        length => Ok(Some(reader.take(length, "a call or its answer")?.to_vec())),
    }
}
