"""What do the stored rows cover, as every answer's header says: asked of the store once for many answers."""

import asyncio
import math
import time
from typing import Any

import msgspec

from tidemill.schema.faults import Fault
from tidemill.serve.across import Across
from tidemill.store.coverage import SourceCoverage, coverage_of, sources_of

HEADER = "X-Coverage"
_AGE_MAX_S = 1.0
"""A header that is older is made anew, beside the answer that carries it."""
_SOURCES_AGE_MAX_S = 60.0
"""Which sources have rows that tell nothing of their blocks; those that tell of them are known at once."""
_SHARE = 20
"""Asking takes a twentieth of the time at the most."""


class CoverageBoard:
    """The coverage of all sources, at most some seconds old; the exact one is `require=complete`'s."""

    def __init__(self, program: Across) -> None:
        self._program = program
        self._header = "{}"
        self._holes = ""
        self._asked_s: float | None = None
        self._took_s = 0.0
        self._asking: asyncio.Task[None] | None = None
        self._sources: list[str] = []
        self._sources_asked_s = -math.inf

    async def header(self) -> str:
        """Return the header's value: JSON, by source; empty before anything is known."""
        await self._ask_when_old()
        return self._header

    async def holes(self) -> str:
        """Return what is missing, by source: the same as long as blocks are only added at the end."""
        await self._ask_when_old()
        return self._holes

    async def _ask_when_old(self) -> None:
        now_s = time.monotonic()
        is_old = self._asked_s is None or now_s - self._asked_s > max(_AGE_MAX_S, _SHARE * self._took_s)
        if is_old and (self._asking is None or self._asking.done()):
            self._asking = asyncio.create_task(self._ask(now_s), name="api coverage")
        if self._asked_s is None and self._asking is not None:
            await asyncio.shield(self._asking)

    async def _ask(self, now_s: float) -> None:
        try:
            if now_s - self._sources_asked_s > _SOURCES_AGE_MAX_S:
                self._sources = await sources_of(self._program)
                self._sources_asked_s = now_s
            found = await coverage_of(self._program, having_rows=self._sources)
        except Fault:  # the answer itself says so, where it asks the store too
            found = []
        self._asked_s, self._took_s = now_s, time.monotonic() - now_s
        told = {one.source: _brief(one) for one in found}
        self._header = msgspec.json.encode(told).decode()
        self._holes = ",".join(f"{name}:{brief['missing_blocks']}" for name, brief in told.items())


def _brief(one: SourceCoverage) -> dict[str, Any]:
    blocks = sum(lack.to_block - lack.from_block + 1 for lack in one.missing)
    return {
        "from_block": one.from_block,
        "to_block": one.to_block,
        "is_complete": one.is_complete,
        "missing_blocks": blocks,
    }
