"""Find the arbitrages of a chain's sealed blocks beside its reader, each block once, over restarts too."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pyarrow as pa
from msgspec import Struct
from msgspec.structs import asdict

from tidemill.app.chains.pipeline import batches_of
from tidemill.app.insisting import commit_surely
from tidemill.app.inspecting.inspecting import report_of
from tidemill.bus import Bus
from tidemill.bus.base import offset_value
from tidemill.chains.evm.block_parts import hash_at, parts_of_hash
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.markets import Markets
from tidemill.core.backoff import Backoff
from tidemill.core.clock import Clock
from tidemill.core.http import HttpEndpoint
from tidemill.process.arbitrages import InspectedBlock, arbitrages_of
from tidemill.process.pools import Batches
from tidemill.schema.events import Arbitrage, ReorgKind
from tidemill.schema.faults import Fault, Gap, Malformed, Refused, Unknown, Unreachable

_log = logging.getLogger("tidemill.inspect")

TOPICS = ("block", "reorg")
"""What a run reads."""
_BATCHES_A_READ = 16
_IDLE_WAIT_MS = 1_000
_AT_ONCE = 4
"""Blocks that are asked for side by side; only one with its calls, which nodes compute anew."""
_RETRY_FIRST_MS = 100
_RETRY_MAX_MS = 5_000
_MISSES_MAX = 8
"""So often a block is asked for that the node does not know and has no other for, or tells wrong: it lags."""

Committed = Callable[[Batches, list[int]], None]
"""Is told of what is on the bus now, and at which offsets."""


class InspectionCounts(Struct):
    """What became of the blocks since the start."""

    blocks: int = 0
    arbitrages: int = 0
    last_block: int | None = None
    """Number of the newest one that is done."""
    skipped_blocks: int = 0
    """Left the chain before the node was asked, or were told wrong."""
    missed_batches: int = 0
    """Left the bus before they were read."""
    last_fault: str = ""


def place_key(source: str, topic: str) -> bytes:
    """Return where on the bus the offset is kept up to which a chain's topic is inspected."""
    return f"inspect/{source}/{topic}".encode()


class InspectRun:
    """Inspects one chain's blocks as they come on the bus; a place that is kept is gone on from."""

    def __init__(
        self, config: EvmConfig, known: Markets, bus: Bus, clock: Clock, committed: Committed
    ) -> None:
        self.counts = InspectionCounts()
        """Read it, never change it."""
        self._config = config
        self._known = known
        self._bus = bus
        self._clock = clock
        self._committed = committed
        self._https: list[HttpEndpoint] = []
        self._places: dict[str, int] = {}

    def status(self, redact: Callable[[str], str]) -> dict[str, Any]:
        """Return how it fares, as JSON has it."""
        return asdict(self.counts) | {"last_fault": redact(self.counts.last_fault)}

    async def start(self) -> None:
        """Find the place to go on from: a first run begins with what comes after this returns."""
        for topic in TOPICS:
            kept = await self._bus.get(place_key(self._config.source, topic))
            place = await self._bus.head(topic) if kept is None else int.from_bytes(kept, "big")
            self._places[topic] = place
        kept_places = {
            place_key(self._config.source, topic): offset_value(place)
            for topic, place in self._places.items()
        }
        await self._bus.commit([], kept_places)

    async def run(self) -> None:
        """Inspect until cancelled, once started; a node that refuses ends it, and the chain goes on."""
        urls = [one.http_url for one in self._config.endpoints if one.http_url is not None]
        try:
            if not urls:
                raise Refused(f"chain {self._config.source}: inspection: expected an http_url, found none")
            async with AsyncExitStack() as opened:
                for url in urls:
                    self._https.append(await opened.enter_async_context(HttpEndpoint(url, self._clock)))
                while True:
                    for topic in TOPICS:
                        self._places[topic] = await self._go_on(topic, self._places[topic])
        except Refused as fault:
            self._note(fault)
            _log.error("chain %s is not inspected any more, it goes on: %s", self._config.source, fault)

    def _skipped_key(self, block_hash: bytes) -> bytes:
        return f"inspect/{self._config.source}/skipped/{block_hash.hex()}".encode()

    async def _go_on(self, topic: str, place: int) -> int:
        """Take what there is of a topic; commit what was found and the place as one."""
        # Reorgs are looked at between blocks: only those are waited for.
        wait_ms = _IDLE_WAIT_MS if topic == "block" else 0
        try:
            entries = await self._bus.read(topic, place, batches_max=_BATCHES_A_READ, wait_ms=wait_ms)
        except Gap:
            first = await self._bus.first(topic)
            self.counts.missed_batches += first - place
            return first
        if not entries:
            return place
        place = entries[-1].offset + 1
        state: dict[bytes, bytes | None] = {place_key(self._config.source, topic): offset_value(place)}
        blocks = [block for entry in entries for block in self._blocks(topic, entry.batch)]
        if topic == "reorg":
            blocks = [one for one in blocks if await self._bus.get(self._skipped_key(one.hash)) is not None]
            state |= {self._skipped_key(one.hash): None for one in blocks}
        found: list[Arbitrage] = []
        at_once = 1 if self._config.inspection == "traces" else _AT_ONCE
        for first in range(0, len(blocks), at_once):
            some = blocks[first : first + at_once]
            for block, events in zip(some, await asyncio.gather(*map(self._inspect, some)), strict=True):
                if events is None:
                    state[self._skipped_key(block.hash)] = b""
                    self.counts.skipped_blocks += 1
                else:
                    found += events
        await self._commit(batches_of(found), state)
        self.counts.blocks += len(blocks)
        self.counts.arbitrages += len(found)
        self.counts.last_block = blocks[-1].number if blocks else self.counts.last_block
        return place

    def _blocks(self, topic: str, batch: pa.RecordBatch) -> list[InspectedBlock]:
        """Return the chain's blocks that the rows tell: those that came, or came back."""
        columns = [batch.column(name).to_pylist() for name in ("source", "block_number", "block_hash")]
        columns += [batch.column(name).cast(pa.int64()).to_pylist() for name in ("event_ns", "recv_ns")]
        kinds = batch.column("kind").to_pylist() if topic == "reorg" else [None] * batch.num_rows
        return [
            InspectedBlock(
                source=source,
                chain_id=self._config.chain_id,
                number=number,
                hash=block_hash,
                event_ns=event_ns,
                recv_ns=recv_ns,
            )
            for source, number, block_hash, event_ns, recv_ns, kind in zip(*columns, kinds, strict=True)
            if source == self._config.source and kind != ReorgKind.REVERTED
        ]

    async def _inspect(self, block: InspectedBlock) -> list[Arbitrage] | None:
        """Return what a block had; None where no endpoint knows it. Raises: Refused."""
        backoff = Backoff(_RETRY_FIRST_MS, _RETRY_MAX_MS)
        misses = 0
        while misses < _MISSES_MAX:
            try:
                return await self._ask(block)
            except (Unknown, Gap) as fault:
                misses += 1
                self._note(fault)
                if await self._is_gone(block):
                    return None
            except Malformed as fault:
                misses += 1
                self._note(fault)
            except Unreachable as fault:
                self._note(fault)
            await asyncio.sleep(backoff.wait_s(0))
        return None

    async def _ask(self, block: InspectedBlock) -> list[Arbitrage]:
        fault: Fault | None = None
        for http in self._https:
            try:
                parts = await parts_of_hash(http, block.hash, is_traced=self._config.inspection == "traces")
            except Fault as found:
                fault = found if fault is None or isinstance(fault, Refused) else fault
                continue
            report = await asyncio.to_thread(report_of, parts.document, self._known)
            if report["block_number"] != block.number:
                raise Malformed(
                    f"{http.endpoint}: expected block {block.number}, found {report['block_number']}"
                )
            return arbitrages_of(report, block)
        assert fault is not None
        raise fault

    async def _is_gone(self, block: InspectedBlock) -> bool:
        """Say whether an endpoint has another block in its place; what cannot be asked is not gone."""
        for http in self._https:
            try:
                there = await hash_at(http, block.number)
            except Fault:
                continue
            if there is not None and there != block.hash:
                return True
        return False

    async def _commit(self, batches: Batches, state: dict[bytes, bytes | None]) -> None:
        self._committed(batches, await commit_surely(self._bus, batches, state, self._note))

    def _note(self, fault: Fault) -> None:
        self.counts.last_fault = str(fault)
