"""Is what the decision loop signals carried out on paper by the execution server, restarted in between?"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.app.made_opportunity import batches, block, hops, opportunity
from tests.app.test_brain import CLOCK, thinking, until
from tests.execute.arena import Arena, bytes_of
from tests.execute.conftest import arena, opened_arena  # noqa: F401 fixtures
from tests.execute.desk_room import gap_body

from tidemill.app.brain.journal import TOPIC, open_journal
from tidemill.app.brain.journal_relay import relay_journal
from tidemill.app.execution.execute import run_execution
from tidemill.app.execution.execution import Opened, open_execution
from tidemill.app.settings import read_settings
from tidemill.bus import open_bus
from tidemill.execute.plan.kinds import LoanSource
from tidemill.schema import derive
from tidemill.schema.events import Decision

pytestmark = [pytest.mark.timeout(90), pytest.mark.asyncio(loop_scope="session")]


def _toml(place: Arena, port: int) -> str:
    return f"""
[execution]
port = {port}
[execution.chains.sandbox]
chain_id = {place.world.chain_id}
http_url = "{place.world.http_url}"
poll_ms = 20
balancer_v2 = "0x{place.lenders[LoanSource.BALANCER_V2].hex()}"
tokens = [{{ address = "0x{place.token("USDC").hex()}", decimals = 6, is_dollar = true }}]
"""


@asynccontextmanager
async def _serving(folder: Path, place: Arena, port: int = 0) -> AsyncIterator[Opened]:
    file = folder / "tidemill.toml"
    file.write_text(_toml(place, port))
    async with open_execution(read_settings(file, folder / "server", {}), {}) as opened:
        running = asyncio.ensure_future(run_execution(opened))
        try:
            yield opened
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def _events(place: Arena, body: dict[str, Any], name: int) -> list[Any]:
    """The circle of `body` as a chain's run puts it on the bus: the opportunity last."""
    one = replace(
        opportunity(name, CLOCK.now_ns()),
        source="sandbox",
        chain_id=place.world.chain_id,
        token=place.token("USDC"),
        hop_count=3,
    )
    path = [body["token"], *body["path"]]
    protocols = ("uniswap_v2", "uniswap_v3", "uniswap_v3")
    first = hops(one)[0]
    swaps = [
        replace(
            first,
            source="sandbox",
            chain_id=one.chain_id,
            hop=at,
            pool=bytes_of(body["routers"][at]),
            protocol=protocols[at],
            token_in=bytes_of(path[at]),
            token_out=bytes_of(path[at + 1]),
            called=bytes_of(body["routers"][at]),
            extra=body["extras"][at],
        )
        for at in range(3)
    ]
    return [replace(block(CLOCK.now_ns()), source="sandbox"), *swaps, one]


async def test_a_signal_is_carried_out_once_though_the_server_restarts(
    arena: Arena,  # noqa: F811
    tmp_path: Path,
) -> None:
    body = await gap_body(arena)
    told: list[Decision] = []
    async with open_bus("memory://") as bus:
        async with _serving(tmp_path, arena) as opened:
            port = opened.port.socket.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        async with thinking(tmp_path / "data", bus, url, told, max_age_ms=60_000):
            await bus.commit(batches(*_events(arena, body, 1)))
            await until(lambda: len(told) == 1)  # it is chosen while nobody listens
            async with _serving(tmp_path, arena, port) as opened:
                await until(lambda: len(told) == 2)
                assert [one.state for one in told] == ["chosen", "answered"], told[-1].reason
                assert opened.ledger.tally.signals == 1
                settled = [one async for one in _trades(opened)]
    assert settled[-1]["idempotency_key"] == told[0].idempotency_key
    async with open_bus("memory://") as main:
        relaying = asyncio.ensure_future(relay_journal(tmp_path / "data", main, _commit_to(main)))
        async with asyncio.timeout(20):
            entries = await main.read(TOPIC, 0, batches_max=10, wait_ms=10_000)
            while sum(entry.batch.num_rows for entry in entries) < 2:
                entries = await main.read(TOPIC, 0, batches_max=10, wait_ms=100)
        relaying.cancel()
        await asyncio.gather(relaying, return_exceptions=True)
        rows = [row for entry in entries for row in derive.to_rows(TOPIC, entry.batch)]
    assert [row["state"] for row in rows] == ["chosen", "answered"]
    async with open_journal(tmp_path / "data") as journal:
        assert await journal.opened() == []


def _commit_to(main: Any) -> Any:
    async def commit(some: Any, state: Any) -> None:
        await main.commit(some, state)

    return commit


async def _trades(opened: Opened) -> AsyncIterator[dict[str, Any]]:
    for entry in await opened.ledger.bus.read("execution", 0, batches_max=100):
        for row in derive.to_rows("execution", entry.batch):
            yield row
