"""Follow one chain with nothing kept: for who wants its pools as they are now, and no events."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tidemill.app.chains.chain import make_book, make_follower
from tidemill.app.chains.pipeline import ChainPipeline
from tidemill.app.chains.searching import make_pursuit
from tidemill.bus import open_bus
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.shell import Shell
from tidemill.core.clock import SystemClock
from tidemill.process.opportunities import OpportunityFinder, SearchConfig
from tidemill.process.pools import Batches, PoolBook

_POLL_S = 0.01


class Followed:
    """A chain that is being followed."""

    def __init__(self, pipeline: ChainPipeline, running: asyncio.Task[None]) -> None:
        self.pipeline = pipeline
        self._running = running

    @property
    def book(self) -> PoolBook:
        """Its pools, in their state after the tip."""
        return self.pipeline.book

    async def reached(self, block_number: int, *, within_s: float = 60) -> None:
        """Wait until the tip is at `block_number` or above.

        Raises: TimeoutError, and what ended the following.
        """
        async with asyncio.timeout(within_s):
            while (self.pipeline.tip or 0) < block_number:
                if self._running.done():
                    self._running.result()
                await asyncio.sleep(_POLL_S)


@asynccontextmanager
async def followed(
    config: EvmConfig,
    *,
    search: SearchConfig | None = None,
    on_batches: Callable[[Batches], None] | None = None,
) -> AsyncIterator[Followed]:
    """Follow the chain of `config` in memory while the context is open; search it as `search` says."""
    clock = SystemClock()
    finder = None if search is None else OpportunityFinder(search, config.source, config.chain_id)
    async with open_bus("memory://") as bus:
        book = make_book(config, [])
        pursuit = None if finder is None else make_pursuit(finder, book, config, {})
        pipeline = ChainPipeline(book, bus, clock, pursuit=pursuit, on_batches=on_batches)
        shell = Shell(make_follower(config, {}, config.source), pipeline.take, clock)
        running = asyncio.create_task(shell.run(config.source, {}), name=f"follow {config.source}")
        try:
            yield Followed(pipeline, running)
        finally:
            running.cancel()
            await asyncio.wait([running])
