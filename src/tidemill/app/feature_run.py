"""Make the record of every arbitrage transaction from what is on the bus, exactly once over restarts.

The records and the place in `arbitrage` are committed together; a checkpoint of the windows, with the places
that it was made at, after some blocks. A restart reads again what came after it, which brings the windows to
where they were; nothing is told twice.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping

import pyarrow as pa

from tidemill.bus import Bus
from tidemill.bus.base import State, consumer_key, offset_value
from tidemill.core.arrow import pc
from tidemill.process.features.book import RECORD, TOPICS, FeatureBook, Taken
from tidemill.process.features.config import FeatureConfig
from tidemill.process.features.words import ASKED
from tidemill.process.pools import Batches
from tidemill.schema.faults import Malformed
from tidemill.store.tail import release

CONSUMER = "features"
_READ_BATCHES = 256
_IDLE_MS = 1_000
_REORG = "reorg"
_BESIDE = (_REORG, *(topic for topic in TOPICS if topic != ASKED))
_TOLD = b"features/told"
"""The offset in `arbitrage` after the last whose record is on the bus."""
_CHECKPOINT = b"features/checkpoint/"
"""With the chain's name: the windows as they were at the consumer's offsets."""

Commit = Callable[[Batches, State], Awaitable[None]]


class FeatureRun:
    """Makes records of all chains' arbitrages."""

    def __init__(self, bus: Bus, config: FeatureConfig) -> None:
        self._bus = bus
        self._config = config
        self._books: dict[str, FeatureBook] = {}
        self._kept: dict[str, int] = {}
        """The block of each chain's checkpoint that is on the bus."""
        self._next: dict[str, int] = {}
        """The offset that is read next, by topic."""
        self._told = 0
        self._reached: dict[tuple[str, str], int] = {}
        """The last block that was read of each topic and chain."""
        self.records = 0
        """Records made since the start."""

    @property
    def too_late_rows(self) -> int:
        """Rows that came too late for the windows."""
        return sum(book.too_late_rows for book in self._books.values())

    async def run(self, commit: Commit) -> None:
        """Make records until cancelled; `commit` is awaited with what came of it.

        Raises: Malformed, where the bus has what is no event; Gap, where it lost what is needed.
        """
        if not self._config.enabled:
            await release(self._bus, CONSUMER, (*_BESIDE, ASKED))
            return
        await self._start()
        while True:
            await self.turn(commit, wait_ms=_IDLE_MS)

    async def turn(self, commit: Commit, *, wait_ms: int) -> None:
        """Take what is there, after waiting for so long at most, and commit what came of it."""
        if not self._next:
            await self._start()
        asked = await self._bus.read(ASKED, self._next[ASKED], batches_max=_READ_BATCHES, wait_ms=wait_ms)
        reach: dict[str, int] = {}
        for entry in asked:
            for source, batch in _by_source(entry.batch):
                reach[source] = max(reach.get(source, -1), _last_block(batch))
        taken: dict[str, list[Taken]] = {}
        for topic in _BESIDE:
            async for source, one in self._beside(topic, reach):
                if topic == _REORG:
                    self.book(source).revert(one.batch, one.offset)
                else:
                    taken.setdefault(source, []).append(one)
        for entry in asked:
            for source, batch in _by_source(entry.batch):
                found = Taken(ASKED, entry.offset, batch, is_told=entry.offset < self._told)
                taken.setdefault(source, []).append(found)
            self._next[ASKED] = entry.offset + 1
        if taken:
            await self._commit(taken, commit)

    async def _commit(self, taken: dict[str, list[Taken]], commit: Commit) -> None:
        records: Batches = []
        for source, batches in taken.items():
            records += [(RECORD, record) for record in self.book(source).take(batches)]
        told = max(self._told, self._next[ASKED])
        if records or told != self._told:
            await commit(records, {_TOLD: offset_value(told)})
        self._told = told
        self.records += sum(record.num_rows for _, record in records)
        for source in taken:
            self.book(source).mark()
        if state := self._state():
            await commit([], state)

    def _state(self) -> dict[bytes, bytes | None]:
        """Return what keeps the windows, where a checkpoint is new."""
        state: dict[bytes, bytes | None] = {}
        for source, book in self._books.items():
            if book.checkpoint_block > self._kept.get(source, -1):
                self._kept[source] = book.checkpoint_block
                state[_CHECKPOINT + source.encode()] = book.checkpoint()
        if state:
            needed = [book.needed() for book in self._books.values()]
            for topic in (*_BESIDE, ASKED):
                lowest = min((one[topic] for one in needed if topic in one), default=self._next[topic])
                state[consumer_key(CONSUMER, topic)] = offset_value(min(lowest, self._next[topic]))
        return state

    def book(self, source: str) -> FeatureBook:
        """Return the windows of a chain."""
        if source not in self._books:
            self._books[source] = FeatureBook(self._config.late_blocks_max)
        return self._books[source]

    async def _start(self) -> None:
        for key, checkpoint in await self._bus.state(_CHECKPOINT):
            source = key.removeprefix(_CHECKPOINT).decode()
            try:
                self.book(source).load(checkpoint)
            except Malformed:  # another version's features: the windows begin anew with what the bus has
                self._books.pop(source)
                continue
            self._kept[source] = self._books[source].checkpoint_block
        told = await self._bus.get(_TOLD)
        self._told = 0 if told is None else int.from_bytes(told, "big")
        state: dict[bytes, bytes | None] = {}
        for topic in (*_BESIDE, ASKED):
            key = consumer_key(CONSUMER, topic)
            kept = await self._bus.get(key)
            first = await self._bus.first(topic)
            self._next[topic] = first if kept is None else int.from_bytes(kept, "big")
            if kept is None:
                state[key] = offset_value(first)
        if state:
            await self._bus.commit([], state)

    async def _beside(self, topic: str, reach: Mapping[str, int]) -> AsyncIterator[tuple[str, Taken]]:
        """Yield what is there of a topic by chain: to the blocks of `reach`, or all where it names none."""
        head = await self._bus.head(topic)
        while self._next[topic] < head and self._is_short(topic, reach):
            entries = await self._bus.read(topic, self._next[topic], batches_max=_READ_BATCHES)
            for entry in entries:
                self._next[topic] = entry.offset + 1
                for source, batch in _by_source(entry.batch):
                    self._reached[topic, source] = _last_block(batch)
                    yield source, Taken(topic, entry.offset, batch)

    def _is_short(self, topic: str, reach: Mapping[str, int]) -> bool:
        return not reach or any(self._reached.get((topic, one), -1) <= block for one, block in reach.items())


def _last_block(batch: pa.RecordBatch) -> int:
    return pc.max(batch.column("block_number")).as_py() or 0


def _by_source(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    sources = pc.unique(batch.column("source")).to_pylist()
    for source in sources:
        mine = batch if len(sources) == 1 else batch.filter(pc.equal(batch.column("source"), source))
        yield source, mine
