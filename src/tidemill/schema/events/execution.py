"""What became of trades that were asked for: one event for each change of one, on paper or live."""

from enum import StrEnum
from typing import ClassVar

from msgspec import Struct

from tidemill.schema.types import (
    Address,
    Count32,
    Count64,
    Hash,
    Int256,
    Name,
    Nanos,
    Text,
    Uint256,
    Usd,
)


class ExecutionMode(StrEnum):
    """Whether anything is sent."""

    PAPER = "PAPER"
    """Nothing is: the chain's own blocks say what would have come of it."""
    LIVE = "LIVE"


class ExecutionState(StrEnum):
    """Where a trade is."""

    RECEIVED = "received"
    REFUSED = "refused"
    """A limit, or its own shape, forbids it; nothing was sent."""
    SIMULATED = "simulated"
    """It would succeed on the state after the newest block, and every limit allows it."""
    FAILED = "failed"
    """It would not succeed, or it was included and reverted."""
    SIGNED = "signed"
    SENT = "sent"
    INCLUDED = "included"
    FINAL = "final"
    """So many blocks follow it that no reorg is expected to reach it."""
    REORGED = "reorged"
    """The block that included it is no longer canonical."""
    DROPPED = "dropped"
    """Nobody has it any more, and its nonce was not taken."""
    REPLACED = "replaced"
    """Another transaction has its nonce."""
    UNKNOWN = "unknown"
    """What became of it cannot be told."""
    PAPER_PENDING = "paper_pending"
    """It waits for the blocks that will judge it."""
    PAPER_FILLED = "paper_filled"
    """On the state that those blocks left, it would have succeeded."""
    PAPER_MISSED = "paper_missed"
    """It would not."""


class ExecutionSource(StrEnum):
    """Who lends, as a request's `flashSource` numbers them."""

    OWN_FUNDS = "own_funds"
    BALANCER_V3 = "balancer_v3"
    AAVE_V3 = "aave_v3"
    BALANCER_V2 = "balancer_v2"
    UNISWAP_V3 = "uniswap_v3"
    UNISWAP_V2 = "uniswap_v2"
    MORPHO = "morpho"
    UNISWAP_V4 = "uniswap_v4"


class Execution(Struct, frozen=True, kw_only=True, tag="execution"):
    """A trade came into a state; its last event says where it is now. Amounts are raw units of `token`."""

    IDENTITY: ClassVar = ("execution_id", "sequence")
    ORDER: ClassVar = ("source", "event_ns", "execution_id")

    event_ns: Nanos
    """When it came into the state."""
    recv_ns: Nanos
    """When the signal was received."""
    source: Name
    """The chain's name in the configuration."""
    chain_id: Count64
    execution_id: Hash
    """Names the trade: keccak-256 of its signal and of when it was received."""
    sequence: Count32
    """Of this event among the trade's, from 0."""
    mode: ExecutionMode
    state: ExecutionState
    signal_digest: Hash
    """Keccak-256 of what was asked for, without its key."""
    idempotency_key: Text | None = None
    token: Address
    """What is borrowed, and what the profit is in."""
    amount: Uint256
    """How much is borrowed."""
    loan_source: ExecutionSource
    route: Text
    """Its hops, as `kind:pool` of each, with ` > ` between them."""
    expected_profit_usd: Usd | None = None
    """As the signal says; absent where it does not."""
    simulated_profit: Int256 | None = None
    """What the owner gains on the state after the block of the first simulation; absent before that."""
    simulated_block: Count64 | None = None
    """The block on whose state that was."""
    first_profit: Int256 | None = None
    """On paper: what it would have gained as the first transaction of its block; absent where it would have
    failed there, and before that is known."""
    last_profit: Int256 | None = None
    """On paper: what it would have gained after all transactions of its block; absent as before."""
    realised_profit: Int256 | None = None
    """What the owner gained; on paper, at the position that the settings state. Absent where nothing was."""
    simulated_profit_usd: Usd | None = None
    """Absent where the token is not taken for a dollar, and no opportunity told its price of late."""
    realised_profit_usd: Usd | None = None
    """As `simulated_profit_usd`."""
    gas_used: Count64 | None = None
    effective_gas_price_wei: Uint256 | None = None
    fee_wei: Uint256 | None = None
    """What it cost in the gas token, a rollup's data fee included where that is known."""
    tx_hash: Hash | None = None
    nonce: Count64 | None = None
    block_number: Count64 | None = None
    """The block that included it, or would have."""
    block_hash: Hash | None = None
    reason: Text | None = None
    """Why it is in this state, in one sentence; absent where nothing is to be said."""
