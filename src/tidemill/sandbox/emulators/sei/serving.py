"""How the emulated node speaks: WebSocket and HTTP as CometBFT's, and orders from whoever tests with it."""

import asyncio
import random
import time
from collections import Counter
from typing import Any

import aiohttp.web
import msgspec
from msgspec import Struct

from tidemill.sandbox.emulators.sei.chain import Chain, ChainOptions, MadeBlock
from tidemill.sandbox.emulators.sei.wire import Writer, flat_of_tx
from tidemill.schema.faults import Malformed, Refused
from tidemill.venues.sei.query import Query, parse

_SUBSCRIPTIONS_MAX = 5
_WAITING_MAX = 1_000
"""Messages that wait for a client; one that is slower loses its subscriptions."""
_MS = 1_000


class SeiFaults(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes wrong at the node."""

    drop_percent: int = 0
    """Of messages to subscribers that are never sent."""
    garbage_percent: int = 0
    """Of messages before which something unreadable is sent."""
    heads_left_out_percent: int = 0
    """Of blocks that are never announced, though they are there."""
    slow_ms: int = 0
    """How late each answer comes."""
    is_silent: bool = False
    """Whether nothing is announced; questions are answered."""
    is_dead: bool = False
    """Whether everybody is turned away, and those who are there are cut off."""
    is_paused: bool = False
    """Whether no block is made."""


def read_faults(text: str) -> SeiFaults:
    """Return the faults that `text` names, as in `drop_percent=20,slow_ms=50`. Raises: Refused."""
    parts = (item.partition("=") for item in filter(None, text.split(",")))
    items = {name: value for name, _, value in parts}
    try:
        return msgspec.convert(items, SeiFaults, strict=False)
    except msgspec.ValidationError as error:
        raise Refused(f"faults: expected {', '.join(SeiFaults.__struct_fields__)}: {error}") from None


class _Client:
    """One WebSocket."""

    def __init__(self, socket: aiohttp.web.WebSocketResponse) -> None:
        self.socket = socket
        self.subscriptions: dict[str, tuple[Any, Query]] = {}
        self.waiting: asyncio.Queue[bytes] = asyncio.Queue(_WAITING_MAX)

    def send(self, message: dict[str, Any] | bytes) -> None:
        data = message if isinstance(message, bytes) else msgspec.json.encode(message)
        try:
            self.waiting.put_nowait(data)
        except asyncio.QueueFull:
            self.subscriptions.clear()  # as a node does with a client that does not pull

    async def write(self) -> None:
        while True:
            await self.socket.send_str((await self.waiting.get()).decode())


class SeiNode:
    """The node; `run` it until cancelled."""

    def __init__(self, options: ChainOptions, *, is_base64: bool, faults: SeiFaults) -> None:
        self.chain = Chain(options)
        self.faults = faults
        self.counts: Counter[str] = Counter()
        """What was done wrong, and what was refused."""
        self._writer = Writer(options.network, is_base64)
        self._dice = random.Random(options.crowd.seed)  # noqa: S311 it only has to repeat
        self._clients: set[_Client] = set()

    def application(self) -> aiohttp.web.Application:
        """Return what answers HTTP and WebSockets."""
        application = aiohttp.web.Application(client_max_size=1 << 20)
        application.router.add_get("/websocket", self._websocket)
        application.router.add_post("/", self._http)
        application.router.add_get("/truth", self._truth)
        application.router.add_post("/control", self._control)
        return application

    async def run(self) -> None:
        """Make blocks when they are due, and announce them."""
        while self.chain.height < self.chain.due(time.time_ns()):
            self.chain.make()  # those of before a restart, which nobody waits for
        while True:
            await asyncio.sleep(self.chain.options.block_ms / _MS / 4)
            while not self.faults.is_paused and self.chain.height < self.chain.due(time.time_ns()):
                self._announce(self.chain.make())

    # --- what is announced

    def _announce(self, block: MadeBlock) -> None:
        if self.faults.is_silent:
            return
        if self._happens("heads_left_out", self.faults.heads_left_out_percent) is False:
            data = self._writer.head_event(block.height, block.time_ns, len(block.txs))
            self._publish({"tm.event": ["NewBlockHeader"]}, data)
        for index, tx in enumerate(block.txs):
            self._publish(flat_of_tx(block.height, tx), self._writer.tx_event(block.height, index, tx))

    def _publish(self, flat: dict[str, list[str]], data: dict[str, Any]) -> None:
        for client in self._clients:
            for number, query in list(client.subscriptions.values()):
                if not query.matches(flat):
                    continue
                if self._happens("garbage", self.faults.garbage_percent):
                    client.send(b'{"jsonrpc": "2.0", "result": {"query": "' + bytes([34, 46, 46]))
                if self._happens("drop", self.faults.drop_percent):
                    continue
                result = {"subscription_id": "", "query": query.text, "data": data, "events": flat}
                client.send({"jsonrpc": "2.0", "id": number, "result": result})

    def _happens(self, what: str, percent: int) -> bool:
        happens = bool(percent) and self._dice.randrange(100) < percent
        self.counts[what] += happens
        return happens

    # --- what is asked

    async def _websocket(self, request: aiohttp.web.Request) -> aiohttp.web.StreamResponse:
        if self.faults.is_dead:
            raise aiohttp.web.HTTPServiceUnavailable
        socket = aiohttp.web.WebSocketResponse(heartbeat=27)
        await socket.prepare(request)
        client = _Client(socket)
        self._clients.add(client)
        writing = asyncio.create_task(client.write(), name="write to a client")
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    client.send(await self._answer(msgspec.json.decode(message.data), client))
        finally:
            writing.cancel()
            self._clients.discard(client)
        return socket

    async def _http(self, request: aiohttp.web.Request) -> aiohttp.web.Response:
        if self.faults.is_dead:
            raise aiohttp.web.HTTPServiceUnavailable
        asked = msgspec.json.decode(await request.read())
        if isinstance(asked, list):
            answers = [await self._answer(one, None) for one in asked]
        else:
            answers = await self._answer(asked, None)
        return _json(answers)

    async def _answer(self, asked: dict[str, Any], client: _Client | None) -> dict[str, Any]:
        await asyncio.sleep(self.faults.slow_ms / _MS)
        number, method, params = asked.get("id"), asked.get("method"), asked.get("params") or {}
        self.counts[f"asked {method}"] += 1
        try:
            result = self._result(str(method), params, number, client)
        except (Malformed, LookupError) as error:
            self.counts["refused"] += 1
            said = {"code": -32603, "message": "Internal error", "data": str(error)}
            return {"jsonrpc": "2.0", "id": number, "error": said}
        return {"jsonrpc": "2.0", "id": number, "result": result}

    def _result(
        self, method: str, params: dict[str, Any], number: Any, client: _Client | None
    ) -> dict[str, Any]:
        match method:
            case "status":
                return self._status()
            case "block" | "block_results":
                block = self.chain.blocks.get(int(params["height"]))
                if block is None:
                    raise LookupError(f"could not find results for height #{params['height']}")
                if method == "block":
                    return self._writer.block(block.height, block.time_ns, block.txs)
                return self._writer.block_results(block.height, block.txs)
            case "subscribe" if client is not None:
                return self._subscribe(client, str(params["query"]), number)
            case "unsubscribe" if client is not None:
                client.subscriptions.pop(str(params["query"]))
                return {}
            case "unsubscribe_all" if client is not None:
                client.subscriptions.clear()
                return {}
            case _:
                raise LookupError(f"no method {method}")

    def _subscribe(self, client: _Client, text: str, number: Any) -> dict[str, Any]:
        try:
            query = parse(text)
        except Malformed as fault:
            raise Malformed(f"failed to parse query: {fault}") from fault
        if len(client.subscriptions) >= _SUBSCRIPTIONS_MAX:
            raise LookupError(f"max_subscriptions_per_client {_SUBSCRIPTIONS_MAX} reached")
        if text in client.subscriptions:
            raise LookupError("already subscribed")
        client.subscriptions[text] = (number, query)
        return {}

    def _status(self) -> dict[str, Any]:
        return {
            "node_info": {"network": self.chain.options.network, "version": "0.35.0-unreleased"},
            "sync_info": {
                "latest_block_height": str(self.chain.height),
                "earliest_block_height": str(self.chain.earliest),
                "catching_up": False,
            },
        }

    # --- what a test asks

    async def _truth(self, request: aiohttp.web.Request) -> aiohttp.web.Response:
        return _json({**self.chain.truth(), "counts": dict(self.counts), "clients": len(self._clients)})

    async def _control(self, request: aiohttp.web.Request) -> aiohttp.web.Response:
        changes = msgspec.json.decode(await request.read(), type=dict[str, Any])
        self.faults = msgspec.convert({**msgspec.structs.asdict(self.faults), **changes}, SeiFaults)
        if self.faults.is_dead:
            for client in list(self._clients):
                await client.socket.close()
        return _json(msgspec.structs.asdict(self.faults))


def _json(value: Any) -> aiohttp.web.Response:
    return aiohttp.web.Response(body=msgspec.json.encode(value), content_type="application/json")
