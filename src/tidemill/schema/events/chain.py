"""What a chain says: blocks, pools, tokens, swaps, liquidity, and the pool states that follow from them.

Amounts are raw token units (before decimals). `IDENTITY` names the fields whose values never repeat in a
table; an event of a reverted block stays stored, and `reorg` says that its block is no longer canonical.
"""

from enum import StrEnum
from typing import ClassVar

from msgspec import Struct

from tidemill.schema.types import Address, Count32, Count64, Hash, Name, Nanos, Text, Tick, Uint128, Uint256


class Block(Struct, frozen=True, kw_only=True, tag="block"):
    """One block of a chain whose tracked logs are all here."""

    IDENTITY: ClassVar = ("chain_id", "block_hash")
    ORDER: ClassVar = ("chain_id", "block_number")

    event_ns: Nanos
    """The block's timestamp."""
    recv_ns: Nanos
    """When our socket read the frame that completed the block's logs."""
    source: Name
    """The chain's name in the configuration."""
    chain_id: Count64
    block_number: Count64
    block_hash: Hash
    parent_hash: Hash
    base_fee_wei: Uint256 | None = None
    """Absent before EIP-1559."""
    gas_used: Count64
    gas_limit: Count64
    log_count: Count32
    """How many logs of the tracked kinds the block has, of tracked pools or not."""


class ReorgKind(StrEnum):
    """What happened to a block."""

    REVERTED = "reverted"
    RESTORED = "restored"


class Reorg(Struct, frozen=True, kw_only=True, tag="reorg"):
    """One block left the canonical chain, or came back to it."""

    IDENTITY: ClassVar = ("chain_id", "block_hash", "sequence")
    ORDER: ClassVar = ("chain_id", "block_number")

    event_ns: Nanos
    """The block's timestamp."""
    recv_ns: Nanos
    """When our socket read the frame that showed it."""
    source: Name
    chain_id: Count64
    block_number: Count64
    block_hash: Hash
    kind: ReorgKind
    sequence: Count64
    """Counts the changes of one chain, upwards; the highest of a block says whether it is canonical."""


class Pool(Struct, frozen=True, kw_only=True, tag="pool"):
    """A pool became known, from its factory's event or by reading the chain."""

    IDENTITY: ClassVar = ("chain_id", "pool", "block_hash")
    ORDER: ClassVar = ("chain_id", "pool", "block_number")

    event_ns: Nanos
    recv_ns: Nanos
    source: Name
    chain_id: Count64
    block_number: Count64
    """The block that created it, or at which it was read."""
    block_hash: Hash
    tx_hash: Hash | None = None
    """Absent when the pool was read from the chain and not seen to be created."""
    log_index: Count32 | None = None
    pool: Address
    protocol: Name
    """The kind of pool, such as uniswap_v2 or uniswap_v3."""
    dex: Name
    """Whose pool it is, such as sushiswap."""
    factory: Address
    token0: Address
    token1: Address
    fee_ppm: Count32 | None = None
    """Fee in millionths of the amount paid in; absent where it is not known yet, or is set during a swap."""
    tick_spacing: Tick | None = None
    """Absent for pools without ticks."""


class Token(Struct, frozen=True, kw_only=True, tag="token"):
    """A token's own description, as its contract gave it."""

    IDENTITY: ClassVar = ("chain_id", "token", "block_number")
    ORDER: ClassVar = ("chain_id", "token", "block_number")

    event_ns: Nanos
    recv_ns: Nanos
    source: Name
    chain_id: Count64
    block_number: Count64
    """The block at which it was read."""
    token: Address
    symbol: Text | None = None
    """Absent where the contract has none that can be read."""
    decimals: Count32 | None = None
    """Absent where the contract has none: amounts of the token then have no human unit."""


class TokenNature(StrEnum):
    """How a token's balances move."""

    ORDINARY = "ordinary"
    """As a pool reckons: what one gives the other gets, and nothing changes by itself."""
    FEE_ON_TRANSFER = "fee_on_transfer"
    """Who is paid gets less than who pays gives."""
    REBASING = "rebasing"
    """Balances can change without a transfer."""
    UNMOVABLE = "unmovable"
    """Its balances are not told, or it refuses to be paid out or back."""

    @property
    def oddity(self) -> str | None:
        """Why no pool of it is priced as others are; None where there is no reason."""
        match self:
            case TokenNature.ORDINARY:
                return None
            case TokenNature.FEE_ON_TRANSFER:
                return "who is paid in it gets less than who pays gives"
            case TokenNature.REBASING:
                return "its balances can change without a transfer"
            case TokenNature.UNMOVABLE:
                return "it tells no balances, or refuses to be paid out or back"


class TokenTrial(Struct, frozen=True, kw_only=True, tag="token_trial"):
    """How a token's balances move, as a trial on the chain's own state showed, which changed nothing."""

    IDENTITY: ClassVar = ("chain_id", "token", "holder", "event_ns")
    ORDER: ClassVar = ("chain_id", "token", "event_ns")

    event_ns: Nanos
    """When it was tried."""
    recv_ns: Nanos
    source: Name
    """The chain's name in the configuration."""
    chain_id: Count64
    token: Address
    holder: Address
    """Whose tokens were moved: a pool."""
    block_number: Count64 | None = None
    """The block on whose state it was tried; absent where no endpoint answered."""
    nature: TokenNature | None = None
    """Absent where that could not be told: the holder had none, or the endpoint knows no state overrides or
    no access lists.
    """


class Swap(Struct, frozen=True, kw_only=True, tag="swap"):
    """One exchange of tokens with a pool; what came in and what went out, seen from the pool."""

    IDENTITY: ClassVar = ("chain_id", "block_hash", "log_index")
    ORDER: ClassVar = ("chain_id", "block_number", "log_index")

    event_ns: Nanos
    recv_ns: Nanos
    source: Name
    chain_id: Count64
    block_number: Count64
    block_hash: Hash
    tx_hash: Hash
    tx_index: Count32
    log_index: Count32
    pool: Address
    protocol: Name
    dex: Name
    sender: Address | None = None
    """Who called the pool. Absent for Balancer, whose event does not say."""
    recipient: Address | None = None
    """Who was paid. Absent for Curve and Balancer, whose events do not say."""
    token0: Address | None = None
    """What `amount0_in` and `amount0_out` are of, where the pool may have more tokens than two: Curve's and
    Balancer's. Absent for all others: the tokens of the pool itself.
    """
    token1: Address | None = None
    amount0_in: Uint256
    amount1_in: Uint256
    amount0_out: Uint256
    amount1_out: Uint256
    sqrt_price_x96: Uint256 | None = None
    """Price after the swap, sqrt(token1 per token0, raw units) · 2^96; absent for pools without ticks."""
    liquidity: Uint128 | None = None
    """In-range liquidity after the swap; absent for pools without ticks."""
    tick: Tick | None = None


class LiquidityKind(StrEnum):
    """Which way liquidity moved."""

    MINT = "mint"
    BURN = "burn"


class LiquidityChange(Struct, frozen=True, kw_only=True, tag="liquidity_change"):
    """Liquidity added to a pool or taken from it."""

    IDENTITY: ClassVar = ("chain_id", "block_hash", "log_index")
    ORDER: ClassVar = ("chain_id", "block_number", "log_index")

    event_ns: Nanos
    recv_ns: Nanos
    source: Name
    chain_id: Count64
    block_number: Count64
    block_hash: Hash
    tx_hash: Hash
    tx_index: Count32
    log_index: Count32
    pool: Address
    protocol: Name
    dex: Name
    kind: LiquidityKind
    owner: Address
    """V3: the position's owner. V2: who called for a mint, who receives for a burn."""
    amount0: Uint256
    amount1: Uint256
    liquidity: Uint128 | None = None
    """Liquidity units of the position's change; absent for V2, whose event does not say."""
    tick_lower: Tick | None = None
    tick_upper: Tick | None = None


class StateCause(StrEnum):
    """Why a pool's state is told."""

    LOG = "log"
    BOOTSTRAP = "bootstrap"
    REORG = "reorg"


class PoolState(Struct, frozen=True, kw_only=True, tag="pool_state"):
    """A pool's state after the log, or at the block, that is named here."""

    IDENTITY: ClassVar = ("chain_id", "block_hash", "log_index", "pool", "cause", "sequence")
    ORDER: ClassVar = ("chain_id", "pool", "block_number", "sequence")

    event_ns: Nanos
    recv_ns: Nanos
    source: Name
    chain_id: Count64
    block_number: Count64
    block_hash: Hash
    log_index: Count32 | None = None
    """Absent where no log of the block caused it."""
    pool: Address
    protocol: Name
    dex: Name
    cause: StateCause
    sequence: Count64
    """Log index for a log; the count of the chain's corrections for a reorg, and for a pool that was read
    anew; 0 for a bootstrap at the start.
    """
    reserve0: Uint128 | None = None
    reserve1: Uint128 | None = None
    sqrt_price_x96: Uint256 | None = None
    liquidity: Uint128 | None = None
    tick: Tick | None = None
