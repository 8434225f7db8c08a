"""Commit what came of what is on the bus already, however long it takes."""

import asyncio
import logging

from tidemill.bus import Bus
from tidemill.bus.base import State
from tidemill.process.pools import Batches
from tidemill.schema.faults import Unreachable

_log = logging.getLogger("tidemill.bus")

_RETRY_S = 1.0


async def commit_surely(bus: Bus, batches: Batches, state: State) -> list[int]:
    """Commit, again where the bus has no room, and return the offsets."""
    while True:
        try:
            return await bus.commit(batches, state)
        except Unreachable as fault:  # a full disk: nothing was written
            _log.error("%s", fault)
        await asyncio.sleep(_RETRY_S)
