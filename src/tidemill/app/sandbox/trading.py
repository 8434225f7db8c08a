"""Trade on a sandbox world in a process of its own, so that it does not slow down the reader.

`python -m tidemill.app.sandbox.trading WORLD.json OPTIONS PARENT` trades as OPTIONS (JSON) say until SIGTERM,
or the end of the process PARENT.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from tidemill.core.priority import give_way, leave_a_core
from tidemill.sandbox.traders import TraderCounts, TraderOptions, trade
from tidemill.sandbox.world import World, from_json
from tidemill.schema.faults import Unreachable

_STOP_TIMEOUT_S = 10.0
_NICE = 10
"""The traders make way for who reads what they do: on a real chain they have machines of their own."""


class Trading:
    """Traders at work; their counts are there once they have stopped."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.counts: TraderCounts | None = None
        self._process = process

    async def stop(self) -> None:
        """Stop the traders, and take their counts. Raises: Unreachable, where they failed."""
        if self.counts is not None:
            return
        if self._process.returncode is None:
            self._process.terminate()
        try:
            async with asyncio.timeout(_STOP_TIMEOUT_S):
                out, complaint = await self._process.communicate()
        except TimeoutError:
            self._process.kill()
            raise Unreachable(f"traders: expected them to stop within {_STOP_TIMEOUT_S:g} s") from None
        if self._process.returncode == -signal.SIGTERM:  # it was still starting, and has traded nothing
            self.counts = TraderCounts()
            return
        if self._process.returncode:
            said = complaint.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
            raise Unreachable(f"traders: ended with code {self._process.returncode}: {said[0]}")
        self.counts = msgspec.json.decode(out, type=TraderCounts)


@asynccontextmanager
async def trading(world_file: Path, options: TraderOptions) -> AsyncIterator[Trading]:
    """Run traders on the world in `world_file` while the context is open."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tidemill.app.sandbox.trading",
        str(world_file),
        msgspec.json.encode(options).decode(),
        str(os.getpid()),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=0,  # Ctrl-C is for the command, which stops them in its own time
    )
    try:
        yield Trading(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _trade(world: World, options: TraderOptions) -> TraderCounts:
    counts = TraderCounts()
    task = asyncio.ensure_future(trade(world, options, counts))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()
    return counts


def _die_with(parent: int) -> None:
    """End with the process `parent` that started us, even where it is killed and can tell nobody."""
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before we asked
        os._exit(1)


def main(arguments: list[str]) -> int:
    """Trade as the arguments say; return the exit code."""
    file, wanted, parent = arguments
    _die_with(int(parent))
    give_way(_NICE)
    leave_a_core()
    options = msgspec.json.decode(wanted, type=TraderOptions)
    counts = asyncio.run(_trade(from_json(Path(file).read_bytes()), options))
    print(msgspec.json.encode(counts).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
