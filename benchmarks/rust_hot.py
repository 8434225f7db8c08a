"""Decoding and quoting in Rust, one core: seconds from the crate's own bench, best of five rounds."""

import json
import subprocess
from pathlib import Path

from benchmarks.row import Row

ROOT = Path(__file__).parents[1]
_DECODE = {
    "decode_v2_sync": "decode V2 Sync log to event, Rust",
    "decode_v3_swap": "decode V3 Swap log to event, Rust",
}
_QUOTES = {
    "v2_amount_out": ("V2 quote, Rust", 50),
    "v3_quote_in_range": ("V3 quote in range, Rust", 300),
    "v3_quote_8_ticks": ("V3 quote crossing 8 ticks, Rust", 3_000),
}


def run() -> list[Row]:
    """Run the crate's bench; it prints a line of JSON for each path."""
    command = ["cargo", "bench", "--quiet", "-p", "tidemill-pools", "--bench", "hot"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = {line["name"]: line for line in map(json.loads, done.stdout.splitlines())}
    rows = [Row(what, found[name]["per_s"] / 1e6, "M/s", 10) for name, what in _DECODE.items()]
    return rows + [
        Row(what, found[name]["ns"], "ns", limit, "lower") for name, (what, limit) in _QUOTES.items()
    ]
