"""Keep topics in an LMDB folder: one process writes, several read, and `kill -9` loses nothing."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Self, TypeVar

from typing_extensions import override

from tidemill.bus.base import Batches, Bus, BusSettings, Entry, State, check_commit
from tidemill.bus.lmdb_log import LmdbLog
from tidemill.bus.ownership import FolderLock
from tidemill.bus.retention import TopicSpan
from tidemill.bus.waiting import Growth, wait_until
from tidemill.schema.faults import Refused, Unreachable

_Result = TypeVar("_Result")

_AT_ONCE_BYTES_MAX = 1 << 20
"""A commit up to this size is made on the event loop: it takes less than 1 ms, a thread's wake-up beside
other work up to 4 ms. Measured on blocks of 500 events, two cores shared with their node and traders."""

_AT_ONCE_READ_BYTES_MAX = 64 << 10
"""So much, by the topic's mean batch, is read on the event loop: decoding it takes some 0.1 ms."""


def open_backend(location: str, settings: BusSettings, is_reader: bool) -> Bus:
    """Return the bus in the folder `location`. Raises: Refused, where the URL names no folder."""
    if not location:
        raise Refused("bus url: expected lmdb:///absolute/folder or lmdb://relative/folder, found no folder")
    return LmdbBus(Path(location), settings, is_reader=is_reader)


class LmdbBus(Bus):
    """A bus in one LMDB environment.

    Reads and writes take turns: writes need that anyway, and a read takes far less than a commit. So no
    transaction is ever open while the environment is closed or opened anew. They run in a thread, but for
    small ones that need not wait for their turn. Another thread forces to disk what was committed, for
    that takes long enough for commits to wait.
    """

    def __init__(self, folder: Path, settings: BusSettings, *, is_reader: bool) -> None:
        self._folder = folder
        self._settings = settings
        self._is_reader = is_reader
        self._log = LmdbLog(folder, settings, is_reader=is_reader)
        self._growth = Growth()
        self._held = ExitStack()
        self._thread: ThreadPoolExecutor | None = None
        self._turn = threading.Lock()
        self._sync_thread = ThreadPoolExecutor(1, thread_name_prefix="bus sync")
        self._sync_timer: asyncio.TimerHandle | None = None
        self._sync_fault: Unreachable | None = None

    @property
    @override
    def identity(self) -> str:
        return self._log.identity

    async def __aenter__(self) -> Self:
        if not self._is_reader:
            self._held.enter_context(FolderLock(self._folder, "bus"))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bus")
        try:
            await self._run(self._log.open)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._sync_timer is not None:
            self._sync_timer.cancel()
        await self._close()
        self._growth.told(list(self._log.spans))

    @override
    async def commit(self, batches: Batches, state: State | None = None) -> list[int]:
        if self._is_reader:
            raise Refused(
                f"bus {self._folder}: expected to be its writer to commit, it was opened for reading"
            )
        if self._sync_fault is not None:
            fault, self._sync_fault = self._sync_fault, None
            raise fault
        assert self._thread is not None, "the bus is used outside its `async with`"
        changes = dict(state or {})
        check_commit(batches, changes)
        loop = asyncio.get_running_loop()
        topics = {topic for topic, _ in batches}
        if self._is_quick(batches) and self._turn.acquire(blocking=False):
            try:
                offsets = self._log.append(batches, changes)
            finally:
                self._turn.release()
            self._committed(topics)
            return offsets

        def append() -> list[int]:
            offsets = self._log.append(batches, changes)
            # From here and not after the await: a caller that was cancelled has still committed.
            loop.call_soon_threadsafe(self._committed, topics)
            return offsets

        return await self._run(append)

    @override
    async def read(self, topic: str, offset: int, *, batches_max: int, wait_ms: int = 0) -> list[Entry]:
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + wait_ms / 1000
        while True:
            grown = self._growth.next(topic)
            if self._is_reader or self._may_have(topic, offset):
                entries = self._read_at_once(topic, offset, batches_max)
                if entries is None:
                    entries = await self._run(lambda: self._log.read(topic, offset, batches_max))
                if entries:
                    return entries
            if loop.time() >= deadline_s:
                return []
            if self._is_reader:
                await wait_until(grown, min(deadline_s, loop.time() + self._settings.poll_ms / 1000))
            else:
                await wait_until(grown, deadline_s)

    @override
    async def first(self, topic: str) -> int:
        span = await self._span(topic)
        return 0 if span is None else span.first

    @override
    async def head(self, topic: str) -> int:
        span = await self._span(topic)
        return 0 if span is None else span.head

    @override
    async def topics(self) -> list[str]:
        return await self._run(self._log.topics)

    @override
    async def state(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        return await self._run(lambda: self._log.state(prefix))

    @override
    async def get(self, key: bytes) -> bytes | None:
        return await self._run(lambda: self._log.get(key))

    async def _span(self, topic: str) -> TopicSpan | None:
        if self._is_reader:
            return await self._run(lambda: self._log.span(topic))
        return self._log.spans.get(topic)  # nobody else writes

    def _may_have(self, topic: str, offset: int) -> bool:
        span = self._log.spans.get(topic)
        return span is not None and offset < span.head

    def _read_at_once(self, topic: str, offset: int, batches_max: int) -> list[Entry] | None:
        """Return what is there, where a thread would take longer; None where it is more."""
        span = self._log.spans.get(topic)
        if span is None or self._is_reader:
            return None
        count = min(span.head - offset, batches_max)
        if count * span.stored_bytes > _AT_ONCE_READ_BYTES_MAX * max(span.head - span.first, 1):
            return None
        if not self._turn.acquire(blocking=False):
            return None
        try:
            return self._log.read(topic, offset, batches_max)
        finally:
            self._turn.release()

    def _is_quick(self, batches: Batches) -> bool:
        """Whether a commit does not wait for the disk, and takes less than the event loop can spare."""
        return (
            self._settings.sync == "interval"
            and sum(batch.get_total_buffer_size() for _, batch in batches) <= _AT_ONCE_BYTES_MAX
        )

    async def _run(self, work: Callable[[], _Result]) -> _Result:
        assert self._thread is not None, "the bus is used outside its `async with`"

        def in_turn() -> _Result:
            with self._turn:
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._thread, in_turn)

    async def _close(self) -> None:
        if self._thread is not None:
            await self._run(self._log.close)
            self._thread.shutdown(wait=False)  # its last work is done
            self._thread = None
        self._sync_thread.shutdown(wait=False)
        self._held.close()

    def _committed(self, topics: set[str]) -> None:
        self._growth.told(topics)
        if self._settings.sync == "interval" and self._sync_timer is None:
            loop = asyncio.get_running_loop()
            self._sync_timer = loop.call_later(self._settings.sync_interval_ms / 1000, self._sync)

    def _sync(self) -> None:
        self._sync_timer = None
        if self._thread is not None:
            self._sync_thread.submit(self._log.sync).add_done_callback(self._synced)

    def _synced(self, done: Future[None]) -> None:
        fault = done.exception()
        if isinstance(fault, Unreachable):
            self._sync_fault = fault  # the next commit tells it: what it accepted before is not on disk
