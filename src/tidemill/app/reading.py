"""Reach what a data folder holds: through the process that owns it, or by opening it where none runs."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pyarrow as pa

from tidemill.app.control import ask_sql, ask_stream, is_running
from tidemill.app.settings import Environment
from tidemill.schema.faults import Refused, Unreachable
from tidemill.store import open_store
from tidemill.store.coverage import Streamable


class _Owner:
    """The store of another process."""

    def __init__(self, data: Path) -> None:
        self._data = data

    async def query(self, sql: str) -> pa.Table:
        """Return the owner's answer. Raises: Unreachable, where it ended; the fault that it ran into."""
        answer = await ask_sql(self._data, sql)
        if answer is None:
            raise Unreachable(f"{self._data}: expected its owner to answer, it ended; ask again")
        return answer

    def stream(self, sql: str) -> AsyncGenerator[pa.RecordBatch]:
        """Yield the owner's answer. Raises: Unreachable, where it ended; the fault that it ran into."""
        return ask_stream(self._data, sql)


@asynccontextmanager
async def reading(environment: Environment, asker: str) -> AsyncIterator[Streamable]:
    """Yield what answers statements; `asker` is the command that faults name.

    Raises: Refused, where nothing was stored yet.
    """
    data = environment.paths.data
    if await is_running(data):
        yield _Owner(data)
        return
    scheme, _, path = environment.store_url.partition("://")
    if scheme == "chdb" and not data.exists():
        raise Refused(
            f"{asker}: expected a store at {path}, found none; `tidemill up` or `tidemill demo` makes one"
        )
    async with open_store(environment.store_url, environment.settings.store) as store:
        yield store
