"""The pool server under load, beside FastAPI on uvicorn that answers a constant: the same client for both.

64 connections, each with one request in flight, ask for cached pools; client and server share the machine,
and the client has one thread. Left out: reading the chain, TLS, and networks.
"""

import asyncio
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.peer import python_of, script_of
from benchmarks.row import Row
from tidemill.app.chains.pool_server import serving_pools
from tidemill.app.settings import Environment, PoolServerSettings, Settings
from tidemill.chains.evm.config import EvmConfig
from tidemill.core.config import Loaded
from tidemill.core.redact import Redactor
from tidemill.sandbox.deploy import open_world
from tidemill.sandbox.world import World

ROOT = Path(__file__).parents[1]
CONNECTIONS = 64
SECONDS = 5
REQUESTS_PER_S = 20_000.0
P99_MS = 10.0
_PEER_STARTS_S = 20.0


def run() -> list[Row]:
    """Load both servers, one after the other."""
    python_of("fastapi")
    command = ["cargo", "build", "--quiet", "--release", "-p", "tidemill-server", "--bench", "load"]
    built = [*command, "--message-format", "json"]
    done = subprocess.run(built, cwd=ROOT, capture_output=True, text=True, check=True)
    client = next(
        found["executable"]
        for found in map(json.loads, done.stdout.splitlines())
        if found.get("executable") and found["target"]["name"] == "load"
    )
    ours, body = asyncio.run(_ours(client))
    with _peer() as address:
        theirs = _load(client, address, body)
    note = (
        f"64 connections, client on the same machine; FastAPI and uvicorn, a constant: {theirs['per_s']:,}/s"
    )
    p99_note = f"p50 {ours['p50_us'] / 1e3:.2f} ms; FastAPI and uvicorn p99 {theirs['p99_us'] / 1e3:.1f} ms"
    return [
        Row("pool server, cached pools", ours["per_s"], "requests/s", REQUESTS_PER_S, note=note),
        Row("pool server, cached pools, p99", ours["p99_us"] / 1e3, "ms", P99_MS, "lower", p99_note),
    ]


async def _ours(client: str) -> tuple[dict[str, Any], str]:
    """Load our server, which reads a pool of the sandbox; return what was counted and the request's body."""
    async with open_world() as world, serving_pools(_environment(world)) as address:
        question = {
            "chain_id": world.chain_id,
            "pool_address": world.pools[0].address,
            "dex_type": "uniswap_v2",
        }
        body = json.dumps(question)
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"http://{address}/api/pool", data=body) as answer,
        ):
            if answer.status != 200:
                raise RuntimeError(f"bench: {await answer.text()}")
        return await asyncio.to_thread(_load, client, address, body), body


def _environment(world: World) -> Environment:
    chain = EvmConfig(
        source="sandbox", chain_id=world.chain_id, http_url=world.http_url, multicall=world.multicall
    )
    settings = Settings(
        pool_server=PoolServerSettings(port=0, cache_duration_s=600.0), chains={"sandbox": chain}
    )
    return Environment(Loaded(settings, {}, Redactor()), None)


def _load(client: str, address: str, body: str) -> dict[str, Any]:
    command = [client, address, "POST", "/api/pool", body, str(CONNECTIONS), str(SECONDS)]
    counted = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    if counted["refused"]:
        raise RuntimeError(f"bench: {counted['refused']} requests of {counted['requests']} were refused")
    return counted


@contextmanager
def _peer() -> Iterator[str]:
    """Run the peer; yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([python_of("fastapi"), script_of("fastapi_constant.py"), str(port)])
    try:
        deadline = time.monotonic() + _PEER_STARTS_S
        while not _listens(port):
            if time.monotonic() > deadline:
                raise RuntimeError("bench: FastAPI does not listen")
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
