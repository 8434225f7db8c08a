"""Does a link get what a node answers, and the node refuse what a real one would."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from tests.app.until import until
from tests.servers.sei import sei_server

from tidemill.core.clock import SystemClock
from tidemill.schema.faults import Refused, leaves
from tidemill.venues.sei.config import SeiEndpointConfig
from tidemill.venues.sei.frames import Head, Tx, read_status
from tidemill.venues.sei.link import CometLink


@asynccontextmanager
async def linked(server, heard):
    endpoint = SeiEndpointConfig(ws_url=server.ws_url, http_url=server.http_url)
    link = CometLink(endpoint, SystemClock(), lambda what, recv_ns: heard.append(what), heard.append, 2_000)
    async with link, asyncio.TaskGroup() as tasks:
        hearing = tasks.create_task(link.run(nothing))
        yield link
        hearing.cancel()


async def both_kinds(heard):
    return {type(one) for one in heard} == {Head, Tx}


async def is_at(server, height):
    return (await server.truth())["height"] >= height


async def nothing():
    """Have nothing to do after a batch of frames."""


async def test_a_node_answers_and_tells_what_is_subscribed_to_until_it_is_not():
    async with sei_server() as server, linked(server, heard := []) as link:
        assert read_status(await link.ask("status")).network == "atlantic-2"
        height = (await server.truth())["height"]
        assert (await link.ask("block", height=str(height)))["block"]["header"]["height"] == str(height)
        await link.ask("subscribe", query="tm.event='NewBlockHeader'")
        await link.ask("subscribe", query="tm.event='Tx' AND wasm.action='match'")
        await until(lambda: both_kinds(heard))
        matches = [one for one in heard if isinstance(one, Tx)]
        assert all(
            ("action", "match") in pairs
            for tx in matches
            for pairs in [{p for e in tx.events for p in e.attributes}]
        )
        await link.ask("unsubscribe", query="tm.event='Tx' AND wasm.action='match'")
        await link.ask("unsubscribe_all")
        count = len(heard)
        height = (await server.truth())["height"]
        await until(lambda: is_at(server, height + 3))
        assert len(heard) == count


@pytest.mark.parametrize(
    ("queries", "said"),
    [
        (["malformed"], "failed to parse query"),
        ([f"tx.height > {number}" for number in range(6)], "max_subscriptions_per_client 5 reached"),
    ],
)
async def test_what_a_node_refuses_ends_the_link(queries, said):
    async with sei_server() as server:
        with pytest.raises(ExceptionGroup) as ended:
            await subscribed(server, queries)
        fault = next(leaves(ended.value))
        assert isinstance(fault, Refused)
        assert said in str(fault)


async def subscribed(server, queries):
    async with linked(server, []) as link:
        for query in queries:
            await link.ask("subscribe", query=query)
