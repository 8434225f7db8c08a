"""Bring what execution ledgers were told to the main bus, each event once, whoever writes the ledgers."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from tidemill.bus import Bus, open_bus
from tidemill.bus.base import State, offset_value
from tidemill.execute.ledger import TOPIC, ledger_folder
from tidemill.process.pools import Batches
from tidemill.schema.events import ExecutionMode
from tidemill.schema.faults import Fault, Gap

_log = logging.getLogger("tidemill.ledger")
_BATCHES = 256
_WAIT_MS = 500
_LOOK_EVERY_S = 1.0

Commit = Callable[[Batches, State], Awaitable[None]]
"""Commits to the main bus."""


class LedgerRelay:
    """Reads the ledgers of a data folder; where this process writes one, by its own bus."""

    def __init__(self, data: Path, main: Bus) -> None:
        """`main` keeps how far each ledger was brought, in the commit of what was brought."""
        self.own: dict[ExecutionMode, Bus] = {}
        """The ledgers that this process writes: set before it runs."""
        self._data = data
        self._main = main

    async def run(self, commit: Commit) -> None:
        """Bring what comes, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for mode in ExecutionMode:
                tasks.create_task(self._bring(mode, commit), name=f"ledger {mode}")

    async def _bring(self, mode: ExecutionMode, commit: Commit) -> None:
        is_heard = True
        while True:
            try:
                async with AsyncExitStack() as opened:
                    ledger = await self._opened(mode, opened)
                    while ledger is not None:
                        await self.bring(mode, ledger, commit)
                        is_heard = True
            except Fault as fault:
                if is_heard:
                    _log.warning("the ledger of %s waits: %s", mode, fault)
                is_heard = False
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _opened(self, mode: ExecutionMode, opened: AsyncExitStack) -> Bus | None:
        """Return the ledger of a mode; None where there is none yet."""
        if mode in self.own:
            return self.own[mode]
        folder = ledger_folder(self._data, mode)
        if not (folder / "data.mdb").exists():
            return None
        return await opened.enter_async_context(open_bus(f"lmdb://{folder}", is_reader=True))

    async def bring(self, mode: ExecutionMode, ledger: Bus, commit: Commit) -> int:
        """Bring the next events of a ledger, waiting for some; return in how many batches.

        Raises: Unreachable, where either disk fails.
        """
        key = f"relay/ledger/{mode.lower()}/{ledger.identity}".encode()
        return await bring_topic(self._main, key, (ledger, TOPIC), commit)


async def bring_topic(main: Bus, key: bytes, source: tuple[Bus, str], commit: Commit) -> int:
    """Bring the next events of a bus' topic to the main one, waiting for some; return in how many batches.

    `key` is where the main bus keeps how far that came.

    Raises: Unreachable, where either disk fails.
    """
    bus, topic = source
    kept = await main.get(key)
    place = 0 if kept is None else int.from_bytes(kept, "big")
    try:
        entries = await bus.read(topic, place, batches_max=_BATCHES, wait_ms=_WAIT_MS)
    except Gap as fault:
        _log.error("%s has lost events that were not brought yet: %s", key.decode(), fault)
        await commit([], {key: offset_value(await bus.first(topic))})
        return 0
    if entries:
        batches: Batches = [(topic, entry.batch) for entry in entries]
        await commit(batches, {key: offset_value(entries[-1].offset + 1)})
    return len(entries)
