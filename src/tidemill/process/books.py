"""Keep the order books of one venue: what it says goes in, what became of the books comes out.

Depth, imbalance and microprice are asked of a book as it stands. It reads neither clock nor network.
"""

from collections.abc import Sequence
from decimal import Context, Decimal
from typing import NamedTuple

import pyarrow as pa
from msgspec import Struct

from tidemill._rust import BooksApplied, BookSet
from tidemill.core.book_rule import BookRule
from tidemill.schema.faults import Gap

Batches = dict[str, pa.RecordBatch]
"""Rows by topic."""

_EXACT = Context(prec=40)
"""Prices and sizes have 38 digits at most: nothing is rounded."""


class Level(NamedTuple):
    """A price, and the whole size that is offered at it."""

    price: Decimal
    """Quote per base."""
    size: Decimal
    """Base."""


class Top(NamedTuple):
    """The best levels; None where a side is empty."""

    bid: Level | None
    ask: Level | None


class Depth(NamedTuple):
    """Levels of both sides, the best first."""

    bids: list[Level]
    asks: list[Level]


class Taken(NamedTuple):
    """What came of some messages."""

    batches: Batches
    """`book_top` and `book_status`."""
    gaps: dict[str, Gap]
    """Instruments whose books need a snapshot."""


class BookCounts(Struct):
    """What became of all messages so far."""

    skipped: int = 0
    """They were in a snapshot already, or older than one."""
    unfollowed: int = 0
    """They were of instruments that are not followed."""
    snapshots_agreeing: int = 0
    """Snapshots that told what the kept book had."""
    snapshots_differing: int = 0
    gaps: int = 0


class OrderBooks:
    """The books of one venue, all under one rule."""

    def __init__(self, source: str, rule: BookRule) -> None:
        self.counts = BookCounts()
        self._source = source
        self.kept = BookSet(
            source,
            ordering=rule.ordering,
            checksum=rule.checksum,
            depth_max=rule.depth_max,
            top_strikes_max=rule.top_strikes_max,
            waiting_max=rule.waiting_max,
        )
        """The books themselves: for who writes very many."""

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self.kept)

    @property
    def live_count(self) -> int:
        """How many can be relied on."""
        return self.kept.live_count()

    def follow(self, instruments: Sequence[str]) -> None:
        """Begin to keep books, which wait for their snapshots; one that is kept stays as it is."""
        self.kept.follow(instruments)

    def forget(self, instruments: Sequence[str]) -> None:
        """End keeping books."""
        self.kept.forget(instruments)

    def take(self, batches: Batches) -> Taken:
        """Apply what one connection said, in its order: the rows of `book_snapshot` and `book_change`."""
        return self._taken(self.kept.apply(batches.get("book_snapshot"), batches.get("book_change")))

    def restart(
        self, instruments: Sequence[str], why: str, *, now_ns: int, connection: str, sequence: int
    ) -> Taken:
        """Void books until their next snapshot, and tell so under a number that no message has."""
        applied = self.kept.restart(
            instruments, why, event_ns=now_ns, connection=connection, sequence=sequence
        )
        return self._taken(applied)

    def is_live(self, instrument: str) -> bool:
        """Say whether a book can be relied on."""
        return self.kept.is_live(instrument)

    def top(self, instrument: str) -> Top | None:
        """Return the best levels; None where the book is not live."""
        top = self.kept.top(instrument)
        return None if top is None else Top(*(None if pair is None else _level(pair) for pair in top))

    def depth(self, instrument: str, levels_max: int) -> Depth | None:
        """Return the best levels of each side; None where the book is not live."""
        depth = self.kept.depth(instrument, levels_max)
        return None if depth is None else Depth(*([_level(pair) for pair in side] for side in depth))

    def depth_e18(
        self, instrument: str, levels_max: int
    ) -> tuple[list[tuple[int, int]], list[tuple[int, int]]] | None:
        """Return the same as (price, size) of 10^-18."""
        return self.kept.depth(instrument, levels_max)

    def imbalance(self, instrument: str, levels_max: int) -> float | None:
        """Return (bid - ask) / (bid + ask) of the sizes of the best levels; None where there are none.

        Source: Gould and Bonart (2015), Queue imbalance as a one-tick-ahead price predictor,
        arXiv:1512.03492.
        """
        return self.kept.imbalance(instrument, levels_max)

    def microprice(self, instrument: str) -> float | None:
        """Return the mean of the best prices, each weighted with the size at the other; None without both.

        Source: Stoikov (2018), The micro-price, Quantitative Finance 18(12), the weighted mid-price.
        """
        return self.kept.microprice(instrument)

    def _taken(self, applied: BooksApplied) -> Taken:
        counts = self.counts
        counts.skipped += applied.skipped
        counts.unfollowed += applied.unfollowed
        counts.snapshots_agreeing += applied.snapshots_agreeing
        counts.snapshots_differing += applied.snapshots_differing
        counts.gaps += len(applied.gaps)
        gaps = {name: Gap(f"{self._source} {name}: {detail}") for name, detail in applied.gaps}
        return Taken(applied.batches, gaps)


def _level(pair: tuple[int, int]) -> Level:
    price, size = pair
    return Level(_EXACT.scaleb(price, -18), _EXACT.scaleb(size, -18))
