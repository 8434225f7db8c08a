"""A whale's trades on a local chain: how long after its block each is on the bus, once.

The node is a process beside the reader. What it takes to mine the block is left out, and noted: the time
begins with the frame that tells of the block.
"""

import asyncio
import tempfile
import time
from pathlib import Path

from tests.app.order_fills import WHALE, Venue, environment_in, reading, told, trading

from benchmarks.row import Row
from tidemill.app.engine import Engine
from tidemill.core.latency import Latency
from tidemill.process.pools import Batches
from tidemill.schema import derive

_TRADES = 300
_TO_BUS_MS = 100.0
_NS_PER_MS = 1e6


def run() -> list[Row]:
    """Measure some hundred trades, each in a block of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_run(Path(folder)))


async def _run(folder: Path) -> list[Row]:
    from_block, from_sending, heard = Latency(), Latency(), asyncio.Event()

    def hear(batches: Batches) -> None:
        now_ns = time.time_ns()
        for topic, batch in batches:
            if topic == "whale_trade":
                for row in derive.to_rows(topic, batch):
                    from_block.add(now_ns - row["recv_ns"])
                    heard.set()

    async with trading() as venue:
        environment = environment_in(folder)
        async with reading(environment, venue, start_block="latest", on_batches=hear) as engine:
            await _following(engine, venue)
            for _ in range(_TRADES):
                heard.clear()
                sent_ns = time.time_ns()
                await venue.trade(WHALE)
                async with asyncio.timeout(10):
                    await heard.wait()
                from_sending.add(time.time_ns() - sent_ns)
            rows = await told(engine, "whale_trade")
    if not len({row["trade_id"] for row in rows}) == len(rows) == _TRADES:
        raise RuntimeError(f"expected {_TRADES} trades, each once, found {len(rows)}")
    p50_ns, p99_ns = from_block.quantile_ns(0.5) or 0, from_block.quantile_ns(0.99) or 0
    sent_ns = from_sending.quantile_ns(0.99) or 0
    note = f"p50 {p50_ns / _NS_PER_MS:.2g} ms; with sending and mining p99 {sent_ns / _NS_PER_MS:.3g} ms"
    what = "whale's trade, from its block to the bus, p99"
    return [Row(what, p99_ns / _NS_PER_MS, "ms", _TO_BUS_MS, "lower", f"{note}; {_TRADES} blocks")]


async def _following(engine: Engine, venue: Venue) -> None:
    async with asyncio.timeout(30):
        while True:
            await venue.mine()
            pipeline = engine.pipelines.get("polygon")
            if pipeline is not None and pipeline.tip is not None and pipeline.whales.watched:
                return
            await asyncio.sleep(0.05)
