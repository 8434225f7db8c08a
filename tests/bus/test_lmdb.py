"""What the LMDB bus does across processes, crashes and full disks."""

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from tidemill.bus import BusSettings, Consumer, open_bus
from tidemill.bus.base import Poison
from tidemill.schema.faults import Refused, Unreachable

PRELUDE = """
import asyncio, sys
import pyarrow as pa
from tidemill.bus import BusSettings, open_bus
from tidemill.schema.faults import Refused, Unreachable
url, sync = sys.argv[1], sys.argv[2]
def batch(number, rows=50):
    return pa.RecordBatch.from_pydict({"number": pa.array([number] * rows, pa.uint64())})
def say(*words):
    print(*words, flush=True)
"""

WRITER = """
async def main():
    async with open_bus(url, BusSettings(sync=sync, sync_interval_ms=5)) as bus:
        number = int(await bus.get(b"last") or -1) + 1
        say("open")
        while True:
            await bus.commit([("a", batch(number)), ("b", batch(number))], {b"last": str(number).encode()})
            say(number)
            number += 1
asyncio.run(main())
"""

READER = """
async def main():
    async with open_bus(url, is_reader=True) as bus:
        say("open")
        offset = 0
        while offset < 20:
            for entry in await bus.read("a", offset, batches_max=3, wait_ms=5_000):
                say(entry.batch.column(0)[0].as_py())
                offset = entry.offset + 1
        try:
            await bus.commit([], {b"x": b"y"})
        except Refused as fault:
            say("refused")
asyncio.run(main())
"""

FULL_DISK = """
import os, resource
async def main():
    async with open_bus(url) as bus:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
        number, faults = 0, 0
        while number < 60:
            noise = pa.RecordBatch.from_pydict({"number": [number], "noise": [os.urandom(20_000)]})
            try:
                assert await bus.commit([("a", noise)], {b"last": str(number).encode()}) == [number]
                number += 1
            except Unreachable as fault:
                faults += 1
                assert await bus.head("a") == number
                assert int(await bus.get(b"last")) == number - 1
                if faults == 3:
                    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
                    say(fault)
        read, offset = [], 0
        while entries := await bus.read("a", offset, batches_max=99):
            read += [entry.batch.column(0)[0].as_py() for entry in entries]
            offset = entries[-1].offset + 1
        assert read == list(range(60)), read
        say("whole after", faults)
asyncio.run(main())
"""


def start(script: str, folder: Path, sync: str = "commit") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + script, f"lmdb://{folder}", sync], stdout=subprocess.PIPE, text=True
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("sync", ["commit", "interval"])
async def test_kill_at_any_moment_keeps_every_accepted_commit_once_and_whole(
    tmp_path: Path, sync: str
) -> None:
    seed = random.randrange(1 << 30)
    moments = random.Random(seed)
    accepted = -1
    for _ in range(10):
        with start(WRITER, tmp_path, sync) as writer:
            assert said(writer) == "open"
            for _ in range(moments.randrange(1, 60)):
                accepted = int(said(writer))
            writer.send_signal(signal.SIGKILL)
            assert writer.stdout is not None
            accepted = max([accepted, *map(int, writer.stdout.read().split())])
    async with open_bus(f"lmdb://{tmp_path}") as bus:
        last = int(await bus.get(b"last") or b"-1")
        assert last >= accepted, f"seed {seed}"
        for topic in "ab":
            assert await bus.head(topic) == last + 1
            entries = []
            while found := await bus.read(topic, len(entries), batches_max=100):
                entries += found
            assert [entry.batch.column(0).to_pylist() for entry in entries] == [
                [number] * 50 for number in range(last + 1)
            ], f"seed {seed}"


async def test_another_process_reads_while_one_writes(tmp_path: Path) -> None:
    async with open_bus(f"lmdb://{tmp_path}") as bus:
        await bus.commit([("a", pa.RecordBatch.from_pydict({"number": [0]}))])
        with start(READER, tmp_path) as reader:
            assert said(reader) == "open"
            for number in range(1, 20):
                # A schema that the reader has not seen when it opened.
                await bus.commit([("a", pa.RecordBatch.from_pydict({f"number{number % 3}": [number]}))])
            assert [int(said(reader)) for _ in range(20)] == list(range(20))
            assert said(reader) == "refused"


async def test_a_second_writer_is_told_who_the_first_is(tmp_path: Path) -> None:
    with start(WRITER, tmp_path) as writer:
        assert said(writer) == "open"
        with pytest.raises(Refused, match=f"only writer, but process {writer.pid} holds it"):
            await open_bus(f"lmdb://{tmp_path}").__aenter__()
        writer.kill()
    async with open_bus(f"lmdb://{tmp_path}") as bus:
        assert await bus.commit([], {b"mine": b"now"}) == []


def test_a_full_disk_is_a_fault_and_passes(tmp_path: Path) -> None:
    with start(FULL_DISK, tmp_path) as writer:
        assert f"bus {tmp_path}: expected to write" in said(writer)
        assert said(writer) == "whole after 3"


async def test_a_reopened_bus_is_the_same(tmp_path: Path) -> None:
    url = f"lmdb://{tmp_path}"
    async with open_bus(url) as bus:
        identity = bus.identity
        await bus.commit([("a", pa.RecordBatch.from_pydict({"x": [1]}))], {b"k": b"v"})
        consumer = Consumer(bus, "c", "a")
        await consumer.start()
        await consumer.done(1)
    async with open_bus(url) as bus:
        assert bus.identity == identity
        assert await bus.commit([("a", pa.RecordBatch.from_pydict({"x": [2]}))]) == [1]
        assert [entry.batch.to_pylist() for entry in await bus.read("a", 0, batches_max=9)] == [
            [{"x": 1}],
            [{"x": 2}],
        ]
        assert await Consumer(bus, "c", "a").start() == 1


async def test_a_long_run_under_retention_keeps_its_file_small(tmp_path: Path) -> None:
    noise = random.Random(1)
    async with open_bus(f"lmdb://{tmp_path}", BusSettings(retention_bytes=1 << 20, sync="interval")) as bus:
        for _ in range(1500):
            row = pa.RecordBatch.from_pydict({"x": [noise.randbytes(noise.randrange(100, 20_000))]})
            await bus.commit([("a", row)])
    assert (tmp_path / "data.mdb").stat().st_size < 4 << 20


async def test_a_reader_of_no_bus_is_told_to_start_the_writer(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="start what writes it first"):
        await open_bus(f"lmdb://{tmp_path}", is_reader=True).__aenter__()


async def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data.mdb").write_bytes(json.dumps(["not", "a", "bus"]).encode() * 10_000)
    with pytest.raises(Refused, match="expected a bus of ours"):
        await open_bus(f"lmdb://{tmp_path}").__aenter__()


async def test_a_damaged_batch_is_malformed_and_names_its_place(tmp_path: Path) -> None:
    import lmdb

    url = f"lmdb://{tmp_path}"
    async with open_bus(url) as bus:
        for number in range(3):
            await bus.commit([("a", pa.RecordBatch.from_pydict({"x": [number]}))])
    with lmdb.open(str(tmp_path), max_dbs=8) as env, env.begin(write=True) as txn:
        entries = env.open_db(b"entry", txn=txn)
        (damaged, value), (lost, _), _ = txn.cursor(entries)
        txn.put(damaged, value[:-9] + b"\xff" * 9, db=entries)
        txn.delete(lost, db=entries)
    async with open_bus(url) as bus:
        for offset in (0, 1):
            with pytest.raises(Poison, match=f"offset {offset}: expected a stored record batch"):
                await bus.read("a", offset, batches_max=1)
        assert [entry.offset for entry in await bus.read("a", 2, batches_max=1)] == [2]
