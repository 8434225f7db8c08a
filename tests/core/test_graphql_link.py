"""Are subscriptions kept on a real GraphQL server, through everything that it may do."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from tests.app.until import until
from tests.servers.running import subgraph_server

from tidemill.core.clock import SystemClock
from tidemill.core.graphql import GraphqlLimits, Subprotocol, data_of
from tidemill.core.graphql_link import GraphqlLink, LinkLimits
from tidemill.core.graphql_shards import GraphqlShards
from tidemill.schema.events import HealthState
from tidemill.schema.faults import Malformed, Refused, Unreachable

NEWEST = "subscription { swaps(first: 1, orderBy: timestamp, orderDirection: desc) { id } }"
LIMITS = LinkLimits(
    graphql=GraphqlLimits(acknowledge_timeout_ms=300, silence_ms=200, probe_timeout_ms=200),
    reconnect_first_ms=50,
    reconnect_max_ms=100,
    resubscribe_ms=50,
)


@pytest.fixture
async def server():
    async with subgraph_server() as running:
        yield running


class Heard:
    """Keeps what a link tells."""

    def __init__(self):
        self.results, self.faults, self.states = [], [], []

    def on_result(self, key, result, recv_ns):
        data_of(result, key)
        self.results.append(key)

    def on_fault(self, key, fault):
        self.faults.append((key, fault))

    def on_state(self, link, state, detail):
        self.states.append((state, detail))

    def count(self, key="a"):
        return self.results.count(key)

    async def more(self, key="a", than=0):
        async def is_there():
            return self.count(key) > than

        await until(is_there, 15)


@asynccontextmanager
async def linked(server, *, limits=LIMITS, keys=("a",)):
    heard = Heard()
    link = GraphqlLink(server.ws_url(), SystemClock(), heard, limits)
    for key in keys:
        link.subscribe(key, NEWEST)
    task = asyncio.create_task(link.run())
    try:
        yield link, heard
    finally:
        task.cancel()
        await asyncio.wait([task])


async def state_is(link, state):
    async def is_there():
        return link.state is state

    await until(is_there, 15)


@pytest.mark.parametrize(("only", "chosen"), [("", "TRANSPORT_WS"), ("graphql-ws", "LEGACY")])
async def test_the_server_chooses_the_subprotocol_and_both_carry_the_same(server, only, chosen):
    await server.set(only=only)
    async with linked(server) as (link, heard):
        await heard.more()
        assert link.subprotocol is Subprotocol[chosen]
        before = heard.count()
        await server.mine(1, 1)
        await heard.more(than=before)
        answer = await link.ask("{ _meta { block { number } } }", 5_000)
        assert b'"number": 100' in answer or b'"number":100' in answer
        with pytest.raises((Refused, Unreachable)):
            data_of(await link.ask("{ nothing }", 5_000), "x")
        assert heard.faults == []
        link.unsubscribe("a")

        async def is_ended():
            return list((await server.told())["sockets"].values()) == [[]]

        await until(is_ended)


@pytest.mark.parametrize("only", ["graphql-transport-ws", "graphql-ws"])
async def test_subscriptions_are_begun_again_after_every_reconnect(server, only):
    await server.set(only=only)
    async with linked(server, keys=("a", "b")) as (link, heard):
        for turn in range(1, 4):
            await heard.more("a", turn - 1)
            await heard.more("b", turn - 1)
            await state_is(link, HealthState.LIVE)
            told = await server.control(drop=True)
            assert len(told["sockets"]) == 1

            async def is_back(turn=turn):
                return link.connection_count > turn and link.state is HealthState.LIVE

            await until(is_back, 15)
        assert any(isinstance(fault, Unreachable) for _, fault in heard.faults)


@pytest.mark.parametrize("only", ["graphql-transport-ws", "graphql-ws"])
async def test_a_socket_that_freezes_is_found_and_replaced(server, only):
    await server.set(only=only)
    async with linked(server) as (link, heard):
        await heard.more()
        before_s = asyncio.get_running_loop().time()
        await server.set(frozen=True)

        async def is_found():
            return any("no answer to a question" in str(fault) for _, fault in heard.faults)

        await until(is_found, 15)
        assert asyncio.get_running_loop().time() - before_s < 5
        await server.set(frozen=False)
        await heard.more(than=heard.count())
        await state_is(link, HealthState.LIVE)


async def test_garbage_between_messages_is_told_and_nothing_else_is_lost(server):
    await server.set(garbage=True)
    async with linked(server) as (link, heard):
        await heard.more()
        before = heard.count()
        await server.mine(1, 1)
        await heard.more(than=before)
        assert link.state is HealthState.LIVE
        assert {type(fault) for _, fault in heard.faults} == {Malformed}


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ({"wrong_subprotocol": True}, "expected one of graphql-transport-ws, graphql-ws, found soap"),
        ({"close_code": 4403}, "denies access"),
        ({"close_code": 4401}, "another authorization"),
    ],
)
async def test_a_server_that_will_never_do_is_not_asked_again(server, fault, text):
    await server.set(**fault)
    async with linked(server) as (link, heard):
        await state_is(link, HealthState.REFUSED)
        assert text in heard.states[-1][1]
        assert isinstance(heard.faults[-1][1], Refused)


async def test_a_server_that_never_acknowledges_is_given_up_and_tried_again(server):
    await server.set(unacknowledged=True)
    async with linked(server) as (_, heard):

        async def is_tried_again():
            return sum("connection_ack" in str(fault) for _, fault in heard.faults) >= 2

        await until(is_tried_again, 15)
        await server.set(unacknowledged=False)
        await heard.more()


async def test_a_refused_connection_opens_the_breaker(server):
    await server.set(dead=True)
    async with linked(server) as (link, heard):

        async def is_open():
            return link.breaker.state(SystemClock().now_ns()) == "open"

        await until(is_open, 15)
        await server.set(dead=False)
        await heard.more()


async def test_an_operation_that_ends_in_an_error_is_begun_again_and_the_others_go_on(server):
    async with linked(server, keys=("a",)) as (link, heard):
        await heard.more()
        await server.set(operations_max=1)
        link.subscribe("b", NEWEST)

        async def is_refused():
            return [str(fault) for key, fault in heard.faults if key == "b"] != []

        await until(is_refused)
        before = heard.count()
        await server.mine(1, 1)
        await heard.more(than=before)
        assert heard.count("b") == 0
        await server.set(operations_max=0)
        await heard.more("b")


async def test_connections_are_sharded_and_a_lost_one_affects_its_own_keys_alone(server):
    await server.set(operations_max=2)
    heard = Heard()
    shards = GraphqlShards(lambda shard: GraphqlLink(server.ws_url(), SystemClock(), heard, LIMITS), 2)
    for key in "abcde":
        shards.subscribe(key, NEWEST)
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(shards.run())
        for key in "abcde":
            await heard.more(key)
        assert [len(operations) for operations in (await server.told())["sockets"].values()] == [2, 2, 1]
        assert heard.faults == [], "no connection was asked for more than it may carry"
        count = {key: heard.count(key) for key in "abcde"}
        first = int(min((await server.told())["sockets"]))
        await server.control(drop=[first])
        await until(lambda: _is(any(link.connection_count == 2 for link in shards.links.values())), 15)
        (again,) = [shard for shard, link in shards.links.items() if link.connection_count == 2]
        affected = [key for key in "abcde" if shards.shard_of(key) == again]
        for key in affected:
            await heard.more(key, count[key])
        assert {key: heard.count(key) for key in "abcde" if key not in affected} == {
            key: count[key] for key in "abcde" if key not in affected
        }
        shards.unsubscribe("e")
        assert set(shards.links) == {0, 1}
        await until(lambda: _has(server, 2))
        shards.subscribe("f", NEWEST)
        await heard.more("f")
        assert [shards.shard_of(key) for key in "abcdf"] == [0, 0, 1, 1, 2]
        running.cancel()


async def _is(holds):
    return holds


async def _has(server, count):
    return len((await server.told())["sockets"]) == count
