"""Layering: large levels that go unfilled after a trade on the other side, and nothing else."""

from decimal import Decimal
from typing import Any

import pytest

from tidemill.process.whales.config import WhaleConfig
from tidemill.process.whales.layering import LayerWatch
from tidemill.schema.events import WhaleAlert

MS = 1_000_000


class Book:
    """A book whose usual level is 10."""

    def __init__(self) -> None:
        self.watch = LayerWatch(
            WhaleConfig(layer_levels_min=3, layer_size_multiple=5, layer_window_ms=10_000)
        )
        self.number = 0
        self.alerts: list[WhaleAlert] = []
        for at in range(24):
            self.change("ask", 80 + at, 10, 0)

    def change(self, side: str, price: int, size: int, at_ms: int, cause: str = "change") -> None:
        self.number += 1
        found = self.watch.change(
            {
                "instrument": "7",
                "side": side,
                "price": Decimal(price) / 100,
                "size": Decimal(size),
                "recv_ns": at_ms * MS,
                "event_ns": at_ms * MS,
                "cause": cause,
                "source": "polymarket",
                "connection": "c",
                "sequence": self.number,
                "row": 0,
            }
        )
        if found is not None:
            self.alerts.append(found)

    def trade(self, taker_side: str, price: int, size: int, at_ms: int) -> None:
        row: dict[str, Any] = {"instrument": "7", "taker_side": taker_side, "recv_ns": at_ms * MS}
        self.watch.trade({**row, "price": Decimal(price) / 100, "size": Decimal(size)})


def layered(
    *, taker_side: str = "buy", traded_ms: int = 1_000, went_ms: int = 2_000, size: int = 60, levels: int = 3
) -> Book:
    book = Book()
    for level in range(levels):
        book.change("bid", 40 + level, size, 500 + level)
    book.trade(taker_side, 80, 5, traded_ms)
    for level in range(levels):
        book.change("bid", 40 + level, 0, went_ms + level)
    return book


def test_levels_that_stand_until_a_trade_on_the_other_side_are_told_with_their_evidence() -> None:
    [alert] = layered().alerts
    assert (alert.kind, alert.token_id, alert.trader_address) == ("layering", "7", None)
    assert alert.evidence.count("came_ns") == 3
    assert '"price":"0.8"' in alert.evidence


@pytest.mark.parametrize(
    "changes",
    [
        {"taker_side": "sell"},
        {"traded_ms": 100},
        {"traded_ms": 9_000},
        {"went_ms": 20_000},
        {"size": 40},
        {"levels": 2},
    ],
    ids=["same side", "before", "after", "too long", "not large", "too few"],
)
def test_what_is_no_layering_is_not_told(changes: dict[str, Any]) -> None:
    assert layered(**changes).alerts == []


def test_levels_that_were_filled_are_honest() -> None:
    book = Book()
    for level in range(3):
        book.change("bid", 40 + level, 60, 500)
    book.trade("buy", 80, 5, 600)
    for level in range(3):
        book.trade("sell", 40 + level, 40, 700)
        book.change("bid", 40 + level, 0, 800)
    assert book.alerts == []


def test_a_snapshot_gives_nothing_away() -> None:
    book = Book()
    for level in range(3):
        book.change("bid", 40 + level, 60, 500)
    book.trade("buy", 80, 5, 600)
    for level in range(3):
        book.change("bid", 40 + level, 0, 800, cause="snapshot")
    assert book.alerts == []
