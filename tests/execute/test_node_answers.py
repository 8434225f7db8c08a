"""Is a node that answers badly an error, never a simulation?"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from tests.servers.loopback import loopback

from tidemill.core.clock import SystemClock
from tidemill.core.http import HttpEndpoint
from tidemill.execute.simulation.node_simulation import NodeSimulator
from tidemill.execute.simulation.simulate import Simulator
from tidemill.execute.simulation.simulation import Call, Method
from tidemill.schema.faults import Gap, Malformed, Refused, Unknown, Unreachable

HEAD = {
    "number": "0x64",
    "hash": "0x" + 64 * "1",
    "timestamp": "0x5",
    "gasLimit": "0x1c9c380",
    "baseFeePerGas": "0x7",
    "miner": "0x" + 40 * "3",
    "mixHash": "0x" + 64 * "2",
}
CALL = Call(sender=b"\1" * 20, to=b"\2" * 20, data=b"")
GOOD = {
    "eth_getBlockByNumber": HEAD,
    "eth_createAccessList": {"accessList": [], "gasUsed": "0x1"},
    "eth_getBalance": "0x0",
    "eth_getTransactionCount": "0x0",
    "eth_getCode": "0x",
    "eth_getStorageAt": "0x0",
    "eth_call": "0x",
}
NO_METHOD = {"error": {"code": -32601, "message": "the method does not exist"}}
MISSING = {"error": {"code": -32000, "message": "missing trie node"}}
BUSY = {"error": {"code": 429, "message": "too many requests"}}


def answering(answers: dict[str, Any]) -> Callable[[bytes], bytes]:
    """Answer each method with its result, or its `{"error": …}`."""

    def answer(body: bytes) -> bytes:
        replies: list[dict[str, Any]] = []
        for question in json.loads(body):
            told = answers.get(question["method"], NO_METHOD)
            is_error = isinstance(told, dict) and "error" in told
            part = {"error": told["error"]} if is_error else {"result": told}
            replies.append({"jsonrpc": "2.0", "id": question["id"], **part})
        return json.dumps(replies).encode()

    return answer


@asynccontextmanager
async def node(answer: Callable[[bytes], bytes]) -> AsyncIterator[HttpEndpoint]:
    """Serve `answer` on loopback."""

    async def handle(request: web.Request) -> web.Response:
        return web.Response(body=answer(await request.read()), content_type="application/json")

    app = web.Application()
    app.router.add_post("/", handle)
    async with loopback(app) as place, HttpEndpoint(f"http://{place}/", SystemClock()) as http:
        yield http


async def test_a_node_that_answers_well_is_simulated_on() -> None:
    async with node(answering(GOOD)) as http:
        told = await Simulator(http, chain_id=1).run(CALL)
        assert (told.is_success, told.gas_used, told.block_number) == (True, 21_000, 100)
        asked = await NodeSimulator(http).run(CALL)
        assert (asked.method, asked.gas_used, asked.access_list) == (Method.CALL, None, ())


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"eth_getBlockByNumber": None}, Unknown),
        ({"eth_getBlockByNumber": {"number": "0x1"}}, Malformed),
        ({"eth_getBlockByNumber": HEAD | {"timestamp": "soon"}}, Malformed),
        ({"eth_getBalance": None}, Malformed),
        ({"eth_getCode": "0xzz"}, Malformed),
        ({"eth_getBalance": MISSING}, Gap),
        ({"eth_getBalance": BUSY}, Unreachable),
        ({"eth_getBalance": NO_METHOD}, Refused),
        ({"eth_createAccessList": {"accessList": [{"address": "0x1"}]}}, Malformed),
    ],
)
async def test_what_cannot_be_read_is_a_fault_of_its_remedy(
    change: dict[str, Any], fault: type[Exception]
) -> None:
    async with node(answering(GOOD | change)) as http:
        simulator = Simulator(http, chain_id=1)
        with pytest.raises(fault):
            await simulator.run(CALL)


async def test_a_node_without_access_lists_is_asked_for_each_part() -> None:
    async with node(answering(GOOD | {"eth_createAccessList": NO_METHOD})) as http:
        assert (await Simulator(http, chain_id=1).run(CALL)).is_success
        assert (await NodeSimulator(http).run(CALL)).access_list is None


@pytest.mark.parametrize("told", [None, {}, [], [{"calls": []}], [{"calls": [{"status": "0x1"}]}]])
async def test_a_simulation_that_lacks_parts_is_malformed(told: Any) -> None:
    async with node(answering(GOOD | {"eth_simulateV1": told})) as http:
        with pytest.raises(Malformed):
            await NodeSimulator(http).run(CALL)


@pytest.mark.parametrize("body", [b"[]", b"{}", b"[1]", b"nonsense", b'[{"id":7,"result":1}]'])
async def test_what_is_no_answer_is_malformed(body: bytes) -> None:
    async with node(lambda _: body) as http:
        for simulator in (Simulator(http, chain_id=1), NodeSimulator(http)):
            with pytest.raises(Malformed):
                await simulator.run(CALL)
