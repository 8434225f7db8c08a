import asyncio
from collections.abc import AsyncIterator

import aiohttp
import msgspec
import pytest
import pytest_asyncio

from tidemill.sandbox.faults.proxy import fault_proxy
from tidemill.sandbox.faults.scenario import Scenario
from tidemill.schema.faults import Refused, Unreachable

from .node import ScriptedNode, answer, log_json, notice, posted, said_after, scripted_node

ASK = b'{"jsonrpc": "2.0" ,"id":1,"method":"eth_getLogs","params":[{}]}'


@pytest_asyncio.fixture
async def node() -> AsyncIterator[ScriptedNode]:
    async with scripted_node() as one:
        yield one


def proxied(node: ScriptedNode, text: str = "", seed: int = 7):
    scenario = Scenario.parse(text) if text else None
    return fault_proxy(http_url=node.http_url, ws_url=node.ws_url, scenario=scenario, seed=seed)


async def test_without_a_fault_both_protocols_pass_to_the_byte(node):
    node.script = [' {"odd" : "spacing",\t"x":"é"}', "not json", "x" * 5_000_000, ""]
    node.answers[ASK] = b' {"result" : [ ] , "id":1}\n'
    async with proxied(node) as proxy:
        assert await said_after(proxy.ws_url, " go ") == node.script
        assert await posted(proxy.http_url, ASK) == (200, node.answers[ASK])
        assert node.asked == [b" go ", ASK]
        assert proxy.injected == []
        assert not proxy.counts
        assert (proxy.connection_count, proxy.request_count) == (1, 1)


async def test_the_same_seed_does_the_same_to_every_connection_of_a_run(node):
    node.script = [notice(log_json(n, 0)) for n in range(300)]
    text = "drop_log=1/10,drop=1/10,duplicate=1/10,reorder=1/10,truncate=1/10,garbage=1/10"
    node.hangs_up = True
    runs = []
    for seed in (7, 7, 8):
        async with proxied(node, text, seed) as proxy:
            said = await said_after(proxy.ws_url)
            runs.append((said, [(one.kind, one.message, one.block_hash) for one in proxy.injected]))
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
    assert {kind for kind, _, _ in runs[0][1]} == set(part.partition("=")[0] for part in text.split(","))


async def test_a_missing_log_is_missing_on_every_connection_and_over_http(node):
    logs = [log_json(n // 20, n % 20) for n in range(400)]
    node.script = [notice(log) for log in logs]
    node.answers[ASK] = answer("[" + ",".join(logs) + "]")
    async with proxied(node, "drop_log=1/20") as proxy:
        first = await said_after(proxy.ws_url)
        again = await said_after(proxy.ws_url)
        _, body = await posted(proxy.http_url, ASK)
        listed = proxy.dropped_logs
        by_rule = {
            (bytes.fromhex(f"{n // 20:064x}"), n % 20)
            for n in range(400)
            if proxy.drops_log(bytes.fromhex(f"{n // 20:064x}"), n % 20)
        }
        methods = {one.method for one in proxy.injected}
    assert first == again == [notice(log).decode() for log in _without(logs, listed)]
    assert body == answer("[" + ",".join(_without(logs, listed)) + "]")
    assert listed == by_rule
    assert len(listed) > 5
    assert methods == {None, "eth_getLogs"}


def _without(logs: list[str], gone: set[tuple[bytes, int]]) -> list[str]:
    return [
        log
        for log in logs
        if (bytes.fromhex((d := msgspec.json.decode(log))["blockHash"][2:]), int(d["logIndex"], 16))
        not in gone
    ]


async def test_a_dropped_answer_never_comes_and_the_wait_ends_with_the_client(node):
    async with proxied(node, "drop=1/1") as proxy:
        with pytest.raises(TimeoutError):
            await posted(proxy.http_url, ASK, timeout_s=0.2)
        assert [(one.kind, one.method, one.connection) for one in proxy.injected] == [
            ("drop", "eth_getLogs", 0)
        ]


async def test_a_freeze_says_nothing_answers_pings_and_loses_what_came(node):
    async with (
        proxied(node) as proxy,
        aiohttp.ClientSession() as http,
        http.ws_connect(proxy.ws_url, autoping=False) as socket,
    ):
        await socket.send_str("go")
        assert (await socket.receive(5)).data == '"end"'
        proxy.freeze()
        await node.sockets[0].send_str("unheard")
        with pytest.raises(TimeoutError):
            await posted(proxy.http_url, ASK, timeout_s=0.2)
        await socket.ping(b"there?")
        async with asyncio.timeout(5):
            pong = await socket.receive()
        assert (pong.type, pong.data) == (aiohttp.WSMsgType.PONG, b"there?")
        while not proxy.counts["frozen_message"] >= 2:  # noqa: ASYNC110  the proxy has no event for it
            await asyncio.sleep(0)
        proxy.thaw()
        await node.sockets[0].send_str("heard")
        assert (await socket.receive(5)).data == "heard"
        (one,) = proxy.injected
        assert (one.kind, one.until_ns is not None and one.until_ns > one.at_ns) == ("freeze", True)


async def test_an_outage_refuses_and_cuts_and_the_port_is_the_same_after_it(node):
    async with proxied(node) as proxy, aiohttp.ClientSession() as http:
        for _ in range(3):
            async with http.ws_connect(proxy.ws_url) as socket:
                async with proxy.outage():
                    async with asyncio.timeout(5):
                        assert (await socket.receive()).type in (
                            aiohttp.WSMsgType.CLOSED,
                            aiohttp.WSMsgType.ERROR,
                        )
                    with pytest.raises(aiohttp.ClientConnectorError):
                        await posted(proxy.http_url, ASK)
                assert (await posted(proxy.http_url, ASK))[0] == 200
        assert [one.kind for one in proxy.injected] == ["refuse"] * 3
        assert all(one.until_ns is not None for one in proxy.injected)


async def test_outages_may_overlap(node):
    async with proxied(node) as proxy:
        async with proxy.outage():
            async with proxy.outage():
                pass
            with pytest.raises(aiohttp.ClientConnectorError):
                await posted(proxy.http_url, ASK)
        assert (await posted(proxy.http_url, ASK))[0] == 200
        assert proxy.counts["refuse"] == 1


async def test_scripted_freezes_outages_and_cuts_come_again_and_again(node):
    async with proxied(node, "freeze=0.01s/0.01s,refuse=0.015s/0.01s,disconnect=0.02s") as proxy:
        async with asyncio.timeout(10):
            while not (proxy.counts["freeze"] >= 3 and proxy.counts["refuse"] >= 3):  # noqa: ASYNC110  the proxy has no event for it
                await asyncio.sleep(0.01)


async def test_cut_all_cuts_who_is_there(node):
    async with proxied(node) as proxy, aiohttp.ClientSession() as http:
        assert proxy.cut_all() == 0
        async with http.ws_connect(proxy.ws_url) as one, http.ws_connect(proxy.ws_url) as other:
            assert proxy.cut_all() == 2
            for socket in (one, other):
                async with asyncio.timeout(5):
                    assert (await socket.receive()).type in (
                        aiohttp.WSMsgType.CLOSED,
                        aiohttp.WSMsgType.ERROR,
                    )
        assert await said_after(proxy.ws_url) == []


async def test_a_disconnect_cuts_in_the_place_of_a_message(node):
    node.script = [f'"{n}"' for n in range(1_000)]
    async with proxied(node, "disconnect=1/100") as proxy:
        said = await said_after(proxy.ws_url)
        (one,) = proxy.injected
        assert len(said) < one.message <= 1_000
        assert one.kind == "disconnect"


async def test_what_is_beyond_the_limit_is_refused_in_the_way_of_its_protocol(node):
    async with proxied(node, "limit=3/s") as proxy:
        statuses = [await posted(proxy.http_url, ASK) for _ in range(6)]
        assert [status for status, _ in statuses][:3] == [200, 200, 200]
        assert 429 in [status for status, _ in statuses]
        refused = msgspec.json.decode(next(body for status, body in statuses if status == 429))
        assert (refused["id"], refused["error"]["code"]) == (1, -32005)
        batch = b"[" + b",".join([ASK] * 4) + b"]"
        status, body = await posted(proxy.http_url, batch)
        assert status == 429
        assert [each["error"]["code"] for each in msgspec.json.decode(body)] == [-32005] * 4
        async with aiohttp.ClientSession() as http, http.ws_connect(proxy.ws_url) as socket:
            await socket.send_bytes(batch)
            answers = msgspec.json.decode((await socket.receive(5)).data)
            assert [each["error"]["code"] for each in answers] == [-32005] * 4
        assert proxy.counts["limit"] == [status for status, _ in statuses].count(429) + 2


async def test_a_slow_endpoint_is_late_and_keeps_the_order(node):
    node.script = [f'"{n}"' for n in range(50)]
    async with proxied(node, "slow_ms=100") as proxy:
        began_s = asyncio.get_running_loop().time()
        assert await said_after(proxy.ws_url) == node.script
        assert 0.05 <= asyncio.get_running_loop().time() - began_s < 5
        began_s = asyncio.get_running_loop().time()
        await posted(proxy.http_url, ASK)
        assert asyncio.get_running_loop().time() - began_s >= 0.05


async def test_a_method_that_is_missing_is_missed_alone_in_a_batch(node):
    calls = [
        f'{{"jsonrpc":"2.0","id":{n},"method":"{m}","params":[]}}' for n, m in enumerate(("a", "no", "b"))
    ]
    batch = ("[" + ",".join(calls) + "]").encode()
    rest = ("[" + ",".join((calls[0], calls[2])) + "]").encode()
    node.default = b'[{"jsonrpc":"2.0","id":0,"result":"A"},{"jsonrpc":"2.0","id":2,"result":"B"}]'
    node.script = [node.default]
    async with proxied(node, "no_method=no+nay") as proxy:
        _, body = await posted(proxy.http_url, batch)
        (over_socket,) = await said_after(proxy.ws_url, batch.decode())
        assert [msgspec.json.decode(one) for one in node.asked] == [msgspec.json.decode(rest)] * 2
        for answers in (msgspec.json.decode(body), msgspec.json.decode(over_socket)):
            by_id = {each["id"]: each for each in answers}
            assert (by_id[0]["result"], by_id[2]["result"]) == ("A", "B")
            assert by_id[1]["error"]["code"] == -32601
        _, body = await posted(proxy.http_url, calls[1].encode())
        assert msgspec.json.decode(body)["error"]["code"] == -32601
        assert [(one.kind, one.method) for one in proxy.injected] == [("no_method", "no")] * 3


async def test_a_wrong_chain_is_told_by_both_of_its_names(node):
    async with proxied(node, "wrong_chain=56") as proxy:
        asked = b'[{"id":1,"method":"eth_chainId"},{"id":"x","method":"net_version"}]'
        _, body = await posted(proxy.http_url, asked)
        assert {each["id"]: each["result"] for each in msgspec.json.decode(body)} == {1: "0x38", "x": "56"}
        assert node.asked == []


async def test_other_faults_are_had_at_once_on_open_connections_too(node):
    node.script = [notice(log_json(1, n)) for n in range(50)]
    async with proxied(node) as proxy, aiohttp.ClientSession() as http:
        async with http.ws_connect(proxy.ws_url) as socket:
            for text, count in (("", 50), ("drop_log=1/1", 0), ("freeze=0/100s", None), ("", 50)):
                await proxy.change(Scenario.parse(text) if text else Scenario())
                if count is None:
                    async with asyncio.timeout(5):
                        while not proxy.is_frozen:  # noqa: ASYNC110  the proxy has no event for it
                            await asyncio.sleep(0)
                    continue
                await socket.send_str("go")
                said = [(await socket.receive(5)).data for _ in range(count + 1)]
                assert said[-1] == '"end"'
        assert proxy.scenario == Scenario()


async def test_what_is_not_json_rpc_reaches_the_node_as_it_is(node):
    async with proxied(node, "no_method=a,limit=100/s,wrong_chain=5") as proxy:
        for body in (b"", b"not json", b"[1,2]", b'{"id":1}'):
            assert (await posted(proxy.http_url, body))[0] == 200
        assert node.asked == [b"", b"not json", b"[1,2]", b'{"id":1}']


async def test_the_node_behind_may_be_gone(node):
    async with fault_proxy(http_url="http://127.0.0.1:9", ws_url="ws://127.0.0.1:9") as proxy:
        assert (await posted(proxy.http_url, ASK))[0] == 502
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await said_after(proxy.ws_url)
    with pytest.raises(Unreachable, match="expected an answer"):
        async with fault_proxy(http_url="http://127.0.0.1:9", scenario=Scenario(stale=1)):
            pass
    with pytest.raises(Refused, match="expected an HTTP or a WebSocket endpoint"):
        async with fault_proxy():
            pass


async def test_an_endpoint_without_one_protocol_says_so(node):
    async with fault_proxy(http_url=node.http_url) as proxy:
        assert (await posted(proxy.http_url, ASK))[0] == 200
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await said_after(proxy.ws_url)
    async with fault_proxy(ws_url=node.ws_url) as proxy:
        assert await said_after(proxy.ws_url) == []
        status, body = await posted(proxy.http_url, ASK)
        assert (status, b"no such endpoint is known" in body) == (502, True)


async def test_when_the_node_ends_a_socket_so_does_the_proxy(node):
    async with (
        proxied(node) as proxy,
        aiohttp.ClientSession() as http,
        http.ws_connect(proxy.ws_url) as socket,
    ):
        await socket.send_str("go")
        await socket.receive(5)
        closing = asyncio.ensure_future(node.sockets[0].close(code=1012))
        async with asyncio.timeout(5):
            message = await socket.receive()
        await closing
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1012)


async def test_a_message_that_waits_for_its_successor_goes_out_alone_in_the_end(node):
    node.script = []
    async with proxied(node, "reorder=1/1") as proxy, aiohttp.ClientSession() as http:
        async with http.ws_connect(proxy.ws_url) as socket:
            await socket.send_str("go")
            await socket.receive(5)
            await node.sockets[0].send_str(notice('"0x1"').decode())
            assert (await socket.receive(5)).data == notice('"0x1"').decode()
