"""A venue of the tests: it has no sockets, and tells what a test says."""

import asyncio
from decimal import Decimal
from typing import Any

from tests.store.market import START_NS, trade

from tidemill.app.chains.pipeline import batches_of
from tidemill.process.books import BookRule, OrderBooks
from tidemill.schema.events import BookCause, BookChange, BookSide, BookSnapshot


class Fair:
    """A `MarketRun` that keeps books and is told by `tell_book` and `tell_trade`."""

    def __init__(self, bus, clock, committed, instruments=("SEI/USDC", "wETH/USDC"), source="fair"):
        self.books = OrderBooks(source, BookRule())
        self.books.follow(instruments)
        self.state = "running"
        self.fault = ""
        self.bug: Exception | None = None
        self.ended = asyncio.Event()
        self.running = False
        self._source, self._bus, self._committed, self._clock = source, bus, committed, clock
        self._sequence = 0

    async def run(self):
        self.running = True
        await self.ended.wait()
        self.running = False
        if self.bug is not None:
            raise self.bug

    def status(self) -> dict[str, Any]:
        return {"state": self.state, "last_fault": self.fault, "messages": self._sequence, "connections": 1}

    async def tell_book(self, instrument, bids, asks):
        """Tell a whole book, whose levels are (price, size)."""
        self._sequence += 1
        whole = BookSnapshot(**self._where(), instrument=instrument, bid_count=len(bids), ask_count=len(asks))
        levels = [
            BookChange(
                **self._where(),
                row=row,
                instrument=instrument,
                cause=BookCause.SNAPSHOT,
                side=side,
                price=Decimal(price),
                size=Decimal(size),
            )
            for row, (side, price, size) in enumerate(
                [(BookSide.BID, *level) for level in bids] + [(BookSide.ASK, *level) for level in asks]
            )
        ]
        batches = batches_of([whole, *levels])
        taken = self.books.take(dict(batches))
        await self._commit([*batches, *taken.batches.items()])

    async def void_book(self, instrument):
        self._sequence += 1
        taken = self.books.restart(
            [instrument],
            "a test says so",
            now_ns=self._clock.now_ns(),
            connection="c1",
            sequence=self._sequence,
        )
        await self._commit(list(taken.batches.items()))

    async def tell_trade(self, number, **changes):
        changes = {"source": self._source, "recv_ns": self._clock.now_ns(), **changes}
        await self._commit(batches_of([trade(number, **changes)]))

    async def _commit(self, batches):
        self._committed(batches, await self._bus.commit(batches))

    def _where(self):
        return {
            "event_ns": START_NS,
            "recv_ns": self._clock.now_ns(),
            "source": self._source,
            "connection": "c1",
            "sequence": self._sequence,
        }
