"""Bus, writer and store under a budget, in a process of its own: what it held is printed.

`python -m tests.system.soaked FOLDER EVENTS BUDGET_MB`
"""

import asyncio
import ctypes
import gc
import json
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from tests.app.until import until
from tests.serve.stored import SECOND_NS, START_NS, events

from tidemill.app.settings import read_settings
from tidemill.bus import open_bus
from tidemill.schema.faults import Fault, Refused
from tidemill.store import Store, Writer, open_store

ROWS = 2_000
_AHEAD_BATCHES = 50
_QUESTION_EVERY = 25
_RESTS = 40
"""How often, over the whole, it is waited until the engine rests: its merges take memory and give it back."""
_QUESTION = "SELECT length(groupArray(repeat(hex(tx_hash), 8))) AS n FROM swap"
"""Takes memory for each row: from some number of them on it is refused."""


def held_mb() -> dict[str, float]:
    """Return what lies in memory, MiB: anonymous, and of files."""
    lines = Path("/proc/self/status").read_text().splitlines()
    told = dict(line.split(":", 1) for line in lines if line.startswith(("RssAnon", "RssFile")))
    return {name: int(value.split()[0]) / 1024 for name, value in told.items()}


def numbered(batch: pa.RecordBatch, number: int) -> pa.RecordBatch:
    """Return `batch` as that of another block and time."""
    event_ns = np.full(batch.num_rows, START_NS + number * SECOND_NS, np.int64)
    changed = {
        "event_ns": pa.array(event_ns).cast(batch.schema.field("event_ns").type),
        "block_number": pa.array(np.full(batch.num_rows, number, np.uint64)),
    }
    columns = [changed.get(name, batch.column(name)) for name in batch.schema.names]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


async def _give_back(store: Store) -> None:
    """Have every allocator return what it keeps for later: what is left is held by somebody."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    await store._execute("SYSTEM JEMALLOC PURGE")
    ctypes.CDLL(None).malloc_trim(0)


async def _is_at_rest(store: Store) -> bool:
    told = await store._own("SELECT count() AS n FROM system.merges")  # no table of events: users may not ask
    return told["n"][0].as_py() == 0


async def _is_stored(writer: Writer, offset: int) -> bool:
    return writer.stored["swap"].next_offset >= offset


class Peak:
    """The most that was anonymous, MiB, looked at all the time."""

    def __init__(self) -> None:
        self.anonymous_mb = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> float:
        self._ended.set()
        self._thread.join()
        return self.anonymous_mb

    def _look(self) -> None:
        while not self._ended.wait(0.02):
            self.anonymous_mb = max(self.anonymous_mb, held_mb()["RssAnon"])


def _slope(events: list[int], held: list[float]) -> tuple[float, float]:
    """Return how much more is held with each event, and the standard error of that."""
    line = np.polyfit(events, held, 1)
    left = held - np.polyval(line, events)
    spread = np.square(events - np.mean(events)).sum()
    return float(line[0]), float(np.sqrt(np.square(left).sum() / (len(held) - 2) / spread))


async def soak(folder: Path, count: int, budget_mb: int) -> dict[str, object]:
    environment = read_settings(None, folder, {"TIDEMILL_MEMORY_MB": str(budget_mb)})
    settings, faults = environment.settings, list[str]()
    made = events("swap", 1, ROWS)
    held: list[tuple[int, float, float]] = []
    refused: list[str] = []
    peak = Peak()
    rest_every = max(count // ROWS // _RESTS, 1)

    def note(fault: Fault) -> None:
        faults.append(str(fault))

    async with (
        open_bus(environment.bus_url, settings.bus) as bus,
        open_store(environment.store_url, settings.store) as store,
    ):
        await store.migrate()
        writer = Writer(bus, store, now_ns=time.time_ns, settings=settings.store.writer, on_fault=note)
        writing = asyncio.create_task(writer.run())
        for number in range(count // ROWS):
            (offset,) = await bus.commit([("swap", numbered(made, number))])
            await until(lambda end=offset: _is_stored(writer, end - _AHEAD_BATCHES))
            if number % _QUESTION_EVERY == 0:
                try:
                    await store.query(_QUESTION)
                except Refused as fault:
                    refused.append(str(fault))
            if number % rest_every == 0:
                await writer.drain()
                await until(lambda: _is_at_rest(store), timeout_s=300)
                await _give_back(store)
                now = held_mb()
                held.append((number * ROWS, now["RssAnon"], now["RssFile"]))
        await writer.drain()
        rows = (await store.query("SELECT count() AS n FROM swap"))["n"][0].as_py()
        engine_bytes = await store.engine_bytes()
        writing.cancel()
    last = held[len(held) // 2 :]
    slope, error = _slope([at for at, _, _ in last], [anonymous for _, anonymous, _ in last])
    return {
        "rows": rows,
        "faults": faults,
        "refused": refused[-1:],
        "engine_bytes": engine_bytes,
        "anonymous_max_mb": peak.end(),
        "files_max_mb": max(files for _, _, files in held),
        "at_rest_mb": [round(anonymous, 1) for _, anonymous, _ in held],
        "slope_mb_per_10m_events": slope * 10_000_000,
        "slope_error_mb": error * 10_000_000,
    }


if __name__ == "__main__":
    folder, count, budget_mb = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    print(json.dumps(asyncio.run(soak(folder, count, budget_mb))))
