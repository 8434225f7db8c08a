"""The execution server on paper: answers at 200 signals a second, and how many trades a second it sustains.

The server is `tidemill execute` in a process of its own, over the sandbox's chain, which makes a block a
second; the client and the chain share two cores with it. Every signal has another amount, so that none is
simulated for another; all are judged by the blocks that follow, for which the last second is waited.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from tests.execute.arena import Arena, open_arena
from tests.execute.desk_room import gap_body

from benchmarks.row import Row
from tidemill.execute.plan.kinds import LoanSource

_RATE_A_S = 200
_RATED_S = 6.0
_READY_S = 0.5
"""In which the client makes its thousand tasks before the first is due."""
_SUSTAINED_S = 8.0
_BATCH = 200
_AT_ONCE = 3
_BLOCK_S = 1.0

_SOURCES = Path(__file__).parents[1] / "src"

Ask = Callable[[int], Awaitable[None]]


def run() -> list[Row]:
    """Load one server in each way."""
    return asyncio.run(_run())


async def _run() -> list[Row]:
    async with open_arena() as arena:
        body = await gap_body(arena)
        with tempfile.TemporaryDirectory() as folder:
            async with _serving(Path(folder), arena) as url, aiohttp.ClientSession() as session:
                mining = asyncio.ensure_future(_mine(arena))
                try:
                    return await _measure(session, url, body)
                finally:
                    mining.cancel()


async def _measure(session: aiohttp.ClientSession, url: str, body: dict[str, Any]) -> list[Row]:
    def ask(path: str) -> Ask:
        async def one(number: int) -> None:
            told = await _post(session, url + path, _other(body, number))
            if told["success"] is not True:
                raise RuntimeError(f"expected success, found {told}")

        return one

    rows: list[Row] = []
    for path in ("/simulate", "/execute"):
        await ask(path)(0)
        took_ms = sorted(await _rated(ask(path)))
        p50, p99 = (took_ms[int(len(took_ms) * share)] for share in (0.5, 0.99))
        what = f"POST {path} at {_RATE_A_S} a second, p99"
        rows.append(Row(what, p99, "ms", 10.0, "lower", f"p50 {p50:.1f} ms"))
    filled = (await _settled(session, url))["paper_filled"]
    accepted, took_s, stats = await _sustained(session, url, body)
    filled = stats["paper_filled"] - filled
    if filled != accepted:
        raise RuntimeError(f"expected {accepted} trades to be filled, found {stats}")
    note = f"{accepted} accepted, and judged by the blocks that followed, in {took_s:.1f} s"
    rows.append(Row("paper trades sustained", accepted / took_s, "trades/s", 1_000.0, "higher", note))
    return rows


async def _rated(ask: Ask) -> list[float]:
    """Ask at a steady rate, whether or not it is answered; return how long each answer took, in ms."""
    took_ms: list[float] = []
    began_s = time.perf_counter() + _READY_S

    async def one(number: int) -> None:
        due_s = began_s + number / _RATE_A_S
        await asyncio.sleep(due_s - time.perf_counter())
        await ask(number)
        took_ms.append((time.perf_counter() - due_s) * 1_000)

    await asyncio.gather(*(one(number) for number in range(1, int(_RATE_A_S * _RATED_S))))
    return took_ms


async def _sustained(
    session: aiohttp.ClientSession, url: str, body: dict[str, Any]
) -> tuple[int, float, dict[str, Any]]:
    """Send batches for a while; return how many trades were accepted, in how many seconds all of them were
    judged, too, and the server's statistics after that.
    """
    accepted, number = 0, 10**6
    began_s = time.perf_counter()

    async def batches() -> None:
        nonlocal accepted, number
        while time.perf_counter() - began_s < _SUSTAINED_S:
            signals = [_other(body, number + place) for place in range(_BATCH)]
            number += _BATCH
            told = await _post(session, f"{url}/execute/batch", {"signals": signals})
            accepted += told["succeeded"]  # not in one line: that would add to what it was before the answer

    await asyncio.gather(*(batches() for _ in range(_AT_ONCE)))
    stats = await _settled(session, url)
    return accepted, time.perf_counter() - began_s, stats


async def _settled(session: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            async with session.get(f"{url}/stats") as answer:
                stats = msgspec.json.decode(await answer.read())
            if not stats["under_way"]:
                return stats
            await asyncio.sleep(0.05)


async def _post(session: aiohttp.ClientSession, url: str, body: dict[str, Any]) -> dict[str, Any]:
    async with session.post(url, data=msgspec.json.encode(body)) as answer:
        return msgspec.json.decode(await answer.read())


def _other(body: dict[str, Any], number: int) -> dict[str, Any]:
    return body | {"amount": str(int(body["amount"]) + number)}


async def _mine(arena: Arena) -> None:
    while True:
        await asyncio.sleep(_BLOCK_S)
        await arena.rpc.call("evm_mine")


@asynccontextmanager
async def _serving(folder: Path, arena: Arena) -> AsyncIterator[str]:
    (folder / "tidemill.toml").write_text(
        f"""
[execution]
port = 0
[execution.chains.sandbox]
chain_id = {arena.world.chain_id}
http_url = "{arena.world.http_url}"
balancer_v2 = "0x{arena.lenders[LoanSource.BALANCER_V2].hex()}"
"""
    )
    command = (sys.executable, "-m", "tidemill.app.cli", "execute")
    environ = os.environ | {"PYTHONPATH": str(_SOURCES)}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        while line := (await process.stdout.readline()).decode():
            if "HTTP:" in line:
                yield line.partition("HTTP:")[2].strip()
                return
        raise RuntimeError("the server did not start")
    finally:
        process.terminate()
        await process.communicate()
