//! The input of a path of swaps that leaves the most of the token it starts and ends with, by the contracts' integers.

mod bracket;
mod course;
mod orders;
mod products;
mod refine;
mod walk;
mod wide;
mod window;

use ruint::aliases::U256;
use thiserror::Error;
use tidemill_pools::PoolError;

use crate::float::to_u256;
use crate::leg::Leg;

pub(crate) use refine::Path;

/// Fewest hops of a path.
pub const HOPS_MIN: usize = 2;
/// Most hops of a path.
pub const HOPS_MAX: usize = 4;
/// Amounts of the longest path: before the first hop and after each.
pub(crate) const PLACES: usize = HOPS_MAX + 1;

/// Why a path cannot be sized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SizeError {
    /// The path is too short or too long.
    #[error("expected a path of 2 to 4 hops, found {found}")]
    Hops {
        /// Hops of the path.
        found: usize,
    },
    /// A pool has no price.
    #[error("hop {hop}: {error}")]
    Pool {
        /// Place of the hop in the path, from zero.
        hop: usize,
        /// What the pool says.
        error: PoolError,
    },
}

/// How much work a path is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// Most neighbouring inputs tried one by one, so that no other integer pays a unit more.
    ///
    /// Within as many units of the best input, rounding decides: about the square root of the reserves, counted in the
    /// path's coarsest token. Where there are more of them the result may fall short of the best by a unit of each token.
    pub trials_max: u32,
}

impl Effort {
    /// Proves the result wherever reserves are below some ten million units.
    pub const EXACT: Self = Self { trials_max: 16_384 };
    /// Leaves the last units where they are, as gas costs more than they are worth.
    pub const QUICK: Self = Self { trials_max: 0 };
}

/// What a path pays at its best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sized {
    amounts: [U256; PLACES],
    hops: usize,
    /// Ticks that each hop crosses.
    pub ticks_crossed: [u32; HOPS_MAX],
    /// Whether every input that rounding could favour was tried, so that no other pays more.
    pub is_proven: bool,
}

impl Sized {
    /// Returns the path with these amounts; `None` where it does not pay.
    #[inline]
    fn of_products(amounts: &[u128; PLACES], hops: usize) -> Option<Self> {
        let pays = amounts.get(hops) > amounts.first();
        pays.then(|| Self {
            amounts: amounts.map(U256::from),
            hops,
            ticks_crossed: [0; HOPS_MAX],
            is_proven: false,
        })
    }

    /// Returns what is paid in, then what comes out of each hop, raw units.
    pub fn amounts(&self) -> &[U256] {
        self.amounts.get(..=self.hops).unwrap_or_default()
    }

    /// Returns what is paid in.
    pub const fn amount_in(&self) -> U256 {
        self.amounts[0]
    }

    /// Returns what comes out of the last hop.
    pub fn amount_out(&self) -> U256 {
        self.amounts.get(self.hops).copied().unwrap_or_default()
    }

    /// Returns what is left of the start token once the input is paid back: above zero, gas not counted.
    pub fn gross_profit(&self) -> U256 {
        self.amount_out().saturating_sub(self.amount_in())
    }
}

/// Returns the input that leaves the most; `None` where no input leaves anything.
///
/// Paths of constant products and of ranges of liquidity are solved in closed form, others by a bracket that closes on
/// the input at which the marginal rate is one; then the integers next to it are tried by the contracts' own maths.
///
/// # Errors
/// `Hops` where there are fewer than two legs or more than four; `Pool` where one that can only be asked has no price.
#[inline]
pub fn size(legs: &[Leg<'_>], effort: Effort) -> Result<Option<Sized>, SizeError> {
    if !(HOPS_MIN..=HOPS_MAX).contains(&legs.len()) {
        return Err(SizeError::Hops { found: legs.len() });
    }
    let path = Path::new(legs);
    let estimate = match products::solve(legs) {
        products::Solved::Pays(best) => return Ok(of_products(&path, &best, effort)),
        products::Solved::Loses => return Ok(None),
        products::Solved::Mixed if path.is_smooth() => walk::walk(legs),
        products::Solved::Mixed => bracket::bracket(&path)?,
    };
    Ok(estimate.and_then(|estimate| path.refine(&estimate, effort)))
}

#[inline]
fn of_products(path: &Path<'_, '_>, best: &products::Optimum, effort: Effort) -> Option<Sized> {
    if effort == Effort::QUICK && !best.is_coarse && best.is_fine() {
        return match best.amounts(path.legs()) {
            Some(amounts) => Sized::of_products(&amounts, path.legs().len()),
            None => path.paying(to_u256(best.amount_in + 0.5)),
        };
    }
    let mut estimate = best.estimate(path.legs().len());
    if !best.is_fine() {
        wide::sharpen(path.legs(), &mut estimate);
    }
    path.refine(&estimate, effort)
}
