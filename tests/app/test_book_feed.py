"""Does a venue's order book that leaves a gap to a chain's pools become an opportunity once it is told."""

import asyncio
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tidemill.app.sandbox.world import SOURCE, world_config, world_search
from tidemill.bus import Bus
from tidemill.core.book_rule import BookRule
from tidemill.core.clock import Clock
from tidemill.process.book_search import BookConfig
from tidemill.process.books import OrderBooks
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.world import World
from tidemill.schema import derive
from tidemill.schema.events import BookCause, BookChange, BookSide, BookSnapshot

from .test_engine import caught_up, running
from .until import until


class MadeVenue:
    """A venue that says what the test says."""

    def __init__(self, bus: Bus, clock: Clock, committed: Any) -> None:
        self.books = OrderBooks("made", BookRule())
        self.books.follow(["WETH-USDC", "OTHER"])
        self._bus, self._clock, self._committed = bus, clock, committed
        self._sequence = 0

    async def run(self) -> None:
        await asyncio.Event().wait()

    def status(self) -> dict[str, Any]:
        return {"state": "running", "last_fault": None}

    async def offer(self, instrument: str, price: str, size: str) -> None:
        """Say that the whole book is one ask."""
        self._sequence += 1
        now_ns = self._clock.now_ns()
        told = {
            "event_ns": now_ns,
            "recv_ns": now_ns,
            "source": "made",
            "connection": "one",
            "sequence": self._sequence,
            "instrument": instrument,
        }
        level = BookChange(
            **told,
            row=0,
            cause=BookCause.SNAPSHOT,
            side=BookSide.ASK,
            price=Decimal(price),
            size=Decimal(size),
        )
        snapshot = BookSnapshot(**told, bid_count=0, ask_count=1)
        batches = [(event.__struct_config__.tag, derive.to_batch([event])) for event in (snapshot, level)]
        self.books.take(dict(batches))
        self._committed(batches, await self._bus.commit(batches))


@pytest.mark.timeout(120)
async def test_a_book_that_sells_cheaper_than_the_pools_buy_is_a_pair_gap(
    tmp_path: Any, fresh_world: World
) -> None:
    world = fresh_world
    usdc = next(token for token in world.tokens if token.symbol == "USDC")
    book = BookConfig(
        venue="made",
        instrument="WETH-USDC",
        base=world.weth,
        base_decimals=18,
        quote=usdc.address,
        quote_decimals=usdc.decimals,
        taker_fee_ppm=1_000,
        lot_size=Decimal("0.0001"),
    )
    search = msgspec.structs.replace(world_search(world), books=(book,))
    venues: list[MadeVenue] = []

    def opened(bus: Bus, clock: Clock, committed: Any) -> MadeVenue:
        venues.append(MadeVenue(bus, clock, committed))
        return venues[-1]

    chains = {SOURCE: world_config(world)}
    async with running(tmp_path, chains, search={SOURCE: search}, markets={"made": opened}) as engine:
        async with Rpc(world.http_url) as rpc:
            await caught_up(engine, world)
            await rpc.call("evm_mine")
            await caught_up(engine, world)
        await venues[0].offer("OTHER", "1", "5")
        await venues[0].offer("WETH-USDC", "1", "5")  # a dollar for what the pools pay thousands for

        async def book_hops() -> list[dict[str, Any]]:
            hops = "SELECT instrument, levels FROM opportunity_hop WHERE protocol = 'order_book' LIMIT 1"
            return (await engine.query(hops)).to_pylist()

        async def are_told() -> bool:
            """Say whether both are stored: each table has inserts of its own."""
            told = await engine.query("SELECT 1 FROM opportunity WHERE kind = 'pair_gap' LIMIT 1")
            return bool(told.num_rows and await book_hops())

        await until(are_told)
        [hop] = await book_hops()
        assert hop["instrument"] == "WETH-USDC"
        assert hop["levels"].startswith("1@5")
        await venues[0].offer("WETH-USDC", "100000", "5")
        async with Rpc(world.http_url) as rpc:
            for _ in range(3):
                await rpc.call("evm_mine")

        async def is_over() -> bool:
            return (await engine.rows()).get("opportunity_autopsy", 0) > 0

        await until(is_over)
        fate = await engine.query(
            "SELECT DISTINCT cause FROM opportunity_autopsy WHERE opportunity_hex IN"
            " (SELECT opportunity_hex FROM opportunity_hop WHERE protocol = 'order_book')"
        )
        assert fate.to_pylist() == [{"cause": "closed_by_book"}]
