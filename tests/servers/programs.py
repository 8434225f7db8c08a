"""Where is a server's program, and how is it run as a process that a test may stop and start again."""

import asyncio
import os
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

SERVICES = Path(__file__).resolve().parents[2] / ".services"
"""Where `make services` puts programs."""


def need_program(service: str, program: str) -> Path:
    """Return the program; skip where servers are left out, fail where it is missing."""
    if os.environ.get("SERVICES") == "none":
        pytest.skip(f"needs {service}; SERVICES=none was asked for")
    for root in (SERVICES / service, Path("/")):
        for folder in ("usr/bin", "usr/lib/postgresql/*/bin"):
            for found in sorted(root.glob(f"{folder}/{program}"), reverse=True):
                return found
    found = shutil.which(program)
    if found is None:
        pytest.fail(f"needs {service}; `make services` fetches it")
    return Path(found)


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


class Served:
    """A server's process; `stop` and `start` it as often as the test likes."""

    def __init__(
        self,
        arguments: Sequence[str | Path],
        is_ready: Callable[[], Awaitable[bool]],
        user: str | None = None,
        stop_signal: int = signal.SIGTERM,
    ) -> None:
        self._stop_signal = stop_signal
        self._arguments = arguments
        self._is_ready = is_ready
        self._user = user
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        root = Path(self._arguments[0]).parents[2]
        libraries = {"LD_LIBRARY_PATH": str(root / "usr/lib/x86_64-linux-gnu")}
        self._process = await asyncio.create_subprocess_exec(
            *self._arguments,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, **(libraries if root.parent == SERVICES else {})},
            user=self._user,
        )
        async with asyncio.timeout(60):
            while not await self._is_ready():
                assert self._process.returncode is None, f"{self._arguments[0]} ended"
                await asyncio.sleep(0.02)  # nothing tells of a port that opens

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.send_signal(self._stop_signal)
        try:
            async with asyncio.timeout(20):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


@asynccontextmanager
async def served(
    arguments: Sequence[str | Path],
    is_ready: Callable[[], Awaitable[bool]],
    user: str | None = None,
    stop_signal: int = signal.SIGTERM,
) -> AsyncIterator[Served]:
    """Run a server while the context is open."""
    server = Served(arguments, is_ready, user, stop_signal)
    try:
        await server.start()
        yield server
    finally:
        await server.stop()


async def accepts(port: int) -> bool:
    """Whether somebody listens at a port of this machine."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
