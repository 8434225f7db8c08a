"""Commit what may not be lost, however long it takes."""

import asyncio
import logging
from collections.abc import Callable, Sequence

import pyarrow as pa

from tidemill.bus import Bus
from tidemill.bus.base import State
from tidemill.schema.faults import Fault, Unreachable

_log = logging.getLogger("tidemill.bus")

_RETRY_FIRST_S = 0.1
_RETRY_MAX_S = 1.0


async def commit_surely(
    bus: Bus,
    batches: Sequence[tuple[str, pa.RecordBatch]],
    state: State,
    note: Callable[[Fault], None] | None = None,
) -> list[int]:
    """Commit, again while the bus has no room, and return the offsets; `note` is told of each refusal.

    Whoever waits for it reads nothing more meanwhile: that is what keeps memory bounded.
    """
    wait_s = _RETRY_FIRST_S
    while True:
        try:
            return await bus.commit(list(batches), state)
        except Unreachable as fault:  # a full disk: nothing was written
            _log.error("%s", fault)
            if note is not None:
                note(fault)
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, _RETRY_MAX_S)
