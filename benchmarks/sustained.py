"""Log batches to the embedded bus to the embedded store, as fast as it goes for a minute; memory beside it.

The logs are those of a sandbox world's swaps, told again and again in new blocks. Parsing JSON is left out
(the replay benchmark has it); decoding, pool states, bus, deduplicated inserts and merges are in.
"""

import asyncio
import tempfile
import time
from typing import Any, NamedTuple

import msgspec
import psutil
import pyarrow as pa

from benchmarks.reading import pools_of
from benchmarks.row import Row
from tidemill._rust import Head, Logs, parse_logs
from tidemill.bus import open_bus
from tidemill.bus.base import BusSettings
from tidemill.process.pools import PoolBook
from tidemill.sandbox.deploy import open_world
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.traders import TraderCounts, TraderOptions, trade
from tidemill.sandbox.world import World
from tidemill.schema.faults import Fault
from tidemill.store import Writer, open_store

_WARM_UP_S = 20
_SECONDS = 60
_AHEAD_MAX = 400_000
"""Events that may wait on the bus: the producer is paced by the writer, as a follower is by a full bus."""
_SWAPS_AND_SYNCS = (
    "0xd78ad95fa46c994b6551d0da85fc275fe613ce37657fb8d5e3d130840159d822",
    "0x1c411e9a96e071241c2f21f7726b17ae89e3cab4c78be50e062b03a9fffbbad1",
    "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67",
)


class Sample(NamedTuple):
    """What was seen at one second."""

    at_s: float
    rows: int
    resident_bytes: int


def run() -> list[Row]:
    """Measure for a minute after a warm-up."""
    samples = asyncio.run(_run())
    first, last = samples[0], samples[-1]
    rate = (last.rows - first.rows) / (last.at_s - first.at_s)
    third = len(samples) // 3
    early = max(sample.resident_bytes for sample in samples[:third])
    late = max(sample.resident_bytes for sample in samples[-third:])
    note = f"{last.rows - first.rows:,} events in {last.at_s - first.at_s:.0f} s; 2 cores"
    growth = f"highest of the first 20 s {early / 2**20:,.0f} MiB, of the last 20 s {late / 2**20:,.0f} MiB"
    return [
        Row("log batch → bus (lmdb) → chDB, sustained", rate, "events/s", 200_000, note=note),
        Row("resident memory over that minute", (late / early - 1) * 100, "% growth", 5, "lower", growth),
    ]


async def _run() -> list[Sample]:
    async with open_world() as world:
        book = await pools_of(world)
        logs = await _swap_logs(world)
    with tempfile.TemporaryDirectory() as folder:
        settings = BusSettings(retention_bytes=256 << 20)
        async with (
            open_bus(f"lmdb://{folder}/bus", settings) as bus,
            open_store(f"chdb://{folder}/store") as store,
        ):
            await store.migrate()
            faults: list[Fault] = []
            writer = Writer(bus, store, now_ns=time.time_ns, on_fault=faults.append)
            async with asyncio.TaskGroup() as tasks:
                writing = tasks.create_task(writer.run())
                feeding = tasks.create_task(_feed(book, logs, bus, writer))
                samples = await _sample(writer)
                feeding.cancel()
                writing.cancel()
            if faults:
                raise RuntimeError(f"the writer met {faults[0]}")
    return samples


async def _swap_logs(world: World) -> list[pa.RecordBatch]:
    """Return the logs of some seconds of trading, a batch a block; no liquidity moves in them."""
    pace = TraderOptions(swaps_per_s=1_000, block_ms=1_000, liquidity_percent=0, seed=7)
    trading = asyncio.create_task(trade(world, pace, TraderCounts()))
    await asyncio.sleep(6)
    trading.cancel()
    await asyncio.wait([trading])
    async with Rpc(world.http_url) as rpc:
        wanted = {
            "fromBlock": hex(world.ready_block + 1),
            "toBlock": "latest",
            "topics": [list(_SWAPS_AND_SYNCS)],
        }
        found = await rpc.call("eth_getLogs", wanted)

    logs = parse_logs(msgspec.json.encode(found))
    return [logs.of_block(block_hash).to_arrow() for _, block_hash, count in logs.blocks() if count > 100]


async def _feed(book: PoolBook, logs: list[pa.RecordBatch], bus: Any, writer: Writer) -> None:
    number, parent, produced = 1_000_000, bytes(32), 0
    while True:
        for batch in logs:
            number += 1
            block_hash = number.to_bytes(32, "big")
            moved = _moved(batch, number, block_hash)
            now_ns = time.time_ns()
            head = Head(
                number=number,
                hash=block_hash,
                parent_hash=parent,
                timestamp_s=now_ns // 10**9,
                gas_used=1,
                gas_limit=1,
            )
            parent = block_hash
            book.seal([head], Logs.from_arrow(moved), [now_ns])
            applied = book.take()
            if applied.faults:
                raise RuntimeError(f"the pools do not fit the logs: {applied.faults[0]}")
            await bus.commit(applied.batches, applied.state)
            produced += sum(rows.num_rows for _, rows in applied.batches)
            while produced - _rows(writer) > _AHEAD_MAX:  # noqa: ASYNC110 the writer tells nobody
                await asyncio.sleep(0.002)


def _moved(batch: pa.RecordBatch, number: int, block_hash: bytes) -> pa.RecordBatch:
    """Return the logs as if they were of another block."""
    rows = batch.num_rows
    columns = {
        "block_number": pa.repeat(pa.scalar(number, pa.uint64()), rows),
        "block_hash": pa.repeat(pa.scalar(block_hash, pa.binary(32)), rows),
    }
    arrays = [columns.get(name, batch.column(name)) for name in batch.schema.names]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def _rows(writer: Writer) -> int:
    return sum(stored.rows for stored in writer.stored.values())


async def _sample(writer: Writer) -> list[Sample]:
    process = psutil.Process()
    await asyncio.sleep(_WARM_UP_S)
    samples: list[Sample] = []
    for _ in range(_SECONDS + 1):
        samples.append(Sample(time.monotonic(), _rows(writer), process.memory_info().rss))
        await asyncio.sleep(1)
    return samples
