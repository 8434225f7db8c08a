"""Are opportunities signalled once, whatever becomes of server and loop, and is why written down?"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from msgspec import structs
from tests.app.made_opportunity import batches, block, hops, opportunity, risk
from tests.servers.kafka import Broker
from typer.testing import CliRunner

from tidemill.app.brain.brain import Brain, BrainParts
from tidemill.app.brain.config import BrainSettings
from tidemill.app.brain.feed import BrainFeed
from tidemill.app.brain.journal import TOPIC, open_journal
from tidemill.app.brain.sender import Sender
from tidemill.app.cli import app
from tidemill.bus import Bus, open_bus
from tidemill.core.clock import NS_PER_S, SystemClock
from tidemill.execute.signal import Signal, signal_of
from tidemill.learn.config import MlSettings
from tidemill.schema import derive
from tidemill.schema.events import Decision, DecisionState, ExecutionMode, Opportunity
from tidemill.schema.faults import Refused, leaves

CLOCK = SystemClock()


class Server:
    """An execution server that takes signals by their keys, and may break off before it answers."""

    def __init__(self, mode: str = "PAPER") -> None:
        self.mode, self.port, self.breaks = mode, 0, 0
        self.signals: list[Signal] = []
        self.keys: set[str | None] = set()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def executed(self) -> set[str | None]:
        return {one.idempotency_key for one in self.signals}

    async def start(self) -> None:
        made = web.Application()
        made.router.add_get("/health", self._health)
        made.router.add_post("/execute", self._execute)
        self._runner = web.AppRunner(made)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        assert self._runner.addresses
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "healthy", "mode": self.mode, "chains": 1, "uptime": 1})

    async def _execute(self, request: web.Request) -> web.Response:
        self.signals.append(signal_of(await request.read()))
        self.keys.add(request.headers.get("X-API-Key"))
        if self.breaks:
            self.breaks -= 1
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"success": True, "mode": self.mode, "expected_profit": 50.0})


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def bus() -> AsyncIterator[Bus]:
    async with open_bus("memory://") as opened:
        await opened.commit(batches(block(CLOCK.now_ns())))
        yield opened


@asynccontextmanager
async def thinking(
    data: Path, bus: Bus, url: str, told: list[Decision], **limits: Any
) -> AsyncIterator[asyncio.Task[None]]:
    """Run a brain until the block ends, however it ends itself."""
    settings = BrainSettings(server=url, risk_wait_ms=0, **limits)
    async with AsyncExitStack() as stack:
        journal = await stack.enter_async_context(open_journal(data))
        sender = Sender(
            url,
            ExecutionMode.PAPER,
            journal,
            clock=CLOCK,
            max_age_ms=settings.max_age_ms,
            api_key=settings.api_key,
        )
        await stack.enter_async_context(sender)
        parts = BrainParts(
            BrainFeed(bus), journal, sender, settings, MlSettings(), data, CLOCK, ExecutionMode.PAPER
        )
        brain = Brain(parts, tell=told.append)
        await brain.start()
        task = asyncio.create_task(brain.run(), name="brain")
        yield task
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not happened():  # noqa: ASYNC110 what is waited for has no event to tell it
            await asyncio.sleep(0.01)


async def journalled(data: Path) -> list[tuple[str, DecisionState]]:
    async with open_journal(data) as journal:
        entries = await journal.bus.read(TOPIC, 0, batches_max=100)
        rows = [row for entry in entries for row in derive.to_rows(TOPIC, entry.batch)]
        assert await journal.opened() == []
    return [(row["idempotency_key"], row["state"]) for row in rows]


async def test_an_opportunity_is_signalled_and_why_is_written_down(
    tmp_path: Path, bus: Bus, server: Server
) -> None:
    told: list[Decision] = []
    one = opportunity(7, CLOCK.now_ns())
    async with thinking(tmp_path, bus, server.url, told):
        await bus.commit(batches(*hops(one), risk(one, 0.1), one))
        await until(lambda: len(told) == 2)
    [signal] = server.signals
    assert (signal.amount, signal.expected_profit_usd) == (one.amount_in, pytest.approx(50.0))
    assert [extra.hex()[-4:] for extra in signal.extras] == ["0bb8", "01f4"]
    assert signal.priority_fee_wei == 2_500_000_000
    assert signal.idempotency_key == f"1-{one.opportunity.hex()}"
    assert (told[0].risk_score, told[0].priority_fee_gwei, told[0].state) == (0.1, 2.5, "chosen")
    assert '"success": true' in told[1].reason
    assert [state for _, state in await journalled(tmp_path)] == ["chosen", "answered"]


async def test_over_kafka_it_reads_what_comes_and_sends_its_key(
    tmp_path: Path, server: Server, broker: Broker
) -> None:
    told: list[Decision] = []
    async with open_bus(broker.url(f"b{secrets.token_hex(6)}")) as bus:
        await bus.commit(batches(block(CLOCK.now_ns())))
        one = opportunity(3, CLOCK.now_ns())
        async with thinking(tmp_path, bus, server.url, told, max_age_ms=60_000, api_key="of a trader"):
            await bus.commit(batches(*hops(one), risk(one, 0.1), one))
            await until(lambda: len(told) == 2)
    assert [one.state for one in told] == ["chosen", "answered"], told[-1].reason
    assert server.keys == {"of a trader"}


async def test_what_is_refused_is_written_down_and_not_sent(tmp_path: Path, bus: Bus, server: Server) -> None:
    told: list[Decision] = []
    poor, odd = opportunity(1, CLOCK.now_ns()), opportunity(2, CLOCK.now_ns())
    async with thinking(tmp_path, bus, server.url, told, min_profit_usd=500):
        await bus.commit(batches(*hops(poor), poor, *hops(odd, ("uniswap_v2", "order_book")), odd))
        await until(lambda: len(told) == 2)
    assert [one.state for one in told] == ["refused", "refused"]
    assert "it leaves 50 USD, less than 500" in told[0].reason
    assert "a hop through order_book is none" in told[1].reason
    assert server.signals == []


async def test_blocks_of_a_reorg_or_without_a_fee_do_not_end_it(
    tmp_path: Path, bus: Bus, server: Server
) -> None:
    told: list[Decision] = []
    newest = block(CLOCK.now_ns())
    replaced = structs.replace(newest, event_ns=newest.event_ns - 10 * NS_PER_S)
    free = structs.replace(newest, source="bnb", base_fee_wei=0)
    one = opportunity(1, CLOCK.now_ns())
    async with thinking(tmp_path, bus, server.url, told):
        await bus.commit(batches(newest, replaced, free))
        await bus.commit(batches(*hops(one), one))
        await until(lambda: len(told) == 2)
    assert [decision.state for decision in told] == ["chosen", "answered"]


async def test_a_server_that_breaks_off_and_one_that_comes_back_get_the_same_key(
    tmp_path: Path, bus: Bus, server: Server
) -> None:
    told: list[Decision] = []
    first, second = opportunity(1, CLOCK.now_ns()), opportunity(2, CLOCK.now_ns())
    async with thinking(tmp_path, bus, server.url, told):
        server.breaks = 2
        await bus.commit(batches(*hops(first), first))
        await until(lambda: len(told) == 2)
        assert (len(server.signals), len(server.executed)) == (3, 1)
        await server.stop()
        await bus.commit(batches(*hops(second), second))
        await until(lambda: len(told) == 3)
        await server.start()
        await until(lambda: len(told) == 4)
    assert [one.state for one in told[1::2]] == ["answered", "answered"]
    assert len(server.executed) == 2


async def test_what_a_stopped_loop_left_unanswered_is_sent_by_the_next_one(
    tmp_path: Path, bus: Bus, server: Server
) -> None:
    told: list[Decision] = []
    one = opportunity(1, CLOCK.now_ns())
    await server.stop()
    async with thinking(tmp_path, bus, server.url, told):
        await bus.commit(batches(*hops(one), one))
        await until(lambda: len(told) == 1)
    await server.start()
    async with thinking(tmp_path, bus, server.url, told):
        await until(lambda: len(told) == 2)
    assert len(server.executed) == 1
    assert [state for _, state in await journalled(tmp_path)] == ["chosen", "answered"]


async def test_what_became_too_old_is_given_up_and_said(tmp_path: Path, bus: Bus, server: Server) -> None:
    told: list[Decision] = []
    await server.stop()
    one = opportunity(1, CLOCK.now_ns())
    async with thinking(tmp_path, bus, server.url, told, max_age_ms=1_500):
        await bus.commit(batches(*hops(one), one))
        await until(lambda: len(told) == 2)
    assert told[1].state == "unanswered"
    assert "Failed to connect to execution server" in told[1].reason


async def test_a_server_in_live_mode_gets_nothing_from_paper(
    tmp_path: Path, bus: Bus, server: Server
) -> None:
    server.mode = "LIVE"
    one = opportunity(1, CLOCK.now_ns())
    with pytest.raises(BaseExceptionGroup) as raised:
        await _thought_to_its_end(tmp_path, bus, server.url, one)
    [fault] = leaves(raised.value)
    assert isinstance(fault, Refused)
    assert "expected an execution server in PAPER mode, found 'LIVE'" in str(fault)
    assert server.signals == []


async def _thought_to_its_end(data: Path, bus: Bus, url: str, one: Opportunity) -> None:
    async with thinking(data, bus, url, []) as task:
        await bus.commit(batches(*hops(one), one))
        await task


def test_live_must_be_said_twice(tmp_path: Path) -> None:
    said = CliRunner().invoke(app, ["brain", "--mode", "LIVE", "--data", str(tmp_path)])
    assert isinstance(said.exception, Refused)
    assert "--confirm-live" in str(said.exception)


def test_where_trained_models_are_wanted_and_absent_nothing_starts(tmp_path: Path) -> None:
    ml = MlSettings(models_trained=True)
    parts: Any = BrainParts(*[None] * 4, ml, tmp_path, CLOCK, ExecutionMode.PAPER)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="ML_MODELS_TRAINED"):
        Brain(parts, tell=lambda _: None)
