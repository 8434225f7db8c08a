"""Does the execution server answer as the source document says, and never with a failure of its own?"""

import asyncio
import io
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.execute.arena import Arena
from tests.execute.conftest import arena, opened_arena  # noqa: F401 fixtures
from tests.execute.desk_room import circle_body, gap_body
from tests.execute.signals import two_hops

from tidemill.app.execution.execute import banner, run_execution
from tidemill.app.execution.execution import Opened, open_execution
from tidemill.app.settings import read_settings
from tidemill.execute.plan.kinds import LoanSource
from tidemill.schema.faults import Refused

pytestmark = [pytest.mark.timeout(90), pytest.mark.asyncio(loop_scope="session")]

_PATIENCE_S = 30.0


def _toml(place: Arena, *, url: str | None = None, more: str = "") -> str:
    return f"""
[execution]
port = 0
{more}
[execution.chains.sandbox]
chain_id = {place.world.chain_id}
http_url = "{url or place.world.http_url}"
poll_ms = 20
balancer_v2 = "0x{place.lenders[LoanSource.BALANCER_V2].hex()}"
tokens = [{{ address = "0x{place.token("USDC").hex()}", decimals = 6, is_dollar = true }}]
"""


class _Client:
    def __init__(self, opened: Opened, session: aiohttp.ClientSession) -> None:
        self.opened = opened
        self.url = opened.port.url
        self.session = session

    async def post(
        self, path: str, body: Any, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.session.post(self.url + path, data=data, headers=headers) as answer:
            return answer.status, await answer.json()

    async def get(self, path: str) -> dict[str, Any]:
        async with self.session.get(self.url + path) as answer:
            assert answer.status == 200
            return await answer.json()


@asynccontextmanager
async def _serving(folder: Path, toml: str, environ: dict[str, str] | None = None) -> AsyncIterator[_Client]:
    file = folder / "tidemill.toml"
    file.write_text(toml)
    environment = read_settings(file, folder / "data", environ or {})
    async with open_execution(environment, environ or {}) as opened, aiohttp.ClientSession() as session:
        assert "Mode: PAPER" in banner(opened, environment)
        running = asyncio.ensure_future(run_execution(opened))
        try:
            yield _Client(opened, session)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        assert running.cancelled(), running.exception()


async def test_the_documents_walk_through(arena: Arena, tmp_path: Path) -> None:  # noqa: F811
    body = await gap_body(arena)
    async with _serving(tmp_path, _toml(arena)) as client:
        health = await client.get("/health")
        assert (health["status"], health["mode"], health["chains"]) == ("healthy", "PAPER", 1)
        assert health["stats"] == {"total_signals": 0, "executed": 0, "failed": 0, "paper_executed": 0}
        async with client.session.ws_connect(client.url + "/") as news:
            connected = await news.receive_json(timeout=_PATIENCE_S)
            assert (connected["type"], connected["mode"]) == ("connected", "PAPER")
            status, simulated = await client.post("/simulate", body)
            assert (status, simulated["success"], simulated["simulation"]["error"]) == (200, True, None)
            assert simulated["estimated_profit"] == int(simulated["simulated_profit"]) / 10**6 > 0
            status, answer = await client.post("/execute", body)
            assert (status, answer["success"], answer["mode"]) == (200, True, "PAPER")
            assert answer["simulation"] == {
                "success": True,
                "gasUsed": simulated["simulation"]["gasUsed"],
            }
            assert answer["expected_profit"] == 50.0
            assert answer["timestamp"].endswith("Z")
            told = await news.receive_json(timeout=_PATIENCE_S)
            assert (told["type"], told["signal"]["amount"]) == ("paper_execution", body["amount"])
            assert told["simulation"]["success"] is True
            await client.post("/execute", circle_body(arena, chainId=10))
            assert (await news.receive_json(timeout=_PATIENCE_S))["type"] == "execution_failed"
            await arena.rpc.call("evm_mine")
            judged = await news.receive_json(timeout=_PATIENCE_S)
            assert (judged["type"], judged["state"]) == ("execution_state", "paper_filled")
            stats = await client.get("/stats")
            assert (stats["total_signals"], stats["paper_executed"], stats["failed"]) == (1, 1, 0)
            assert (stats["connected_clients"], stats["providers"], stats["mode"]) == (1, 1, "PAPER")
            assert stats["total_profit"] == pytest.approx(int(judged["realised_profit"]) / 10**6)


async def test_it_says_its_limits_and_what_of_them_is_taken_today(arena: Arena, tmp_path: Path) -> None:  # noqa: F811
    body = await gap_body(arena)
    more = f"""
allowed_routers = {json.dumps(body["routers"])}
[execution.limits]
slippage_max_bps = 100
trades_a_day_max = 1
fee_a_day_max_wei = 123456789012345678901
only_listed_tokens = true
"""
    usdc = f"0x{arena.token('USDC').hex()}"
    async with _serving(tmp_path, _toml(arena) + more) as client:
        [before] = await client.get("/limits")
        assert before == {
            "source": "sandbox",
            "chain_id": arena.world.chain_id,
            "slippage_max_bps": 100,
            "open_max": None,
            "open": 0,
            "trades_a_day_max": 1,
            "trades_today": 0,
            "fee_a_day_max_wei": "123456789012345678901",
            "fee_today_wei": "0",
            "gas_price_max_wei": None,
            "only_listed_tokens": True,
            "tokens": [{"token": usdc, "amount_max": None, "amount_a_day_max": None, "amount_today": "0"}],
            "routers": sorted(body["routers"]),
        }
        assert (await client.post("/execute", body))[1]["success"] is True
        [after] = await client.get("/limits")
        assert (after["open"], after["trades_today"]) == (1, 1)
        assert after["tokens"][0]["amount_today"] == body["amount"]
        _, refused = await client.post("/execute", body)
        assert refused["error"] == "1 trades today are as many as are allowed"


async def test_a_batch_has_a_result_for_each_signal(arena: Arena, tmp_path: Path) -> None:  # noqa: F811
    body = await gap_body(arena)
    async with _serving(tmp_path, _toml(arena)) as client:
        status, told = await client.post(
            "/execute/batch", {"signals": [body, {"chainId": 1}, body | {"chainId": 137}]}
        )
        assert (status, told["total"], told["succeeded"], told["failed"]) == (200, 3, 1, 2)
        assert [one["success"] for one in told["results"]] == [True, False, False]
        assert "token" in told["results"][1]["error"]
        assert told["results"][2]["error"] == "Chain 137 not configured"
        for wrong in (b"[]", b"{}", b'{"signals": 1}', b"\xff", {"signals": [{}] * 1_001}):
            status, told = await client.post("/execute/batch", wrong)
            assert status == 400


async def test_a_key_in_the_header_is_as_good_as_one_in_the_body(arena: Arena, tmp_path: Path) -> None:  # noqa: F811
    body = await gap_body(arena)
    async with _serving(tmp_path, _toml(arena)) as client:
        first = await client.post("/execute", body, {"Idempotency-Key": "k"})
        assert first == await client.post("/execute", body | {"idempotency_key": "k"})
        status, told = await client.post(
            "/execute", body | {"idempotency_key": "k"}, {"Idempotency-Key": "l"}
        )
        assert (status, "idempotency_key" in told["error"]) == (400, True)
        assert (await client.get("/stats"))["total_signals"] == 1


async def test_no_body_makes_the_server_fail(arena: Arena, tmp_path: Path) -> None:  # noqa: F811
    async with _serving(tmp_path, _toml(arena)) as client:
        loop = asyncio.get_running_loop()
        hostile = st.one_of(
            st.binary(max_size=100),
            st.builds(
                lambda name, value: json.dumps(two_hops(**{name: value})).encode(),
                st.sampled_from(sorted(two_hops())),
                st.one_of(st.none(), st.integers(), st.text(max_size=20), st.lists(st.text(max_size=5))),
            ),
        )

        @settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
        @given(hostile, st.sampled_from(["/execute", "/simulate", "/execute/batch"]))
        def attack(body: bytes, path: str) -> None:
            sent = asyncio.run_coroutine_threadsafe(client.post(path, body), loop)
            status, told = sent.result(_PATIENCE_S)
            assert 400 <= status < 500
            assert told

        await asyncio.to_thread(attack)
        async with client.session.post(f"{client.url}/execute", data=io.BytesIO(b"x" * (2 << 20))) as told:
            assert told.status == 413


async def test_an_endpoint_that_goes_away_is_said_and_is_found_again(arena: Arena, tmp_path: Path) -> None:  # noqa: F811
    body = await gap_body(arena)
    async with _serving(tmp_path, _toml(arena, url="http://127.0.0.1:9")) as client:
        status, told = await client.post("/execute", body | {"idempotency_key": "k"})
        assert (status, told["error"]) == (503, "Simulation failed")
        assert "127.0.0.1:9" in told["reason"]
        assert (await client.get("/health"))["status"] == "healthy"
    async with _serving(tmp_path, _toml(arena)) as client:
        status, told = await client.post("/execute", body | {"idempotency_key": "k"})
        assert (status, told["success"]) == (200, True), "what could not be tried may be tried again"


async def test_an_endpoint_of_another_chain_is_refused(arena: Arena, tmp_path: Path) -> None:  # noqa: F811
    environ = {"RPC_POLYGON": arena.world.http_url}
    async with _serving(tmp_path, "[execution]\nport = 0\n", environ) as client:
        assert (await client.get("/health"))["chains"] == 1
        status, told = await client.post("/execute", circle_body(arena, chainId=137))
        assert (status, told["success"]) == (400, False)
        assert "expected chain 137" in told["error"]


async def test_a_port_that_is_taken_names_its_setting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environ = {"EXECUTION_PORT": str(taken.getsockname()[1]), "RPC_BASE": "http://127.0.0.1:9"}
        with pytest.raises(Refused, match="EXECUTION_PORT"):
            async with open_execution(read_settings(None, tmp_path, environ), environ):
                pass


async def test_it_is_not_open_to_other_machines_unasked(tmp_path: Path) -> None:
    environ = {"EXECUTION_HOST": "0.0.0.0"}
    with pytest.raises(Refused, match=r"execution\.host"):
        async with open_execution(read_settings(None, tmp_path, environ), environ):
            pass


async def test_live_without_a_wallet_says_so(arena: Arena, tmp_path: Path) -> None:  # noqa: F811
    environ = {"EXECUTION_MODE": "LIVE", "EXECUTION_PORT": "0", "RPC_BASE": arena.world.http_url}
    with pytest.raises(Refused, match="No wallet configured for LIVE execution"):
        async with open_execution(read_settings(None, tmp_path, environ), environ):
            pass


async def test_where_callers_are_asked_who_they_are_only_traders_execute(
    arena: Arena,  # noqa: F811
    tmp_path: Path,
) -> None:
    toml = _toml(arena) + "[api.auth]\nenabled = true\n"
    async with _serving(tmp_path, toml) as client:
        for path in ("/execute", "/execute/batch", "/simulate"):
            status, _ = await client.post(path, circle_body(arena))
            assert status == 401
        assert (await client.get("/health"))["status"] == "healthy"
