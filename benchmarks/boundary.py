"""Decoding called from Python: raw logs as Arrow columns in, rows of events as Arrow columns out."""

import statistics
import time
from collections.abc import Callable

import pyarrow as pa

from benchmarks.row import Row
from tidemill import _rust

_LOGS = 100_000
_ROUNDS = 15
_SYNC = bytes.fromhex("1c411e9a96e071241c2f21f7726b17ae89e3cab4c78be50e062b03a9fffbbad1")
_SWAP_V3 = bytes.fromhex("c42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67")


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big", signed=value < 0)


def _sync(index: int) -> tuple[list[bytes], bytes]:
    return [_SYNC], _word(10**24 + index) + _word(3 * 10**12 + index)


def _swap(index: int) -> tuple[list[bytes], bytes]:
    data = (
        _word(10**18 + index)
        + _word(-3 * 10**9 - index)
        + _word(2**96 + index)
        + _word(10**20)
        + _word(index % 60)
    )
    return [_SWAP_V3, _word(7), _word(index % 1000)], data


def _batch(one: Callable[[int], tuple[list[bytes], bytes]]) -> pa.RecordBatch:
    logs = [one(index) for index in range(_LOGS)]
    times = pa.array([1_700_000_000_000_000_000] * _LOGS, pa.timestamp("ns", tz="UTC"))
    columns = {
        "event_ns": times,
        "recv_ns": times,
        "block_number": pa.array([20_000_000 + i // 200 for i in range(_LOGS)], pa.uint64()),
        "block_hash": pa.array([_word(i // 200) for i in range(_LOGS)], pa.binary(32)),
        "tx_hash": pa.array([_word(i // 2) for i in range(_LOGS)], pa.binary(32)),
        "tx_index": pa.array([i // 2 % 100 for i in range(_LOGS)], pa.uint32()),
        "log_index": pa.array([i % 200 for i in range(_LOGS)], pa.uint32()),
        "address": pa.array([(i % 500).to_bytes(20, "big") for i in range(_LOGS)], pa.binary(20)),
        "topics": pa.array([topics for topics, _ in logs], pa.list_(pa.binary(32))),
        "data": pa.array([data for _, data in logs], pa.binary()),
    }
    return pa.RecordBatch.from_pydict(columns)


def run() -> list[Row]:
    """Decode batches of V2 Sync and of V3 Swap logs."""
    rows: list[Row] = []
    for name, one in (("V2 Sync", _sync), ("V3 Swap", _swap)):
        batch = _batch(one)
        took: list[float] = []
        for _ in range(_ROUNDS):
            started = time.perf_counter()
            decoded = _rust.decode_logs(batch, source="bench", chain_id=1, dex="uniswap")
            took.append(time.perf_counter() - started)
            if sum(events.num_rows for events in decoded.values()) < _LOGS:
                raise RuntimeError(f"{name}: expected at least {_LOGS} events, found {decoded}")
        rate = _LOGS / statistics.median(took) / 1e6
        rows.append(Row(f"decode {name} logs from Python, batches of {_LOGS:,}", rate, "M/s", 3))
    return rows
