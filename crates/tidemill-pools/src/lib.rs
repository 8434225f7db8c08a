//! Exact pools of decentralised exchanges: logs to state, swaps to the last unit; no input or output.

mod abi;
pub mod balancer_buffer;
pub mod balancer_fixed_point;
pub mod balancer_fixed_price;
pub mod balancer_gyro;
pub mod balancer_pool;
pub mod balancer_reclamm;
pub mod balancer_stable;
pub mod balancer_weighted;
pub mod bundle;
mod chain;
mod checked;
mod coin_batch;
pub mod coins;
mod curve_coins;
mod error;
mod factory;
pub mod full_math;
mod kind;
pub mod least;
mod limbs;
mod log_record;
pub mod multicall;
pub mod order_fill;
mod order_fills;
mod patch;
mod pool_set;
pub mod query;
mod signed;
mod ticked;
mod token_trial;
pub mod transfer;

pub use chain::{Address, Hash, Head, Log, Logs};
pub use coin_batch::{CoinBatch, CoinReading, CoinWanted};
pub use error::{DecodeError, PoolError, RecordError};
pub use factory::Factory;
pub use kind::{
    Amount, CallTerms, Contradiction, Deed, Moved, Observed, PoolKind, PoolSpec, Price, Quote, State, Traded,
};
pub use order_fills::{Exchange, OrderFills};
pub use patch::{Journal, Key, Patch, RECORD_VERSION};
pub use pool_set::{
    check_block, Applied, ApplyError, Cause, DeedRow, Drift, EventColumns, LogFault, Origin, PoolSet, Tracked,
};
pub use ruint::aliases::U256;
pub use ticked::Ticked;
pub use token_trial::{TokenNature, TokenTrial, TrialQuestion};

/// Declares the kinds of pools: a new kind is one module and one word here.
macro_rules! pools {
    ($($module:ident :: $pool:ident),* $(,)?) => {
        $(pub mod $module;)*

        /// A pool of any kind.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(missing_docs)] // each variant is named for its type
        pub enum Pool {
            $($pool($module::$pool),)*
        }

        /// Names of the protocols whose pools this build knows.
        pub const KINDS: &[&str] = &[$($module::$pool::PROTOCOL),*];

        impl Pool {
            /// Returns the pool as quoted by the places of its coins; `None` for pools of two tokens that follow their logs.
            ///
            /// # Errors
            /// `Incomplete` where its state is not known.
            pub fn by_coin(&self) -> Option<Result<&query::Exact, PoolError>> {
                match self {
                    Self::CurveStable(pool) => Some(pool.exact()),
                    Self::CurveCrypto(pool) => Some(pool.exact()),
                    Self::BalancerV2(pool) => Some(pool.exact()),
                    Self::BalancerV3(pool) => Some(pool.exact()),
                    _ => None,
                }
            }

            /// Returns the coins of such a pool and what it holds of each, in the pool's own order; none otherwise.
            pub fn coins(&self) -> (&[Address], &[U256]) {
                match self {
                    Self::CurveStable(pool) => (pool.coins(), pool.balances()),
                    Self::CurveCrypto(pool) => (pool.coins(), pool.balances()),
                    Self::BalancerV2(pool) => (pool.coins(), pool.balances()),
                    Self::BalancerV3(pool) => (pool.coins(), pool.balances()),
                    _ => (&[], &[]),
                }
            }

            /// Returns a pool of the protocol with these coins, whose state is not known; `None` for pools of two tokens that
            /// follow their logs.
            pub fn described(protocol: &str, address: Address, coins: Vec<Address>) -> Option<Self> {
                match protocol {
                    curve_stable::CurveStable::PROTOCOL => Some(curve_stable::CurveStable::described(address, coins).into()),
                    curve_crypto::CurveCrypto::PROTOCOL => Some(curve_crypto::CurveCrypto::described(address, coins).into()),
                    balancer_v2::BalancerV2::PROTOCOL => Some(balancer_v2::BalancerV2::described(address, coins).into()),
                    balancer_v3::BalancerV3::PROTOCOL => Some(balancer_v3::BalancerV3::described(address, coins).into()),
                    _ => None,
                }
            }

            /// Reads a factory's log; `None` where it does not create a pool of the factory's protocol.
            ///
            /// # Errors
            /// Where the log claims to create a pool and is malformed.
            pub fn created(
                log: &Log<'_>,
                factory: &Factory,
            ) -> Result<Option<(PoolSpec, Self)>, DecodeError> {
                match factory.protocol.as_str() {
                    $(<$module::$pool>::PROTOCOL => {
                        let created = <$module::$pool>::created(log, factory)?;
                        Ok(created.map(|(spec, pool)| (spec, Self::$pool(pool))))
                    })*
                    _ => Ok(None),
                }
            }

            /// Returns the pool that a factory's log is about; `None` for a log about no pool, or about a new one.
            pub fn subject(log: &Log<'_>, factory: &Factory) -> Option<Address> {
                match factory.protocol.as_str() {
                    $(<$module::$pool>::PROTOCOL => <$module::$pool>::subject(log),)*
                    _ => None,
                }
            }

            /// Returns a pool of `protocol` with these terms and no state.
            ///
            /// # Errors
            /// Where the protocol is unknown or the bytes are not its terms.
            pub fn decode_terms(protocol: &str, bytes: &[u8]) -> Result<Self, RecordError> {
                match protocol {
                    $(<$module::$pool>::PROTOCOL => <$module::$pool>::decode_terms(bytes).map(Self::$pool),)*
                    _ => Err(RecordError::Protocol { expected: KINDS.join(", "), found: protocol.into() }),
                }
            }

            /// Returns the name of the pool's protocol.
            pub fn protocol(&self) -> &'static str {
                match self { $(Self::$pool(_) => <$module::$pool>::PROTOCOL,)* }
            }

            /// Follows one log of the pool, noting in `journal` what it changes.
            ///
            /// # Errors
            /// Where the log is malformed; the pool is unchanged.
            pub fn observe(&mut self, log: &Log<'_>, journal: &mut Journal) -> Result<Observed, DecodeError> {
                match self { $(Self::$pool(pool) => pool.observe(log, journal),)* }
            }

            /// Returns the pool as one with ticks; `None` for kinds without.
            pub fn as_ticked(&self) -> Option<&dyn Ticked> {
                match self { $(Self::$pool(pool) => pool.as_ticked(),)* }
            }

            /// Returns the same to be changed.
            pub fn as_ticked_mut(&mut self) -> Option<&mut dyn Ticked> {
                match self { $(Self::$pool(pool) => pool.as_ticked_mut(),)* }
            }

            /// Returns the numbers of the pool's state.
            pub fn state(&self) -> State {
                match self { $(Self::$pool(pool) => pool.state(),)* }
            }

            /// Returns the fee in millionths of the amount paid in, rounded to the nearest; `None` where it is not known.
            pub fn fee_ppm(&self) -> Option<u32> {
                match self { $(Self::$pool(pool) => pool.fee_ppm(),)* }
            }

            /// Returns the tick spacing; `None` for pools without ticks.
            pub fn tick_spacing(&self) -> Option<i32> {
                match self { $(Self::$pool(pool) => pool.tick_spacing(),)* }
            }

            /// Returns what a transaction names to trade one token for the other; `None` where that cannot be told.
            pub fn call_terms(
                &self,
                spec: &PoolSpec,
                token_in: &Address,
                token_out: &Address,
            ) -> Option<CallTerms> {
                match self { $(Self::$pool(pool) => pool.call_terms(spec, token_in, token_out),)* }
            }

            /// Says whether all is known that a quote needs; an incomplete pool must be read from the node.
            pub fn is_complete(&self) -> bool {
                match self { $(Self::$pool(pool) => pool.is_complete(),)* }
            }

            /// Says whether a quote holds for one block only, as rates or a ramp move it without a log of the pool.
            pub fn is_momentary(&self) -> bool {
                match self { $(Self::$pool(pool) => pool.is_momentary(),)* }
            }

            /// Forgets a state that holds no longer, noting it in `journal`; it is to be read anew.
            pub fn lapse(&mut self, journal: &mut Journal) {
                match self { $(Self::$pool(pool) => pool.lapse(journal),)* }
            }

            /// Returns the exact swap for an amount in or out.
            ///
            /// # Errors
            /// Where the contract's own quoter would revert.
            #[inline]
            pub fn quote(&self, zero_for_one: bool, amount: Amount) -> Result<Quote, PoolError> {
                match self { $(Self::$pool(pool) => pool.quote(zero_for_one, amount),)* }
            }

            /// Swaps, and moves the pool to the state after it.
            ///
            /// # Errors
            /// Where the contract would revert; the pool is unchanged.
            pub fn swap(&mut self, zero_for_one: bool, amount: Amount) -> Result<Quote, PoolError> {
                match self { $(Self::$pool(pool) => pool.swap(zero_for_one, amount),)* }
            }

            /// Returns the price of token 0 in token 1, before the fee.
            ///
            /// # Errors
            /// Where the pool has no price.
            pub fn spot_price(&self) -> Result<Price, PoolError> {
                match self { $(Self::$pool(pool) => pool.spot_price(),)* }
            }

            /// Returns what never changes about the pool beside its `PoolSpec`, as bytes.
            pub fn encode_terms(&self) -> Vec<u8> {
                match self { $(Self::$pool(pool) => pool.encode_terms(),)* }
            }

            /// Calls `write` with every part of the state: the part's own key and its bytes.
            pub fn encode_state(&self, write: &mut dyn FnMut(&[u8], Vec<u8>)) {
                match self { $(Self::$pool(pool) => pool.encode_state(write),)* }
            }

            /// Returns one part of the state as bytes; `None` where the pool has no such part.
            pub fn encode_part(&self, part: &[u8]) -> Option<Vec<u8>> {
                match self { $(Self::$pool(pool) => pool.encode_part(part),)* }
            }

            /// Sets or clears one part of the state.
            ///
            /// # Errors
            /// Where key or bytes are not such a part.
            pub fn decode_part(&mut self, part: &[u8], bytes: Option<&[u8]>) -> Result<(), RecordError> {
                match self { $(Self::$pool(pool) => pool.decode_part(part, bytes),)* }
            }
        }

        $(impl From<$module::$pool> for Pool {
            fn from(pool: $module::$pool) -> Self {
                Self::$pool(pool)
            }
        })*
    };
}

pools![
    uniswap_v2::UniswapV2,
    uniswap_v3::UniswapV3,
    solidly::Solidly,
    algebra::Algebra,
    uniswap_v4::UniswapV4,
    curve_stable::CurveStable,
    curve_crypto::CurveCrypto,
    balancer_v2::BalancerV2,
    balancer_v3::BalancerV3,
];
