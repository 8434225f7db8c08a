//! What kinds of pools have in common whose liquidity lies between ticks, as Uniswap V3's does.

use ruint::aliases::U256;

use crate::error::PoolError;
use crate::kind::Amount;
use crate::uniswap_v3::{Swapped, TickLiquidity, UniswapV3};

/// A pool whose liquidity lies between ticks.
pub trait Ticked {
    /// Returns price, ticks and liquidity as a Uniswap V3 pool, whose own quotes are not this pool's.
    fn ticked(&self) -> &UniswapV3;

    /// Returns the same to be changed.
    fn ticked_mut(&mut self) -> &mut UniswapV3;

    /// Returns what a swap does that may stop at a price; by default it goes on while there is liquidity anywhere.
    ///
    /// # Errors
    /// Where the contract would revert, `Incomplete` where ticks or the fee are unknown, and whatever else keeps the
    /// kind from an exact answer.
    fn swap_to(
        &self,
        zero_for_one: bool,
        amount: Amount,
        sqrt_price_limit_x96: Option<U256>,
    ) -> Result<Swapped, PoolError>;

    /// Sets price, tick and liquidity in range, as the contract tells them.
    fn set_slot(&mut self, sqrt_price_x96: U256, tick: i32, liquidity: u128) {
        self.ticked_mut().set_slot(sqrt_price_x96, tick, liquidity);
    }

    /// Sets gross and net liquidity of one tick, as the contract tells them; `None` clears it.
    ///
    /// # Errors
    /// `Ticks` where the tick is out of range or off the spacing.
    fn set_tick(&mut self, tick: i32, liquidity: TickLiquidity) -> Result<(), PoolError> {
        self.ticked_mut().set_tick(tick, liquidity)
    }
}
