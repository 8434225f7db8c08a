"""Run every benchmark, print one table, write it as JSON; fail where a limit is not kept.

`python -m benchmarks [NAME …]`: the named ones only. A benchmark is a module of this folder with
`run() -> list[Row]`.
"""

import importlib
import json
import os
import pkgutil
import platform
import subprocess
import sys
import time
from pathlib import Path

import benchmarks
from benchmarks.row import Row

HERE = Path(__file__).parent


def names() -> list[str]:
    """Return every module of this folder that has a `run`."""
    found = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return [name for name in found if hasattr(importlib.import_module(f"benchmarks.{name}"), "run")]


def shown(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| what | measured | limit | holds | note |", "|---|---|---|---|---|"]
    for row in rows:
        sign = "≥" if row.better == "higher" else "≤"
        limit = "" if row.limit is None else f"{sign} {row.limit:,g} {row.unit}"
        holds = {True: "yes", False: "NO", None: ""}[row.holds]
        lines.append(f"| {row.what} | {row.measured:,.4g} {row.unit} | {limit} | {holds} | {row.note} |")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Run, print, write; return 1 where a limit is not kept."""
    rows: list[Row] = []
    for name in arguments or names():
        started = time.monotonic()
        found = importlib.import_module(f"benchmarks.{name}").run()
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr)
        rows += found
    print(shown(rows))
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, cwd=HERE, check=False
    )
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    content = {
        "commit": commit.stdout.strip(),
        "machine": {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()},
        "rows": [row._asdict() | {"holds": row.holds} for row in rows],
    }
    (results / "latest.json").write_text(json.dumps(content, indent=2) + "\n")
    return 1 if any(row.holds is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
