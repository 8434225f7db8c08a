"""What does the decision loop learn from the bus: opportunities with their hops and risks, and blocks."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from tidemill.app.brain.signal import Found, Row
from tidemill.bus import Bus
from tidemill.schema import derive
from tidemill.schema.faults import Gap

BLOCKS_BEFORE = 60
"""Batches of blocks before the start that are read too: what gas was."""
_BATCHES = 1_000
_WAITING_MAX = 10_000
"""Opportunities whose hops have not come, and risks whose opportunity has not."""
_TOPICS = ("block", "opportunity_hop", "opportunity_risk", "opportunity")


class BrainFeed:
    """Reads a bus that another process writes to, from now on."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._places: dict[str, tuple[str, int]] = {}
        self._opportunities: OrderedDict[bytes, Row] = OrderedDict()
        self._hops: OrderedDict[bytes, dict[int, Row]] = OrderedDict()
        self._risks: OrderedDict[bytes, float | None] = OrderedDict()
        self.blocks: list[Row] = []
        """Since they were last taken away."""

    async def start(self) -> None:
        """Find where to begin. Raises: Unreachable."""
        for topic in _TOPICS:
            for part in await self._bus.partitions(topic):
                first, head = await self._bus.first(part), await self._bus.head(part)
                begin = max(first, head - BLOCKS_BEFORE) if topic == "block" else head
                self._places[part] = (topic, begin)

    async def take(self, *, wait_ms: int) -> list[Found]:
        """Return opportunities whose hops have all come. Raises: Unreachable, Malformed."""
        parts = list(self._places)
        for part in parts:
            await self._read(part, wait_ms if part == parts[-1] else 0)
        return list(self._complete())

    def risk_of(self, found: Found) -> tuple[bool, float | None]:
        """Return whether the risk of an opportunity was told, and its score where one is known."""
        key = found.opportunity["opportunity"]
        return key in self._risks, self._risks.get(key)

    async def _read(self, part: str, wait_ms: int) -> None:
        topic, place = self._places[part]
        while True:
            try:
                entries = await self._bus.read(part, place, batches_max=_BATCHES, wait_ms=wait_ms)
            except Gap:  # we were slower than the bus keeps: what is lost is too old to trade on
                self._places[part] = (topic, await self._bus.first(part))
                return
            for entry in entries:
                for row in derive.to_rows(topic, entry.batch):
                    self._keep(topic, row)
                place = entry.offset + 1
            self._places[part] = (topic, place)
            if len(entries) < _BATCHES:
                return

    def _keep(self, topic: str, row: dict[str, Any]) -> None:
        match topic:
            case "block":
                self.blocks.append(row)
            case "opportunity":
                self._opportunities[row["opportunity"]] = row
            case "opportunity_hop":
                self._hops.setdefault(row["opportunity"], {})[row["hop"]] = row
            case _:
                self._risks[row["opportunity"]] = row["risk_score"]
        for waiting in (self._opportunities, self._hops, self._risks):
            while len(waiting) > _WAITING_MAX:
                waiting.popitem(last=False)

    def _complete(self) -> Iterator[Found]:
        for key, row in list(self._opportunities.items()):
            hops = self._hops.get(key, {})
            if len(hops) == row["hop_count"]:
                del self._opportunities[key], self._hops[key]
                yield Found(row, [hops[place] for place in sorted(hops)])
