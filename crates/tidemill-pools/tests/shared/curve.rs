//! Curve pools by their terms, for every test of them.
#![allow(dead_code, clippy::unwrap_used)]

use std::str::FromStr;

use tidemill_pools::curve_crypto::{Prices, Profit, Terms as CryptoTerms};
use tidemill_pools::U256;

/// Parses a decimal.
pub fn number(text: &str) -> U256 {
    U256::from_str(text).unwrap()
}

pub const ONE: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);

pub fn crypto_terms(ann: U256, gamma: U256, fees: [U256; 3]) -> CryptoTerms {
    CryptoTerms {
        ann,
        gamma,
        mid_fee: fees[0],
        out_fee: fees[1],
        fee_gamma: fees[2],
        allowed_extra_profit: number("2000000000000"),
        adjustment_step: number("146000000000000"),
        ma_half_time_s: 600,
        admin_fee: number("5000000000"),
        ramp_ends_s: 0,
    }
}

pub fn prices(scale: [U256; 2]) -> Prices {
    Prices { scale, oracle: scale, last: scale, last_s: Some(0) }
}

pub fn profit(virtual_price: U256, supply: U256) -> Profit {
    Profit { xcp: virtual_price, xcp_claimed: virtual_price, virtual_price, supply, is_adjusting: false }
}
