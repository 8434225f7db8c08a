"""Find the arbitrages of a Solana cluster's blocks, each block once, over restarts too."""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from tidemill._rust import inspect_solana
from tidemill.app.chains.pipeline import batches_of
from tidemill.app.insisting import commit_surely
from tidemill.app.inspecting.inspect_run import Committed
from tidemill.bus import Bus
from tidemill.bus.base import offset_value
from tidemill.chains.solana.config import SolanaConfig
from tidemill.chains.solana.frames import SlotBlock
from tidemill.chains.solana.reader import SolanaReader
from tidemill.core.clock import NS_PER_S, Clock
from tidemill.process.arbitrages import InspectedBlock
from tidemill.process.solana_arbitrages import solana_arbitrages_of
from tidemill.schema.events import Arbitrage
from tidemill.schema.faults import Fault, Malformed, Refused, Unsafe

_log = logging.getLogger("tidemill.solana")


class SolanaCounts(Struct):
    """What became of the blocks since the start."""

    blocks: int = 0
    arbitrages: int = 0
    last_slot: int | None = None
    unread_blocks: int = 0
    """Told in a way that is not a block's."""
    left_out_slots: int = 0
    """The node had their blocks no longer."""
    state: str = "running"
    last_fault: str = ""


class SolanaRun:
    """Inspects one cluster; a place that is kept on the bus is gone on from."""

    def __init__(
        self, source: str, config: SolanaConfig, bus: Bus, clock: Clock, committed: Committed
    ) -> None:
        self.counts = SolanaCounts()
        """Read it, never change it."""
        self._source = source
        self._config = config
        self._bus = bus
        self._clock = clock
        self._committed = committed
        self._reader: SolanaReader | None = None
        self._key = f"solana/{source}/slot".encode()

    def status(self, redact: Callable[[str], str]) -> dict[str, Any]:
        """Return how it fares, as JSON has it."""
        return asdict(self.counts) | {"last_fault": redact(self.counts.last_fault)}

    async def run(self) -> None:
        """Inspect until cancelled; a node that refuses ends it, and all else goes on."""
        kept = await self._bus.get(self._key)
        last_slot = None if kept is None else int.from_bytes(kept, "big")
        self._reader = SolanaReader(self._config, self._clock, last_slot, self._take, self._note)
        try:
            await self._reader.run()
        except (Refused, Unsafe) as fault:
            self.counts.state = "refused" if isinstance(fault, Refused) else "stopped"
            self._note(fault)
            _log.error("solana %s ended, all else goes on: %s", self._source, fault)

    async def _take(self, blocks: Sequence[SlotBlock], recv_ns: int) -> None:
        """Commit what the blocks had together with the place after them."""
        found: list[Arbitrage] = []
        for block in blocks:
            try:
                found += await self._inspect(block, recv_ns)
            except Malformed as fault:
                self.counts.unread_blocks += 1
                self._note(fault)
        state = {self._key: offset_value(blocks[-1].slot)}
        batches = batches_of(found)
        self._committed(batches, await commit_surely(self._bus, batches, state, self._note))
        self.counts.blocks += len(blocks)
        self.counts.arbitrages += len(found)
        self.counts.last_slot = blocks[-1].slot
        self.counts.left_out_slots = 0 if self._reader is None else self._reader.left_out_slots

    async def _inspect(self, block: SlotBlock, recv_ns: int) -> list[Arbitrage]:
        """Return what a block had. Raises: Malformed."""
        if block.time_s is None:
            raise Malformed(f"solana {self._source}: slot {block.slot}: expected a blockTime, found none")
        report = json.loads(await asyncio.to_thread(inspect_solana, block.document))
        inspected = InspectedBlock(
            source=self._source,
            chain_id=self._config.chain_id,
            number=block.slot,
            hash=block.hash,
            event_ns=block.time_s * NS_PER_S,
            recv_ns=recv_ns,
        )
        return solana_arbitrages_of(report, inspected)

    def _note(self, fault: Fault) -> None:
        self.counts.last_fault = str(fault)
