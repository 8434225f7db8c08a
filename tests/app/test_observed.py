"""What an engine's parts count, as the data API and the metrics see it."""

import asyncio

import pytest
from tests.store.samples import swap

from tidemill.app.engine import Engine
from tidemill.app.observed import Observed
from tidemill.app.settings import read_settings
from tidemill.bus import open_bus
from tidemill.chains.evm.config import EvmConfig
from tidemill.schema import derive

from .test_engine import running
from .until import until

NOWHERE = EvmConfig(
    source="nowhere",
    chain_id=1,
    ws_url="ws://127.0.0.1:9/0123456789abcdef",
    dexes=("uniswap_v3",),
    retry_first_ms=20,
)


@pytest.fixture
def environment(tmp_path):
    return read_settings(None, tmp_path / "data", {})


async def test_what_an_earlier_run_left_on_the_bus_waits_until_it_is_stored(environment):
    environment.paths.data.mkdir()
    async with open_bus(environment.bus_url) as bus:
        for number in (4, 8):
            await bus.commit([("swap", derive.to_batch([swap(number)]))])
    async with Engine(environment, {}) as engine:
        before = (await Observed(engine).state()).topics["swap"]
        assert (before.waiting_batches, before.events, before.stored) == (2, 0, 0)
    async with running(environment.paths.data.parent, {"nowhere": NOWHERE}) as engine:

        async def is_stored():
            return (await Observed(engine).state()).topics["swap"].waiting_batches == 0

        await until(is_stored)
        after = (await Observed(engine).state()).topics["swap"]
        assert (after.stored, after.events) == (2, 0)
        assert after.inserts >= 1
        assert after.insert_s > 0


async def test_an_endpoint_that_is_down_is_told_without_what_opens_it(environment):
    async with running(environment.paths.data.parent, {"nowhere": NOWHERE}) as engine:

        async def has_failed():
            return (await Observed(engine).state()).chains[0].faults > 0

        await until(has_failed)
        (chain,) = (await Observed(engine).state()).chains
        assert (chain.source, chain.state, chain.tip, chain.is_up) == ("nowhere", "connecting", None, False)
        link = chain.endpoints["0"].links["ws"]
        assert (link.open, link.leads, link.connects, link.frames) == (False, False, 0, 0)
        assert link.url == "ws://127.0.0.1:9/***"
        assert "0123456789abcdef" not in chain.last_fault


async def test_a_store_without_room_is_down(tmp_path):
    no_room = read_settings(None, tmp_path / "data", {"TIDEMILL_STORE_FREE_MIN_BYTES": str(1 << 60)})
    async with Engine(no_room, {"nowhere": NOWHERE}) as engine:
        assert (await Observed(engine).state()).is_store_up
        task = asyncio.create_task(engine.run())

        async def has_failed():
            return (await Observed(engine).state()).store_faults > 0

        await until(has_failed)  # the endpoint's health has no place to go
        assert not (await Observed(engine).state()).is_store_up
        task.cancel()
        await asyncio.wait([task])
