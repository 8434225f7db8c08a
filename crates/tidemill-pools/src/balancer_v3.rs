//! How the V3 vault swaps for any pool: scaling, rates, the fee in 18 decimals, and whose rounding wins.
//!
//! Source: balancer-v3-monorepo, `Vault`, `ScalingHelpers`, `PoolDataLib`.

pub mod liquidity;

use ruint::aliases::U256;

use crate::balancer_fixed_point::{
    add, by_one, complement, div_down, div_up, is_unscaled, mul_down, mul_up, quotient_up, sub, times, ONE,
};
use crate::balancer_pool::Swapped;
use crate::abi::{hash, Fields, Tail};
use crate::chain::{Address, Hash, Log};
use crate::coins::{exchanged, moved, CoinPool, Dialect};
use crate::error::{DecodeError, PoolError};
use crate::kind::{address_word, CallTerms, Deed, PoolSpec};

/// Topic of `Swap`.
const SWAP: Hash = hash("0874b2d545cb271cdbda4e093020c452328b24af12382ed62c4d00f5c26709db");
/// Topic of `LiquidityAdded`.
const LIQUIDITY_ADDED: Hash = hash("a26a52d8d53702bba7f137907b8e1f99ff87f6d450144270ca25e72481cca871");
/// Topic of `LiquidityRemoved`.
const LIQUIDITY_REMOVED: Hash = hash("fbe5b0d79fb94f1e81c0a92bf86ae9d3a19e9d1bf6202c0d3e75120f65d5d8a5");

/// The most tokens a V3 pool may have.
pub const MAX_TOKENS: usize = 8;

/// Smallest trade the deployed vaults take, with 18 decimals.
pub const MIN_TRADE: U256 = U256::from_limbs([1_000_000, 0, 0, 0]);

/// The V3 vault keeps a balance in 128 bits.
const MAX_BALANCE_BITS: usize = 128;

/// What governs a pool of the V3 vault beside its maths; all lists have one value a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultTerms {
    /// 10^(18 - decimals), as `getPoolTokenRates` tells: plain integers.
    pub scaling_factors: Vec<U256>,
    /// Rates, with 18 decimals.
    pub rates: Vec<U256>,
    /// Swap fee, with 18 decimals; the one to be charged, where a hook decides.
    pub fee: U256,
    /// Part of the fee that leaves the pool for protocol and creator, with 18 decimals; zero in recovery mode.
    pub aggregate_fee: U256,
    /// Smallest trade the vault takes, with 18 decimals.
    pub min_trade: U256,
}

/// A pool's share of the V3 vault: its terms and raw balances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vault {
    terms: VaultTerms,
    balances: Vec<U256>,
}

/// Which tokens a swap is between.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Direction {
    pub(crate) token_in: usize,
    pub(crate) token_out: usize,
}

/// Live balances, with 18 decimals.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Live {
    balances: [U256; MAX_TOKENS],
    count: usize,
}

impl Live {
    pub(crate) fn of(balances: &[U256]) -> Result<Self, PoolError> {
        let mut live = Self { balances: [U256::ZERO; MAX_TOKENS], count: balances.len() };
        live.balances.get_mut(..balances.len()).ok_or(PoolError::Tokens)?.copy_from_slice(balances);
        Ok(live)
    }

    pub(crate) fn balances(&mut self) -> &mut [U256] {
        self.balances.get_mut(..self.count).unwrap_or_default()
    }
}

impl Vault {
    pub(crate) fn new(terms: VaultTerms, balances: Vec<U256>) -> Result<Self, PoolError> {
        let tokens = balances.len();
        if !(2..=MAX_TOKENS).contains(&tokens)
            || terms.scaling_factors.len() != tokens
            || terms.rates.len() != tokens
        {
            return Err(PoolError::Tokens);
        }
        if terms.scaling_factors.contains(&U256::ZERO) || terms.rates.contains(&U256::ZERO) {
            return Err(PoolError::Empty);
        }
        if terms.fee >= ONE || terms.aggregate_fee > ONE {
            return Err(PoolError::Overflow);
        }
        Ok(Self { terms, balances })
    }

    pub(crate) fn balances(&self) -> &[U256] {
        &self.balances
    }

    pub(crate) fn rates(&self) -> &[U256] {
        &self.terms.rates
    }

    pub(crate) fn direction(&self, token_in: usize, token_out: usize) -> Result<Direction, PoolError> {
        let tokens = self.balances.len();
        if token_in == token_out || token_in >= tokens || token_out >= tokens {
            return Err(PoolError::Tokens);
        }
        Ok(Direction { token_in, token_out })
    }

    /// Returns the live balances, rounded down.
    pub(crate) fn live(&self) -> Result<Live, PoolError> {
        let mut live = Live { balances: [U256::ZERO; MAX_TOKENS], count: self.balances.len() };
        for (token, (place, balance)) in live.balances.iter_mut().zip(&self.balances).enumerate() {
            *place = self.live_of(token, *balance)?;
        }
        Ok(live)
    }

    /// Swaps `amount_in` by the pool's own maths: live amount in, net of the fee, to live amount out.
    pub(crate) fn given_in(
        &self,
        direction: Direction,
        amount_in: U256,
        fee: U256,
        maths: impl FnOnce(U256) -> Result<U256, PoolError>,
    ) -> Result<Swapped, PoolError> {
        if amount_in.is_zero() {
            return Err(PoolError::Empty);
        }
        let scaled_in = self.scaled_in(direction, amount_in)?;
        let fee_scaled = mul_up(scaled_in, fee)?;
        let net_in = self.enough(sub(scaled_in, fee_scaled)?)?;
        let scaled_out = self.enough(maths(net_in)?)?;
        let amount_out = div_down(scaled_out, self.dear_unit(direction.token_out)?)?;
        let Direction { token_in, token_out } = direction;
        Ok(Swapped { token_in, token_out, amount_in, amount_out, fee_scaled })
    }

    /// Buys `amount_out` by the pool's own maths: live amount out to live amount in, before the fee.
    pub(crate) fn given_out(
        &self,
        direction: Direction,
        amount_out: U256,
        fee: U256,
        maths: impl FnOnce(U256) -> Result<U256, PoolError>,
    ) -> Result<Swapped, PoolError> {
        if amount_out.is_zero() {
            return Err(PoolError::Empty);
        }
        let scaled_out = self.enough(self.scaled_out(direction, amount_out)?)?;
        let net_in = self.enough(maths(scaled_out)?)?;
        let fee_scaled = quotient_up(times(net_in, fee)?, complement(fee))?;
        let amount_in = div_up(add(net_in, fee_scaled)?, self.unit(direction.token_in)?)?;
        let Direction { token_in, token_out } = direction;
        Ok(Swapped { token_in, token_out, amount_in, amount_out, fee_scaled })
    }

    /// Returns what is paid in with 18 decimals, rounded down.
    pub(crate) fn scaled_in(&self, direction: Direction, amount_in: U256) -> Result<U256, PoolError> {
        self.live_of(direction.token_in, amount_in)
    }

    /// Returns what is wanted with 18 decimals, rounded up.
    pub(crate) fn scaled_out(&self, direction: Direction, amount_out: U256) -> Result<U256, PoolError> {
        let (factor, rate) = self.unit_parts(direction.token_out)?;
        mul_up(times(amount_out, factor)?, rounded_up(rate)?)
    }

    /// Returns the fee of the terms.
    pub(crate) fn fee(&self) -> U256 {
        self.terms.fee
    }

    /// Returns the vault after a swap; what it takes of the fee for others has left the pool.
    pub(crate) fn after(&self, swapped: &Swapped) -> Result<Self, PoolError> {
        let Swapped { token_in, token_out, .. } = *swapped;
        let fee = div_down(swapped.fee_scaled, self.unit(token_in)?)?;
        let kept = sub(swapped.amount_in, mul_down(fee, self.terms.aggregate_fee)?)?;
        let mut after = self.clone();
        let balance = after.balances.get_mut(token_in).ok_or(PoolError::Tokens)?;
        *balance = add(*balance, kept)?;
        if balance.bit_len() > MAX_BALANCE_BITS {
            return Err(PoolError::Overflow);
        }
        let balance = after.balances.get_mut(token_out).ok_or(PoolError::Tokens)?;
        *balance = sub(*balance, swapped.amount_out)?;
        Ok(after)
    }

    /// Returns how much one raw unit is worth, with 18 decimals times 1e18.
    pub(crate) fn unit(&self, token: usize) -> Result<U256, PoolError> {
        let (factor, rate) = self.unit_parts(token)?;
        times(factor, rate)
    }

    /// Returns the unit with its rate rounded up, so that less is paid out.
    fn dear_unit(&self, token: usize) -> Result<U256, PoolError> {
        let (factor, rate) = self.unit_parts(token)?;
        times(factor, rounded_up(rate)?)
    }

    fn unit_parts(&self, token: usize) -> Result<(U256, U256), PoolError> {
        let factor = self.terms.scaling_factors.get(token).ok_or(PoolError::Tokens)?;
        Ok((*factor, *self.terms.rates.get(token).ok_or(PoolError::Tokens)?))
    }

    fn live_of(&self, token: usize, amount: U256) -> Result<U256, PoolError> {
        let (factor, rate) = self.unit_parts(token)?;
        let amount = times(amount, factor)?;
        if is_unscaled(amount, rate) {
            Ok(amount)
        } else {
            mul_down(amount, rate)
        }
    }

    fn enough(&self, trade: U256) -> Result<U256, PoolError> {
        if trade < self.terms.min_trade {
            Err(PoolError::Small)
        } else {
            Ok(trade)
        }
    }
}

/// Returns a rate one unit up, unless it is whole.
fn rounded_up(rate: U256) -> Result<U256, PoolError> {
    if times(by_one(rate), ONE)? == rate {
        Ok(rate)
    } else {
        add(rate, U256::ONE)
    }
}

/// Balancer V3's pools as they are followed: the vault speaks for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed;

impl Dialect for Followed {
    const PROTOCOL: &'static str = "balancer_v3";

    /// Every log of the vault about a pool has its address as the first field.
    fn subject(log: &Log<'_>) -> Option<Address> {
        log.topics.get(1)?.last_chunk::<20>().copied()
    }

    fn call_terms(
        _pool: &CoinPool<Self>,
        spec: &PoolSpec,
        _token_in: &Address,
        _token_out: &Address,
    ) -> Option<CallTerms> {
        Some(CallTerms::new(spec.factory, &[address_word(&spec.address)]))
    }

    fn deed(log: &Log<'_>, coins: &[Address]) -> Result<Option<Deed>, DecodeError> {
        match log.topics {
            [SWAP, ..] => {
                let fields = Fields::<4, 128>::of(log, "Swap")?;
                let sides = [
                    (fields.topic(2, "address tokenIn").address()?, fields.word(0, "uint256 amountIn").u256()),
                    (
                        fields.topic(3, "address tokenOut").address()?,
                        fields.word(1, "uint256 amountOut").u256(),
                    ),
                ];
                Ok(Some(exchanged(None, coins, sides)))
            }
            [topic @ (LIQUIDITY_ADDED | LIQUIDITY_REMOVED), ..] => {
                let tail = Tail::of::<4>(log, "LiquidityAdded or LiquidityRemoved")?;
                let amounts = tail.list(1, MAX_TOKENS, "uint256[] amounts")?;
                let amounts: Vec<U256> = amounts.iter().map(|word| U256::from_be_bytes(*word)).collect();
                let owner = tail.topic(2, "address liquidityProvider").address()?;
                Ok(moved(*topic == LIQUIDITY_ADDED, owner, &amounts))
            }
            _ => Ok(None),
        }
    }
}

/// A pool of the V3 vault that is followed.
pub type BalancerV3 = CoinPool<Followed>;
