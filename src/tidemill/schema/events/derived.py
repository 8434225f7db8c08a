"""What tidemill works out from a chain: opportunities, each with the exact inputs that reproduce it."""

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
    Tick,
    Uint128,
    Uint256,
    Usd,
)


class OpportunityKind(StrEnum):
    """What makes the profit."""

    CYCLE = "cycle"


class Opportunity(Struct, frozen=True, kw_only=True, tag="opportunity"):
    """A path of swaps that begins and ends with one token and, on the state after a block, pays more than it
    costs.

    Its hops, with the state of each pool, are in `opportunity_hop`. All amounts are raw units of `token`.
    """

    IDENTITY: ClassVar = ("chain_id", "opportunity")
    ORDER: ClassVar = ("chain_id", "block_number", "opportunity")

    event_ns: Nanos
    """The block's timestamp."""
    recv_ns: Nanos
    """When our socket read the frame that completed the block."""
    source: Name
    """The chain's name in the configuration."""
    chain_id: Count64
    block_number: Count64
    """The newest block of the state that it was found in."""
    block_hash: Hash
    opportunity: Hash
    """Keccak-256 of the block's hash and of each hop's pool and tokens, in the order of the swaps."""
    kind: OpportunityKind
    token: Address
    hop_count: Count8
    rank: Count32
    """Its place among those found in one search, the most profitable first, from 1."""
    amount_in: Uint256
    """The amount that leaves the most, to the unit."""
    gross_profit: Uint256
    """What comes back less what went in: swap fees are paid."""
    flash_premium: Uint256
    """What the lender of `amount_in` asks."""
    gas: Count64 | None = None
    """Units of gas that the transaction is expected to take; absent where a hop's were never measured."""
    gas_price_wei: Uint256 | None = None
    """Base fee of the block and priority fee; absent before EIP-1559."""
    fee_wei: Uint256 | None = None
    """Gas and, on rollups, the data fee, in the gas token."""
    net_profit: Uint256 | None = None
    """What is left after all costs; absent where `gas` is, or the price of the gas token in `token`."""
    net_profit_wei: Uint256 | None = None
    """The same in the gas token."""
    break_even_gas_price_wei: Uint256 | None = None
    """The highest price of a unit of gas at which it does not lose."""
    net_profit_usd: Usd | None = None
    """`net_profit` at `usd_per_unit`; absent where either is."""
    usd_per_unit: Usd | None = None
    """What a raw unit of `token` is worth; absent where no pool leads to a stable token within two steps."""
    usd_pool_1: Address | None = None
    """The pool that prices `token`, the deepest of those that trade it for a token nearer to a stable one;
    absent where `token` itself is taken for a dollar, or has no price.
    """
    usd_token_1: Address | None = None
    """What that pool trades it for."""
    usd_pool_2: Address | None = None
    """The pool that prices `usd_token_1`; absent where that is taken for a dollar."""
    usd_token_2: Address | None = None
    """What that pool trades it for: a stable token."""


class OpportunityHop(Struct, frozen=True, kw_only=True, tag="opportunity_hop"):
    """One swap of an opportunity, with the state of its pool that the amounts were computed from."""

    IDENTITY: ClassVar = ("chain_id", "opportunity", "hop")
    ORDER: ClassVar = ("chain_id", "block_number", "opportunity", "hop")

    event_ns: Nanos
    """The block's timestamp."""
    recv_ns: Nanos
    """When our socket read the frame that completed the block."""
    source: Name
    """The chain's name in the configuration."""
    chain_id: Count64
    block_number: Count64
    block_hash: Hash
    opportunity: Hash
    hop: Count8
    """Its place in the path, from 0."""
    pool: Address
    protocol: Name
    dex: Name
    token_in: Address
    token_out: Address
    amount_in: Uint256
    amount_out: Uint256
    ticks_crossed: Count32
    reserve0: Uint128 | None = None
    reserve1: Uint128 | None = None
    sqrt_price_x96: Uint256 | None = None
    liquidity: Uint128 | None = None
    tick: Tick | None = None
