"""What an order-book venue says: markets, books level by level, trades, wallets, and an account's own orders.

Every message that a connection gives is numbered, and `(source, connection, sequence)` is that number; `row`
tells the rows of one message apart. Prices and sizes are exact.
"""

from enum import StrEnum
from typing import ClassVar

from msgspec import Struct

from tidemill.schema.types import (
    Address,
    Bps,
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


class BookSide(StrEnum):
    """Which half of a book."""

    BID = "bid"
    ASK = "ask"


class Side(StrEnum):
    """What somebody does."""

    BUY = "buy"
    SELL = "sell"


class HashCheck(StrEnum):
    """Whether the venue's own digest of a book is the digest of what came."""

    MATCHED = "matched"
    DIFFERENT = "different"


class BookSnapshot(Struct, frozen=True, kw_only=True, tag="book_snapshot"):
    """A whole book begins: what was known of it before is void.

    Its levels are the rows of `book_change` with the same sequence and cause `snapshot`.
    """

    IDENTITY: ClassVar = ("source", "connection", "sequence")
    ORDER: ClassVar = ("source", "instrument", "event_ns")

    event_ns: Nanos
    recv_ns: Nanos
    source: Name
    """The venue's name in the configuration."""
    connection: Text
    """Names one connection; it never repeats."""
    sequence: Count64
    market: Text | None = None
    """Which market the instrument belongs to; absent where the venue has no such thing."""
    instrument: Text
    bid_count: Count32
    """Levels of the bids."""
    ask_count: Count32
    last_update: Count64 | None = None
    """The venue's number of the last change that is in it; absent where changes have none."""
    price_decimals: Count8 | None = None
    """Digits after the point that the venue writes; absent where they do not matter."""
    size_decimals: Count8 | None = None
    checksum: Count32 | None = None
    """The venue's checksum of it; absent where it has none."""
    hash: Text | None = None
    """The venue's digest of it; absent where it has none."""
    hash_check: HashCheck | None = None
    """Absent where what the digest is made of did not come."""
    tick_size: Price | None = None
    order_size_min: Size | None = None
    last_trade_price: Price | None = None


class BookCause(StrEnum):
    """Why a level is told."""

    SNAPSHOT = "snapshot"
    CHANGE = "change"


class BookChange(Struct, frozen=True, kw_only=True, tag="book_change"):
    """One level of a book has this size now."""

    IDENTITY: ClassVar = ("source", "connection", "sequence", "row")
    ORDER: ClassVar = ("source", "instrument", "event_ns")

    event_ns: Nanos
    recv_ns: Nanos
    source: Name
    """The venue's name in the configuration."""
    connection: Text
    """Names one connection; it never repeats."""
    sequence: Count64
    row: Count32
    instrument: Text
    cause: BookCause
    side: BookSide
    price: Price
    size: Size
    """The level's whole size; 0: there is no such level any more."""
    first_update: Count64 | None = None
    """The venue's number of the first change in the message; absent where changes have none."""
    last_update: Count64 | None = None
    """The same of the last."""
    checksum: Count32 | None = None
    """The venue's checksum of the book after the message; absent where it has none."""
    hash: Text | None = None
    """The digest that the venue gives with the change, whose meaning it does not say."""
    best_bid: Price | None = None
    """The best bid after the change, as the venue tells it; absent where it does not."""
    best_ask: Price | None = None


class TopCause(StrEnum):
    """Who says what is best."""

    KEPT = "kept"
    """The book that tidemill keeps."""
    TOLD = "told"
    """The venue."""


class BookTop(Struct, frozen=True, kw_only=True, tag="book_top"):
    """The best bid and ask changed."""

    IDENTITY: ClassVar = ("source", "connection", "sequence", "instrument")
    ORDER: ClassVar = ("source", "instrument", "event_ns")

    event_ns: Nanos
    recv_ns: Nanos
    source: Name
    """The venue's name in the configuration."""
    connection: Text
    """Names one connection; it never repeats."""
    sequence: Count64
    """The message that changed it."""
    instrument: Text
    cause: TopCause
    bid_price: Price | None = None
    """Absent where there are no bids."""
    bid_size: Size | None = None
    """Absent with the price, and where only the price is told."""
    ask_price: Price | None = None
    ask_size: Size | None = None


class BookState(StrEnum):
    """Whether a book can be relied on."""

    LIVE = "live"
    GAP = "gap"
    """Something is missing: it is void until the next snapshot."""


class BookStatus(Struct, frozen=True, kw_only=True, tag="book_status"):
    """A kept book became reliable, or ceased to be."""

    IDENTITY: ClassVar = ("source", "connection", "sequence", "instrument")
    ORDER: ClassVar = ("source", "instrument", "event_ns")

    event_ns: Nanos
    recv_ns: Nanos
    source: Name
    """The venue's name in the configuration."""
    connection: Text
    """Names one connection; it never repeats."""
    sequence: Count64
    """The message after which it is so."""
    instrument: Text
    state: BookState
    detail: Text
    """Why, in one sentence; empty where there is nothing to say."""


class Trade(Struct, frozen=True, kw_only=True, tag="trade"):
    """One match between a taker and makers, as the venue publishes it."""

    IDENTITY: ClassVar = ("source", "connection", "sequence", "row")
    ORDER: ClassVar = ("source", "instrument", "event_ns")

    event_ns: Nanos
    """When the venue matched it, or told it where it says no more."""
    recv_ns: Nanos
    source: Name
    """The venue's name in the configuration."""
    connection: Text
    """Names one connection; it never repeats."""
    sequence: Count64
    row: Count32
    market: Text | None = None
    """Which market the instrument belongs to; absent where the venue has no such thing."""
    instrument: Text
    price: Price
    size: Size | None = None
    """Absent where the venue does not say."""
    taker_side: Side | None = None
    """Absent where the venue does not say."""
    trade_id: Text | None = None
    tx_hash: Hash | None = None
    """The transaction that settles it; absent where none does or it is not told."""
    fee_bps: Bps | None = None


class TradeRole(StrEnum):
    """On which side of a match an order stood."""

    TAKER = "taker"
    MAKER = "maker"


class WalletTrade(Struct, frozen=True, kw_only=True, tag="wallet_trade"):
    """A trade, seen from one wallet that took part in it.

    What a match moved is the sum of the rows whose role is `taker`: the makers' rows are its other side.
    """

    IDENTITY: ClassVar = ("source", "connection", "sequence", "row")
    ORDER: ClassVar = ("source", "wallet", "event_ns")

    event_ns: Nanos
    recv_ns: Nanos
    source: Name
    """The venue's name in the configuration."""
    connection: Text
    """Names one connection; it never repeats."""
    sequence: Count64
    row: Count32
    channel: Name
    """Who told it."""
    market: Text | None = None
    """Which market the instrument belongs to; absent where it is not told."""
    instrument: Text
    wallet: Address
    """The one that holds the funds, which may be a contract of its owner."""
    side: Side
    """What the wallet did."""
    role: TradeRole | None = None
    """Absent where it is not told."""
    price: Price
    size: Size
    tx_hash: Hash | None = None
    slug: Text | None = None
    """The market's name in addresses; absent where it is not told."""
    outcome: Text | None = None
    """What the instrument pays for; absent where it is not told."""
    pseudonym: Text | None = None
    amount: QuoteAmount | None = None
    """What was paid for it, quote, without fees; absent where only the price is told."""
    fee: QuoteAmount | None = None
    """What the wallet paid beside, quote; absent where it is not told or was taken from the shares."""
    fee_size: Size | None = None
    """What was taken from the shares that it bought; absent where it is not told or was paid in quote."""
    counterparty: Address | None = None
    """The taker, where the wallet was a maker; a taker's row has none, for it may have met several."""
    order_hash: Hash | None = None
    """The order that was filled."""
    exchange: Address | None = None
    """The contract that settled it."""
    chain_id: Count64 | None = None
    """Where it is settled; this, the block and the log are absent where a venue told it."""
    block_number: Count64 | None = None
    block_hash: Hash | None = None
    tx_index: Count32 | None = None
    log_index: Count32 | None = None


class Market(Struct, frozen=True, kw_only=True, tag="market"):
    """One instrument of a market, as the venue's directory describes it."""

    IDENTITY: ClassVar = ("source", "connection", "sequence", "row")
    ORDER: ClassVar = ("source", "market", "instrument", "event_ns")

    event_ns: Nanos
    """When the directory said so."""
    recv_ns: Nanos
    source: Name
    """The venue's name in the configuration."""
    connection: Text
    """Names one connection; it never repeats."""
    sequence: Count64
    row: Count32
    market: Text
    instrument: Text
    slug: Text | None = None
    """Its name in addresses."""
    question: Text | None = None
    outcome: Text | None = None
    """What the instrument pays for."""
    outcome_index: Count32 | None = None
    tick_size: Price | None = None
    order_size_min: Size | None = None
    is_neg_risk: Count8 | None = None
    """1 where the market is one of several of which one outcome wins."""
    is_active: Count8 | None = None
    is_closed: Count8 | None = None
    has_book: Count8 | None = None
    """1 where its orders stand in a book."""
    end_ns: Nanos | None = None
    """When it is to be settled."""


class MarketChange(StrEnum):
    """What happened to a market."""

    LISTED = "listed"
    TICK_SIZE = "tick_size"
    RESOLVED = "resolved"


class MarketStatus(Struct, frozen=True, kw_only=True, tag="market_status"):
    """A market was listed or settled, or its prices have another step."""

    IDENTITY: ClassVar = ("source", "connection", "sequence", "row")
    ORDER: ClassVar = ("source", "market", "event_ns")

    event_ns: Nanos
    recv_ns: Nanos
    source: Name
    """The venue's name in the configuration."""
    connection: Text
    """Names one connection; it never repeats."""
    sequence: Count64
    row: Count32
    market: Text
    change: MarketChange
    instrument: Text
    """One row for each that it concerns."""
    outcome: Text | None = None
    """What the instrument pays for; absent where it is not told."""
    tick_size: Price | None = None
    tick_size_before: Price | None = None
    is_winning: Count8 | None = None
    """1 where the instrument is paid out; absent before it is settled."""
    slug: Text | None = None
    question: Text | None = None


class OrderChange(StrEnum):
    """What happened to an order."""

    PLACED = "placed"
    UPDATED = "updated"
    CANCELLED = "cancelled"


class OwnOrder(Struct, frozen=True, kw_only=True, tag="own_order"):
    """An order of the configured account changed."""

    IDENTITY: ClassVar = ("source", "connection", "sequence", "row")
    ORDER: ClassVar = ("source", "order_id", "event_ns")

    event_ns: Nanos
    recv_ns: Nanos
    source: Name
    """The venue's name in the configuration."""
    connection: Text
    """Names one connection; it never repeats."""
    sequence: Count64
    row: Count32
    market: Text
    instrument: Text
    order_id: Text
    change: OrderChange
    status: Text
    """In the venue's words."""
    side: Side
    price: Price
    size: Size
    """As it was placed."""
    matched_size: Size | None = None
    """Absent where the venue does not say."""
    order_type: Name | None = None
    """How long it stands, in the venue's words."""
    created_ns: Nanos | None = None
    expires_ns: Nanos | None = None
    """Absent where it does not expire."""


class FillStatus(StrEnum):
    """How far a match of an own order is settled."""

    MATCHED = "matched"
    MINED = "mined"
    CONFIRMED = "confirmed"
    RETRYING = "retrying"
    FAILED = "failed"
    GHOST = "ghost"
    """It was matched, and nothing more was heard of it in time."""


class OwnFill(Struct, frozen=True, kw_only=True, tag="own_fill"):
    """An order that took part in a match with the configured account, and how far that is settled."""

    IDENTITY: ClassVar = ("source", "connection", "sequence", "row")
    ORDER: ClassVar = ("source", "trade_id", "event_ns")

    event_ns: Nanos
    recv_ns: Nanos
    source: Name
    """The venue's name in the configuration."""
    connection: Text
    """Names one connection; it never repeats."""
    sequence: Count64
    row: Count32
    market: Text
    instrument: Text
    trade_id: Text
    order_id: Text
    role: TradeRole
    is_own: Count8 | None = None
    """1 where it is the account's order; absent where the venue leaves it open which one is."""
    status: FillStatus
    side: Side | None = None
    """Absent where the venue does not say."""
    price: Price
    size: Size
    fee_bps: Bps | None = None
    tx_hash: Hash | None = None
    matched_ns: Nanos | None = None


class ReferencePrice(Struct, frozen=True, kw_only=True, tag="reference_price"):
    """A price from outside, by which markets are settled."""

    IDENTITY: ClassVar = ("source", "connection", "sequence", "row")
    ORDER: ClassVar = ("source", "instrument", "event_ns")

    event_ns: Nanos
    """When the price was so."""
    recv_ns: Nanos
    source: Name
    """The venue's name in the configuration."""
    connection: Text
    """Names one connection; it never repeats."""
    sequence: Count64
    row: Count32
    channel: Name
    """Whose price it is, in the venue's words."""
    instrument: Text
    price: Price
