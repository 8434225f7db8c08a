"""A desk on the arena's chain, with a ledger of its own, on paper."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from tests.execute.arena import Arena, bytes_of

from tidemill.core.clock import SystemClock
from tidemill.core.http import HttpLimits
from tidemill.execute.chain_settings import chains_of
from tidemill.execute.config import (
    ExecutionChainConfig,
    ExecutionLimits,
    ExecutionSettings,
    PaperSettings,
    TokenConfig,
)
from tidemill.execute.desk.answers import Answer
from tidemill.execute.desk.chain_desk import ChainDesk
from tidemill.execute.desk.desk import Desk
from tidemill.execute.desk.lane import Lane
from tidemill.execute.endpoints import Endpoints
from tidemill.execute.ledger import TOPIC, Ledger, open_ledger
from tidemill.execute.plan.executor_site import paper_site
from tidemill.execute.plan.kinds import HopKind, LoanSource
from tidemill.execute.sending.paper import Paper
from tidemill.schema import derive
from tidemill.schema.events import ExecutionMode

PATIENCE_S = 30.0


class Room:
    """A desk that runs."""

    def __init__(self, arena: Arena, desk: Desk, ledger: Ledger) -> None:
        self.arena = arena
        self.desk = desk
        self.ledger = ledger
        self.heard: list[dict[str, Any]] = []
        desk.listeners.add(self.heard.append)

    async def execute(self, body: dict[str, Any]) -> Answer:
        return await self.desk.execute(msgspec.json.encode(body))

    async def rows(self) -> list[dict[str, Any]]:
        """Return all that the ledger was told."""
        entries = await self.ledger.bus.read(TOPIC, 0, batches_max=10_000)
        return [row for entry in entries for row in derive.to_rows(TOPIC, entry.batch)]

    async def states(self) -> list[str]:
        return [row["state"] for row in await self.rows()]

    async def until_settled(self) -> dict[str, Any]:
        """Wait until every trade is settled, and return the newest event."""
        changed = asyncio.Event()
        self.ledger.listen(lambda _: changed.set())
        async with asyncio.timeout(PATIENCE_S):
            while self.ledger.unsettled:
                changed.clear()
                await changed.wait()
        return (await self.rows())[-1]


@asynccontextmanager
async def open_room(
    arena: Arena,
    data: Path,
    *,
    url: str | None = None,
    limits: ExecutionLimits | None = None,
    paper: PaperSettings | None = None,
    has_executor: bool = False,
    **chain: Any,
) -> AsyncIterator[Room]:
    """Open a desk on the arena."""
    usdc = TokenConfig(address="0x" + arena.token("USDC").hex(), decimals=6, is_dollar=True)
    config = ExecutionChainConfig(
        source="sandbox",
        chain_id=arena.world.chain_id,
        http_url=url or arena.world.http_url,
        poll_ms=20,
        executor_address=arena.executor if has_executor else None,
        **{"tokens": (usdc,), **chain},
    )
    settings = ExecutionSettings(
        chains={"sandbox": config}, limits=limits or ExecutionLimits(), paper=paper or PaperSettings()
    )
    found = chains_of(settings, {})[arena.world.chain_id]
    clock = SystemClock()
    http_limits = HttpLimits(connect_timeout_ms=1_000, answer_timeout_ms=5_000)
    async with (
        open_ledger(data, ExecutionMode.PAPER) as ledger,
        Endpoints(found.http_urls, clock, http_limits, chain_id=arena.world.chain_id) as http,
    ):
        desk = Desk(ExecutionMode.PAPER, ledger, clock)
        chain_desk = ChainDesk(
            found, http, clock, lambda asked: paper_site(asked, found.executor), valid_blocks=3
        )
        sending = Paper(chain_desk, ledger, settings.paper, clock)
        desk.lanes[arena.world.chain_id] = Lane(
            chain_desk, sending, ledger, clock, priority_fee_wei=0, queue_max=8, tell=desk.tell
        )
        running = asyncio.ensure_future(desk.run())
        try:
            yield Room(arena, desk, ledger)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        assert running.cancelled(), running.exception()


async def gap_body(arena: Arena, size: int = 400 * 10**18) -> dict[str, Any]:
    """Make WETH cheap at Uniswap V2, and return a signal that gains from it."""
    cheap = arena.pool("uniswap", "uniswap_v2", ("WETH", "USDC"))
    await arena.widen(cheap, arena.world.weth, size)
    return circle_body(arena)


def circle_body(arena: Arena, **changes: Any) -> dict[str, Any]:
    """Return a signal: USDC to WETH at Uniswap V2, and back through DAI at V3, with Balancer's money."""
    pools = (
        arena.pool("uniswap", "uniswap_v2", ("WETH", "USDC")),
        arena.pool("uniswap", "uniswap_v3", ("WETH", "DAI")),
        arena.pool("uniswap", "uniswap_v3", ("DAI", "USDC")),
    )
    fees: Sequence[int] = [pool.fee_ppm or 0 for pool in pools]
    usdc, weth, dai = (f"0x{arena.token(symbol).hex()}" for symbol in ("USDC", "WETH", "DAI"))
    body = {
        "chainId": arena.world.chain_id,
        "token": usdc,
        "amount": str(20_000 * 10**6),
        "flashSource": int(LoanSource.BALANCER_V2),
        "lender": f"0x{arena.lenders[LoanSource.BALANCER_V2].hex()}",
        "protocols": [HopKind.UNISWAP_V2, HopKind.UNISWAP_V3, HopKind.UNISWAP_V3],
        "routers": [pool.address for pool in pools],
        "path": [weth, dai, usdc],
        "extras": ["0x", *("0x" + fee.to_bytes(32).hex() for fee in fees[1:])],
        "expected_profit": 50.0,
    }
    return body | changes


async def take_gap(arena: Arena) -> None:
    """Have a competitor take the gap: buy back the cheap WETH."""
    cheap = arena.pool("uniswap", "uniswap_v2", ("WETH", "USDC"))
    await arena.widen(cheap, "0x" + arena.token("USDC").hex(), 1_000_000 * 10**6)


def operator_of(arena: Arena) -> bytes:
    """Return who may call the arena's executor."""
    return bytes_of(arena.operator)
