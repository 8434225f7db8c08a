"""Have the books on the bus watched for layering: their changes and their trades, as they were told."""

from collections.abc import Awaitable, Callable
from typing import Any

from tidemill.bus import Bus
from tidemill.bus.base import State
from tidemill.bus.consumer import Consumer
from tidemill.process.pools import Batches
from tidemill.process.whales.config import WhaleConfig
from tidemill.process.whales.layering import LayerWatch
from tidemill.schema import derive
from tidemill.schema.events import WhaleAlert

_READ_BATCHES, _READ_WAIT_MS = 256, 200


class LayerRun:
    """Reads the books' topics from where it stopped; what a book was before that is not known."""

    def __init__(self, bus: Bus, config: WhaleConfig) -> None:
        self._watch = LayerWatch(config)
        self._consumers = {topic: Consumer(bus, "layers", topic) for topic in ("trade", "book_change")}

    async def run(self, commit: Callable[[Batches, State], Awaitable[None]]) -> None:
        """Watch until cancelled; `commit` is awaited with what came of it."""
        for consumer in self._consumers.values():
            await consumer.start()
        while True:
            rows: list[tuple[int, str, dict[str, Any]]] = []
            state: dict[bytes, bytes | None] = {}
            for topic, consumer in self._consumers.items():
                # trades first, and only changes are waited for: they are the many
                wait_ms = _READ_WAIT_MS if topic == "book_change" else 0
                entries = await consumer.next(batches_max=_READ_BATCHES, wait_ms=wait_ms)
                for entry in entries:
                    rows += [(row["recv_ns"], topic, row) for row in derive.to_rows(topic, entry.batch)]
                if entries:
                    state |= consumer.state_after(consumer.next_offset)
            alerts = self._take(sorted(rows, key=lambda told: told[0]))
            if state:
                await commit([("whale_alert", derive.to_batch(alerts))] if alerts else [], state)

    def _take(self, rows: list[tuple[int, str, dict[str, Any]]]) -> list[WhaleAlert]:
        alerts: list[WhaleAlert] = []
        for _, topic, row in rows:
            if topic == "trade":
                self._watch.trade(row)
            elif (alert := self._watch.change(row)) is not None:
                alerts.append(alert)
        return alerts
