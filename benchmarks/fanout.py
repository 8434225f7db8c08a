"""From the bus to 500 WebSocket clients in another process on this machine; what 40 ms bring is a frame."""

import asyncio
import json
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pyarrow as pa
from tests.serve.stored import events

from benchmarks.row import Row
from benchmarks.served import serving

_CLIENTS = 500
_EVENTS_PER_S = 100
_SECONDS = 8


def run() -> list[Row]:
    """Commit trades at a fixed rate while all listen."""
    return asyncio.run(_run())


async def _run() -> list[Row]:
    async with serving(iter(())) as (program, client):
        at = urlsplit(client.url)
        command = [sys.executable, "-m", "benchmarks.ws_load", str(at.hostname), str(at.port), "/ws/trade"]
        listening = await asyncio.create_subprocess_exec(
            *command, str(_CLIENTS), str(_SECONDS), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert listening.stderr is not None
        await listening.stderr.readline()
        ended = asyncio.create_task(listening.communicate())
        began_cpu_s = time.process_time()
        begin_s, number = time.monotonic(), 0
        while not ended.done():
            number += 1
            await program.commit("trade", _now(events("trade", number, 1)), is_stored=False)
            await asyncio.sleep(max(begin_s + number / _EVENTS_PER_S - time.monotonic(), 0))
        said = json.loads((await ended)[0])
        cpu_us = (time.process_time() - began_cpu_s) / max(said["frames"], 1) * 1e6
    note = f"{said['frames']:,} frames, p50 {said['p50_ms']:.0f} ms, {cpu_us:.0f} µs of processor a frame"
    what = f"stream, {_CLIENTS} clients × {_EVENTS_PER_S} events/s, bus to client, p99"
    return [Row(what, said["p99_ms"], "ms", 100, "lower", note)]


def _now(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the batch with the present as its time."""
    index = batch.schema.get_field_index("event_ns")
    times = pa.array([time.time_ns()] * batch.num_rows).cast(batch.schema.field(index).type)
    return batch.set_column(index, batch.schema.field(index), times)
