"""What does each instrument's book look like now: the kept one, or the best levels that were told last."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pyarrow as pa
from msgspec import Struct

from tidemill._rust import ToldBooks

TOPICS = ("book_snapshot", "book_change", "book_top", "book_status")
"""What tells of books."""

_READ = ("source", "instrument", "recv_ns", "sequence", "event_ns", "connection")
_FURTHER = {
    "book_top": ("bid_price", "bid_size", "ask_price", "ask_size"),
    "book_status": ("state",),
}
"""What is read of a topic's rows beside the message that told them."""

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


def note(told: ToldBooks, topic: str, batches: Sequence[pa.RecordBatch]) -> list[Name]:
    """Take rows of one of `TOPICS`; return whose books they are of. Topics may come in any order."""
    columns = [*_READ, *_FURTHER.get(topic, ())]
    return told.note(topic, pa.concat_batches([batch.select(columns) for batch in batches]))


class LatestBooks:
    """What was told of books, and what they are like."""

    def __init__(self, books: Books) -> None:
        """Make one; `books` are those that this process keeps."""
        self._books = books
        self._told = ToldBooks()

    def note(self, topic: str, batch: pa.RecordBatch) -> list[Name]:
        """Take rows of one of `TOPICS`; return whose books they are of."""
        return note(self._told, topic, [batch])

    def names(self) -> list[Name]:
        """Return the instruments of which anything was told."""
        return self._told.names()

    def view(self, name: Name, levels_max: int) -> BookView | None:
        """Return an instrument's book; None where nothing was told of it."""
        told = self._told.told(*name)
        if told is None:
            return None
        source, instrument = name
        state, top, recv_ns, sequence, event_ns, connection = told
        depth = None if state == "gap" else self._books(source, instrument, levels_max)
        if depth is None and state != "gap" and top is not None:
            bid, ask = top
            depth = Depth([] if bid is None else [bid], [] if ask is None else [ask])
        return BookView(
            source=source,
            instrument=instrument,
            state=state,
            bids=None if depth is None else depth.bids,
            asks=None if depth is None else depth.asks,
            event_ns=event_ns,
            recv_ns=recv_ns,
            connection=connection,
            sequence=sequence,
        )
