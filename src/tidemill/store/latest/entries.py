"""What do batches of events change of what is the latest: each instrument's book and its trades, as JSON."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
from msgspec import Raw

from tidemill.schema import derive
from tidemill.store.latest.books import Books, BookView, LatestBooks, Level, Name, columns_of
from tidemill.store.plain import e18_text, plain_value


class BookEntry(NamedTuple):
    """An instrument's book, as JSON."""

    name: Name
    text: bytes


class TradesEntry(NamedTuple):
    """An instrument's new trades, as JSON, each with its time in ns."""

    name: Name
    trades: Sequence[tuple[int, bytes]]


class LatestEntries:
    """Folds batches into what is to be written."""

    def __init__(self, books: Books, *, depth_levels: int, trades_kept: int) -> None:
        """Make one; `books` are those that this process keeps."""
        self._books = LatestBooks(books)
        self._depth_levels = depth_levels
        self._trades_kept = trades_kept

    def note(self, topic: str, batches: Sequence[pa.RecordBatch]) -> Iterable[Name]:
        """Take rows of a topic that tells of books; return whose they are of."""
        columns = columns_of(topic)
        return self._books.note(topic, pa.concat_batches([batch.select(columns) for batch in batches]))

    def trades(self, rows: pa.RecordBatch) -> list[TradesEntry]:
        """Return each instrument's newest trades among rows, oldest first."""
        trades: dict[Name, list[dict[str, Any]]] = {}
        for row in derive.to_rows("trade", rows):
            trades.setdefault((row["source"], row["instrument"]), []).append(row)
        return [self._trades(name, rows) for name, rows in trades.items()]

    def books(self, names: Sequence[Name]) -> Iterator[BookEntry]:
        """Yield books as they are now."""
        for name in names:
            view = self._books.view(name, self._depth_levels)
            if view is not None:
                yield BookEntry(name, _book_json(view))

    def _trades(self, name: Name, rows: list[dict[str, Any]]) -> TradesEntry:
        return TradesEntry(name, [(row["event_ns"], _trade_json(row)) for row in rows[-self._trades_kept :]])


def _book_json(view: BookView) -> bytes:
    if isinstance(view.bids, Raw):
        return msgspec.json.encode(view)
    sides = {"bids": _levels(view.bids), "asks": _levels(view.asks)}
    return msgspec.json.encode(msgspec.structs.asdict(view) | sides)


def _trade_json(row: dict[str, Any]) -> bytes:
    return msgspec.json.encode({name: plain_value(value) for name, value in row.items()})


def _levels(side: Sequence[Level] | Raw | None) -> list[tuple[str, str | None]] | Raw | None:
    if side is None or isinstance(side, Raw):
        return side
    return [(e18_text(price), None if size is None else e18_text(size)) for price, size in side]
