"""Give an exchange's events from its subgraph, and from the chain while the subgraph is late or dead.

Who reads changes at a block. The chain is read from the block after the last that the subgraph told, and the
subgraph, when it is fresh again, from the block after the last that the chain told.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import pyarrow as pa
from msgspec import Struct
from msgspec.structs import replace

from tidemill.app.chains.dex_feed import Reader, members_by_name, narrowed
from tidemill.app.chains.pipeline import batches_of
from tidemill.app.venues.subgraphs import newest_block, subgraph_status
from tidemill.chains.evm.config import EvmConfig
from tidemill.core.arrow import pc
from tidemill.core.clock import NS_PER_S, Clock
from tidemill.process.pools import Batches
from tidemill.schema.faults import Fault, Refused, leaves
from tidemill.venues.subgraph_config import SubgraphConfig
from tidemill.venues.subgraph_freshness import Verdict
from tidemill.venues.subgraph_reader import SubgraphReader

_TOLD = ("subgraph_head", "subgraph_swap", "subgraph_pool", "subgraph_balance", "health")
_STATES = {
    Verdict.UNKNOWN: "connecting",
    Verdict.FRESH: "live",
    Verdict.LATE: "stale",
    Verdict.DEAD: "down",
    Verdict.REFUSED: "refused",
}


class SubgraphFeed:
    """One exchange on one chain, from its subgraph or from the chain."""

    def __init__(
        self,
        config: SubgraphConfig,
        chain: EvmConfig,
        clock: Clock,
        spawn: Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]],
        deliver: Callable[[str, pa.RecordBatch], None],
        drained: Callable[[], Awaitable[None]],
    ) -> None:
        self.stand_in: Reader | None = None
        """What reads the chain meanwhile."""
        self.reader: SubgraphReader
        self._since_ns = clock.now_ns()
        """When the last verdict was made."""
        self._config = config
        self._chain = chain
        self._members = members_by_name(chain).get(config.dex, frozenset())
        self._clock = clock
        self._spawn = spawn
        self._deliver = deliver
        self._drained = drained
        self._ended: Fault | None = None
        self._tip_s = 0
        """The timestamp of the newest block that the stand-in told."""
        self._task: asyncio.Task[None] | None = None
        self._begin()

    def want(self) -> None:
        """Read it; where that ended, it begins anew."""
        if self._ended is not None:
            self.retire()
            self._begin()

    def retire(self) -> None:
        """End whatever reads."""
        if self.stand_in is not None:
            self.stand_in.retire()
        if self._task is not None:
            self._task.cancel()

    def connection(self) -> dict[str, Any]:
        """Return how the subgraph fares and what is read; the connection too, where that is the subgraph."""
        told = subgraph_status(self.reader, self._clock.now_ns())
        reads = "subgraph" if self.stand_in is None else "chain"
        if self._ended is not None or (self.stand_in is None and not self._verdict.is_relied_on):
            reads = "nothing"
        status: dict[str, Any] = {"reads": reads, "subgraph": told}
        if reads == "chain":
            return status
        last_fault = str(self._ended) if self._ended is not None else told["last_fault"]
        state = _STATES[self._verdict] if self._ended is None else "refused"
        if state == "live" and not self.reader.is_announced:
            state = "polling"
        return status | {
            "state": state,
            "endpoint": self.reader.endpoint,
            "since_ns": self._since_ns,
            "detail": told["detail"],
            "tip": self.reader.cursor.block_number,
            "last_message_age_s": told["last_message_age_s"],
            "reconnects": sum(max(0, socket["connections"] - 1) for socket in told["sockets"].values()),
            "last_fault": last_fault,
        }

    @property
    def _verdict(self) -> Verdict:
        return self.reader.freshness.verdict

    def _begin(self) -> None:
        self._ended, self.stand_in = None, None
        self.reader = SubgraphReader(
            self._config,
            self._chain.chain_id,
            self._clock,
            secrets.token_hex(8),
            self._tell,
            chain_number=lambda: newest_block(self._chain),
            stand_in=self._judged,
        )
        self._task = self._spawn(self._run(), f"subgraph {self._config.source}")

    async def _run(self) -> None:
        try:
            await self.reader.run()
        except* Fault as faults:
            fault = next(leaves(faults))
            assert isinstance(fault, Fault)
            self._ended = fault

    async def _tell(self, events: Sequence[Struct], cursor: bytes) -> None:
        for tag, batch in batches_of(events):
            if tag in _TOLD:
                self._deliver(tag, batch)

    def _judged(self, verdict: Verdict) -> str:
        """See to who is read from now on, and say who that is."""
        self._since_ns = self._clock.now_ns()
        if verdict.is_relied_on:
            return self._take_back()
        if self.stand_in is not None:
            return f"chain {self._chain.source} stays in its place"
        if not self._config.use_chain:
            return "nothing stands in for it: use_chain is false"
        if not self._members:
            return f"nothing stands in for it: {self._config.dex} cannot be read from {self._chain.source}"
        try:
            return self._hand_over()
        except Refused as fault:
            return f"nothing stands in for it: {fault}"

    def _hand_over(self) -> str:
        """Read the chain from the block after the last that was told. Raises: Refused."""
        told = self.reader.cursor.block_number
        start = "latest" if told is None else told + 1
        config = narrowed(replace(self._chain, start_block=start), self._members)
        stand_in = Reader(config, frozenset({self._config.dex}), self._clock, self._heard, self._drained)
        stand_in.task = self._spawn(stand_in.run(), f"read {config.source} for {self._config.source}")
        self.stand_in, self.reader.is_standing_by = stand_in, True
        return f"chain {config.source} is read in its place from block {start}"

    def _take_back(self) -> str:
        """Read the subgraph from the block after the last that the chain told."""
        stand_in, self.stand_in = self.stand_in, None
        self.reader.is_standing_by = False
        if stand_in is None:
            return ""
        stand_in.retire()
        tip = stand_in.tip
        if tip is not None and self._tip_s:
            self.reader.cursor.skip(tip, self._tip_s)
        begin = self.reader.cursor.block_number
        return f"it is read again, from the block after {begin}"

    def _heard(self, reader: Reader, batches: Batches) -> None:
        if reader is not self.stand_in:
            return
        for tag, batch in batches:
            if tag == "block":
                self._tip_s = max(batch.column("event_ns").cast(pa.int64()).to_pylist()) // NS_PER_S
            elif tag == "reorg":
                self._deliver(tag, batch)
            elif "dex" in batch.schema.names:
                rows = batch.filter(pc.is_in(batch.column("dex"), pa.array(sorted(self._members))))
                if rows.num_rows:
                    self._deliver(tag, rows)
