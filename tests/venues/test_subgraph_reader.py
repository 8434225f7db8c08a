"""Is a real subgraph read whole and once, through every fault that its server may have."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from itertools import pairwise

import msgspec
import pytest
from tests.app.until import until
from tests.servers.running import subgraph_server

from tidemill.core.clock import SystemClock
from tidemill.schema.events import (
    Coverage,
    CoverageStatus,
    Health,
    HealthState,
    SubgraphBalance,
    SubgraphHead,
    SubgraphSwap,
    SubgraphSwapKind,
)
from tidemill.schema.faults import Malformed, Refused, Unreachable
from tidemill.venues.subgraph_config import SubgraphConfig, check_subgraph, dialect_of
from tidemill.venues.subgraph_dialects import DIALECTS
from tidemill.venues.subgraph_freshness import Verdict
from tidemill.venues.subgraph_reader import SubgraphReader


@pytest.fixture
async def server():
    async with subgraph_server() as running:
        yield running


def config_for(server, dialect="uniswap_v3", *, http=True, ws=True, **changes):
    config = SubgraphConfig(
        source="indexed",
        chain="polygon",
        dex="uniswap_v3",
        dialect=dialect,
        http_url=server.http_url(dialect) if http else None,
        ws_url=server.ws_url(dialect) if ws else None,
        poll_ms=50,
        announced_poll_ms=100,
        dead_after_ms=1_500,
        answer_timeout_ms=1_500,
        lag_blocks_max=4,
    )
    return msgspec.structs.replace(config, **changes)


class Told:
    """What a reader told, and the cursor that it left."""

    def __init__(self, reader):
        self.reader = reader
        self.events, self.kept, self.stood_in = [], None, []

    async def take(self, events, kept):
        self.events += events
        self.kept = kept

    def stand_in(self, verdict):
        self.stood_in.append(verdict)
        return f"read from elsewhere: {not verdict.is_relied_on}"

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def standing(self):
        """The swaps that were told and not taken back, by id."""
        count = Counter()
        for swap in self.of(SubgraphSwap):
            count[swap.swap_id] += 1 if swap.kind is SubgraphSwapKind.TOLD else -1
        assert set(count.values()) <= {0, 1}, "told twice, or taken back twice"
        return {swap_id for swap_id, times in count.items() if times}

    async def has(self, server, since=0):
        """Wait until what stands is what the indexer has since a block."""

        async def is_there():
            told = await server.told()
            wanted = {swap["id"] for swap in told["swaps"] if swap["block"] >= since}
            return self.standing == wanted and self.reader.cursor.block_number == told["head"]

        await until(is_there, 20)

    async def verdict(self, *verdicts):
        async def is_there():
            return self.reader.freshness.verdict in verdicts

        await until(is_there, 20)


@asynccontextmanager
async def reading(server, config, *, kept=None, run_id="run"):
    told = Told(None)

    async def chain_number():
        return await server.head()

    told.reader = SubgraphReader(
        config,
        137,
        SystemClock(),
        run_id,
        lambda events, cursor: told.take(events, cursor),
        chain_number=chain_number,
        stand_in=told.stand_in,
    )
    task = asyncio.create_task(told.reader.run(kept))
    try:
        yield told
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()


async def ready(told):
    """Wait until the reader knows where it begins."""
    await told.verdict(Verdict.FRESH)

    async def is_begun():
        return told.reader.cursor.is_begun

    await until(is_begun)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_every_swap_of_every_dialect_is_told_once(server, dialect):
    async with reading(server, config_for(server, dialect)) as told:
        await ready(told)
        for _ in range(5):
            await server.mine(2, 4)
        await told.has(server)
        assert len(told.standing) == 40
        assert list(told.reader.faults) == []
        balances = {one.block_number: one.balance for one in told.of(SubgraphBalance) if one.token_index == 1}
        assert len(balances) >= 1
        covered = told.of(Coverage)
        assert {one.status for one in covered} == {CoverageStatus.COMPLETE}
        assert (covered[0].from_block, covered[-1].to_block) == (100, 109)
        assert all(after.from_block == before.to_block + 1 for before, after in pairwise(covered))
        assert sum(one.log_count for one in covered) == 40


@pytest.mark.parametrize(("http", "ws"), [(True, False), (False, True)])
async def test_one_transport_is_enough(server, http, ws):
    async with reading(server, config_for(server, http=http, ws=ws)) as told:
        await ready(told)
        await server.mine(3, 3)
        await told.has(server)
        assert (await server.told())["queries"] == 0 or http


async def test_a_bell_has_it_read_long_before_the_next_poll(server):
    config = config_for(server, poll_ms=60_000, announced_poll_ms=60_000)
    async with reading(server, config) as told:
        await ready(told)

        async def is_announced():
            return told.reader.is_announced

        await until(is_announced)
        await server.mine(1, 2)
        await told.has(server)


async def test_pages_smaller_than_a_second_are_read_whole(server):
    async with reading(server, config_for(server, page_rows=7)) as told:
        await ready(told)
        await server.mine(2, 60)
        await told.has(server)
        assert len(told.standing) == 120


async def test_a_server_that_gives_larger_pages_than_asked_for_changes_nothing(server):
    await server.set(huge=True)
    async with reading(server, config_for(server, page_rows=5)) as told:
        await ready(told)
        await server.mine(4, 50)
        await told.has(server)


async def test_a_run_goes_on_where_the_one_before_was_and_reads_what_came_meanwhile(server):
    config = config_for(server, window_s=3)
    async with reading(server, config) as told:
        await ready(told)
        await server.mine(2, 3)
        await told.has(server)
    await server.mine(20, 2)
    async with reading(server, config, kept=told.kept, run_id="again") as again:
        before = told.standing

        async def is_there():
            swaps = {swap["id"] for swap in (await server.told())["swaps"]}
            return again.standing == swaps - before

        await until(is_there)
        assert len(again.of(Coverage)) >= 1
        assert again.of(Coverage)[0].from_block == 102


async def test_history_is_read_from_the_second_that_is_asked_for(server):
    told_before = await server.mine(10, 2)
    start = told_before["swaps"][6]["timestamp"]
    async with reading(server, config_for(server, start=start)) as told:
        await told.has(server, since=told_before["swaps"][6]["block"])
        assert len(told.standing) == 14


async def test_only_the_pools_that_are_asked_for_are_read_each_with_its_bell(server):
    pools = ("0x" + "c1" * 20, "0x" + "C3" * 20)
    config = config_for(server, pools=pools, operations_per_socket_max=1)
    async with reading(server, config) as told:
        await ready(told)

        async def is_announced():
            return [len(one) for one in (await server.told())["sockets"].values()] == [1, 1]

        await until(is_announced)
        await server.mine(2, 6)

        async def is_there():
            swaps = (await server.told())["swaps"]
            return told.standing == {s["id"] for s in swaps if s["pool"] in (pools[0], pools[1].lower())}

        await until(is_there)
        assert len(told.standing) == 8


async def test_what_a_reorg_took_is_taken_back(server):
    async with reading(server, config_for(server)) as told:
        await ready(told)
        await server.mine(8, 3)
        await told.has(server)
        await server.control(reorg=[5, 2])
        await told.has(server)
        await server.mine(1, 1)
        await told.has(server)
        gone = [one for one in told.of(SubgraphSwap) if one.kind is SubgraphSwapKind.RETRACTED]
        assert len(gone) == 15


async def test_lag_is_measured_told_once_and_ends(server):
    async with reading(server, config_for(server)) as told:
        await ready(told)
        await server.set(late=True)
        await server.mine(4, 1)
        await asyncio.sleep(0)
        assert told.reader.freshness.verdict is Verdict.FRESH
        await server.mine(1, 1)
        await told.verdict(Verdict.LATE)
        assert told.reader.freshness.lag_blocks == 5
        await server.set(late=False)
        await told.verdict(Verdict.FRESH)
        await told.has(server)
        changes = [one for one in told.of(Health) if one.endpoint == told.reader.endpoint]
        assert [one.state for one in changes] == [HealthState.LIVE, HealthState.STALE, HealthState.LIVE]
        assert "5 blocks behind, at 99 of 104 (4 allowed); read from elsewhere: True" in changes[1].detail
        assert told.stood_in == [Verdict.FRESH, Verdict.LATE, Verdict.FRESH]
        heads = told.of(SubgraphHead)
        assert heads[-1].lag_blocks == 0


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        ({"dead": True}, Unreachable, "answered HTTP 503"),
        ({"garbage": True}, Malformed, "expected a GraphQL result"),
        ({"error": "bad indexers: {0x1: Unavailable(missing block)}"}, Unreachable, "bad indexers"),
        ({"frozen": True}, Unreachable, "no answer within"),
    ],
)
async def test_a_server_without_answers_that_count_is_dead_until_it_has_some(server, fault, kind, said):
    async with reading(server, config_for(server, ws=False)) as told:
        await ready(told)
        await server.mine(1, 2)
        await told.has(server)
        await server.set(**fault)
        await server.mine(2, 2)
        await told.verdict(Verdict.DEAD)
        assert said in told.reader.freshness.why
        assert any(isinstance(one, kind) for one in told.reader.faults)
        await server.set(**dict.fromkeys(fault, False) | ({"error": ""} if "error" in fault else {}))
        await told.verdict(Verdict.FRESH)
        await told.has(server)
        states = [one.state for one in told.of(Health) if one.endpoint == told.reader.endpoint]
        assert states == [HealthState.LIVE, HealthState.DOWN, HealthState.LIVE]


async def test_an_answer_with_data_and_errors_tells_nothing(server):
    async with reading(server, config_for(server)) as told:
        await ready(told)
        await server.set(partial=True)
        await server.mine(2, 2)
        await told.verdict(Verdict.DEAD, Verdict.FRESH)

        async def is_told():
            return any("canceling statement" in str(fault) for fault in told.reader.faults)

        await until(is_told)
        assert told.standing == set()
        await server.set(partial=False)
        await told.has(server)


async def test_indexing_errors_make_it_late(server):
    async with reading(server, config_for(server)) as told:
        await ready(told)
        await server.set(has_errors=True)
        await told.verdict(Verdict.LATE)
        await server.mine(1, 3)
        assert told.standing == set()
        await server.set(has_errors=False)
        await told.has(server)


async def test_a_refused_key_is_told_and_a_right_one_is_let_in(server):
    await server.set(token="sesame-open")
    async with reading(server, config_for(server, ws=False)) as told:
        await told.verdict(Verdict.REFUSED)
        assert isinstance(told.reader.faults[-1], Refused)
    async with reading(server, config_for(server, ws=False, token="sesame-open")) as told:
        await ready(told)
        await server.mine(1, 1)
        await told.has(server)


async def test_swaps_that_cannot_be_read_are_a_gap_and_are_told_once(server):
    async with reading(server, config_for(server)) as told:
        await ready(told)
        await server.set(bad_decimals=True)
        await server.mine(1, 2)

        async def is_read():
            return any(one.status is CoverageStatus.GAP for one in told.of(Coverage))

        await until(is_read)
        (gap,) = [one for one in told.of(Coverage) if one.status is CoverageStatus.GAP]
        assert gap.cause == "2 swaps could not be read"
        assert (gap.from_block, gap.to_block) == (100, 100)
        await server.set(bad_decimals=False)
        await server.mine(1, 1)
        await told.has(server)
        assert told.reader.fault_count == 2


async def test_a_lost_socket_leaves_the_polls(server):
    async with reading(server, config_for(server)) as told:
        await ready(told)
        await server.set(only="none")
        await server.control(drop=True)
        await server.mine(3, 2)
        await told.has(server)
        assert not told.reader.is_announced
        assert told.reader.freshness.verdict is Verdict.FRESH


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"http_url": None, "ws_url": None}, "expected http_url or ws_url, found neither"),
        ({"http_url": "ftp://x"}, "http_url: expected http:// or https://, found ftp://x"),
        ({"source": "no way"}, "expected at most 64 letters"),
        ({"pools": ("0x1", "0x1")}, "pools: expected each once"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(changes, said):
    config = SubgraphConfig(source="s", chain="c", dex="d", dialect="messari", http_url="http://x")
    with pytest.raises(Refused, match=said):
        check_subgraph(msgspec.structs.replace(config, **changes))


def test_a_cursor_that_is_none_is_malformed():
    from tidemill.venues.subgraph_cursor import Cursor

    with pytest.raises(Malformed):
        Cursor(1, 1).load(b"\xff\x00")


def test_every_exchange_has_one_dialect():
    dexes = [dex for dialect in DIALECTS.values() for dex in dialect.dexes]
    assert len(set(dexes)) == len(dexes)
    assert dialect_of("quickswap_v3") == "algebra"
    assert dialect_of("nobody") is None
