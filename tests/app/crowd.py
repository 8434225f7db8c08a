"""Traders on a world whose chain is also reorganised.

anvil loses blocks when it reorganises while it mines, so the traders stop for a reorg and start anew.
"""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from tidemill.sandbox.traders import TraderCounts, TraderOptions, trade
from tidemill.sandbox.world import World


class TradingCrowd:
    """Trades while the context is open."""

    def __init__(self, world: World, **options: Any) -> None:
        self._world = world
        self._options = TraderOptions(**options)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def reorg(self, depth_blocks: int, once: Callable[[], Awaitable[None]] | None = None) -> None:
        """Replace the last blocks while nothing is mined, once `once` has seen them."""
        await self._stop()
        if once is not None:
            await once()
        await self._world.reorg(depth_blocks)
        self._start()

    def _start(self) -> None:
        self._task = asyncio.create_task(trade(self._world, self._options, TraderCounts()))

    async def _stop(self) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.result()
        await self._world.mine()  # waits for a block that is being mined: else it came after the end
