"""Arbitrage transactions: the facts that inspection finds, and the record with every declared feature.

Accounts, tokens, pools and transactions are text, since chains spell them differently: `0x…` in lower case on
EVM chains, base58 on Solana. Amounts are raw units.
"""

from enum import StrEnum
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta, Struct

from tidemill.schema.features import FEATURES
from tidemill.schema.storage import Measure, Measured, Projection, Statistics
from tidemill.schema.types import (
    F64,
    Count8,
    Count32,
    Count64,
    Hash,
    Int256,
    Name,
    Nanos,
    Ratio,
    Text,
    Uint256,
    Usd,
)


class ArbitrageKind(StrEnum):
    """What a transaction that swapped in a circle was."""

    ARBITRAGE = "arbitrage"
    """Its makers gained of it, before gas."""
    LOSING_CIRCLE = "losing_circle"
    FAILED_ARBITRAGE = "failed_arbitrage"
    """It was undone; amounts are those before that, where calls show them."""


class CircleShape(StrEnum):
    """How the swaps of a circle hang together."""

    CHAIN = "chain"
    """Each hands on to the next."""
    NETWORK = "network"
    """Amounts were divided, joined, or lay in a vault meanwhile."""


class SandwichRole(StrEnum):
    """What a transaction was in a sandwich."""

    FRONT = "front"
    BACK = "back"
    VICTIM = "victim"


class _Facts(Struct, frozen=True, kw_only=True):
    event_ns: Nanos
    """The block's timestamp."""
    recv_ns: Nanos
    source: Name
    """The chain's name in the configuration."""
    chain_id: Count64
    block_number: Count64
    """The slot, on Solana."""
    block_hash: Hash
    tx_hash: Text
    """A Solana transaction's signature."""
    tx_index: Count32
    kind: ArbitrageKind
    shape: CircleShape | None = None
    """Of its most profitable circle, as are hops, token and amounts; absent of one that failed unseen."""
    sandwich_role: SandwichRole | None = None
    sender: Text | None = None
    """Who signed it."""
    contract: Text | None = None
    """What it called."""
    account: Text | None = None
    """Who paid for the first swap and was paid by the last."""
    circle_count: Count32
    hop_count: Count32
    """Swaps of the circle."""
    protocols: Text
    """Of each swap in order, joined by commas; as are `pools`."""
    pools: Text
    tokens: Text
    """What each swap was paid in, in order, joined by commas; the first is `token`."""
    token: Text | None = None
    """What the circle begins and ends with."""
    amount_in: Uint256 | None = None
    amount_out: Uint256 | None = None
    profit: Int256 | None = None
    """`amount_out` less `amount_in`: before gas, tip and the fee of a loan."""
    gains: Text | None = None
    """What its makers have afterwards, of every token: `token:amount`, joined by commas."""
    loan_source: Text | None = None
    """Who lent the most of `token`, or of the first token lent."""
    loan_token: Text | None = None
    loan_amount: Uint256 | None = None
    loan_fee: Uint256 | None = None
    gas_used: Count64 | None = None
    """Compute units, on Solana."""
    gas_price_wei: Uint256 | None = None
    """What a unit of gas cost."""
    base_fee_wei: Uint256 | None = None
    """Of the block, a unit of gas."""
    priority_fee_wei: Uint256 | None = None
    """`gas_price_wei` less `base_fee_wei`."""
    gas_cost_wei: Uint256 | None = None
    """The whole fee; lamports on Solana, as all amounts in the native coin's smallest unit."""
    tip_wei: Uint256 | None = None
    """Paid to the block's fee recipient beside the fee; Jito's, on Solana."""
    profit_native_wei: Int256 | None = None
    """The worth of `profit` in the native coin; absent where the block has no price of `token`."""
    net_profit_native_wei: Int256 | None = None
    """The same after fee and tip."""
    profit_usd: Usd | None = None
    """The worth of `profit`."""
    net_profit_usd: Usd | None = None
    """The same after fee and tip."""
    confidence: Ratio | None = None
    """How much of what its makers gained the circles explain, 0 to 1."""


_IDENTITY = ("chain_id", "block_hash", "tx_hash")
_ORDER = ("event_ns", "block_number", "tx_index")
_PROJECTIONS = (
    Projection("by_profit", ("chain_id", "net_profit_native_wei")),
    Projection("by_transaction", ("tx_hash",)),
)
_STATISTICS = Statistics(
    by=("source", "chain_id", "kind"),
    measures=(
        Measure("transactions", Measured.ROWS),
        Measure("valued", Measured.PRESENT, "net_profit_native_wei"),
        Measure("profitable", Measured.POSITIVE, "net_profit_native_wei"),
        Measure("net_profit_native_wei", Measured.SUM, "net_profit_native_wei"),
        Measure("gas_cost_wei", Measured.SUM, "gas_cost_wei"),
        Measure("tip_wei", Measured.SUM, "tip_wei"),
        Measure("gas_used", Measured.SUM, "gas_used"),
        Measure("hops", Measured.SUM, "hop_count"),
        Measure("valued_usd", Measured.PRESENT, "net_profit_usd"),
        Measure("net_profit_usd", Measured.SUM, "net_profit_usd"),
        Measure("net_profit_max_usd", Measured.MAXIMUM, "net_profit_usd"),
    ),
)
_SOURCE_NAMES = {"block_time": "event_ns", "slot": "block_number", "tx_signature": "tx_hash"}


class Arbitrage(_Facts, frozen=True, kw_only=True, tag="arbitrage"):
    """One transaction that swapped in a circle: what it paid, what it gained, what it cost."""

    IDENTITY: ClassVar = _IDENTITY
    ORDER: ClassVar = _ORDER


def _column(unit: str) -> Any:
    column: Any = Annotated[float, Meta(extra={"logical": F64._replace(unit=unit)})]
    return column | None


ArbitrageTransaction: type[Struct] = msgspec.defstruct(
    "ArbitrageTransaction",
    [(one.name, _column(one.unit), None) for one in FEATURES],
    bases=(_Facts,),
    namespace={
        "IDENTITY": _IDENTITY,
        "ORDER": _ORDER,
        "PROJECTIONS": _PROJECTIONS,
        "STATISTICS": _STATISTICS,
        "ALSO_NAMED": "arbitrage.transactions",
        "ALSO_NAMED_COLUMNS": _SOURCE_NAMES,
        "__doc__": "One transaction that swapped in a circle, with every feature that is declared in"
        " `tidemill.schema.features`.\n\nA feature is made of what came before the transaction, and"
        " of its own facts.",
    },
    module=__name__,
    tag="arbitrage_transaction",
    frozen=True,
    kw_only=True,
)


class OpportunityRisk(Struct, frozen=True, kw_only=True, tag="opportunity_risk"):
    """What can go wrong with an opportunity, by what happened to arbitrages through the same pools before.

    Each part is a feature of `arbitrage_transaction` of the same name, as a transaction that takes the
    opportunity would have it.
    """

    IDENTITY: ClassVar = ("chain_id", "opportunity")
    ORDER: ClassVar = ("chain_id", "block_number", "opportunity")

    event_ns: Nanos
    """The timestamp of the block that it was found in."""
    recv_ns: Nanos
    source: Name
    """The chain's name in the configuration."""
    chain_id: Count64
    block_number: Count64
    block_hash: Hash
    opportunity: Hash
    known_block_number: Count64 | None = None
    """The last block whose events are in the parts; absent where there is none yet."""
    sandwich_probability: Ratio | None = None
    impermanent_loss_24h: Ratio | None = None
    """Below zero where something is lost."""
    token_risk: Ratio | None = None
    competition_risk: Ratio | None = None
    execution_risk: Ratio | None = None
    risk_score: Ratio | None = None
    """That any of the five happens, were they independent, of those that are known."""
    risk_parts: Count8
    """How many of the five are known."""
