//! What a swap leaves behind in a `CryptoSwap` pool: oracle, last prices, profit, and a price scale that may move.
//!
//! Source: curvefi/curve-crypto-contract, `tweak_price` and `halfpow` of `CurveCryptoSwap2` and `CurveCryptoSwap`.

use ruint::aliases::U256;

use crate::checked::{add, div, mul, mul_div, small, sub, ten_to};
use crate::curve_coins::at;
use crate::error::PoolError;

use super::newton::{geometric_mean, sorted, ONE};
use super::ng::exponential_decay;
use super::{CryptoSwap, Generation, FEE_ONE};

/// Amounts up to here make no price.
const DUST: U256 = small(100_000);

/// Returns 0.5^power, both in 10^-18, to 10^-8 of precision as the contract computes it.
pub(super) fn half_power(power: U256) -> Result<U256, PoolError> {
    let whole = power / ONE;
    let rest = power % ONE;
    if whole > small(59) {
        return Ok(U256::ZERO);
    }
    let result = ONE >> whole.to::<u32>();
    if rest.is_zero() {
        return Ok(result);
    }
    let half = ONE >> 1_u32;
    let (mut term, mut sum, mut is_negative) = (ONE, ONE, false);
    for index in 1..256 {
        let k = mul(small(index), ONE)?;
        let below = sub(k, ONE)?;
        if rest > below {
            is_negative = !is_negative;
        }
        term = div(mul(term, mul_div(rest.abs_diff(below), half, ONE)?)?, k)?;
        sum = if is_negative { sub(sum, term)? } else { add(sum, term)? };
        if term < ten_to(10) {
            return mul_div(result, sum, ONE);
        }
    }
    Err(PoolError::Unconverged)
}

/// Returns the root of a number, both in 10^-18, as the contract computes it.
fn root(x: U256) -> Result<U256, PoolError> {
    if x.is_zero() {
        return Ok(x);
    }
    let (mut z, mut y) = (add(x, ONE)? >> 1_u32, x);
    for _ in 0..256 {
        if z == y {
            return Ok(y);
        }
        y = z;
        z = add(mul_div(x, ONE, z)?, z)? >> 1_u32;
    }
    Err(PoolError::Unconverged)
}

impl CryptoSwap {
    /// Returns what `dx` of coin `i` buys of coin `j` at `now_s`, and the pool after it; `self` is unchanged.
    ///
    /// The pool after it is the contract's but for coins sent to the pool without a swap, which a two-coin pool of the
    /// first generation takes up when it claims its owner's fees. Where `last_s` is absent, `now_s` must be the time of
    /// the block in which the average was read, for no view tells the one that the contract keeps.
    ///
    /// # Errors
    /// As `amount_out`, and `Unsafe` where the swap would lower the virtual price, which one of NG must raise.
    pub fn swap(&self, i: usize, j: usize, dx: U256, now_s: u64) -> Result<(U256, Self), PoolError> {
        let is_first = self.generation == Generation::First;
        // NG leaves the time of a ramp that is over where it is.
        let is_ramping = self.terms.ramp_ends_s > if is_first { 0 } else { now_s };
        let step = self.step((i, j), dx, is_ramping)?;
        let mut after = self.clone();
        after.d = step.d;
        if is_first && after.terms.ramp_ends_s > 0 && now_s >= after.terms.ramp_ends_s {
            after.terms.ramp_ends_s = 1;
        }
        Self::set(&mut after.balances, i, add(at(&self.balances, i)?, dx)?)?;
        let left = sub(at(&self.balances, j)?, step.dy)?;
        Self::set(&mut after.balances, j, left)?;
        let mut xp = step.xp;
        Self::set(&mut xp, j, self.common(j, left)?)?;
        if is_first {
            after.tweak(&xp, self.price_of((i, j), dx, step.dy)?, now_s)?;
        } else {
            after.tweak_ng(&xp, step.k0, now_s)?;
        }
        Ok((step.dy, after))
    }

    /// Returns which coin's price a swap tells, and the price; `None` where the amounts are dust.
    fn price_of(
        &self,
        (i, j): (usize, usize),
        dx: U256,
        dy: U256,
    ) -> Result<Option<(usize, U256)>, PoolError> {
        if dx <= DUST || dy <= DUST {
            return Ok(None);
        }
        let dx = mul(dx, at(&self.precisions, i)?)?;
        let dy = mul(dy, at(&self.precisions, j)?)?;
        let price = match (i.checked_sub(1), j) {
            (None, _) => (j, mul_div(dx, ONE, dy)?),
            (Some(_), 0) => (i, mul_div(dy, ONE, dx)?),
            (Some(place), _) => (j, mul_div(at(&self.prices.last, place)?, dx, dy)?),
        };
        Ok(Some(price).filter(|(_, price)| !price.is_zero()))
    }

    /// Moves the average to `now_s`, once per block.
    pub(super) fn move_oracle(&mut self, now_s: u64) -> Result<(), PoolError> {
        let last_s = self.prices.last_s.unwrap_or(now_s);
        self.prices.last_s = Some(last_s.max(now_s));
        let Some(passed_s) = now_s.checked_sub(last_s).filter(|passed_s| *passed_s > 0) else {
            return Ok(());
        };
        let power = mul_div(small(passed_s), ONE, small(self.terms.ma_half_time_s))?;
        let is_first = self.generation == Generation::First;
        let alpha = if is_first { half_power(power)? } else { exponential_decay(power)? };
        let weight = sub(ONE, alpha)?;
        let prices = self.prices.oracle.iter_mut().zip(self.prices.last).zip(self.prices.scale);
        for ((oracle, last), scale) in prices.take(self.coins.saturating_sub(1)) {
            // In NG a price far above the scale counts for twice the scale.
            let last = if is_first { last } else { last.min(mul(scale, small(2))?) };
            *oracle = div(add(mul(last, weight)?, mul(*oracle, alpha)?)?, ONE)?;
        }
        Ok(())
    }

    /// Sets the last prices from the swap, or from the curve where it was dust.
    fn note_price(&mut self, xp: &[U256; 3], price: Option<(usize, U256)>, d: U256) -> Result<(), PoolError> {
        if let Some((coin, price)) = price {
            return Self::set(&mut self.prices.last, coin.saturating_sub(1), price);
        }
        let mut moved = *xp;
        let x_0 = at(xp, 0)?;
        let dx = x_0 / small(1_000_000);
        Self::set(&mut moved, 0, add(x_0, dx)?)?;
        for k in 0..self.coins.saturating_sub(1) {
            let y = self.shape().newton_y(self.held(&moved), d, k + 1)?;
            let dy = sub(at(xp, k + 1)?, y)?;
            Self::set(&mut self.prices.last, k, mul_div(at(&self.prices.scale, k)?, dx, dy)?)?;
        }
        Ok(())
    }

    /// Returns the virtual price of D at a price scale.
    fn worth(&self, d: U256, scale: &[U256; 2]) -> Result<U256, PoolError> {
        let n = small(self.coins as u64);
        let mut x = [div(d, n)?, U256::ZERO, U256::ZERO];
        for k in 1..self.coins {
            Self::set(&mut x, k, mul_div(d, ONE, mul(n, at(scale, k - 1)?)?)?)?;
        }
        let mean = geometric_mean(self.held(&sorted(self.held(&x))))?;
        mul_div(ONE, mean, self.profit.supply)
    }

    fn tweak(&mut self, xp: &[U256; 3], price: Option<(usize, U256)>, now_s: u64) -> Result<(), PoolError> {
        self.move_oracle(now_s)?;
        let d = self.shape().newton_d(self.held(xp))?;
        self.note_price(xp, price, d)?;
        let old = self.profit.virtual_price;
        let (mut virtual_price, mut xcp) = (ONE, ONE);
        if !old.is_zero() {
            virtual_price = self.worth(d, &self.prices.scale)?;
            xcp = mul_div(self.profit.xcp, virtual_price, old)?;
            if virtual_price < old && self.terms.ramp_ends_s == 0 {
                return Err(PoolError::Unsafe);
            }
            if self.terms.ramp_ends_s == 1 {
                self.terms.ramp_ends_s = 0;
            }
        }
        self.profit.xcp = xcp;
        let spare = sub(mul(virtual_price, small(2))?, ONE)?;
        if spare > add(xcp, mul(self.terms.allowed_extra_profit, small(2))?)? {
            self.profit.is_adjusting = true;
        }
        (self.d, self.profit.virtual_price) = (d, virtual_price);
        if self.profit.is_adjusting && !old.is_zero() {
            self.adjust(xp)?;
        }
        Ok(())
    }

    /// Moves the price scale towards the oracle where the profit pays for it.
    fn adjust(&mut self, xp: &[U256; 3]) -> Result<(), PoolError> {
        let Some(norm) = self.distance()? else { return Ok(()) };
        let (step, mut scale) = (self.terms.adjustment_step, self.prices.scale);
        let mut moved = *xp;
        for (k, price) in scale.iter_mut().enumerate().take(self.coins.saturating_sub(1)) {
            let (old, oracle) = (*price, at(&self.prices.oracle, k)?);
            *price = div(add(mul(old, sub(norm, step)?)?, mul(step, oracle)?)?, norm)?;
            let x = mul_div(at(xp, k + 1)?, *price, old)?;
            Self::set(&mut moved, k + 1, x)?;
        }
        let d = self.shape().newton_d(self.held(&moved))?;
        let virtual_price = self.worth(d, &scale)?;
        if virtual_price > ONE && sub(mul(virtual_price, small(2))?, ONE)? > self.profit.xcp {
            self.prices.scale = scale;
            (self.d, self.profit.virtual_price) = (d, virtual_price);
            return Ok(());
        }
        self.profit.is_adjusting = false;
        if self.coins == 2 {
            self.claim()?;
        }
        Ok(())
    }

    /// Returns how far oracle and scale are apart, in 10^-18; `None` where that is within a step.
    fn distance(&self) -> Result<Option<U256>, PoolError> {
        let step = self.terms.adjustment_step;
        let mut norm = U256::ZERO;
        for k in 0..self.coins.saturating_sub(1) {
            let (oracle, scale) = (at(&self.prices.oracle, k)?, at(&self.prices.scale, k)?);
            let apart = mul_div(oracle, ONE, scale)?.abs_diff(ONE);
            if self.coins == 2 {
                return Ok(Some(apart).filter(|apart| *apart > step));
            }
            norm = add(norm, mul(apart, apart)?)?;
        }
        if norm <= mul(step, step)? {
            return Ok(None);
        }
        root(norm / ONE).map(Some)
    }

    /// Mints the owner's share of the profit.
    fn claim(&mut self) -> Result<(), PoolError> {
        let Some(gained) = self.profit.xcp.checked_sub(self.profit.xcp_claimed).filter(|g| !g.is_zero())
        else {
            return self.settle();
        };
        let fees = mul_div(gained, self.terms.admin_fee, FEE_ONE << 1_u32)?;
        if !fees.is_zero() {
            let virtual_price = self.profit.virtual_price;
            let share = sub(mul_div(virtual_price, ONE, sub(virtual_price, fees)?)?, ONE)?;
            let minted = mul_div(self.profit.supply, share, ONE)?;
            self.profit.supply = add(self.profit.supply, minted)?;
            self.profit.xcp = sub(self.profit.xcp, fees << 1_u32)?;
        }
        let claimed = self.profit.xcp_claimed;
        self.settle()?;
        if self.profit.xcp > claimed {
            self.profit.xcp_claimed = self.profit.xcp;
        }
        Ok(())
    }

    /// Brings D and the virtual price up to the balances.
    fn settle(&mut self) -> Result<(), PoolError> {
        let xp = self.commons()?;
        self.d = self.shape().newton_d(self.held(&xp))?;
        self.profit.virtual_price = self.worth(self.d, &self.prices.scale)?;
        Ok(())
    }
}
