"""Join one chain's follower, its pools and the bus: the same object live, in a replay and in a benchmark."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from msgspec import Struct

from tidemill.app.chains.pursuit import NOTHING_PURSUED, BookNow, Pursued, Pursuit, Turn, is_usual
from tidemill.app.chains.pursuit_beside import PursuitBeside
from tidemill.app.insisting import commit_surely
from tidemill.app.recording.digest import Digest
from tidemill.bus import Bus
from tidemill.chains.evm.steps import Began, Change, Reread, Restored, Reverted, Sealed, Step
from tidemill.core.clock import Clock
from tidemill.core.latency import Latency, Times, times_of
from tidemill.process.pools import Batches, PoolBook
from tidemill.process.whales.book import NOTHING_TOLD, WhaleBook
from tidemill.schema import derive
from tidemill.schema.events import Health, TokenTrial
from tidemill.schema.faults import Fault
from tidemill.store.ledger import Ledger

if TYPE_CHECKING:
    from tidemill.app.traces import Traces

_log = logging.getLogger("tidemill.pipeline")

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
        self.listeners: list[Callable[[Batches, list[int]], None]] = []
        """Are told all that is committed, and at which offsets; each takes some microseconds."""
        self.traces: Traces | None = None
        """What traces some of it; None: nothing does."""
        self._waiting: dict[str, deque[tuple[int, Times]]] = {}

    @property
    def events(self) -> int:
        """Events committed to the bus."""
        return self.rows.total()

    def committed(
        self, batches: Batches, offsets: Sequence[int], now_ns: int, decoded_ns: int | None = None
    ) -> None:
        """Count what is on the bus now; `decoded_ns` is when its frames were read, where that is known."""
        all_received: list[Times] = []
        for (topic, batch), offset in zip(batches, offsets, strict=True):
            self.rows[topic] += batch.num_rows
            self.heads[topic] = offset + 1
            if topic not in _COUNTED:
                continue
            received = times_of(batch)
            all_received.append(received)
            if self._is_stored:
                self._waiting.setdefault(topic, deque(maxlen=100_000)).append((offset, received))
        if all_received:  # counted at once: topic by topic, it took several times as long
            self.to_bus.add_since(np.concatenate(all_received), now_ns)
        for told in self.listeners:
            told(batches, list(offsets))
        if self.traces is not None:
            self.traces.committed(batches, offsets, now_ns, decoded_ns)

    def stored(self, topic: str, last_offset: int, stored_ns: int) -> None:
        """Count what can be queried now: everything of `topic` up to `last_offset`."""
        waiting = self._waiting.get(topic)
        while waiting and waiting[0][0] <= last_offset:
            self.to_store.add_since(waiting.popleft()[1], stored_ns)
        if self.traces is not None:
            self.traces.stored(topic, last_offset, stored_ns)


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
        pursuit: Pursuit | None = None,
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
        self.pursuit = pursuit
        """What finds and follows opportunities, where any are looked for."""
        self._beside: PursuitBeside | None = None
        if pursuit is not None:
            # What is digested is compared with a replay, in which no step waits.
            self._beside = PursuitBeside(pursuit, self._pursued, searches_all=digest is not None)
        self.whales = whales
        """The wallets that trade on the chain's exchanges, where it has any."""
        self._committing = asyncio.Lock()
        self._on_batches = on_batches
        self._on_untried = on_untried
        """Is told of tokens that are to be tried, each with a holder."""

    async def take(self, step: Step) -> tuple[bytes, ...]:
        """Apply one step and commit it; wait while the bus has no room.

        Returns the pools, by their names, that contradict their logs since then and must be read anew.

        Raises: Unsafe, where a block is to be undone that no longer can be; what was committed stays whole.
        """
        beside, decoded_ns = self._beside, self._clock.now_ns()
        if beside is None or beside.can_wait(step):
            async with self._committing:
                return await self._take(step, decoded_ns, can_wait=True)
        async with beside.lock:
            await beside.work_off()
            async with self._committing:
                drifted = await self._take(step, decoded_ns, can_wait=is_usual(step))
            await beside.work_off()
            return drifted

    @property
    def is_pursued(self) -> bool:
        """Whether all that was committed was searched, and what came of it is committed."""
        return self._beside is None or self._beside.is_done

    async def pursue(self) -> None:
        """Search, and follow what is found, in a thread of its own from now on, until cancelled."""
        if self._beside is not None:
            await self._beside.run()

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
        if batches and self._on_batches is not None:
            self._on_batches(batches)

    async def _take(self, step: Step, decoded_ns: int, *, can_wait: bool) -> tuple[bytes, ...]:
        tip, turns = self._apply(step)
        applied, drifted = self.book.take(), self.book.take_drifted()
        told = self.whales.take() if self.whales is not None else NOTHING_TOLD
        pursued, left = NOTHING_PURSUED, dict[bytes, bytes | None]()
        if self._beside is not None and turns:
            if can_wait:
                left = self._beside.put(turns)
            else:
                pursued = await self._beside.follow(turns)
        self._warn((*step.faults, *applied.faults, *told.faults, *pursued.faults))
        recorded = [*applied.batches, *told.trades, *batches_of(step.events)]
        batches = [*recorded, *told.whales, *pursued.batches]
        state = {**applied.state, **told.state, **pursued.state, **left, **step.state}
        self.endpoints.update((event.endpoint, event) for event in step.events if isinstance(event, Health))
        self.ledger.tell(step.events)
        if batches or state:
            offsets = await self._commit(batches, state)
            self.tip = tip if tip is not None else self.tip
            if self.flow is not None:
                self.flow.committed(batches, offsets, self._clock.now_ns(), decoded_ns)
            if self.digest is not None:
                # Not all replays search, and none knows the registry: they have nothing of these to follow.
                self.digest.add(recorded)
            if self._on_batches is not None:
                self._on_batches(batches)
        if self._beside is not None:
            self._want(pursued)
            self._beside.start()
        return drifted

    def search_books(self, books: Sequence[BookNow], recv_ns: int) -> None:
        """Look for what pays through order books that changed."""
        if self._beside is not None:
            self._beside.put_books(books, recv_ns)

    async def _pursued(self, pursued: Pursued) -> None:
        """Commit what came of the pursuit.

        What a crash loses is found again: a new run begins with a search of all pools.
        """
        self._warn(pursued.faults)
        if pursued.batches or pursued.state:
            async with self._committing:
                await self._commit_told(pursued.batches, pursued.state)
        self._want(pursued)

    def _want(self, pursued: Pursued) -> None:
        if pursued.wanted and self._on_untried is not None:
            self._on_untried(pursued.wanted)

    def _warn(self, faults: Sequence[Fault]) -> None:
        for fault in faults:
            self.note(fault)
            _log.warning("%s: %s", type(fault).__name__, fault)

    def note(self, fault: Fault) -> None:
        """Keep a fault for who asks how the chain fares."""
        self.faults.append(fault)
        self.fault_count += 1

    def _apply(self, step: Step) -> tuple[int | None, list[Turn]]:
        """Hand a step to the pools and the whales; return the tip, and what the pursuit is to follow."""
        tip: int | None = None
        trials = tuple(event for event in step.events if isinstance(event, TokenTrial))
        turns = [self._turn((), trials)]
        # A turn has its pools as they are after all its blocks.
        for is_sealed, some in groupby(step.blocks, lambda block: isinstance(block, Sealed)):
            for blocks in [tuple(some)] if is_sealed else [(block,) for block in some]:
                for block in blocks:
                    tip = self._change(block, tip)
                turns.append(self._turn(blocks))
        return tip, [turn for turn in turns if any(turn)]

    def _turn(self, blocks: tuple[Change, ...], trials: tuple[TokenTrial, ...] = ()) -> Turn:
        changed = None if self._beside is None else self.book.take_changed()
        return Turn(blocks, changed, trials)

    def _change(self, block: Change, tip: int | None) -> int | None:
        match block:
            case Began():
                self.book.snapshot(block.pools)
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
        if self.whales is not None:
            _watch(self.whales, block, self._clock.now_ns())
        return tip

    async def _commit(self, batches: Batches, state: dict[bytes, bytes | None]) -> list[int]:
        offsets = await commit_surely(self._bus, batches, state, self._no_room)
        self.is_bus_up = True
        return offsets

    def _no_room(self, fault: Fault) -> None:
        self.is_bus_up = False
        self.note(fault)


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
        case Began() | Reread():
            pass


def batches_of(events: Sequence[Struct]) -> Batches:
    """Return events of several kinds as batches, kind by kind, each in order."""
    kinds: dict[str, list[Struct]] = {}
    for event in events:
        kinds.setdefault(str(event.__struct_config__.tag), []).append(event)
    return [(tag, derive.to_batch(kind)) for tag, kind in kinds.items()]
