"""Tell the risk of every opportunity as it comes on the bus, once over restarts."""

import asyncio

from tidemill.app.streams.feature_run import Commit, FeatureRun
from tidemill.bus import Bus, Consumer
from tidemill.process.pools import Batches
from tidemill.process.risk import Row, risks
from tidemill.schema import derive

CONSUMER = "risk"
TOPICS = ("opportunity", "opportunity_hop")
_READ_BATCHES = 64
_IDLE_MS = 1_000
_WANTED = ("opportunity", "hop", "hop_count", "pool", "protocol", "token_in", "token")
_IDENTITY = ("event_ns", "recv_ns", "source", "chain_id", "block_number", "block_hash")


class RiskRun:
    """Tells risks by the windows of the features."""

    def __init__(self, bus: Bus, features: FeatureRun) -> None:
        self._features = features
        self._found, self._hops = (Consumer(bus, CONSUMER, topic) for topic in TOPICS)
        self.risks = 0
        """Told since the start."""

    async def run(self, commit: Commit) -> None:
        """Tell until cancelled; `commit` is awaited with what came of it. Raises: Malformed, Gap."""
        await self.start()
        while True:
            await self.turn(commit, wait_ms=_IDLE_MS)

    async def start(self) -> None:
        """Take up the places of before."""
        await self._found.start()
        await self._hops.start()

    async def turn(self, commit: Commit, *, wait_ms: int) -> None:
        """Take what is there, after waiting for so long at most."""
        found = await self._rows(self._found, wait_ms, _READ_BATCHES)
        if not found:
            return
        hops: list[Row] = []
        lacking = sum(row["hop_count"] for row in found)
        wanted = {row["opportunity"] for row in found}
        # a search's opportunities and hops come in one commit: what follows the last wanted one is left
        while lacking and (rows := await self._rows(self._hops, 0, 1)):
            mine = [row for row in rows if row["opportunity"] in wanted]
            lacking -= len(mine)
            hops += mine
        batches: Batches = []
        for source in dict.fromkeys(row["source"] for row in found):
            mine = [row for row in found if row["source"] == source]
            book = self._features.book(source)
            async with self._features.turns:
                told = await asyncio.to_thread(
                    risks, book, mine, [hop for hop in hops if hop["source"] == source]
                )
            if told is not None:
                batches.append(("opportunity_risk", told))
                self.risks += told.num_rows
        after = [one.state_after(one.next_offset) for one in (self._found, self._hops)]
        await commit(batches, after[0] | after[1])

    async def _rows(self, consumer: Consumer, wait_ms: int, batches_max: int) -> list[Row]:
        entries = await consumer.next(batches_max=batches_max, wait_ms=wait_ms)
        rows: list[Row] = []
        for entry in entries:
            topic = TOPICS[0] if consumer is self._found else TOPICS[1]
            names = [name for name in (*_IDENTITY, *_WANTED) if name in entry.batch.schema.names]
            rows += derive.to_rows(topic, entry.batch.select(names))
        return rows
