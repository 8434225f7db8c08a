"""Carry every event from the bus into the store exactly once, across crashes, by offsets and tokens."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, TypeVar

import pyarrow as pa
from msgspec import Meta, Struct

from tidemill.bus import Bus, Consumer, Entry
from tidemill.bus.base import Poison
from tidemill.bus.dead_letters import DeadLetter, retry_topic, to_batches
from tidemill.schema.events import DERIVED, EVENTS
from tidemill.schema.faults import Fault, Gap, Unreachable
from tidemill.store.base import Store

_Positive = Annotated[int, Meta(ge=1)]
_Result = TypeVar("_Result")

_IDLE_WAIT_MS = 60_000
_BATCHES_A_READ = 256
_CLAIMS = "coverage"
"""The topic that says which rows are here: it is stored after them, so that the store never claims more than
it has, at whatever moment it is read or killed."""


class WriterSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [store.writer]."""

    rows_max: _Positive = 20_000
    """An insert holds about so many rows at most. Larger ones are no faster."""
    wait_ms_max: _Positive = 50
    """How long the first event of an insert waits for others: a fraction of the 250 ms to be queryable, and
    few enough parts a second for merges to keep up."""
    derived_wait_ms_max: _Positive = 500
    """The same of events that are computed of others: an insert costs something whatever it holds, and these
    would take every other one from what venues and chains tell."""
    backoff_max_ms: _Positive = 5_000
    """The longest pause before a failed insert is tried again; the first is 100 ms."""


class TopicStored(Struct):
    """What a writer has stored of one topic since it started."""

    next_offset: int = 0
    """Of all its partitions, added up, as `Bus.head` has it."""
    rows: int = 0
    inserts: int = 0
    insert_ns_sum: int = 0
    insert_ns_max: int = 0
    dead_letters: int = 0
    """Batches that could not be read, and were laid aside."""


class Writer:
    """Moves batches from the bus to the store, each topic, and each partition of it, by itself.

    Before an insert, the range of offsets is written to the bus; the insert's token names that range; after
    it, the offset moves on and the range is cleared in one commit. Whatever moment a crash hits, the same
    range is inserted again with the same token, and the store drops what it has.
    """

    def __init__(
        self,
        bus: Bus,
        store: Store,
        *,
        now_ns: Callable[[], int],
        settings: WriterSettings | None = None,
        consumer: str = "store",
        topics: Sequence[str] = tuple(EVENTS),
        on_fault: Callable[[Fault], None] = lambda _: None,
        on_stored: Callable[[str, int, int], None] = lambda *_: None,
    ) -> None:
        """Make a writer; `on_stored` is told topic, last offset and when it could be queried, ns."""
        self.stored = {topic: TopicStored() for topic in topics}
        """By topic; read it, never change it."""
        self._bus = bus
        self._store = store
        self._now_ns = now_ns
        self._settings = settings or WriterSettings()
        self._consumer = consumer
        self._on_fault = on_fault
        self._on_stored = on_stored
        self._faults = 0
        self._places: dict[str, dict[str, int]] = {topic: {} for topic in topics}
        """The next offset of each partition, by topic."""
        self._moved = asyncio.Condition()

    async def run(self) -> None:
        """Store what is on the bus and what comes, until cancelled; a cancelled run leaves nothing half done.

        Raises: Refused, where rows do not fit the tables; Gap, where the bus lost what was not yet stored.
        """
        parts: dict[str, list[str]] = {}
        for topic in self.stored:
            parts[topic] = await self._insisting(lambda topic=topic: self._bus.partitions(topic))
            self._places[topic] = dict.fromkeys(parts[topic], 0)
        existing = set(await self._insisting(self._bus.topics))
        async with asyncio.TaskGroup() as tasks:
            for topic, names in parts.items():
                again = retry_topic(self._consumer, topic)
                for part in (*names, *({again} & existing)):
                    tasks.create_task(self._carry(topic, part), name=f"store {part}")

    async def drain(self) -> None:
        """Wait until all that is on the bus now is stored; `run` must be running."""
        heads = await self._bus.heads(self.stored)
        async with self._moved:
            await self._moved.wait_for(lambda: all(self.stored[t].next_offset >= heads[t] for t in heads))

    async def is_drained(self) -> bool:
        """Say whether all that is on the bus now is stored."""
        heads = await self._bus.heads(self.stored)
        return all(self.stored[topic].next_offset >= head for topic, head in heads.items())

    async def _carry(self, topic: str, part: str) -> None:
        consumer = Consumer(self._bus, self._consumer, part)
        wait_ms = self._settings.derived_wait_ms_max if topic in DERIVED else self._settings.wait_ms_max
        await self._insisting(consumer.start)
        await self._repeat_open_intent(topic, part, consumer)
        await self._move(topic, part, consumer.next_offset)
        while True:
            try:
                entries = await self._insisting(lambda: self._gather(consumer, wait_ms))
            except Poison as poison:
                await self._lay_aside(topic, part, consumer, poison)
                continue
            if topic == _CLAIMS:
                await self._others_stored()
            intent = {self._intent_key(part): _range_value(entries[0].offset, entries[-1].offset)}
            await self._insisting(lambda intent=intent: self._bus.commit([], intent))
            await self._insert(topic, part, entries)
            await self._finish(topic, part, consumer, entries[-1].offset + 1)

    async def _lay_aside(self, topic: str, part: str, consumer: Consumer, poison: Poison) -> None:
        letter = DeadLetter(self._now_ns(), self._consumer, part, poison.offset, str(poison), poison.stored)
        changes = consumer.state_after(poison.offset + 1)
        await self._insisting(lambda: self._bus.commit(to_batches(letter), changes))
        self._on_fault(poison)
        self.stored[topic].dead_letters += 1
        consumer.skip(poison.offset + 1)
        await self._move(topic, part, consumer.next_offset)

    async def _repeat_open_intent(self, topic: str, part: str, consumer: Consumer) -> None:
        found = await self._insisting(lambda: self._bus.get(self._intent_key(part)))
        if found is None:
            return
        first, last = int.from_bytes(found[:8], "big"), int.from_bytes(found[8:], "big")
        entries: list[Entry] = []
        while consumer.next_offset <= last:
            wanted = last + 1 - consumer.next_offset
            read = await consumer.next(batches_max=wanted, wait_ms=0)
            if not read:
                raise Gap(f"store {part}: expected batches {first} to {last} on the bus, {last} is missing")
            entries += [entry for entry in read if entry.offset <= last]
        consumer.skip(last + 1)  # where offsets leave some out, more than the range was read
        await self._insert(topic, part, entries)
        await self._insert_lacking(topic, entries)
        await self._finish(topic, part, consumer, last + 1)

    async def _others_stored(self) -> None:
        """Wait until the rows are stored that were committed with what was just read, or before it."""
        others = [topic for topic in self.stored if topic != _CLAIMS]
        heads = await self._insisting(lambda: self._bus.heads(others))
        async with self._moved:
            await self._moved.wait_for(lambda: all(self.stored[t].next_offset >= heads[t] for t in heads))

    async def _gather(self, consumer: Consumer, wait_ms: int) -> list[Entry]:
        entries: list[Entry] = []
        while not entries:
            entries = await consumer.next(batches_max=_BATCHES_A_READ, wait_ms=_IDLE_WAIT_MS)
        rows = sum(entry.batch.num_rows for entry in entries)
        if rows < self._settings.rows_max:
            await asyncio.sleep(wait_ms / 1000)
        while rows < self._settings.rows_max:
            more = await self._more(consumer)
            if not more:
                break
            entries += more
            rows += sum(entry.batch.num_rows for entry in more)
        return entries

    async def _more(self, consumer: Consumer) -> list[Entry]:
        """Return what there is beyond what was gathered; none where that cannot be had now."""
        try:
            return await consumer.next(batches_max=_BATCHES_A_READ, wait_ms=0)
        except (Poison, Unreachable):
            return []  # what was gathered first: the next one to gather meets it again

    async def _insert(self, topic: str, part: str, entries: list[Entry]) -> None:
        first, last = entries[0].offset, entries[-1].offset
        # The bus's identity, for offsets of another bus at the same place would mean other batches.
        token = f"{self._bus.identity}/{part}/{first}-{last}"
        batches = [entry.batch for entry in entries]
        begun_ns = self._now_ns()
        faults_before = self._faults
        rows = await self._insisting(lambda: self._store.insert(topic, batches, token))
        if self._faults != faults_before:
            await self._insert_lacking(topic, entries)
        stored_ns = self._now_ns()
        counts = self.stored[topic]
        counts.rows += rows
        counts.inserts += 1
        counts.insert_ns_sum += stored_ns - begun_ns
        counts.insert_ns_max = max(counts.insert_ns_max, stored_ns - begun_ns)
        if [part] == list(self._places[topic]):
            self._on_stored(topic, last, stored_ns)

    async def _insert_lacking(self, topic: str, entries: list[Entry]) -> None:
        """Insert what a repeated insert left out.

        The engine notes a token before it has the rows; what is killed between, or fails there, is taken for
        done from then on.
        """
        batches = [entry.batch for entry in entries if entry.batch.num_rows]
        if not batches:
            return
        rows = await self._insisting(lambda: self._store.lacking(topic, batches))
        while rows.num_rows:
            token = f"{self._bus.identity}/{topic}/lacking-{secrets.token_hex(8)}"
            await self._insisting(lambda token=token, rows=rows: self._store.insert(topic, rows, token))
            rows = await self._insisting(lambda rows=rows: self._store.lacking(topic, rows))
        first_ns, last_ns = _times(batches)
        await self._insisting(lambda: self._store.settle(topic, first_ns, last_ns + 1))

    async def _finish(self, topic: str, part: str, consumer: Consumer, next_offset: int) -> None:
        changes = {**consumer.state_after(next_offset), self._intent_key(part): None}
        await self._insisting(lambda: self._bus.commit([], changes))
        await self._move(topic, part, next_offset)

    async def _move(self, topic: str, part: str, next_offset: int) -> None:
        async with self._moved:
            if part in self._places[topic]:  # what is given again is beside the topic
                self._places[topic][part] = next_offset
            self.stored[topic].next_offset = sum(self._places[topic].values())
            self._moved.notify_all()

    async def _insisting(self, act: Callable[[], Awaitable[_Result]]) -> _Result:
        """Try until it works; what may be repeated here has the same effect as once."""
        pause_ms = 100
        while True:
            try:
                return await act()
            except Unreachable as fault:
                self._faults += 1
                self._on_fault(fault)
            await asyncio.sleep(pause_ms / 1000)
            pause_ms = min(2 * pause_ms, self._settings.backoff_max_ms)

    def _intent_key(self, part: str) -> bytes:
        return f"intent/{self._consumer}/{part}".encode()


def _times(batches: Sequence[pa.RecordBatch]) -> tuple[int, int]:
    times = [moment for batch in batches for moment in batch.column("event_ns").cast(pa.int64()).to_pylist()]
    return min(times), max(times)


def _range_value(first: int, last: int) -> bytes:
    return first.to_bytes(8, "big") + last.to_bytes(8, "big")
