"""Is nothing of a socket left lying that is read in turns: what came first, and what came last."""

import asyncio
from contextlib import asynccontextmanager

from aiohttp import web
from tests.servers.loopback import loopback

from tidemill.core.clock import SystemClock
from tidemill.venues.polymarket_link import LinkLimits, Listener, PolymarketLink

LIMITS = LinkLimits(10_000, 10_000, 10_000, 10, 50)


@asynccontextmanager
async def serving(talk):
    async def handle(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await talk(socket)
        return socket

    application = web.Application()
    application.router.add_get("/", handle)
    async with loopback(application, access_log=None, shutdown_timeout=0.1) as place:
        yield f"ws://{place}/"


@asynccontextmanager
async def linked(url, *, on_open, on_closed, held):
    async def never():
        return True

    listener = Listener(lambda: [b"subscribe"], on_open, None, never, on_closed, held.set)
    link = PolymarketLink(url, SystemClock(), LIMITS, listener)
    task = asyncio.create_task(link.run())
    try:
        async with asyncio.timeout(10):
            yield link
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_what_comes_while_the_connection_is_still_being_told_of_is_not_forgotten():
    held, opened = asyncio.Event(), asyncio.Event()

    async def talk(socket):
        await socket.send_str("early")
        async for _ in socket:
            pass

    async def on_open():
        await held.wait()  # the frame is there, and nobody can take it yet
        held.clear()
        opened.set()

    async def on_closed(_):
        pass

    async with (
        serving(talk) as url,
        linked(url, on_open=on_open, on_closed=on_closed, held=held) as link,
    ):
        await opened.wait()
        await held.wait()
        assert [frame for _, frame in link.take()] == [b"early"]
        assert link.frame_count == 1


async def test_what_came_before_the_end_is_taken_after_it():
    held, ended = asyncio.Event(), asyncio.Event()

    async def talk(socket):
        await socket.receive()
        await socket.send_str("last words")
        await socket.close()

    async def on_open():
        pass

    async def on_closed(_):
        ended.set()

    async with (
        serving(talk) as url,
        linked(url, on_open=on_open, on_closed=on_closed, held=held) as link,
    ):
        await ended.wait()
        assert [frame for _, frame in link.take()][:1] == [b"last words"]
