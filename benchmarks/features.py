"""Events to the records of arbitrage transactions and into the embedded store, beside the store's own limit.

Blocks of arbitrages, swaps and pool states are made beforehand, as inspection would tell them: reading a
chain and inspecting its blocks are left out. The limit is the insert of the same records, made beforehand.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.row import Row
from tidemill.process.features.book import RECORD, FeatureBook, Taken
from tidemill.schema import derive
from tidemill.schema.features import FEATURES
from tidemill.store import open_store

_SECONDS = 60
_RAW_SECONDS = 10
_TAKES_AN_INSERT = 3
"""Some 20,000 records, as many as the writer inserts at once where they come as fast."""
_BLOCK_ROWS = 500
_BLOCKS_A_TAKE = 40
_POOLS, _ACCOUNTS = 400, 60
_BEGAN_NS = 1_700_000_000_000_000_000
_BLOCK_NS = 2_000_000_000
_ON_ARRIVAL = 2_000
_ON_ARRIVAL_PER_S = 2_000


def run() -> list[Row]:
    """Measure batches for some seconds, and single transactions under load."""
    arrival = _on_arrival()  # first: what a minute of batches leaves in memory is none of its load
    return [*asyncio.run(_batches()), *arrival]


async def _batches() -> list[Row]:
    blocks = _Blocks()
    with tempfile.TemporaryDirectory() as folder:
        async with open_store(f"chdb://{folder}/store") as store:
            await store.migrate()
            book, records, rows = FeatureBook(64), list[pa.RecordBatch](), 0
            computed_s = 0.0
            inserting: asyncio.Task[int] | None = None
            takes = [blocks.take(at) for at in range(6)]
            began, number = time.perf_counter(), 0
            while time.perf_counter() - began < _SECONDS:
                records = []
                for at in range(number * _TAKES_AN_INSERT, (number + 1) * _TAKES_AN_INSERT):
                    taken = blocks.moved(takes[at % len(takes)], at)
                    computing = time.perf_counter()
                    records += await asyncio.to_thread(_taken, book, taken)
                    computed_s += time.perf_counter() - computing
                if inserting is not None:
                    rows += await inserting
                inserting = asyncio.create_task(store.insert(RECORD, records, f"batch {number}"))
                number += 1
            if inserting is not None:
                rows += await inserting
            rate = rows / (time.perf_counter() - began)
            raw = await _raw(store, records)
    note = f"{len(FEATURES)} features, {rows:,} records, a swap and a half each; 2 cores"
    return [
        Row("events → features → chDB, sustained", rate, "records/s", 100_000, note=note),
        Row(
            "of the raw insert of the same records",
            rate / raw,
            "",
            0.5,
            note=f"raw insert {raw:,.0f} records/s",
        ),
        Row("features alone", rows / computed_s, "records/s", note="while records are inserted"),
    ]


def _taken(book: FeatureBook, batches: list[Taken]) -> list[pa.RecordBatch]:
    records = book.take(batches)
    book.mark()
    return records


async def _raw(store: Any, records: list[pa.RecordBatch]) -> float:
    rows, began, number = 0, time.perf_counter(), 0
    while time.perf_counter() - began < _RAW_SECONDS:
        rows += await store.insert(RECORD, records, f"raw {number}")
        number += 1
    return rows / (time.perf_counter() - began)


def _on_arrival() -> list[Row]:
    """Measure one transaction from its facts to its record, at a steady pace after a day of others."""
    blocks, book = _Blocks(), FeatureBook(64)
    for at in range(20):
        book.take(blocks.moved(blocks.take(at % 3), at))
    first = 20 * _BLOCKS_A_TAKE
    [arbitrages] = [one.batch for one in blocks.take(7) if one.topic == "arbitrage"]
    took: list[float] = []
    began = time.perf_counter()
    for at in range(_ON_ARRIVAL):
        due = began + at / _ON_ARRIVAL_PER_S
        while time.perf_counter() < due:
            pass
        row = _renumbered(arbitrages.slice(at, 1), np.array([first + at]), at)
        arrived = time.perf_counter()
        book.take([Taken("arbitrage", at, row)])
        took.append((time.perf_counter() - arrived) * 1e3)
        book.mark()
    took.sort()
    note = f"{_ON_ARRIVAL:,} at {_ON_ARRIVAL_PER_S:,}/s, a block each; with risk parts and score"
    return [
        Row("one transaction's features, p50", took[len(took) // 2], "ms", 1, "lower", note),
        Row("one transaction's features, p99", took[len(took) * 99 // 100], "ms", 5, "lower"),
    ]


class _Blocks:
    """Batches of some blocks, and the same again as later blocks."""

    def __init__(self) -> None:
        self._dice = random.Random(7)

    def take(self, seed: int) -> list[Taken]:
        rows = _BLOCK_ROWS * _BLOCKS_A_TAKE // 5 * 2
        self._dice.seed(seed)
        numbers = sorted(self._dice.randrange(_BLOCKS_A_TAKE) for _ in range(rows))
        topics = {
            "block": [self._block(number) for number in range(_BLOCKS_A_TAKE)],
            "swap": [self._swap(number) for number in sorted(numbers + numbers[: rows // 2])],
            "arbitrage": [self._arbitrage(number) for number in numbers],
        }
        for rows_of in topics.values():  # a block's transactions are told in their order
            rows_of.sort(key=lambda row: (row["block_number"], row.get("tx_index", 0)))
        return [Taken(topic, 0, _batch(topic, made)) for topic, made in topics.items()]

    def moved(self, takes: list[Taken], number: int) -> list[Taken]:
        first = number * _BLOCKS_A_TAKE
        return [
            one._replace(batch=_renumbered(one.batch, _plus(one.batch, first), number), offset=number)
            for one in takes
        ]

    def _identity(self, number: int) -> dict[str, Any]:
        return {
            "event_ns": _BEGAN_NS,
            "recv_ns": _BEGAN_NS,
            "source": "made",
            "chain_id": 1,
            "block_number": number,
            "block_hash": bytes(32),
        }

    def _block(self, number: int) -> dict[str, Any]:
        fee = self._dice.randrange(10**9, 10**11)
        used = self._dice.randrange(30_000_000)
        return self._identity(number) | {
            "parent_hash": bytes(32),
            "base_fee_wei": fee,
            "gas_used": used,
            "gas_limit": 30_000_000,
            "log_count": 1,
        }

    def _pool(self) -> bytes:
        return min(self._dice.randrange(_POOLS), self._dice.randrange(_POOLS)).to_bytes(20, "big")

    def _swap(self, number: int) -> dict[str, Any]:
        amounts = {"amount0_in": 0, "amount1_in": 0, "amount0_out": 0, "amount1_out": 0}
        way = self._dice.choice([("amount0_in", "amount1_out"), ("amount1_in", "amount0_out")])
        return (
            self._identity(number)
            | amounts
            | {
                "tx_hash": self._dice.randbytes(32),
                "tx_index": self._dice.randrange(300),
                "log_index": self._dice.randrange(2_000),
                "pool": self._pool(),
                "protocol": "uniswap_v2",
                "dex": "made",
                way[0]: self._dice.randrange(10**15, 10**19),
                way[1]: self._dice.randrange(10**15, 10**19),
            }
        )

    def _arbitrage(self, number: int) -> dict[str, Any]:
        amount, profit = self._dice.randrange(10**17, 10**19), self._dice.randrange(10**13, 10**17)
        priority = self._dice.randrange(10**8, 10**10)
        account = f"0x{self._dice.randrange(_ACCOUNTS):040x}"
        gas = self._dice.randrange(90_000, 600_000)
        return self._identity(number) | {
            "tx_hash": f"0x{self._dice.randbytes(32).hex()}",
            "tx_index": self._dice.randrange(300),
            "kind": "failed_arbitrage" if self._dice.random() < 0.3 else "arbitrage",
            "shape": "chain",
            "sender": account,
            "contract": account,
            "account": account,
            "circle_count": 1,
            "hop_count": 2,
            "protocols": "uniswap_v2,uniswap_v2",
            "pools": f"0x{self._pool().hex()},0x{self._pool().hex()}",
            "tokens": f"0x{1:040x},0x{2:040x}",
            "token": f"0x{1:040x}",
            "amount_in": amount,
            "amount_out": amount + profit,
            "profit": profit,
            "gas_used": gas,
            "gas_price_wei": priority + 10**10,
            "base_fee_wei": 10**10,
            "priority_fee_wei": priority,
            "gas_cost_wei": gas * (priority + 10**10),
            "tip_wei": 0,
            "profit_native_wei": profit,
            "net_profit_native_wei": profit - gas * (priority + 10**10),
            "confidence": 1.0,
        }


def _batch(topic: str, rows: list[dict[str, Any]]) -> pa.RecordBatch:
    schema = derive.arrow_schema(topic)
    columns = {column.name: column for column in derive.columns(topic)}

    def values(name: str) -> Iterator[Any]:
        column = columns[name]
        for row in rows:
            value = row.get(name)
            is_wide = isinstance(value, int) and column.logical.byte_width
            signed = column.logical.is_signed
            yield value.to_bytes(column.logical.byte_width, "little", signed=signed) if is_wide else value

    return pa.RecordBatch.from_arrays([pa.array(list(values(f.name)), f.type) for f in schema], schema=schema)


def _plus(batch: pa.RecordBatch, first: int) -> np.ndarray:
    return batch.column("block_number").to_numpy().astype(np.int64) + first


def _renumbered(batch: pa.RecordBatch, numbers: np.ndarray, salt: int) -> pa.RecordBatch:
    """Return the same rows as those of other blocks."""
    times = pa.array(_BEGAN_NS + numbers * _BLOCK_NS)
    hashes = np.zeros((len(numbers), 4), ">u8")
    hashes[:, 1], hashes[:, 3] = numbers, salt
    changed = {
        "block_number": pa.array(numbers.astype(np.uint64)),
        "event_ns": times.cast(batch.schema.field("event_ns").type),
        "block_hash": pa.FixedSizeBinaryArray.from_buffers(
            pa.binary(32), len(numbers), [None, pa.py_buffer(hashes)]
        ),
    }
    arrays = [changed.get(name, batch.column(name)) for name in batch.schema.names]
    return pa.RecordBatch.from_arrays(arrays, schema=batch.schema)
