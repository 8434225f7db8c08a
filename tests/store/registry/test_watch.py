"""A change by another process is told within 2 s, and again after the database was away."""

import asyncio
import os
import sys
import time
from contextlib import aclosing

from tests.servers.databases import postgresql

from tidemill.schema.faults import Malformed, Unreachable
from tidemill.store.registry import RegistrySettings, database_of, open_registry, upgrade, watch

ONE = "0x1f2dd6d473f3e824cd2f8a89d9c69fb96f6ad0cf"
_OTHER_PROCESS = """
import sys, time, sqlalchemy as sa
from tidemill.store.registry import RegistrySettings, database_of
writing = database_of(sys.argv[1], RegistrySettings()).engine.execution_options(is_writing=True)
with writing.begin() as connection:
    connection.execute(sa.text(sys.argv[2]))
print(time.time())
"""
"""Prints when its change was there to be seen."""


def _fail(fault):
    raise AssertionError(fault)


async def _elsewhere(url, statement):
    """Change the registry in another process; return when that was done, by the system's clock."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _OTHER_PROCESS, url, statement),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": "src"},
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return float(printed)


async def _next_with_time(told):
    found = await anext(told)
    return found, time.time()


async def test_a_change_by_another_process_is_told_within_2_s(url):
    with open_registry(url) as registry:
        async with asyncio.timeout(60), aclosing(watch(registry, _fail)) as told:
            assert (await anext(told)).whales == {}
            for statement in (
                f"INSERT INTO whales (address) VALUES ('{ONE}')",
                f"UPDATE whales SET is_copying_enabled = true WHERE address = '{ONE}'",
                "DELETE FROM whales",
            ):
                waiting = asyncio.create_task(_next_with_time(told))
                done_s = await _elsewhere(url, statement)
                found, told_s = await waiting
                assert told_s - done_s < 2
                assert found.changed == {ONE}
                copied = [whale.is_copying_enabled for whale in found.whales.values()]
                expected = {"I": [False], "U": [True], "D": []}
                assert copied == expected[statement[0]]


async def test_a_change_between_two_looks_is_not_missed(url):
    with open_registry(url) as registry:
        async with asyncio.timeout(30), aclosing(watch(registry, _fail)) as told:
            await anext(told)
            for tier in ("MINOR", "MAJOR", "MEGA"):  # while nobody waits
                registry.put([{"address": ONE, "tier": tier}])
            assert (await anext(told)).whales[ONE].tier == "MEGA"


async def test_a_server_that_was_away_is_listened_to_again():
    async with postgresql() as server, asyncio.timeout(100):
        url = server.make_database("registry")
        upgrade(database_of(url, RegistrySettings()))
        faults = asyncio.Queue()
        with open_registry(url) as registry:
            async with aclosing(watch(registry, faults.put_nowait)) as told:
                await anext(told)
                waiting = asyncio.create_task(anext(told))
                await server.server.stop()
                assert isinstance(await faults.get(), Unreachable)
                await server.server.start()
                await _elsewhere(url, f"INSERT INTO whales (address) VALUES ('{ONE}')")
                assert (await waiting).changed == {ONE}


async def test_a_file_that_was_replaced_is_read_anew(tmp_path):
    file = tmp_path / "registry.db"
    with open_registry(f"sqlite://{tmp_path / 'other.db'}") as other:
        other.put([{"address": ONE}])
    faults = []
    with open_registry(f"sqlite://{file}") as registry:
        async with asyncio.timeout(30), aclosing(watch(registry, faults.append)) as told:
            await anext(told)
            (tmp_path / "other.db").rename(file)
            assert (await anext(told)).changed == {ONE}
    assert [type(fault) for fault in faults] == [Unreachable]


async def test_what_cannot_be_read_is_told_and_the_last_set_stands(tmp_path):
    url = f"sqlite://{tmp_path / 'registry.db'}"
    faults = asyncio.Queue()
    with open_registry(url) as registry:
        async with asyncio.timeout(60), aclosing(watch(registry, faults.put_nowait)) as told:
            await anext(told)
            waiting = asyncio.create_task(anext(told))
            await _elsewhere(url, f"INSERT INTO whales (address, win_rate) VALUES ('{ONE}', '1 or 2')")
            assert isinstance(await faults.get(), Malformed)
            assert not waiting.done()
            await _elsewhere(url, "UPDATE whales SET win_rate = '50'")
            assert (await waiting).whales[ONE].win_rate == 50


async def test_a_quiet_connection_goes_on_listening(server, monkeypatch):
    monkeypatch.setattr("tidemill.store.registry.watching._QUIET_S", 0.05)
    url = server.make_database("quiet")
    upgrade(database_of(url, RegistrySettings()))
    with open_registry(url) as registry:
        async with asyncio.timeout(60), aclosing(watch(registry, _fail)) as told:
            await anext(told)
            waiting = asyncio.create_task(anext(told))
            await _elsewhere(url, f"INSERT INTO whales (address) VALUES ('{ONE}')")
            assert (await waiting).changed == {ONE}
