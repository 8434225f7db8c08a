"""Count the instructions of each hot path under callgrind; more than 5 % over budget.toml is a regression.

`python -m benchmarks.budget --write` sets the budget to what is measured now.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from benchmarks.row import Row

ROOT = Path(__file__).parents[1]
BUDGET = Path(__file__).parent / "budget.toml"
TOLERANCE = 1.05
_SHORT, _LONG = (1_000, 11_000), (2, 12)
"""Two counts of operations, of short and of long ones: their difference leaves out what the set-up costs."""
_PATHS = {
    "tidemill-frames": {"prove_200_receipts": _LONG},
    "tidemill-pools": {
        "decode_v2_sync": _SHORT,
        "decode_v3_swap": _SHORT,
        "v2_amount_out": _SHORT,
        "v3_quote_in_range": _SHORT,
        "v3_quote_8_ticks": _SHORT,
        "apply_block_v2_sync": _LONG,
    },
    "tidemill-search": {
        "size_2_v2": _SHORT,
        "size_3_v2": _SHORT,
        "size_2_v3_in_range": _SHORT,
        "scan_20_of_1000": _LONG,
    },
}
"""By the crate whose bench has them. A block that is applied has 1,024 logs, a scan 20 pools touched."""


def _binary(crate: str) -> str:
    command = ["cargo", "bench", "--quiet", "-p", crate, "--bench", "hot", "--no-run"]
    done = subprocess.run(
        [*command, "--message-format", "json"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    built = [json.loads(line) for line in done.stdout.splitlines()]
    return next(str(item["executable"]) for item in built if item.get("executable"))


def _instructions(binary: str, name: str, count: int) -> int:
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", binary],
        env=os.environ | {"ONLY": name, "ITER": str(count)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"Collected : (\d+)", done.stderr)
    if found is None:
        raise RuntimeError(f"callgrind: expected a line 'Collected : …', found {done.stderr[-300:]}")
    return int(found[1])


def measured() -> dict[str, int]:
    """Return the instructions of one operation of each path."""
    per_operation: dict[str, int] = {}
    for crate, paths in _PATHS.items():
        binary = _binary(crate)
        for name, (few, many) in paths.items():
            more = _instructions(binary, name, many) - _instructions(binary, name, few)
            per_operation[name] = more // (many - few)
    return per_operation


def run() -> list[Row]:
    """Compare each path with its budget."""
    budget = tomllib.loads(BUDGET.read_text())["instructions"]
    return [
        Row(f"instructions of {name}", count, "instructions", int(budget[name] * TOLERANCE), "lower")
        for name, count in measured().items()
    ]


def main(arguments: list[str]) -> int:
    """Check the budget, or write it; return 1 where it is exceeded."""
    if "--write" in arguments:
        lines = "".join(f"{name} = {count}\n" for name, count in measured().items())
        BUDGET.write_text(
            "# Instructions of one operation; written by `python -m benchmarks.budget --write`.\n"
            f"[instructions]\n{lines}"
        )
        return 0
    rows = run()
    for row in rows:
        print(f"{row.what}: {row.measured:.0f}, at most {row.limit:.0f}")
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
