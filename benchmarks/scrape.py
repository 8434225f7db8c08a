"""What a scrape takes of a running engine: on the pipeline's loop, and in the server's thread beside it.

HTTP is left out: it is the server's thread's too.
"""

import asyncio
import tempfile
import time
from pathlib import Path

from benchmarks.row import Row
from tidemill.app.engine import Engine
from tidemill.app.observed import Observed
from tidemill.app.sandbox.world import SOURCE, world_config
from tidemill.app.settings import read_settings
from tidemill.core.metrics import Metrics
from tidemill.sandbox.deploy import open_world
from tidemill.serve.collecting import families

_TIMES = 300
_OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


def run() -> list[Row]:
    """Measure on an engine that has caught up, and has nothing else to do."""
    reading_ms, writing_ms, size_bytes = asyncio.run(_run())
    note = f"median of {_TIMES}; one chain, one endpoint, {size_bytes:,} bytes; HTTP left out"
    return [
        Row("scrape: state read on the pipeline's loop", reading_ms, "ms", 1, "lower", note),
        Row("scrape: metrics written in a thread", writing_ms, "ms", 10, "lower", note),
    ]


async def _run() -> tuple[float, float, int]:
    with tempfile.TemporaryDirectory() as folder:
        environment = read_settings(None, Path(folder) / "data", {})
        async with open_world() as world, Engine(environment, {SOURCE: world_config(world)}) as engine:
            running = asyncio.create_task(engine.run())
            await world.mine()
            async with asyncio.timeout(30):
                while not engine.flow.to_store.count:  # noqa: ASYNC110 the writer tells nobody
                    await asyncio.sleep(0.05)
            observed, metrics = Observed(engine), Metrics()
            reading: list[float] = []
            writing: list[float] = []
            size_bytes = 0
            for _ in range(_TIMES):
                began_s = time.perf_counter()
                state = await observed.state()
                read_s = time.perf_counter()
                size_bytes = len(metrics.told(families(state), _OPEN_METRICS).body)
                reading.append(read_s - began_s)
                writing.append(time.perf_counter() - read_s)
            running.cancel()
            await asyncio.wait([running])
    return sorted(reading)[_TIMES // 2] * 1e3, sorted(writing)[_TIMES // 2] * 1e3, size_bytes
