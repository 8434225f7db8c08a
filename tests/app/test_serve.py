"""`tidemill serve`: what others wrote is served and streamed by a process of its own."""

import asyncio
import json
import re

import aiohttp
from tests.serve.stored import events
from tests.system.program import running, tidemill

from tidemill.app.control import serving
from tidemill.bus import open_bus
from tidemill.schema.faults import Refused
from tidemill.store import open_store

from .until import until


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
                assert (answer.status, (await answer.json())["status"]) == (200, "healthy")
            async with session.ws_connect(f"{url}/ws/swap?cursor={bus.identity}~swap:0.0") as socket:
                await bus.commit([("swap", events("swap", 4, 1))])
                told = json.loads((await socket.receive()).data)
                while "events" not in told:
                    told = json.loads((await socket.receive()).data)
                assert [row["block_number"] for row in told["events"]] == [4]


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
