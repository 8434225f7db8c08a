"""Does a chain read through endpoints that misbehave end with what the chain has, and say what went wrong."""

import asyncio
import os
import random
from contextlib import AsyncExitStack
from typing import Any

import pytest
from tests.chains.test_anvil import Seen, config_of, following, logs_of_node, newest, trading
from tests.chains.test_shell import QUICK

from tidemill.chains.evm.config import EndpointConfig
from tidemill.chains.evm.follower import EvmFollower
from tidemill.chains.evm.scorecard import Vice
from tidemill.core.clock import SystemClock
from tidemill.sandbox.faults.proxy import FaultProxy, fault_proxy
from tidemill.sandbox.faults.scenario import Scenario
from tidemill.sandbox.world import World
from tidemill.schema.events import Coverage, CoverageStatus, Health, HealthState

OUTAGES = int(os.environ.get("OUTAGES", "50"))
VICES = ("drop_log=1/20", "stale=5", "wrong_fork=1/5", "slow_ms=300")


def through(proxy: FaultProxy) -> EndpointConfig:
    return EndpointConfig(ws_url=proxy.ws_url, http_url=proxy.http_url)


def told(seen: Seen, kind: type[Any]) -> list[Any]:
    return [event for step in seen.steps for event in step.events if isinstance(event, kind)]


async def caught_up(world: World, follower: EvmFollower, seen: Seen, within_s: float = 60) -> None:
    await world.mine()
    tip = await newest(world)
    await seen.until(lambda: follower.tip == tip, within_s)
    assert seen.logs() == await logs_of_node(world)


@pytest.mark.timeout(600)
async def test_routing_settles_on_the_honest_one_of_five_endpoints(fresh_world: World) -> None:
    world = fresh_world
    async with AsyncExitStack() as opened:
        proxies = [
            await opened.enter_async_context(
                fault_proxy(
                    http_url=world.http_url, ws_url=world.ws_url, scenario=Scenario.parse(vice), seed=number
                )
            )
            for number, vice in enumerate(VICES)
        ]
        first, *others = [through(proxy) for proxy in proxies]
        honest = EndpointConfig(ws_url=world.ws_url, http_url=world.http_url)
        config = config_of(
            world,
            ws_url=first.ws_url,
            http_url=first.http_url,
            fallbacks=(*others, honest),
            proof="receipts_root",
            **QUICK,
        )
        async with following(config) as (follower, seen):
            await seen.until(lambda: follower.tip[0] > 0)
            begun = follower.tip[0]
            async with trading(world, swaps_per_s=300, block_ms=100) as counts:
                await seen.until(lambda: counts.blocks >= 100, 60)
            leader = follower.links.leader
            assert leader is not None
            cards = follower.links.told(SystemClock().now_ns())
            assert leader.endpoint == len(VICES), cards
            assert follower.tip[0] >= begun + 50, "it is honest and it is followed"
            await caught_up(world, follower, seen)
            assert follower.links.cards[2].vices.get(Vice.WRONG_FORK, 0) > 0, cards


@pytest.mark.timeout(3_000)
async def test_the_ledger_has_every_outage_and_no_other(fresh_world: World) -> None:
    world, chance = fresh_world, random.Random(17)
    injected: list[tuple[int, int]] = []
    async with fault_proxy(http_url=world.http_url, ws_url=world.ws_url) as proxy:
        config = config_of(world, ws_url=proxy.ws_url, http_url=proxy.http_url, **QUICK)
        async with following(config) as (follower, seen):
            for _ in range(OUTAGES):
                await world.mine(chance.randrange(1, 3))
                tip = await newest(world)
                await seen.until(lambda tip=tip: follower.tip == tip)
                missed = chance.randrange(4)
                async with proxy.outage():
                    await seen.until(lambda: follower.is_cut_off)
                    await world.mine(missed)
                if missed:
                    injected.append((tip[0] + 1, tip[0] + missed))
                await seen.until(lambda: follower.links.leader is not None)
                after = await newest(world)
                await seen.until(lambda after=after: follower.tip == after)
            await caught_up(world, follower, seen)
    events: list[Coverage] = told(seen, Coverage)
    gaps = [(event.from_block, event.to_block) for event in events if event.status == CoverageStatus.GAP]
    assert gaps == injected
    closed = [event for event in events if event.status == CoverageStatus.REPAIRED]
    missing = {number for first, last in injected for number in range(first, last + 1)}
    repaired = {number for event in closed for number in range(event.from_block, event.to_block + 1)}
    assert missing <= repaired
    assert all("missed before: " in event.cause for event in closed)


async def test_a_silent_freeze_is_found_within_5_s_and_another_endpoint_takes_over(
    fresh_world: World,
) -> None:
    world = fresh_world
    async with fault_proxy(http_url=world.http_url, ws_url=world.ws_url) as proxy:
        honest = EndpointConfig(ws_url=world.ws_url)
        config = config_of(world, ws_url=proxy.ws_url, http_url=None, fallbacks=(honest,), tick_ms=20)
        async with following(config) as (follower, seen), trading(world, swaps_per_s=50, block_ms=100):
            await seen.until(lambda: (lead := follower.links.leader) is not None and lead.name == "ws")
            await seen.until(lambda: follower.tip[0] > 0)
            proxy.freeze()
            begun_s = asyncio.get_running_loop().time()

            def is_stale() -> bool:
                return any(event.state == HealthState.STALE for event in told(seen, Health))

            await seen.until(is_stale)
            assert asyncio.get_running_loop().time() - begun_s < 5
            await seen.until(lambda: (lead := follower.links.leader) is not None and lead.name == "ws1")
        async with following(config) as (follower, seen):
            await caught_up(world, follower, seen)
        proxy.thaw()


@pytest.mark.timeout(300)
async def test_every_vice_at_once_on_one_endpoint_loses_nothing(fresh_world: World) -> None:
    world = fresh_world
    scenario = Scenario.parse(
        "drop=1/40,duplicate=1/30,reorder=1/30,truncate=1/60,garbage=1/60,disconnect=1/400,slow_ms=5"
    )
    async with fault_proxy(http_url=world.http_url, ws_url=world.ws_url, scenario=scenario, seed=3) as proxy:
        config = config_of(
            world, ws_url=proxy.ws_url, http_url=proxy.http_url, proof="receipts_root", **QUICK
        )
        async with following(config) as (follower, seen):
            async with trading(world, swaps_per_s=200, block_ms=100) as counts:
                await seen.until(lambda: counts.blocks >= 60, 60)
            await caught_up(world, follower, seen)
            assert sum(proxy.counts.values()) > 20
