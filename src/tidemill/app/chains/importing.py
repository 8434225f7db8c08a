"""Read logs that others have collected, and decode them without the pools' history."""

import csv
import datetime as dt
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from tidemill._rust import decode_logs, keccak256
from tidemill.core.clock import NS_PER_S
from tidemill.schema.faults import Malformed, Refused, Unreachable
from tidemill.schema.types import NANOS

Imported = tuple[str, pa.RecordBatch] | Malformed
DEX = "unknown"
"""Such logs do not say whose pool it is."""
_ROWS = 65_536
_COLUMNS = [
    "block_number",
    "block_timestamp",
    "transaction_hash",
    "transaction_index",
    "log_index",
    "topics",
    "data",
]

_SCHEMA = pa.schema(
    [
        ("event_ns", NANOS.arrow),
        ("recv_ns", NANOS.arrow),
        ("block_number", pa.uint64()),
        ("block_hash", pa.binary(32)),
        ("tx_hash", pa.binary(32)),
        ("tx_index", pa.uint32()),
        ("log_index", pa.uint32()),
        ("address", pa.binary(20)),
        ("topics", pa.list_(pa.field("topic", pa.binary(32), nullable=False))),
        ("data", pa.binary()),
    ]
)


class _Log(NamedTuple):
    """One log, in the order of the columns."""

    event_ns: int
    recv_ns: int
    block_number: int
    block_hash: bytes
    tx_hash: bytes
    tx_index: int
    log_index: int
    address: bytes
    topics: list[bytes]
    data: bytes


def import_logs(file: Path, form: str, chain_id: int | None, pools: tuple[bytes, ...]) -> Iterator[Imported]:
    """Yield topic and rows of the swaps, liquidity changes and pool states; faults of logs left out.

    `logs-csv` has the logs of the one pool that is named, without block hashes: the hash of block N is then
    keccak256("tidemill import", chain id and N as 8 bytes, big-endian), so that events keep an identity.
    `rpc-json` is one block with its receipts as a node gives them. The receive time is the block's.

    Raises: Refused, where what the file does not say was not given; Malformed, where it cannot be read.
    """
    if chain_id is None:
        raise Refused("--chain-id: expected the chain that the logs are of, found none")
    if form == "logs-csv" and len(pools) != 1:
        raise Refused(f"--pool: expected the one pool that the logs are of, found {len(pools)}")
    try:
        opened = gzip.open if file.suffix == ".gz" else open
        with opened(file, "rt", encoding="utf-8", newline="") as text:
            logs = (
                _read_csv(text, chain_id, pools[0])
                if form == "logs-csv"
                else _read_rpc(json.load(text), pools)
            )
            yield from _decoded(file.name.partition(".")[0], chain_id, list(logs))
    except OSError as fault:
        raise Unreachable(f"{file}: cannot be read: {fault.strerror or fault}") from fault
    except (ValueError, KeyError, TypeError, EOFError, csv.Error) as fault:
        raise Malformed(f"{file}: expected {form}: {type(fault).__name__}: {fault}") from fault


def _decoded(source: str, chain_id: int, logs: list[_Log]) -> Iterator[Imported]:
    for start in range(0, len(logs), _ROWS):
        columns = zip(*logs[start : start + _ROWS], strict=True)
        arrays = [pa.array(values, field.type) for values, field in zip(columns, _SCHEMA, strict=True)]
        yield from _rows(pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA), source, chain_id)


def _rows(batch: pa.RecordBatch, source: str, chain_id: int) -> Iterator[Imported]:
    """Yield the rows of `batch`; a log that only looks like a pool's is found by halving, and left out."""
    try:
        found = decode_logs(batch, source=source, chain_id=chain_id, dex=DEX)
    except Malformed as fault:
        if batch.num_rows == 1:
            yield fault
            return
        half = batch.num_rows // 2
        yield from _rows(batch.slice(0, half), source, chain_id)
        yield from _rows(batch.slice(half), source, chain_id)
    else:
        yield from found.items()


def _read_csv(lines: Any, chain_id: int, pool: bytes) -> Iterator[_Log]:
    rows = csv.DictReader(lines)
    if rows.fieldnames != _COLUMNS:
        raise ValueError(f"expected the columns {', '.join(_COLUMNS)}, found {rows.fieldnames}")
    for row in rows:
        number = int(row["block_number"])
        time = dt.datetime.fromisoformat(row["block_timestamp"]).replace(tzinfo=dt.UTC)
        event_ns = int(time.timestamp()) * NS_PER_S
        name = b"tidemill import" + chain_id.to_bytes(8, "big") + number.to_bytes(8, "big")
        yield _Log(
            event_ns=event_ns,
            recv_ns=event_ns,
            block_number=number,
            block_hash=keccak256(name),
            tx_hash=_bytes(row["transaction_hash"]),
            tx_index=int(row["transaction_index"]),
            log_index=int(row["log_index"]),
            address=pool,
            topics=[_bytes(topic) for topic in json.loads(row["topics"].replace("'", '"'))],
            data=_bytes(row["data"]),
        )


def _read_rpc(content: dict[str, Any], pools: tuple[bytes, ...]) -> Iterator[_Log]:
    event_ns = int(content["block"]["timestamp"], 16) * NS_PER_S
    for receipt in content["receipts"]:
        for log in receipt["logs"]:
            address = _bytes(log["address"])
            if pools and address not in pools:
                continue
            yield _Log(
                event_ns=event_ns,
                recv_ns=event_ns,
                block_number=int(log["blockNumber"], 16),
                block_hash=_bytes(log["blockHash"]),
                tx_hash=_bytes(log["transactionHash"]),
                tx_index=int(log["transactionIndex"], 16),
                log_index=int(log["logIndex"], 16),
                address=address,
                topics=[_bytes(topic) for topic in log["topics"]],
                data=_bytes(log["data"]),
            )


def _bytes(text: str) -> bytes:
    if not text.startswith("0x"):
        raise ValueError(f"expected 0x and hex digits, found {text[:80]!r}")
    return bytes.fromhex(text[2:])
