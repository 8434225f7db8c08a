"""What an indexer says of a chain's pools: told by another party, and never mixed with what the chain said.

Amounts are raw token units. An indexer names neither the block's hash nor a place in the block for each of
its rows, so they are not `swap` or `pool_state` events, which have both.
"""

from enum import StrEnum
from typing import ClassVar

from msgspec import Struct

from tidemill.schema.types import (
    Address,
    Count8,
    Count32,
    Count64,
    Hash,
    Name,
    Nanos,
    Text,
    Tick,
    Uint128,
    Uint256,
)


class SubgraphHead(Struct, frozen=True, kw_only=True, tag="subgraph_head"):
    """How far an indexer has read the chain, and how far behind the chain's head that is."""

    IDENTITY: ClassVar = ("source", "connection", "sequence")
    ORDER: ClassVar = ("source", "event_ns")

    event_ns: Nanos
    """The timestamp of the indexer's newest block."""
    recv_ns: Nanos
    source: Name
    """The subgraph's name in the configuration."""
    connection: Text
    """Names one run of one source; it never repeats."""
    sequence: Count64
    chain_id: Count64
    block_number: Count64
    """The newest block that the indexer has read."""
    block_hash: Hash
    chain_block_number: Count64 | None = None
    """The chain's newest block at that time; absent where the chain did not say."""
    lag_blocks: Count64 | None = None
    """How many blocks the indexer is behind; absent with it."""
    has_indexing_errors: Count8
    """1 where the indexer says that it ran into errors: what it tells may be wrong."""


class SubgraphSwapKind(StrEnum):
    """What is said of a swap."""

    TOLD = "told"
    RETRACTED = "retracted"
    """The indexer does not have it any more, or has it otherwise, as after a reorg."""


class SubgraphSwap(Struct, frozen=True, kw_only=True, tag="subgraph_swap"):
    """One exchange of tokens with a pool, as an indexer tells it; seen from the pool."""

    IDENTITY: ClassVar = ("source", "swap_id", "as_of_block", "kind")
    ORDER: ClassVar = ("source", "event_ns")

    event_ns: Nanos
    """The timestamp of the swap's block."""
    recv_ns: Nanos
    source: Name
    chain_id: Count64
    dex: Name
    swap_id: Text
    """The indexer's own name of it."""
    kind: SubgraphSwapKind
    as_of_block: Count64
    """The indexer's block at which it was read."""
    block_number: Count64 | None = None
    """Absent where the indexer keeps the time only."""
    tx_hash: Hash
    log_index: Count32 | None = None
    """Absent where the indexer does not say."""
    pool: Address
    sender: Address | None = None
    """Who called the pool; absent where the indexer does not say."""
    recipient: Address | None = None
    token_in: Address
    token_out: Address
    amount_in: Uint256
    """What the pool got, less what it gave back of the same token."""
    amount_out: Uint256


class SubgraphPool(Struct, frozen=True, kw_only=True, tag="subgraph_pool"):
    """A pool as an indexer has it at one block."""

    IDENTITY: ClassVar = ("source", "pool_id", "block_hash")
    ORDER: ClassVar = ("source", "pool_id", "block_number")

    event_ns: Nanos
    """The block's timestamp."""
    recv_ns: Nanos
    source: Name
    chain_id: Count64
    dex: Name
    block_number: Count64
    block_hash: Hash
    pool_id: Text
    """The indexer's own name of it, which is longer than its address for some."""
    pool: Address
    kind: Text | None = None
    """The kind of pool in the venue's words, such as Weighted; absent where it has one kind."""
    fee_e18: Uint128 | None = None
    """Fee as a fraction of the amount in, times 10^18; absent where the indexer does not say."""
    sqrt_price_x96: Uint256 | None = None
    """sqrt(token1 per token0, raw units) · 2^96; absent for pools without ticks."""
    liquidity: Uint128 | None = None
    """In-range liquidity; absent for pools without ticks."""
    tick: Tick | None = None
    token_count: Count32


class SubgraphBalance(Struct, frozen=True, kw_only=True, tag="subgraph_balance"):
    """What a pool holds of one token, as an indexer has it at one block."""

    IDENTITY: ClassVar = ("source", "pool_id", "token_index", "block_hash")
    ORDER: ClassVar = ("source", "pool_id", "block_number")

    event_ns: Nanos
    """The block's timestamp."""
    recv_ns: Nanos
    source: Name
    chain_id: Count64
    dex: Name
    block_number: Count64
    block_hash: Hash
    pool_id: Text
    pool: Address
    token_index: Count32
    """Its place among the pool's tokens as the indexer orders them."""
    token: Address
    symbol: Text | None = None
    decimals: Count32
    balance: Uint256
