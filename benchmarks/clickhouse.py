"""Up to ten million records of arbitrages, the widest table, in the embedded store: size and queries.

The records are `benchmarks.arbitrage_rows`, 145 columns, inserted as many at once as the writer does for 30 s
or until there are 2.5 million, and merged by the engine as it does by itself, until it has nothing to merge;
the rest are further copies of their parts (hard links), so that a query meets as many rows as it would among
distinct ones, at the same times, with transactions of their own. A last insert comes after them. Statistics
are of one copy, as a day has so many blocks. One record is asked for as the API asks: for a page of a
transaction's.
"""

import asyncio
import math
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator

import msgspec
import pyarrow as pa

from benchmarks.arbitrage_rows import BLOCK_NS, ROWS_A_BLOCK, START_NS, TAG, batches
from benchmarks.row import Row
from tidemill.schema import derive
from tidemill.schema.ddl import MERGE_AT_ONCE
from tidemill.store import open_store
from tidemill.store.base import Condition, Page
from tidemill.store.clickhouse import ClickHouseStore
from tidemill.store.plain import plain_value

_ROWS = 10_000_000
_FILL_S = 30
_COPY_S, _MERGE_S, _QUIET_S = 25, 60, 2
_ROWS_AN_INSERT = 21_000
_DISTINCT_MAX = 6 * MERGE_AT_ONCE * _ROWS_AN_INSERT
"""Of a multiple of what is merged at once no insert is left over."""
_ASKED_TIMES, _ASKING_S = 100, 8
_LIMIT_MS = 50
_OTHER_HASHES = (
    "UPDATE tx_hash = concat(substring(tx_hash, 1, 64), '{:02x}') WHERE 1 SETTINGS mutations_sync = 1"
)
_JSON_ROWS = 2_000


def run() -> list[Row]:
    """Fill a store for a minute at the most, then ask."""
    return asyncio.run(_run())


async def _run() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        async with open_store(f"chdb://{folder}/store") as store:
            assert isinstance(store, ClickHouseStore)
            await store.migrate()
            made = batches(_DISTINCT_MAX + _ROWS_AN_INSERT, _ROWS_AN_INSERT)
            distinct, insert_s, json_bytes = await _fill(store, made)
            await _merged(store)
            packing = await _packing(store, distinct, json_bytes)
            copies = await _copy(store, distinct)
            await store.insert(TAG, [next(made)], "last")
            held = f"{distinct * copies:,} rows in {await _parts(store)} parts, {distinct:,} made"
            filled = Row("insert records of 145 columns (embedded)", distinct / insert_s, "rows/s", note=held)
            return [filled, *packing, *await _ask(store, distinct, held)]


async def _fill(store: ClickHouseStore, made: Iterator[pa.RecordBatch]) -> tuple[int, float, float]:
    """Return how many rows were inserted, the time that inserts took, and the bytes of a row as JSON."""
    rows, insert_s, json_bytes, begun_s = 0, 0.0, math.nan, time.perf_counter()
    for number, batch in enumerate(made, 1):
        if rows == 0:
            json_bytes = _json_bytes(batch)
        started_s = time.perf_counter()
        rows += await store.insert(TAG, [batch], f"rows {rows}")
        insert_s += time.perf_counter() - started_s
        is_enough = time.perf_counter() - begun_s > _FILL_S or rows == _DISTINCT_MAX
        if is_enough and number % MERGE_AT_ONCE == 0:
            break
    return rows, insert_s, json_bytes


async def _merged(store: ClickHouseStore) -> None:
    """Wait until the engine has merged nothing for some time, and let it be at that."""
    quiet_at = time.perf_counter() + _QUIET_S
    async with asyncio.timeout(_MERGE_S):
        while time.perf_counter() < quiet_at:
            if (await store._own("SELECT 1 FROM system.merges LIMIT 1")).num_rows:
                quiet_at = time.perf_counter() + _QUIET_S
            await asyncio.sleep(0.1)
    await store._execute(f"SYSTEM STOP MERGES {TAG}")


async def _parts(store: ClickHouseStore) -> int:
    counting = f"SELECT count() AS parts FROM system.parts WHERE active AND table = '{TAG}'"
    parts: int = (await store._own(counting)).column("parts")[0].as_py()
    return parts


def _json_bytes(batch: pa.RecordBatch) -> float:
    rows = derive.to_rows(TAG, batch.slice(0, _JSON_ROWS))
    lines = [msgspec.json.encode({name: _as_json(value) for name, value in row.items()}) for row in rows]
    return sum(len(line) + 1 for line in lines) / len(lines)


def _as_json(value: object) -> object:
    is_wide = isinstance(value, int) and not -(1 << 63) <= value < 1 << 63
    return str(value) if is_wide else plain_value(value)


async def _packing(store: ClickHouseStore, rows: int, json_bytes: float) -> list[Row]:
    sizes = await store._own(
        "SELECT sum(data_compressed_bytes) AS packed, sum(data_uncompressed_bytes) AS raw FROM system.parts"
        f" WHERE active AND table = '{TAG}'"
    )
    packed, raw = sizes.to_pylist()[0].values()
    note = f"{packed / rows:,.0f} bytes a row, JSON {json_bytes:,.0f}; most features have eleven digits"
    return [
        Row("records: JSON by what is stored", json_bytes * rows / packed, ": 1", 10, note=note),
        Row("records: columns by what is stored", raw / packed, ": 1", note=f"{raw / rows:,.0f} bytes a row"),
    ]


async def _copy(store: ClickHouseStore, rows: int) -> int:
    """Link copies of all parts until there are enough rows or time is up; return how often each is there."""
    copies = math.ceil(_ROWS / rows)
    parts = await store._own(f"SELECT DISTINCT partition FROM system.parts WHERE active AND table = '{TAG}'")
    await store._execute(f"CREATE TABLE bench AS {TAG}")
    months: list[str] = parts.column("partition").to_pylist()
    for month in months:
        await store._execute(f"ALTER TABLE bench ATTACH PARTITION {month} FROM {TAG}")
    begun_s = time.perf_counter()
    for copy in range(1, copies):
        if time.perf_counter() - begun_s > _COPY_S:
            return copy
        await store._execute(f"ALTER TABLE bench {_OTHER_HASHES.format(copy % 256)}")
        for month in months:
            await store._execute(f"ALTER TABLE {TAG} ATTACH PARTITION {month} FROM bench")
    return copies


async def _ask(store: ClickHouseStore, rows: int, held: str) -> list[Row]:
    chance = random.Random(6)
    hashes = (await store.query(f"SELECT tx_hash FROM {TAG} LIMIT 1 BY block_number LIMIT 500")).column(0)
    days = max(1, rows // ROWS_A_BLOCK * BLOCK_NS // (86_400 * 10**9))

    async def latest() -> int:
        return (await store.select(TAG, 0, 1 << 62, newest=100)).num_rows

    async def of_a_day() -> int:
        day_s = START_NS // 10**9 + 86_400 * chance.randrange(days)
        answer = await store.query(f"SELECT * FROM {TAG}_daily WHERE day = toDateTime({day_s}, 'UTC')")
        return answer.num_rows

    async def point() -> int:
        wanted = chance.choice(hashes).as_py()
        return (await store.page(TAG, Page(where=(Condition("tx_hash", "=", wanted),), limit=100))).num_rows

    asked = {
        "latest 100 records, all columns": latest,
        "one day's statistics": of_a_day,
        "one record by its transaction, all columns": point,
    }
    return [await _timed(what, ask, held) for what, ask in asked.items()]


async def _timed(what: str, ask: Callable[[], Awaitable[int]], held: str) -> Row:
    taken_ms: list[float] = []
    assert await ask() > 0  # and warm
    begun_s, cpu_s = time.perf_counter(), time.process_time()
    while len(taken_ms) < _ASKED_TIMES and time.perf_counter() - begun_s < _ASKING_S:
        started_s = time.perf_counter()
        assert await ask() > 0
        taken_ms.append((time.perf_counter() - started_s) * 1e3)
    cpu_ms = (time.process_time() - cpu_s) * 1e3 / len(taken_ms)
    taken_ms.sort()
    p50_ms, p99_ms = taken_ms[len(taken_ms) // 2], taken_ms[math.ceil(0.99 * len(taken_ms)) - 1]
    note = f"p99 of {len(taken_ms)}; p50 {p50_ms:.1f} ms, {cpu_ms:.0f} ms of CPU; {held}"
    return Row(what, p99_ms, "ms", _LIMIT_MS, "lower", note)
