"""Events of order-book venues, made from small numbers."""

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from tidemill.schema.events import BookState, BookStatus, BookTop, Side, TopCause, Trade

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
