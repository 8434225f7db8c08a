"""What does each instrument's book look like now: the kept one, or the best levels that were told last."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Context, Decimal
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from msgspec import Raw, Struct

TOPICS = ("book_snapshot", "book_change", "book_top", "book_status")
"""What tells of books."""

_NAME = ("source", "instrument")
_MESSAGE = ("recv_ns", "sequence", "event_ns", "connection")
_FURTHER = {
    "book_top": ("bid_price", "bid_size", "ask_price", "ask_size"),
    "book_status": ("state",),
}
"""What is read of a topic's rows beside the message that told them."""


def columns_of(topic: str) -> list[str]:
    """Return what is read of the rows of one of `TOPICS`."""
    return [*_NAME, *_MESSAGE, *_FURTHER.get(topic, ())]


_EXACT = Context(prec=40)
_KNOWN_MAX = 100_000
"""Instruments of which what was told is kept; the one that was silent for longest goes."""

Level = tuple[int, int | None]
"""Price and size as numbers of 10^-18; no size where only the price is told."""


class Depth(NamedTuple):
    """A book's levels, best first: numbers, or JSON as it is written, for who writes many."""

    bids: Sequence[Level] | Raw
    asks: Sequence[Level] | Raw


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
    bids: Sequence[Level] | Raw | None
    """Best first; None where the book is void."""
    asks: Sequence[Level] | Raw | None
    event_ns: int
    """Of the newest message, as the three below."""
    recv_ns: int
    connection: str
    sequence: int


_Message = tuple[int, int, int, str]
"""recv_ns, sequence, event_ns and connection: the greater is the newer."""

_NONE: _Message = (0, 0, 0, "")


class _Known(Struct):
    """What was told of one instrument's book, and the message that told it."""

    newest: _Message = _NONE
    state: str | None = None
    state_from: _Message = _NONE
    top: tuple[Decimal | None, ...] = ()
    """Price and size of bid and ask."""
    top_from: _Message = _NONE


class LatestBooks:
    """Notes what is told of books; the topics of one message may come in any order."""

    def __init__(self, books: Books) -> None:
        """Make one; `books` are those that this process keeps."""
        self._books = books
        self._known: dict[Name, _Known] = {}

    def note(self, topic: str, batch: pa.RecordBatch) -> Iterable[Name]:
        """Take rows; return whose books they are of."""
        rows = batch.select(columns_of(topic)).take(_last_rows(batch))
        names: list[Name] = list(zip(*(rows.column(name).to_pylist() for name in _NAME), strict=True))
        columns = [_plain(column) for column in rows.columns[len(_NAME) :]]
        for name, *row in zip(names, *columns, strict=True):
            known = self._known[name] = self._known.pop(name, None) or _Known()
            message: _Message = tuple(row[:4])  # pyright: ignore[reportAssignmentType]
            if message >= known.newest:
                known.newest = message
            if topic == "book_top" and message >= known.top_from:
                known.top, known.top_from = tuple(row[4:]), message
            elif topic == "book_status" and message >= known.state_from:
                known.state, known.state_from = row[4], message
        while len(self._known) > _KNOWN_MAX:
            self._known.pop(next(iter(self._known)))
        return names

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
        if depth is None and known.state != "gap" and known.top:
            depth = Depth(_best(*known.top[:2]), _best(*known.top[2:]))
        recv_ns, sequence, event_ns, connection = known.newest
        return BookView(
            source=source,
            instrument=instrument,
            state=known.state,
            bids=None if depth is None else depth.bids,
            asks=None if depth is None else depth.asks,
            event_ns=event_ns,
            recv_ns=recv_ns,
            connection=connection,
            sequence=sequence,
        )


def _last_rows(batch: pa.RecordBatch) -> pa.Array:
    """Return the number of each instrument's last row: most rows are of few, and need not become Python's."""
    source, instrument = (batch.column(name).dictionary_encode() for name in _NAME)
    width = len(instrument.dictionary)
    slots = np.full(len(source.dictionary) * width, -1)
    slots[source.indices.to_numpy() * width + instrument.indices.to_numpy()] = np.arange(batch.num_rows)
    return pa.array(slots[slots >= 0])


def _plain(column: pa.Array) -> list[Any]:
    is_time = pa.types.is_timestamp(column.type)
    return (column.cast(pa.int64()) if is_time else column).to_pylist()


def _best(price: Decimal | None, size: Decimal | None) -> list[Level]:
    return [] if price is None else [(_e18(price), None if size is None else _e18(size))]


def _e18(value: Decimal) -> int:
    """Return a number of 38 digits at most as one of 10^-18, of which it has no more."""
    return int(_EXACT.scaleb(value, 18))
