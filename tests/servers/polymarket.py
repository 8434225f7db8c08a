"""Run the local Polymarket as a process that a test may stop, start again, and give orders."""

import asyncio
import sys
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from .programs import free_port

ROOT = Path(__file__).resolve().parents[2]


class LocalPolymarket:
    """A running emulator."""

    def __init__(self, markets, moves_per_s, session):
        self.settings = {}
        """What tidemill has to be told to read it."""
        self._ports = [str(free_port()), str(free_port())]
        self._arguments = ["--markets", str(markets), "--moves-per-s", str(moves_per_s)]
        self._session = session
        self._process = None

    async def start(self):
        module = "tidemill.sandbox.emulators.polymarket"
        ports = ["--ws-port", self._ports[0], "--http-port", self._ports[1]]
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, *self._arguments, *ports, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(20):
            lines = [(await self._process.stdout.readline()).decode() for _ in range(7)]
        self.settings = tomllib.loads("".join(lines))["venues"]["polymarket"]

    async def stop(self):
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def control(self, **order):
        """Give an order; return what the server counts."""
        async with self._session.post(f"{self.settings['http_url']}/control", json=order) as answer:
            assert answer.status == 200
            return await answer.json()

    async def book(self, token):
        """Return a book as the server has it: price and size by side."""
        async with self._session.get(
            f"{self.settings['http_url']}/book", params={"token_id": token}
        ) as answer:
            return await answer.json()


@asynccontextmanager
async def local_polymarket(markets=10, moves_per_s=100) -> AsyncIterator[LocalPolymarket]:
    async with aiohttp.ClientSession() as session:
        server = LocalPolymarket(markets, moves_per_s, session)
        await server.start()
        try:
            yield server
        finally:
            await server.stop()
