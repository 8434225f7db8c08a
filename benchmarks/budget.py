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
_PATHS = {
    "tidemill-pools": (
        "decode_v2_sync",
        "decode_v3_swap",
        "v2_amount_out",
        "v3_quote_in_range",
        "v3_quote_8_ticks",
    ),
    "tidemill-search": ("size_2_v2", "size_3_v2", "size_2_v3_in_range"),
}
"""By the crate whose bench has them."""
_FEW, _MANY = 1_000, 11_000
"""Two counts of operations: their difference leaves out what the set-up costs."""


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
    for crate, names in _PATHS.items():
        binary = _binary(crate)
        for name in names:
            more = _instructions(binary, name, _MANY) - _instructions(binary, name, _FEW)
            per_operation[name] = more // (_MANY - _FEW)
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
