"""Exports and schedules over the data API and the command line, before a real store."""

import asyncio
import json
from contextlib import AsyncExitStack

import pytest
from tests.app.until import until
from tests.serve.program import FakeProgram, program, served
from tests.store.samples import swap

from tidemill.app.exporting.export_routes import ROUTES
from tidemill.app.exporting.exports import open_exports
from tidemill.app.settings import read_settings
from tidemill.export.verifying import verify
from tidemill.schema import derive
from tidemill.serve.server import Additions
from tidemill.store import open_store


@pytest.fixture
async def api(tmp_path):
    """Yield a client of the data API beside a store with 100 swaps."""
    environment = read_settings(None, tmp_path / "data", {})
    async with AsyncExitStack() as opened:
        store = await opened.enter_async_context(open_store(f"chdb://{tmp_path / 'store'}"))
        await store.migrate()
        await store.insert("swap", [derive.to_batch([swap(n) for n in range(100)])], "t")
        exports = await open_exports(environment, store, opened)
        running = asyncio.ensure_future(exports.run())
        additions = Additions(routes=ROUTES, parts=(exports,))
        yield await opened.enter_async_context(served(FakeProgram(program()), additions=additions))
        running.cancel()
        await asyncio.wait([running])


async def asked(client, method, path, status, **body):
    sent = {"json": body} if body else {}
    async with client.session.request(method, client.url + path, **sent) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json()


async def test_an_export_is_asked_for_followed_fetched_scheduled_and_refused(api, tmp_path):
    begun = await asked(api, "POST", "/export/csv", 202, table="swap", compression="gzip")

    async def done():
        return (await asked(api, "GET", f"/exports/{begun['id']}", 200))["state"] == "done"

    await until(done)
    told = await asked(api, "GET", f"/exports/{begun['id']}", 200)
    assert (told["rows"], told["rows_expected"], told["percent"], told["fault"]) == (100, 100, 100.0, None)
    name = told["manifest"]["files"][0]["name"]
    async with api.session.get(f"{api.url}/exports/{begun['id']}/file", params={"name": name}) as answer:
        assert (answer.status, len(await answer.read())) == (200, told["manifest"]["files"][0]["bytes"])
    async with api.session.get(f"{api.url}/exports/{begun['id']}/file", params={"name": "../x"}) as answer:
        assert answer.status == 404
    assert [one["id"] for one in await asked(api, "GET", "/exports", 200)] == [begun["id"]]
    assert (await asked(api, "DELETE", f"/exports/{begun['id']}", 200))["state"] == "done"

    made = await asked(
        api,
        "POST",
        "/schedule/export",
        201,
        format="parquet",
        table="swap",
        frequency="daily",
        upload_to="each-day",
    )
    assert made["request"]["is_incremental"] is True
    assert made["to"] == str((tmp_path / "data" / "exports" / "each-day").resolve())
    assert (await asked(api, "POST", f"/schedules/{made['id']}/pause", 200))["is_paused"] is True
    assert (await asked(api, "POST", f"/schedules/{made['id']}/resume", 200))["is_paused"] is False
    assert [one["id"] for one in await asked(api, "GET", "/schedules", 200)] == [made["id"]]
    await asked(api, "DELETE", f"/schedules/{made['id']}", 200)
    assert await asked(api, "GET", "/schedules", 200) == []

    await asked(api, "DELETE", f"/schedules/{made['id']}", 404)
    await asked(api, "GET", "/exports/none", 404)
    for path, body, message in (
        ("/export/xml", {"table": "swap"}, "format: expected one of"),
        ("/export/csv", {"table": "swap", "start_date": "soon"}, "date: expected a day"),
        ("/export/csv", {"table": "swap", "upload_to": "/etc/x"}, "upload_to: expected"),
        ("/export/csv", {"table": "swap", "upload_to": "../x"}, "upload_to: expected"),
        ("/export/csv", {"table": "swap", "upload_to": "ftp://x"}, "to: expected a folder"),
        ("/export/csv", {"tables": "swap"}, "body: "),
    ):
        assert message in (await asked(api, "POST", path, 400, **body))["message"]


@pytest.mark.timeout(300)
def test_the_command_line_exports_verifies_and_schedules(cli, tmp_path):
    async def make() -> None:
        async with open_store(f"chdb://{tmp_path / 'data' / 'store'}") as store:
            await store.migrate()
            await store.insert("swap", [derive.to_batch([swap(n) for n in range(100)])], "t")

    asyncio.run(make())
    told = cli("export", "parquet", "--to", "out", "--table", "swap", "--json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["rows"] == 100
    assert verify(tmp_path / "out").differences == []
    (tmp_path / "out" / "part-00000.parquet").write_bytes(b"")
    damaged = cli("verify", "out")
    assert (damaged.returncode, damaged.stdout.count("part-00000.parquet")) == (1, 1)
    made = cli("schedule", "add", "csv", "--to", "each", "--every", "30 2 * * *")
    assert made.returncode == 0, made.stderr
    assert cli("schedule", "list").stdout == made.stdout
    assert cli("schedule", "add", "csv", "--to", "each", "--every", "often").returncode == 2
