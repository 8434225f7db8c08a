"""Are a WebSocket's messages received in order, whole and in bounded memory, and is its end told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from tests.servers.loopback import loopback

from tidemill.core.clock import SystemClock
from tidemill.core.socket import Socket, SocketLimits
from tidemill.schema.faults import Malformed, Refused, Unreachable

Talk = Callable[[web.WebSocketResponse], Awaitable[None]]


@asynccontextmanager
async def serving(talk: Talk, status: int | None = None) -> AsyncIterator[str]:
    async def handle(request: web.Request) -> web.StreamResponse:
        if status is not None:
            return web.Response(status=status)
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        await talk(socket)
        return socket

    app = web.Application()
    app.router.add_get("/{tail:.*}", handle)
    async with loopback(app, shutdown_timeout=0.1) as place:
        yield f"ws://{place}"


async def echo(socket: web.WebSocketResponse) -> None:
    async for message in socket:
        if message.type is aiohttp.WSMsgType.TEXT:
            await socket.send_str(message.data)


async def take(socket: Socket, count: int) -> list[bytes]:
    found: list[bytes] = []
    async with asyncio.timeout(10):
        while len(found) < count:
            found += [data for _, data in await socket.receive()]
    return found


async def test_messages_come_in_order_with_times_that_do_not_go_back() -> None:
    async with serving(echo) as url, await Socket.connect(url, SystemClock()) as socket:
        for index in range(100):
            socket.send(b"%d" % index)
        found: list[tuple[int, bytes]] = []
        while len(found) < 100:
            found += await socket.receive()
    assert [data for _, data in found] == [b"%d" % index for index in range(100)]
    times = [recv_ns for recv_ns, _ in found]
    assert times == sorted(times)


async def test_a_sender_that_is_faster_than_the_reader_is_held_back() -> None:
    sent = 0

    async def flood(socket: web.WebSocketResponse) -> None:
        nonlocal sent
        for index in range(300):
            await socket.send_bytes(index.to_bytes(4, "big") * 25_000)
            sent += 1

    limits = SocketLimits(held_bytes_max=500_000)
    async with serving(flood) as url, await Socket.connect(url, SystemClock(), limits) as socket:
        while socket.pause_count == 0:  # noqa: ASYNC110 - nothing announces it, on purpose
            await asyncio.sleep(0.01)
        held_frames = socket.frame_count
        assert held_frames < 50
        found = await take(socket, 300)
    assert [int.from_bytes(data[:4], "big") for data in found] == list(range(300))
    assert all(len(data) == 100_000 for data in found)


async def test_what_came_before_the_end_is_given_before_the_end_is_told() -> None:
    async def part(socket: web.WebSocketResponse) -> None:
        await socket.send_str("last")
        await socket.close(code=1001, message=b"bye")

    async with serving(part) as url, await Socket.connect(url, SystemClock()) as socket:
        assert await take(socket, 1) == [b"last"]
        with pytest.raises(Unreachable, match="closed"):
            await socket.receive()
        with pytest.raises(Unreachable, match="closed"):
            socket.send(b"more")


async def test_a_peer_that_vanishes_is_unreachable() -> None:
    async def vanish(socket: web.WebSocketResponse) -> None:
        assert socket._req is not None
        assert socket._req.transport is not None
        socket._req.transport.abort()

    async with serving(vanish) as url, await Socket.connect(url, SystemClock()) as socket:
        with pytest.raises(Unreachable, match="closed"):
            await asyncio.wait_for(socket.receive(), 5)


async def test_a_message_that_is_too_large_ends_the_connection() -> None:
    async def shout(socket: web.WebSocketResponse) -> None:
        await socket.send_bytes(b"x" * 100_000)
        await echo(socket)

    limits = SocketLimits(message_bytes_max=10_000)
    async with serving(shout) as url, await Socket.connect(url, SystemClock(), limits) as socket:
        with pytest.raises((Unreachable, Malformed)):
            await asyncio.wait_for(socket.receive(), 5)


async def test_a_message_in_parts_is_one_however_many_are_empty() -> None:
    async def speak(socket: web.WebSocketResponse) -> None:
        assert socket._writer is not None
        for head, data in [(0x01, b"ab"), *[(0x00, b"")] * 5_000, (0x80, b"c"), (0x81, b"d")]:
            socket._writer.transport.write(bytes([head, len(data)]) + data)
        await echo(socket)

    async with serving(speak) as url, await Socket.connect(url, SystemClock()) as socket:
        assert await take(socket, 2) == [b"abc", b"d"]


@pytest.mark.parametrize(("status", "kind"), [(401, Refused), (403, Refused), (503, Unreachable)])
async def test_a_refused_handshake_says_so(status: int, kind: type[Exception]) -> None:
    async with serving(echo, status=status) as url:
        with pytest.raises(kind, match="handshake"):
            await Socket.connect(url, SystemClock())


async def test_nobody_there_is_unreachable_and_its_key_is_not_told() -> None:
    async with serving(echo) as url:
        pass
    with pytest.raises(Unreachable) as told:
        await Socket.connect(url + "/v3/0123456789abcdef", SystemClock())
    assert "0123456789abcdef" not in str(told.value)


async def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(Refused, match="expected a ws"):
        await Socket.connect("ftp://127.0.0.1:1", SystemClock())


async def test_a_server_that_never_shakes_hands_is_unreachable() -> None:
    hung_up = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        hung_up.set()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(Unreachable, match="100 ms"):
            await Socket.connect(
                f"ws://127.0.0.1:{port}", SystemClock(), SocketLimits(connect_timeout_ms=100)
            )
        async with asyncio.timeout(5):
            await hung_up.wait()


async def test_a_server_that_hangs_up_before_the_handshake_is_unreachable() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(Unreachable, match=r"before the WebSocket handshake ended|cannot connect"):
            await Socket.connect(f"ws://127.0.0.1:{port}", SystemClock())


async def test_who_reads_in_turns_is_told_once_that_messages_wait_and_takes_all_of_them() -> None:
    held = asyncio.Event()
    told = 0

    def on_held() -> None:
        nonlocal told
        told += 1
        held.set()

    async def talk(socket: web.WebSocketResponse) -> None:
        async for message in socket:
            for index in range(3):
                await socket.send_str(f"{message.data} {index}")
            if message.data == "bye":
                await socket.close()

    async with serving(talk) as url, await Socket.connect(url, SystemClock(), on_held=on_held) as socket:
        assert socket.take() == []
        found: list[bytes] = []
        for word in (b"one", b"bye"):
            socket.send(word)
            async with asyncio.timeout(10):
                while found[-1:] != [word + b" 2"]:
                    held.clear()
                    await held.wait()
                    found += [data for _, data in socket.take()]
        async with asyncio.timeout(10):
            with pytest.raises(Unreachable, match="closed"):
                await socket.wait_end()
        assert found == [b"%b %d" % (word, index) for word in (b"one", b"bye") for index in range(3)]
        assert told <= 6
