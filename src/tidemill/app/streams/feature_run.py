"""Make the record of every arbitrage transaction from what is on the bus, exactly once over restarts.

The records and the place in `arbitrage` are committed together; a checkpoint of the windows, with the places
that it was made at, after some blocks. A restart reads again what came after it, which brings the windows to
where they were; nothing is told twice.
"""

import asyncio
import re
from collections import deque
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
_BLOCK = "block"
_BESIDE = (_BLOCK, _REORG, *(topic for topic in TOPICS if topic not in {ASKED, _BLOCK}))
"""Blocks are first: they say how far the others are wanted."""
_INSPECTED = re.compile(rb"inspect/(.*)/block")
"""Where inspection keeps its place in `block`, in one commit with the arbitrages that it found before it."""
_BEHIND_BLOCKS_MAX = 10_000
"""Inspection that is further behind is not waited for, nor a chain that was silent for longer: the bus holds
what is waited for."""
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
        self._sources: set[str] = set()
        """The chains that were read of."""
        self._heard: dict[str, int] = {}
        """Of each chain whose windows hold something, where `block` was when it was read of last."""
        self._ends: dict[str, deque[tuple[int, int]]] = {}
        """Of each chain, offsets in `block` and the last block there, that are not inspected yet."""
        self._inspected: dict[str, int] = {}
        """The last block of each chain that is inspected, of those whose inspection is known."""
        self.turns = asyncio.Lock()
        """Held by whoever uses a book: it works in a thread, so that the loop goes on."""
        self.records = 0
        """Records made since the start."""

    @property
    def too_late_rows(self) -> int:
        """Rows that came too late for the windows."""
        return sum(book.too_late_rows for book in self._books.values())

    @property
    def next_offset(self) -> int | None:
        """The offset in `arbitrage` that is read next; None where features are not made."""
        return self._next.get(ASKED)

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
        places = await self._inspected_places()  # read first: what was found before them is on the bus then
        asked = await self._bus.read(ASKED, self._next[ASKED], batches_max=_READ_BATCHES, wait_ms=wait_ms)
        is_all = (asked[-1].offset + 1 if asked else self._next[ASKED]) >= await self._bus.head(ASKED)
        reach: dict[str, int] = {}
        for entry in asked:
            for source, batch in _by_source(entry.batch):
                reach[source] = max(reach.get(source, -1), _last_block(batch))
        taken: dict[str, list[Taken]] = {}
        for topic in _BESIDE:
            async for source, one in self._beside(topic, places, reach):
                if topic == _REORG:
                    self.book(source).revert(one.batch, one.offset)
                else:
                    taken.setdefault(source, []).append(one)
            if topic == _BLOCK:
                self._note_inspected(places if is_all else {name: 0 for name in places})
                reach |= {one: max(reach.get(one, -1), block) for one, block in self._inspected.items()}
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
            book, inspected = self.book(source), self._inspected.get(source)
            async with self.turns:
                made = await asyncio.to_thread(book.take, batches, inspected)
            records += [(RECORD, record) for record in made]
        told = max(self._told, self._next[ASKED])
        if records or told != self._told:
            await commit(records, {_TOLD: offset_value(told)})
        self._told = told
        self.records += sum(record.num_rows for _, record in records)
        for source in taken:
            self._heard[source] = self._next[_BLOCK]
            async with self.turns:
                await asyncio.to_thread(self.book(source).mark)
        heard_min = self._next[_BLOCK] - _BEHIND_BLOCKS_MAX
        for source in [source for source, at in self._heard.items() if at < heard_min]:
            async with self.turns:
                await asyncio.to_thread(self.book(source).settle)
            del self._heard[source]
        if state := await self._state():
            await commit([], state)

    async def _state(self) -> dict[bytes, bytes | None]:
        """Return what keeps the windows, where a checkpoint is new."""
        state: dict[bytes, bytes | None] = {}
        for source, book in self._books.items():
            if book.checkpoint_block > self._kept.get(source, -1):
                self._kept[source] = book.checkpoint_block
                state[_CHECKPOINT + source.encode()] = await asyncio.to_thread(book.checkpoint)
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
        for key, checkpoint in await self._bus.state(_CHECKPOINT):
            source = key.removeprefix(_CHECKPOINT).decode()
            if state:  # places were let go, so what came after the checkpoint may be gone
                state[key] = None
                continue
            try:
                async with self.turns:
                    self.book(source).load(checkpoint)
            except Malformed:  # another version's features: the windows begin anew with what the bus has
                self._books.pop(source)
                continue
            self._kept[source], self._heard[source] = self._books[source].checkpoint_block, self._next[_BLOCK]
        if state:
            await self._bus.commit([], state)

    async def _inspected_places(self) -> dict[str, int]:
        """Return the offset in `block` up to which each chain is inspected, of those that are."""
        least = await self._bus.head(_BLOCK) - _BEHIND_BLOCKS_MAX
        found = [(_INSPECTED.fullmatch(key), place) for key, place in await self._bus.state(b"inspect/")]
        return {
            key[1].decode(): max(int.from_bytes(place, "big"), least)
            for key, place in found
            if key is not None
        }

    def _note_inspected(self, places: Mapping[str, int]) -> None:
        """Take note of the last block of each chain before its place: all of its arbitrages are here."""
        for source, place in places.items():
            ends, inspected = self._ends.get(source, deque()), self._inspected.get(source, -1)
            while ends and ends[0][0] < place:
                inspected = max(inspected, ends.popleft()[1])
            self._inspected[source] = inspected

    async def _beside(
        self, topic: str, places: Mapping[str, int], reach: Mapping[str, int]
    ) -> AsyncIterator[tuple[str, Taken]]:
        """Yield what is wanted of a topic, by chain: to what was inspected, or all where nothing inspects."""
        head = await self._bus.head(topic)
        while self._next[topic] < head and self._is_wanted(topic, places, reach):
            entries = await self._bus.read(topic, self._next[topic], batches_max=_READ_BATCHES)
            for entry in entries:
                self._next[topic] = entry.offset + 1
                for source, batch in _by_source(entry.batch):
                    self._sources.add(source)
                    self._reached[topic, source] = _last_block(batch)
                    if topic == _BLOCK:
                        ends = self._ends.setdefault(source, deque(maxlen=_BEHIND_BLOCKS_MAX))
                        ends.append((entry.offset, _last_block(batch)))
                    yield source, Taken(topic, entry.offset, batch)

    def _is_wanted(self, topic: str, places: Mapping[str, int], reach: Mapping[str, int]) -> bool:
        if topic == _REORG or not places or self._sources - places.keys():
            return True
        if topic == _BLOCK and any(self._next[topic] < place for place in places.values()):
            return True
        return any(self._reached.get((topic, one), -1) <= block for one, block in reach.items())


def _last_block(batch: pa.RecordBatch) -> int:
    return pc.max(batch.column("block_number")).as_py() or 0


def _by_source(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    sources = pc.unique(batch.column("source")).to_pylist()
    for source in sources:
        mine = batch if len(sources) == 1 else batch.filter(pc.equal(batch.column("source"), source))
        yield source, mine
