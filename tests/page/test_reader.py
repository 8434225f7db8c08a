"""The page of `tidemill serve`: it shows what is stored, and says what is told elsewhere."""

import pytest
from playwright.async_api import expect
from tests.app.test_serve import said_url
from tests.serve.stored import events
from tests.system.program import running

from tidemill.bus import open_bus
from tidemill.store import open_store

from .program import at, looking, serious, states

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]


class _Served:
    """What `looking` asks of a program."""

    def __init__(self, url: str) -> None:
        self.url = url


async def test_what_only_the_reading_process_has_is_said_to_be_there(chromium, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    async with open_store(f"chdb://{data / 'store'}") as store:
        await store.migrate()
        await store.insert("health", [events("health", 1, 3)], "one")
    ports = {"TIDEMILL_API_PORT": "0", "PROMETHEUS_PORT": "0"}
    async with open_bus(f"lmdb://{data / 'bus'}"), running(tmp_path, "serve", **ports):
        served = _Served(await said_url(data))
        async with looking(chromium, served, None) as page:
            for view, said in (
                ("now", "are on the page of the tidemill up that reads"),
                ("execution", "are on the page of the `tidemill up` that trades"),
                ("exports", "are on the page of the tidemill up that stores"),
            ):
                await at(page, served, view, start="1", end="1800000000000000000")
                await page.get_by_role("note").get_by_text(said).wait_for()
                assert await page.get_by_role("alert").count() == 0
                assert await serious(page) == []
            await at(page, served, "now", start="1", end="1800000000000000000")
            await states(page, "live")
            await expect(page.locator("section[aria-label=health] [data-index]")).to_have_count(3)
