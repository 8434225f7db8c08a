"""Events of order-book venues, made from small numbers."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from tidemill._rust import BookSet
from tidemill.core.book_rule import BookRule
from tidemill.process.books import OrderBooks
from tidemill.schema import derive
from tidemill.schema.events import (
    BookCause,
    BookChange,
    BookSide,
    BookSnapshot,
    BookState,
    BookStatus,
    BookTop,
    Side,
    TopCause,
    Trade,
)

_Levels = Sequence[tuple[str, str]]
"""Price and size."""

START_NS = 1_700_000_000_000_000_000


def trade(number: int, **changes: Any) -> Trade:
    made = Trade(
        event_ns=START_NS + number * 1_000_000,
        recv_ns=START_NS + number * 1_000_000 + 5,
        source="fair",
        connection="c1",
        sequence=number,
        row=0,
        instrument="SEI/USDC",
        price=Decimal("0.54") + number,
        size=Decimal(100),
        taker_side=Side.BUY,
        trade_id=f"t{number}",
    )
    return replace(made, **changes)


def top(number: int, **changes: Any) -> BookTop:
    made = BookTop(
        event_ns=START_NS + number,
        recv_ns=START_NS + number + 5,
        source="fair",
        connection="c1",
        sequence=number,
        instrument="SEI/USDC",
        cause=TopCause.KEPT,
        bid_price=Decimal("0.5") + number,
        bid_size=Decimal("10"),
        ask_price=Decimal("0.6") + number,
        ask_size=Decimal("20"),
    )
    return replace(made, **changes)


def status(number: int, state: BookState, **changes: Any) -> BookStatus:
    made = BookStatus(
        event_ns=START_NS + number,
        recv_ns=START_NS + number + 5,
        source="fair",
        connection="c1",
        sequence=number,
        instrument="SEI/USDC",
        state=state,
        detail="",
    )
    return replace(made, **changes)


def kept_books(instrument: str, bids: _Levels, asks: _Levels) -> BookSet:
    """Return the books of a venue that keeps one."""
    origin: dict[str, Any] = {
        "event_ns": START_NS,
        "recv_ns": START_NS,
        "source": "fair",
        "connection": "c1",
        "sequence": 1,
        "instrument": instrument,
    }
    sides = [(BookSide.BID, level) for level in bids] + [(BookSide.ASK, level) for level in asks]
    changes = [
        BookChange(
            **origin, row=row, cause=BookCause.SNAPSHOT, side=side, price=Decimal(price), size=Decimal(size)
        )
        for row, (side, (price, size)) in enumerate(sides)
    ]
    books = OrderBooks("fair", BookRule(ordering="time"))
    books.follow([instrument])
    books.take(
        {
            "book_snapshot": derive.to_batch(
                [BookSnapshot(**origin, bid_count=len(bids), ask_count=len(asks))]
            ),
            "book_change": derive.to_batch(changes),
        }
    )
    return books.kept
