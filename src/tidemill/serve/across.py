"""Call the program from the server's thread: each call runs in the program's loop, and has a limit."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pyarrow as pa
from prometheus_client import Histogram

from tidemill.bus.base import Entry
from tidemill.schema.faults import Unreachable
from tidemill.serve.program import Program, ProgramState, Told
from tidemill.store import Page, TableSize

_STATE_S = 5.0
_QUERY_S = 60.0
"""Past the store's own limits, which end a query first."""
_QUERIES_MAX = 64
"""So many may wait: the store answers two at once."""
_T = TypeVar("_T")


class Across:
    """A `Program` that may be called from any loop; the thread's own stays free while it waits."""

    def __init__(self, program: Program, home: asyncio.AbstractEventLoop, queries: Histogram) -> None:
        self._program = program
        self._home = home
        self._queries = queries
        self._asked = 0

    async def state(self) -> ProgramState:
        """Return how everything fares. Raises: Unreachable, where the program's loop does not answer."""
        return await self._there(self._program.state(), _STATE_S)

    async def query(self, sql: str, params: Mapping[str, str] | None = None) -> pa.Table:
        """Return the store's answer. Raises: Refused; Unreachable, where none comes in time."""
        return await self._query(self._program.query(sql, params))

    async def sizes(self) -> list[TableSize]:
        """Return how much each table holds. Raises: Unreachable, where no answer comes in time."""
        return await self._query(self._program.sizes())

    async def page(self, tag: str, page: Page) -> pa.Table:
        """Return a page of stored events. Raises: Refused; Unreachable, where no answer comes in time."""
        return await self._query(self._program.page(tag, page))

    @property
    def bus_identity(self) -> str:
        """Names the bus."""
        return self._program.bus_identity

    async def span(self, topic: str) -> tuple[int, int]:
        """Return the lowest offset of a topic that can be read, and that after the last."""
        return await self._there(self._program.span(topic), _STATE_S)

    async def read(self, topic: str, offset: int, batches_max: int) -> list[Entry]:
        """Return batches from `offset` on. Raises: Gap, Poison, Refused."""
        return await self._there(self._program.read(topic, offset, batches_max), _STATE_S)

    @asynccontextmanager
    async def listening(self, told: Told) -> AsyncIterator[None]:
        """Have `told` called with all that is committed, in the program's loop, while the context is open."""

        async def begin() -> None:
            self._program.listen(told)

        async def end() -> None:
            self._program.ignore(told)

        await self._there(begin(), _STATE_S)
        try:
            yield
        finally:  # waited for: a commit must not call into a loop that has ended
            await self._there(end(), _STATE_S)

    async def _query(self, work: Coroutine[Any, Any, _T]) -> _T:
        if self._asked >= _QUERIES_MAX:
            work.close()
            raise Unreachable(f"store: expected fewer than {_QUERIES_MAX} queries at once; ask again")
        self._asked += 1
        try:
            with self._queries.time():
                return await self._there(work, _QUERY_S)
        finally:
            self._asked -= 1

    async def _there(self, work: Coroutine[Any, Any, _T], limit_s: float) -> _T:
        try:
            async with asyncio.timeout(limit_s):
                return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._home))
        except TimeoutError:
            raise Unreachable(f"api: expected the program to answer within {limit_s:g} s") from None
