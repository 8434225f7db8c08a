"""A node that misbehaves: it passes questions on to a real one, and spoils the answers as it is told."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
from aiohttp import web
from tests.servers.loopback import loopback

Lie = Callable[[list[Any], Any], Any]
"""Parameters and true result in, result out."""


class HostileNode:
    """One endpoint, http and ws, before a real node."""

    def __init__(self, target_http: str) -> None:
        self.port = 0
        self.lies: dict[str, Lie] = {}
        self.status: int | None = None
        """Every HTTP answer's status, where not None; a WebSocket is refused with it too."""
        self.body: bytes | None = None
        """Every HTTP answer's body, where not None."""
        self.delay_s = 0.0
        self.hangs = False
        self.endless_bytes = 0
        """Every HTTP answer is a string of so many bytes, where not 0."""
        self.frame: bytes | None = None
        """What a WebSocket hears at once, instead of anything useful."""
        self.asked: Counter[str] = Counter()
        self._target_http = target_http
        self._client: aiohttp.ClientSession | None = None
        self._sockets: set[web.WebSocketResponse] = set()

    @property
    def http_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def cut(self) -> None:
        """Abort every WebSocket."""
        for socket in list(self._sockets):
            assert socket._req is not None
            transport = socket._req.transport
            if transport is not None:
                transport.abort()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._socket(request)
        return await self._post(request)

    async def _post(self, request: web.Request) -> web.StreamResponse:
        question = await request.read()
        await asyncio.sleep(self.delay_s)
        if self.hangs:
            await asyncio.sleep(3600)
        if self.status is not None:
            return web.Response(status=self.status, body=self.body or b"no")
        if self.body is not None:
            return web.Response(body=self.body, content_type="application/json")
        if self.endless_bytes:
            return await self._endless(request)
        assert self._client is not None
        async with self._client.post(
            self._target_http, data=question, headers={"Content-Type": "application/json"}
        ) as response:
            answer = await response.json()
        return web.json_response(self._spoiled(json.loads(question), answer))

    async def _endless(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'[{"jsonrpc":"2.0","id":1,"result":"0x')
        with suppress(OSError):
            for _ in range(self.endless_bytes >> 20):
                await response.write(b"0" * (1 << 20))
        return response

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if self.status is not None:
            return web.Response(status=self.status)
        near = web.WebSocketResponse(max_msg_size=0)
        await near.prepare(request)
        self._sockets.add(near)
        try:
            if self.frame is not None:
                await near.send_str(self.frame.decode())
            assert self._client is not None
            ws_target = self._target_http.replace("http://", "ws://")
            async with self._client.ws_connect(ws_target, max_msg_size=0) as far:
                await self._joined(near, far)
        finally:
            self._sockets.discard(near)
        return near

    async def _joined(self, near: web.WebSocketResponse, far: aiohttp.ClientWebSocketResponse) -> None:
        questions: dict[Any, Any] = {}

        async def up() -> None:
            async for message in near:
                question = json.loads(message.data)
                for one in question if isinstance(question, list) else [question]:
                    questions[one["id"]] = one
                if not self.hangs:
                    await far.send_str(message.data)

        async def down() -> None:
            async for message in far:
                said = json.loads(message.data)
                await asyncio.sleep(self.delay_s)
                if "id" in said:
                    said = self._spoiled(questions.pop(said["id"]), said)
                await near.send_str(json.dumps(said))

        both = [asyncio.ensure_future(up()), asyncio.ensure_future(down())]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)

    def _spoiled(self, question: Any, answer: Any) -> Any:
        if isinstance(question, list):
            by_id = {one["id"]: one for one in question}
            return [self._spoiled(by_id[one["id"]], one) for one in answer]
        self.asked[question["method"]] += 1
        lie = self.lies.get(question["method"])
        if lie is None or "result" not in answer:
            return answer
        return {**answer, "result": lie(question["params"], answer["result"])}


@asynccontextmanager
async def hostile_node(target_http: str) -> AsyncIterator[HostileNode]:
    node = HostileNode(target_http)
    app = web.Application(client_max_size=1 << 28)
    app.router.add_route("*", "/{rest:.*}", node.handle)
    async with loopback(app, shutdown_timeout=0.1, access_log=None) as place:
        node.port = int(place.rpartition(":")[2])
        async with aiohttp.ClientSession() as node._client:
            yield node
