"""How a local EVM node is started, found and stopped without leaving a process behind."""

import asyncio
import ctypes
import os
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Literal

from msgspec import Struct

from tidemill.core.priority import give_way, leave_a_core
from tidemill.sandbox.rpc import Rpc
from tidemill.schema.faults import Refused, Unreachable

ANVIL = "@foundry-rs/anvil-linux-amd64/bin/anvil"
"""The program's place under `node_modules`."""

_PR_SET_PDEATHSIG = 1
_NICE = 5
"""The node makes way for who reads it: a real one has a machine of its own."""
_LIBC = ctypes.CDLL(None, use_errno=True)
_TCP_LISTEN = "0A"


class NodeOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the node behaves."""

    chain_id: int = 31_337
    """The node's own default: wallets know it as a development chain."""
    block_time_s: float | None = None
    """Seconds between blocks that the node mines by itself; None: it mines when told."""
    accounts: int = 12
    """Unlocked accounts: a deployer, a liquidity provider, two arbitrageurs, eight noise traders."""
    balance_ether: int = 1_000_000_000
    """Each account's; enough to wrap a hundred million and never run dry."""
    gas_limit: int = 30_000_000_000
    """A block's; 100,000 swaps fit, so a block never leaves a transaction behind."""
    states_kept: int = 256
    """States of past blocks kept in memory: bounds memory and the depth of a reorg; logs and blocks stay."""
    blocks_kept: int | None = None
    """Blocks whose transactions and logs are kept; None: all of them, at about 12 kB of memory a swap.

    For a block that it has forgotten the node answers `eth_getLogs` with an empty list, not with an error.
    """
    order: Literal["fifo", "fees"] = "fifo"
    """Of a block's transactions: as they came, or by the most that each would pay for gas."""
    start_timeout_s: float = 20
    """Far above the 30 to 250 ms that a start takes."""


class Node(Struct, frozen=True):
    """A running node."""

    http_url: str
    ws_url: str
    chain_id: int
    pid: int


@asynccontextmanager
async def run_node(modules: Path, options: NodeOptions | None = None) -> AsyncIterator[Node]:
    """Run anvil out of `modules` on a free loopback port until the block ends.

    The node dies with the thread that started it, even where that is killed.

    Raises: Refused where the program is missing or does not start, Unreachable where it does not answer.
    """
    options = options or NodeOptions()
    binary = modules / ANVIL
    with tempfile.TemporaryFile() as complaints:  # a file: a full pipe would stop the node
        process = _start(binary, options, complaints)
        try:
            yield await _reach(process, options, complaints)
        finally:
            await _stop(process)


async def _reach(process: subprocess.Popen[bytes], options: NodeOptions, complaints: IO[bytes]) -> Node:
    try:
        async with asyncio.timeout(options.start_timeout_s):
            port = await _listening_port(process, complaints)
            async with Rpc(f"http://127.0.0.1:{port}") as rpc:
                chain_id = int(await rpc.call("eth_chainId"), 16)
    except TimeoutError as error:
        raise Unreachable(
            f"expected anvil (process {process.pid}) to answer in {options.start_timeout_s} s, it did not"
        ) from error
    return Node(f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}", chain_id, process.pid)


def _start(binary: Path, options: NodeOptions, complaints: IO[bytes]) -> subprocess.Popen[bytes]:
    command = [str(binary), "--host", "127.0.0.1", "--port", "0", "--silent", "--order", options.order]
    command += ["--hardfork", "prague"]
    # Algebra V1's packaged pools are not optimised: 60 KB.
    command += ["--disable-code-size-limit"]
    command += ["--chain-id", str(options.chain_id), "--accounts", str(options.accounts)]
    command += ["--balance", str(options.balance_ether), "--gas-limit", str(options.gas_limit)]
    command += ["--prune-history", str(options.states_kept)]
    command += (
        ["--no-mining"] if options.block_time_s is None else ["--block-time", str(options.block_time_s)]
    )
    if options.blocks_kept is not None:
        command += ["--transaction-block-keeper", str(options.blocks_kept)]
    parent = os.getpid()

    def die_with_parent() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        give_way(_NICE)
        leave_a_core()
        if os.getppid() != parent:
            os._exit(1)

    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            process_group=0,  # Ctrl-C is ours to handle: the node stops after its users
            preexec_fn=die_with_parent,  # nothing else ends it when we are killed
        )
    except OSError as error:
        raise Refused(f"expected the anvil program at {binary}, found: {error}") from error


async def _listening_port(process: subprocess.Popen[bytes], complaints: IO[bytes]) -> int:
    while True:
        if process.poll() is not None:
            complaints.seek(0)
            said = complaints.read().decode(errors="replace").strip()
            raise Refused(
                f"expected anvil to start, found exit code {process.returncode}: "
                f"{said[-500:] or 'no message'}"
            )
        ports = _ports_of(process.pid)
        if ports:
            return ports[0]
        await asyncio.sleep(0.005)


def _ports_of(pid: int) -> list[int]:
    """Return the ports that the process listens on; it chose a free one itself, so nobody takes it first."""
    sockets: set[str] = set()
    with suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                link = str(descriptor.readlink())
                if link.startswith("socket:["):
                    sockets.add(link[len("socket:[") : -1])
    ports: list[int] = []
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _TCP_LISTEN and fields[9] in sockets:
                ports.append(int(fields[1].rpartition(":")[2], 16))
    return ports


async def _stop(process: subprocess.Popen[bytes], patience_s: float = 3) -> None:
    try:
        process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while process.poll() is None:  # noqa: ASYNC110  a process sets no event
                    await asyncio.sleep(0.01)
    finally:  # also where the wait is cancelled
        if process.poll() is None:
            process.kill()
        process.wait()
