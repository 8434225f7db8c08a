"""Start the test servers as processes, and tell them what to do."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

ROOT = Path(__file__).resolve().parents[2]


class SubgraphServer:
    """A running GraphQL server with the schemas of subgraphs."""

    def __init__(self, port: int, session: aiohttp.ClientSession) -> None:
        self.port = port
        self._session = session

    def http_url(self, dialect="uniswap_v3"):
        return f"http://127.0.0.1:{self.port}/{dialect}/"

    def ws_url(self, dialect="uniswap_v3"):
        return f"ws://127.0.0.1:{self.port}/{dialect}/"

    @property
    def rpc_url(self):
        return f"http://127.0.0.1:{self.port}/rpc"

    async def control(self, **order):
        """Give an order; return what the server then has."""
        async with self._session.post(f"http://127.0.0.1:{self.port}/control", json=order) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def set(self, **faults):
        return await self.control(set=faults)

    async def mine(self, blocks, swaps):
        return await self.control(mine=[blocks, swaps])

    async def told(self):
        return await self.control()

    async def head(self):
        return (await self.told())["chain_head"]


@asynccontextmanager
async def subgraph_server() -> AsyncIterator[SubgraphServer]:
    """Run the server in a process of its own while the context is open."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.servers.subgraph", cwd=ROOT, stdout=subprocess.PIPE
    )
    try:
        async with asyncio.timeout(30):
            assert process.stdout is not None
            port = int(await process.stdout.readline())
        async with aiohttp.ClientSession() as session:
            yield SubgraphServer(port, session)
    finally:
        process.kill()
        await process.wait()
