"""Streams over WebSocket and server-sent events: what comes, from where, and for whom it is too much."""

import asyncio
import json
from contextlib import asynccontextmanager

import pyarrow as pa
import pytest
from tests.app.until import until

from tidemill.bus import open_bus
from tidemill.core.metrics import Metrics
from tidemill.serve import declared
from tidemill.serve.across import Across
from tidemill.serve.forms import plain_rows
from tidemill.serve.hub import Dropped, Frame, Hub, Subscription, Wish
from tidemill.serve.place import Place

from .program import served
from .stored import START_NS, StoredProgram, events


@pytest.fixture
async def told():
    async with open_bus("memory://") as bus:
        yield StoredProgram(bus, None)


@asynccontextmanager
async def listening(client, path):
    async with asyncio.timeout(20), client.session.ws_connect(client.url + path) as socket:
        yield socket


async def opened(told, socket, tag="swap"):
    """Wait until a client without a cursor follows: commit until it hears of it. Returns: the last frame."""
    number = 100
    async with asyncio.timeout(20):
        while True:
            await told.commit(tag, events(tag, number, 1), is_stored=False)
            try:
                async with asyncio.timeout(0.5):
                    frame = await socket.receive_json()
                if frame.keys() != {"cursor"}:
                    return frame
            except TimeoutError:
                number += 1


def cursor_at(told, tag, offset, row=0):
    return f"{told.bus_identity}~{tag}:{offset}.{row}"


async def rows_of(socket, count):
    rows = []
    while len(rows) < count:
        rows += (await socket.receive_json()).get("events", [])
    return rows


def expected(*batches):
    return plain_rows("swap", pa.Table.from_batches(batches))


async def test_what_comes_is_told_once_and_in_order(told):
    batches = [events("swap", number, 3) for number in (1, 4, 7)]
    async with served(told) as client:
        async with listening(client, f"/ws/swap?cursor={cursor_at(told, 'swap', 0)}") as socket:
            for batch in batches:
                await told.commit("swap", batch, is_stored=False)
            assert await rows_of(socket, 9) == expected(*batches)


async def test_without_a_cursor_it_begins_with_what_comes_next(told):
    await told.commit("swap", events("swap", 1, 5), is_stored=False)
    async with served(told) as client:
        async with listening(client, "/ws/swap") as socket:
            frame = await opened(told, socket)
            assert frame["events"][0]["event_ns"] >= START_NS + 100 * 10**9


async def test_who_is_cut_off_before_anything_came_goes_on_from_where_it_began(told):
    await told.commit("swap", events("swap", 1, 5), is_stored=False)
    batch = events("swap", 6, 3)
    async with served(told) as client:
        async with listening(client, "/ws/swap") as socket:
            first = await socket.receive_json()
        assert first.keys() == {"cursor"}
        await told.commit("swap", batch, is_stored=False)
        async with listening(client, f"/ws/swap?cursor={first['cursor']}") as socket:
            assert await rows_of(socket, 3) == expected(batch)


@pytest.mark.parametrize("row", range(5))
async def test_a_cursor_within_a_batch_goes_on_with_its_next_row(told, row):
    batch = events("swap", 1, 5)
    await told.commit("swap", batch, is_stored=False)
    async with served(told) as client:
        async with listening(
            client, f"/ws/swap?frame=event&cursor={cursor_at(told, 'swap', 0, row)}"
        ) as socket:
            said = await socket.receive_json()
            assert said.pop("cursor") == cursor_at(told, "swap", 0, row + 1)
            assert said == expected(batch)[row]


async def test_each_client_gets_what_it_filters(told):
    async with served(told) as client:
        path = f"/ws/swap?where=block_number>=3&fields=block_number&cursor={cursor_at(told, 'swap', 0)}"
        async with listening(client, path) as socket:
            await told.commit("swap", events("swap", 1, 4), is_stored=False)
            assert await rows_of(socket, 2) == [{"block_number": 3}, {"block_number": 4}]


async def test_what_many_want_alike_is_encoded_once(told):
    encoded = []

    def encode(tag, rows):
        encoded.append(rows.num_rows)
        return [b"{}"]

    hub = Hub(Across(told, asyncio.get_running_loop(), Metrics().histogram(declared.QUERIES)))
    running = asyncio.create_task(hub.run())
    wish = Wish("swap", (), None, encode, False, ("swap",))
    async with asyncio.timeout(20):
        await hub.begun()
        followers = [aiter(hub.follow(wish, None)) for _ in range(50)]
        waiting = [asyncio.create_task(anext(one)) for one in followers]

        async def all_follow():
            return hub.clients == {"swap": 50}

        await until(all_follow)
        await told.commit("swap", events("swap", 1, 2), is_stored=False)
        assert {frame.place for frame in await asyncio.gather(*waiting)} == {Place(0, 2)}
    assert encoded == [2]
    for one in followers:
        await one.aclose()
    assert hub.clients == {}
    running.cancel()
    await asyncio.wait([running])


async def test_transactions_are_a_message_each_as_the_source_document_has_them(told):
    tag = "arbitrage_transaction"
    async with served(told) as client:
        async with listening(client, f"/ws/transactions?cursor={cursor_at(told, tag, 0)}") as socket:
            await told.commit(tag, events(tag, 1, 2), is_stored=False)
            first = await socket.receive_json()
            assert first["block_number"] == 1
            assert (await socket.receive_json())["block_number"] == 2


@pytest.mark.parametrize(
    ("query", "fault", "said"),
    [
        ("nothing", "Refused", "topic: expected one of"),
        ("swap?where=x", "Refused", "where"),
        ("swap?fields=x", "Refused", "fields"),
        ("swap?nothing=1", "Refused", "unknown parameter"),
        ("swap?cursor=!", "Refused", "cursor"),
        ("swap?cursor=other~swap:0.0", "Gap", "begin anew"),
    ],
)
async def test_what_does_not_fit_is_said_and_the_socket_closed(told, query, fault, said):
    async with served(told) as client:
        async with listening(client, f"/ws/{query}") as socket:
            answer = await socket.receive_json()
            assert (answer["fault"], said in answer["message"]) == (fault, True)
            await socket.receive()
            assert socket.close_code == 4400


async def test_a_cursor_of_another_topic_is_refused(told):
    cursor, said = cursor_at(told, "block", 0), "expected one of swap, found one of block"
    async with served(told) as client:
        async with listening(client, f"/ws/swap?cursor={cursor}") as socket:
            assert said in (await socket.receive_json())["message"]
        path = "/sse/stream?topic=block&topic=swap"
        async with client.session.get(client.url + path, headers={"Last-Event-ID": cursor}) as answer:
            assert answer.status == 400
            assert said in await answer.text()


async def test_a_cursor_ahead_of_the_bus_is_a_gap(told):
    async with served(told) as client:
        async with listening(client, f"/ws/swap?cursor={cursor_at(told, 'swap', 10)}") as socket:
            assert (await socket.receive_json())["fault"] == "Gap"


async def test_server_sent_events_go_on_after_the_last_id(told):
    await told.commit("swap", events("swap", 1, 2), is_stored=False)
    await told.commit("block", events("block", 1, 1), is_stored=False)
    start = f"{told.bus_identity}~swap:0.1~block:0.0"
    async with served(told) as client:
        found = await sent(client, "/sse/stream?topic=swap&topic=block", start, 2)
        assert {kind for kind, _, _ in found} == {"swap", "block"}
        assert {data["block_number"] for kind, _, data in found if kind == "swap"} == {2}
        await told.commit("swap", events("swap", 3, 1), is_stored=False)
        ((kind, _, data),) = await sent(client, "/sse/stream?topic=swap&topic=block", found[-1][1], 1)
        assert (kind, data["block_number"]) == ("swap", 3)


async def sent(client, path, last_id, count):
    """Return so many events: kind, id and data."""
    found, event = [], {}
    headers = {"Last-Event-ID": last_id}
    async with asyncio.timeout(20), client.session.get(client.url + path, headers=headers) as answer:
        assert answer.content_type == "text/event-stream"
        async for line in answer.content:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                event[name] = value
            elif "data" in event:
                found.append((event["event"], event["id"], json.loads(event["data"])))
                event = {}
                if len(found) == count:
                    return found
            else:
                event = {}
    raise AssertionError("the stream ended")


async def test_a_frame_is_sent_at_once_only_where_none_waits_before_it():
    sent, is_taking = [], True

    def take(frame):
        if is_taking:
            sent.append(frame)
        return is_taking

    client = Subscription(take)
    one, two, three, four = [Frame("swap", Place(number), b"{}") for number in range(4)]
    client.offer([one])
    assert await client.next() is one
    waiting = asyncio.create_task(client.next())
    await asyncio.sleep(0)
    client.offer([two])
    assert sent == [two]
    is_taking = False
    client.offer([three])
    is_taking = True
    client.offer([four])
    assert [await waiting, await client.next()] == [three, four]
    assert sent == [two]


async def test_a_client_that_takes_nothing_is_told_and_dropped_and_the_others_go_on(told):
    async with served(told) as client:
        async with listening(client, f"/ws/swap?cursor={cursor_at(told, 'swap', 0)}") as quick:
            slow = Subscription()
            for number in range(300):
                slow.offer([Frame("swap", Place(number), b"{}")])
            with pytest.raises(Dropped, match="go on from the cursor"):
                await slow.next()
            assert not slow.frames
            await told.commit("swap", events("swap", 1, 1), is_stored=False)
            assert await rows_of(quick, 1) == expected(events("swap", 1, 1))


async def test_nobody_tells_a_server_whose_loop_may_have_ended(told):
    across = Across(told, asyncio.get_running_loop(), Metrics().histogram(declared.QUERIES))

    async def serve():
        loop = asyncio.get_running_loop()
        async with across.listening(lambda batches, _: loop.call_soon_threadsafe(batches.clear)):
            assert told.listeners
        return list(told.listeners)

    assert await asyncio.to_thread(asyncio.run, serve()) == []
    await told.commit("swap", events("swap", 1, 1), is_stored=False)


async def test_clients_go_on_without_a_gap_or_a_repeat_when_the_server_begins_anew(told):
    clients, rounds, done = 200, 3, asyncio.Event()
    numbers = iter(range(1, 100_000))
    seen = [[] for _ in range(clients)]
    cursors = [cursor_at(told, "swap", 0)] * clients

    async def commit():
        while not done.is_set():
            await told.commit("swap", events("swap", next(numbers), 1), is_stored=False)
            await asyncio.sleep(0.02)

    async def take(client, index, until):
        try:
            async with client.session.ws_connect(f"{client.url}/ws/swap?cursor={cursors[index]}") as socket:
                async for message in socket:
                    said = json.loads(message.data)
                    if "fault" in said:
                        return
                    seen[index] += [row["block_number"] for row in said.get("events", [])]
                    cursors[index] = said["cursor"]
                    if len(seen[index]) >= until:
                        return
        except OSError:
            return

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(commit())
        for turn in range(rounds):
            async with served(told, connections_max=2 * clients) as client:
                reading = [
                    asyncio.create_task(take(client, index, 20 * (turn + 1))) for index in range(clients)
                ]
                await (asyncio.gather(*reading) if turn == rounds - 1 else asyncio.wait(reading, timeout=1))
                if turn < rounds - 1:
                    await client.session.close()
            await asyncio.gather(*reading, return_exceptions=True)
        done.set()
    for one in seen:
        assert one == list(range(1, len(one) + 1))
        assert len(one) >= 20 * rounds
