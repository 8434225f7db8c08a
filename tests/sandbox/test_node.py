"""How the node starts and that it never stays behind."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from tests.services import needs_node

from tidemill.sandbox.install import ensure_packages
from tidemill.sandbox.node import NodeOptions, run_node
from tidemill.sandbox.rpc import Rpc
from tidemill.schema.faults import Malformed, Refused, Unreachable


def _gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@needs_node
async def test_nodes_run_side_by_side_and_stop() -> None:
    modules = ensure_packages()
    async with run_node(modules) as one, run_node(modules, NodeOptions(chain_id=8453)) as other:
        assert one.http_url != other.http_url
        assert (one.chain_id, other.chain_id) == (31_337, 8453)
        pids = [one.pid, other.pid]
    assert all(_gone(pid) for pid in pids)


@needs_node
async def test_a_node_stops_when_its_user_fails() -> None:
    pids: list[int] = []

    async def fail() -> None:
        async with run_node(ensure_packages()) as node:
            pids.append(node.pid)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert _gone(pids[0])


@needs_node
async def test_a_node_mines_by_itself_when_told_so() -> None:
    async with run_node(ensure_packages(), NodeOptions(block_time_s=0.02)) as node, Rpc(node.http_url) as rpc:
        async with asyncio.timeout(10):
            while int(await rpc.call("eth_blockNumber"), 16) < 3:  # noqa: ASYNC110  the node tells nobody here
                await asyncio.sleep(0.01)


async def test_a_missing_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="expected the anvil program at"):
        async with run_node(tmp_path):
            pass


async def test_a_program_that_ends_is_quoted(tmp_path: Path) -> None:
    program = tmp_path / "@foundry-rs/anvil-linux-amd64/bin/anvil"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho 'unknown hardfork' >&2\nexit 2\n")
    program.chmod(0o755)
    with pytest.raises(Refused, match="exit code 2: unknown hardfork"):
        async with run_node(tmp_path):
            pass


async def test_a_program_that_never_listens_is_unreachable_and_ended(tmp_path: Path) -> None:
    program = tmp_path / "@foundry-rs/anvil-linux-amd64/bin/anvil"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 60\n")
    program.chmod(0o755)
    with pytest.raises(Unreachable, match=r"to answer in 0\.3 s"):
        async with run_node(tmp_path, NodeOptions(start_timeout_s=0.3)):
            pass
    assert _gone(int((tmp_path / "pid").read_text()))


@needs_node
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_command(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "tidemill.sandbox", "--json", "--block-ms", "50"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        pid = json.loads(running.stdout.readline())["node_pid"]
        assert not _gone(pid)
        running.send_signal(number)
        code = running.wait(timeout=20)
        rest = running.stdout.read()
    if number == signal.SIGKILL:
        psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)
    else:
        assert code == 0
        assert '"reverted"' in rest
    assert _gone(pid)


async def test_a_silent_address_is_unreachable() -> None:
    async with Rpc("http://127.0.0.1:9") as rpc:
        with pytest.raises(Unreachable, match="expected an answer"):
            await rpc.call("eth_chainId")


@needs_node
async def test_the_nodes_errors_are_refusals() -> None:
    async with run_node(ensure_packages()) as node, Rpc(node.http_url) as rpc:
        with pytest.raises(Refused, match="eth_nothing"):
            await rpc.call("eth_nothing")


async def test_a_reply_that_is_no_json_is_malformed() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nno!")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with Rpc(f"http://127.0.0.1:{port}") as rpc:
            with pytest.raises(Malformed, match="found b'no!'"):
                await rpc.call("eth_chainId")
