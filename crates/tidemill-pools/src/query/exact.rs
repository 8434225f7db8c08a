//! A pool of any kind, to the last unit, its tokens named by their place.

use ruint::aliases::U256;

use crate::balancer_gyro::GyroV3;
use crate::balancer_pool::BalancerPool;
use crate::balancer_stable::{StableV2, StableV3};
use crate::balancer_weighted::{WeightedV2, WeightedV3};
use crate::curve_crypto::CryptoSwap;
use crate::curve_stable::StableSwap;
use crate::error::PoolError;
use crate::kind::{Amount, Price};
use crate::Pool;

/// The exact state of a pool that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exact {
    /// A pool of a kind that is also followed by its logs.
    Pool(Pool),
    /// A Curve `StableSwap` pool.
    CurveStable(Box<StableSwap>),
    /// A Curve `CryptoSwap` pool.
    CurveCrypto(Box<CryptoSwap>),
    /// A weighted pool of Balancer's V2 vault.
    WeightedV2(WeightedV2),
    /// A stable pool of Balancer's V2 vault, and where its share token stands among its tokens.
    StableV2(Box<StableV2>, Option<usize>),
    /// A weighted pool of Balancer's V3 vault.
    WeightedV3(Box<WeightedV3>),
    /// A stable pool of Balancer's V3 vault.
    StableV3(Box<StableV3>),
    /// An elliptic pool of Balancer's V3 vault.
    GyroV3(Box<GyroV3>),
}

impl Exact {
    /// Returns what `amount_in` of coin `i` buys of coin `j`, both by their places in `Reading::coins`.
    ///
    /// # Errors
    /// Where the contract would revert, or the pool has no such coins.
    pub fn amount_out(&self, i: usize, j: usize, amount_in: U256) -> Result<U256, PoolError> {
        match self {
            Self::Pool(pool) => match (i, j) {
                (0, 1) | (1, 0) => Ok(pool.quote(i == 0, Amount::In(amount_in))?.amount_out),
                _ => Err(PoolError::Coins { i, j, coins: 2 }),
            },
            Self::CurveStable(pool) => pool.amount_out(i, j, amount_in),
            Self::CurveCrypto(pool) => pool.amount_out(i, j, amount_in),
            Self::WeightedV2(pool) => pool.amount_out(i, j, amount_in),
            Self::StableV2(pool, share) => pool.amount_out(place(*share, i), place(*share, j), amount_in),
            Self::WeightedV3(pool) => pool.amount_out(i, j, amount_in),
            Self::StableV3(pool) => pool.amount_out(i, j, amount_in),
            Self::GyroV3(pool) => pool.amount_out(i, j, amount_in),
        }
    }

    /// Returns what `amount_out` of coin `j` costs in coin `i`.
    ///
    /// # Errors
    /// Where the contract would revert, or the pool has no such coins.
    pub fn amount_in(&self, i: usize, j: usize, amount_out: U256) -> Result<U256, PoolError> {
        match self {
            Self::Pool(pool) => match (i, j) {
                (0, 1) | (1, 0) => Ok(pool.quote(i == 0, Amount::Out(amount_out))?.amount_in),
                _ => Err(PoolError::Coins { i, j, coins: 2 }),
            },
            Self::CurveStable(pool) => pool.amount_in(i, j, amount_out),
            Self::CurveCrypto(pool) => pool.amount_in(i, j, amount_out),
            Self::WeightedV2(pool) => pool.amount_in(i, j, amount_out),
            Self::StableV2(pool, share) => pool.amount_in(place(*share, i), place(*share, j), amount_out),
            Self::WeightedV3(pool) => pool.amount_in(i, j, amount_out),
            Self::StableV3(pool) => pool.amount_in(i, j, amount_out),
            Self::GyroV3(pool) => pool.amount_in(i, j, amount_out),
        }
    }

    /// Returns the price of coin `i` in coin `j`, raw units, before the fee.
    ///
    /// # Errors
    /// Where the pool has no price, or no such coins.
    pub fn spot_price(&self, i: usize, j: usize) -> Result<Price, PoolError> {
        match self {
            Self::Pool(pool) => match (i, j) {
                (0, 1) => pool.spot_price(),
                (1, 0) => {
                    let Price { numerator, denominator } = pool.spot_price()?;
                    Ok(Price { numerator: denominator, denominator: numerator })
                }
                _ => Err(PoolError::Coins { i, j, coins: 2 }),
            },
            Self::CurveStable(pool) => pool.spot_price(i, j),
            Self::CurveCrypto(pool) => pool.spot_price(i, j),
            Self::WeightedV2(pool) => pool.spot_price(i, j),
            Self::StableV2(pool, share) => pool.spot_price(place(*share, i), place(*share, j)),
            Self::WeightedV3(pool) => pool.spot_price(i, j),
            Self::StableV3(pool) => pool.spot_price(i, j),
            Self::GyroV3(pool) => pool.spot_price(i, j),
        }
    }
}

/// Returns the place of a coin among tokens with a share token between them.
fn place(share: Option<usize>, coin: usize) -> usize {
    coin + usize::from(share.is_some_and(|share| share <= coin))
}
