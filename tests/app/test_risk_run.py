"""The risk of every opportunity is told once, whenever the process stops."""

from typing import Any

from tests.process.features.chain import POOLS

from tidemill.app.streams.feature_run import FeatureRun
from tidemill.app.streams.risk_run import RiskRun
from tidemill.bus import Bus, open_bus
from tidemill.process.features.config import FeatureConfig
from tidemill.schema import derive
from tidemill.schema.events import Opportunity, OpportunityHop, OpportunityKind


def search(number: int) -> list[tuple[str, Any]]:
    """Return what a search of a block commits: one opportunity of two hops."""
    identity: dict[str, Any] = {
        "event_ns": number,
        "recv_ns": number,
        "source": "made",
        "chain_id": 1,
        "block_number": number,
        "block_hash": bytes(32),
        "opportunity": number.to_bytes(32, "big"),
    }
    amounts: dict[str, Any] = {"amount_in": 1, "amount_out": 2, "ticks_crossed": 0}
    found = Opportunity(
        **identity,
        kind=OpportunityKind.PAIR_GAP,
        token=bytes(20),
        hop_count=2,
        rank=1,
        amount_in=1,
        gross_profit=1,
        flash_premium=0,
    )
    hops = [
        OpportunityHop(
            **identity,
            **amounts,
            hop=at,
            pool=POOLS[at],
            protocol="uniswap_v2",
            dex="made",
            token_in=bytes([at]) * 20,
            token_out=bytes([1 - at]) * 20,
        )
        for at in range(2)
    ]
    return [("opportunity", derive.to_batch([found])), ("opportunity_hop", derive.to_batch(hops))]


async def told_on(bus: Bus) -> list[int]:
    entries = await bus.read("opportunity_risk", 0, batches_max=1_000)
    rows = [row for entry in entries for row in derive.to_rows("opportunity_risk", entry.batch)]
    return [row["block_number"] for row in rows]


async def test_each_opportunity_is_told_once_over_restarts() -> None:
    async with open_bus("memory://") as bus:
        for number in range(1, 41):
            await bus.commit(search(number), {})
            if number % 7 == 0:
                run = RiskRun(bus, FeatureRun(bus, FeatureConfig()))
                await run.start()
                await run.turn(bus.commit, wait_ms=0)
                assert run.risks == 7
        last = RiskRun(bus, FeatureRun(bus, FeatureConfig()))
        await last.start()
        await last.turn(bus.commit, wait_ms=0)
        assert await told_on(bus) == list(range(1, 41))
