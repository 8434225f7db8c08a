"""Does a follower end with all that the node has, whatever happens to its connections."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from tests.servers.loopback import loopback

from tidemill.chains.evm.follower import EvmFollower
from tidemill.chains.evm.shell import Shell
from tidemill.core.clock import SystemClock
from tidemill.sandbox.world import World
from tidemill.schema.events import Health
from tidemill.schema.faults import Refused, Unsafe

from .driver import config_of
from .fake_node import FakeNode, head_notice, log_notices
from .proxy import Proxy, proxied
from .test_anvil import Seen, following, logs_of_node, newest, trading
from .test_anvil import config_of as world_config

QUICK = {
    "answer_timeout_ms": 1_000,
    "retry_first_ms": 20,
    "retry_max_ms": 200,
    "reconnect_first_ms": 20,
    "reconnect_max_ms": 200,
    "tick_ms": 10,
}


async def catch_up(world: World, seen: Seen, follower: EvmFollower, heal: Callable[[], None]) -> None:
    """Trade for a while, heal the connection, and wait until the follower has all that the node has."""
    async with trading(world, swaps_per_s=200, block_ms=50) as counts:
        await seen.until(lambda: counts.blocks >= 20)
    heal()
    await world.mine()
    tip = await newest(world)
    await seen.until(lambda: follower.tip == tip)
    assert seen.logs() == await logs_of_node(world)


@asynccontextmanager
async def through_proxies(world: World) -> AsyncIterator[tuple[EvmFollower, Seen, Proxy, Proxy]]:
    async with proxied(world.ws_url) as ws, proxied(world.http_url) as http:
        config = world_config(world, ws_url=ws.url, http_url=http.url, **QUICK)
        async with following(config) as (follower, seen):
            yield follower, seen, ws, http


async def test_a_socket_that_drops_in_the_middle_of_an_answer_loses_nothing(fresh_world: World) -> None:
    async with through_proxies(fresh_world) as (follower, seen, ws, http):
        ws.cut_after_bytes = 150_000
        http.cut_after_bytes = 60_000

        def heal() -> None:
            ws.cut_after_bytes = http.cut_after_bytes = None

        await catch_up(fresh_world, seen, follower, heal)
        assert ws.connection_count > 1
    assert any("Unreachable" in fault for fault in seen.faults)


async def test_a_slow_endpoint_loses_nothing(fresh_world: World) -> None:
    async with through_proxies(fresh_world) as (follower, seen, ws, http):
        ws.delay_s = http.delay_s = 0.05

        def heal() -> None:
            ws.delay_s = http.delay_s = 0

        await catch_up(fresh_world, seen, follower, heal)


async def test_corrupted_bytes_are_faults_and_lose_nothing(fresh_world: World) -> None:
    async with through_proxies(fresh_world) as (follower, seen, ws, http):
        ws.corrupt_every = http.corrupt_every = 7

        def heal() -> None:
            ws.corrupt_every = http.corrupt_every = None
            ws.cut_all()

        await catch_up(fresh_world, seen, follower, heal)
    assert seen.faults


async def test_an_endpoint_that_is_down_at_first_and_once_more_is_waited_for(fresh_world: World) -> None:
    async with proxied(fresh_world.ws_url) as ws:
        ws.is_shut = True
        config = world_config(fresh_world, ws_url=ws.url, http_url=None, **QUICK)
        async with following(config) as (follower, seen):
            await seen.until(lambda: ws.connection_count >= 3)
            assert not seen.canonical()
            ws.is_shut = False
            tip = await newest(fresh_world)
            await seen.until(lambda: follower.tip == tip)
            ws.is_shut = True
            ws.cut_all()
            await fresh_world.mine(60)
            tried = ws.connection_count
            await seen.until(lambda: ws.connection_count >= tried + 2)
            ws.is_shut = False
            tip = await newest(fresh_world)
            await seen.until(lambda: follower.tip == tip)
    states = [event.state for step in seen.steps for event in step.events if isinstance(event, Health)]
    assert states[-1] == "leading"
    assert "down" in states


@asynccontextmanager
async def serving(
    node: FakeNode, spoil: Callable[[], Awaitable[web.Response | None]]
) -> AsyncIterator[dict[str, Any]]:
    """Serve a fake node over HTTP and WebSocket; `spoil` may answer an HTTP request in its place."""
    sockets: list[web.WebSocketResponse] = []

    async def talk(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        sockets.append(socket)
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                await socket.send_str(node.answer(message.data.encode()).decode())
        return socket

    async def post(request: web.Request) -> web.StreamResponse:
        return await spoil() or web.Response(body=node.answer(await request.read()))

    app = web.Application()
    app.router.add_get("/", talk)
    app.router.add_post("/", post)
    async with loopback(app, shutdown_timeout=0.1) as where:
        yield {"ws_url": f"ws://{where}", "http_url": f"http://{where}", "sockets": sockets}


async def unspoilt() -> None:
    return None


async def test_a_node_that_limits_the_rate_is_left_alone_and_asked_again() -> None:
    node = FakeNode()
    node.mine(2, blocks=100)
    refusals = 5

    async def limited() -> web.Response | None:
        nonlocal refusals
        refusals -= 1
        return web.Response(status=429, headers={"Retry-After": "1"}) if refusals >= 0 else None

    async with serving(node, limited) as urls:
        del urls["sockets"]
        async with following(config_of(**urls, **QUICK)) as (follower, seen):
            tip = (node.tip.number, bytes.fromhex(node.tip.hash[2:]))
            await seen.until(lambda: follower.tip == tip)
    assert any("HTTP 429" in fault for fault in seen.faults)


async def test_garbage_over_http_is_malformed_and_asked_again() -> None:
    node = FakeNode()
    node.mine(2, blocks=100)
    count = 0

    async def garbage() -> web.Response | None:
        nonlocal count
        count += 1
        answers = {2: b"[1,2,3]", 3: b"<html>", 4: b'[{"jsonrpc":"2.0","id":1,"result":', 5: b"{}"}
        return web.Response(body=answers[count]) if count in answers else None

    async with serving(node, garbage) as urls:
        del urls["sockets"]
        async with following(config_of(**urls, **QUICK)) as (follower, seen):
            tip = (node.tip.number, bytes.fromhex(node.tip.hash[2:]))
            await seen.until(lambda: follower.tip == tip)
    assert any(fault.startswith("Malformed") for fault in seen.faults)


async def test_the_wrong_chain_is_refused_and_not_tried_again() -> None:
    node = FakeNode(chain_id=5)
    async with serving(node, unspoilt) as urls:
        config = config_of(ws_url=urls["ws_url"], **QUICK)
        shell = Shell(EvmFollower(config, None, "run"), Seen().take, SystemClock())
        with pytest.raises(Refused, match="expected chain id 31337, found 5"):
            await asyncio.wait_for(shell.run("run", {}), 10)
        assert len(urls["sockets"]) == 1


async def test_a_fault_of_the_recipient_ends_the_run_as_it_is() -> None:
    async def fail(step: Any) -> None:
        if step.blocks:
            raise Unsafe("no further")

    async with serving(FakeNode(), unspoilt) as urls:
        shell = Shell(
            EvmFollower(config_of(ws_url=urls["ws_url"], **QUICK), None, "run"), fail, SystemClock()
        )
        with pytest.raises(Unsafe, match="no further"):
            await asyncio.wait_for(shell.run("run", {}), 10)


async def test_a_connection_that_announces_no_block_though_there_are_is_replaced() -> None:
    node = FakeNode()
    async with serving(node, unspoilt) as urls:
        config = config_of(ws_url=urls["ws_url"], **(QUICK | {"silence_ms": 100}))
        async with following(config) as (follower, seen):
            await seen.until(lambda: follower.tip[0] == 0)
            async with asyncio.timeout(20):
                while len(urls["sockets"]) < 2:
                    node.mine(1)
                    await asyncio.sleep(0.2)
            for frame in (*log_notices(node.tip), head_notice(node.tip)):
                await urls["sockets"][-1].send_str(frame.decode())
            await seen.until(lambda: follower.tip[0] == node.tip.number)


async def test_a_lost_connection_is_back_within_half_a_second(fresh_world: World) -> None:
    async with proxied(fresh_world.ws_url) as ws:
        config = world_config(fresh_world, ws_url=ws.url, http_url=None)
        async with following(config) as (follower, seen):
            took_s: list[float] = []
            for _ in range(3):  # the best of some: a machine may be busy for half a second itself
                await fresh_world.mine(1)
                tip = await newest(fresh_world)
                await seen.until(lambda: follower.tip == tip)  # noqa: B023 waited for right here
                ws.cut_all()
                begun_s = asyncio.get_running_loop().time()
                count = ws.connection_count
                await seen.until(lambda: ws.connection_count > count)  # noqa: B023 waited for right here
                took_s.append(asyncio.get_running_loop().time() - begun_s)
            assert min(took_s) < 0.75


async def test_a_recipient_that_is_slow_holds_the_chain_back_and_loses_nothing() -> None:
    node = FakeNode()
    async with serving(node, unspoilt) as urls:
        config = config_of(ws_url=urls["ws_url"], **QUICK)
        follower, seen, release = EvmFollower(config, None, "run"), Seen(), asyncio.Event()

        async def slow(step: Any) -> None:
            await seen.take(step)
            if step.blocks:
                await release.wait()

        task = asyncio.create_task(Shell(follower, slow, SystemClock()).run("run", {}))
        await seen.until(lambda: any(step.blocks for step in seen.steps))
        for _ in range(50):
            node.mine(5)
            for frame in (*log_notices(node.tip), head_notice(node.tip)):
                await urls["sockets"][-1].send_str(frame.decode())
        release.set()
        await seen.until(lambda: follower.tip[0] == node.tip.number)
        assert len(seen.logs()) == 250
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def test_urls_in_a_recording_have_no_secrets() -> None:
    from tidemill.chains.evm.replay import read_start, start_entry

    config = config_of(
        ws_url="wss://eth.example/v2/0123456789abcdef", http_url="https://u:p@eth.example/?key=k"
    )
    entry = start_entry(config, "run", {b"a": b"b"}, 1)
    assert b"0123456789abcdef" not in entry.data
    assert b"u:p" not in entry.data
    assert b"key=k" not in entry.data
    start = read_start(entry)
    assert start.state_items() == [(b"a", b"b")]
    assert json.loads(msgspec.json.encode(start.config))["chain_id"] == config.chain_id
