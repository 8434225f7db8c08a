"""`tidemill serve`: what others wrote is served and streamed by a process of its own."""

import asyncio
import json
import re
import time
from contextlib import AsyncExitStack

import aiohttp
import psutil
import pytest
from tests.serve.auth.guarded import SECRET, token
from tests.serve.stored import events
from tests.servers.databases import redis_server
from tests.store.conftest import clickhouse_server  # noqa: F401 a fixture
from tests.system.program import running, start, tidemill

from tidemill.app.control import serving
from tidemill.bus import open_bus
from tidemill.schema.faults import Refused
from tidemill.store import open_store

from .until import until

_A_MINUTE = 20


async def test_what_others_write_is_served_by_a_process_of_its_own(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    async with open_store(f"chdb://{data / 'store'}") as store:
        await store.migrate()
        await store.insert("swap", [events("swap", 1, 3)], "one")
    ports = {"TIDEMILL_API_PORT": "0", "PROMETHEUS_PORT": "0"}
    async with open_bus(f"lmdb://{data / 'bus'}") as bus, running(tmp_path, "serve", **ports):
        url = await said_url(data)
        async with asyncio.timeout(60), aiohttp.ClientSession() as session:
            async with session.get(f"{url}/events/swap?order=oldest") as answer:
                found = [row["block_number"] for row in (await answer.json())["events"]]
                assert found == [1, 2, 3]
            async with session.get(f"{url}/health") as answer:
                told = await answer.json()
                assert (answer.status, told["status"], told["is_reader"]) == (200, "healthy", True)
            async with session.ws_connect(f"{url}/ws/swap?cursor={bus.identity}~swap:0.0") as socket:
                await bus.commit([("swap", events("swap", 4, 1))])
                told = json.loads((await socket.receive()).data)
                while "events" not in told:
                    told = json.loads((await socket.receive()).data)
                assert [row["block_number"] for row in told["events"]] == [4]


def _sharing(bus_url):
    """Return the settings of processes that count a caller's requests together."""
    return (
        f'[bus]\nurl = "{bus_url}"\n[redis]\ntimeout_ms = 10_000\n'
        f"[api.limits]\nrequests_per_minute = {_A_MINUTE}\n"
    )


async def test_two_over_one_server_share_what_they_keep_and_what_they_count(
    tmp_path,
    clickhouse_server,  # noqa: F811
):
    store_url, bus_url = f"{clickhouse_server}/served", f"lmdb://{tmp_path / 'bus'}"
    async with AsyncExitStack() as opened:
        redis = await opened.enter_async_context(redis_server())
        store = await opened.enter_async_context(open_store(store_url))
        bus = await opened.enter_async_context(open_bus(bus_url))
        await store.migrate()
        await store.insert("arbitrage_transaction", [events("arbitrage_transaction", 1, 3)], "one")
        places = {"CLICKHOUSE_URL": store_url, "REDIS_URL": f"redis://127.0.0.1:{redis.port}/0"}
        here = {"TIDEMILL_API_PORT": "0", "PROMETHEUS_PORT": "0", "JWT_SECRET": SECRET, **places}
        urls = []
        for name in ("one", "other"):
            folder = tmp_path / name
            folder.mkdir()
            (folder / "tidemill.toml").write_text(_sharing(bus_url))
            await opened.enter_async_context(running(folder, "serve", **here))
            urls.append(await said_url(folder / "data"))
        session = await opened.enter_async_context(aiohttp.ClientSession())

        async def ask(url, path, who, **headers):
            shown = {"Authorization": f"Bearer {token({'sub': who, 'exp': time.time() + 600})}", **headers}
            async with session.get(url + path, headers=shown) as answer:
                return answer.status, await answer.json(), answer.headers

        async with asyncio.timeout(120):
            # what came after the first answer is not in the second one's, who kept nothing itself
            _, first, _ = await ask(urls[0], "/stats/daily?days=3660", "reader")
            await store.insert("arbitrage_transaction", [events("arbitrage_transaction", 10, 1)], "two")
            status, kept, headers = await ask(urls[1], "/stats/daily?days=3660", "reader")
            assert (status, kept) == (200, first)
            assert "Age" in headers
            anew = {"Cache-Control": "no-cache"}
            _, fresh, _ = await ask(urls[1], "/stats/daily?days=3660", "reader", **anew)
            counts = [answer["days"][0]["transactions"] for answer in (first, fresh)]
            assert counts[1] == counts[0] + 1
            assert (await ask(urls[0], "/stats/daily?days=3660", "reader"))[1] == fresh

            socket = await opened.enter_async_context(
                session.ws_connect(f"{urls[1]}/ws/swap?cursor={bus.identity}~swap:0.0", headers=headers_of())
            )
            await bus.commit([("swap", events("swap", 4, 1))])
            told = json.loads((await socket.receive()).data)
            while "events" not in told:
                told = json.loads((await socket.receive()).data)
            assert [row["block_number"] for row in told["events"]] == [4]

            granted, began_s = 0, time.monotonic()
            while (await ask(urls[granted % 2], "/health", "counted"))[0] != 429:
                granted += 1
            filled = (time.monotonic() - began_s) * _A_MINUTE / 60
            # of each on its own, nearly twice as many; some were for the address before
            assert granted <= _A_MINUTE + filled + 1


async def test_workers_share_a_port_and_what_they_know_and_one_that_dies_is_begun_anew(
    tmp_path,
    clickhouse_server,  # noqa: F811
):
    store_url, bus_url = f"{clickhouse_server}/worked", f"lmdb://{tmp_path / 'bus'}"
    async with AsyncExitStack() as opened:
        redis = await opened.enter_async_context(redis_server())
        store = await opened.enter_async_context(open_store(store_url))
        await opened.enter_async_context(open_bus(bus_url))
        await store.migrate()
        await store.insert("swap", [events("swap", 1, 3)], "one")
        (tmp_path / "tidemill.toml").write_text(_sharing(bus_url))
        places = {"CLICKHOUSE_URL": store_url, "REDIS_URL": f"redis://127.0.0.1:{redis.port}/0"}
        ports = {"TIDEMILL_API_PORT": "0", "PROMETHEUS_PORT": "0"}
        here = {**places, **ports, "JWT_SECRET": SECRET}
        process = await opened.enter_async_context(running(tmp_path, "serve", "--workers", "2", **here))
        url = await said_url(tmp_path / "data")
        above = psutil.Process(process.pid)

        def workers():
            return {one for one in above.children() if listens(one, url)}

        first = workers()
        assert len(first) == 2

        async def ask(path, who="reader"):
            """Ask over a connection of its own: whichever worker it is dealt to."""
            connector = aiohttp.TCPConnector(force_close=True)
            async with (
                aiohttp.ClientSession(connector=connector) as session,
                session.get(url + path, headers=headers_of(who)) as answer,
            ):
                return answer.status, await answer.json()

        async with asyncio.timeout(150):
            found = await ask("/events/swap?order=oldest")
            assert [row["block_number"] for row in found[1]["events"]] == [1, 2, 3]

            granted, began_s = 0, time.monotonic()
            while (await ask("/health", "counted"))[0] != 429:
                granted += 1
            filled = (time.monotonic() - began_s) * _A_MINUTE / 60
            assert granted <= _A_MINUTE + filled + 1, "they count together"

            killed = first.pop()
            killed.kill()

            async def is_begun_anew():
                return len(workers() - {killed}) == 2

            await until(is_begun_anew, timeout_s=60)
            assert first < workers(), "the other one goes on"

            async def is_answered():  # once the address may ask again
                return (await ask("/events/swap", "another"))[0] == 200

            await until(is_answered, timeout_s=60)


async def test_workers_end_with_who_supervises_them(tmp_path, clickhouse_server):  # noqa: F811
    store_url = f"{clickhouse_server}/orphaned"
    async with open_store(store_url) as store, open_bus(f"lmdb://{tmp_path / 'data' / 'bus'}"):
        await store.migrate()
        here = {"CLICKHOUSE_URL": store_url, "TIDEMILL_API_PORT": "0", "PROMETHEUS_PORT": "0"}
        process = await start(tmp_path, ("serve", "--workers", "2"), here)
        talk = asyncio.ensure_future(process.communicate())
        url = await said_url(tmp_path / "data")
        workers = [one for one in psutil.Process(process.pid).children() if listens(one, url)]
        assert len(workers) == 2
        process.kill()

        async def are_gone():
            return not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in workers)

        await until(are_gone)
        await talk


def listens(worker, url):
    port = int(url.rpartition(":")[2])
    try:
        held = worker.net_connections()
    except psutil.NoSuchProcess:
        return False
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in held)


@pytest.mark.parametrize(
    ("here", "said"),
    [
        ({}, "expected 1 where the store is embedded"),
        ({"CLICKHOUSE_URL": "clickhouse://127.0.0.1:9/x", "JWT_SECRET": SECRET}, "expected redis.url"),
    ],
)
async def test_workers_that_have_nothing_to_share_are_refused(tmp_path, here, said):
    code, _, complaint = await tidemill(tmp_path, "serve", "--workers", "3", **here)
    assert code == 1
    assert said in complaint


def headers_of(who="listener"):
    return {"Authorization": f"Bearer {token({'sub': who, 'exp': time.time() + 600})}"}


async def said_url(data):
    """Return the address that the log says it listens at."""
    log, found = data / "logs" / "tidemill.log", []

    async def is_said():
        if log.exists():
            found[:] = re.findall(r"data API at (http://[0-9.:]+)", log.read_text())
        return bool(found)

    await until(is_said, timeout_s=60)
    return found[0]


async def test_where_up_owns_the_folder_it_says_who_serves(tmp_path):
    data = tmp_path / "data"
    data.mkdir()

    async def status():
        return {"api": {"url": "http://127.0.0.1:8080"}}

    async def query(sql):
        raise Refused(sql)

    async with serving(data, status, query):
        code, _, complaint = await tidemill(tmp_path, "serve")
    assert code != 0
    assert "it serves the data API at http://127.0.0.1:8080" in complaint
