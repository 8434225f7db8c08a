"""Carry new batches of some topics from the bus to a server that may be away: bounded, by a stated policy.

The bus is a log, so it is the buffer too: what waits for a server lies there, not in memory.
"""

import asyncio
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Annotated, NamedTuple, Protocol

import pyarrow as pa
from msgspec import Meta, Struct

from tidemill.bus import Bus
from tidemill.bus.base import Batches, consumer_key, offset_value
from tidemill.core.backoff import Backoff
from tidemill.schema.faults import Fault, Gap, Refused, Unreachable

_Positive = Annotated[int, Meta(ge=1)]

_BATCHES_A_READ = 256
_IDLE_WAIT_MS = 60_000
_HELD_ROWS_MAX = 20_000
"""So many rows wait in memory at most, beside one read of each topic."""
_GATHER_S = 0.008
"""Topics are read so often at most, and at the same times: batch by batch, what a busy venue tells cost more
than the sink, and what one message tells on several topics is to be put together."""
_RETRY_FIRST_MS = 100
_REMEMBER_S = 1.0
"""How often a place is kept: what a crash repeats is at most what came since."""


class WhenFull(StrEnum):
    """What becomes of events when more wait than are kept."""

    DROP_OLDEST = "drop_oldest"
    BLOCK = "block"


class TailSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a server that is away is waited for."""

    when_full: WhenFull = WhenFull.DROP_OLDEST
    """While the server is away, events wait on the bus. `drop_oldest`: beyond `behind_batches_max`, or
    `bus.retention_bytes`, the oldest are left out and counted. `block`: none is; where the bus is full
    (`bus.size_max_bytes`), nothing more is read until the server is back."""
    behind_batches_max: _Positive = 100_000
    """Of each topic, for `drop_oldest`: a minute of a busy venue has some 10,000."""
    backoff_max_ms: _Positive = 5_000
    """The longest pause before what failed is tried again; the first is 100 ms."""


class Sink(Protocol):
    """What takes batches: to take them twice has the same effect as once."""

    async def put(self, batches: Batches) -> None:
        """Take them. Raises: Unreachable, where it may be tried again; Refused, where it may not."""
        ...


class TailCounts(Struct):
    """What became of the batches since the start."""

    rows: int = 0
    """Taken by the sink."""
    dropped_batches: int = 0
    """Left out because the server was away for too long."""
    retries: int = 0
    is_up: bool = True
    """Whether what was tried last worked."""
    last_fault: str = ""


class _Held(NamedTuple):
    topic: str
    batch: pa.RecordBatch
    next_offset: int


class Tail:
    """Gives a sink what comes on some topics, from the place where it stopped before, or from now on."""

    def __init__(
        self,
        bus: Bus,
        sink: Sink,
        name: str,
        topics: Sequence[str],
        settings: TailSettings,
        *,
        rows_max: int = 2_000,
        linger_ms: int = 0,
        on_fault: Callable[[Fault], None] = lambda _: None,
    ) -> None:
        """Make one; a put begins after `linger_ms`, or at once where `rows_max` wait.

        What one put takes may exceed `rows_max` by a batch.
        """
        self.counts = TailCounts()
        """Read it, never change it."""
        self._bus = bus
        self._sink = sink
        self._name = name
        self._topics = tuple(topics)
        self._settings = settings
        self._rows_max = rows_max
        self._linger_s = linger_ms / 1_000
        self._on_fault = on_fault
        self._held: list[_Held] = []
        self._held_rows = 0
        self._changed = asyncio.Condition()
        self._places: dict[str, int] = {}
        """Where each topic begins."""
        self._done: dict[str, int] = {}
        """The offset after the last that the sink took, by topic; what is kept on the bus already is not."""

    async def start(self) -> None:
        """Find the place of each topic: what comes after this returns is carried. `run` does it too."""
        self._places = {topic: await self._start(topic) for topic in self._topics}

    async def run(self) -> None:
        """Carry until cancelled. Raises: Refused, where the sink may not be asked again."""
        if not self._places:
            await self.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                for topic, place in self._places.items():
                    tasks.create_task(self._read(topic, place), name=f"{self._name} {topic}")
                await self._carry()
        except* Refused:
            self._done.clear()
            await release(self._bus, self._name, self._topics)
            raise
        finally:
            await self._remember()

    async def _carry(self) -> None:
        loop = asyncio.get_running_loop()
        remembered_s = loop.time()
        while True:
            taken = await self._take()
            await self._insist([(one.topic, one.batch) for one in taken])
            self._done.update((one.topic, one.next_offset) for one in taken)
            if loop.time() - remembered_s > _REMEMBER_S:
                remembered_s = loop.time()
                await self._remember()

    async def _read(self, topic: str, place: int) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                entries = await self._bus.read(
                    topic, place, batches_max=_BATCHES_A_READ, wait_ms=_IDLE_WAIT_MS
                )
            except Gap:
                place = self._skip(place, await self._bus.first(topic))
                continue
            if not entries:
                continue
            await self._hold([_Held(topic, entry.batch, entry.offset + 1) for entry in entries])
            place = entries[-1].offset + 1
            if self._settings.when_full is WhenFull.DROP_OLDEST:
                place = self._skip(place, await self._bus.head(topic) - self._settings.behind_batches_max)
            await asyncio.sleep(_GATHER_S - loop.time() % _GATHER_S)

    def _skip(self, place: int, least: int) -> int:
        self.counts.dropped_batches += max(least - place, 0)
        return max(least, place)

    async def _start(self, topic: str) -> int:
        """Return where to begin; where the policy is another than before, keep the place in its way."""
        keys = _keys(self._name, topic)
        kept = [await self._bus.get(key) for key in keys]
        found = next((value for value in kept if value is not None), None)
        place = await self._bus.head(topic) if found is None else int.from_bytes(found, "big")
        await self._bus.commit([], self._state(topic, place))
        return place

    def _state(self, topic: str, place: int) -> dict[bytes, bytes | None]:
        consumer, remembered = _keys(self._name, topic)
        is_block = self._settings.when_full is WhenFull.BLOCK
        value = offset_value(place)
        return {consumer: value if is_block else None, remembered: None if is_block else value}

    async def _hold(self, entries: list[_Held]) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._held_rows < _HELD_ROWS_MAX)
            self._held += entries
            self._held_rows += sum(one.batch.num_rows for one in entries)
            self._changed.notify_all()

    async def _take(self) -> list[_Held]:
        """Wait for something, then until it is enough or has waited for long enough."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._held)
            if self._linger_s and self._held_rows < self._rows_max:
                try:
                    async with asyncio.timeout(self._linger_s):
                        await self._changed.wait_for(lambda: self._held_rows >= self._rows_max)
                except TimeoutError:
                    pass  # it waited for long enough
            rows = count = 0
            while count < len(self._held) and rows < self._rows_max:
                rows += self._held[count].batch.num_rows
                count += 1
            taken, self._held = self._held[:count], self._held[count:]
            self._held_rows -= rows
            self._changed.notify_all()
            return taken

    async def _insist(self, batches: Batches) -> None:
        backoff = Backoff(_RETRY_FIRST_MS, self._settings.backoff_max_ms)
        while True:
            try:
                await self._sink.put(batches)
            except Unreachable as fault:
                self.counts.retries += 1
                self._told(fault)
            except Refused as fault:
                self._told(fault)
                raise
            else:
                self.counts.is_up = True
                self.counts.rows += sum(batch.num_rows for _, batch in batches)
                return
            await asyncio.sleep(backoff.wait_s(0))

    def _told(self, fault: Fault) -> None:
        self.counts.is_up = False
        self.counts.last_fault = str(fault)
        self._on_fault(fault)

    async def _remember(self) -> None:
        done, self._done = self._done, {}
        state: dict[bytes, bytes | None] = {}
        for topic, place in done.items():
            state.update(self._state(topic, place))
        if not state:
            return
        try:
            await self._bus.commit([], state)
        except Unreachable as fault:  # a full bus: the place is kept with the next
            self._done = {**done, **self._done}
            self._on_fault(fault)


def _keys(name: str, topic: str) -> tuple[bytes, bytes]:
    """Return the key of a place that holds the bus, and of one that does not."""
    return consumer_key(name, topic), f"tail/{name}/{topic}".encode()


async def release(bus: Bus, name: str, topics: Sequence[str]) -> None:
    """Let the bus go on without a tail that is not run any more: it holds nothing for it."""
    state: dict[bytes, bytes | None] = {}
    for topic in topics:
        if await bus.get(consumer_key(name, topic)) is not None:
            state[consumer_key(name, topic)] = None
    if state:
        await bus.commit([], state)
