"""Recorded mainnet blocks: JSON in, a report of all transactions out; and the classification alone.

mev-inspect-py, which takes some 100 ms for that after reading, is on no package registry: no peer runs here.
"""

import gzip
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.row import Row
from tidemill._rust import inspect_block
from tidemill.chains.evm.markets import markets_of

_ROOT = Path(__file__).resolve().parents[1]
_RECORDED = _ROOT.parent / "shared" / "data"
_TRACED = "mev_blocks/blocks/12914944.json.gz"
_RECEIPTS = (
    "evm_logs/rpc_blocks/ethereum_native_block_14000000.json.gz",
    "evm_logs/rpc_blocks/ethereum_native_block_17000000.json.gz",
)
_RECEIPT_COUNT = 200
_ROUNDS = 300
_CLASSIFIED_MS = 1.0
"""A hundredth of what mev-inspect-py is known to take."""


def run() -> list[Row]:
    """Inspect recorded blocks; no rows where the recordings are not beside the repository."""
    if not _RECORDED.exists():
        print("inspect_block: needs the recordings in a folder named shared", file=sys.stderr)
        return []
    known = markets_of(1)
    facts = {"wrapped": known.wrapped, "stables": list(known.stables), "routers": list(known.routers)}
    rows: list[Row] = []
    for name, document in (
        ("block with traces", gzip.decompress((_RECORDED / _TRACED).read_bytes())),
        (f"block of {_RECEIPT_COUNT} receipts", _many_receipts()),
    ):
        took_ms: list[float] = []
        for _ in range(_ROUNDS):
            started = time.perf_counter()
            inspect_block(document, **facts)
            took_ms.append((time.perf_counter() - started) * 1e3)
        note = f"{len(document) / 1e3:,.0f} kB of JSON to a report in JSON"
        rows.append(Row(f"inspect a {name}", statistics.median(took_ms), "ms", 3, "lower", note))
    return [*rows, _classified()]


def _many_receipts() -> bytes:
    """Return the receipts of two recorded blocks as those of one."""
    receipts: list[dict[str, Any]] = []
    for file in _RECEIPTS:
        receipts += json.loads(gzip.decompress((_RECORDED / file).read_bytes()))["receipts"]
    log_count = 0
    for index, receipt in enumerate(receipts[:_RECEIPT_COUNT]):
        where = {"blockNumber": "0x1", "transactionIndex": hex(index)}
        receipt.update(where)
        for log in receipt["logs"]:
            log.update(where, logIndex=hex(log_count))
            log_count += 1
    return json.dumps({"receipts": receipts[:_RECEIPT_COUNT]}).encode()


def _classified() -> Row:
    """Run the crate's bench on all recorded blocks with traces."""
    with tempfile.TemporaryDirectory() as folder:
        files: list[str] = []
        for packed in sorted((_RECORDED / _TRACED).parent.glob("*.json.gz")):
            file = Path(folder) / packed.stem
            file.write_bytes(gzip.decompress(packed.read_bytes()))
            files.append(str(file))
        command = ["cargo", "bench", "--quiet", "-p", "tidemill-inspect", "--bench", "classify", "--", *files]
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
    took_ms = [json.loads(line)["ns"] / 1e6 for line in done.stdout.splitlines()]
    note = f"median of {len(took_ms)} mainnet blocks with traces, the slowest {max(took_ms):.2f} ms"
    row = statistics.median(took_ms)
    return Row("classify a block that was read", row, "ms", _CLASSIFIED_MS, "lower", note)
