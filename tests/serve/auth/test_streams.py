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
from tidemill.serve.role import Role
from tidemill.serve.route import Route

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
        answer.close()


async def test_a_stream_ends_with_the_key_that_opened_it_and_no_other_does(tmp_path):
    made, other = (make_key("a test", Role.ANALYST, NOW) for _ in range(2))
    async with guarded(tmp_path, routes=(STREAM,), made=(made, other)) as server:
        answer, goes_on = await opened(server, made.secret), await opened(server, other.secret)
        server.keys.revoke(id_of(made.secret), NOW)
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.content.read()
        answer.close()
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
            (f"/stats?ticket={await given('analyst')}", EVENTS, HTTPStatus.UNAUTHORIZED),
            ("/forever?ticket=", EVENTS, HTTPStatus.UNAUTHORIZED),
        ):
            assert await server.status(path, headers=headers) == status, path


async def test_a_ticket_is_good_for_its_time(tmp_path):
    auth = AuthSettings(jwt_secret=SECRET, ticket_ttl_s=0.000_001)
    async with guarded(tmp_path, routes=(STREAM,), auth=auth) as server:
        _, told, _ = await server.ask("/auth/ticket", token({"role": "analyst"}), method="POST")
        found = await server.status(f"/forever?ticket={told['ticket']}", headers=EVENTS)
        assert found == HTTPStatus.UNAUTHORIZED


async def test_a_socket_asks_who_calls_and_ends_with_what_opened_it(tmp_path):
    made = make_key("a test", Role.VIEWER, NOW)
    async with guarded(tmp_path, made=(made,)) as server:

        async def refused(path="/ws/swap", **headers):
            with pytest.raises(aiohttp.WSServerHandshakeError) as raised:
                await server.session.ws_connect(server.url + path, headers=headers)
            return raised.value.status

        shown = {"Authorization": f"Bearer {made.secret}"}
        assert await refused() == HTTPStatus.UNAUTHORIZED
        assert await refused(**shown, Origin="https://evil.example") == HTTPStatus.FORBIDDEN
        assert await refused(f"/ws/swap?token={token()}") == HTTPStatus.BAD_REQUEST
        _, told, _ = await server.ask("/auth/ticket", made.secret, method="POST")
        async with (
            server.session.ws_connect(server.url + "/ws/swap", headers=shown) as socket,
            server.session.ws_connect(f"{server.url}/ws/swap?ticket={told['ticket']}") as other,
        ):
            server.keys.revoke(id_of(made.secret), NOW)
            for one in (socket, other):
                while (message := await one.receive(20)).type is aiohttp.WSMsgType.TEXT:
                    pass
                assert (message.type, one.close_code) == (aiohttp.WSMsgType.CLOSE, 1008)


@pytest.mark.parametrize("auth", [AuthSettings(), AuthSettings(jwt_secret=SECRET)])
async def test_a_page_from_elsewhere_may_not_listen(tmp_path, auth):
    async with guarded(tmp_path, auth=auth) as server:
        headers = {"Origin": "https://evil.example", "Authorization": f"Bearer {token()}"}
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await server.session.ws_connect(server.url + "/ws/swap", headers=headers)
        headers["Origin"] = server.url
        await (await server.session.ws_connect(server.url + "/ws/swap", headers=headers)).close()


async def test_one_caller_has_so_many_streams_and_others_have_theirs(tmp_path):
    limits = LimitSettings(at_once_per_caller_max=3)
    async with guarded(tmp_path, limits=limits) as server:

        async def connect(name):
            headers = {"Authorization": f"Bearer {token({'sub': name})}"}
            return await server.session.ws_connect(server.url + "/ws/swap", headers=headers)

        held = [await connect("one") for _ in range(3)]
        with pytest.raises(aiohttp.WSServerHandshakeError, match="429"):
            await connect("one")
        held.append(await connect("two"))
        await held.pop(0).close()

        async def is_free():
            try:
                held.append(await connect("one"))
            except aiohttp.WSServerHandshakeError:
                return False
            return True

        await until(is_free)
        for socket in held:
            await socket.close()


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
