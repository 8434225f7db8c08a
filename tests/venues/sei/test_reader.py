"""Does the reader have exactly the node's books and trades, whatever the node and the way to it do."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace
from tests.app.until import until
from tests.servers.sei import sei_server

from tidemill.core.clock import SystemClock
from tidemill.sandbox.emulators.sei.contract import CONTRACT
from tidemill.schema.events import BookChange, BookSide, BookSnapshot, Coverage, HealthState, Trade
from tidemill.schema.faults import Refused, leaves
from tidemill.venues.sei.config import SeiConfig, SeiEndpointConfig, SeiInstrument
from tidemill.venues.sei.reader import SeiReader
from tidemill.venues.sei.telling import Void

E18 = 10**12
"""The contract's numbers are of 10^-6, ours of 10^-18."""
MARKETS = ("SEI/USDC", "ATOM/USDC")


def config_of(*servers, **changes):
    endpoints = [
        SeiEndpointConfig(ws_url=one.ws_url, http_url=one.http_url, attributes=one.attributes)
        for one in servers
    ]
    instruments = {
        market: SeiInstrument(source=market, contract=CONTRACT, market=market, first_height=1)
        for market in MARKETS
    }
    config = SeiConfig(
        chain_id="atlantic-2",
        ws_url=endpoints[0].ws_url,
        http_url=endpoints[0].http_url,
        attributes=endpoints[0].attributes,
        fallbacks=tuple(endpoints[1:]),
        instruments=instruments,
        start=1,
        confirm_ms=100,
        silence_ms=1_000,
        reconnect_first_ms=50,
        reconnect_max_ms=500,
        answer_timeout_ms=2_000,
    )
    return replace(config, **changes)


class Heard:
    """What a reader told, and the books that come of it."""

    def __init__(self) -> None:
        self.events = []
        self.books = {}
        self.kept = None
        self.kept_told = None

    async def take(self, told, proven, pending):
        self.events += told
        self.kept = proven if proven is not None else self.kept
        self.kept_told = pending
        for event in told:
            match event:
                case BookSnapshot():
                    self.books[event.instrument] = {}
                case BookChange() if event.instrument in self.books:
                    book, key = self.books[event.instrument], (event.side, event.price)
                    if event.size:
                        book[key] = event.size
                    else:
                        book.pop(key, None)
                case Void():
                    self.books.pop(event.instrument, None)
                case _:
                    pass

    def trade_ids(self):
        return [event.trade_id for event in self.events if isinstance(event, Trade)]

    def raw_books(self):
        return {
            market: {(side.value, int(price * 10**6)): int(size * 10**6) for (side, price), size in book.items()}
            for market, book in self.books.items()
        }


@asynccontextmanager
async def reading(config, heard):
    reader = SeiReader(config, SystemClock(), "run", heard.take)
    task = asyncio.create_task(reader.run(heard.kept, heard.kept_told))
    try:
        yield reader
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()


async def agrees(server, reader, heard):
    """Wait until the reader has proven all that the paused node has, then compare."""
    await server.control(is_paused=True)
    truth = await server.truth()

    async def is_there():
        return reader.follower.height == truth["height"]

    await until(is_there, 30)
    assert heard.raw_books() == truth["books"]
    assert heard.trade_ids() == truth["trade_ids"]
    await server.control(is_paused=False)


async def begun(reader, blocks=20):
    async def is_there():
        return (reader.follower.height or 0) > (reader.follower.tip or 1 << 40) - blocks

    await until(is_there, 30)


async def test_books_and_trades_are_the_nodes_own():
    async with sei_server() as server, reading(config_of(server), heard := Heard()) as reader:
        await begun(reader)
        height = reader.follower.height
        await until(lambda: _at(reader, height + 20), 30)
        await agrees(server, reader, heard)
        assert reader.fault_count == 0, list(reader.faults)


async def _at(reader, height):
    return reader.follower.height >= height
