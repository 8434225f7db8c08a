"""What pays is searched and followed after a block is committed, which changes nothing of what is found."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from tests.services import need_node

from tidemill.app.chains.chain import make_book, make_follower
from tidemill.app.chains.pipeline import ChainPipeline, Flow
from tidemill.app.chains.searching import make_pursuit
from tidemill.app.recording.digest import Digest
from tidemill.app.sandbox.world import world_config, world_search
from tidemill.bus import Bus, open_bus
from tidemill.bus.base import Batches
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.shell import Shell
from tidemill.chains.evm.steps import Step
from tidemill.core.clock import SystemClock
from tidemill.process.autopsy import AutopsyBook
from tidemill.process.opportunities import OpportunityFinder, SearchConfig
from tidemill.process.pools import PoolBook
from tidemill.sandbox.deploy import open_world
from tidemill.sandbox.world import World
from tidemill.schema import derive

from .crowd import TradingCrowd
from .until import until

BEHIND = b"autopsy/sandbox/behind/"
EVERY = 3
"""Of so many commits of what became of opportunities one is lost."""


class Killed(Exception):
    pass


class MortalBus:
    """A bus whose process dies before some of the commits that follow the events'."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.followed = 0

    async def commit(self, batches: Batches, state: Mapping[bytes, bytes | None] | None = None) -> list[int]:
        if any(key.startswith(BEHIND) and value is None for key, value in (state or {}).items()):
            self.followed += 1
            if self.followed % EVERY == 0:
                raise Killed
        return await self._bus.commit(batches, state)


class Recorded(NamedTuple):
    """A chain on which much pays, and of which two blocks are replaced."""

    steps: list[Step]
    config: EvmConfig
    search: SearchConfig


async def pipeline_on(bus: Any, kept: Bus, chain: Recorded, digest: Digest | None = None) -> ChainPipeline:
    """Return a pipeline that goes on from what `kept` has."""
    _, config, search = chain
    book = make_book(config, await kept.state(PoolBook.prefix_of(config.source)))
    finder = OpportunityFinder(search, config.source, config.chain_id)
    followed = dict(await kept.state(AutopsyBook.prefix_of(config.source)))
    pursuit = make_pursuit(finder, book, config, followed)
    return ChainPipeline(book, bus, SystemClock(), digest=digest, pursuit=pursuit, flow=Flow())


async def rows_on(bus: Bus, topic: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    offset, head = 0, await bus.head(topic)
    while offset < head:
        for entry in await bus.read(topic, offset, batches_max=1_000):
            rows += derive.to_rows(topic, entry.batch)
            offset = entry.offset + 1
    return rows


async def ended_on(bus: Bus) -> dict[bytes, dict[str, Any]]:
    rows = await rows_on(bus, "opportunity_autopsy")
    told = {(row["opportunity"], row["cause"], row["block_hash"], row["sequence"]) for row in rows}
    assert len(told) == len(rows), "an end was told twice"
    return {row["opportunity"]: row for row in rows if row["cause"] != "reorged"}


class Tap:
    """Takes a chain's steps and keeps them."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._blocks = 0

    async def take(self, step: Step) -> None:
        self.steps.append(step)
        self._blocks += len(step.blocks)

    async def has_blocks(self, count: int) -> None:
        async def holds() -> bool:
            return self._blocks >= count

        await until(holds)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chain() -> Recorded:
    need_node()
    async with open_world() as world:
        return Recorded(await steps_of(world), world_config(world), world_search(world))


async def steps_of(world: World) -> list[Step]:
    tap, config = Tap(), world_config(world)
    shell = Shell(make_follower(config, {}, config.source), tap.take, SystemClock())
    async with TradingCrowd(world, swaps_per_s=60, block_ms=100) as crowd:
        running = asyncio.create_task(shell.run(config.source, {}), name="steps")
        try:
            await tap.has_blocks(30)
            await crowd.reorg(2)
            await tap.has_blocks(60)
        finally:
            running.cancel()
            await asyncio.wait([running])
    return tap.steps


@pytest.mark.timeout(120)
async def test_what_a_crash_finds_unfollowed_ends_as_it_would_have(chain: Recorded) -> None:
    async with open_bus("memory://") as whole, open_bus("memory://") as kept:
        alone = await pipeline_on(whole, whole, chain)
        for step in chain.steps:
            await alone.take(step)
        bus, deaths = MortalBus(kept), 0
        pipeline = await pipeline_on(bus, kept, chain)
        for step in chain.steps:
            try:
                await pipeline.take(step)
            except Killed:
                deaths += 1
                assert await kept.state(BEHIND), "expected a block that was not followed yet"
                pipeline = await pipeline_on(bus, kept, chain)
        expected, found = await ended_on(whole), await ended_on(kept)
    assert deaths > 10
    both = expected.keys() & found.keys()
    assert len(both) > 20
    assert {name: found[name] for name in both} == {name: expected[name] for name in both}


@pytest.mark.timeout(120)
async def test_a_recorded_run_that_falls_behind_finds_what_its_replay_finds(chain: Recorded) -> None:
    async with open_bus("memory://") as replayed, open_bus("memory://") as live:
        alone = await pipeline_on(replayed, replayed, chain, Digest())
        for step in chain.steps:
            await alone.take(step)
        beside = await pipeline_on(live, live, chain, Digest())
        async with _pursuing(beside):
            for step in chain.steps:  # at once, so that many wait
                await beside.take(step)

            async def is_pursued() -> bool:
                return beside.is_pursued

            await until(is_pursued)
        for topic in ("opportunity", "opportunity_hop", "opportunity_autopsy"):
            expected = await rows_on(replayed, topic)
            assert len(expected) > 20
            assert await rows_on(live, topic) == expected
            assert beside.flow is not None
            assert beside.flow.rows[topic] == len(expected), "expected that listeners are told of each"


@asynccontextmanager
async def _pursuing(pipeline: ChainPipeline) -> AsyncIterator[None]:
    task = asyncio.create_task(pipeline.pursue(), name="pursuit")
    await asyncio.sleep(0)  # it has begun
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
