"""May who opens a stream go on as long as, and no longer than, they would be let in."""

import asyncio
import time
from http import HTTPStatus

import aiohttp
import pytest
from starlette.responses import StreamingResponse
from tests.app.until import until

from tidemill.serve.auth.api_key import id_of, make_key
from tidemill.serve.auth.config import AuthSettings, LimitSettings
from tidemill.serve.route import Role, Route

from .guarded import NOW, SECRET, guarded, token


async def stream(call):
    """Tell one line, and then nothing."""

    async def lines():
        yield b"data: 1\n\n"
        await asyncio.Event().wait()

    return StreamingResponse(lines(), media_type="text/event-stream")


STREAM = Route(
    path="/forever", answer=stream, role=Role.ANALYST, tells=str, media_types=("text/event-stream",)
)
EVENTS = {"Accept": "text/event-stream"}


async def opened(server, shown):
    answer = await server.session.get(server.url + "/forever", headers={"Authorization": f"Bearer {shown}"})
    assert answer.status == HTTPStatus.OK
    assert await answer.content.readline() == b"data: 1\n"
    return answer


async def test_a_stream_ends_with_the_token_that_opened_it(tmp_path):
    async with guarded(tmp_path, routes=(STREAM,)) as server:
        answer = await opened(server, token({"role": "analyst", "exp": time.time() + 1.5}))
        with pytest.raises(aiohttp.ClientPayloadError):  # broken off: it must not look whole
            await answer.content.read()


async def test_a_stream_ends_with_the_key_that_opened_it_and_no_other_does(tmp_path):
    made, other = (make_key("a test", Role.ANALYST, NOW) for _ in range(2))
    async with guarded(tmp_path, routes=(STREAM,), made=(made, other)) as server:
        answer, goes_on = await opened(server, made.secret), await opened(server, other.secret)
        server.keys.revoke(id_of(made.secret), NOW)
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.content.read()
        assert await goes_on.content.readline() == b"\n"
        goes_on.close()


async def test_a_ticket_opens_one_stream_in_the_name_of_its_owner(tmp_path):
    async with guarded(tmp_path, routes=(STREAM,)) as server:

        async def given(role):
            status, told, _ = await server.ask("/auth/ticket", token({"role": role}), method="POST")
            assert (status, told["ttl_s"]) == (HTTPStatus.OK, 30)
            return told["ticket"]

        ticket = await given("analyst")
        async with server.session.get(f"{server.url}/forever?ticket={ticket}", headers=EVENTS) as answer:
            assert answer.status == HTTPStatus.OK
            assert await answer.content.readline() == b"data: 1\n"
        for path, headers, status in (
            (f"/forever?ticket={ticket}", EVENTS, HTTPStatus.UNAUTHORIZED),
            (f"/forever?ticket={await given('viewer')}", EVENTS, HTTPStatus.FORBIDDEN),
            (f"/forever?ticket={await given('analyst')}", {}, HTTPStatus.UNAUTHORIZED),
            ("/forever?ticket=", EVENTS, HTTPStatus.UNAUTHORIZED),
        ):
            assert await server.status(path, headers=headers) == status, path


async def test_a_ticket_is_good_for_its_time(tmp_path):
    auth = AuthSettings(jwt_secret=SECRET, ticket_ttl_s=0.000_001)
    async with guarded(tmp_path, routes=(STREAM,), auth=auth) as server:
        _, told, _ = await server.ask("/auth/ticket", token({"role": "analyst"}), method="POST")
        found = await server.status(f"/forever?ticket={told['ticket']}", headers=EVENTS)
        assert found == HTTPStatus.UNAUTHORIZED


async def test_who_reads_nothing_is_let_go(tmp_path):
    sent = asyncio.Event()

    async def much(call):
        """Tell more than anybody reads."""

        async def chunks():
            try:
                while True:
                    yield bytes(1 << 16)
                    await asyncio.sleep(0)
            finally:
                sent.set()

        return StreamingResponse(chunks())

    route = Route(path="/much", answer=much, role=None, tells=str)
    limits = LimitSettings(stall_timeout_s=0.5)
    async with guarded(tmp_path, routes=(route,), limits=limits) as server:
        host, port = server.url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port), limit=1_024)
        writer.write(b"GET /much HTTP/1.1\r\nHost: localhost\r\n\r\n")
        writer.transport.pause_reading()

        async def is_over():
            return sent.is_set()

        await until(is_over)
        writer.transport.abort()
