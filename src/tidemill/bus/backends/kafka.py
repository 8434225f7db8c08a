"""Keep topics on a Kafka cluster: every commit is a transaction, and many processes read."""

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Self, TypeVar

from typing_extensions import override

from tidemill.bus.base import Batches, Bus, BusSettings, Entry, Poison, State, check_commit
from tidemill.bus.codec import check_schema
from tidemill.bus.intake import Intake
from tidemill.bus.kafka_client import KafkaClient, Lane, location_of
from tidemill.bus.kafka_codec import Outgoing, decode, messages_of
from tidemill.bus.kafka_commit import Transactions
from tidemill.bus.kafka_config import KafkaSettings, topic_settings
from tidemill.bus.kafka_ends import Ends
from tidemill.bus.kafka_fetch import Fetcher
from tidemill.bus.kafka_group import KafkaGroup
from tidemill.bus.kafka_scan import Record
from tidemill.bus.kafka_state import StateTable
from tidemill.bus.waiting import Growth, wait_until
from tidemill.core.rate import Rate
from tidemill.schema.faults import Gap, Malformed, Refused, Unreachable

_Result = TypeVar("_Result")

_PARTITION = re.compile(r"(.+)\.(\d+)")
_CERTAIN_S = 30.0
"""How long a batch that is there may take to come."""
_START_S = 60.0
_START_RETRY_S = 0.2
_NEW_TOPIC_S = 0.5
"""How often a reader looks whether its topic is made."""


def open_backend(location: str, settings: BusSettings, is_reader: bool, kafka: KafkaSettings) -> Bus:
    """Return the bus of the cluster and prefix that `location` names. Raises: Refused."""
    return KafkaBus(KafkaClient(location_of(location), kafka, settings), is_reader=is_reader)


class _Commit(NamedTuple):
    batches: Batches
    changes: State
    done: asyncio.Future[list[int]]


class KafkaBus(Bus):
    """A bus on Kafka: a topic of ours is a topic there, the state is a compacted one.

    Commits that wait for the one under way go together, in the next transaction: each still happens wholly
    or not at all. Kafka itself trims topics, by `retention_ms`; it does not wait for consumers.
    """

    def __init__(self, client: KafkaClient, *, is_reader: bool) -> None:
        self._client = client
        self._is_reader = is_reader
        self._identity = ""
        self._state = StateTable(client)
        self._ends = Ends(client)
        self._transactions = Transactions(client, self._state)
        self._growth = Growth()
        self._waiting: list[_Commit] = []
        self._under_way: asyncio.Future[None] | None = None
        self._looked_s = 0.0
        self._sent = Rate()

    @property
    @override
    def identity(self) -> str:
        return self._identity

    @property
    @override
    def sent_per_s(self) -> float | None:
        return self._sent.per_s(time.monotonic_ns())

    async def __aenter__(self) -> Self:
        self._asking = ThreadPoolExecutor(1, thread_name_prefix="kafka ask")
        self._committing = ThreadPoolExecutor(1, thread_name_prefix="kafka commit")
        self._fetcher = Fetcher(self._client)
        try:
            await self._insisting(self._open)
        except BaseException:
            await self._close()
            raise
        return self

    def _open(self) -> None:
        self._client.make_state()
        self._identity = self._client.identity()
        self._state.open()
        if not self._is_reader:
            self._transactions.open()

    async def _insisting(self, open_all: Callable[[], None]) -> None:
        """Open it, and wait a while for a cluster that begins itself."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + _START_S
        while True:
            try:
                return await self._in(self._committing, open_all)
            except Unreachable:
                if loop.time() > deadline_s:
                    raise
            await asyncio.sleep(_START_RETRY_S)

    async def __aexit__(self, *exc: object) -> None:
        if self._under_way is not None:
            await asyncio.wait([self._under_way], timeout=_CERTAIN_S)
        await self._close()

    async def _close(self) -> None:
        self._transactions.close()
        for pool in (self._committing, self._asking):
            await asyncio.to_thread(pool.shutdown)
        await asyncio.to_thread(self._fetcher.close)
        await asyncio.to_thread(self._state.close)

    # --- write

    @override
    async def commit(self, batches: Batches, state: State | None = None) -> list[int]:
        if self._is_reader:
            raise Refused("bus kafka: expected to be a writer to commit, it was opened for reading")
        changes = dict(state or {})
        check_commit(batches, changes)
        for _, batch in batches:
            check_schema(batch.schema)
        done: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Commit(batches, changes, done))
        self._begin()
        return await done

    def _begin(self) -> None:
        """Have what waits committed, unless something is being committed: then it goes after it."""
        if self._under_way is not None or not self._waiting:
            return
        loop = asyncio.get_running_loop()
        taken, self._waiting = self._waiting, []
        self._under_way = loop.create_future()

        def work() -> None:
            outcome = self._transact(taken)
            loop.call_soon_threadsafe(self._committed, taken, outcome)

        self._committing.submit(work)

    def _committed(self, taken: list[_Commit], outcome: list[list[int]] | BaseException) -> None:
        under_way, self._under_way = self._under_way, None
        assert under_way is not None
        under_way.set_result(None)
        for number, one in enumerate(taken):
            if one.done.done():
                continue  # who asked was cancelled
            if isinstance(outcome, BaseException):
                one.done.set_exception(outcome)
            else:
                one.done.set_result(outcome[number])
        self._growth.told({topic for one in taken for topic, _ in one.batches})
        self._begin()

    def _transact(self, taken: list[_Commit]) -> list[list[int]] | BaseException:
        try:
            self._client.make_topics({topic for one in taken for topic, _ in one.batches})
            messages: list[Outgoing] = []
            lasts: list[list[tuple[str, int]]] = []
            for one in taken:
                lasts.append([])
                for topic, batch in one.batches:
                    messages += messages_of(self._client, topic, batch)
                    lasts[-1].append((topic, len(messages) - 1))
                messages += self._changes(one.changes)
            offsets = self._transactions.run(messages)
        except BaseException as fault:
            return fault
        self._sent.add(len(messages), time.monotonic_ns())
        for message, offset in zip(messages, offsets, strict=True):
            self._ends.sent(message.lane, offset)
        return [[self._offset(topic, offsets[last]) for topic, last in of_one] for of_one in lasts]

    def _changes(self, changes: State) -> list[Outgoing]:
        lane = self._client.state_lane
        return [Outgoing(lane, self._state.state_key(key), value) for key, value in changes.items()]

    def _offset(self, topic: str, last: int) -> int:
        lanes = self._lanes(topic)
        return last if len(lanes) == 1 else sum(self._ends.known(lane) for lane in lanes) - 1

    # --- read

    @override
    async def read(self, topic: str, offset: int, *, batches_max: int, wait_ms: int = 0) -> list[Entry]:
        deadline_s = asyncio.get_running_loop().time() + wait_ms / 1000
        while True:
            try:
                return await self._read_until(topic, offset, batches_max, deadline_s)
            except Unreachable:
                # Who waits for news has none; who asks what there is must be told that it cannot be known.
                if not wait_ms:
                    raise
            await asyncio.sleep(_START_RETRY_S)

    async def _read_until(self, topic: str, offset: int, batches_max: int, deadline_s: float) -> list[Entry]:
        loop = asyncio.get_running_loop()
        while True:
            grown = self._growth.next(topic)
            lane = self._lane(topic) or await self._ask(lambda: self._find(topic))
            if lane is not None:
                return await self._read(lane, topic, offset, batches_max, deadline_s)
            if not await wait_until(grown, min(deadline_s, loop.time() + _NEW_TOPIC_S)) and (
                loop.time() >= deadline_s
            ):
                return []

    async def _read(
        self, lane: Lane, topic: str, offset: int, batches_max: int, deadline_s: float
    ) -> list[Entry]:
        loop = asyncio.get_running_loop()
        certain_s: float | None = None
        # Who asks what there is gets what this process committed, though it was not fetched yet.
        own_end, own_s = self._ends.known(lane), loop.time() + _CERTAIN_S
        while True:
            records, is_full = self._fetcher.now(lane, offset, batches_max)
            if records:
                after = records[-1].offset + 1
                if after < own_end and not is_full and deadline_s <= loop.time() < own_s:
                    await self._fetcher.until(lane, after, own_s)
                    continue
                await self._told_of(lane, records[-1])
                return self._entries(topic, records)
            if not self._fetcher.holds(lane, offset):
                first = (await self._ask(lambda: self._client.firsts([lane])))[lane]
                if offset < first:
                    raise Gap(f"bus kafka {topic}: expected offset {offset}, the oldest kept is {first}")
            if certain_s is None and loop.time() >= deadline_s:
                if (await self._ask(lambda: self._ends.heads([lane])))[lane] <= offset:
                    return []
                certain_s = loop.time() + _CERTAIN_S
            if certain_s is not None and loop.time() >= certain_s:
                raise Unreachable(f"bus kafka {topic}: expected the batch after offset {offset}, none came")
            await self._fetcher.until(lane, offset, certain_s or deadline_s)

    async def _told_of(self, lane: Lane, last: Record) -> None:
        """Wait until the commit that made the record, if it is ours, has returned: heads are right then."""
        if self._under_way is not None and last.offset >= self._ends.known(lane):
            await asyncio.wait([self._under_way])

    def _entries(self, topic: str, records: list[Record]) -> list[Entry]:
        entries: list[Entry] = []
        for record in records:
            try:
                batch = decode(record.value, f"bus kafka {topic} offset {record.offset}")
            except Malformed as fault:
                if entries:
                    break
                raise Poison(str(fault), record.offset, record.value or b"") from fault
            entries.append(Entry(record.offset, batch))
        return entries

    @override
    async def partitions(self, topic: str) -> list[str]:
        count = self._client.partitions(topic) or await self._ask(
            lambda: self._client.partitions(topic, refresh=True)
        )
        count = count or topic_settings(self._client.settings, topic).partitions
        return [topic] if count == 1 else [f"{topic}.{number}" for number in range(count)]

    @override
    def intake(self, group: str, topics: Sequence[str], *, batches_max: int = 1_000) -> Intake:
        return KafkaGroup(self._client, group, topics)

    @override
    async def waiting(self, group: str, topics: Sequence[str]) -> dict[str, int]:
        def ask() -> dict[str, int]:
            self._client.refresh()
            lanes = {lane: f"{topic}.{lane.partition}" for topic in topics for lane in self._lanes(topic)}
            places = self._client.places(self._client.location.named(group), lanes)
            ends = self._client.ends(places, committed=True)
            return {lanes[lane]: max(ends[lane] - place, 0) for lane, place in places.items()}

        return await self._ask(ask)

    @override
    async def first(self, topic: str) -> int:
        return await self._ask(lambda: sum(self._client.firsts(self._lanes(topic)).values()))

    @override
    async def head(self, topic: str) -> int:
        return (await self.heads([topic]))[topic]

    @override
    async def heads(self, topics: Iterable[str]) -> dict[str, int]:
        asked = list(topics)

        def ask() -> dict[str, int]:
            lanes = {topic: self._lanes(topic) for topic in asked}
            if any(not found for found in lanes.values()):
                self._client.refresh()
                lanes = {topic: self._lanes(topic) for topic in asked}
            heads = self._ends.heads([lane for found in lanes.values() for lane in found])
            return {topic: sum(heads[lane] for lane in found) for topic, found in lanes.items()}

        return await self._ask(ask)

    @override
    async def topics(self) -> list[str]:
        def ask() -> list[str]:
            topics = [self._client.topic_of(name) for name in self._client.refresh()]
            lanes = {topic: self._lanes(topic) for topic in topics if topic is not None}
            ends = self._client.ends([lane for found in lanes.values() for lane in found], committed=True)
            return sorted(topic for topic, found in lanes.items() if any(ends[lane] for lane in found))

        return await self._ask(ask)

    @override
    async def state(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        return await self._ask(lambda: self._state.under(prefix))

    @override
    async def get(self, key: bytes) -> bytes | None:
        return await self._ask(lambda: self._state.get(key))

    def _lanes(self, topic: str) -> list[Lane]:
        """Return the partitions of a topic, or the one that it names; none where it does not exist."""
        count = self._client.partitions(topic)
        if count is not None:
            return [Lane(self._client.name_of(topic), number) for number in range(count)]
        one = _PARTITION.fullmatch(topic)
        if one is not None and self._client.partitions(one[1]) is not None:
            return [Lane(self._client.name_of(one[1]), int(one[2]))]
        return []

    def _lane(self, topic: str) -> Lane | None:
        lanes = self._lanes(topic)
        if len(lanes) > 1:
            raise Refused(
                f"bus kafka {topic}: expected one of its {len(lanes)} partitions, such as {topic}.0"
            )
        return lanes[0] if lanes else None

    def _find(self, topic: str) -> Lane | None:
        self._client.refresh()
        return self._lane(topic)

    async def _ask(self, work: Callable[[], _Result]) -> _Result:
        return await self._in(self._asking, work)

    async def _in(self, pool: ThreadPoolExecutor, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(pool, work)
