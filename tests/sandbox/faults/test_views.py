"""Does a lagging or forked endpoint hold together, before a real node."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
import pytest

from tidemill.sandbox.faults.dice import Dice
from tidemill.sandbox.faults.proxy import FaultProxy, fault_proxy
from tidemill.sandbox.faults.scenario import Scenario
from tidemill.sandbox.faults.views import fork_block
from tidemill.sandbox.rpc import Call, Rpc, RpcError
from tidemill.sandbox.traders import TraderCounts, TraderOptions, trade
from tidemill.sandbox.world import World


@asynccontextmanager
async def before(world: World, text: str, *, over_http: bool = True) -> AsyncIterator[FaultProxy]:
    http_url = world.http_url if over_http else None
    async with fault_proxy(
        http_url=http_url, ws_url=world.ws_url, scenario=Scenario.parse(text), seed=7
    ) as proxy:
        yield proxy


@asynccontextmanager
async def subscribed(url: str, *wanted: Any) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with aiohttp.ClientSession() as http, http.ws_connect(url, max_msg_size=0) as socket:
        await socket.send_json({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": wanted})
        assert "result" in await socket.receive_json(timeout=10)
        yield socket


async def heads(socket: aiohttp.ClientWebSocketResponse, last: int) -> list[dict[str, Any]]:
    """Return the heads up to number `last`."""
    found: list[dict[str, Any]] = []
    while not found or int(found[-1]["number"], 16) < last:
        found.append((await socket.receive_json(timeout=10))["params"]["result"])
    return found


async def trade_blocks(world: World, blocks: int) -> int:
    """Trade for so many blocks; return the newest block's number."""
    counts = TraderCounts()
    done = asyncio.Event()

    async def between() -> None:
        if counts.blocks >= blocks:
            done.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(trade(world, TraderOptions(swaps_per_s=500, block_ms=20), counts, between))
    await asyncio.wait_for(done.wait(), 30)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with Rpc(world.http_url) as rpc:
        return int(await rpc.call("eth_blockNumber"), 16)


@pytest.mark.parametrize("over_http", [True, False])
async def test_a_lagging_endpoint_knows_nothing_of_the_last_blocks(world: World, over_http: bool) -> None:
    async with (
        before(world, "stale=3", over_http=over_http) as proxy,
        subscribed(proxy.ws_url, "newHeads") as socket,
    ):
        newest = await trade_blocks(world, 10)
        said = await heads(socket, newest - 3)
        with pytest.raises(TimeoutError):
            await socket.receive(0.2)
        assert proxy.counts["stale"] >= len(said)
    async with Rpc(world.http_url) as honest:
        hidden = await honest.call("eth_getBlockByNumber", hex(newest - 2), True)
        visible = await honest.call("eth_getBlockByNumber", hex(newest - 3), True)
        logs = await honest.call("eth_getLogs", {"fromBlock": hex(newest - 5), "toBlock": hex(newest)})
    assert said[-1]["hash"] == visible["hash"]
    async with before(world, "stale=3") as proxy, Rpc(proxy.http_url) as rpc:
        assert int(await rpc.call("eth_blockNumber"), 16) == newest - 3
        assert await rpc.call("eth_getBlockByNumber", "latest", True) == visible
        assert await rpc.call("eth_getBlockByNumber", hex(newest - 2), False) is None
        assert await rpc.call("eth_getBlockByHash", hidden["hash"], False) is None
        assert await rpc.call("eth_getBlockReceipts", hex(newest)) is None
        assert await rpc.call("eth_getTransactionReceipt", hidden["transactions"][0]["hash"]) is None
        kept = [log for log in logs if int(log["blockNumber"], 16) <= newest - 3]
        assert await rpc.call("eth_getLogs", {"fromBlock": hex(newest - 5)}) == kept != logs
        assert await rpc.call("eth_getLogs", {"fromBlock": hex(newest - 5), "toBlock": hex(newest)}) == kept
        (refused,) = await rpc.each([Call("eth_getLogs", [{"blockHash": hidden["hash"]}])])
        assert isinstance(refused, RpcError)
        symbol = {"to": world.tokens[0].address, "data": "0x95d89b41"}
        assert await rpc.call("eth_call", symbol) == await rpc.call("eth_call", symbol, "latest") != "0x"
        (refused,) = await rpc.each([Call("eth_call", [symbol, hex(newest)])])
        assert isinstance(refused, RpcError)


async def test_logs_come_late_from_a_lagging_endpoint(world: World) -> None:
    async with before(world, "stale=2") as proxy, subscribed(proxy.ws_url, "logs", {}) as socket:
        newest = await trade_blocks(world, 6)
        numbers: list[int] = []
        while True:
            try:
                notice = await socket.receive_json(timeout=0.3)
            except TimeoutError:
                break
            numbers.append(int(notice["params"]["result"]["blockNumber"], 16))
    assert numbers
    assert numbers == sorted(numbers)
    assert max(numbers) <= newest - 2


@pytest.mark.parametrize("over_http", [True, False])
async def test_another_fork_is_linked_in_itself_from_its_first_block_on(
    world: World, over_http: bool
) -> None:
    async with Rpc(world.http_url) as honest, before(world, "wrong_fork=1/3", over_http=over_http) as proxy:
        start = int(await honest.call("eth_blockNumber"), 16)
        first = proxy.fork_block
        assert first == fork_block(Dice(7), 3, start)
        async with subscribed(proxy.ws_url, "newHeads") as socket:
            newest = await trade_blocks(world, first - start + 8)
            said = await heads(socket, newest)
        true = [await honest.call("eth_getBlockByNumber", head["number"], False) for head in said]
    by_number = {int(head["number"], 16): head for head in said}
    for head, block in zip(said, true, strict=True):
        number = int(head["number"], 16)
        assert (head["hash"] == block["hash"]) == (number < first)
        if number - 1 in by_number:
            assert head["parentHash"] == by_number[number - 1]["hash"]
    assert by_number[first]["parentHash"] == true[first - int(said[0]["number"], 16)]["parentHash"]
    altered = {bytes.fromhex(block["hash"][2:]) for block in true if int(block["number"], 16) >= first}
    assert {one.block_hash for one in proxy.injected if one.kind == "wrong_fork"} == altered


async def test_a_fork_is_asked_for_by_its_own_hashes_and_knows_no_others(world: World) -> None:
    async with (
        before(world, "wrong_fork=1/1") as proxy,
        Rpc(proxy.http_url) as rpc,
        Rpc(world.http_url) as honest,
    ):
        newest = hex(await trade_blocks(world, 5))
        true = await honest.call("eth_getBlockByNumber", newest, True)
        block = await rpc.call("eth_getBlockByNumber", newest, True)
        assert block["hash"] != true["hash"]
        assert {transaction["blockHash"] for transaction in block["transactions"]} == {block["hash"]}
        assert await rpc.call("eth_getBlockByHash", block["hash"], True) == block
        assert await rpc.call("eth_getBlockByHash", true["hash"], True) is None
        parent = await rpc.call("eth_getBlockByHash", block["parentHash"], False)
        assert int(parent["number"], 16) == int(newest, 16) - 1
        logs = await rpc.call("eth_getLogs", {"blockHash": block["hash"]})
        assert {log["blockHash"] for log in logs} == {block["hash"]}
        honest_logs = await honest.call("eth_getLogs", {"blockHash": true["hash"]})
        assert len(logs) == len(honest_logs) > 0
        assert msgspec.json.encode(logs).replace(block["hash"].encode(), true["hash"].encode()) == (
            msgspec.json.encode(honest_logs)
        )
        (refused,) = await rpc.each([Call("eth_getLogs", [{"blockHash": true["hash"]}])])
        assert isinstance(refused, RpcError)
        receipts = await rpc.call("eth_getBlockReceipts", block["hash"])
        assert {log["blockHash"] for receipt in receipts for log in receipt["logs"]} == {block["hash"]}


async def test_a_log_is_missing_from_logs_receipts_and_notices_of_a_real_node(world: World) -> None:
    async with before(world, "drop_log=1/10") as proxy, Rpc(proxy.http_url) as rpc:
        async with subscribed(proxy.ws_url, "logs", {}) as socket:
            newest = await trade_blocks(world, 5)
            noticed: set[tuple[str, str]] = set()
            while True:
                try:
                    log = (await socket.receive_json(timeout=0.3))["params"]["result"]
                except TimeoutError:
                    break
                noticed.add((log["blockHash"], log["logIndex"]))
        async with Rpc(world.http_url) as honest:
            wanted = {"fromBlock": hex(newest - 4), "toBlock": hex(newest)}
            all_of_it = identities(await honest.call("eth_getLogs", wanted))
        kept = {
            (block, index)
            for block, index in all_of_it
            if not proxy.drops_log(bytes.fromhex(block[2:]), int(index, 16))
        }
        assert identities(await rpc.call("eth_getLogs", wanted)) == kept
        blocks = [await rpc.call("eth_getBlockReceipts", hex(newest - back)) for back in range(5)]
        assert identities(log for block in blocks for one in block for log in one["logs"]) == kept
        assert {one for one in noticed if one in all_of_it} == kept
        assert proxy.dropped_logs >= {(bytes.fromhex(b[2:]), int(i, 16)) for b, i in all_of_it - kept}
        assert all_of_it - kept
        methods = {one.method for one in proxy.injected}
        assert methods == {None, "eth_getLogs", "eth_getBlockReceipts"}


def identities(logs: Any) -> set[tuple[str, str]]:
    return {(log["blockHash"], log["logIndex"]) for log in logs}


async def test_an_endpoint_that_lags_no_more_says_what_it_held_back(world: World) -> None:
    async with before(world, "stale=4") as proxy, subscribed(proxy.ws_url, "newHeads") as socket:
        newest = await trade_blocks(world, 8)
        said = await heads(socket, newest - 4)
        await proxy.change(Scenario())
        newest = await trade_blocks(world, 1)
        said += await heads(socket, newest)
    numbers = [int(head["number"], 16) for head in said]
    assert numbers == list(range(numbers[0], newest + 1))
