"""Does the execution server trade live as it is told over HTTP, and stop as it is told?"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.execute.arena import Arena
from tests.execute.conftest import arena, opened_arena  # noqa: F401 fixtures
from tests.execute.desk_room import gap_body
from tests.execute.live_desk import funded

from tidemill.app.execution.execute import run_execution
from tidemill.app.execution.execution import open_execution
from tidemill.app.settings import Environment, read_settings
from tidemill.execute.account.signer import KeySigner
from tidemill.execute.plan.kinds import LoanSource
from tidemill.schema.faults import Refused

pytestmark = [pytest.mark.timeout(90), pytest.mark.asyncio(loop_scope="session")]
_PATIENCE_S = 30.0


def _toml(place: Arena) -> str:
    usdc = f'{{ address = "0x{place.token("USDC").hex()}", decimals = 6, is_dollar = true }}'
    return f"""
[execution]
mode = "LIVE"
port = 0
executor_address = "{place.executor}"
[execution.limits]
open_max = 10
trades_a_day_max = 100
fee_a_day_max_wei = 1000000000000000000
gas_price_max_wei = 500000000000
[execution.live.stop]
daily_loss_max_wei = 1000000000000000000
[execution.chains.sandbox]
chain_id = {place.world.chain_id}
http_url = "{place.world.http_url}"
poll_ms = 20
balancer_v2 = "0x{place.lenders[LoanSource.BALANCER_V2].hex()}"
tokens = [{usdc}]
[execution.chains.sandbox.live]
final_blocks = 2
"""


def _environment(place: Arena, folder: Path) -> Environment:
    file = folder / "tidemill.toml"
    file.write_text(_toml(place))
    return read_settings(file, folder / "data", {})


async def _operator(place: Arena) -> tuple[dict[str, str], str]:
    """Return the environment of a new operator, and its address."""
    key = secrets.token_hex(32)
    signer = await funded(place, KeySigner(key))
    return {"PRIVATE_KEY": key}, "0x" + signer.address.hex()


@asynccontextmanager
async def _serving(place: Arena, folder: Path, environ: dict[str, str], account: str) -> AsyncIterator[str]:
    async with open_execution(_environment(place, folder), environ, account) as opened:
        running = asyncio.ensure_future(run_execution(opened))
        try:
            yield opened.port.url
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        assert running.cancelled(), running.exception()


async def _post(session: aiohttp.ClientSession, url: str, body: Any) -> dict[str, Any]:
    async with session.post(url, json=body) as answer:
        return await answer.json()


async def test_a_signal_is_carried_out_once_and_told_until_it_is_final(
    arena: Arena,  # noqa: F811
    tmp_path: Path,
) -> None:
    environ, account = await _operator(arena)
    body = await gap_body(arena) | {"idempotency_key": "once"}
    async with _serving(arena, tmp_path, environ, account) as url, aiohttp.ClientSession() as session:
        async with session.ws_connect(url + "/") as news:
            assert (await news.receive_json(timeout=_PATIENCE_S))["mode"] == "LIVE"
            first = await _post(session, url + "/execute", body)
            assert (first["success"], first["mode"]) == (True, "LIVE"), first
            assert await _post(session, url + "/execute", body) == first
            signed = await news.receive_json(timeout=_PATIENCE_S)
            assert (signed["type"], signed["state"]) == ("execution_state", "signed")
            assert (await news.receive_json(timeout=_PATIENCE_S))["type"] == "live_execution"
            for state in ("included", "final"):
                await arena.rpc.call("evm_mine")
                told = await news.receive_json(timeout=_PATIENCE_S)
                assert (told["type"], told["state"]) == ("execution_state", state)
        receipt = await arena.rpc.call("eth_getTransactionReceipt", first["txHash"])
        assert receipt["status"] == "0x1"
        assert told["realised_profit"] == told["simulated_profit"]
    assert int(await arena.rpc.call("eth_getTransactionCount", account, "latest"), 16) == 1


async def test_an_engaged_switch_refuses_signals_until_a_person_releases_it(
    arena: Arena,  # noqa: F811
    tmp_path: Path,
) -> None:
    environ, account = await _operator(arena)
    body = await gap_body(arena)
    for _ in range(2):  # and again after a restart
        async with _serving(arena, tmp_path, environ, account) as url, aiohttp.ClientSession() as session:
            state = await _post(session, url + "/kill", {"reason": "look first"})
            assert state == {"engaged": True, "reason": "look first", "by": "endpoint"}
            refused = await _post(session, url + "/execute", body)
            assert refused["success"] is False
            assert "engaged by endpoint: look first" in refused["error"]
            async with session.get(url + "/kill") as answer:
                assert await answer.json() == state
    assert int(await arena.rpc.call("eth_getTransactionCount", account, "latest"), 16) == 0


async def test_without_key_or_confirmation_it_does_not_start(arena: Arena, tmp_path: Path) -> None:  # noqa: F811
    environ, account = await _operator(arena)
    for given, confirm, said in (
        ({}, account, "No wallet configured for LIVE execution"),
        (environ, None, "EXECUTION_CONFIRM"),
        (environ, "0x" + "11" * 20, "EXECUTION_CONFIRM"),
    ):
        with pytest.raises(Refused, match=said):
            async with open_execution(_environment(arena, tmp_path), given, confirm):
                pass


async def test_a_key_in_the_environment_is_in_nothing_that_is_shown() -> None:
    key = "0x" + secrets.token_hex(32)
    environment = read_settings(None, None, {"PRIVATE_KEY": key, "EXECUTION_CONFIRM": "0x" + "ab" * 20})
    assert environment.settings.execution.live.confirm == "0x" + "ab" * 20
    assert environment.redactor(f"found {key} here, and {key[2:]}") == "found 0x*** here, and ***"
    assert not any(key[2:] in row.value for row in environment.loaded.rows())
