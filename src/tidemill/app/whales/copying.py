"""Have whales followed on paper while they are told: prices from the bus, exactly once over restarts."""

from collections.abc import Awaitable, Callable, Iterator
from operator import itemgetter
from typing import NamedTuple

import pyarrow as pa

from tidemill.bus import Bus
from tidemill.bus.base import State
from tidemill.bus.consumer import Consumer
from tidemill.core.clock import Clock
from tidemill.process.pools import Batches
from tidemill.process.whales.config import WhaleConfig
from tidemill.process.whales.copying import CopyBook, Known
from tidemill.schema import derive
from tidemill.schema.events import CopyPrice, Side, TopCause, WhaleCopy
from tidemill.schema.faults import Gap

_READ_BATCHES = 256
_IDLE_MS, _BUSY_MS = 1_000, 20
"""How long a further trade of a whale is waited for; where one waits, prices are read too."""


class _Price(NamedTuple):
    recv_ns: int
    token: str
    side: Side
    known: Known


class Copying:
    """Follows the whales whose copying is enabled."""

    def __init__(self, bus: Bus, config: WhaleConfig, clock: Clock, is_wanted: Callable[[], bool]) -> None:
        self._bus = bus
        self._book = CopyBook(config)
        self._clock = clock
        self._is_wanted = is_wanted
        self._trades = Consumer(bus, "copies", "whale_trade")
        self._offsets: dict[str, int] = {}
        """Where prices are read from; absent while none are."""

    async def run(self, commit: Callable[[Batches, State], Awaitable[None]]) -> None:
        """Follow until cancelled; `commit` is awaited with what came of it. Raises: Malformed."""
        self._book.load(await self._bus.state(CopyBook.PREFIX))
        await self._trades.start()
        while True:
            is_busy = self._book.next_due_ns is not None
            entries = await self._trades.next(
                batches_max=_READ_BATCHES, wait_ms=_BUSY_MS if is_busy else _IDLE_MS
            )
            now_ns = self._clock.now_ns()
            for entry in entries:
                for row in derive.to_rows("whale_trade", entry.batch):
                    self._book.follow(row)
            copies = [copy for price in await self._prices() for copy in self._take(price)]
            copies += self._book.advance(now_ns)
            state = self._book.take()
            if entries:
                state |= self._trades.state_after(self._trades.next_offset)
            if copies or state:
                await commit([("whale_copy", derive.to_batch(copies))] if copies else [], state)

    def _take(self, price: _Price) -> list[WhaleCopy]:
        """Take a price; what was due before it was told is followed first, without it."""
        due_ns = self._book.next_due_ns
        copies = (
            self._book.advance(price.recv_ns - 1) if due_ns is not None and due_ns < price.recv_ns else []
        )
        self._book.price(price.token, price.side, price.known)
        return copies

    async def _prices(self) -> list[_Price]:
        """Return the prices that were told since the last call, in order."""
        if not self._is_wanted() and self._book.next_due_ns is None:
            self._offsets.clear()
            return []
        found: list[_Price] = []
        for topic, read in _READERS.items():
            if topic not in self._offsets:  # the latest prices are on the bus already
                latest = await self._bus.head(topic) - _READ_BATCHES
                self._offsets[topic] = max(await self._bus.first(topic), latest)
            try:
                entries = await self._bus.read(topic, self._offsets[topic], batches_max=_READ_BATCHES)
            except Gap:  # they were trimmed: prices that old are none
                self._offsets[topic] = await self._bus.head(topic)
                continue
            if entries:
                self._offsets[topic] = entries[-1].offset + 1
            found += [price for entry in entries for price in read(entry.batch)]
        return sorted(found, key=itemgetter(0))


_TRADED = ("event_ns", "recv_ns", "instrument", "price")
_TOP = ("event_ns", "recv_ns", "instrument", "cause", "bid_price", "ask_price")


def _of_trades(batch: pa.RecordBatch) -> Iterator[_Price]:
    for row in derive.to_rows("trade", batch.select(_TRADED)):
        known = Known(row["price"], CopyPrice.TRADE, row["event_ns"], row["recv_ns"])
        for side in Side:
            yield _Price(row["recv_ns"], row["instrument"], side, known)


def _of_tops(batch: pa.RecordBatch) -> Iterator[_Price]:
    for row in derive.to_rows("book_top", batch.select(_TOP)):
        if row["cause"] != TopCause.KEPT:
            continue
        for side, price in ((Side.BUY, row["ask_price"]), (Side.SELL, row["bid_price"])):
            if price is not None:
                known = Known(price, CopyPrice.TOP, row["event_ns"], row["recv_ns"])
                yield _Price(row["recv_ns"], row["instrument"], side, known)


_READERS: dict[str, Callable[[pa.RecordBatch], Iterator[_Price]]] = {
    "trade": _of_trades,
    "wallet_trade": _of_trades,
    "book_top": _of_tops,
}
