"""Run every benchmark, print one table, write it as JSON; fail where a limit is not kept.

`python -m benchmarks [--keep] [--against] [--runs N] [NAME …]`: the named ones only, or, `--against`, those
of them that run a peer beside tidemill. A benchmark is a module of this
folder with `run() -> list[Row]`. `--keep` puts what was measured into docs/benchmarks.json, of which `make
generate` makes the page that figures of the documentation lead to. `--runs` measures each so often: medians
are told, and what each run measured is kept beside them.
"""

import argparse
import importlib
import json
import os
import pkgutil
import platform
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import benchmarks
from benchmarks.row import Row, of_runs

HERE = Path(__file__).parent
KEPT = HERE.parent / "docs/benchmarks.json"


def names() -> list[str]:
    """Return every module of this folder that has a `run`."""
    found = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return [name for name in found if hasattr(importlib.import_module(f"benchmarks.{name}"), "run")]


def has_peer(name: str) -> bool:
    """Say whether a benchmark runs a peer beside tidemill: whether it uses what `peer` has."""
    members = vars(importlib.import_module(f"benchmarks.{name}")).values()
    return any(getattr(member, "__module__", None) == "benchmarks.peer" for member in members)


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
    asked = _parser().parse_args(arguments)
    found: dict[str, list[Row]] = {}
    circumstances = _circumstances()
    for name in asked.names or names():
        if asked.against and not has_peer(name):
            continue
        started = time.monotonic()
        benchmark = importlib.import_module(f"benchmarks.{name}")
        found[name] = of_runs([benchmark.run() for _ in range(asked.runs)])
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    rows = [row for some in found.values() for row in some]
    print(shown(rows))
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    _write(results / "latest.json", {**circumstances, "rows": [_told(row) for row in rows]})
    if asked.keep:
        kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
        kept |= {
            name: {**circumstances, "rows": [_told(row) for row in some]} for name, some in found.items()
        }
        _write(KEPT, dict(sorted(kept.items())))
    return 1 if any(row.holds is False for row in rows) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Run benchmarks, and print one table.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="All by default.")
    parser.add_argument(
        "--keep", action="store_true", help="Put what was measured into docs/benchmarks.json."
    )
    parser.add_argument("--against", action="store_true", help="Those that run a peer beside, no other.")
    parser.add_argument("--runs", type=int, default=1, help="How often each is measured.")
    return parser


def _circumstances() -> dict[str, Any]:
    """Return where and when it is measured, and how much else runs there before the first benchmark."""
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, cwd=HERE, check=False
    )
    processor = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    machine = {"processor": processor[1] if processor else platform.machine(), "cores": os.cpu_count()}
    day = time.strftime("%Y-%m-%d", time.gmtime())
    return {"commit": commit.stdout.strip(), "day": day, "machine": machine, "load": os.getloadavg()[0]}


def _told(row: Row) -> dict[str, Any]:
    return row._asdict() | {"holds": row.holds}


def _write(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
