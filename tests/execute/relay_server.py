"""A private relay as Flashbots' is: it checks who asks, keeps bundles, and has a node include them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web
from eth_account import Account
from eth_account.messages import encode_defunct
from msgspec import Struct, field
from tests.servers.loopback import loopback

from tidemill._rust import keccak256
from tidemill.sandbox.rpc import Rpc


class RelayServer(Struct):
    """What a relay was handed, and whether it lets it through."""

    rpc: Rpc
    url: str = ""
    bundles: list[tuple[int, int, str]] = field(default_factory=list)
    """First and last block, and the raw transaction."""
    methods: list[str] = field(default_factory=list)
    is_down: bool = False
    is_deaf: bool = False
    """Whether it takes what it is handed and never includes it."""

    async def build(self) -> None:
        """Mine a block with the bundles that are for it."""
        number = int(await self.rpc.call("eth_blockNumber"), 16) + 1
        for first, last, raw in dict.fromkeys(self.bundles):
            if first <= number <= last and not self.is_deaf:
                digest = "0x" + keccak256(bytes.fromhex(raw[2:])).hex()
                if await self.rpc.call("eth_getTransactionByHash", digest) is None:
                    await self.rpc.call("eth_sendRawTransaction", raw)
        await self.rpc.call("evm_mine")

    def take(self, method: str, asked: dict[str, Any]) -> None:
        """Keep what is asked for."""
        match method:
            case "eth_sendBundle":
                block = int(asked["blockNumber"], 16)
                [raw] = asked["txs"]
                self.bundles.append((block, block, raw))
            case "eth_sendPrivateTransaction":
                self.bundles.append((0, int(asked["maxBlockNumber"], 16), asked["tx"]))
            case "mev_sendBundle":
                assert asked["version"] == "v0.1"
                inclusion = asked["inclusion"]
                [body] = asked["body"]
                assert body["canRevert"] is False
                first, last = (int(inclusion[name], 16) for name in ("block", "maxBlock"))
                self.bundles.append((first, last, body["tx"]))
            case _:
                raise AssertionError(method)


def is_signed(header: str, body: bytes) -> bool:
    """Say whether a header is its own account's signature of a body."""
    address, _, signature = header.partition(":")
    text = encode_defunct(text="0x" + keccak256(body).hex())
    return Account.recover_message(text, signature=signature).lower() == address.lower()


@asynccontextmanager
async def run_relay(node_url: str) -> AsyncIterator[RelayServer]:
    """Run a relay before the node."""
    async with Rpc(node_url) as rpc:
        relay = RelayServer(rpc)

        async def answer(request: web.Request) -> web.Response:
            body = await request.read()
            if relay.is_down:
                return web.Response(status=503)
            asked = msgspec.json.decode(body)
            if not is_signed(request.headers.get("X-Flashbots-Signature", ":0x"), body):
                error = {"code": -32_600, "message": "error: invalid signature"}
                return web.json_response({"jsonrpc": "2.0", "id": asked["id"], "error": error})
            relay.methods.append(asked["method"])
            relay.take(asked["method"], asked["params"][0])
            result = {"bundleHash": "0x" + keccak256(body).hex()}
            return web.json_response({"jsonrpc": "2.0", "id": asked["id"], "result": result})

        app = web.Application()
        app.router.add_post("/", answer)
        async with loopback(app) as place:
            relay.url = f"http://{place}/"
            yield relay
