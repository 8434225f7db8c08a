"""What does each instrument's book look like now: the kept one, or the best levels that were told last."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Context, Decimal
from typing import Any, NamedTuple

import pyarrow as pa
from msgspec import Struct

from tidemill.schema import derive

TOPICS = ("book_snapshot", "book_change", "book_top", "book_status")
"""What tells of books."""

_EXACT = Context(prec=40)
_KNOWN_MAX = 100_000
"""Instruments of which what was told is kept; the one that was silent for longest goes."""

Level = tuple[int, int | None]
"""Price and size as numbers of 10^-18; no size where only the price is told."""


class Depth(NamedTuple):
    """A book's levels, best first."""

    bids: Sequence[Level]
    asks: Sequence[Level]


Books = Callable[[str, str, int], Depth | None]
"""Takes source, instrument and how many levels of a side; returns the kept book, None where none is live."""

Name = tuple[str, str]
"""Source and instrument."""


class BookView(Struct, frozen=True, kw_only=True):
    """An instrument's book at a moment."""

    source: str
    instrument: str
    state: str | None
    """live or gap; None where nobody said."""
    bids: Sequence[Level] | None
    """Best first; None where the book is void."""
    asks: Sequence[Level] | None
    event_ns: int
    """Of the newest message, as the three below."""
    recv_ns: int
    connection: str
    sequence: int


class _Known(Struct):
    """What was told of one instrument's book."""

    newest: dict[str, Any]
    newest_key: tuple[int, int] = (0, 0)
    state: str | None = None
    state_key: tuple[int, int] = (0, 0)
    top: dict[str, Any] | None = None
    top_key: tuple[int, int] = (0, 0)


class LatestBooks:
    """Notes what is told of books; the topics of one message may come in any order."""

    def __init__(self, books: Books) -> None:
        """Make one; `books` are those that this process keeps."""
        self._books = books
        self._known: dict[Name, _Known] = {}

    def note(self, topic: str, batch: pa.RecordBatch) -> Iterable[Name]:
        """Take rows; return whose books they are of."""
        pairs = zip(batch.column("source").to_pylist(), batch.column("instrument").to_pylist(), strict=True)
        last = {name: index for index, name in enumerate(pairs)}
        rows = derive.to_rows(topic, batch.take(pa.array(last.values(), pa.int64())))
        for name, row in zip(last, rows, strict=True):
            known = self._known[name] = self._known.pop(name, None) or _Known(row)
            key = (row["recv_ns"], row["sequence"])
            if key >= known.newest_key:
                known.newest, known.newest_key = row, key
            if topic == "book_top" and key >= known.top_key:
                known.top, known.top_key = row, key
            elif topic == "book_status" and key >= known.state_key:
                known.state, known.state_key = row["state"], key
        while len(self._known) > _KNOWN_MAX:
            self._known.pop(next(iter(self._known)))
        return last

    def names(self) -> list[Name]:
        """Return the instruments of which anything was told."""
        return list(self._known)

    def view(self, name: Name, levels_max: int) -> BookView | None:
        """Return an instrument's book; None where nothing was told of it."""
        known = self._known.get(name)
        if known is None:
            return None
        source, instrument = name
        depth = None if known.state == "gap" else self._books(source, instrument, levels_max)
        if depth is None and known.state != "gap" and known.top is not None:
            depth = Depth(*(_best(known.top, side) for side in ("bid", "ask")))
        row = known.newest
        return BookView(
            source=source,
            instrument=instrument,
            state=known.state,
            bids=None if depth is None else depth.bids,
            asks=None if depth is None else depth.asks,
            event_ns=row["event_ns"],
            recv_ns=row["recv_ns"],
            connection=row["connection"],
            sequence=row["sequence"],
        )


def _best(top: dict[str, Any], side: str) -> list[Level]:
    price, size = top[f"{side}_price"], top[f"{side}_size"]
    return [] if price is None else [(_e18(price), None if size is None else _e18(size))]


def _e18(value: Decimal) -> int:
    """Return a number of 38 digits at most as one of 10^-18, of which it has no more."""
    return int(_EXACT.scaleb(value, 18))
