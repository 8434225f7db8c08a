"""The data API before a store and a bus in a temporary folder, for what is measured of it."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from tests.serve.program import Client, served
from tests.serve.stored import StoredProgram

from tidemill.bus import open_bus
from tidemill.schema import derive
from tidemill.schema.types import NANOS
from tidemill.store import open_store

START_NS = 1_767_225_600_000_000_000


def swaps(
    rows: int, rows_a_batch: int, *, first: int = 0, start_ns: int = START_NS
) -> Iterator[pa.RecordBatch]:
    """Yield swaps from the `first` on, 20 in a block, a block a second, in batches of one file each."""
    rng = np.random.default_rng(7)
    schema = derive.arrow_schema("swap")
    for begin in range(first, first + rows, rows_a_batch):
        numbers = np.arange(begin, min(begin + rows_a_batch, first + rows))
        arrays = [
            _column(column.name, column.logical, numbers, start_ns, rng) for column in derive.columns("swap")
        ]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _column(
    name: str, logical: Any, numbers: np.ndarray, start_ns: int, rng: np.random.Generator
) -> pa.Array:
    count = len(numbers)
    if logical is NANOS:
        return pa.array(start_ns + numbers // 20 * 10**9).cast(logical.arrow)
    if name in {"block_hash", "tx_hash"}:
        kept = numbers // 20 if name == "block_hash" else numbers
        raw = np.zeros((count, 4), np.uint64)
        raw[:, 0] = kept.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        raw[:, 3] = kept
        return pa.Array.from_buffers(logical.arrow, count, [None, pa.py_buffer(raw.tobytes())])
    if logical.byte_width:
        raw = np.zeros((count, logical.byte_width), np.uint8)
        raw[:, :8] = rng.integers(0, 256, (count, 8))
        return pa.Array.from_buffers(logical.arrow, count, [None, pa.py_buffer(raw.tobytes())])
    if pa.types.is_string(logical.arrow):
        return pa.array(["uniswap"]).take(pa.array(np.zeros(count, np.int64)))
    if name == "chain_id":
        return pa.array(np.ones(count, np.int64)).cast(logical.arrow)
    plain = numbers // 20 if name == "block_number" else numbers % 20
    return pa.array(plain).cast(logical.arrow)


@asynccontextmanager
async def serving(
    stored: Iterator[tuple[str, pa.RecordBatch]],
) -> AsyncIterator[tuple[StoredProgram, Client]]:
    """Yield a program that has stored and told these batches, and the client of its API."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            open_bus("memory://") as bus,
            open_store(f"chdb://{Path(folder) / 'store'}") as store,
        ):
            await store.migrate()
            program = StoredProgram(bus, store)
            for tag, batch in stored:
                await program.commit(tag, batch)
            async with served(program, connections_max=2_000) as client:
                yield program, client
