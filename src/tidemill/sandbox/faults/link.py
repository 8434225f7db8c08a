"""How one client's WebSocket is joined to one of the node's, with the faults between them."""

import asyncio
from typing import Any

import aiohttp
import msgspec
from aiohttp import WSMsgType, web
from msgspec import Raw

from tidemill.sandbox.faults.calls import Asked
from tidemill.sandbox.faults.door import cut
from tidemill.sandbox.faults.endpoint import Endpoint
from tidemill.sandbox.faults.stream import Spoilt

_WAITING_MAX = 65_536
_HOLD_S = 1.0
"""A message that waits for its successor to overtake it goes out after so long at the latest."""
_BATCHES_MAX = 1_000

_Message = tuple[float, bytes | None, WSMsgType]
"""When it is due on the loop's clock, what (None: the node said no more), and as which kind of frame."""


class _Ended(Exception):
    """The other tasks of a link have nothing more to do."""


class Link:
    """Two sockets, the client's and the node's."""

    def __init__(
        self,
        endpoint: Endpoint,
        request: web.BaseRequest,
        client: web.WebSocketResponse[bool],
        node: aiohttp.ClientWebSocketResponse[bool],
    ) -> None:
        self._endpoint = endpoint
        self._request = request
        self._client = client
        self._node = node
        self._number, self._stream = endpoint.stream()
        self._view = endpoint.view()
        self._change_count = endpoint.change_count
        self._waiting: asyncio.Queue[_Message] = asyncio.Queue(_WAITING_MAX)
        self._batches: dict[bytes, Asked] = {}
        self._clock = asyncio.get_running_loop()
        self._last_due_s = 0.0

    async def run(self) -> None:
        """Pass messages until one side ends; then both have ended."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._hear_node(), name=f"fault proxy: node {self._number}")
                tasks.create_task(self._hear_client(), name=f"fault proxy: client {self._number}")
                tasks.create_task(self._say(), name=f"fault proxy: say {self._number}")
        except* _Ended:
            pass
        except* (aiohttp.ClientError, OSError):
            cut(self._request)
        finally:
            await self._node.close()

    async def _hear_node(self) -> None:
        async for message in self._node:
            if self._endpoint.is_frozen:
                self._endpoint.injections.counts["frozen_message"] += 1
                continue
            if self._change_count != self._endpoint.change_count:
                await self._adapt()
            data = self._joined(message.data)
            for each in (data,) if self._view is None else self._view.tell(data):
                await self._take(each, message.type)
        self._release(WSMsgType.TEXT)
        await self._waiting.put((self._last_due_s, None, WSMsgType.CLOSE))

    async def _adapt(self) -> None:
        """Say what the faults of before withheld for later, and have those of now."""
        late = [] if self._view is None else self._view.leave()
        self._change_count = self._endpoint.change_count
        self._view = self._endpoint.view()
        self._stream.change(self._endpoint.scenario)
        for each in late:
            await self._take(each, WSMsgType.TEXT)

    async def _take(self, data: bytes, kind: WSMsgType) -> None:
        spoilt = self._stream.take(data, self._endpoint.clock.now_ns())
        for injected in spoilt.injected:
            self._endpoint.injections.add(injected)
        if spoilt.is_cut:
            cut(self._request)
            raise _Ended
        await self._queue(spoilt, kind)
        if spoilt.is_held:
            self._clock.call_later(_HOLD_S, self._release, kind)

    async def _queue(self, spoilt: Spoilt, kind: WSMsgType) -> None:
        # a late message makes those behind it late: a socket keeps its order
        self._last_due_s = max(self._last_due_s, self._clock.time() + spoilt.delay_ms / 1_000)
        for each in spoilt.messages:
            await self._waiting.put((self._last_due_s, each, kind))

    def _release(self, kind: WSMsgType) -> None:
        # where no room is left, messages come, and the next of them brings it along
        if not self._waiting.full() and (held := self._stream.release()) is not None:
            self._waiting.put_nowait((self._last_due_s, held, kind))

    async def _say(self) -> None:
        while True:
            due_s, data, kind = await self._waiting.get()
            if due_s > self._clock.time():
                await asyncio.sleep(due_s - self._clock.time())
            if data is None:
                await self._end()
            elif self._endpoint.is_frozen:
                self._endpoint.injections.counts["frozen_message"] += 1
            else:
                await self._client.send_frame(data, kind)

    async def _end(self) -> None:
        """End the client's socket as the node ended its own."""
        code = self._node.close_code
        if code is None or code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE:
            cut(self._request)
        else:
            await self._client.close(code=code)
        raise _Ended

    async def _hear_client(self) -> None:
        async for message in self._client:
            if self._endpoint.is_frozen:
                self._endpoint.injections.counts["frozen_message"] += 1
                continue
            asked = await self._endpoint.asked(message.data, self._number)
            if asked.forward is not None:
                if asked.answers:
                    self._await_batch(asked)
                await self._node.send_frame(asked.forward, message.type)
            elif asked.answers:
                answer = asked.joined(None) if asked.is_batch else asked.answers[0]
                await self._take(answer, message.type)
        raise _Ended

    def _await_batch(self, asked: Asked) -> None:
        """Remember our part of a batch by the first id of the node's part."""
        assert asked.forward is not None
        if len(self._batches) >= _BATCHES_MAX:
            del self._batches[next(iter(self._batches))]
        calls = msgspec.json.decode(asked.forward, type=list[dict[str, Raw]])
        self._batches[bytes(calls[0]["id"])] = asked

    def _joined(self, data: Any) -> bytes:
        if not self._batches or not data.lstrip().startswith(b"["):
            return data
        try:
            replies = msgspec.json.decode(data, type=list[dict[str, Raw]])
        except msgspec.DecodeError:
            return data
        for reply in replies:
            asked = self._batches.pop(bytes(reply.get("id", b"")), None)
            if asked is not None:
                return asked.joined(data)
        return data
