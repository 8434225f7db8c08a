"""A local Polymarket read over its sockets: how soon 10,000 books are there, how late a frame is on the bus.

The server is a process on the same machine and takes its share of it. The store is left out: see `sustained`.
"""

import asyncio
import os
import sys
import tempfile
import time
import tomllib
from pathlib import Path

import pyarrow as pa

from benchmarks.row import Row
from tidemill.app.polymarket import PolymarketRun
from tidemill.bus import open_bus
from tidemill.core.clock import SystemClock
from tidemill.core.latency import Latency
from tidemill.core.pauses import avoid_pauses
from tidemill.process.pools import Batches
from tidemill.venues.polymarket_config import PolymarketConfig

_MARKETS = 5_000
_MOVES_PER_S = 3_700
"""With trades and whole books, 5,000 frames a second."""
_SECONDS = 15
_SYNC_S = 10.0
_TO_BUS_MS = 10.0
_RESIDENT_MIB = 300.0


def run() -> list[Row]:
    """Measure the beginning, then the flow."""
    return asyncio.run(_run())


async def _run() -> list[Row]:
    module = "tidemill.sandbox.emulators.polymarket"
    arguments = ["--markets", str(_MARKETS), "--moves-per-s", str(_MOVES_PER_S)]
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert server.stdout is not None
        lines = [(await server.stdout.readline()).decode() for _ in range(7)]
        config = PolymarketConfig(
            **tomllib.loads("".join(lines))["venues"]["polymarket"], markets_max=_MARKETS
        )
        with tempfile.TemporaryDirectory() as folder:
            return await _read(config, Path(folder))
    finally:
        server.terminate()
        await server.wait()


async def _read(config: PolymarketConfig, folder: Path) -> list[Row]:
    avoid_pauses()
    to_bus, counts = Latency(), {"messages": 0}
    async with open_bus(f"lmdb://{folder}/bus") as bus:

        def committed(batches: Batches, offsets: list[int]) -> None:
            now_ns = time.time_ns()
            for topic, batch in batches:
                if topic in ("book_change", "trade"):
                    for told in batch.column("recv_ns").cast(pa.int64()).value_counts().to_pylist():
                        to_bus.add(now_ns - told["values"], told["counts"])

        reading = PolymarketRun(config, bus, SystemClock(), on_batches=committed)
        began_s = time.perf_counter()
        task = asyncio.create_task(reading.run())
        while reading.books.live_count < 2 * _MARKETS:  # noqa: ASYNC110 nobody tells of the last book
            await asyncio.sleep(0.02)
        synced_s = time.perf_counter() - began_s
        links = reading.reader.books.links.values()
        to_bus = Latency()
        before, processor_s = sum(link.frame_count for link in links), time.process_time()
        await asyncio.sleep(_SECONDS)
        counts["messages"] = sum(link.frame_count for link in links) - before
        share = (time.process_time() - processor_s) / _SECONDS
        assert reading.books.counts.gaps == 0
        task.cancel()
        await asyncio.wait([task])
    p50_ns, p99_ns = to_bus.quantile_ns(0.5) or 0, to_bus.quantile_ns(0.99) or 0
    per_s = counts["messages"] / _SECONDS
    flow = f"p50 {p50_ns / 1e6:.2g} ms; {per_s:,.0f} frames/s, {share:.0%} of a core; the server beside it"
    return [
        Row("Polymarket, 10,000 books live", synced_s, "s", _SYNC_S, "lower", "20 sockets"),
        Row("Polymarket, frame to bus, p99", p99_ns / 1e6, "ms", _TO_BUS_MS, "lower", flow),
        Row(
            "Polymarket, resident memory",
            _resident_mib(),
            "MiB",
            _RESIDENT_MIB,
            "lower",
            "with the bus's map",
        ),
    ]


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
