"""What do batches of events change of what is the latest: each instrument's book and its trades."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa

from tidemill.bus.base import Batches
from tidemill.schema import derive
from tidemill.store.plain import decimal_text, plain_value

TOPICS = ("book_snapshot", "book_change", "book_top", "book_status", "trade")
"""What is read from the bus."""

_KNOWN_MAX = 100_000
"""Instruments of which what was told is kept; the one that was silent for longest goes."""

Level = tuple[Decimal, Decimal | None]
"""Price and size; no size where only the price is told."""


class Depth(NamedTuple):
    """A book's levels, best first; exact."""

    bids: Sequence[Level]
    asks: Sequence[Level]


Books = Callable[[str, str, int], Depth | None]
"""Takes source, instrument and how many levels of a side; returns the kept book, None where none is live."""

Name = tuple[str, str]
"""Source and instrument."""


class BookEntry(NamedTuple):
    """An instrument's book, as JSON."""

    name: Name
    text: bytes


class TradesEntry(NamedTuple):
    """An instrument's new trades, as JSON, each with its time in ns."""

    name: Name
    trades: Sequence[tuple[int, bytes]]


class _Known(msgspec.Struct):
    """What was told of one instrument's book."""

    told_ns: int = 0
    """The newest recv_ns."""
    state: str | None = None
    """live, gap; absent where nobody said."""
    state_key: tuple[int, int] = (0, 0)
    top: dict[str, Any] | None = None
    top_key: tuple[int, int] = (0, 0)
    times: dict[str, Any] = {}
    """Of the newest row."""


class LatestEntries:
    """Folds batches; the topics of one message may come in any order."""

    def __init__(self, books: Books, *, depth_levels: int, trades_kept: int) -> None:
        """Make one; `books` are those that this process keeps."""
        self._books = books
        self._depth_levels = depth_levels
        self._trades_kept = trades_kept
        self._known: dict[Name, _Known] = {}

    def take(self, batches: Batches) -> tuple[list[BookEntry], list[TradesEntry]]:
        """Return what changed: each instrument's book once, and its newest trades, oldest first."""
        touched: dict[Name, None] = {}
        trades: dict[Name, list[dict[str, Any]]] = {}
        for topic, batch in batches:
            if topic == "trade":
                for row in derive.to_rows(topic, batch):
                    trades.setdefault((row["source"], row["instrument"]), []).append(row)
            else:
                touched.update(dict.fromkeys(self._note(topic, batch)))
        books = [BookEntry(name, self._book(name)) for name in touched if name in self._known]
        return books, [self._trades(name, rows) for name, rows in trades.items()]

    def _note(self, topic: str, batch: pa.RecordBatch) -> Iterable[Name]:
        """Keep the last row of each instrument."""
        pairs = zip(batch.column("source").to_pylist(), batch.column("instrument").to_pylist(), strict=True)
        last = {name: index for index, name in enumerate(pairs)}
        rows = derive.to_rows(topic, batch.take(pa.array(last.values(), pa.int64())))
        for name, row in zip(last, rows, strict=True):
            known = self._known[name] = self._known.pop(name, None) or _Known()
            key = (row["recv_ns"], row["sequence"])
            if row["recv_ns"] >= known.told_ns:
                known.told_ns = row["recv_ns"]
                known.times = {
                    field: row[field] for field in ("event_ns", "recv_ns", "connection", "sequence")
                }
            if topic == "book_top" and key >= known.top_key:
                known.top, known.top_key = row, key
            elif topic == "book_status" and key >= known.state_key:
                known.state, known.state_key = row["state"], key
        while len(self._known) > _KNOWN_MAX:
            self._known.pop(next(iter(self._known)))
        return last

    def _book(self, name: Name) -> bytes:
        known = self._known[name]
        depth = None if known.state == "gap" else self._books(*name, self._depth_levels)
        if depth is None and known.state != "gap" and known.top is not None:
            depth = Depth(*(_best(known.top, side) for side in ("bid", "ask")))
        source, instrument = name
        return msgspec.json.encode(
            {
                "source": source,
                "instrument": instrument,
                "state": known.state,
                "bids": None if depth is None else [_level(level) for level in depth.bids],
                "asks": None if depth is None else [_level(level) for level in depth.asks],
                **known.times,
            }
        )

    def _trades(self, name: Name, rows: list[dict[str, Any]]) -> TradesEntry:
        return TradesEntry(name, [(row["event_ns"], trade_json(row)) for row in rows[-self._trades_kept :]])


def trade_json(row: dict[str, Any]) -> bytes:
    """Return a trade as JSON has it: numbers that must be exact as text, absent as null."""
    plain = {name: plain_value(value) for name, value in row.items()}
    return msgspec.json.encode(plain)


def _best(top: dict[str, Any], side: str) -> list[Level]:
    price = top[f"{side}_price"]
    return [] if price is None else [(price, top[f"{side}_size"])]


def _level(level: Level) -> tuple[str, str | None]:
    price, size = level
    return decimal_text(price), None if size is None else decimal_text(size)
