"""A recorded mainnet block from Python: JSON with its traces in, a report of all its transactions out."""

import gzip
import statistics
import sys
import time
from pathlib import Path

from benchmarks.row import Row
from tidemill._rust import inspect_block
from tidemill.chains.evm.markets import markets_of

_RECORDED = Path(__file__).resolve().parents[2] / "shared" / "data"
_BLOCKS = {
    "block with traces": "mev_blocks/blocks/12914944.json.gz",
    "block from receipts": "evm_logs/rpc_blocks/ethereum_native_block_14000000.json.gz",
}
_ROUNDS = 300


def run() -> list[Row]:
    """Inspect recorded blocks; no rows where the recordings are not beside the repository."""
    if not _RECORDED.exists():
        print(
            "inspect_block: needs the recordings in a folder named shared",
            file=sys.stderr,
        )
        return []
    known = markets_of(1)
    facts = {"wrapped": known.wrapped, "stables": list(known.stables), "routers": list(known.routers)}
    rows: list[Row] = []
    for name, file in _BLOCKS.items():
        document = gzip.decompress((_RECORDED / file).read_bytes())
        took_ms: list[float] = []
        for _ in range(_ROUNDS):
            started = time.perf_counter()
            inspect_block(document, **facts)
            took_ms.append((time.perf_counter() - started) * 1e3)
        note = f"{len(document) / 1e3:,.0f} kB of JSON to a report in JSON"
        rows.append(Row(f"inspect a {name}", statistics.median(took_ms), "ms", 3, "lower", note))
    return rows
