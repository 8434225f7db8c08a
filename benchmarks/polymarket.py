"""A local Polymarket read over its sockets: how soon 10,000 books are there, how late a frame is where.

The venue with its makers and takers, Redis, and the reader are processes of their own on this machine, and
share its cores. The store is left out: see `sustained`.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.row import Row

_ROOT = Path(__file__).resolve().parents[1]
_MARKETS = 5_000
_MOVES_PER_S = 4_170
"""With trades and whole books, 5,000 frames a second."""
_SECONDS = 60
_SYNC_S = 10.0
_TO_EVENT_MS, _TO_BUS_MS, _TO_REDIS_MS = 5.0, 10.0, 20.0
_RESIDENT_MIB = 300e6 / (1 << 20)
_GROWTH_PERCENT = 5.0


def run() -> list[Row]:
    """Measure the beginning, then the flow of a minute."""
    return rows_of(measured(_SECONDS))


def measured(seconds: int) -> dict[str, Any]:
    """Return the reader's figures."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        ours, theirs = _cores()
        redis_url = f"unix://{opened.enter_context(_redis(folder, theirs))}"
        module = "tidemill.sandbox.emulators.polymarket"
        arguments = ["--markets", str(_MARKETS), "--moves-per-s", str(_MOVES_PER_S)]
        server = opened.enter_context(
            subprocess.Popen([sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, text=True)
        )
        opened.callback(server.terminate)
        os.sched_setaffinity(server.pid, theirs)
        assert server.stdout is not None
        lines = [server.stdout.readline() for _ in range(7)]
        # the bus as `tidemill ingest` has it by default
        settings = [
            f"[bus]\nretention_bytes = {32 << 20}\n",
            *lines,
            f"markets_max = {_MARKETS}\n",
            f'[redis]\nurl = "{redis_url}"\n',
        ]
        (folder / "tidemill.toml").write_text("".join(settings))
        reader = [sys.executable, "-m", "benchmarks.ingesting", str(folder), str(seconds)]
        with subprocess.Popen(reader, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as reading:
            os.sched_setaffinity(reading.pid, ours)
            told, _ = reading.communicate()
        if reading.returncode:
            raise RuntimeError(f"expected the reader to end well, found {reading.returncode}")
        return json.loads(told.splitlines()[-1])


def rows_of(found: dict[str, Any]) -> list[Row]:
    """Return the figures beside their limits."""
    if found["gaps"] or found["redis_dropped"]:
        raise RuntimeError(f"expected no gap and nothing dropped, found {found}")
    flow = f"{found['frames_per_s']:,.0f} frames/s, {found['processor_us_a_frame']:.0f} µs of a core a frame"
    resident = found["resident_mib"]
    third = max(len(resident) // 3, 1)
    growth = (max(resident[-third:]) / max(resident[:third]) - 1) * 100
    rows = [Row("Polymarket, 10,000 books live", found["synced_s"], "s", _SYNC_S, "lower", "20 sockets")]
    for name, key, limit in (
        ("event", "event_ms", _TO_EVENT_MS),
        ("bus", "bus_ms", _TO_BUS_MS),
        ("Redis", "redis_ms", _TO_REDIS_MS),
    ):
        p50, p99, p999 = found[key]
        note = f"p50 {p50:.2g}, p99.9 {p999:.2g} ms; {flow}"
        rows.append(Row(f"Polymarket, frame to {name}, p99", p99, "ms", limit, "lower", note))
    rows.append(
        Row("Polymarket, resident memory", max(resident), "MiB", _RESIDENT_MIB, "lower", "ingestion only")
    )
    rows.append(
        Row("Polymarket, its growth", growth, "%", _GROWTH_PERCENT, "lower", "last third over the first")
    )
    return rows


def _cores() -> tuple[set[int], set[int]]:
    """Return the cores of the reader, and that of venue and Redis, which would be on other machines."""
    cores = sorted(os.sched_getaffinity(0))
    return set(cores[:-1] or cores), {cores[-1]}


@contextmanager
def _redis(folder: Path, cores: set[int]) -> Iterator[Path]:
    """Run Redis, which keeps nothing on disk, at a socket file."""
    root = _ROOT / ".services/redis-server"
    program = root / "usr/bin/redis-server"
    found = str(program) if program.exists() else shutil.which("redis-server")
    if found is None:
        raise RuntimeError("needs redis-server; `make services` fetches it")
    path = folder / "redis.sock"
    libraries = {"LD_LIBRARY_PATH": str(root / "usr/lib/x86_64-linux-gnu")}
    arguments = [found, "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(folder)]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, env=libraries) as server:
        os.sched_setaffinity(server.pid, cores)
        try:
            yield path
        finally:
            server.terminate()
