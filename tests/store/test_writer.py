"""Whether every event on the bus is in the store exactly once, whatever happens on the way."""

import asyncio
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.store.samples import block, swap
from tests.store.told import coverage

from tidemill.bus import Bus, open_bus
from tidemill.schema import derive
from tidemill.schema.faults import Fault, Gap, Refused, Unreachable
from tidemill.store import Store, Writer, WriterSettings, open_store

_ROOT = Path(__file__).parents[2]
FAST = WriterSettings(wait_ms_max=1, backoff_max_ms=1)


class FakeStore:
    """Keeps rows by token; fails as often as it is told."""

    def __init__(self, failures: int = 0, kind: type[Fault] = Unreachable) -> None:
        self.by_token: dict[str, list[int]] = {}
        self.failures = failures
        self.kind = kind
        self.entered = asyncio.Event()
        self.gate: asyncio.Event | None = None
        self.settled: list[tuple[int, int]] = []

    async def insert(self, tag: str, batches: Sequence[pa.RecordBatch], token: str) -> int:
        self.entered.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.failures:
            self.failures -= 1
            raise self.kind("expected room, the disk is full")
        rows = [row["log_index"] for row in _rows(tag, batches)]
        self.by_token.setdefault(token, rows)
        return len(rows)

    async def lacking(self, tag: str, batches: Any) -> pa.Table:
        rows = batches if isinstance(batches, pa.Table) else pa.Table.from_batches(batches)
        held = set(self.rows)
        return rows.filter(pa.array([row["log_index"] not in held for row in derive.to_rows(tag, rows)]))

    async def settle(self, tag: str, start_ns: int, end_ns: int) -> None:
        self.settled.append((start_ns, end_ns))

    @property
    def rows(self) -> list[int]:
        return [row for rows in self.by_token.values() for row in rows]


def _rows(tag: str, batches: Any) -> list[dict[str, Any]]:
    rows = batches if isinstance(batches, pa.Table) else pa.Table.from_batches(batches)
    return derive.to_rows(tag, rows)


def writer(bus: Bus, store: Any, **how: Any) -> Writer:
    how = {"settings": FAST, "topics": ["swap"], "now_ns": time.time_ns, **how}
    return Writer(bus, store, **how)


def batch(*numbers: int) -> pa.RecordBatch:
    return derive.to_batch([swap(0, log_index=number) for number in numbers])


async def stored_by(writing: Writer) -> None:
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(writing.run())
        await writing.drain()
        running.cancel()


async def test_what_is_on_the_bus_is_stored_and_reported() -> None:
    store = FakeStore()
    told: list[tuple[str, int, int]] = []
    async with open_bus("memory://") as bus:
        await bus.commit([("swap", batch(1, 2)), ("swap", batch(3))])
        writing = writer(bus, store, on_stored=lambda *what: told.append(what), now_ns=lambda: 7)
        await stored_by(writing)
        assert store.by_token == {f"{bus.identity}/swap/0-1": [1, 2, 3]}
        assert told == [("swap", 1, 7)]
        assert (writing.stored["swap"].rows, writing.stored["swap"].inserts) == (3, 1)
        assert await bus.state(b"intent/") == []


async def test_an_insert_holds_no_more_than_its_share() -> None:
    store = FakeStore()
    async with open_bus("memory://") as bus:
        for number in range(600):
            await bus.commit([("swap", batch(number))])
        await stored_by(writer(bus, store, settings=WriterSettings(rows_max=100, wait_ms_max=1)))
        assert store.rows == list(range(600))
        assert max(map(len, store.by_token.values())) <= 256  # a read's worth beyond the limit at the most


async def test_a_full_disk_is_reported_and_nothing_is_lost() -> None:
    store = FakeStore(failures=3)
    faults: list[Fault] = []
    async with open_bus("memory://") as bus:
        await bus.commit([("swap", batch(1))])
        await stored_by(writer(bus, store, on_fault=faults.append))
        assert store.rows == [1]
        assert [str(fault) for fault in faults] == ["expected room, the disk is full"] * 3


async def test_coverage_is_stored_after_the_rows_that_it_speaks_of() -> None:
    inserted: list[str] = []

    class Tables(FakeStore):
        async def insert(self, tag: str, batches: Sequence[pa.RecordBatch], token: str) -> int:
            if tag == "swap":
                await FakeStore.insert(self, tag, batches, token)
            inserted.append(tag)
            return sum(one.num_rows for one in batches)

    store = Tables(failures=5)
    claim = derive.to_batch([coverage(0, 1, 1, "complete", "claimed")])
    async with open_bus("memory://") as bus:
        await bus.commit([("coverage", claim), ("swap", batch(1))])
        await stored_by(writer(bus, store, topics=["coverage", "swap"]))
        assert inserted == ["swap", "coverage"]


async def test_rows_that_the_store_refuses_end_the_writer_and_stay_on_the_bus() -> None:
    store = FakeStore(failures=1, kind=Refused)
    async with open_bus("memory://") as bus:
        await bus.commit([("swap", batch(1))])
        with pytest.raises(ExceptionGroup) as ended:
            await writer(bus, store).run()
        assert ended.group_contains(Refused)
        await stored_by(writer(bus, store))
        assert store.rows == [1]


async def test_a_cancelled_insert_is_repeated_with_the_same_range_and_token() -> None:
    store = FakeStore()
    store.gate = asyncio.Event()
    async with open_bus("memory://") as bus:
        await bus.commit([("swap", batch(1)), ("swap", batch(2))])
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(writer(bus, store).run())
            await store.entered.wait()
            running.cancel()
        await bus.commit([("swap", batch(3))])
        store.gate = None
        await stored_by(writer(bus, store))
        assert store.by_token == {f"{bus.identity}/swap/0-1": [1, 2], f"{bus.identity}/swap/2-2": [3]}


async def test_rows_that_a_crash_lost_after_their_token_was_noted_are_inserted_once() -> None:
    async with open_bus("memory://") as bus:
        store = FakeStore()
        store.by_token[f"{bus.identity}/swap/0-1"] = []  # the token is known, the rows never came
        intent = {b"intent/store/swap": (0).to_bytes(8) + (1).to_bytes(8)}
        await bus.commit([("swap", batch(1)), ("swap", batch(2, 3))], intent)
        await stored_by(writer(bus, store))
        assert store.rows == [1, 2, 3]


async def test_a_batch_without_rows_that_a_crash_left_is_passed() -> None:
    async with open_bus("memory://") as bus:
        store = FakeStore()
        intent = {b"intent/store/swap": (0).to_bytes(8) + (0).to_bytes(8)}
        await bus.commit([("swap", batch(1).slice(0, 0)), ("swap", batch(2))], intent)
        await stored_by(writer(bus, store))
        assert store.rows == [2]


async def test_rows_that_a_failed_insert_lost_are_inserted_once() -> None:
    class Forgetful(FakeStore):
        async def insert(self, tag: str, batches: Sequence[pa.RecordBatch], token: str) -> int:
            if self.failures:
                self.by_token[token] = []
            return await FakeStore.insert(self, tag, batches, token)

    store = Forgetful(failures=2)
    async with open_bus("memory://") as bus:
        await bus.commit([("swap", batch(1)), ("swap", batch(2, 3))])
        await stored_by(writer(bus, store))
        assert sorted(store.rows) == [1, 2, 3]


async def test_an_intent_whose_batches_are_gone_is_a_gap() -> None:
    async with open_bus("memory://") as bus:
        await bus.commit([("swap", batch(1))], {b"intent/store/swap": (0).to_bytes(8) + (5).to_bytes(8)})
        with pytest.raises(ExceptionGroup) as ended:
            await writer(bus, FakeStore()).run()
        assert ended.group_contains(Gap, match="expected batches 0 to 5 on the bus")


async def test_a_new_bus_at_the_old_place_is_not_mistaken_for_the_old(tmp_path: Path) -> None:
    async with open_store(f"chdb://{tmp_path / 'store'}") as store:
        await store.migrate()
        for number in range(2):
            async with open_bus("memory://") as bus:
                await bus.commit([("swap", batch(number))])
                await stored_by(writer(bus, store))
        assert (await store.select("swap", 0, 1 << 62)).num_rows == 2


async def test_both_topics_reach_the_real_store(tmp_path: Path) -> None:
    async with (
        open_bus(f"lmdb://{tmp_path / 'bus'}") as bus,
        open_store(f"chdb://{tmp_path / 'store'}") as store,
    ):
        await store.migrate()
        for number in range(20):
            await bus.commit([("swap", batch(number)), ("block", derive.to_batch([block(number)]))])
        await stored_by(writer(bus, store, topics=["swap", "block", "health"]))
        assert {size.table: size.rows for size in await store.stats() if size.rows} == {
            "block": 20,
            "swap": 20,
        }


CRASHING = """
import asyncio, sys, time
from tests.store.samples import block, swap
from tidemill.bus import open_bus
from tidemill.schema import derive
from tidemill.store import Writer, WriterSettings, open_store
async def produce(bus):
    while True:
        number = await bus.head("swap")
        rows = derive.to_batch([swap(number, log_index=part) for part in range(20)])
        await bus.commit([("swap", rows), ("block", derive.to_batch([block(number)]))])
        print(number, flush=True)
async def main():
    folder = sys.argv[1]
    async with open_bus(f"lmdb://{folder}/bus") as bus, open_store(f"chdb://{folder}/store") as store:
        await store.migrate()
        settings = WriterSettings(rows_max=200, wait_ms_max=1)
        writer = Writer(bus, store, now_ns=time.time_ns, topics=["swap", "block"], settings=settings)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(produce(bus))
            tasks.create_task(writer.run())
asyncio.run(main())
"""


def start(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_ROOT)


async def all_stored(bus: Bus, store: Store) -> list[int]:
    """Return the numbers of the swaps' batches after the writer has caught up, one for each row."""
    await store.migrate()
    await stored_by(writer(bus, store, topics=["swap", "block"]))
    assert (await store.select("block", 0, 1 << 62)).num_rows == await bus.head("block")
    rows = derive.to_rows("swap", await store.select("swap", 0, 1 << 62, ["event_ns", "log_index"]))
    assert len({(row["event_ns"], row["log_index"]) for row in rows}) == len(rows)
    return sorted(row["event_ns"] for row in rows)


async def test_kill_at_any_moment_stores_every_batch_exactly_once(tmp_path: Path) -> None:
    seed = random.randrange(1 << 30)
    moments = random.Random(seed)
    for _ in range(10):
        command = [sys.executable, "-c", CRASHING, str(tmp_path)]
        with start(command) as crashing:
            assert crashing.stdout is not None
            for _ in range(moments.randrange(1, 60)):
                assert crashing.stdout.readline()
            crashing.send_signal(signal.SIGKILL)
    async with (
        open_bus(f"lmdb://{tmp_path / 'bus'}") as bus,
        open_store(f"chdb://{tmp_path / 'store'}") as store,
    ):
        head = await bus.head("swap")
        first = swap(0).event_ns
        expected = [first + number for number in range(head) for _ in range(20)]
        assert await all_stored(bus, store) == expected, f"seed {seed}"
