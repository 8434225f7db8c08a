"""Run ClickHouse in this process, over a folder that it alone owns: the embedded default."""

import asyncio
import os
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Self, TypeVar

import pyarrow as pa
from typing_extensions import override

from tidemill.bus.ownership import FolderLock
from tidemill.core.priority import give_way
from tidemill.schema import derive
from tidemill.schema.faults import Refused, Unreachable
from tidemill.store.base import QueryLimits, Store, StoreSettings
from tidemill.store.chdb_library import NICE, ChdbError, Session
from tidemill.store.clickhouse import ClickHouseStore, limit_settings, write_stream
from tidemill.store.reverted import RevertedBlock, RevertedBlocks
from tidemill.store.statement import LASTING_ERRORS, bound, error_code, first_line

_Result = TypeVar("_Result")

_ENGINE_BYTES_SQL = "SELECT value AS bytes FROM system.metrics WHERE metric = 'MemoryTracking'"
_CACHES = (
    "mark_cache_size",
    "index_mark_cache_size",
    "primary_index_cache_size",
    "query_condition_cache_size",
)
"""The engine's caches that are used at all."""
_READING = {
    # to pack and unpack what stays in the process took 4 of the 10 s in which a million wide rows were read
    "output_format_arrow_compression_method": "none",
    # by default parts of less than a million rows are read whole, beside their index: to find one record of
    # ten million, in 105 parts, took three times the CPU
    "min_table_rows_to_use_projection_index": "0",
}
"""What a connection that reads is told of the engine."""


def open_backend(location: str, settings: StoreSettings) -> Store:
    """Return the store in the folder `location`. Raises: Refused, where the URL names no folder."""
    if not location:
        raise Refused(
            "store url: expected chdb:///absolute/folder or chdb://relative/folder, found no folder"
        )
    return ChdbStore(Path(location).absolute(), settings)


class ChdbStore(ClickHouseStore):
    """A store in the process.

    Writes are made in turn by one thread with one connection; reads have threads and connections of their
    own, so that no query delays an insert but by the cores that it takes. A connection's limits and its
    read-only mode are set when it is made and cannot be changed by what it is asked.
    """

    def __init__(self, folder: Path, settings: StoreSettings) -> None:
        super().__init__(settings)
        self._folder = folder
        self._held = ExitStack()
        self._reverted = RevertedBlocks()
        self._connections: list[Session] = []
        self._guard = threading.Lock()
        self._local = threading.local()
        self._writer: Session | None = None
        self._writing: ThreadPoolExecutor | None = None
        self._reading: ThreadPoolExecutor | None = None

    @override
    async def __aenter__(self) -> Self:
        self._held.enter_context(FolderLock(self._folder, "store"))
        self._writing = ThreadPoolExecutor(1, "store-write", give_way, (NICE,))
        self._reading = ThreadPoolExecutor(self._settings.readers, "store-read", give_way, (NICE,))
        try:
            self._writer = await _in(self._writing, self._connect)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    @override
    async def __aexit__(self, *exc: object) -> None:
        # Writes first: a reader's connection may keep the engine alive for the last of them.
        for pool in (self._writing, self._reading):
            if pool is not None:
                await asyncio.get_running_loop().run_in_executor(None, pool.shutdown)
        for connection in reversed(self._connections):
            await asyncio.get_running_loop().run_in_executor(None, connection.close)
        self._connections.clear()
        self._writer = self._writing = self._reading = None
        self._held.close()

    def _connect(self) -> Session:
        try:
            connection = Session(f"{self._folder}{_engine_options(self._settings.engine_max_bytes)}")
        except RuntimeError as error:
            raise Refused(
                f"store {self._folder}: expected to open it; another process may own it, or this one "
                f"has another store open; close that first: {first_line(str(error))}"
            ) from error
        with self._guard:
            self._connections.append(connection)
        return connection

    # --- write

    @override
    async def _execute(self, sql: str) -> None:
        await self._write(lambda writer: writer.query(sql))

    @override
    async def _append(self, tag: str, rows: pa.Table, settings: Mapping[str, str]) -> None:
        # The schema's names and types, a token of plain characters and numbers of ours alone are spliced.
        names = ", ".join(rows.schema.names)
        types = ", ".join(f"{column.name} {derive.clickhouse_type(column)}" for column in derive.columns(tag))
        quoted = types.replace("'", "\\'")
        how = ", ".join(f"{name} = '{value}'" for name, value in settings.items())

        def insert(writer: Session) -> None:
            # A file without a name and INSERT … SELECT: chdb's `send_insert` takes the bytes directly, but it
            # reports success where the disk is full; `Python(table)` fails on fixed-size bytes.
            with _unnamed_file() as file:
                self._check_room(rows.nbytes)
                write_stream(rows, file)
                file.flush()
                data = f"file('/dev/fd/{file.fileno()}', 'ArrowStream', '{quoted}')"
                try:
                    writer.query(f"INSERT INTO {tag} ({names}) SETTINGS {how} SELECT {names} FROM {data}")  # noqa: S608 (see above)
                finally:  # here, as a caller that is cancelled does not wait for it
                    if tag == "reorg":
                        self._reverted.forget()

        await self._write(insert)

    def _check_room(self, added_bytes: int) -> None:
        # The engine reserves room too, but where a write fails later it keeps a part that cannot be read.
        disk = os.statvfs(self._folder)
        free_bytes = disk.f_bavail * disk.f_frsize
        wanted_bytes = self._settings.free_min_bytes + 2 * added_bytes
        if free_bytes < wanted_bytes:
            raise Unreachable(
                f"store {self._folder}: expected {wanted_bytes} bytes free on its disk, found {free_bytes}; "
                "make room, it goes on by itself"
            )

    async def _write(self, work: Callable[[Session], object]) -> None:
        writer = self._writer
        assert writer is not None, "the store is used outside its `async with`"
        assert self._writing is not None

        def run() -> None:
            try:
                work(writer)
            except (RuntimeError, ChdbError) as error:
                kind = Refused if error_code(str(error)) in LASTING_ERRORS else Unreachable
                raise kind(f"store {self._folder}: expected to write: {first_line(str(error))}") from error
            except OSError as error:
                raise Unreachable(f"store {self._folder}: expected to write: {error}") from error

        await _in(self._writing, run)

    # --- read

    @override
    async def _reverted_blocks(self) -> Sequence[RevertedBlock] | None:
        return await self._reverted.now(self._own)

    @override
    async def engine_bytes(self) -> int | None:
        told = await self._ask(_ENGINE_BYTES_SQL, {}, self._settings.limits)
        return int(told["bytes"][0].as_py())

    @override
    async def _ask(
        self,
        sql: str,
        params: Mapping[str, str],
        limits: QueryLimits,
        settings: Mapping[str, str] | None = None,
    ) -> pa.Table:
        assert self._reading is not None, "the store is used outside its `async with`"

        bind = {name: bound(value) for name, value in params.items()}
        how = {**limit_settings(limits), **(settings or {})}

        def run() -> pa.Table:
            try:
                answer: Any = self._reader(how).query(sql, "ArrowStream", params=bind)
                stream = answer.bytes()
                return pa.ipc.open_stream(stream).read_all() if stream else pa.table({})
            except (RuntimeError, ChdbError) as error:
                # What a failed query had already written would come before the next answer of its connection.
                self._drop_reader(how)
                raise Refused(f"sql: {first_line(str(error))}") from error

        return await _in(self._reading, run)

    def _reader(self, settings: Mapping[str, str]) -> Session:
        kept: dict[frozenset[tuple[str, str]], Session] = self._local.__dict__.setdefault("kept", {})
        key = frozenset(settings.items())
        if key not in kept:
            kept[key] = self._connect_reader(settings)
        return kept[key]

    def _connect_reader(self, settings: Mapping[str, str]) -> Session:
        connection = self._connect()
        # Read-only last, for it locks the settings too, its own included.
        how = ", ".join(f"{name} = '{value}'" for name, value in {**settings, **_READING}.items())
        connection.query(f"SET {how}")
        connection.query("SET readonly = 1")
        return connection

    def _drop_reader(self, settings: Mapping[str, str]) -> None:
        connection = self._local.__dict__.get("kept", {}).pop(frozenset(settings.items()), None)
        if connection is not None:
            self._close(connection)

    def _close(self, connection: Session) -> None:
        with self._guard:
            self._connections.remove(connection)
        connection.close()

    @override
    def _batches(self, sql: str, settings: Mapping[str, str]) -> Generator[pa.RecordBatch]:
        connection = self._connect_reader(settings)
        try:
            with connection.send_query(sql, "Arrow") as chunks:
                for chunk in chunks:
                    yield from pa.ipc.open_file(_memory_of(chunk)).read_all().to_batches()
        except (RuntimeError, ChdbError) as error:
            raise Refused(f"sql: {first_line(str(error))}") from error
        finally:
            self._close(connection)


def _engine_options(max_bytes: int | None) -> str:
    """Return what is told the engine when it is opened, of the memory that it may have."""
    if max_bytes is None:
        return ""
    caches = dict.fromkeys(_CACHES, max_bytes // 8 // len(_CACHES))
    options = {"max_server_memory_usage": max_bytes, **caches}
    return "?" + "&".join(f"{name}={value}" for name, value in options.items())


def _memory_of(chunk: Any) -> pa.Buffer:
    """Return the engine's own memory of an answer, which the buffer keeps alive.

    Copies of some megabytes, freed in other threads than they were made in, would stay with the allocator.
    """
    seen = pa.py_buffer(chunk.get_memview().view())
    return pa.foreign_buffer(seen.address, seen.size, chunk)


async def _in(pool: ThreadPoolExecutor, work: Callable[[], _Result]) -> _Result:
    return await asyncio.get_running_loop().run_in_executor(pool, work)


def _unnamed_file() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("tidemill-insert", os.MFD_CLOEXEC), "w+b")
    return TemporaryFile()
