"""Know how far the processors of the bus are behind, whichever process runs them."""

import asyncio

from tidemill.bus import Bus
from tidemill.process.streams import processors
from tidemill.schema.faults import Fault

_PAUSE_S = 5.0
"""A scrape comes every 15 s; Kafka is asked twice for each processor."""


class LagWatch:
    """Looks every few seconds how much waits for each processor that `tidemill process` knows."""

    def __init__(self, bus: Bus, group: str) -> None:
        self.waiting: dict[str, dict[str, int]] = {}
        """Batches by processor and partition; none of a processor that never ran, or where nobody tells."""
        self._bus = bus
        self._group = group

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_PAUSE_S)

    async def look(self) -> None:
        """Look once."""
        for name, kind in processors().items():
            try:
                self.waiting[name] = await self._bus.waiting(f"{self._group}.{name}", kind.reads)
            except Fault:  # what cannot be known is not told; the bus's own state says that it is away
                self.waiting.pop(name, None)
