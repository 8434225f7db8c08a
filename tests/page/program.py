"""The page in a browser, on a program that reads a chain with traders and an order-book venue."""

import asyncio
import re
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import jwt
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from tests.app.conftest import chain_toml
from tests.app.crowd import TradingCrowd
from tests.app.order_fills import WHALE
from tests.app.test_kill_autopsy import search_toml
from tests.app.test_sei import settings_file
from tests.app.until import until
from tests.servers.programs import free_port
from tests.servers.sei import SeiServer, sei_server
from tests.system.program import tidemill, up

from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.world import World

from .happenings import stage_on

ROOT = Path(__file__).resolve().parents[2]
_AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
CHROMIUM = shutil.which("chromium")
"""Of the system; without it Playwright's own, where it was installed."""
WAIT_MS = 120_000
"""For anything to be seen: a machine that runs other tests beside is slow."""
_PATIENCE_S = 120
_ALERTING = """
[monitoring]
collection_interval_s = 0.5
[monitoring.alerts]
latency_max_ms = 0.001
"""
"""An alert that is always raised."""
_SECRET = "only known to this test, and long enough"
_IN_ADDRESS = re.compile(r"eyJ[\w-]+\.eyJ|tidemill_[0-9a-f]{12}")
"""A JSON Web Token, or an API key; a cursor is one piece of base64, which may have any letters."""
_KEPT_AS = "tidemill.key"
KINDS = (
    *("swap", "opportunity", "arbitrage_transaction", "pool", "coverage", "book_top", "trade"),
    *("whale_trade", "whale_position", "liquidity_change"),
)
"""What has been told before anybody looks."""


def token(role: str, *, lasts_s: float = 3_600) -> str:
    claims = {"sub": f"{role} of the test", "role": role, "exp": time.time() + lasts_s}
    return jwt.encode(claims, _SECRET, "HS256")


class Program:
    """`tidemill up`, which can be stopped and started again at the same port."""

    def __init__(self, folder: Path, session: aiohttp.ClientSession, sei: SeiServer) -> None:
        self.sei = sei
        self.url = f"http://127.0.0.1:{free_port()}"
        self.execution_port = free_port()
        self._folder = folder
        self._session = session
        self._running = AsyncExitStack()

    async def start(self) -> None:
        port = self.url.rpartition(":")[2]
        settings = {"TIDEMILL_API_PORT": port, "TIDEMILL_API_AUTH_ENABLED": "true", "JWT_SECRET": _SECRET}
        await self._running.enter_async_context(up(self._folder, **settings))
        await until(lambda: is_answering(self.url), _PATIENCE_S)

    async def stop(self) -> None:
        await self._running.aclose()

    @property
    def execution_url(self) -> str:
        """Where it takes trade signals."""
        return f"http://127.0.0.1:{self.execution_port}"

    async def get(self, path: str, role: str = "analyst", **params: Any) -> Any:
        headers = {"Authorization": f"Bearer {token(role)}"}
        async with self._session.get(self.url + path, headers=headers, params=params) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def rows(self, kind: str, **params: Any) -> list[dict[str, Any]]:
        return (await self.get(f"/events/{kind}", **params))["events"]

    async def has_told(self, kind: str) -> bool:
        return bool(await self.rows(kind, limit="1"))


async def is_answering(url: str) -> bool:
    """Say whether a server answers there yet."""
    async with aiohttp.ClientSession() as session:
        try:
            async with session.get(url + "/health"):
                return True
        except aiohttp.ClientConnectionError:
            return False


@asynccontextmanager
async def program_on(world: World, folder: Path) -> AsyncIterator[Program]:
    """Run it while traders trade, until each kind of event that a view shows has been told."""
    async with sei_server() as sei, aiohttp.ClientSession() as session, Rpc(world.http_url) as rpc:
        program, stage = Program(folder, session, sei), await stage_on(world, rpc)
        file = settings_file(folder, sei)
        more = f'inspection = "receipts"\n{stage.exchange_toml}chain_id'
        chain = chain_toml(world).replace("chain_id", more, 1)
        sections = (chain, search_toml(world), stage.settings(program.execution_port), _ALERTING)
        file.write_text(file.read_text() + "".join(sections))
        for arguments in (("seed",), ("add", WHALE, "--pseudonym", "Moby")):
            code, _, complaint = await tidemill(folder, "whales", *arguments)
            assert code == 0, complaint
        await program.start()
        try:
            trader = {"Authorization": f"Bearer {token('trader')}"}
            await until(lambda: is_answering(program.execution_url), _PATIENCE_S)
            await stage.trade_on_paper(program.execution_url, trader)
            await stage.trade_as_whale()
            async with TradingCrowd(world, swaps_per_s=5, atomic_percent=80, block_ms=400):
                for kind in KINDS:
                    await until(lambda kind=kind: program.has_told(kind), _PATIENCE_S)
                yield program
        finally:
            await program.stop()


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield opened
        finally:
            await opened.close()


@asynccontextmanager
async def looking(browser: Browser, program: Program, key: str | None, **options: Any) -> AsyncIterator[Page]:
    """A page of a browser of its own, logged in by `key`; complaints, and secrets in addresses, fail it."""
    complaints: list[str] = []
    addresses: list[str] = []
    context: BrowserContext = await browser.new_context(
        **{"viewport": {"width": 1400, "height": 900}, **options}
    )
    context.set_default_timeout(WAIT_MS)
    if key is not None:
        script = f"sessionStorage.getItem('{_KEPT_AS}') ?? sessionStorage.setItem('{_KEPT_AS}', '{key}')"
        await context.add_init_script(script)
    page = await context.new_page()
    page.on("request", lambda request: addresses.append(request.url))
    page.on("websocket", lambda socket: addresses.append(socket.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if _is_complaint(said) else None)
    try:
        await page.goto(program.url)
        yield page
    finally:
        await context.close()
    assert not complaints, complaints
    assert addresses
    told = [one for one in addresses if _IN_ADDRESS.search(one)]
    assert not told, f"a key or a token in an address: {told}"


def _is_complaint(said: Any) -> bool:
    """Say whether the console tells of an error of ours, such as a refusal by the policy of contents."""
    return (
        said.type == "error" and "Failed to load resource" not in said.text and "WebSocket" not in said.text
    )


async def at(page: Page, program: Program, view: str, **chosen: str) -> None:
    """Go to a view by its address."""
    query = "&".join(f"{name}={value}" for name, value in chosen.items())
    await page.goto(f"{program.url}/#/{view}{'?' + query if query else ''}")
    await page.get_by_role("heading", name=view.capitalize(), exact=True).wait_for()


async def states(page: Page, wanted: str) -> None:
    """Wait until the page says that its connection is so."""
    await page.locator(f".connection[data-state={wanted}]").wait_for()


async def settled(page: Page) -> None:
    """Wait until what was asked for is drawn."""
    await page.locator("[data-index]").first.wait_for()
    await asyncio.sleep(0)


async def serious(page: Page) -> list[Any]:
    """Return what axe finds that keeps people out."""
    await page.evaluate(_AXE.read_text())  # not as a script of the page, whose policy forbids it
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    kept = [one for one in found["violations"] if one["impact"] in {"serious", "critical"}]
    return [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in kept]
