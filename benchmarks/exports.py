"""A million records of arbitrages, the widest table, from the embedded store to a file of each format.

The records are `benchmarks.arbitrage_rows`, 145 columns. Beside each format is what the engine takes for its
own `INTO OUTFILE` of the same rows in the same order, where it has the format; else what reading the rows
takes alone, in no order, and after that h5py's own way of columns that are in memory, or the writing of the
bytes of the records alone. Each is brought onto the disk and has its digest made, as an export has; the
engine packs Arrow by LZ4.
Memory is what a process of its own takes at most over what it has with the store open. Nothing of ours is
compressed but Parquet, by snappy. EXPORT_ROWS exports fewer.
"""

import asyncio
import hashlib
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa

from benchmarks.arbitrage_rows import TAG, batches
from benchmarks.row import Row
from tidemill.core.arrow import pc
from tidemill.export.request import ExportRequest
from tidemill.export.running import Maker, run_export
from tidemill.export.targets import target_of
from tidemill.schema import derive
from tidemill.store import open_store

_ROWS = int(os.environ.get("EXPORT_ROWS", "1000000"))
_ROWS_AN_INSERT = 100_000
_LIMITS_S = {"parquet": 1.5, "arrow": 1.0, "csv": 6.0, "json": 6.0, "hdf5": 5.0, "tfrecord": 6.0}
_ENGINE = {"parquet": "Parquet", "arrow": "Arrow", "csv": "CSVWithNames", "json": "JSONEachRow"}
_MEMORY_MB = 500
_SELECT = f"SELECT {', '.join(column.name for column in derive.columns(TAG))} FROM {TAG}"
_ORDER = f" ORDER BY {', '.join(derive.order(TAG))}"


def run() -> list[Row]:
    """Fill a store, then export each format in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        _apart(_fill, folder)
        rows: list[Row] = []
        read_s = _apart(_read, folder)
        for name, limit_s in _LIMITS_S.items():
            took_s, cpu_s, over_mb, megabytes = _apart(_export, folder, name)
            scaled = limit_s * _ROWS / 1_000_000
            if name in _ENGINE:
                beside_s = _apart(_engine, folder, _ENGINE[name])
                told = f"the engine's INTO OUTFILE {beside_s:.2f} s; reading alone {read_s:.2f} s"
            else:
                write_s = _apart(_WRITERS[name], folder, megabytes)
                beside_s = read_s + write_s
                told = f"reading alone {read_s:.2f} s, {_WRITTEN[name]} {write_s:.2f} s"
            own = f"{cpu_s:.1f} s of CPU; {megabytes:,.0f} MB in the file, {_ROWS:,} rows"
            rows.append(Row(f"export {name}", took_s, "s", scaled, "lower", f"{told}; {own}"))
            rows.append(Row(f"export {name}: over what is beside it", took_s / beside_s, "×", 1.3, "lower"))
            rows.append(Row(f"export {name}: memory over the store's", over_mb, "MB", _MEMORY_MB, "lower"))
        return rows


def _h5py(folder: str, _: float) -> float:
    """Return the seconds in which h5py writes columns that are arrays of it already."""

    async def columns(store: Any) -> dict[str, np.ndarray]:
        table = pa.Table.from_batches([batch async for batch in store.stream(_SELECT)])
        return {name: _plain(table.column(name).combine_chunks()) for name in table.schema.names}

    arrays = _in_store(folder, columns)
    began_s = time.perf_counter()
    with h5py.File(f"{folder}/beside.h5", "w") as file:
        for name, values in arrays.items():
            file.create_dataset(name, data=values, chunks=(min(8_192, _ROWS), *values.shape[1:]))
    _finish(Path(f"{folder}/beside.h5"))
    return time.perf_counter() - began_s


def _finish(path: Path) -> None:
    """Do what an export does with a whole file."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        hashlib.file_digest(file, "sha256")
    path.unlink()


def _plain(values: pa.Array) -> np.ndarray:
    if pa.types.is_string(values.type):
        width = pc.max(pc.binary_length(values)).as_py() or 1
        return np.array(values.cast(pa.binary()).to_pylist(), f"S{width}")
    if pa.types.is_fixed_size_binary(values.type):
        octets = np.frombuffer(values.buffers()[1], np.uint8)
        return octets.reshape(-1, values.type.byte_width)[: len(values)]
    values = values.cast(pa.int64()) if pa.types.is_timestamp(values.type) else values
    return values.fill_null(0).to_numpy(zero_copy_only=False)


def _raw(folder: str, megabytes: float) -> float:
    """Return the seconds in which so many bytes are written, framed and summed already."""
    piece = os.urandom(1 << 20)
    began_s = time.perf_counter()
    with Path(f"{folder}/beside.tfrecord").open("wb", buffering=0) as file:
        for _ in range(int(megabytes * 1e6) >> 20):
            file.write(piece)
    _finish(Path(f"{folder}/beside.tfrecord"))
    return time.perf_counter() - began_s


_WRITERS = {"hdf5": _h5py, "tfrecord": _raw}
_WRITTEN = {"hdf5": "h5py's own writing of it", "tfrecord": "writing the bytes alone"}


def _apart(work: Callable[..., Any], *arguments: Any) -> Any:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def _fill(folder: str) -> None:
    async def fill() -> None:
        async with open_store(f"chdb://{folder}/store") as store:
            await store.migrate()
            for number, batch in enumerate(batches(_ROWS, _ROWS_AN_INSERT)):
                await store.insert(TAG, [batch], f"rows {number}")

    asyncio.run(fill())


def _in_store(folder: str, work: Callable[[Any], Awaitable[Any]]) -> Any:
    async def go() -> Any:
        async with open_store(f"chdb://{folder}/store") as store:
            await store.query("SELECT 1")
            return await work(store)

    return asyncio.run(go())


def _peak_mb() -> float:
    # not getrusage's: that begins with what the parent had
    held = Path("/proc/self/status").read_text().partition("VmHWM:")[2]
    return int(held.split(maxsplit=1)[0]) / 1024


def _export(folder: str, name: str) -> tuple[float, float, float, float]:
    async def export(store: Any) -> tuple[float, float, float, float]:
        out = Path(folder) / "out"
        asked = ExportRequest(format=name, table=TAG, finality="instant")
        base_mb, cpu_s, began_s = _peak_mb(), time.process_time(), time.perf_counter()
        target, maker = (
            target_of(str(out), Path(folder)),
            Maker(version="", now_ns=time.time_ns, final_blocks=64),
        )
        manifest = await run_export(store, asked, target, maker)
        took_s = time.perf_counter() - began_s
        cpu_s, over_mb = time.process_time() - cpu_s, _peak_mb() - base_mb
        shutil.rmtree(out)
        assert manifest.rows == _ROWS
        return took_s, cpu_s, over_mb, sum(entry.bytes for entry in manifest.files) / 1e6

    return _in_store(folder, export)


def _read(folder: str) -> float:
    async def read(store: Any) -> float:
        began_s = time.perf_counter()
        async for _ in store.stream(_SELECT):
            pass
        return time.perf_counter() - began_s

    return _in_store(folder, read)


def _engine(folder: str, form: str) -> float:
    from chdb.session import Session  # here, lest ours have it loaded as it comes

    session = Session(f"{folder}/store")
    path = Path(folder) / "engine.out"
    began_s = time.perf_counter()
    session.query(f"{_SELECT}{_ORDER} INTO OUTFILE '{path}' FORMAT {form}")
    assert path.stat().st_size > _ROWS
    _finish(path)
    took_s = time.perf_counter() - began_s
    session.close()
    return took_s
