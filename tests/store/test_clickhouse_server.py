"""What the store on a server does with its server: how it is found, refused, lost and found again."""

import asyncio
import random
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.servers.clickhouse import PASSWORD, USER
from tests.servers.programs import free_port
from tests.store.samples import arbitrage, swap

from tidemill.bus import open_bus
from tidemill.schema import derive
from tidemill.schema.faults import Fault, Refused, Unreachable
from tidemill.store import StoreSettings, Writer, WriterSettings, open_store

_ROOT = Path(__file__).resolve().parents[2]
RECORD = "arbitrage_transaction"
_WHO = f"{USER}:{quote(PASSWORD, safe='')}"


@pytest.mark.parametrize(
    "location", ["", "/db", "host:none/db", "host/a-b", "host/db?secure=perhaps", "host/db?compress=1"]
)
def test_a_url_of_another_form_is_refused_without_its_password(location: str) -> None:
    with pytest.raises(Refused, match="expected clickhouse://USER:PASSWORD@HOST:PORT/DATABASE") as told:
        open_store(f"clickhouse://trader:hidden@{location}")
    assert "hidden" not in str(told.value)


async def test_a_wrong_password_is_refused_and_not_told(clickhouse_server: str) -> None:
    url = clickhouse_server.replace(_WHO, f"{USER}:hidden")
    with pytest.raises(Refused, match="Authentication failed") as told:
        await open_store(url).__aenter__()
    assert "hidden" not in str(told.value)


async def test_a_server_that_is_not_there_is_unreachable_and_named() -> None:
    port = free_port()
    with pytest.raises(
        Unreachable, match=f"store clickhouse://127.0.0.1:{port}/default: expected to open it"
    ):
        await open_store(f"clickhouse://127.0.0.1:{port}").__aenter__()


async def test_two_databases_of_a_server_know_nothing_of_each_other(clickhouse_server: str) -> None:
    async with (
        open_store(f"{clickhouse_server}/first") as first,
        open_store(f"{clickhouse_server}/second") as second,
    ):
        await first.migrate()
        await second.migrate()
        await first.insert("swap", [derive.to_batch([swap(1)])], "a")
        assert (await first.select("swap", 0, 1 << 62)).num_rows == 1
        assert (await second.select("swap", 0, 1 << 62)).num_rows == 0


async def test_many_writers_and_readers_share_a_server(clickhouse_server: str) -> None:
    url, count = f"{clickhouse_server}/shared", 4
    async with open_store(url) as store:
        await store.migrate()

    async def take_part(number: int) -> None:
        async with open_store(url, StoreSettings(readers=1)) as store:
            for part in range(5):
                rows = [derive.to_batch([swap(number, log_index=part)])]
                await store.insert("swap", rows, f"{number}/{part}")
                await store.insert("swap", rows, f"{number}/{part}")
                await store.select("swap", 0, 1 << 62)

    async with asyncio.TaskGroup() as tasks:
        for number in range(count):
            tasks.create_task(take_part(number))
    async with open_store(url) as store:
        assert (await store.select("swap", 0, 1 << 62)).num_rows == 5 * count


async def _killed(process: "subprocess.Popen[str]") -> None:
    process.kill()
    await asyncio.to_thread(process.communicate)  # it closes the pipes, too


def _serve(folder: Path, port: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.servers.clickhouse", str(folder), str(port)]
    process = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert int(process.stdout.readline()) == port
    return process


async def test_a_server_killed_at_any_moment_has_and_counts_every_row_exactly_once(tmp_path: Path) -> None:
    seed = random.randrange(1 << 30)
    moments, port, faults = random.Random(seed), free_port(), list[Fault]()
    server = await asyncio.to_thread(_serve, tmp_path / "engine", port)
    settings = WriterSettings(rows_max=100, wait_ms_max=1, backoff_max_ms=20)
    async with open_bus("memory://") as bus, open_store(f"clickhouse://{_WHO}@127.0.0.1:{port}/db") as store:
        await store.migrate()
        writer = Writer(
            *(bus, store), now_ns=time.time_ns, settings=settings, topics=[RECORD], on_fault=faults.append
        )
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(writer.run())
            for _ in range(5):
                for _ in range(moments.randrange(5, 40)):
                    number = await bus.head(RECORD)
                    rows = [arbitrage(20 * number + part) for part in range(20)]
                    await bus.commit([(RECORD, derive.to_batch(rows))])
                    await asyncio.sleep(0)
                await _killed(server)
                server = await asyncio.to_thread(_serve, tmp_path / "engine", port)
            await writer.drain()
            running.cancel()
        found = (await store.select(RECORD, 0, 1 << 62, ["tx_hash"])).column("tx_hash").to_pylist()
        expected = [f"0x{number:064x}" for number in range(20 * await bus.head(RECORD))]
        assert found == expected, f"seed {seed}"
        counted = await store.query(f"SELECT transactions FROM {RECORD}_minutely")
        assert sum(counted.column("transactions").to_pylist()) == len(expected), f"seed {seed}"
        groups = await store.query(
            f"SELECT sum(transactions) AS n FROM {RECORD}_statistics GROUP BY block_hash HAVING n != 2"
        )
        assert groups.num_rows == 0, f"seed {seed}"
    await _killed(server)
