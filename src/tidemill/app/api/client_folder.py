"""Ask a data folder that no `tidemill up` owns, for `tidemill.connect`: its store and bus, opened here."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from tidemill.app.control import ask_status, is_running
from tidemill.app.settings import read_settings
from tidemill.bus import Bus, open_bus
from tidemill.schema.faults import Refused
from tidemill.serve.asked import read
from tidemill.serve.cursor import cursor_after
from tidemill.serve.events_asked import EventsAsked, asked_of, fields_of, page_of
from tidemill.serve.hub import frames
from tidemill.serve.place import places_of
from tidemill.serve.stream import StreamAsked, rows_wish
from tidemill.store import Store, open_store
from tidemill.store.coverage import coverage_of, level_of, require_complete

_T = TypeVar("_T")
_WAIT_MS = 500
_BATCHES = 64


def owner_url(folder: Path) -> str | None:
    """Return the data API of the process that owns `folder`; None where none runs.

    Raises: Refused, where one runs without an API.
    """
    data = folder.absolute()

    async def ask() -> dict[str, Any] | None:
        return await ask_status(data) if await is_running(data) else None

    status = asyncio.run(ask())
    if status is None:
        return None
    if "api" not in status:
        raise Refused(
            f"connect: expected `tidemill up` at {folder} to serve its API; start it without --no-api"
        )
    return str(status["api"]["url"])


class FolderSource:
    """A folder's store and bus, in a thread with an event loop of its own."""

    def __init__(self, folder: Path) -> None:
        """Open them. Raises: Refused, where nothing was stored there, or another process owns it."""
        environment = read_settings(None, folder)
        if not environment.paths.data.exists():
            raise Refused(f"connect: expected a data folder at {folder}, found none")
        self._environment = environment
        self._loop = asyncio.new_event_loop()
        self._opened = AsyncExitStack()
        self._bus: Bus | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="connect", daemon=True)
        self._thread.start()
        try:
            store = open_store(environment.store_url, environment.settings.store)
            self._store: Store = self._there(self._opened.enter_async_context(store))
        except BaseException:
            self.close()
            raise

    def page(self, tag: str, asked: list[tuple[str, str]]) -> tuple[pa.Table, str | None]:
        """Return a page of events, and the cursor of the next."""
        found: EventsAsked = read(asked_of(tag), asked)  # pyright: ignore[reportAssignmentType] it is made of it
        fields = fields_of(tag, found.fields)
        if found.require is not None:
            level = level_of(found.require, "require")
            require_complete(self._there(coverage_of(self._store, level=level)))
        table = self._there(self._store.page(tag, page_of(tag, found, fields)))
        rest = table.num_rows - found.limit
        table = table.slice(0, found.limit)
        cursor = cursor_after(tag, table, newest_first=found.order == "newest") if rest > 0 else None
        return (table if fields is None else table.select(list(fields))), cursor

    def sql(self, query: str, params: dict[str, str]) -> pa.Table:
        """Return the answer to a statement that reads."""
        return self._there(self._store.query(query, params=params))

    def stream(self, tag: str, asked: list[tuple[str, str]]) -> Iterator[list[dict[str, Any]]]:
        """Yield events as another process puts them on the bus."""
        found = read(StreamAsked, [("topic", tag), *asked])
        bus = self._bus or self._there(self._open_bus())
        if found.cursor is None:
            offset, row = self._there(bus.head(tag)), 0
        else:
            offset, row = places_of(bus.identity, found.cursor, [tag])[tag]
        wish = rows_wish(tag, found.where, found.fields)
        while True:
            entries = self._there(bus.read(tag, offset, batches_max=_BATCHES, wait_ms=_WAIT_MS))
            for frame in frames(wish, entries, row):
                yield frame.body
            if entries:
                offset, row = entries[-1].offset + 1, 0

    async def _open_bus(self) -> Bus:
        settings = self._environment.settings
        bus = open_bus(self._environment.bus_url, settings.bus, is_reader=True, kafka=settings.kafka)
        self._bus = await self._opened.enter_async_context(bus)
        return self._bus

    def close(self) -> None:
        """Close store and bus, and end the thread."""
        if self._thread.is_alive():
            self._there(self._opened.aclose())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _there(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()
