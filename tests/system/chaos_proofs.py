"""What must hold after faults: of chain, bus, store and export; of ledger and chain; of books and venue."""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from tests.execute.arena import EXECUTED

from tidemill.app.chains.verify import TABLES, compare, logs_on_chain
from tidemill.bus import Bus
from tidemill.execute.ledger import TOPIC, open_ledger
from tidemill.sandbox import abi
from tidemill.sandbox.rpc import Call, Rpc
from tidemill.sandbox.world import World
from tidemill.schema import derive
from tidemill.schema.events import ExecutionMode, ExecutionState
from tidemill.store import Store

_BATCHES = 1_000
_BLOCKS = 500
_E6 = Decimal(10**6)

Row = dict[str, Any]
Levels = dict[tuple[str, int], int]


async def on_bus(bus: Bus, topic: str) -> list[pa.RecordBatch]:
    """Return all that a topic has."""
    found: list[pa.RecordBatch] = []
    offset = await bus.first(topic)
    assert offset == 0, f"{topic}: the bus has forgotten what is to be compared"
    while entries := await bus.read(topic, offset, batches_max=_BATCHES):
        found += [entry.batch for entry in entries]
        offset = entries[-1].offset + 1
    return found


def _keys(topic: str, batches: Sequence[pa.RecordBatch]) -> Counter[tuple[Any, ...]]:
    """Return how often each event is there, by what names it."""
    found: Counter[tuple[Any, ...]] = Counter()
    schema = derive.arrow_schema(topic)
    for batch in batches:
        columns = [batch.column(name).cast(schema.field(name).type) for name in derive.identity(topic)]
        found.update(zip(*(column.to_pylist() for column in columns), strict=True))
    return found


async def assert_store_is_bus(bus: Bus, store: Store) -> Counter[str]:
    """Every event of the bus is stored as often as it is there, no other is; return how many, by topic."""
    counts: Counter[str] = Counter()
    for topic in set(await bus.topics()) & set(derive.EVENTS):
        there = _keys(topic, await on_bus(bus, topic))
        named = ", ".join(derive.identity(topic))
        stored = _keys(topic, (await store.query(f"SELECT {named} FROM {topic}")).to_batches())
        assert there == stored, f"{topic}: {list(((there - stored) + (stored - there)).items())[:5]}"
        counts[topic] = there.total()
    return counts


async def assert_files_are_chain(files: Iterable[Path], world: World) -> None:
    """Every swap of the chain is in the exported files once, no other is."""
    rows = [pq.read_table(file, columns=["block_hash", "log_index"]) for file in files]
    keys = [key for table in rows for key in zip(*(one.to_pylist() for one in table.columns), strict=True)]
    async with Rpc(world.http_url) as rpc:
        proof = compare(await logs_on_chain(rpc, world, TABLES["swap"]), keys)
    assert (proof.missing, proof.double, proof.unknown) == (0, 0, 0), proof


async def _sent(rpc: Rpc, account: str, executor: str) -> list[str]:
    """Return the hash of every transaction that the chain has of `account` to `executor`."""
    head = int(await rpc.call("eth_blockNumber"), 16)
    found: list[str] = []
    for first in range(0, head + 1, _BLOCKS):
        numbers = range(first, min(first + _BLOCKS, head + 1))
        blocks = await rpc.all([Call("eth_getBlockByNumber", [hex(one), True]) for one in numbers])
        found += [
            sent["hash"]
            for block in blocks
            for sent in block["transactions"]
            if (sent["from"], sent["to"]) == (account, executor)
        ]
    return found


async def ledger_rows(data: Path) -> list[Row]:
    """Return all that the ledger was told; nothing of it may be under way."""
    async with open_ledger(data, ExecutionMode.LIVE) as ledger:
        assert not ledger.unsettled
        assert await ledger.bus.state(b"outgoing/") == []
        return [row for batch in await on_bus(ledger.bus, TOPIC) for row in batch.to_pylist()]


async def assert_ledger_is_chain(
    rows: Sequence[Row], world: World, account: str, executor: str
) -> Counter[str]:
    """Every trade that the chain has is in the ledger as it is there, no other is; return their states."""
    last: dict[bytes, Row] = {}
    for row in rows:
        known = last.get(row["execution_id"])
        assert row["sequence"] == (0 if known is None else known["sequence"] + 1), row
        last[row["execution_id"]] = row
    included = [row for row in last.values() if row["block_hash"] is not None]
    told = {"0x" + row["tx_hash"].hex(): row for row in included if row["state"] != ExecutionState.REPLACED}
    async with Rpc(world.http_url) as rpc:
        sent = await _sent(rpc, account, executor)
        assert set(sent) == set(told)
        for row in included:
            if row["state"] == ExecutionState.REPLACED:  # by one that carries out nothing
                other = await rpc.call("eth_getTransactionReceipt", "0x" + row["tx_hash"].hex())
                assert (other["blockHash"], other["to"]) == ("0x" + row["block_hash"].hex(), account)
        for digest in sent:
            receipt, row = await rpc.call("eth_getTransactionReceipt", digest), told[digest]
            is_success = receipt["status"] == "0x1"
            assert row["state"] == (ExecutionState.FINAL if is_success else ExecutionState.FAILED), row
            assert "0x" + row["block_hash"].hex() == receipt["blockHash"]
            assert row["gas_used"] == int(receipt["gasUsed"], 16)
            if is_success:
                [log] = [log for log in receipt["logs"] if log["topics"][0] == EXECUTED]
                _, profit, _ = abi.decode(["uint256", "uint256", "uint256"], log["data"])
                [exact] = derive.to_rows(TOPIC, _batch_of(row))
                assert exact["realised_profit"] == profit
    return Counter(row["state"] for row in last.values())


def _batch_of(row: Row) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([row], schema=derive.arrow_schema(TOPIC))


async def assert_books_are_venues(store: Store, truth: Row) -> None:
    """The books that the stored changes make are the venue's, and its trades are stored once."""
    for instrument, levels in truth["books"].items():
        assert await _stored_book(store, instrument) == levels, instrument
    trades = await store.query("SELECT trade_id FROM trade")
    assert sorted(trades["trade_id"].to_pylist(), key=int) == truth["trade_ids"]


async def _stored_book(store: Store, instrument: str) -> Levels:
    """Return what the newest snapshot and all that was told after it make; each run has its own numbers."""
    where = f"WHERE instrument = '{instrument}'"
    runs = await store.query(
        f"SELECT connection FROM book_snapshot {where} GROUP BY connection ORDER BY min(recv_ns)"
    )
    last = runs["connection"].to_pylist()[-1]
    where += f" AND connection = '{last}'"
    begins = await store.query(f"SELECT max(sequence) AS sequence FROM book_snapshot {where}")
    changes = await store.query(
        f"SELECT side, price, size FROM book_change {where} AND sequence >= {begins['sequence'][0]}"
        " ORDER BY sequence, row"
    )
    levels: Levels = {}
    for change in changes.to_pylist():
        levels[(change["side"], int(change["price"] * _E6))] = int(change["size"] * _E6)
    return {key: size for key, size in levels.items() if size}
