"""What is told of whales: wallets that the registry names, and unknown ones with orders large for a market.

Field names that others know from Polymarket's whale messages are kept: `trader_address`, `market_id`,
`token_id`. What belongs to a block is retracted with it; what a venue told has no block.
"""

from enum import StrEnum
from typing import ClassVar

from msgspec import Struct

from tidemill.schema.events.market import Side, TradeRole
from tidemill.schema.types import (
    Address,
    Count8,
    Count32,
    Count64,
    Hash,
    Name,
    Nanos,
    Price,
    QuoteAmount,
    Size,
    Text,
)


class WhaleReason(StrEnum):
    """Why a trade is told."""

    REGISTERED = "registered"
    """The registry has the wallet."""
    LARGE = "large"
    """The order is large for its market, and the wallet is not known."""


class SettlementState(StrEnum):
    """How far a trade is settled."""

    MATCHED = "matched"
    """The venue says so; the chain does not yet."""
    SETTLED = "settled"
    """It is in a block."""
    GHOST = "ghost"
    """It was matched, and no block had it in time."""
    REVERTED = "reverted"
    """Its block left the canonical chain."""


class _Told(Struct, frozen=True, kw_only=True):
    """What all of them begin with."""

    event_ns: Nanos
    """When it happened: the block's time, or the venue's."""
    recv_ns: Nanos
    detected_ns: Nanos
    """When tidemill found out."""
    source: Name
    """Who told it: a chain's or a venue's name in the configuration."""
    connection: Text
    """A chain's is the hash of the block; a venue's names one connection. It never repeats."""
    sequence: Count64
    """Of a chain the number of the block; of a venue the message that brought it about."""
    chain_id: Count64 | None = None
    """This and the block are absent where a venue told it."""
    block_number: Count64 | None = None
    block_hash: Hash | None = None


class _OfTrader(_Told, frozen=True, kw_only=True):
    """Whom and what it is about."""

    trader_address: Address
    market_id: Text | None = None
    """Which market the token belongs to; absent where nobody told."""
    token_id: Text
    """The instrument."""


class WhaleTrade(_OfTrader, frozen=True, kw_only=True, tag="whale_trade"):
    """One trade of a whale, told once, whether its venue or its chain was first."""

    IDENTITY: ClassVar = ("source", "connection", "sequence", "row")
    ORDER: ClassVar = ("trader_address", "event_ns")

    row: Count32
    trade_id: Text
    """Names it in what is told later; transaction and log where the chain was first."""
    order_id: Text
    """The trades of one wallet that are joined."""
    side: Side
    """What the whale did."""
    size: Size
    price: Price
    amount: QuoteAmount
    """What was paid for it, quote, without fees."""
    role: TradeRole | None = None
    reason: WhaleReason
    state: SettlementState
    """When it was told; later states are told as `whale_settlement`."""
    usual_amount: QuoteAmount | None = None
    """The median of its market's latest orders, quote; absent while too few are known."""
    is_copied: Count8
    """1 where the registry has its positions copied."""
    pseudonym: Text | None = None
    tx_hash: Hash | None = None
    log_index: Count32 | None = None


class WhaleSettlement(_OfTrader, frozen=True, kw_only=True, tag="whale_settlement"):
    """How far a trade that was told is settled now."""

    IDENTITY: ClassVar = ("source", "connection", "sequence", "trade_id", "state")
    ORDER: ClassVar = ("trader_address", "event_ns")

    trade_id: Text
    state: SettlementState
    size: Size
    """What is settled of it; of a ghost, what was matched."""
    tx_hash: Hash | None = None


class WhaleOrderStatus(StrEnum):
    """Whether more trades may join."""

    OPEN = "open"
    CLOSED = "closed"


class WhaleOrder(_OfTrader, frozen=True, kw_only=True, tag="whale_order"):
    """Trades of one wallet, in one token and on one side, each soon after the last: split orders joined."""

    IDENTITY: ClassVar = ("source", "connection", "sequence", "order_id", "status")
    ORDER: ClassVar = ("trader_address", "event_ns")

    order_id: Text
    status: WhaleOrderStatus
    side: Side
    size: Size
    price: Price
    """The average, rounded down."""
    amount: QuoteAmount
    trade_count: Count32
    first_ns: Nanos
    """When its first trade happened."""
    reason: WhaleReason
    usual_amount: QuoteAmount | None = None
    """The median of its market's latest orders, quote; absent while too few are known."""


class PositionChange(StrEnum):
    """What happened to a position."""

    OPENED = "opened"
    INCREASED = "increased"
    REDUCED = "reduced"
    CLOSED = "closed"
    RESTATED = "restated"
    """A block was taken back, or a matched trade never settled: this is what it is without it."""


class WhalePosition(_OfTrader, frozen=True, kw_only=True, tag="whale_position"):
    """A whale's position in one token changed, as far as its trades were seen."""

    IDENTITY: ClassVar = ("source", "connection", "sequence", "trader_address", "token_id", "change")
    ORDER: ClassVar = ("trader_address", "event_ns")

    change: PositionChange
    size: Size
    size_before: Size
    average_price: Price | None = None
    """What its shares cost on average, rounded down; absent where there are none, or some came from elsewhere
    at a cost that is not known."""
    realized_pnl: QuoteAmount | None = None
    """Of what was sold by this change, quote; absent where nothing was, or it is not known what it cost or
    gave."""
    unseen_size: Size | None = None
    """What this change sold beyond what was seen bought; absent where it was nothing."""


class AlertKind(StrEnum):
    """What looks like manipulation."""

    WASH = "wash"
    """Linked wallets traded with each other."""
    LAYERING = "layering"
    """Large levels stood on one side until a trade on the other, and were taken away unfilled."""
    SPIKE = "spike"
    """One wallet, or wallets that are linked, moved the price far in a short time."""


class WhaleAlert(_Told, frozen=True, kw_only=True, tag="whale_alert"):
    """Something looks like manipulation; the evidence says why, and proves nothing of intent."""

    IDENTITY: ClassVar = ("source", "connection", "sequence", "alert_id")
    ORDER: ClassVar = ("kind", "event_ns")

    alert_id: Text
    kind: AlertKind
    trader_address: Address | None = None
    """Absent where a book does not tell whose orders they were."""
    counterparty: Address | None = None
    market_id: Text | None = None
    token_id: Text
    detail: Text
    """What was found, in one sentence."""
    evidence: Text
    """What it was found by: JSON."""


class WhaleLink(_Told, frozen=True, kw_only=True, tag="whale_link"):
    """A wallet was first funded by another one, by which wallets are taken together."""

    IDENTITY: ClassVar = ("source", "connection", "sequence", "log_index")
    ORDER: ClassVar = ("wallet", "event_ns")

    wallet: Address
    funder: Address
    token: Address
    """What was sent."""
    amount: QuoteAmount
    tx_hash: Hash
    log_index: Count32


class CopyStatus(StrEnum):
    """What became of following a whale."""

    FILLED = "filled"
    """On paper, at the price then."""
    UNPRICED = "unpriced"
    """No price was known then: nothing was done."""
    UNHELD = "unheld"
    """The whale sold, and there was nothing on paper to sell."""
    LIMITED = "limited"
    """The whale bought, and the position costs all that one may."""


class CopyPrice(StrEnum):
    """Which price it is."""

    TOP = "top"
    """The best one on the other side of the book."""
    TRADE = "trade"
    """Of the last trade after the whale's."""


class WhaleCopy(_OfTrader, frozen=True, kw_only=True, tag="whale_copy"):
    """A whale's trade followed on paper, after the stated delay; as it would be live, no reorg undoes it."""

    IDENTITY: ClassVar = ("source", "connection", "sequence", "trade_id")
    ORDER: ClassVar = ("trader_address", "event_ns")

    trade_id: Text
    """The whale's."""
    status: CopyStatus
    side: Side
    size: Size
    """What was bought or sold on paper; 0 where nothing was."""
    price: Price | None = None
    """Absent where nothing was done."""
    price_kind: CopyPrice | None = None
    price_ns: Nanos | None = None
    """When that price was told."""
    whale_price: Price
    delay_ms: Count64
    """From the whale's trade being told to when the price is taken; the event's time is that moment."""
    position_size: Size
    """Of the paper position after it."""
    average_price: Price | None = None
    """What its shares cost on average; absent where there are none."""
    realized_pnl: QuoteAmount | None = None
    """Of what was sold on paper, without fees; absent where nothing was."""
