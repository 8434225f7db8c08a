"""Keep topics in this process's memory: for tests, replays and one-process pipelines; nothing survives it."""

import asyncio
import secrets
from collections import deque
from typing import NamedTuple, Self

import pyarrow as pa
from typing_extensions import override

from tidemill.bus.base import Batches, Bus, BusSettings, Entry, State, check_commit
from tidemill.bus.codec import SchemaEncoder
from tidemill.bus.retention import Floors, TopicSpan, topic_to_trim
from tidemill.bus.waiting import Growth, wait_until
from tidemill.schema.faults import Gap, Refused, Unreachable


def open_backend(location: str, settings: BusSettings, is_reader: bool) -> Bus:
    """Return an empty bus. Raises: Refused, where the URL has a location, or to read what nobody writes."""
    if location:
        raise Refused(f"bus url: expected memory:// and nothing after it, found memory://{location}")
    if is_reader:
        raise Refused("bus url: a memory:// bus belongs to one process; expected lmdb:// to read another's")
    return MemoryBus(settings)


class _Kept(NamedTuple):
    batch: pa.RecordBatch
    size_bytes: int
    """Kept, because to count it takes longer than all the rest."""


class MemoryBus(Bus):
    """A bus in memory; batches are shared, not copied."""

    def __init__(self, settings: BusSettings) -> None:
        self._settings = settings
        self._identity = secrets.token_hex(8)
        self._spans: dict[str, TopicSpan] = {}
        self._entries: dict[str, deque[_Kept]] = {}
        self._state: dict[bytes, bytes] = {}
        self._floors = Floors()
        self._encode_schema = SchemaEncoder()
        self._growth = Growth()

    @property
    @override
    def identity(self) -> str:
        return self._identity

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._growth.told(list(self._entries))

    @override
    async def commit(self, batches: Batches, state: State | None = None) -> list[int]:
        changes = state or {}
        check_commit(batches, changes)
        for topic, batch in batches:
            self._encode_schema(
                topic, batch.schema
            )  # for its check alone, so that what passes here passes on every bus
        sizes = [batch.get_total_buffer_size() for _, batch in batches]
        self._make_room(sum(sizes))
        offsets = [
            self._append(topic, batch, size_bytes)
            for (topic, batch), size_bytes in zip(batches, sizes, strict=True)
        ]
        for key, value in changes.items():
            if value is None:
                self._state.pop(key, None)
            else:
                self._state[key] = value
        self._floors.apply(changes)
        self._growth.told({topic for topic, _ in batches})
        return offsets

    @override
    async def read(self, topic: str, offset: int, *, batches_max: int, wait_ms: int = 0) -> list[Entry]:
        deadline_s = asyncio.get_running_loop().time() + wait_ms / 1000
        while True:
            grown = self._growth.next(topic)
            entries = self._read_now(topic, offset, batches_max)
            if entries or not wait_ms or not await wait_until(grown, deadline_s):
                return entries

    @override
    async def first(self, topic: str) -> int:
        return self._spans[topic].first if topic in self._spans else 0

    @override
    async def head(self, topic: str) -> int:
        return self._spans[topic].head if topic in self._spans else 0

    @override
    async def topics(self) -> list[str]:
        return sorted(self._spans)

    @override
    async def state(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        return sorted((key, value) for key, value in self._state.items() if key.startswith(prefix))

    @override
    async def get(self, key: bytes) -> bytes | None:
        return self._state.get(key)

    def _span(self, topic: str) -> TopicSpan:
        if topic not in self._spans:
            self._spans[topic] = TopicSpan(topic_id=len(self._spans))
            self._entries[topic] = deque()
        return self._spans[topic]

    def _append(self, topic: str, batch: pa.RecordBatch, size_bytes: int) -> int:
        span = self._span(topic)
        self._entries[topic].append(_Kept(batch, size_bytes))
        span.head += 1
        span.stored_bytes += size_bytes
        return span.head - 1

    def _make_room(self, added_bytes: int) -> None:
        while (topic := topic_to_trim(self._spans, self._floors, self._settings.retention_bytes)) is not None:
            gone = self._entries[topic].popleft()
            self._spans[topic].first += 1
            self._spans[topic].stored_bytes -= gone.size_bytes
        held = sum(span.stored_bytes for span in self._spans.values())
        if added_bytes and held + added_bytes > self._settings.size_max_bytes:
            raise Unreachable(
                f"bus memory://: expected room for {added_bytes} bytes, but {held} of "
                f"size_max_bytes = {self._settings.size_max_bytes} are held for its consumers"
            )

    def _read_now(self, topic: str, offset: int, batches_max: int) -> list[Entry]:
        span = self._spans.get(topic)
        if span is None:
            return []
        if offset < span.first:
            raise Gap(f"bus memory:// {topic}: expected offset {offset}, the oldest kept is {span.first}")
        kept = self._entries[topic]
        found: list[Entry] = []
        read_bytes = 0
        for index in range(offset - span.first, min(len(kept), offset - span.first + batches_max)):
            found.append(Entry(span.first + index, kept[index].batch))
            read_bytes += kept[index].size_bytes
            if read_bytes >= self._settings.read_bytes_max:
                break
        return found
