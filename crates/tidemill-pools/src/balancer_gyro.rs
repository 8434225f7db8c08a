//! Gyroscope's elliptic pools of Balancer's V3 vault: two tokens, traded along a part of an ellipse.
//!
//! Source: Gyroscope, E-CLP Mathematics; balancer-v3-monorepo, `GyroECLPPool`, `GyroECLPMath`.

mod decimals;
mod ellipse;
mod swap;

use ruint::aliases::{U256, U512};

use crate::balancer_fixed_point::mul_up;
use crate::balancer_pool::{BalancerPool, Swapped};
use crate::balancer_v3::liquidity::{LiquidityPool, Rounding};
use crate::balancer_v3::{Live, Vault, VaultTerms};
use crate::error::PoolError;
use crate::kind::Price;
use crate::signed::Signed;

use decimals::Point;
use ellipse::SIZE_MAX;
use swap::unsigned;

/// What an ellipse is made of: the contract's numbers, whose sizes are below 2^255.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EclpTerms {
    /// Cosine of the rotation, with 18 decimals.
    pub cosine: U256,
    /// Sine of the rotation, with 18 decimals.
    pub sine: U256,
    /// How far the circle is stretched, with 18 decimals.
    pub stretch: U256,
    /// The circle's point at the lowest price: x and y, with 38 decimals, and whether each is negative.
    pub lowest: [(bool, U256); 2],
    /// The circle's point at the highest price: the same.
    pub highest: [(bool, U256); 2],
    /// The derived u, v, w and z, with 38 decimals, and whether each is negative.
    pub derived: [(bool, U256); 4],
    /// The sum of the squares of sine and cosine, with 38 decimals.
    pub norm: U256,
}

/// The same, as numbers that can be reckoned with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ellipse {
    cosine: Signed,
    sine: Signed,
    stretch: Signed,
    lowest: Point,
    highest: Point,
    u: Signed,
    v: Signed,
    w: Signed,
    z: Signed,
    norm: Signed,
}

/// An elliptic pool of the V3 vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GyroV3 {
    vault: Vault,
    ellipse: Ellipse,
}

impl GyroV3 {
    /// Returns a pool of this ellipse and these raw balances, as `getECLPParams` and `getPoolTokenInfo` tell them.
    ///
    /// # Errors
    /// `Tokens` where there are not two of each, `Empty` where a factor, a rate, the stretch or the norm is zero,
    /// `Overflow` where a number of the ellipse is outside the contract's or a fee is not below one.
    pub fn new(terms: VaultTerms, ellipse: &EclpTerms, balances: Vec<U256>) -> Result<Self, PoolError> {
        if balances.len() != 2 {
            return Err(PoolError::Tokens);
        }
        if ellipse.stretch.is_zero() || ellipse.norm.is_zero() {
            return Err(PoolError::Empty);
        }
        let of = |(is_negative, size): (bool, U256)| Signed::new(is_negative, size);
        let point = |[x, y]: [(bool, U256); 2]| Ok::<_, PoolError>(Point { x: of(x)?, y: of(y)? });
        let [u, v, w, z] = ellipse.derived;
        let ellipse = Ellipse {
            cosine: Signed::of(ellipse.cosine)?,
            sine: Signed::of(ellipse.sine)?,
            stretch: Signed::of(ellipse.stretch)?,
            lowest: point(ellipse.lowest)?,
            highest: point(ellipse.highest)?,
            u: of(u)?,
            v: of(v)?,
            w: of(w)?,
            z: of(z)?,
            norm: Signed::of(ellipse.norm)?,
        };
        Ok(Self { vault: Vault::new(terms, balances)?, ellipse })
    }

    /// Returns the rates, with 18 decimals.
    pub fn rates(&self) -> &[U256] {
        self.vault.rates()
    }
}

/// Returns both live balances.
fn both(mut live: Live) -> Result<[U256; 2], PoolError> {
    two(live.balances())
}

fn two(live: &[U256]) -> Result<[U256; 2], PoolError> {
    <[U256; 2]>::try_from(live).map_err(|_| PoolError::Tokens)
}

impl BalancerPool for GyroV3 {
    fn balances(&self) -> &[U256] {
        self.vault.balances()
    }

    fn given_in(&self, token_in: usize, token_out: usize, amount_in: U256) -> Result<Swapped, PoolError> {
        let direction = self.vault.direction(token_in, token_out)?;
        let live = both(self.vault.live()?)?;
        let maths = |net_in| self.ellipse.out_given_in(live, token_in == 0, net_in);
        self.vault.given_in(direction, amount_in, self.vault.fee(), maths)
    }

    fn given_out(&self, token_in: usize, token_out: usize, amount_out: U256) -> Result<Swapped, PoolError> {
        let direction = self.vault.direction(token_in, token_out)?;
        let live = both(self.vault.live()?)?;
        let maths = |wanted| self.ellipse.in_given_out(live, token_in == 0, wanted);
        self.vault.given_out(direction, amount_out, self.vault.fee(), maths)
    }

    fn after(&self, swapped: &Swapped) -> Result<Self, PoolError> {
        Ok(Self { vault: self.vault.after(swapped)?, ..*self })
    }

    fn spot_price(&self, token_in: usize, token_out: usize) -> Result<Price, PoolError> {
        self.vault.direction(token_in, token_out)?;
        let [slope_in, slope_out] = {
            let [first, second] = self.ellipse.slopes(both(self.vault.live()?)?)?;
            if token_in == 0 {
                [first, second]
            } else {
                [second, first]
            }
        };
        let scaled = |slope: U256, token| Ok::<U512, PoolError>(slope.widening_mul(self.vault.unit(token)?));
        Ok(Price { numerator: scaled(slope_in, token_in)?, denominator: scaled(slope_out, token_out)? })
    }
}

impl LiquidityPool for GyroV3 {
    /// To 60%, or to 500%.
    const RATIOS: [U256; 2] = [
        U256::from_limbs([600_000_000_000_000_000, 0, 0, 0]),
        U256::from_limbs([5_000_000_000_000_000_000, 0, 0, 0]),
    ];

    fn vault(&self) -> &Vault {
        &self.vault
    }

    fn with_vault(&self, vault: Vault) -> Self {
        Self { vault, ..*self }
    }

    fn invariant(&self, live: &[U256], rounding: Rounding) -> Result<U256, PoolError> {
        let (size, error) = self.ellipse.size_and_error(two(live)?)?;
        unsigned(match rounding {
            Rounding::Down => size.minus(error),
            Rounding::Up => size.plus(error),
        }?)
    }

    fn balance_at(&self, live: &[U256], token: usize, ratio: U256) -> Result<U256, PoolError> {
        let sized = |rounding| Signed::of(mul_up(self.invariant(live, rounding)?, ratio)?);
        let size = Point { x: sized(Rounding::Up)?, y: sized(Rounding::Down)? };
        if size.x.minus(SIZE_MAX)?.is_positive() {
            return Err(PoolError::Unsafe);
        }
        let [first, second] = two(live)?;
        if token == 0 {
            self.ellipse.balance_beside(size, false, second)
        } else {
            self.ellipse.balance_beside(size, true, first)
        }
    }
}
