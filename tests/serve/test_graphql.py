"""Questions in GraphQL: every kind of event, pages, subscriptions, and what is too much."""

import asyncio

import pytest

from tidemill.schema import derive
from tidemill.schema.events import EVENTS
from tidemill.serve.forms import plain_rows
from tidemill.serve.graphql_schema import SUBSCRIPTIONS_MAX

from .stored import events

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROWS = 4


async def ask(client, query, **variables):
    body = {"query": query, "variables": variables}
    async with client.session.post(client.url + "/graphql", json=body) as answer:
        assert answer.status < 500
        return await answer.json()


async def test_every_kind_of_event_is_answered_with_all_its_columns(client):
    for tag in EVENTS:
        columns = " ".join(column.name for column in derive.columns(tag))
        found = await ask(client, f'{{ {tag}(order: "oldest") {{ events {{ {columns} }} next }} }}')
        assert "errors" not in found, found
        assert found["data"][tag] == {"events": plain_rows(tag, events(tag, 1, ROWS)), "next": None}, tag


async def test_pages_follow_each_other_and_filters_hold(client):
    query = """query ($cursor: String) {
        swap(limit: 2, cursor: $cursor, where: ["block_number>=2"]) { events { block_number } next }
    }"""
    first = (await ask(client, query))["data"]["swap"]
    second = (await ask(client, query, cursor=first["next"]))["data"]["swap"]
    assert [one["block_number"] for one in first["events"] + second["events"]] == [4, 3, 2]
    assert second["next"] is None


@pytest.mark.parametrize(
    "query",
    [
        "{ swap(limit: 0) { next } }",
        "{ swap(limit: 10000) { next } pool(limit: 1) { next } }",
        '{__type(name: "__Type") {' + "fields { type { ofType { ofType {" * 20 + "name" + "}}}}" * 20 + "}}",
        '{ swap(where: ["x"]) { next } }',
        '{ swap(cursor: "x") { next } }',
        "{ nothing }",
        "{ ...nobody }",
        "{ ...f0 }"
        + "".join(f" fragment f{at} on Query {{ ...f{at + 1} ...f{at + 1} }}" for at in range(180))
        + " fragment f180 on Query { __typename }",
        "{ swap { events { nothing } } }",
        "{" + " ".join(f"a{number}: swap {{ next }}" for number in range(11)) + "}",
        "{" + " swap { next }" * 1_000 + "}",
        "{",
    ],
)
async def test_what_does_not_fit_or_is_too_much_is_refused(client, query):
    assert (await ask(client, query))["errors"]


async def test_one_socket_has_so_many_subscriptions(client):
    async with (
        asyncio.timeout(60),
        client.session.ws_connect(client.url + "/graphql", protocols=["graphql-transport-ws"]) as socket,
    ):
        await socket.send_json({"type": "connection_init"})
        await socket.receive_json()
        for number in range(SUBSCRIPTIONS_MAX + 1):
            payload = {"query": "subscription { block { cursor } }"}
            await socket.send_json({"id": str(number), "type": "subscribe", "payload": payload})
        said = await socket.receive_json()
        while said["type"] != "error" and "errors" not in said.get("payload", {}):
            said = await socket.receive_json()
        assert f"expected up to {SUBSCRIPTIONS_MAX} on one socket" in str(said["payload"])


async def test_a_subscription_refuses_the_cursor_of_another_topic(told, client):
    query = f'subscription {{ trade(cursor: "{told.bus_identity}~swap:0.2") {{ cursor }} }}'
    async with (
        asyncio.timeout(20),
        client.session.ws_connect(client.url + "/graphql", protocols=["graphql-transport-ws"]) as socket,
    ):
        await socket.send_json({"type": "connection_init"})
        await socket.receive_json()
        await socket.send_json({"id": "1", "type": "subscribe", "payload": {"query": query}})
        assert "expected one of trade, found one of swap" in str(await socket.receive_json())


async def test_a_subscription_tells_what_comes_and_goes_on_from_its_cursor(told, client):
    start = f"{told.bus_identity}~trade:0.2"
    query = "subscription ($from: String) { trade(cursor: $from) { events { row } cursor } }"
    async with (
        asyncio.timeout(20),
        client.session.ws_connect(client.url + "/graphql", protocols=["graphql-transport-ws"]) as socket,
    ):
        await socket.send_json({"type": "connection_init"})
        assert (await socket.receive_json())["type"] == "connection_ack"
        payload = {"query": query, "variables": {"from": start}}
        await socket.send_json({"id": "1", "type": "subscribe", "payload": payload})
        said = (await socket.receive_json())["payload"]["data"]["trade"]
        assert said["events"] == [{"row": 3}, {"row": 4}]
        await told.commit("trade", events("trade", 50, 1), is_stored=False)
        rows = []
        while not rows:
            rows = (await socket.receive_json())["payload"]["data"]["trade"]["events"]
        assert rows == [{"row": 50}]
