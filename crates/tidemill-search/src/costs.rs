//! What a path costs beside its swap fees, and what is left of its profit: integers, every cost rounded up.

use ruint::aliases::{U256, U512};
use ruint::UintTryFrom as _;

use crate::sizing::Sized;

/// Millionths in one.
const MILLION: U256 = U256::from_limbs([1_000_000, 0, 0, 0]);

/// What a hop goes through, as to gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HopKind {
    /// Uniswap V2 and its forks.
    UniswapV2,
    /// Uniswap V3 and its forks.
    UniswapV3,
    /// Uniswap V4.
    UniswapV4,
    /// Algebra.
    Algebra,
    /// Solidly's pairs, volatile and stable.
    Solidly,
    /// Curve `StableSwap`.
    CurveStable,
    /// Curve `CryptoSwap`.
    CurveCrypto,
    /// Balancer V2 weighted.
    BalancerWeighted,
    /// Balancer V2 stable.
    BalancerStable,
    /// Balancer V3.
    BalancerV3,
    /// An order book, where nothing is paid for gas.
    OrderBook,
}

/// Gas by kind of hop; a kind without a number makes the cost of its paths absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GasTable {
    /// Transaction, flash loan and the executor's own work.
    pub base: u64,
    /// The same of a path with an order book, which no single transaction and no loan can be put around.
    pub base_without_loan: u64,
    /// Each initialised tick crossed.
    pub tick: u64,
    /// Hops by kind, in the order of `HopKind`.
    pub hops: [Option<u64>; 11],
}

impl GasTable {
    /// Gas measured on a local node with the venues' own contracts, one swap a transaction, the transaction's own
    /// 21,000 taken off: V2 87.9k, V3 118k, V4 135k, Algebra 122k, `StableSwap` 98k, Balancer V2 weighted 96.5k and
    /// stable 146k, Balancer V3 163k; Aerodrome, through its router (`python -m benchmarks solidly_gas`), volatile 163k
    /// and stable 186k, which stands for both (71k more twice an hour, where an observation is due). The base is what a Balancer V2 flash loan around
    /// two V2 swaps took beyond these two: 199k in all; lent by Aave the same took 282k, by a V3 pool 218k, by
    /// Balancer V3 189k. A tick is the dearest of Uniswap/v3-core's gas snapshots: (223,772 - 130,435) / 4, with both
    /// of its growth slots written for the first time. `CryptoSwap` was not measured: absent.
    pub const MEASURED: Self = Self {
        base: 199_000 - 2 * 66_900,
        base_without_loan: 21_000,
        tick: 23_335,
        hops: [
            Some(66_900),
            Some(97_000),
            Some(114_000),
            Some(101_000),
            Some(165_000),
            Some(77_000),
            None,
            Some(75_500),
            Some(125_000),
            Some(142_000),
            Some(0),
        ],
    };

    /// Returns the table with another number for a kind of hop.
    #[must_use]
    pub fn with(mut self, kind: HopKind, gas: Option<u64>) -> Self {
        if let Some(slot) = self.hops.get_mut(kind as usize) {
            *slot = gas;
        }
        self
    }

    /// Returns the gas of a path; `None` where a hop's kind has no number.
    pub fn of(&self, hops: &[(HopKind, u32)]) -> Option<u64> {
        let base =
            if has_book(hops.iter().map(|(kind, _)| *kind)) { self.base_without_loan } else { self.base };
        hops.iter().try_fold(base, |sum, (kind, ticks)| {
            let hop = self.hops.get(*kind as usize).copied().flatten()?;
            Some(sum + hop + self.tick * u64::from(*ticks))
        })
    }
}

/// Says whether a path of these hops trades at an order book.
fn has_book(mut kinds: impl Iterator<Item = HopKind>) -> bool {
    kinds.any(|kind| kind == HopKind::OrderBook)
}

/// An exact fraction; a denominator of zero makes it absent wherever it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fraction {
    /// Numerator.
    pub numerator: U256,
    /// Denominator.
    pub denominator: U256,
}

impl Fraction {
    /// Returns `value` times the fraction, rounded up; `None` where it does not fit, or there is no denominator.
    pub fn times_up(self, value: U256) -> Option<U256> {
        let denominator = U512::from(self.denominator);
        let product: U512 = value.widening_mul(self.numerator);
        (!denominator.is_zero()).then(|| product.div_ceil(denominator)).and_then(narrow)
    }

    /// Returns `value` divided by the fraction, rounded down; `None` where it does not fit, or the fraction is zero.
    pub fn divide_down(self, value: U256) -> Option<U256> {
        let product: U512 = value.widening_mul(self.denominator);
        product.checked_div(U512::from(self.numerator)).and_then(narrow)
    }
}

fn narrow(wide: U512) -> Option<U256> {
    U256::uint_try_from(wide).ok()
}

/// What a rollup charges for the bytes it posts to the chain below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct L1Fee {
    /// Bytes of the transaction that are charged for.
    pub bytes: u64,
    /// Price of a byte.
    pub price_wei: U256,
}

/// The costs of a moment, for paths that start with one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Costs {
    /// Base fee of a unit of gas.
    pub base_fee_wei: U256,
    /// What is paid on top of it, a unit.
    pub priority_fee_wei: U256,
    /// Data fee of a rollup; absent on other chains.
    pub l1_fee: Option<L1Fee>,
    /// Premium of the flash loan, in millionths of what is lent, in the start token.
    pub flash_premium_ppm: u32,
    /// Raw units of the start token per wei of the gas token; where it is absent, so is what is left.
    pub gas_token_price: Option<Fraction>,
    /// Gas by kind of hop.
    pub gas: GasTable,
}

/// An integer with a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed {
    /// Whether it is below zero.
    pub is_negative: bool,
    /// Its distance from zero.
    pub magnitude: U256,
}

impl Signed {
    /// Returns `a - b`.
    pub fn difference(a: U256, b: U256) -> Self {
        Self { is_negative: a < b, magnitude: a.abs_diff(b) }
    }
}

impl Ord for Signed {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match (self.is_negative, other.is_negative) {
            (false, false) => self.magnitude.cmp(&other.magnitude),
            (true, true) => other.magnitude.cmp(&self.magnitude),
            (false, true) => std::cmp::Ordering::Greater,
            (true, false) => std::cmp::Ordering::Less,
        }
    }
}

impl PartialOrd for Signed {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// What is left of a profit, in two tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Net {
    /// Raw units of the start token.
    pub profit: Signed,
    /// The same in the gas token, which compares paths of different start tokens: rounded towards zero.
    pub profit_wei: Signed,
    /// Highest price of a unit of gas, priority fee included, at which the path does not lose.
    pub break_even_gas_price_wei: U256,
}

/// A profit and its costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Profit after swap fees, raw units of the start token.
    pub gross_profit: U256,
    /// Premium of the flash loan, raw units of the start token.
    pub flash_premium: U256,
    /// Units of gas; absent where a hop's gas is not known.
    pub gas: Option<u64>,
    /// Gas and data fee, in the gas token.
    pub fee_wei: Option<U256>,
    /// What is left; absent where the gas token has no price in the start token, or the gas is not known.
    pub net: Option<Net>,
}

impl Costs {
    /// Returns what is left of a path's profit.
    pub fn outcome(&self, sized: &Sized, kinds: &[HopKind]) -> Outcome {
        let mut hops = [(HopKind::UniswapV2, 0); 4];
        for (slot, (kind, ticks)) in hops.iter_mut().zip(kinds.iter().zip(sized.ticks_crossed)) {
            *slot = (*kind, ticks);
        }
        let hops = hops.get(..kinds.len()).unwrap_or_default();
        self.through(hops).of(sized.amount_in(), sized.gross_profit(), self.gas.of(hops))
    }

    /// Returns the costs of a path of these hops: nobody lends for longer than a transaction.
    pub(crate) fn through(&self, hops: &[(HopKind, u32)]) -> Self {
        let has_book = has_book(hops.iter().map(|(kind, _)| *kind));
        Self { flash_premium_ppm: if has_book { 0 } else { self.flash_premium_ppm }, ..*self }
    }

    /// Returns what is left of `gross_profit` made with `amount_in` for `gas`.
    pub fn of(&self, amount_in: U256, gross_profit: U256, gas: Option<u64>) -> Outcome {
        let premium: U512 = amount_in.widening_mul(U256::from(self.flash_premium_ppm));
        let flash_premium = narrow(premium.div_ceil(U512::from(MILLION)));
        let fee_wei = gas.and_then(|gas| self.fee_wei(gas));
        let net = flash_premium.zip(gas).and_then(|(premium, gas)| self.net(gross_profit, premium, gas));
        Outcome { gross_profit, flash_premium: flash_premium.unwrap_or(U256::MAX), gas, fee_wei, net }
    }

    fn l1_fee_wei(&self) -> Option<U256> {
        self.l1_fee.map_or(Some(U256::ZERO), |fee| fee.price_wei.checked_mul(U256::from(fee.bytes)))
    }

    fn fee_wei(&self, gas: u64) -> Option<U256> {
        let price = self.base_fee_wei.checked_add(self.priority_fee_wei)?;
        price.checked_mul(U256::from(gas))?.checked_add(self.l1_fee_wei()?)
    }

    fn net(&self, gross: U256, premium: U256, gas: u64) -> Option<Net> {
        let price = self.gas_token_price?;
        let (fee_wei, l1_fee_wei) = (self.fee_wei(gas)?, self.l1_fee_wei()?);
        let fee = price.times_up(fee_wei)?;
        let profit = Signed::difference(gross, premium.checked_add(fee)?);
        let profit_wei = Signed { magnitude: price.divide_down(profit.magnitude)?, ..profit };
        // What gas may cost at most: what is left before it, less the data fee, by the units.
        let left_wei = price.divide_down(gross.saturating_sub(premium))?;
        let per_unit = left_wei.saturating_sub(l1_fee_wei).checked_div(U256::from(gas))?;
        Some(Net { profit, profit_wei, break_even_gas_price_wei: per_unit })
    }
}
