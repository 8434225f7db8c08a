//! What tokens are worth in the native coin and in USD, as the block's own swaps tell it; absent where none does.

use ruint::aliases::U256;
use rustc_hash::FxHashMap;
use tidemill_pools::full_math::mul_div;
use tidemill_pools::Address;

use crate::arbitrage::native;
use crate::facts::Facts;
use crate::swap::Swap;
use crate::transfer::NATIVE;

/// So much of one token was changed for so much of the other.
#[derive(Clone, Copy)]
struct Rate {
    token: U256,
    other: U256,
}

/// Prices of one block. The rule: the swap of the two that moved most of the native coin.
pub struct Prices {
    in_native: FxHashMap<Address, Rate>,
    /// Millionths of a USD for wei.
    usd: Option<Rate>,
}

impl Prices {
    /// Reads the prices from the swaps of a block.
    pub fn of<'a>(swaps: impl Iterator<Item = &'a Swap>, facts: &Facts) -> Self {
        let mut in_native: FxHashMap<Address, Rate> = FxHashMap::default();
        for swap in swaps.filter(|swap| !swap.is_undone) {
            let Some((token_in, token_out)) = swap.tokens() else { continue };
            let (token_in, token_out) = (native(token_in, facts.wrapped), native(token_out, facts.wrapped));
            let (token, rate) = if token_out == NATIVE {
                (token_in, Rate { token: swap.amount_in, other: swap.amount_out })
            } else if token_in == NATIVE {
                (token_out, Rate { token: swap.amount_out, other: swap.amount_in })
            } else {
                continue;
            };
            let kept = in_native.entry(token).or_insert(rate);
            if rate.other > kept.other {
                *kept = rate;
            }
        }
        let stables = facts.stables.iter().filter_map(|(token, decimals)| {
            let rate = in_native.get(token)?;
            Some(Rate { token: rate.other, other: scaled(rate.token, *decimals)? })
        });
        let usd = stables.max_by_key(|rate| rate.token);
        Self { in_native, usd }
    }

    /// Returns what `amount` of `token` is worth in wei of the native coin, rounded down.
    pub fn native_wei(&self, token: Address, amount: U256) -> Option<U256> {
        if token == NATIVE {
            return Some(amount);
        }
        at(*self.in_native.get(&token)?, amount)
    }

    /// Returns what `amount` of `token` is worth in millionths of a USD, rounded down.
    pub fn usd_millionths(&self, token: Address, amount: U256, facts: &Facts) -> Option<U256> {
        if let Some((_, decimals)) = facts.stables.iter().find(|(stable, _)| *stable == token) {
            return scaled(amount, *decimals);
        }
        at(self.usd?, self.native_wei(token, amount)?)
    }
}

fn at(rate: Rate, amount: U256) -> Option<U256> {
    mul_div(amount, rate.other, rate.token)
}

/// Returns millionths for the smallest units of a token that stands for a USD, rounded down.
fn scaled(amount: U256, decimals: u32) -> Option<U256> {
    let power = |exponent: u32| U256::from(10).checked_pow(U256::from(exponent));
    if decimals >= 6 {
        amount.checked_div(power(decimals - 6)?)
    } else {
        amount.checked_mul(power(6 - decimals)?)
    }
}
