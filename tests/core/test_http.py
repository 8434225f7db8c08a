"""Is every way in which an HTTP endpoint can fail told as the fault that says what to do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from tests.servers.loopback import loopback

from tidemill.core.clock import SystemClock
from tidemill.core.http import HttpAnswer, HttpEndpoint, HttpFailure, HttpLimits, retry_after_s
from tidemill.schema.faults import Fault, Malformed, Refused, Unreachable

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/{tail:.*}", handler)
    async with loopback(app, shutdown_timeout=0.1) as place:
        yield f"http://{place}"


async def post(
    handler: Handler, limits: HttpLimits | None = None, path: str = ""
) -> HttpAnswer | HttpFailure:
    async with serving(handler) as url, HttpEndpoint(url + path, SystemClock(), limits) as endpoint:
        return await endpoint.post(b"[]")


def responding(status: int, body: bytes, **headers: str) -> Handler:
    async def respond(request: web.Request) -> web.StreamResponse:
        return web.Response(
            status=status, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    return respond


async def test_an_answer_is_given_whole_with_its_time() -> None:
    async def echo(request: web.Request) -> web.StreamResponse:
        return web.Response(body=await request.read())

    answer = await post(echo)
    assert isinstance(answer, HttpAnswer)
    assert answer.body == b"[]"
    assert answer.recv_ns > 1_600_000_000 * 10**9


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (429, b"slow down", Unreachable, "HTTP 429"),
        (500, b"oops", Unreachable, "HTTP 500"),
        (503, b"", Unreachable, "HTTP 503"),
        (401, b"who are you", Refused, "HTTP 401"),
        (403, b"", Refused, "HTTP 403"),
        (404, b"", Refused, "HTTP 404"),
        (302, b"", Refused, "HTTP 302"),
        (200, b"<html>", Malformed, "expected JSON"),
        (200, b"", Malformed, "expected JSON"),
    ],
)
async def test_a_failure_has_the_class_of_its_remedy(
    status: int, body: bytes, kind: type[Fault], words: str
) -> None:
    failure = await post(responding(status, body))
    assert isinstance(failure, HttpFailure)
    assert type(failure.fault) is kind
    assert words in str(failure.fault)


async def test_an_error_in_json_is_an_answer_whatever_its_status() -> None:
    answer = await post(responding(400, b'{"error":{"code":-32600,"message":"no"},"id":1}'))
    assert isinstance(answer, HttpAnswer)


async def test_the_wait_that_the_server_asks_for_is_passed_on() -> None:
    failure = await post(responding(429, b"", Retry_After="7"))
    assert isinstance(failure, HttpFailure)
    assert failure.retry_after_ms == 7_000


@pytest.mark.parametrize("said", ["²", "9" * 5_000, "soon", "-1", ""])
async def test_a_wait_that_is_no_count_of_seconds_is_left_to_our_own(said: str) -> None:
    assert retry_after_s(said) is None
    failure = await post(responding(503, b"", Retry_After=said))
    assert isinstance(failure, HttpFailure)
    assert failure.retry_after_ms is None


async def test_an_answer_that_is_too_large_is_cut_off() -> None:
    failure = await post(responding(200, b"[" + b" " * 10_000), HttpLimits(answer_bytes_max=1_000))
    assert isinstance(failure, HttpFailure)
    assert failure.too_large
    assert (await_413 := await post(responding(413, b"")))
    assert isinstance(await_413, HttpFailure)
    assert await_413.too_large


async def test_a_server_that_says_nothing_is_unreachable() -> None:
    release = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        await release.wait()
        return web.Response()

    failure = await post(hang, HttpLimits(answer_timeout_ms=100))
    assert isinstance(failure, HttpFailure)
    assert "no answer within 100 ms" in str(failure.fault)
    release.set()


async def test_a_host_that_no_name_can_have_is_refused() -> None:
    async with HttpEndpoint(f"http://{'a' * 64}.example/", SystemClock()) as endpoint:
        failure = await endpoint.post(b"[]")
    assert isinstance(failure, HttpFailure)
    assert isinstance(failure.fault, Refused)


async def test_nobody_there_is_unreachable_and_its_key_is_not_told() -> None:
    async with serving(responding(200, b"[]")) as url:
        pass
    async with HttpEndpoint(url + "/v2/0123456789abcdef?key=secretsecret", SystemClock()) as endpoint:
        failure = await endpoint.post(b"[]")
    assert isinstance(failure, HttpFailure)
    assert isinstance(failure.fault, Unreachable)
    assert "0123456789abcdef" not in str(failure.fault)
    assert "secretsecret" not in str(failure.fault)


async def test_an_answer_that_breaks_off_is_unreachable() -> None:
    async def break_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"[1,2")
        assert request.transport is not None
        request.transport.close()
        return response

    failure = await post(break_off)
    assert isinstance(failure, HttpFailure)
    assert isinstance(failure.fault, Unreachable)
