"""Run the program as a user does, with a configuration of several chains, and ask it how it fares."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from tests.app.conftest import FREE_PORTS, ROOT
from tests.app.until import until

from tidemill.app.chains.verify import TABLES, TableProof, compare, logs_on_chain
from tidemill.app.control import ask_sql, ask_status
from tidemill.app.sandbox.world import world_config
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.world import World
from tidemill.schema.faults import Unreachable


def chain_section(name: str, world: World, **changes: Any) -> str:
    """Return the settings of one chain that reads `world`; a change of None leaves the setting out."""
    config = world_config(world)
    settings: dict[str, Any] = {
        "chain_id": config.chain_id,
        "ws_url": config.ws_url,
        "http_url": config.http_url,
        "start_block": config.start_block,
        "multicall": config.multicall,
        "pools": config.pools,
        "reconnect_first_ms": 50,
        **changes,
    }
    lines = [f"[chains.{name}]"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in settings.items() if value is not None]
    for factory in config.factories:
        lines.append(f"[[chains.{name}.factories]]")
        fields = msgspec.to_builtins(factory)
        lines += [f"{field} = {json.dumps(value)}" for field, value in fields.items() if value is not None]
    return "\n".join(lines) + "\n"


async def tidemill(folder: Path, *arguments: str, **env: str) -> tuple[int, str, str]:
    """Run a command to its end; return exit code, output and complaint."""
    process = await start(folder, arguments, env)
    async with asyncio.timeout(60):
        out, complaint = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), complaint.decode()


def up(folder: Path, *arguments: str, **env: str) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
    """Run `tidemill up` in `folder` while the context is open; at the end it must stop cleanly by SIGTERM."""
    return running(folder, "up", *arguments, **env)


@asynccontextmanager
async def running(folder: Path, *arguments: str, **env: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a command in `folder` while the context is open; at the end it must stop cleanly by SIGTERM."""
    process = await start(folder, arguments, env)
    log = asyncio.ensure_future(process.communicate())
    try:
        yield process
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(10):
            _, complaint = await log
        assert b"Traceback" not in complaint, complaint.decode()[-3000:]
        assert process.returncode == 0, complaint.decode()[-3000:]
    finally:
        if process.returncode is None:
            process.kill()
        await asyncio.gather(log, return_exceptions=True)


async def kill_after(folder: Path, after_s: float) -> None:
    """Run `tidemill up` in `folder` and end it with SIGKILL so long after its start."""
    process = await start(folder, ("up",), {})
    gone = asyncio.ensure_future(process.communicate())
    await asyncio.wait([gone], timeout=after_s)
    assert not gone.done(), "it ended by itself"
    process.kill()
    await gone


async def kill_when(folder: Path, holds: Callable[[], Awaitable[bool]]) -> None:
    """Run `tidemill up` in `folder` and end it with SIGKILL as soon as `holds` says so."""
    process = await start(folder, ("up",), {})
    gone = asyncio.ensure_future(process.communicate())
    try:
        await until(holds, 60)
        assert not gone.done(), "it ended by itself"
    finally:
        process.kill()
        await gone


def environment(env: dict[str, str]) -> dict[str, str]:
    """Return what a command is started with: nothing of ours but `env`, and where the tests' things are."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("TIDEMILL_") and k != "LOG_LEVEL"}
    sandbox = os.environ.get("TIDEMILL_SANDBOX_DIR", str(ROOT / ".sandbox"))
    ours = {"PYTHONPATH": str(ROOT / "src"), "TIDEMILL_SANDBOX_DIR": sandbox, **FREE_PORTS}
    return {**inherited, **ours, **env}


async def start(folder: Path, arguments: tuple[str, ...], env: dict[str, str]) -> asyncio.subprocess.Process:
    """Start a command in `folder`, with nothing of ours in its environment but `env`."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tidemill.app.cli",
        *arguments,
        cwd=folder,
        env=environment(env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def chain_status(folder: Path, name: str) -> dict[str, Any]:
    """Return how the running program says that the chain `name` fares."""
    status = await ask_status(folder / "data")
    return status["chains"][name] if status else {"state": "not running", "tip": None, "last_fault": ""}


async def begun(folder: Path, name: str) -> None:
    """Wait until the first blocks are stored: a node forgets the states that a run begins with."""

    async def is_there() -> bool:
        try:
            return (await chain_status(folder, name))["tip"] is not None
        except Unreachable:  # it is too busy to answer in time
            return False

    await until(is_there, 120)


async def caught_up(folder: Path, name: str, world: World, timeout_s: float = 40) -> None:
    """Wait until every block that the node has is stored."""

    async def is_there() -> bool:
        status = await ask_status(folder / "data")
        if not status or not status["store"]["is_stored"]:
            return False
        head = int(await rpc.call("eth_blockNumber"), 16)
        return status["chains"][name]["tip"] == head

    async with Rpc(world.http_url) as rpc:
        await until(is_there, timeout_s)


async def proofs(folder: Path, name: str, world: World) -> dict[str, TableProof]:
    """Compare the chain's stored events with the node's logs, by table; nothing may trade meanwhile."""
    found: dict[str, TableProof] = {}
    async with Rpc(world.http_url) as rpc:
        for table, topics in TABLES.items():
            rows = await ask_sql(
                folder / "data",
                f"SELECT block_hash, log_index FROM {table}_canonical WHERE source = '{name}'",
            )
            assert rows is not None
            keys = zip(rows["block_hash"].to_pylist(), rows["log_index"].to_pylist(), strict=True)
            found[table] = compare(await logs_on_chain(rpc, world, topics), keys)
    return found


async def assert_whole(folder: Path, name: str, world: World) -> None:
    """Every event of the chain is stored once, no other is."""
    for table, proof in (await proofs(folder, name, world)).items():
        assert (proof.missing, proof.double, proof.unknown) == (0, 0, 0), f"{table}: {proof}"
        assert proof.on_chain > 0 or table != "swap"
