"""Start the sandbox's emulated Sei node as a process, stop it and start it again, and ask it what is true."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from .programs import free_port

ROOT = Path(__file__).resolve().parents[2]


class SeiServer:
    """A node that can be stopped and started again with the same chain, at the same port."""

    def __init__(self, session: aiohttp.ClientSession, **options) -> None:
        self.port = free_port()
        self.network = options.get("network", "atlantic-2")
        self.attributes = options.get("attributes", "base64")
        self._options = {"genesis_s": int(time.time()) - 30, "block_ms": 100, **options}
        self._session = session
        self._process = None

    @property
    def ws_url(self):
        return f"ws://127.0.0.1:{self.port}/websocket"

    @property
    def http_url(self):
        return f"http://127.0.0.1:{self.port}/"

    async def start(self, **changes):
        """Start it, with these of its options changed."""
        self._options |= changes
        options = [f"--{name.replace('_', '-')}={value}" for name, value in self._options.items()]
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tidemill.sandbox.emulators.sei", f"--port={self.port}", *options),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
            stdout=subprocess.PIPE,
        )
        async with asyncio.timeout(30):
            assert self._process.stdout is not None
            return json.loads(await self._process.stdout.readline())

    async def stop(self):
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            await process.wait()

    async def control(self, **faults):
        async with self._session.post(f"{self.http_url}control", json=faults) as answer:
            assert answer.status == 200, await answer.text()

    async def truth(self):
        """Return height, books as {market: {(side, price): size}} of raw integers, trade ids and counts."""
        async with self._session.get(f"{self.http_url}truth") as answer:
            told = await answer.json()
        told["books"] = {
            market: {(side, price): size for side, price, size in rows}
            for market, rows in told["books"].items()
        }
        return told


@asynccontextmanager
async def sei_server(**options) -> AsyncIterator[SeiServer]:
    """Run a node while the context is open."""
    async with aiohttp.ClientSession() as session:
        server = SeiServer(session, **options)
        try:
            await server.start()
            yield server
        finally:
            await server.stop()
