//! One exchange of a token for another by a pool or a maker.

mod calls;
mod logs;
mod sides;

use ruint::aliases::U256;
use tidemill_pools::{Address, Hash};

pub(crate) use calls::swaps_of_calls;
pub(crate) use logs::swaps_of_logs;

use crate::block::Tx;
use crate::transfer::{Place, Transfer};

/// Whose rules a swap followed, as far as its call or log tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Uniswap V2, its forks, and Solidly's first pairs, which log alike.
    UniswapV2Like,
    /// Uniswap V3, its forks, and Algebra, which log alike.
    UniswapV3Like,
    /// A pool of Uniswap V4's pool manager.
    UniswapV4,
    /// Velodrome's and Aerodrome's pairs.
    SolidlyLike,
    /// Curve's pools, of stable and of other coins.
    Curve,
    /// Balancer's first pools.
    BalancerV1,
    /// A pool of Balancer V2's vault.
    BalancerV2,
    /// A pool of Balancer V3's vault; its id is its address.
    BalancerV3,
    /// Bancor's network.
    Bancor,
    /// An order that 0x's exchange filled.
    ZeroEx,
    /// DODO's pools.
    Dodo,
}

/// One swap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swap {
    /// Whose rules it followed.
    pub protocol: Protocol,
    /// The contract that holds the pool.
    pub pool: Address,
    /// Which pool of that contract; absent where the contract is the pool.
    pub pool_id: Option<Hash>,
    /// Who paid.
    pub from: Address,
    /// Who was paid.
    pub to: Address,
    /// What was paid with; absent where no transfer tells it.
    pub token_in: Option<Address>,
    /// How much was paid, as the pool counts it.
    pub amount_in: U256,
    /// What was bought; absent where no transfer tells it.
    pub token_out: Option<Address>,
    /// How much was bought.
    pub amount_out: U256,
    /// Whether it was undone.
    pub is_undone: bool,
    /// Where it happened.
    pub place: Place,
}

impl Swap {
    /// Returns what was paid with and what was bought, where both are known.
    pub fn tokens(&self) -> Option<(Address, Address)> {
        Some((self.token_in?, self.token_out?))
    }

    /// Says whether `other` is by the same pool.
    pub fn is_same_pool(&self, other: &Self) -> bool {
        self.pool == other.pool && self.pool_id == other.pool_id
    }
}

/// Returns the swaps of `tx` in their order: as its logs tell them, or, where none were given or all were undone, as its calls do.
///
/// Any contract can log or move whatever it likes: what has an amount of 2^255 or more is no swap of a token that is worth anything, and
/// the difference of two such amounts fits no signed word.
pub fn swaps(tx: &Tx, transfers: &[Transfer], wrapped: Option<Address>) -> Vec<Swap> {
    let is_undone = tx.is_success == Some(false) && tx.has_traces;
    let mut swaps = if tx.has_logs && !is_undone {
        swaps_of_logs(&tx.logs, transfers)
    } else {
        swaps_of_calls(&tx.calls, wrapped)
    };
    swaps.retain(|swap| !swap.amount_in.bit(255) && !swap.amount_out.bit(255));
    swaps
}
