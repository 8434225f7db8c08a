"""What the hub answers itself about the newest events, and when the store must."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace
from tests.store.samples import reorg, swap, trial

from tidemill.bus import open_bus
from tidemill.core.metrics import Metrics
from tidemill.schema import derive
from tidemill.schema.events import ReorgKind
from tidemill.schema.faults import Unreachable
from tidemill.serve import declared
from tidemill.serve.across import Across
from tidemill.serve.hub import Hub
from tidemill.serve.newest import ROWS_MAX
from tidemill.store import open_store

from .stored import SECOND_NS, START_NS, StoredProgram

HOUR_NS = 3_600 * SECOND_NS
NOW_NS = START_NS + HOUR_NS
TAIL_BATCHES = 256
"""So many of each topic a hub reads as it begins."""


@pytest.fixture
async def told():
    async with open_bus("memory://") as bus:
        program = StoredProgram(bus, None)
        program.told = replace(program.told, now_ns=NOW_NS)
        yield program


@asynccontextmanager
async def begun(told):
    hub = Hub(Across(told, asyncio.get_running_loop(), Metrics().histogram(declared.QUERIES)))
    running = asyncio.create_task(hub.run())
    try:
        async with asyncio.timeout(20):
            await hub.begun()
            yield hub
    finally:
        running.cancel()
        await asyncio.wait([running])


async def commit(told, *stored):
    for one in stored:
        await told.commit(type(one).__struct_config__.tag, derive.to_batch([one]), is_stored=False)


async def newest(hub, limit):
    """Return the numbers of the latest swaps, or None where the store is to say."""
    await asyncio.sleep(0)  # what was committed is taken in by the next turn of the loop
    rows = hub.newest["swap"].rows(limit, hub.reverted)
    return None if rows is None else [row["amount0_in"] for row in derive.to_rows("swap", rows)]


async def test_where_a_chain_catches_up_nothing_is_told_that_another_chain_was_ahead_of(told):
    def old(number):
        return swap(number, chain_id=2, event_ns=NOW_NS - 5 * HOUR_NS + number * SECOND_NS)

    def live(number):
        return swap(number, event_ns=NOW_NS + (number - 1_000) * SECOND_NS)

    await commit(told, *(live(number) for number in range(900, 1_000)))
    await commit(told, *(old(number) for number in range(TAIL_BATCHES)))
    async with begun(told) as hub:
        assert await newest(hub, 3) is None
        await commit(told, live(1_000), old(300), old(301))
        assert await newest(hub, 3) is None
        assert await newest(hub, 1) is None, "one before may be of a clock that is ahead"
        await commit(told, *(live(number) for number in range(1_100, 1_103)), old(302))
        assert await newest(hub, 3) == [1_102, 1_101, 1_100]
        assert await newest(hub, 4) is None


async def test_what_is_all_that_there_ever_was_is_told_from_the_first(told):
    await commit(told, reorg(0, ReorgKind.REVERTED, 0), swap(3), swap(8), swap(4))
    async with begun(told) as hub:
        assert await newest(hub, 9) == [8, 4]


async def test_a_batch_without_rows_changes_nothing(told):
    async with begun(told) as hub:
        await told.commit("swap", derive.to_batch([swap(1)]).slice(0, 0), is_stored=False)
        assert await newest(hub, 1) == []
        before = hub.newest["swap"].version
        rows = derive.to_batch([swap(number) for number in range(ROWS_MAX)])
        await told.commit("swap", rows, is_stored=False)
        assert await newest(hub, 1) == [ROWS_MAX - 1]
        assert hub.newest["swap"].version == before + 1


async def test_what_the_store_has_of_a_bus_before_is_the_stores_to_tell(tmp_path):
    store_url = f"chdb://{tmp_path / 'store'}"
    async with open_bus("memory://") as bus, open_store(store_url) as store:
        await store.migrate()
        await StoredProgram(bus, store).commit("swap", derive.to_batch([swap(8)]))
    async with open_bus("memory://") as bus, open_store(store_url) as store:
        told = StoredProgram(bus, store)
        told.told = replace(told.told, now_ns=NOW_NS)
        async with begun(told) as hub:
            assert await newest(hub, 1) is None
            await commit(told, swap(3), trial(1))
            assert await newest(hub, 1) is None
            assert hub.newest["token_trial"].rows(9, hub.reverted).num_rows == 1, "the store has none"
            await commit(told, swap(9, event_ns=NOW_NS + HOUR_NS))
            assert await newest(hub, 1) == [9]


async def test_where_the_store_is_away_nothing_is_known_to_be_all(told):
    class Away(StoredProgram):
        async def sizes(self):
            raise Unreachable("store: expected to read")

    async with begun(Away(told.bus, None)) as hub:
        assert await newest(hub, 1) is None


async def test_where_not_all_reorgs_are_read_what_was_before_them_is_not_told(told):
    await commit(told, swap(4), swap(8), trial(1))
    await commit(told, *(reorg(1 + number, ReorgKind.REVERTED, number) for number in range(TAIL_BATCHES)))
    async with begun(told) as hub:
        assert await newest(hub, 9) == []
    await commit(told, reorg(1_000, ReorgKind.REVERTED, TAIL_BATCHES))
    async with begun(told) as hub:
        assert await newest(hub, 9) is None
        assert hub.newest["token_trial"].rows(9, hub.reverted).num_rows == 1, "it is of no block"
        late = [swap(number, event_ns=NOW_NS + HOUR_NS + number) for number in (6_000, 6_004, 6_008)]
        await commit(told, *late, reorg(1_501, ReorgKind.REVERTED, TAIL_BATCHES + 1))
        assert await newest(hub, 2) == [6_008, 6_000]
