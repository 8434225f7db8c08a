"""A world followed by the real reader for as long as a test needs it: the pools as tidemill keeps them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tidemill._rust import UniswapV2Pool, UniswapV3Pool
from tidemill.app.chain import make_book, make_follower
from tidemill.app.demo import world_config
from tidemill.app.pipeline import ChainPipeline
from tidemill.bus import open_bus
from tidemill.bus.base import Batches
from tidemill.chains.evm.shell import Shell
from tidemill.core.clock import SystemClock
from tidemill.sandbox.world import Pool, World

Kept = UniswapV2Pool | UniswapV3Pool


class Following:
    """What the reader has seen so far."""

    def __init__(self) -> None:
        self.pipeline: ChainPipeline
        self._moved = asyncio.Event()

    def note(self, batches: Batches) -> None:
        self._moved.set()

    async def reach(self, number: int) -> None:
        """Wait until block `number` and its pools are committed."""
        async with asyncio.timeout(30):
            while (self.pipeline.tip or 0) < number:
                self._moved.clear()
                await self._moved.wait()

    def pool(self, pool: Pool) -> Kept:
        found = self.pipeline.book.pools.get(bytes.fromhex(pool.address[2:]))
        assert found is not None, f"{pool.address} was never discovered"
        return found


@asynccontextmanager
async def following(world: World) -> AsyncIterator[Following]:
    """Follow `world` from its first contract on; what stops the reader ends the test."""
    config = world_config(world)
    clock = SystemClock()
    seen = Following()
    async with open_bus("memory://") as bus, asyncio.TaskGroup() as tasks:
        seen.pipeline = ChainPipeline(make_book(config, []), bus, clock, on_batches=seen.note)
        shell = Shell(make_follower(config, {}, "parity"), seen.pipeline.take, clock)
        reader = tasks.create_task(shell.run("parity", {}), name="read the world")
        yield seen
        reader.cancel()
