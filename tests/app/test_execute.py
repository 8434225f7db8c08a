"""Do `tidemill execute`, its client and the ledger work as a user starts them, and over a kill?"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.app.conftest import FREE_PORTS, ROOT, Cli, chain_toml
from tests.execute.arena import Arena
from tests.execute.conftest import arena, opened_arena  # noqa: F401 fixtures
from tests.execute.desk_room import gap_body
from tests.execute.signals import one_hop

from tidemill import ExecutionManager, execute_trade
from tidemill.execute.plan.kinds import LoanSource
from tidemill.schema.faults import Refused, Unreachable

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="session")]

_PATIENCE_S = 60.0
_ARGUMENTS = {
    "chainId": "chain_id",
    "flashSource": "flash_source",
    "minProfit": "min_profit",
    "priorityFeeWei": "priority_fee_wei",
}


def _settings(folder: Path, place: Arena, more: str = "") -> None:
    (folder / "tidemill.toml").write_text(
        f"""
[execution]
port = 0
{more}
[execution.chains.sandbox]
chain_id = {place.world.chain_id}
http_url = "{place.world.http_url}"
poll_ms = 20
balancer_v2 = "0x{place.lenders[LoanSource.BALANCER_V2].hex()}"
tokens = [{{ address = "0x{place.token("USDC").hex()}", decimals = 6, is_dollar = true }}]
"""
    )


@asynccontextmanager
async def _running(folder: Path, *command: str, says: str) -> AsyncIterator[tuple[Any, int]]:
    """Run `tidemill COMMAND`; yield the process and the port that the line with `says` tells."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TIDEMILL_", "RPC_"))}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tidemill.app.cli",
        *command,
        cwd=folder,
        env=kept | {"PYTHONPATH": str(ROOT / "src")} | FREE_PORTS,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_PATIENCE_S):
            said = b""
            while (line := await process.stdout.readline()) and says.encode() not in line:
                said += line
        assert line, said.decode()
        yield process, int(line.decode().partition("://")[2].partition(":")[2].split(",")[0].split()[0])
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def _trade(body: dict[str, Any]) -> dict[str, Any]:
    return {_ARGUMENTS.get(name, name): value for name, value in body.items()}


async def _asked(folder: Path, cli: Cli, *arguments: str) -> Any:
    told = await asyncio.to_thread(cli, *arguments)
    assert told.returncode == 0, told.stderr
    return [json.loads(line) for line in told.stdout.splitlines()]


async def test_a_trade_is_carried_out_once_over_a_kill_and_is_in_the_ledger(
    arena: Arena,  # noqa: F811
    tmp_path: Path,
    cli: Cli,
) -> None:
    _settings(tmp_path, arena)
    trade = _trade(await gap_body(arena))
    async with _running(tmp_path, "execute", says="HTTP:") as (process, port):
        async with ExecutionManager(port=port, mode="PAPER") as manager:
            first = await manager.submit_trade(**trade, idempotency_key="k")
            assert (first["success"], first["mode"]) == (True, "PAPER")
        process.send_signal(signal.SIGKILL)
        await process.wait()
    await arena.rpc.call("evm_mine")
    async with _running(tmp_path, "execute", says="HTTP:") as (process, port):
        async with ExecutionManager(port=port) as manager:
            assert await manager.submit_trade(**trade, idempotency_key="k") == first
            async with asyncio.timeout(_PATIENCE_S):
                while (stats := await manager.get_statistics())["paper_filled"] == 0:  # noqa: ASYNC110 of another process
                    await asyncio.sleep(0.05)
            assert (stats["total_signals"], stats["paper_executed"]) == (1, 1)
        [[gained]] = await _asked(tmp_path, cli, "ledger", "--by", "route", "--json")
        assert (gained["trades"], gained["realised"], gained["open"]) == (1, 1, 0)
        assert gained["realised_profit"] == gained["simulated_profit"] > 0
        assert gained["group"].count(" > ") == 2
        process.terminate()
        assert await process.wait() == 0


async def test_beside_up_the_ledger_is_in_the_store(arena: Arena, tmp_path: Path, cli: Cli) -> None:  # noqa: F811
    _settings(tmp_path, arena, "enabled = true\n")
    with (tmp_path / "tidemill.toml").open("a") as file:
        file.write(chain_toml(arena.world))
    trade = _trade(await gap_body(arena))
    sql = "SELECT state, count() AS n FROM execution GROUP BY state ORDER BY state"
    states = ("paper_filled", "paper_pending", "received", "simulated")
    expected = [{"state": state, "n": 1} for state in states]
    async with _running(tmp_path, "up", says="execution server at") as (_, port):
        assert (await execute_trade(**trade, port=port))["success"] is True
        await arena.rpc.call("evm_mine")
        async with asyncio.timeout(_PATIENCE_S):
            while await _asked(tmp_path, cli, "sql", "--format", "json", sql) != expected:  # noqa: ASYNC110 of another process
                await asyncio.sleep(0.2)


async def test_a_client_says_what_keeps_it_from_a_server(arena: Arena, tmp_path: Path) -> None:  # noqa: F811
    with pytest.raises(Unreachable, match="Failed to connect to execution server"):
        await ExecutionManager(port=9).initialize()
    with pytest.raises(Unreachable, match="Failed to connect to execution server"):
        await ExecutionManager().submit_trade(**_trade(one_hop()))
    _settings(tmp_path, arena)
    async with _running(tmp_path, "execute", says="HTTP:") as (_, port):
        with pytest.raises(Refused, match="expected mode LIVE, found PAPER"):
            await ExecutionManager(port=port, mode="LIVE").initialize()
        told = await execute_trade(**_trade(one_hop()), port=port)
        assert (told["success"], told["error"]) == (False, "Chain 1 not configured")
