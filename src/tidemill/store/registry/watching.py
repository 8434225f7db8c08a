"""Tell of the whales now, and again after every change, whichever process made it."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path
from typing import NamedTuple, TypeVar

import psycopg

from tidemill.core.backoff import Backoff
from tidemill.schema.faults import Fault, Malformed, Unreachable
from tidemill.store.registry.database import Database, faults
from tidemill.store.registry.registry import Registry
from tidemill.store.registry.whale import Whale

CHANNEL = "tidemill_whales"
"""What the triggers of PostgreSQL's table notify."""

T = TypeVar("T")
_RETRY_FIRST_MS, _RETRY_MAX_MS = 250, 2_000
_QUIET_S = 10.0
"""A connection that said nothing for so long is asked whether it still lives."""

Changed = Callable[[], Awaitable[None]]
"""Returns when the table may have changed since it last did. Raises: Unreachable, Refused."""


class WhaleSet(NamedTuple):
    """All whales at a moment, by address, and which of them are not as they were told before."""

    whales: Mapping[str, Whale]
    changed: frozenset[str]
    """Addresses added, changed or removed; all of them in the first set."""


async def watch(registry: Registry, on_fault: Callable[[Fault], None]) -> AsyncGenerator[WhaleSet, None]:
    """Yield the set now and after each change, within 2 s of it; changes that come together are told once.

    While the database is away, or holds what cannot be read, the last set stands and `on_fault` is told.
    Iterate it within `contextlib.aclosing`, so that its connection is closed at once.

    Raises: Refused.
    """
    told: Mapping[str, Whale] | None = None
    backoff = Backoff(_RETRY_FIRST_MS, _RETRY_MAX_MS)
    clock = asyncio.get_running_loop().time
    while True:
        began_s = clock()
        try:
            async with _changes(registry.database) as changed:
                while True:
                    try:
                        found = await asyncio.to_thread(registry.whales)
                    except Malformed as fault:
                        on_fault(fault)
                    else:
                        if found != told:
                            yield WhaleSet(found, _difference(told or {}, found))
                            told = found
                    await changed()
        except Unreachable as fault:
            on_fault(fault)
        await asyncio.sleep(backoff.wait_s(clock() - began_s))


def _difference(before: Mapping[str, Whale], after: Mapping[str, Whale]) -> frozenset[str]:
    either = before.keys() | after.keys()
    return frozenset(address for address in either if before.get(address) != after.get(address))


def _changes(database: Database) -> AbstractAsyncContextManager[Changed]:
    """Notice changes from when the context opens: a set that is read after that misses none."""
    return _polled(database, database.path) if database.path is not None else _notified(database)


@asynccontextmanager
async def _notified(database: Database) -> AsyncIterator[Changed]:
    timeout_s = database.settings.timeout_ms / 1_000

    async def changed() -> None:
        with faults(database):
            while True:
                # to its end: left before, it would keep the connection to itself
                if [one async for one in connection.notifies(timeout=_QUIET_S, stop_after=1)]:
                    return
                await _within(connection.execute("SELECT 1"), timeout_s, database)

    with faults(database):
        opening = psycopg.AsyncConnection.connect(database.conninfo, autocommit=True)
        connection = await _within(opening, timeout_s, database)
    async with connection:
        with faults(database):
            await _within(connection.execute(f"LISTEN {CHANNEL}".encode()), timeout_s, database)
        yield changed


@asynccontextmanager
async def _polled(database: Database, path: Path) -> AsyncIterator[Changed]:
    seen = await asyncio.to_thread(_Seen, database, path)

    async def changed() -> None:
        while not await asyncio.to_thread(seen.is_changed):  # noqa: ASYNC110 there is no event to wait for
            await asyncio.sleep(database.settings.poll_ms / 1_000)

    with closing(seen):
        yield changed


class _Seen:
    """What was last seen of an SQLite file, by a connection that only looks: its data_version is another
    after every commit of any other connection. Source: sqlite.org/pragma.html#pragma_data_version.
    """

    def __init__(self, database: Database, path: Path) -> None:
        self._database = database
        self._path = path
        timeout_s = database.settings.timeout_ms / 1_000
        self._inode = self._file()
        with faults(database):
            # one thread at a time uses it, though not always the same one
            self._connection = sqlite3.connect(
                f"{path.as_uri()}?mode=ro", uri=True, check_same_thread=False, timeout=timeout_s
            )
        self._version = self._data_version()

    def is_changed(self) -> bool:
        """Whether it changed since this was last asked. Raises: Unreachable, where the file was replaced."""
        if self._file() != self._inode:
            raise Unreachable(
                f"registry {self._database.name}: expected the file that was opened, found another"
            )
        before, self._version = self._version, self._data_version()
        return self._version != before

    def close(self) -> None:
        """Let the file go."""
        self._connection.close()

    def _data_version(self) -> int:
        with faults(self._database):
            return self._connection.execute("PRAGMA data_version").fetchone()[0]

    def _file(self) -> int:
        try:
            return self._path.stat().st_ino
        except FileNotFoundError:
            raise Unreachable(f"registry {self._database.name}: expected a file, found none") from None


async def _within(asked: Awaitable[T], timeout_s: float, database: Database) -> T:
    try:
        async with asyncio.timeout(timeout_s):
            return await asked
    except TimeoutError:
        raise Unreachable(
            f"registry {database.name}: expected an answer within {timeout_s:g} s, found none"
        ) from None
