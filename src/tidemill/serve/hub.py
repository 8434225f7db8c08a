"""Tell every client what comes on the bus: once read, once filtered and encoded for all that ask the same."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence, Set
from contextlib import aclosing
from typing import Any, NamedTuple

import pyarrow as pa
from msgspec import Struct

from tidemill.bus.base import Batches, Poison
from tidemill.schema import derive
from tidemill.schema.events import EVENTS
from tidemill.schema.faults import Fault, Gap, Refused, Unreachable
from tidemill.serve.across import Across
from tidemill.serve.filters import matching
from tidemill.serve.newest import Newest, Reverted
from tidemill.serve.place import Place
from tidemill.store import Condition

FRAME_ROWS_MAX = 1_000
WINDOW_S = 0.04
"""What comes within it goes out together: 25 frames a second at the most to each client."""
_WAITING_FRAMES_MAX = 256
"""A client that has so many to take is dropped: 10 s of frames."""
_GATHER_MAX_S = 0.5
"""So long at the most it gathers while most clients have the frame before to take: they take fewer frames."""
_QUIET_S = 5.0
"""So often is told how far all came of which nothing is wanted: who goes on from there reads less again."""
_INBOX_MAX = 20_000
"""Commits that wait for the server's loop; more than minutes of them."""
_TAIL_BATCHES = 256
"""Of each topic, read as the server starts."""
_BEGIN_S = 30.0
_READ_BATCHES = 16


class Wish(NamedTuple):
    """What a client wants of one topic."""

    tag: str
    where: tuple[Condition, ...]
    fields: tuple[str, ...] | None
    """All by default."""
    encode: Callable[[str, pa.RecordBatch], Sequence[Any]]
    """Makes of rows what is sent: one value, or one for each event."""
    is_each: bool
    """Whether each event is a frame of its own."""
    key: tuple[object, ...]
    """Equal for clients that want the same in the same form."""


class Frame(Struct):
    """Some events, encoded, and the place after them."""

    tag: str
    place: Place
    body: Any
    """None where nothing of what came is wanted, and only the place moves."""
    message: dict[str, Any] | None = None
    """What is sent to all WebSockets that are at this place, once it was made."""


Take = Callable[[Frame], bool]
"""Sends a frame at once; False, and nothing is sent, where the client has something to take before."""


class Dropped(Unreachable):
    """A client took less than came; it may go on from its last cursor."""


class Subscription:
    """The frames that wait for one client."""

    def __init__(self, take: Take | None = None) -> None:
        self.frames: deque[Frame] = deque()
        self.reason: str | None = None
        """Why there will be no more."""
        self._take = take
        self._grown = asyncio.Event()
        self._is_idle = False
        """Whether all that came is sent, and the next frame waited for."""

    def offer(self, frames: Sequence[Frame]) -> None:
        """Send frames at once, or add them; where there are too many, drop them all, and say why."""
        if self._take is not None and self._is_idle and not self.frames:
            # to wake a task that sends a frame costs twice what sending it does
            sent = next((place for place, frame in enumerate(frames) if not self._take(frame)), len(frames))
            frames = frames[sent:]
        if not frames:
            return
        if self.reason is None and len(self.frames) + len(frames) > max(_WAITING_FRAMES_MAX, len(frames)):
            waiting = len(self.frames)
            self.end(f"stream: expected the client to take its frames, {waiting} wait; go on from the cursor")
        if self.reason is None:
            self.frames.extend(frames)
            self._grown.set()

    def end(self, reason: str) -> None:
        """Let nothing more come."""
        self.reason = reason
        self.frames.clear()
        self._grown.set()

    async def next(self) -> Frame:
        """Return the next frame. Raises: Dropped."""
        while not self.frames:
            if self.reason is not None:
                raise Dropped(self.reason)
            self._grown.clear()
            self._is_idle = True
            try:
                await self._grown.wait()
            finally:
                self._is_idle = False
        return self.frames.popleft()


class _Group:
    """Clients that want the same."""

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.members: set[Subscription] = set()
        self._pending: list[tuple[int, pa.RecordBatch]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._sent_s = self._told_s = 0.0

    def take(self, offset: int, batch: pa.RecordBatch) -> None:
        self._pending.append((offset, batch))
        if self._timer is None:
            loop = asyncio.get_running_loop()
            due_s = max(self._sent_s + WINDOW_S, loop.time())
            self._timer = loop.call_at(due_s, self._flush_when_taken)

    def _flush_when_taken(self) -> None:
        """Send what waits, once most clients took the frame before, or it waited too long."""
        self._timer = None
        loop = asyncio.get_running_loop()
        busy = sum(bool(member.frames) for member in self.members)
        if busy * 2 > len(self.members) and loop.time() - self._sent_s < _GATHER_MAX_S:
            self._timer = loop.call_later(WINDOW_S / 4, self._flush_when_taken)
        else:
            self.flush()

    def flush(self) -> None:
        """Send what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._sent_s = asyncio.get_running_loop().time()
        pending, self._pending = self._pending, []
        found = frames(self.wish, pending)
        if not found and pending and self._sent_s - self._told_s > _QUIET_S:
            found = [Frame(self.wish.tag, Place(pending[-1][0] + 1), None)]
        if found:
            self._told_s = self._sent_s
            for member in tuple(self.members):
                member.offer(found)


def frames(wish: Wish, batches: Sequence[tuple[int, pa.RecordBatch]], first_row: int = 0) -> list[Frame]:
    """Return what a client is sent of batches, from row `first_row` of the first on."""
    pieces = list(_pieces(wish, batches, first_row))
    if wish.is_each:
        return [
            Frame(wish.tag, Place(offset, row + 1), body)
            for offset, numbers, rows in pieces
            for row, body in zip(numbers, wish.encode(wish.tag, rows), strict=True)
        ]
    found: list[Frame] = []
    while pieces:
        together = [pieces.pop(0)]
        total = len(together[0].numbers)
        while pieces and total + len(pieces[0].numbers) <= FRAME_ROWS_MAX:
            total += len(pieces[0].numbers)
            together.append(pieces.pop(0))
        last = together[-1]
        rows = pa.Table.from_batches([piece.rows for piece in together])
        found.append(
            Frame(wish.tag, Place(last.offset, last.numbers[-1] + 1), wish.encode(wish.tag, rows)[0])
        )
    return found


class _Piece(NamedTuple):
    offset: int
    numbers: Sequence[int]
    """Of the rows in their batch."""
    rows: pa.RecordBatch


def _pieces(wish: Wish, batches: Sequence[tuple[int, pa.RecordBatch]], first_row: int) -> Iterator[_Piece]:
    for offset, batch in batches:
        for start in range(first_row, batch.num_rows, FRAME_ROWS_MAX):
            part = batch.slice(start, FRAME_ROWS_MAX)
            numbers, rows = matching(wish.tag, part, wish.where)
            if numbers:
                shown = rows if wish.fields is None else rows.select(list(wish.fields))
                yield _Piece(offset, [start + number for number in numbers], shown)
        first_row = 0


class Hub:
    """What comes on the bus, for everybody; lives in the server's event loop."""

    def __init__(self, program: Across) -> None:
        self._program = program
        self.newest = {tag: Newest(tag) for tag in EVENTS}
        self.reverted = Reverted()
        self._has_all_reverted = False
        """Whether it knows the blocks too that were reverted before it began."""
        self._heads: dict[str, int] = {}
        """The offset that comes next; of topics that were begun."""
        self._partitioned: set[str] = set()
        """Topics whose batches have offsets of their partitions': nothing of them can be read again."""
        self._groups: dict[tuple[object, ...], _Group] = {}
        self._inbox: deque[tuple[Batches, list[int]]] = deque()
        self._begun = asyncio.Event()
        self._early: list[tuple[Batches, list[int]]] | None = []
        """What came before it was begun; None afterwards."""
        self._has_lost = False

    async def run(self) -> None:
        """Take what comes until cancelled; begin with what the bus has."""
        loop = asyncio.get_running_loop()

        def tell(batches: Batches, offsets: list[int]) -> None:  # in the program's loop
            if len(self._inbox) >= _INBOX_MAX:
                self._has_lost = True
                return
            self._inbox.append((batches, offsets))
            if len(self._inbox) == 1:
                loop.call_soon_threadsafe(self._take)

        async with self._program.listening(tell):
            now_ns = (await self._program.state()).now_ns
            stored = await self._stored()
            for tag in ("reorg", *(tag for tag in EVENTS if tag != "reorg")):
                await self._begin(tag, now_ns, is_stored=tag in stored)
            early, self._early = self._early or [], None
            for batches, offsets in early:
                self._spread(batches, offsets)
            self._begun.set()
            await asyncio.Event().wait()

    async def begun(self) -> None:
        """Wait until it knows what the bus has. Raises: Unreachable, where that takes too long."""
        try:
            async with asyncio.timeout(_BEGIN_S):
                await self._begun.wait()
        except TimeoutError:
            raise Unreachable("stream: expected the bus to be read by now; ask again") from None

    def head(self, tag: str) -> int:
        """Return the offset that comes next, once it is begun."""
        return self._heads[tag]

    async def _stored(self) -> Set[str]:
        """Return the topics of which the store may have rows that the bus never had: of another bus."""
        try:
            return {size.table for size in await self._program.sizes() if size.rows}
        except Fault:  # it is away: what it has is not known
            return EVENTS.keys()

    async def _begin(self, tag: str, now_ns: int, *, is_stored: bool) -> None:
        """Fill the newest rows of a topic, `reorg` first; `now_ns` is after all that was there before."""
        first, head = await self._program.span(tag)
        start = max(first, head - _TAIL_BATCHES)
        try:
            entries = [entry async for entry in self._read(tag, start, head)]
        except Refused:
            self._partitioned.add(tag)
            self._heads[tag] = 0
            return
        is_whole = start == 0 and not is_stored
        if tag == "reorg":
            self._has_all_reverted = is_whole
        # a block from before it began may be one that it does not know to be reverted
        is_known = self._has_all_reverted or not derive.has_block(tag)
        self.newest[tag].begin(is_whole=is_whole and is_known)
        for _, batch in entries:
            self._keep(tag, batch)
        self.newest[tag].trust(now_ns)
        self._heads[tag] = max(head, entries[-1][0] + 1) if entries else head

    def _take(self) -> None:
        while self._inbox:
            batches, offsets = self._inbox.popleft()
            if self._early is not None:
                self._early.append((batches, offsets))
            else:
                self._spread(batches, offsets)
        if self._has_lost:
            self._has_lost = False
            for group in self._groups.values():
                for member in group.members:
                    member.end("stream: expected the server to keep up, it did not; go on from the cursor")
            for newest in self.newest.values():
                newest.begin(is_whole=False)

    def _spread(self, batches: Batches, offsets: list[int]) -> None:
        for (tag, batch), offset in zip(batches, offsets, strict=True):
            if tag not in EVENTS or (offset < self._heads[tag] and tag not in self._partitioned):
                continue
            self._heads[tag] = offset + 1
            self._keep(tag, batch)
            for group in self._groups.values():
                if group.wish.tag == tag:
                    group.take(offset, batch)

    def _keep(self, tag: str, batch: pa.RecordBatch) -> None:
        self.newest[tag].add(batch)
        if tag == "reorg":
            self.reverted.add(batch)
            for other, newest in self.newest.items():
                if derive.has_block(other):
                    newest.version += 1

    async def _read(
        self, tag: str, offset: int, head: int | None = None
    ) -> AsyncIterator[tuple[int, pa.RecordBatch]]:
        """Yield batches up to `head`, or those of one reading. Raises: Gap, where they were trimmed."""
        while head is None or offset < head:
            try:
                entries = await self._program.read(tag, offset, _READ_BATCHES)
            except Poison as fault:  # a batch that nobody can read
                offset = fault.offset + 1
                continue
            for entry in entries:
                offset = entry.offset + 1
                yield entry.offset, entry.batch
            if head is None or not entries:
                return

    async def follow(
        self, wish: Wish, start: Place | None, take: Take | None = None
    ) -> AsyncGenerator[Frame, None]:
        """Yield what is wanted from `start` on, or what comes from now on, without a gap or a repeat.

        Frames that `take` takes, while the next one is waited for, are not yielded.

        Raises: Gap, where `start` was trimmed, or lies ahead of the bus; Dropped, where the client is slow.
        """
        await self.begun()
        place = start or Place(self.head(wish.tag))
        if place.offset > self.head(wish.tag):
            raise Gap(f"cursor: expected up to {self.head(wish.tag)} of {wish.tag}, found {place.offset}")
        while place.offset < self.head(wish.tag):
            reached = place.offset
            async for offset, batch in self._read(wish.tag, place.offset):
                for frame in frames(wish, [(offset, batch)], place.row if offset == place.offset else 0):
                    yield frame
                reached = offset + 1
            if reached == place.offset:  # what is left was poison, or is Kafka's own
                reached = self.head(wish.tag)
            place = Place(reached)
            yield Frame(wish.tag, place, None)
        async with aclosing(self._live(wish, take)) as live:
            async for frame in live:
                yield frame

    async def _live(self, wish: Wish, take: Take | None) -> AsyncGenerator[Frame, None]:
        group = self._groups.setdefault(wish.key, _Group(wish))
        group.flush()  # of what waits there, it has all
        member = Subscription(take)
        group.members.add(member)
        try:
            while True:
                yield await member.next()
        finally:
            group.members.discard(member)
            if not group.members:
                group.flush()
                self._groups.pop(wish.key, None)

    @property
    def clients(self) -> Mapping[str, int]:
        """How many take each topic now."""
        counted: dict[str, int] = {}
        for group in self._groups.values():
            counted[group.wish.tag] = counted.get(group.wish.tag, 0) + len(group.members)
        return counted
