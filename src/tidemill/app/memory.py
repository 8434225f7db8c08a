"""Where is this process' memory: by part, with what the embedded engine says of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import psutil
import pyarrow as pa

from tidemill.schema.faults import Refused

_LOOK_S = 10.0


class MemoryWatch:
    """Tells where this process' memory is; `run` asks the embedded engine for its part at intervals."""

    def __init__(self, engine_bytes: Callable[[], Awaitable[int | None]]) -> None:
        self._ask = engine_bytes
        self._engine: int | None = None
        self._process = psutil.Process()

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            with suppress(Refused):  # one that has no memory left does not answer this either
                self._engine = await self._ask()
            await asyncio.sleep(_LOOK_S)

    def parts(self) -> dict[str, int]:
        """Return bytes that lie in memory, by part; together they are what the system counts.

        mapped: libraries, and pages of the bus, which the system takes back where it needs them. engine: the
        embedded store's; arrow: batches under way; other: all else.
        """
        told = self._process.memory_info()
        mapped, arrow = getattr(told, "shared", 0), pa.total_allocated_bytes()
        engine = {} if self._engine is None else {"engine": self._engine}
        other = told.rss - mapped - arrow - sum(engine.values())
        return {"mapped": mapped, "arrow": arrow, **engine, "other": max(other, 0)}
