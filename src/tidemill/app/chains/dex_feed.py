"""Read one chain for the exchanges that are wanted of it, and widen that without losing or repeating events.

To widen, a second reader that tracks all that is wanted begins beside the first. What it says of the further
exchanges goes out at once; what it says of the others is held back until its canonical chain contains the
block at which the first reader stands. From that instant it is the only one: the others' events up to that
block came from the first reader, those after it come from the second.
"""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pyarrow as pa
from msgspec.structs import replace

from tidemill.app.chains.chain import make_book, make_follower
from tidemill.app.chains.pipeline import ChainPipeline
from tidemill.bus import BusSettings, open_bus
from tidemill.chains.evm.config import EvmConfig, check_config
from tidemill.chains.evm.forks import load_forks
from tidemill.chains.evm.shell import Shell
from tidemill.chains.evm.steps import Step
from tidemill.core.arrow import pc
from tidemill.core.clock import Clock
from tidemill.process.pools import Batches
from tidemill.schema.events import HealthState
from tidemill.schema.faults import Fault, leaves

_BUS = BusSettings(retention_bytes=1 << 20)
"""Nobody reads this bus: events go on as they are committed."""
_VERSION = re.compile(r"(.+)_v[0-9]+")
_LINE_BLOCKS_MAX = 4_096
_BULK_EVENTS = 1_000
"""A step with more is history that is caught up with, and may wait for who takes it."""
_BULK_WAIT_S = 1.0
_HELD_EVENTS_MAX = 100_000

Deliver = Callable[[str, str, pa.RecordBatch], None]
"""Takes an exchange, an event's tag, and rows of that exchange in order."""


def known_dexes(config: EvmConfig) -> list[str]:
    """Return the names of the exchanges that can be tracked on the chain of `config`, families too."""
    return sorted(members_by_name(config))


def members_by_name(config: EvmConfig) -> dict[str, frozenset[str]]:
    """Return the exchanges that each name stands for on the chain of `config`.

    An exchange stands for itself; a family, such as sushiswap, for all of its versions that are known there.
    """
    dexes = _listed(config) | {factory.dex for factory in config.factories}
    families: dict[str, frozenset[str]] = {}
    for dex in dexes:
        if version := _VERSION.fullmatch(dex):
            families[version[1]] = families.get(version[1], frozenset()) | {dex}
    return families | {dex: frozenset({dex}) for dex in dexes}


def _listed(config: EvmConfig) -> set[str]:
    return {fork.dex for fork in load_forks() if config.chain_id in fork.factories}


def narrowed(config: EvmConfig, dexes: frozenset[str]) -> EvmConfig:
    """Return `config` tracking `dexes` alone; one that lists nothing but pools keeps these.

    Raises: Refused, where its parts do not fit together.
    """
    if config.pools and not (config.dexes or config.factories):
        return check_config(config)
    factories = tuple(factory for factory in config.factories if factory.dex in dexes)
    return check_config(replace(config, dexes=tuple(sorted(dexes & _listed(config))), factories=factories))


class Reader:
    """One run of a chain's machine, in memory, from its start to its end."""

    def __init__(
        self,
        config: EvmConfig,
        dexes: frozenset[str],
        clock: Clock,
        tell: Callable[["Reader", Batches], None],
        drained: Callable[[], Awaitable[None]],
    ) -> None:
        self.dexes = dexes
        """The names of exchanges and families that it reads for."""
        self.begun_ns = clock.now_ns()
        self.pipeline: ChainPipeline | None = None
        self.fault: Fault | None = None
        """Why it ended."""
        self.ended_ns: int | None = None
        self.line: dict[int, bytes] = {}
        """Hashes of the newest canonical blocks, by number: what was told, and its beginning."""
        self.highest: int | None = None
        """Number of the highest block ever told; above the tip after a reorg."""
        self.last_message_ns: int | None = None
        """When the last block came."""
        self.reconnect_count = 0
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.task: asyncio.Task[None] | None = None
        self._config = config
        self._clock = clock
        self._tell = tell
        self._drained = drained
        self._is_retired = False
        self._told_events = 0
        self._lost: dict[str, bool] = {}
        """Whether an endpoint that was live is not any more."""

    @property
    def tip(self) -> int | None:
        """Number of the newest block told; None before the first."""
        return max(self.line, default=None)

    def retire(self) -> None:
        """End it; nothing that it has not told yet will be told."""
        self._is_retired = True
        if self.task is not None:
            self.task.cancel()

    async def run(self) -> None:
        """Read until retired, or until a fault ends it, which is then in `fault`."""
        run_id = secrets.token_hex(8)
        try:
            async with open_bus("memory://", _BUS) as bus:
                book = make_book(self._config, [])
                self.pipeline = ChainPipeline(book, bus, self._clock, on_batches=self._heard)
                follower = make_follower(self._config, {}, run_id)
                await Shell(follower, self._take, self._clock).run(run_id, {})
        except* Fault as faults:
            fault = next(leaves(faults))
            assert isinstance(fault, Fault)
            self.fault, self.ended_ns = fault, self._clock.now_ns()
        if not self._is_retired:
            self._tell(self, [])

    async def _take(self, step: Step) -> tuple[bytes, ...]:
        assert self.pipeline is not None
        self._told_events = 0
        drifted = await self.pipeline.take(step)
        if self._told_events > _BULK_EVENTS:
            try:
                async with asyncio.timeout(_BULK_WAIT_S):
                    await self._drained()
            except TimeoutError:
                pass  # who is so slow loses events, and is told how many
        await self.may_go_on.wait()
        return drifted

    def _heard(self, batches: Batches) -> None:
        if self._is_retired:
            return
        for tag, batch in batches:
            self._told_events += batch.num_rows
            match tag:
                case "block":
                    self.last_message_ns = self._clock.now_ns()
                    self._extend(batch)
                case "pool_state" if not self.line:  # read at the block that the chain begins after
                    self._extend(batch)
                case "reorg":
                    self._bend(batch)
                case "health":
                    self._note_health(batch)
                case _:
                    pass
        self._tell(self, batches)

    def _extend(self, batch: pa.RecordBatch) -> None:
        numbers, hashes = batch.column("block_number").to_pylist(), batch.column("block_hash").to_pylist()
        self.line.update(zip(numbers, hashes, strict=True))
        self.highest = max(numbers) if self.highest is None else max(self.highest, *numbers)
        while len(self.line) > _LINE_BLOCKS_MAX:
            del self.line[min(self.line)]

    def _bend(self, batch: pa.RecordBatch) -> None:
        names = ("block_number", "block_hash", "kind")
        for number, block_hash, kind in zip(*(batch.column(n).to_pylist() for n in names), strict=True):
            if kind == "restored":
                self.line[number] = block_hash
            elif self.line.get(number) == block_hash:
                del self.line[number]

    def _note_health(self, batch: pa.RecordBatch) -> None:
        pairs = zip(batch.column("endpoint").to_pylist(), batch.column("state").to_pylist(), strict=True)
        for endpoint, state in pairs:
            if HealthState(state).is_alive:
                self.reconnect_count += self._lost.get(endpoint, False)
                self._lost[endpoint] = False
            elif endpoint in self._lost:
                self._lost[endpoint] = True


class DexFeed:
    """The reader of one chain; two of them while it is widened."""

    def __init__(
        self,
        config: EvmConfig,
        clock: Clock,
        spawn: Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]],
        deliver: Deliver,
        drained: Callable[[], Awaitable[None]],
    ) -> None:
        self.reconnect_count = 0
        """Of readers that were replaced."""
        self.last_fault = ""
        """Why a reader that was replaced ended."""
        self._config = config
        self._clock = clock
        self._spawn = spawn
        self._deliver = deliver
        self._drained = drained
        self._members = members_by_name(config)
        self._wanted: frozenset[str] = frozenset()
        self._current: Reader | None = None
        self._wider: Reader | None = None
        self._held: Batches = []

    def want(self, dex: str) -> None:
        """Track `dex`, an exchange or a family, too; an ended reader begins anew.

        Raises: Refused, where the chain's settings do not fit together.
        """
        wanted = self._wanted | {dex}
        narrowed(self._config, self._all_members(wanted))
        self._wanted = wanted
        if self._wider is not None and self._wider.fault is not None:
            self._drop(self._wider)
            self._wider = None
        if self._current is not None and self._current.fault is not None:
            self._drop(self._current)
            self._current, self._wider = self._wider, None
        self._reconcile()

    def retire(self) -> None:
        """End the readers."""
        for reader in (self._current, self._wider):
            if reader is not None:
                reader.retire()

    def reader_of(self, dex: str) -> Reader | None:
        """Return who reads `dex`; None where nobody does yet."""
        for reader in (self._current, self._wider):
            if reader is not None and dex in reader.dexes:
                return reader
        return self._wider

    def _all_members(self, dexes: frozenset[str]) -> frozenset[str]:
        return frozenset[str]().union(*(self._members[dex] for dex in dexes))

    def _reconcile(self) -> None:
        """Let a reader begin that tracks what is wanted, where none does."""
        current, wider = self._current, self._wider
        widest = wider or current
        if widest is not None and self._wanted <= widest.dexes:
            return
        if wider is not None and wider.line:
            return  # when it has taken over, the next one begins
        if widest is not None and not widest.line:  # it has told nothing: it can be replaced
            self._drop(widest)
            self._current = None if widest is current else current
        config = narrowed(self._config, self._all_members(self._wanted))
        reader = Reader(config, self._wanted, self._clock, self._heard, self._drained)
        if self._current is None:
            self._current, self._wider = reader, None
        else:
            self._wider = reader
        self._held = []
        reader.task = self._spawn(reader.run(), f"read {config.source}")

    def _drop(self, reader: Reader) -> None:
        self.reconnect_count += reader.reconnect_count
        self.last_fault = self.last_fault if reader.fault is None else str(reader.fault)
        reader.retire()

    def _heard(self, reader: Reader, batches: Batches) -> None:
        if reader is self._current:
            self._pass_on(batches, reader.dexes)
        elif self._current is not None:
            self._pass_on(batches, reader.dexes - self._current.dexes)
            self._hold(batches, self._current)
        self._switch()

    def _pass_on(self, batches: Batches, dexes: frozenset[str]) -> None:
        for tag, batch in batches:
            if tag == "reorg":
                for dex in dexes:
                    self._deliver(dex, tag, batch)
            elif "dex" in batch.schema.names:
                column = batch.column("dex")
                for dex in dexes:
                    rows = batch.filter(pc.is_in(column, pa.array(sorted(self._members[dex]))))
                    if rows.num_rows:
                        self._deliver(dex, tag, rows)

    def _hold(self, batches: Batches, current: Reader) -> None:
        settled = (current.tip or 0) - self._config.window_blocks
        for tag, batch in batches:
            if (tag == "reorg" or "dex" in batch.schema.names) and _highest(batch) > settled:
                self._held.append((tag, batch))

    def _switch(self) -> None:
        """Let the wider reader take over where it has all that the other one has told."""
        current, wider = self._current, self._wider
        if current is None or wider is None or wider.fault is not None:
            return  # one that could not begin leaves the other alone, and says why in the status
        at = current.tip
        # not while the tip is below what was told: the wider one could still come upon the blocks that went
        is_whole = at is not None and at == current.highest and wider.line.get(at) == current.line[at]
        if current.fault is None and not is_whole:
            is_ahead = (wider.tip or 0) > (at or 0)
            is_full = sum(batch.num_rows for _, batch in self._held) > _HELD_EVENTS_MAX
            (wider.may_go_on.clear if is_full and is_ahead else wider.may_go_on.set)()
            return
        held, self._held = self._held, []
        self._drop(current)
        self._current, self._wider = wider, None
        later = held if at is None else [(tag, _after(tag, batch, at)) for tag, batch in held]
        self._pass_on([(tag, batch) for tag, batch in later if batch.num_rows], current.dexes)
        wider.may_go_on.set()
        self._reconcile()


def _after(tag: str, batch: pa.RecordBatch, at: int) -> pa.RecordBatch:
    """Return what the rows say beyond block `at`; a state that a reorg brought back is told at that block."""
    numbers = batch.column("block_number")
    block = pa.scalar(at, numbers.type)
    later = pc.greater(numbers, block)
    if tag == "pool_state":
        is_back = pc.equal(batch.column("cause"), pa.scalar("reorg"))
        later = pc.or_(later, pc.and_(is_back, pc.equal(numbers, block)))
    return batch.filter(later)


def _highest(batch: pa.RecordBatch) -> int:
    return max(batch.column("block_number").to_pylist(), default=0)
