"""The venue emulators as processes beside the chain, and the settings that have tidemill read them."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from tidemill.schema.faults import Refused, Unreachable

_START_S = 30.0
_STOP_S = 5.0


class _Emulator(NamedTuple):
    line_count: int
    """How many lines it prints before it runs."""
    settings: Callable[[list[str]], str]
    """Makes TOML of them."""


def _sei(lines: list[str]) -> str:
    said = json.loads(lines[0])
    settings = [
        "[venues.sei]",
        f'chain_id = "{said["network"]}"',
        f'ws_url = "{said["ws_url"]}"',
        f'http_url = "{said["http_url"]}"',
        'attributes = "base64"',
        'mapping = "limit_orders"',
        "start = 1",  # it begins with the emulator: read from there, its books are whole
    ]
    for market in said["markets"]:
        settings += [
            f'[venues.sei.instruments."{market}"]',
            f'contract = "{said["contract"]}"',
            f'market = "{market}"',
            "first_height = 1",
        ]
    return "\n".join(settings)


_EMULATORS = {"polymarket": _Emulator(7, "\n".join), "sei": _Emulator(1, _sei)}
EMULATED = tuple(_EMULATORS)
"""The venues that can be emulated."""


def check_emulated(names: list[str]) -> tuple[str, ...]:
    """Return the names, each once. Raises: Refused, where one is not emulated."""
    for name in names:
        if name not in _EMULATORS:
            raise Refused(f"venue: expected one of {', '.join(EMULATED)}, found {name!r}")
    return tuple(dict.fromkeys(names))


@asynccontextmanager
async def emulated(name: str, seed: int) -> AsyncIterator[str]:
    """Run a venue's emulator while the context is open; yield the settings that read it, as TOML.

    Raises: Unreachable, where it does not start.
    """
    emulator = _EMULATORS[name]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", f"tidemill.sandbox.emulators.{name}", "--seed", str(seed)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        try:
            async with asyncio.timeout(_START_S):
                lines = [(await process.stdout.readline()).decode() for _ in range(emulator.line_count)]
        except TimeoutError:
            lines = [""]
        if not all(lines):
            raise Unreachable(f"sandbox: expected the emulator of {name} to start within {_START_S:g} s")
        yield emulator.settings([line.rstrip("\n") for line in lines])
    finally:
        await _stop(process)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(_STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
