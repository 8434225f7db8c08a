"""Were large levels shown on one side of a book only until somebody traded on the other."""

from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from statistics import median_high
from typing import Any, NamedTuple

from msgspec import json

from tidemill.core.clock import NS_PER_MS
from tidemill.process.whales.config import WhaleConfig
from tidemill.schema.events import AlertKind, BookCause, BookSide, Side, WhaleAlert

_SIZES_KEPT, _SIZES_MIN = 101, 20
"""How many of a book's latest level sizes say what is usual there, and how many it takes."""
_GONE_SHARE = Decimal("0.8")
"""A level that lost so much of what came is taken away."""
_FILLED_SHARE = Decimal("0.5")
"""...unless so much of it was traded."""


class _Layer(NamedTuple):
    """A large level that came, and when it went."""

    price: Decimal
    size: Decimal
    came_ns: int
    went_ns: int


class _Book:
    """What is remembered of one instrument."""

    def __init__(self) -> None:
        self.levels: dict[tuple[BookSide, Decimal], Decimal] = {}
        self.sizes: deque[Decimal] = deque(maxlen=_SIZES_KEPT)
        self.standing: dict[tuple[BookSide, Decimal], _Layer] = {}
        self.gone: dict[BookSide, list[_Layer]] = {side: [] for side in BookSide}
        self.trades: deque[tuple[int, BookSide, Decimal, Decimal]] = deque(maxlen=1_000)
        """Time, side of the book that was hit, price and size."""


class LayerWatch:
    """Watches books for layering; reads neither clock nor network. It begins anew after a restart."""

    def __init__(self, config: WhaleConfig) -> None:
        self._config = config
        self._books: dict[str, _Book] = {}

    def trade(self, row: Mapping[str, Any]) -> None:
        """Take a row of `trade`, in order with the changes; one without side and size says nothing."""
        if row["taker_side"] is None or row["size"] is None:
            return
        hit = BookSide.ASK if row["taker_side"] == Side.BUY else BookSide.BID
        self._book(row["instrument"]).trades.append((row["recv_ns"], hit, row["price"], row["size"]))

    def change(self, row: Mapping[str, Any]) -> WhaleAlert | None:
        """Take a row of `book_change`; return what it gives away."""
        book = self._book(row["instrument"])
        side, price, size, now_ns = BookSide(row["side"]), row["price"], row["size"], row["recv_ns"]
        before = book.levels.get((side, price), Decimal(0))
        if size:
            book.levels[side, price] = size
        else:
            book.levels.pop((side, price), None)
        if row["cause"] == BookCause.SNAPSHOT:  # what it lacks may have gone at any time
            book.standing.pop((side, price), None)
            return None
        if size > before:
            self._came(book, (side, price), size - before, now_ns)
            return None
        layer = book.standing.get((side, price))
        if layer is None or before - size < _GONE_SHARE * layer.size:
            return None
        del book.standing[side, price]
        return self._went(book, side, layer._replace(went_ns=now_ns), row)

    def _book(self, instrument: str) -> _Book:
        return self._books.setdefault(instrument, _Book())

    def _came(self, book: _Book, at: tuple[BookSide, Decimal], size: Decimal, now_ns: int) -> None:
        is_known = len(book.sizes) >= _SIZES_MIN
        if is_known and size >= self._config.layer_size_multiple * median_high(book.sizes):
            book.standing[at] = _Layer(at[1], size, now_ns, 0)
        book.sizes.append(size)

    def _went(self, book: _Book, side: BookSide, layer: _Layer, row: Mapping[str, Any]) -> WhaleAlert | None:
        window_ns = self._config.layer_window_ms * NS_PER_MS
        filled = sum(
            (
                size
                for told_ns, hit, price, size in book.trades
                if hit is side and price == layer.price and told_ns >= layer.came_ns
            ),
            Decimal(0),
        )
        if filled >= _FILLED_SHARE * layer.size:
            return None
        recent = [one for one in book.gone[side] if one.came_ns + window_ns >= layer.went_ns]
        book.gone[side] = [*recent, layer]
        if layer.came_ns + window_ns < layer.went_ns or len(book.gone[side]) < self._config.layer_levels_min:
            return None
        first_ns = max(one.came_ns for one in book.gone[side])
        last_ns = min(one.went_ns for one in book.gone[side])
        between = [one for one in book.trades if first_ns <= one[0] <= last_ns and one[1] is not side]
        if not between:
            return None
        layers, book.gone[side] = book.gone[side], []
        return _alert(side, layers, between, row)


def _alert(
    side: BookSide,
    layers: list[_Layer],
    trades: list[tuple[int, BookSide, Decimal, Decimal]],
    row: Mapping[str, Any],
) -> WhaleAlert:
    evidence = {
        "side": side,
        "levels": [
            {"price": str(one.price), "size": str(one.size), "came_ns": one.came_ns, "went_ns": one.went_ns}
            for one in layers
        ],
        "trades": [
            {"told_ns": told_ns, "price": str(price), "size": str(size)} for told_ns, _, price, size in trades
        ],
    }
    return WhaleAlert(
        event_ns=row["event_ns"],
        recv_ns=row["recv_ns"],
        detected_ns=row["recv_ns"],
        source=row["source"],
        connection=row["connection"],
        sequence=row["sequence"],
        alert_id=f"layering:{row['instrument']}:{row['row']}",
        kind=AlertKind.LAYERING,
        token_id=row["instrument"],
        detail=f"{len(layers)} large levels of the {side}s came, somebody traded on the other, they went",
        evidence=json.encode(evidence, order="deterministic").decode(),
    )
