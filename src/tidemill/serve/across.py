"""Call the program from the server's thread: each call runs in the program's loop, and has a limit."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pyarrow as pa
from prometheus_client import Histogram

from tidemill.schema.faults import Unreachable
from tidemill.serve.program import Program, ProgramState
from tidemill.store import TableSize

_STATE_S = 5.0
_QUERY_S = 60.0
"""Past the store's own limits, which end a query first."""
_T = TypeVar("_T")


class Across:
    """A `Program` that may be called from any loop; the thread's own stays free while it waits."""

    def __init__(self, program: Program, home: asyncio.AbstractEventLoop, queries: Histogram) -> None:
        self._program = program
        self._home = home
        self._queries = queries

    async def state(self) -> ProgramState:
        """Return how everything fares. Raises: Unreachable, where the program's loop does not answer."""
        return await self._there(self._program.state(), _STATE_S)

    async def query(self, sql: str) -> pa.Table:
        """Return the store's answer. Raises: Refused; Unreachable, where none comes in time."""
        with self._queries.time():
            return await self._there(self._program.query(sql), _QUERY_S)

    async def sizes(self) -> list[TableSize]:
        """Return how much each table holds. Raises: Unreachable, where no answer comes in time."""
        with self._queries.time():
            return await self._there(self._program.sizes(), _QUERY_S)

    async def _there(self, work: Coroutine[Any, Any, _T], limit_s: float) -> _T:
        try:
            async with asyncio.timeout(limit_s):
                return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._home))
        except TimeoutError:
            raise Unreachable(f"api: expected the program to answer within {limit_s:g} s") from None
