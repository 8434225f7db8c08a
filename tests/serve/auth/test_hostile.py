"""A thousand malformed, oversized, slow or hostile requests: each is refused, and nobody else is harmed."""

import asyncio
import gc
import random
from http import HTTPStatus

import psutil
from tests.app.until import until

from tidemill.serve.auth.config import LimitSettings
from tidemill.serve.role import Role
from tidemill.serve.route import Answer, Route

from .guarded import guarded, token

LIMITS = LimitSettings(
    requests_per_minute=1_000_000,
    head_timeout_s=1.0,
    body_timeout_s=1.0,
    body_bytes_max=10_000,
    connections_per_address_max=200,
)
MEMORY_BYTES_MAX = 64 << 20
REFUSED = {400, 401, 403, 404, 405, 408, 411, 413, 414, 426, 429, 431, 501, 503, 505}


async def swallow(call):
    """Read all that is sent."""
    return Answer(len(await call.request.body()))


SWALLOW = Route(path="/swallow", method="POST", answer=swallow, role=Role.VIEWER)


def get(path=b"/stats", *headers):
    return b"\r\n".join([b"GET " + path + b" HTTP/1.1", b"Host: localhost", *headers, b"", b""])


def post(*headers, body=b""):
    auth = b"Authorization: Bearer " + token().encode()
    return b"\r\n".join([b"POST /swallow HTTP/1.1", b"Host: localhost", auth, *headers, b"", b""]) + body


def hostile(dice):
    """Return what no server should answer, or should not wait for."""
    noise = dice.randbytes(dice.randrange(1, 2_000))
    text = noise.hex().encode()
    return dice.choice(
        [
            noise,
            b"\x16\x03\x01" + noise,  # TLS
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + noise,
            get(b"/" + text * 20),
            get(b"/stats?" + b"x=y&" * 5_000),
            get(b"/stats", b"X-A: " + b"a" * 100_000),
            get(b"/stats", *(b"X-%d: a" % n for n in range(10_000))),
            get(b"/../../etc/passwd"),
            get(b"/%2e%2e/%2e%2e/etc/passwd"),
            get(b"/stats%00"),
            get(b"//localhost//stats"),
            get(b"http://evil.example/stats"),
            get(b"/stats", b"Authorization: Bearer " + text),
            get(b"/stats", b"Authorization: Bearer " + b"eyJ" * 5_000),
            get(b"/stats", b"Authorization: Bearer a\x00b"),
            get(b"/stats", b"Content-Length: 5", b"Transfer-Encoding: chunked"),
            get(b"/stats", b"X-Forwarded-For: 10.0.0.1", b"X-Forwarded-For: " + text),
            get(b"/stats", b"Upgrade: websocket", b"Connection: Upgrade"),
            get(b"/stats", b"Upgrade: h2c", b"Connection: Upgrade, HTTP2-Settings"),
            post(b"Content-Length: 99999999999", body=noise),
            post(b"Content-Length: -1", body=noise),
            post(b"Content-Length: 1e9", body=noise),
            post(b"Transfer-Encoding: chunked", body=b"FFFFFFFFFFFFFFFFF\r\n" + noise),
            post(b"Transfer-Encoding: chunked", body=b"4000\r\n" + bytes(0x4000) + b"\r\n0\r\n\r\n"),
            post(b"Content-Length: 100", body=b"short"),  # and nothing more
            get(b"/stats", b"X-Slow: ")[:-4],
            b"G",
            b"",
        ]
    )


async def told(server, request):
    """Return the beginning of what is answered; nothing where the server ends the connection."""
    host, port = server.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(request)
        async with asyncio.timeout(30):
            return await reader.read(1 << 16)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_a_thousand_hostile_requests_are_refused_and_harm_nobody(tmp_path, caplog):
    dice = random.Random(1)
    async with guarded(tmp_path, limits=LIMITS, routes=(SWALLOW,), connections_max=300) as server:
        assert await server.status("/stats", token()) == HTTPStatus.OK
        gc.collect()
        before_bytes = psutil.Process().memory_info().rss
        at_once = asyncio.Semaphore(60)
        answers: list[bytes] = []

        async def attack():
            async with at_once:
                answers.append(await told(server, hostile(dice)))

        async def others():
            return [await server.status("/stats", token()) for _ in range(100)]

        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(others())
            for _ in range(1_000):
                tasks.create_task(attack())
        assert set(asking.result()) == {HTTPStatus.OK}
        assert len(answers) == 1_000
        statuses = {int(answer[9:12]) for answer in answers if answer.startswith(b"HTTP/1.1")}
        assert statuses <= REFUSED, statuses
        assert {400, 401, 408, 413, 414, 431} <= statuses
        assert not [record for record in caplog.records if record.levelname == "ERROR"]
        gc.collect()
        assert psutil.Process().memory_info().rss - before_bytes < MEMORY_BYTES_MAX


async def test_a_head_that_never_ends_is_ended_however_it_is_fed(tmp_path):
    limits = LimitSettings(head_timeout_s=1.0)
    async with guarded(tmp_path, limits=limits) as server:
        host, port = server.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(get(b"/health"))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.write(b"GET /health HTTP/1.1\r\n")  # the second request of one connection too

        async def is_over():
            writer.write(b"X-Slow: a\r\n")
            return reader.at_eof() or writer.is_closing() or reader.exception() is not None

        async def read_on():
            while await reader.read(1 << 16):
                pass

        reading = asyncio.create_task(read_on())
        await until(is_over, 10)
        await asyncio.gather(reading, return_exceptions=True)
        writer.close()


async def test_one_address_holds_so_many_connections_and_no_more(tmp_path):
    limits = LimitSettings(connections_per_address_max=3)
    async with guarded(tmp_path, limits=limits) as server:
        host, port = server.url.removeprefix("http://").split(":")
        held = [await asyncio.open_connection(host, int(port)) for _ in range(3)]
        for reader, writer in held:
            writer.write(get(b"/health"))
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        assert await told(server, get(b"/health")) == b""
        for _, other in held:
            other.close()

        async def is_free():
            return await told(server, get(b"/health")) != b""

        await until(is_free)
