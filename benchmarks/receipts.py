"""The proof of a block's logs from Python: an answer's JSON in; root, filter and logs out."""

import copy
import gzip
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.row import Row
from tidemill._rust import parse_head, parse_receipts

_RECORDED = Path(__file__).resolve().parents[2] / "shared" / "data" / "evm_logs" / "rpc_blocks"
_BLOCKS = {
    "Ethereum 14,000,000": "ethereum_native_block_14000000.json.gz",
    "Ethereum 22,119,617": "ethereum_native_block_22119617.json.gz",
    "Polygon 40,000,000": "polygon_native_block_40000000.json.gz",
}
_RECEIPTS = 200
_ROUNDS = 500


def _repeated(receipts: list[dict[str, Any]]) -> tuple[bytes, int]:
    """Return an answer of as many receipts as the limit is for, and the number of its logs.

    Each has a filter, as a node's answer has and the recordings have not.
    """
    told = [copy.deepcopy(receipts[index % len(receipts)]) for index in range(_RECEIPTS)]
    log_index = 0
    for index, receipt in enumerate(told):
        receipt |= {"transactionIndex": hex(index), "logsBloom": "0x" + "00" * 256}
        for log in receipt["logs"]:
            log |= {"transactionIndex": hex(index), "logIndex": hex(log_index)}
            log_index += 1
    return json.dumps(told, separators=(",", ":")).encode(), log_index


def _rows(name: str, recorded: dict[str, Any]) -> list[Row]:
    head = parse_head(json.dumps(recorded["block"]).encode())
    proof = parse_receipts(json.dumps(recorded["receipts"]).encode())
    if head is None or proof is None or proof.root != head.receipts_root:
        raise RuntimeError(f"{name}: expected the root of its header, found {proof}")
    answer, logs = _repeated(recorded["receipts"])
    took_s: list[float] = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        parse_receipts(answer)
        took_s.append(time.perf_counter() - started)
    what = f"proof of {_RECEIPTS} receipts, those of {name} repeated"
    note = f"{logs} logs, {len(answer) / 1e3:,.0f} kB of JSON, its reading included"
    p99 = statistics.quantiles(took_s, n=100)[98] * 1e3
    return [
        Row(f"{what}, median", statistics.median(took_s) * 1e3, "ms", 2, "lower", note),
        Row(f"{what}, p99", p99, "ms", None, "lower", note),
    ]


def run() -> list[Row]:
    """Prove blocks with repeated receipts; no rows where the recordings are not beside the repository."""
    if not _RECORDED.exists():
        print(
            "receipts: needs the recordings in a folder named shared beside the repository", file=sys.stderr
        )
        return []
    rows: list[Row] = []
    for name, file in _BLOCKS.items():
        rows += _rows(name, json.loads(gzip.decompress((_RECORDED / file).read_bytes())))
    return rows
