"""The whole pipeline on a live chain at 2,000 events/s; then its recording, replayed as fast as it goes."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.row import Row

_SECONDS = 120
"""Blocks of 500 events come every 250 ms: at 40 s two slow ones are the p99, and a replay is mostly start."""
_SWAPS_PER_S = 610
"""A swap makes two events, itself and the pool's new state, and beside it come liquidity and arbitrages."""
_REPLAYS = 5


def _tidemill(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tidemill.app.cli", *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: exit code {done.returncode}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def _demo(data: Path, *options: str) -> dict[str, Any]:
    # Inspection asks the node for each block twice more, which takes it as long as making the block.
    rate = ("--seconds", str(_SECONDS), "--swaps-per-s", str(_SWAPS_PER_S), "--no-inspect")
    return _tidemill("demo", *rate, *options, "--data", str(data))


def run() -> list[Row]:
    """Run the demo at the stated rate, then replay what it recorded."""
    with tempfile.TemporaryDirectory() as folder:
        demo = _demo(Path(folder) / "timed")
        recorded = _demo(Path(folder) / "recorded", "--record")
        recording = recorded["chain"]["recording"]
        replays = [_tidemill("replay", recording, "--speed", "max") for _ in range(_REPLAYS)]
    if any(replay["digest"] != recorded["chain"]["digest"] for replay in replays):
        raise RuntimeError("a replay's digest differs from the live run's")
    rate = demo["events"] / demo["seconds"]
    note = (
        f"{rate:,.0f} events/s over {_SECONDS} s, start left in; node and traders on the same machine; search"
        " and autopsies on, inspection off"
    )
    beside = recorded["frame_to_bus"]["p99_ms"]
    replayed = statistics.median(replay["events_per_s"] for replay in replays)
    return [
        Row(
            "frame received → on the bus, p99",
            demo["frame_to_bus"]["p99_ms"],
            "ms",
            5,
            "lower",
            note + f"; {beside} ms while it is recorded",
        ),
        Row(
            "frame received → stored and queryable, p99",
            demo["frame_to_stored"]["p99_ms"],
            "ms",
            250,
            "lower",
            note,
        ),
        Row("events missing or double", _wrong(demo), "events", 0, "lower", f"{demo['events']:,} events"),
        Row("replay at full speed", replayed, "events/s", 300_000, note="same digest as the live run"),
    ]


def _wrong(demo: dict[str, Any]) -> int:
    return sum(table["missing"] + table["double"] for table in demo["proof"]["tables"].values())
