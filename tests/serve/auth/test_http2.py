"""HTTP/2 tells what HTTP/1.1 does, on the same port, and who abuses it is stopped."""

import asyncio
import random
import shutil
import ssl
import time
from contextlib import suppress
from http import HTTPStatus

import pytest
from h2.errors import ErrorCodes
from h2.events import DataReceived, ResponseReceived, StreamReset
from h2.settings import SettingCodes
from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from starlette.responses import StreamingResponse
from tests.app.until import until
from tests.serve.http2_client import Ended, http2

from tidemill.serve.auth.config import LimitSettings, TlsSettings
from tidemill.serve.role import Role
from tidemill.serve.route import Answer, Route

from .certificates import Authority
from .guarded import guarded, token
from .test_every_route import ADDED, ALL, LOOSE, path_of

OF_THE_MOMENT = {"date", "x-request-id", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"}
ENDLESS = {"/sse/stream"}


async def swallow(call):
    """Say how much was sent."""
    return Answer(len(await call.request.body()))


async def forever(call):
    """Tell a line, and then nothing."""

    async def lines():
        yield b"data: 1\n\n"
        await asyncio.Event().wait()

    return StreamingResponse(lines(), media_type="text/event-stream")


async def large(call):
    """Tell more than any window has."""
    return StreamingResponse(iter([bytes(1 << 20)] * 8), media_type="application/octet-stream")


async def slow(call):
    """Tell a line, and another one after a while."""

    async def lines():
        yield b"begun\n"
        await asyncio.sleep(0.3)
        yield b"ended\n"

    return StreamingResponse(lines(), media_type="text/plain")


ROUTES = (
    Route(path="/swallow", method="POST", answer=swallow, role=Role.VIEWER),
    Route(path="/forever", answer=forever, role=Role.VIEWER, tells=str, media_types=("text/event-stream",)),
    Route(path="/large", answer=large, role=Role.VIEWER, tells=bytes),
    Route(path="/slow", answer=slow, role=Role.VIEWER),
)
HASTY = LimitSettings(
    requests_per_minute=1_000_000, body_timeout_s=5.0, stall_timeout_s=1.0, body_bytes_max=200_000
)
EAGER = LimitSettings(requests_per_minute=1_000_000, head_timeout_s=1.0)


@pytest.fixture
def ours(tmp_path):
    return Authority(tmp_path, "ours")


@pytest.fixture
def secured(tmp_path, ours):
    files = ours.issue("server")
    trusting = ssl.create_default_context(cafile=ours.file)
    settings = TlsSettings(certificate=files.certificate, private_key=files.private_key)
    return lambda **more: guarded(tmp_path, tls=trusting, api_tls=settings, **more)


def shown(role="admin"):
    return {"authorization": f"Bearer {token({'role': role})}"}


def curl():
    """Return the client that speaks HTTP/2 by another library than ours."""
    return shutil.which("curl") or pytest.skip("needs curl")


async def until_ended(client):
    """Read what is sent to the end of the connection."""
    with suppress(ConnectionError):
        while await client.reader.read(1 << 16):
            pass


async def test_every_route_tells_the_same_over_both(secured, ours):
    async with (
        secured(routes=ADDED, limits=LOOSE) as server,
        http2(server.url, ssl.create_default_context(cafile=ours.file)) as client,
    ):
        for route in ALL:
            if route.method == "WEBSOCKET" or route.path in ENDLESS:
                continue
            method, headers = route.method, shown()
            body = None if method in {"GET", "DELETE"} else b"{}"
            got = await client.answer(await client.ask(path_of(route), method, headers, body))
            async with server.request(path_of(route), method=method, headers=headers, data=body) as answer:
                content = await answer.read()
                assert got.status == answer.status, route.key
                told = {name.lower(): value for name, value in answer.headers.items()}
            assert got.headers.keys() == told.keys() - {"transfer-encoding"}, route.key
            if route.path not in {"/metrics", "/auth/ticket"}:  # another one each time
                assert got.body == content, route.key
                for name in got.headers.keys() - OF_THE_MOMENT:
                    assert got.headers[name] == told[name], route.key


async def test_a_client_of_others_reads_and_writes_over_one_connection(secured, ours, tmp_path):
    (tmp_path / "sent").write_bytes(bytes(150_000))
    told = "%{http_version} %{response_code} %{size_download} %{num_connects}\n"
    async with secured(routes=ROUTES) as server:
        common = ["-sS", "--http2", "--cacert", ours.file, "-w", told, "-o", "/dev/null"]
        authorization = ["-H", f"Authorization: Bearer {token()}"]
        asked = ["/large", "/health", "/large"]
        first = [part for path in asked for part in (*authorization, *common, server.url + path, "--next")]
        posted = [*authorization, *common, "--data-binary", f"@{tmp_path / 'sent'}", server.url + "/swallow"]
        run = await asyncio.create_subprocess_exec(
            curl(), *first, *posted, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await run.communicate()
        lines = said.decode().splitlines()
        assert lines[0] == f"2 200 {8 << 20} 1"
        assert lines[1].startswith("2 200 ")
        assert lines[2:] == [f"2 200 {8 << 20} 0", "2 200 6 0"], "all over the first connection"


async def test_without_tls_it_is_spoken_by_who_knows(tmp_path):
    async with guarded(tmp_path) as server:
        async with http2(server.url) as client:
            assert (await client.get("/stats", shown())).status == HTTPStatus.OK
            assert (await client.get("/stats")).status == HTTPStatus.UNAUTHORIZED
            assert (await client.get("/stats?limit=%ff#x", shown())).status == HTTPStatus.BAD_REQUEST
        _, _, headers = await server.ask("/stats", token())
        assert headers["date"], "and HTTP/1.1 is spoken to others"


async def test_who_offers_both_gets_http_2_and_websockets_get_http_1(secured, ours):
    async with secured() as server:
        context = ssl.create_default_context(cafile=ours.file)
        for offered, agreed in ((["http/1.1", "h2"], "h2"), (["http/1.1"], "http/1.1")):
            context.set_alpn_protocols(offered)
            host, port = server.url.removeprefix("https://").split(":")
            _, writer = await asyncio.open_connection(host, int(port), ssl=context)
            assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == agreed
            writer.close()
        socket = server.session.ws_connect(server.url + "/ws/nothing", ssl=server.tls, headers=shown())
        async with socket as opened:
            assert "fault" in (await opened.receive()).data


async def test_events_come_as_they_happen_and_end_with_who_asked(tmp_path):
    async with guarded(tmp_path, routes=ROUTES) as server, http2(server.url) as client:
        ending = {"authorization": f"Bearer {token({'exp': time.time() + 4})}"}
        stream, other = (
            await client.ask("/forever", headers=ending),
            await client.ask("/forever", headers=shown()),
        )
        assert (await client.until(DataReceived, stream)).data == b"data: 1\n\n"
        with pytest.raises(Ended):  # reset: it must not look whole
            await client.answer(stream)
        assert not client.of(StreamReset, other)
        assert (await client.get("/stats", shown())).status == HTTPStatus.OK


async def test_an_answer_under_way_is_finished_when_the_server_ends(secured, ours):
    async with secured(routes=ROUTES) as server:
        asked = ["-sSN", "--http2", "--cacert", ours.file, "-H", f"Authorization: Bearer {token()}"]
        run = await asyncio.create_subprocess_exec(
            curl(), *asked, server.url + "/slow", stdout=asyncio.subprocess.PIPE
        )
        assert run.stdout is not None
        assert await run.stdout.readline() == b"begun\n"
        server.stop()
        assert await run.stdout.read() == b"ended\n"
        assert await run.wait() == 0


async def test_bodies_have_the_limits_of_http_1(tmp_path):
    async with guarded(tmp_path, routes=ROUTES, limits=HASTY) as server, http2(server.url) as client:
        for size, status in ((150_000, HTTPStatus.OK), (250_000, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)):
            stream = client.h2.get_next_available_stream_id()
            client.h2.send_headers(stream, client.head("POST", "/swallow", shown()))
            sent = 0
            while sent < size and not client.of(ResponseReceived, stream):
                room = min(client.h2.local_flow_control_window(stream), 16_384, size - sent)
                if room:
                    client.h2.send_data(stream, bytes(room), end_stream=sent + room == size)
                    sent += room
                    await client.flush()
                else:
                    await client.read()
            assert (await client.until(ResponseReceived, stream)).headers[0] == (":status", str(int(status)))
        stream = client.h2.get_next_available_stream_id()
        client.h2.send_headers(stream, client.head("POST", "/swallow", shown()))
        client.h2.send_data(stream, b"and nothing more")
        await client.flush()
        head = await client.until(ResponseReceived, stream)
        assert head.headers[0] == (":status", "408")
        assert (await client.get("/stats", shown())).status == HTTPStatus.OK, "the others go on"


async def test_a_head_that_is_too_large_is_refused_and_one_that_is_monstrous_ends_the_connection(tmp_path):
    async with guarded(tmp_path, limits=HASTY) as server:
        async with http2(server.url) as client:
            asked = await client.get("/stats", {**shown(), "x-a": "a" * 40_000})
            assert asked.status == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        for more in ({"x-a": "a" * 200_000}, {f"x-{number}": "a" for number in range(3_000)}):
            async with http2(server.url) as client:
                client.writer.write(framed(client.head("GET", "/stats", {**shown(), **more})))
                await until_ended(client)
        async with http2(server.url) as client:  # a part of a head after the other, and no end
            client.writer.write(HeadersFrame(1, b"").serialize())
            for _ in range(30):
                client.writer.write(ContinuationFrame(1, bytes(10_000)).serialize())
            await until_ended(client)
        async with http2(server.url) as client:
            assert (await client.get("/stats", shown())).status == HTTPStatus.OK


def framed(head):
    """Return the frames of a head that the client's library would not send."""
    block = Encoder().encode(head, huffman=False)
    parts = [block[at : at + 16_384] for at in range(0, len(block), 16_384)]
    frames = [
        HeadersFrame(1, parts[0], flags=["END_STREAM"]),
        *(ContinuationFrame(1, one) for one in parts[1:]),
    ]
    frames[-1].flags.add("END_HEADERS")
    return b"".join(frame.serialize() for frame in frames)


def resets(client):
    """Ask, and take it back at once."""
    stream = client.h2.get_next_available_stream_id()
    client.h2.send_headers(stream, client.head("GET", "/slow", {}), end_stream=True)
    return client.h2.data_to_send() + RstStreamFrame(stream, error_code=8).serialize()


def made_resets(client):
    """Ask, and have the server take it back."""
    stream = client.h2.get_next_available_stream_id()
    client.h2.send_headers(stream, client.head("GET", "/slow", {}), end_stream=True)
    frame = WindowUpdateFrame(stream, window_increment=(1 << 31) - 1)
    return client.h2.data_to_send() + frame.serialize()


def late_data(client):
    """Go on with a body whose request was taken back."""
    if client.h2.highest_outbound_stream_id < 1:
        client.h2.send_headers(1, client.head("POST", "/swallow", shown()))
        client.h2.reset_stream(1)
    return client.h2.data_to_send() + DataFrame(1, b"").serialize()


def small_data(client):
    """Send a body of nothing."""
    if client.h2.highest_outbound_stream_id < 1:
        client.h2.send_headers(1, client.head("POST", "/swallow", shown()))
    return client.h2.data_to_send() + DataFrame(1, b"").serialize()


FLOODS = {
    "resets": resets,
    "made resets": made_resets,
    "small data": small_data,
    "late data": late_data,
    "pings": lambda _: PingFrame(0, b"12345678").serialize(),
    "settings": lambda _: SettingsFrame(0, {SettingCodes.INITIAL_WINDOW_SIZE: 1}).serialize(),
    "windows": lambda _: WindowUpdateFrame(0, window_increment=1).serialize(),
    "priorities": lambda _: PriorityFrame(1, depends_on=0, stream_weight=1).serialize(),
}


@pytest.mark.parametrize("flood", FLOODS)
async def test_a_flood_of_what_asks_for_nothing_ends_its_connection_and_no_other(tmp_path, flood, caplog):
    async with (
        guarded(tmp_path, routes=ROUTES, limits=HASTY) as server,
        http2(server.url) as other,
        http2(server.url) as client,
    ):
        stream = await other.ask("/forever", headers=shown())
        await other.until(DataReceived, stream)
        client.writer.write(b"".join(FLOODS[flood](client) for _ in range(1_500)))
        await until_ended(client)
        assert (await other.get("/stats", shown())).status == HTTPStatus.OK
        assert not other.of(StreamReset, stream)
        assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_hundred_requests_that_are_taken_back_are_no_attack(tmp_path):
    async with (
        guarded(tmp_path, routes=ROUTES, limits=LOOSE, connections_max=300) as server,
        http2(server.url) as client,
    ):
        for _ in range(90):
            stream = await client.ask("/forever", headers=shown())
            client.h2.reset_stream(stream, ErrorCodes.CANCEL)
        assert (await client.get("/stats", shown())).status == HTTPStatus.OK


@pytest.mark.parametrize("window_bytes", [0, 1])
async def test_an_answer_that_nobody_takes_is_taken_back(tmp_path, window_bytes):
    async with guarded(tmp_path, routes=ROUTES, limits=HASTY) as server, http2(server.url) as client:
        client.is_reading = False
        client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: window_bytes})
        await client.flush()
        await client.read()
        stream = await client.ask("/large", headers=shown())

        async def open_slowly():
            while True:
                client.h2.increment_flow_control_window(1, stream)
                await client.flush()
                await asyncio.sleep(0.05)

        opening = asyncio.create_task(open_slowly() if window_bytes else asyncio.sleep(0))
        reset = await client.until(StreamReset, stream)
        opening.cancel()
        assert reset.error_code == ErrorCodes.CANCEL


async def test_an_answer_that_is_taken_in_crumbs_is_not_given(tmp_path):
    async with guarded(tmp_path, routes=ROUTES, limits=HASTY) as server, http2(server.url) as client:
        client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 1})  # and opened at each byte
        stream = await client.ask("/large", headers=shown())
        with pytest.raises(Ended) as ended:
            await client.answer(stream)
        assert ended.value.code in {ErrorCodes.ENHANCE_YOUR_CALM, ErrorCodes.CANCEL}


async def test_who_reads_nothing_at_all_is_let_go(tmp_path):
    async with guarded(tmp_path, routes=ROUTES, limits=HASTY) as server, http2(server.url) as client:
        client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: (1 << 31) - 1})
        client.h2.increment_flow_control_window(1 << 30)
        await client.flush()
        for _ in range(20):
            await client.ask("/large", headers=shown())

        async def is_over():
            client.writer.write(PingFrame(0, b"12345678").serialize())
            return client.writer.transport.is_closing()

        await until(is_over)


@pytest.mark.parametrize("sent", ["nothing", "no end", "pings", "endless"])
async def test_a_head_that_never_ends_is_ended(tmp_path, sent):
    async with guarded(tmp_path, routes=ROUTES, limits=EAGER) as server, http2(server.url) as client:
        begun = HeadersFrame(1, b"\x82")  # without END_HEADERS
        more = {"no end": begun.serialize(), "endless": begun.serialize()}.get(sent, b"")
        client.writer.write(more)
        again = {
            "pings": PingFrame(0, b"12345678").serialize(),
            "endless": ContinuationFrame(1, b"").serialize(),
        }.get(sent, b"")

        async def trickle():
            while True:
                client.writer.write(again)
                await asyncio.sleep(0.05)

        trickling = asyncio.create_task(trickle())
        await until_ended(client)
        trickling.cancel()


async def test_streams_count_among_the_connections_of_an_address(tmp_path):
    limits = LimitSettings(connections_per_address_max=5)
    async with guarded(tmp_path, routes=ROUTES, limits=limits) as server:
        async with http2(server.url) as client, http2(server.url) as other:
            held = [await client.ask("/forever", headers=shown()) for _ in range(3)]
            for stream in held:
                await client.until(DataReceived, stream)
            with pytest.raises(Ended) as refused:
                await other.get("/stats", shown())
            assert refused.value.code == ErrorCodes.REFUSED_STREAM
            client.h2.reset_stream(held[0], ErrorCodes.CANCEL)
            await client.flush()

            async def is_free():
                try:
                    return (await other.get("/stats", shown())).status == HTTPStatus.OK
                except Ended:
                    return False

            await until(is_free)


async def test_noise_is_refused_and_is_no_bug(tmp_path, caplog):
    dice = random.Random(1)
    async with guarded(tmp_path, routes=ROUTES, limits=EAGER) as server:

        async def attack():
            async with http2(server.url) as client:
                for _ in range(3):
                    client.h2.send_headers(
                        client.h2.get_next_available_stream_id(), client.head("GET", "/stats", shown())
                    )
                good = bytearray(client.h2.data_to_send())
                for _ in range(dice.randrange(1, 20)):
                    good[dice.randrange(len(good))] = dice.randrange(256)
                client.writer.write(bytes(good) + dice.randbytes(dice.randrange(200)))
                await until_ended(client)

        at_once = asyncio.Semaphore(30)

        async def in_turn():
            async with at_once:
                await attack()

        async with asyncio.TaskGroup() as tasks:
            for _ in range(120):
                tasks.create_task(in_turn())
        assert await server.status("/stats", token()) == HTTPStatus.OK
        assert not [record for record in caplog.records if record.levelname == "ERROR"], caplog.text
