"""Reads a local Polymarket onto the bus and into Redis, as `tidemill ingest` does, and times it.

`python -m benchmarks.ingesting FOLDER SECONDS`: FOLDER has the tidemill.toml; figures are printed as JSON.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import override

from tidemill.app.engine import Engine
from tidemill.app.settings import read_settings
from tidemill.app.venues.polymarket import PolymarketRun
from tidemill.bus import Bus
from tidemill.core.clock import Clock
from tidemill.core.latency import Latency, Times, times_of
from tidemill.process.books import Batches, OrderBooks, Taken

_TIMED = ("book_change", "trade")
_WARM_UP_S = 3.0
_COUNTED_AT_ONCE = 64


class _Timed:
    """How long after its frame each row was an event, on the bus, and in Redis."""

    def __init__(self) -> None:
        self.event, self.bus, self.redis = _Gathered(), _Gathered(), _Gathered()

    def committed(self, batches: Any) -> None:
        self._all(self.bus, batches)

    def put(self, batches: Any) -> None:
        self._all(self.redis, batches)

    def _all(self, latency: "_Gathered", batches: Any) -> None:
        now_ns = time.time_ns()
        for topic, batch in batches:
            if topic in _TIMED:
                latency.add_since(times_of(batch), now_ns)


class _Gathered(Latency):
    """Counts many at once: one by one, the counting held up what is timed."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[Times] = []

    @override
    def add_since(self, times: Times, now_ns: int) -> None:
        self._waiting.append(now_ns - times)
        if len(self._waiting) >= _COUNTED_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Count what waits."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            self.add_all(np.concatenate(waiting))


class _TimedBooks(OrderBooks):
    """Books that say when what was told was applied: from then on it is an event like any other."""

    timed: _Timed

    def take(self, batches: Batches) -> Taken:
        taken = super().take(batches)
        now_ns = time.time_ns()
        for topic in _TIMED:
            if topic in batches:
                self.timed.event.add_since(times_of(batches[topic]), now_ns)
        return taken


async def _run(folder: Path, seconds: float) -> dict[str, Any]:
    environment = read_settings(folder / "tidemill.toml", folder / "data", {})
    polymarket = environment.settings.venues.polymarket
    timed = _Timed()

    def open_market(bus: Bus, clock: Clock, committed: Any) -> PolymarketRun:
        run = PolymarketRun(polymarket, bus, clock, on_batches=committed)
        run.books.__class__ = _TimedBooks
        run.books.timed = timed  # pyright: ignore[reportAttributeAccessIssue]
        return run

    async with Engine(
        environment, {}, with_store=False, on_batches=timed.committed, markets={"polymarket": open_market}
    ) as engine:
        assert engine.beside.latest is not None
        put = engine.beside.latest.put

        async def timed_put(batches: Any) -> None:
            await put(batches)
            timed.put(batches)

        engine.beside.latest.put = timed_put
        reading = asyncio.create_task(engine.run())
        run = engine.markets["polymarket"]
        began_s = time.perf_counter()
        while run.books.live_count < 2 * polymarket.markets_max:  # noqa: ASYNC110 nobody tells of the last
            await asyncio.sleep(0.02)
        synced_s = time.perf_counter() - began_s
        await asyncio.sleep(_WARM_UP_S)
        timed.__init__()
        frames, processor_s, resident = _frames(run), time.process_time(), [_resident_mib()]
        for _ in range(int(seconds)):
            await asyncio.sleep(1)
            resident.append(_resident_mib())
        frames, processor_s = _frames(run) - frames, time.process_time() - processor_s
        gaps, counts = run.books.counts.gaps, engine.beside.counts()["redis"]
        for one in (timed.event, timed.bus, timed.redis):
            one.flush()
        reading.cancel()
        await asyncio.wait([reading])
    return {
        "synced_s": synced_s,
        "frames_per_s": frames / seconds,
        "processor_us_a_frame": processor_s / max(frames, 1) * 1e6,
        "resident_mib": resident,
        "gaps": gaps,
        "redis_rows": counts.rows,
        "redis_dropped": counts.dropped_batches,
    } | {
        name: [(one.quantile_ns(share) or 0) / 1e6 for share in (0.5, 0.99, 0.999)]
        for name, one in (("event_ms", timed.event), ("bus_ms", timed.bus), ("redis_ms", timed.redis))
    }


def _frames(run: Any) -> int:
    return sum(link.frame_count for link in run.reader.books.links.values())


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_run(Path(sys.argv[1]), float(sys.argv[2])))))
