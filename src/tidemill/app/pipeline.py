"""Join one chain's follower, its pools and the bus: the same object live, in a replay and in a benchmark."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
from msgspec import Struct

from tidemill._rust import Head
from tidemill.app.digest import Digest
from tidemill.bus import Bus
from tidemill.chains.evm.steps import Change, Reread, Restored, Reverted, Sealed, Step
from tidemill.core.clock import Clock
from tidemill.core.latency import Latency
from tidemill.process.autopsy import AutopsyBook
from tidemill.process.opportunities import OpportunityFinder
from tidemill.process.pools import Batches, PoolBook
from tidemill.process.whales.book import NOTHING_TOLD, WhaleBook
from tidemill.schema import derive
from tidemill.schema.events import Health, TokenTrial
from tidemill.schema.faults import Fault, Unreachable
from tidemill.store.ledger import Ledger

_log = logging.getLogger("tidemill.pipeline")

_USUAL_BLOCKS_MAX = 4
"""More come where the chain is caught up with; then events wait for the autopsies."""
_RETRY_FIRST_S = 0.1
_RETRY_MAX_S = 5.0
_COUNTED = (
    "swap",
    "liquidity_change",
    "pool_state",
    "pool",
    "block",
    "book_change",
    "trade",
    "wallet_trade",
    "whale_trade",
)
"""Topics whose frames are timed on their way; the others are told by us and not by chain or venue."""


class Flow:
    """Times every event from its frame to the bus, and from its frame to the store."""

    def __init__(self, *, is_stored: bool = True) -> None:
        """Make one; `is_stored` says whether a store takes what is on the bus."""
        self._is_stored = is_stored
        self.to_bus = Latency()
        self.to_store = Latency()
        self.rows: Counter[str] = Counter()
        """Events committed to the bus, by topic."""
        self.heads: dict[str, int] = {}
        """The offset that the next batch of each topic gets, as far as it is known."""
        self._waiting: dict[str, deque[tuple[int, list[tuple[int, int]]]]] = {}

    @property
    def events(self) -> int:
        """Events committed to the bus."""
        return self.rows.total()

    def committed(self, batches: Batches, offsets: Sequence[int], now_ns: int) -> None:
        """Count what is on the bus now."""
        for (topic, batch), offset in zip(batches, offsets, strict=True):
            self.rows[topic] += batch.num_rows
            self.heads[topic] = offset + 1
            if topic not in _COUNTED:
                continue
            received = _received(batch)
            for recv_ns, rows in received:
                self.to_bus.add(now_ns - recv_ns, rows)
            if self._is_stored:
                self._waiting.setdefault(topic, deque(maxlen=100_000)).append((offset, received))

    def stored(self, topic: str, last_offset: int, stored_ns: int) -> None:
        """Count what can be queried now: everything of `topic` up to `last_offset`."""
        waiting = self._waiting.get(topic)
        while waiting and waiting[0][0] <= last_offset:
            for recv_ns, rows in waiting.popleft()[1]:
                self.to_store.add(stored_ns - recv_ns, rows)


def _received(batch: pa.RecordBatch) -> list[tuple[int, int]]:
    """Return the distinct receive times of the rows, each with its count."""
    counted = batch.column("recv_ns").cast(pa.int64()).value_counts()
    return [(item["values"], item["counts"]) for item in counted.to_pylist()]


class ChainPipeline:
    """Takes a follower's steps; commits what came of each, with its state, in one transaction."""

    def __init__(
        self,
        book: PoolBook,
        bus: Bus,
        clock: Clock,
        *,
        flow: Flow | None = None,
        digest: Digest | None = None,
        finder: OpportunityFinder | None = None,
        autopsy: AutopsyBook | None = None,
        whales: WhaleBook | None = None,
        on_batches: Callable[[Batches], None] | None = None,
        on_untried: Callable[[Mapping[bytes, bytes]], None] | None = None,
    ) -> None:
        self.book = book
        self.flow = flow
        self.digest = digest
        self.tip: int | None = None
        """Number of the newest block committed."""
        self.faults: deque[Fault] = deque(maxlen=100)
        """The last ones."""
        self.fault_count = 0
        self.is_bus_up = True
        """Whether the last commit found room."""
        self.ledger = Ledger()
        """What this run has told of its completeness."""
        self.endpoints: dict[str, Health] = {}
        """The last that was told of each."""
        self._bus = bus
        self._clock = clock
        self._finder = finder
        self.autopsy = autopsy
        """The opportunities that are followed, where any are."""
        self._newest: tuple[Head, int] | None = None
        """The newest block, where it is a new one, and when it was read."""
        self.whales = whales
        """The wallets that trade on the chain's exchanges, where it has any."""
        self._committing = asyncio.Lock()
        self._on_batches = on_batches
        self._on_untried = on_untried
        """Is told of tokens that are to be tried, each with a holder."""
        pa.array([0])  # a process's first takes 0.2 s, as pyarrow loads pandas: before any block waits

    async def take(self, step: Step) -> tuple[bytes, ...]:
        """Apply one step and commit it; wait while the bus has no room.

        Returns the pools, by their names, that contradict their logs since then and must be read anew.

        Raises: Unsafe, where a block is to be undone that no longer can be; what was committed stays whole.
        """
        async with self._committing:
            return await self._take(step)

    async def take_told(self, trades: Sequence[pa.RecordBatch], state: Mapping[bytes, bytes | None]) -> None:
        """Take venues' trades with wallets, and commit what came of them together with `state`."""
        assert self.whales is not None, "a chain without exchanges settles nobody's trades"
        async with self._committing:
            for batch in trades:
                self.whales.told(batch, self._clock.now_ns())
            told = self.whales.take()
            await self._commit_told(told.whales, {**told.state, **state})

    async def _commit_told(self, batches: Batches, state: dict[bytes, bytes | None]) -> None:
        offsets = await self._commit(batches, state)
        if self.flow is not None:
            self.flow.committed(batches, offsets, self._clock.now_ns())
        if self._on_batches is not None:
            self._on_batches(batches)

    async def _take(self, step: Step) -> tuple[bytes, ...]:
        tip = self._apply(step)
        applied, drifted = self.book.take(), self.book.take_drifted()
        told = self.whales.take() if self.whales is not None else NOTHING_TOLD
        for fault in (*step.faults, *applied.faults, *told.faults):
            self.note(fault)
            _log.warning("%s: %s", type(fault).__name__, fault)
        recorded = [*applied.batches, *told.trades, *batches_of(step.events)]
        batches, state = [*recorded, *told.whales], {**applied.state, **told.state, **step.state}
        if self.autopsy is not None:
            ended, kept = self.autopsy.take()
            batches, state = [*batches, *ended], {**state, **kept}
        state |= self._learn(step)
        self.endpoints.update((event.endpoint, event) for event in step.events if isinstance(event, Health))
        self.ledger.tell(step.events)
        if not batches and not state:
            return drifted
        offsets = await self._commit(batches, state)
        self.tip = tip if tip is not None else self.tip
        if self.flow is not None:
            self.flow.committed(batches, offsets, self._clock.now_ns())
        if self.digest is not None:
            # Not all replays search, and none knows the registry: they have nothing of these to follow.
            self.digest.add(recorded)
        if self._on_batches is not None:
            self._on_batches(batches)
        await self._catch_up()
        await self._search(step)
        return drifted

    def _learn(self, step: Step) -> dict[bytes, bytes | None]:
        """Tell the search of the tokens that were tried; return the state to keep."""
        tokens = None if self._finder is None else self._finder.tokens
        if tokens is None:
            return {}
        for event in step.events:
            if isinstance(event, TokenTrial):
                tokens.tell(event)
        return tokens.take_state()

    async def _search(self, step: Step) -> None:
        """Look for what pays after the step's blocks, once they are committed; nothing waits for it.

        What a crash loses is found again: a new run begins with a search of all pools.
        """
        self._newest = newest = _newest(step, self._newest)
        if self._finder is None or newest is None or not step.blocks:
            return
        found = self._finder.find(self.book.pools, self.book.take_touched(), *newest)
        if self._finder.tokens is not None and self._on_untried is not None:
            self._on_untried(self._finder.tokens.take_wanted())
        state: dict[bytes, bytes | None] = {}
        if self.autopsy is not None:
            self.autopsy.open(found, newest[0])
            _, state = self.autopsy.take()
        await self._tell(found, state)

    async def search_books(self, touched: Sequence[bytes], recv_ns: int) -> None:
        """Look for what pays through order books that changed, by what the finder's `books` named them."""
        if self._finder is None:
            return
        async with self._committing:
            if self.autopsy is not None:
                self.autopsy.take_books(touched)
            found: Batches = []
            if self._newest is not None:
                found = self._finder.find(self.book.pools, touched, self._newest[0], recv_ns)
                if self.autopsy is not None:
                    self.autopsy.open(found, self._newest[0])
            ended, state = self.autopsy.take() if self.autopsy is not None else ([], {})
            await self._tell([*ended, *found], state)

    async def _tell(self, found: Batches, state: dict[bytes, bytes | None]) -> None:
        if found or state:
            await self._commit(found, state)
        if found and self._on_batches is not None:
            self._on_batches(found)

    async def _catch_up(self) -> None:
        """Have the autopsies follow the step's blocks, once these are committed: no event waits for it.

        A run that a crash ends before is done begins with it.
        """
        if self.autopsy is None:
            return
        self.autopsy.catch_up()
        ended, state = self.autopsy.take()
        if ended or state:
            await self._commit(ended, state)
        if ended and self._on_batches is not None:
            self._on_batches(ended)

    def note(self, fault: Fault) -> None:
        """Keep a fault for who asks how the chain fares."""
        self.faults.append(fault)
        self.fault_count += 1

    def _apply(self, step: Step) -> int | None:
        tip: int | None = None
        self.book.snapshot(step.snapshots)
        if self.autopsy is not None:
            self.autopsy.reread(one.address for one in step.snapshots)
        for block in step.blocks:
            match block:
                case Sealed():
                    self.book.seal(block.heads, block.logs, block.recv_ns)
                    tip = block.heads[-1].number
                case Reverted():
                    self.book.revert(block.head, block.recv_ns, block.sequence)
                    tip = block.head.number - 1
                case Restored():
                    self.book.restore(block.head, block.logs, block.recv_ns, block.new_log_indexes)
                    tip = block.head.number
                case Reread():
                    self.book.reread(block.pools, block.sequence)
            if self.autopsy is not None:
                _follow(self.autopsy, block, is_later=_is_usual(step))
            if self.whales is not None:
                _watch(self.whales, block, self._clock.now_ns())
        return tip

    async def _commit(self, batches: Batches, state: dict[bytes, bytes | None]) -> list[int]:
        wait_s = _RETRY_FIRST_S
        while True:
            try:
                offsets = await self._bus.commit(batches, state)
            except (
                Unreachable
            ) as fault:  # a full disk: nothing was written, and nothing more is read until it was
                self.is_bus_up = False
                self.note(fault)
                _log.error("%s", fault)
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, _RETRY_MAX_S)
            else:
                self.is_bus_up = True
                return offsets


def _is_usual(step: Step) -> bool:
    """Whether the chain went on by a few blocks, and nothing else happened."""
    return len(step.blocks) <= _USUAL_BLOCKS_MAX and all(
        isinstance(block, Sealed) and len(block.heads) == 1 for block in step.blocks
    )


def _follow(autopsy: AutopsyBook, block: Change, *, is_later: bool) -> None:
    """Hand a change of the chain to the autopsies, once the pools have it."""
    match block:
        case Sealed() if is_later:
            autopsy.fall_behind(block.heads, block.logs, block.recv_ns)
        case Sealed():
            autopsy.seal(block.heads, block.logs, block.recv_ns)
        case Reverted():
            autopsy.revert(block.head, block.recv_ns, block.sequence)
        case Restored():
            autopsy.restore(block.head)
        case Reread():
            autopsy.reread(one.address for one in block.pools)


def _watch(whales: WhaleBook, block: Change, now_ns: int) -> None:
    """Hand a change of the chain to who watches its wallets."""
    match block:
        case Sealed():
            whales.seal(block.heads, block.logs, block.recv_ns, now_ns)
        case Reverted():
            whales.revert(block.head, block.recv_ns, block.sequence, now_ns)
        case Restored():
            times, change = (block.recv_ns, now_ns), (block.sequence, block.new_log_indexes)
            whales.restore(block.head, block.logs, times, change)
        case Reread():
            pass


def _newest(step: Step, before: tuple[Head, int] | None) -> tuple[Head, int] | None:
    """Return the new block that the step ends with, and when it was read; None where it ends otherwise.

    What paid after a block that is restored was told before it was reverted. Pools that are read anew are so
    after the block `before` them.
    """
    newest = before
    for block in step.blocks:
        match block:
            case Sealed():
                newest = block.heads[-1], block.recv_ns[-1]
            case Reverted() | Restored():
                newest = None
            case Reread():
                pass
    return newest


def batches_of(events: Sequence[Struct]) -> Batches:
    """Return events of several kinds as batches, kind by kind, each in order."""
    kinds: dict[str, list[Struct]] = {}
    for event in events:
        kinds.setdefault(str(event.__struct_config__.tag), []).append(event)
    return [(tag, derive.to_batch(kind)) for tag, kind in kinds.items()]
