"""One request over HTTP/2, and its answer: a stream of a connection, as an ASGI application sees it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from h2.connection import H2Connection
from h2.errors import ErrorCodes
from uvicorn.protocols.http.flow_control import FlowControl

from tidemill.serve.asgi import App, Scope
from tidemill.serve.http2.head import Header, told_head

_PIECE_BYTES = 1 << 14
"""So much of an answer must be read within the limit, however small the windows are."""
_FRAMES_FOR_PIECE = 8
"""What a client may send for it: windows of stream and connection, for each quarter."""


class Wire(NamedTuple):
    """What the exchanges of one connection share."""

    h2: H2Connection
    flow: FlowControl
    flush: Callable[[], object]
    """Sends what `h2` has to send."""
    earn: Callable[[int], None]
    """Is told how many frames may come of what was sent."""
    stall_timeout_s: float


class Exchange:
    """Receives one request's body and sends its answer, within the windows of both sides."""

    def __init__(self, wire: Wire, stream_id: int, scope: Scope, defaults: Sequence[Header]) -> None:
        self.scope = scope
        self._wire = wire
        self._stream_id = stream_id
        self._defaults = defaults
        self._arrived = asyncio.Event()
        self._opened = asyncio.Event()
        """Of the windows."""
        self._body = bytearray()
        self._unread_bytes = 0
        """Of the window that the client is not given back."""
        self._is_asked = False
        """The request is whole."""
        self._is_answered = False
        self._is_over = False
        """The client, or the server, has reset it, or the connection ended."""

    async def run(self, app: App) -> None:
        """Have it answered."""
        await app(self.scope, self._receive, self._send)

    def feed(self, data: bytes, window_bytes: int) -> None:
        """Take a part of the body, which holds so much of the window until it is read."""
        self._body += data
        self._unread_bytes += window_bytes
        self._arrived.set()

    def feed_end(self) -> None:
        """Take that the body is whole."""
        self._is_asked = True
        self._arrived.set()

    def open_window(self) -> None:
        """Try again to send what did not fit."""
        self._opened.set()

    def disconnect(self) -> None:
        """Tell the application that nobody reads its answer any more."""
        self._is_over = True
        self._arrived.set()
        self._opened.set()

    def reset(self, code: ErrorCodes) -> None:
        """End it before its time, where nothing else has."""
        if not self._is_over:
            self._wire.h2.reset_stream(self._stream_id, code)
            self.disconnect()

    def close(self) -> None:
        """End it; call it when `run` has ended, and flush then."""
        if not self._is_answered:
            self.reset(ErrorCodes.INTERNAL_ERROR)
        elif not self._is_asked:  # what else is sent is read by nobody. Source: RFC 9113, 8.1
            self.reset(ErrorCodes.NO_ERROR)
        self._give_back()

    async def _receive(self) -> dict[str, Any]:
        if not self._is_over and not self._is_answered:
            await self._arrived.wait()
            self._arrived.clear()
        if self._is_over or self._is_answered:
            return {"type": "http.disconnect"}
        body = bytes(self._body)
        self._body.clear()
        self._give_back()
        self._wire.flush()
        return {"type": "http.request", "body": body, "more_body": not self._is_asked}

    def _give_back(self) -> None:
        if self._unread_bytes:
            self._wire.h2.acknowledge_received_data(self._unread_bytes, self._stream_id)
            self._unread_bytes = 0

    async def _send(self, message: Any) -> None:
        if self._is_over:
            return
        if message["type"] == "http.response.start":
            headers = [*self._defaults, *message.get("headers", ())]
            self._wire.h2.send_headers(self._stream_id, told_head(message["status"], headers))
            asyncio.get_running_loop().call_soon(self._wire.flush)  # with the body, where that is there
            return
        assert message["type"] == "http.response.body", message["type"]
        body = b"" if self.scope["method"] == "HEAD" else message.get("body", b"")
        await self._send_body(memoryview(body), is_last=not message.get("more_body", False))

    async def _send_body(self, body: memoryview, *, is_last: bool) -> None:
        while True:
            piece, body = body[:_PIECE_BYTES], body[_PIECE_BYTES:]
            try:
                async with asyncio.timeout(self._wire.stall_timeout_s):
                    await self._send_piece(piece, is_last=is_last and not body)
                self._wire.earn(_FRAMES_FOR_PIECE)
            except TimeoutError:
                self.reset(ErrorCodes.CANCEL)
                self._wire.flush()
            if self._is_over or not body:
                break
        if is_last and not self._is_over:
            self._is_answered = True
            self._arrived.set()

    async def _send_piece(self, piece: memoryview, *, is_last: bool) -> None:
        h2 = self._wire.h2
        while True:
            await self._wire.flow.drain()
            if self._is_over:
                return
            window_bytes = h2.local_flow_control_window(self._stream_id)
            size = min(len(piece), window_bytes, h2.max_outbound_frame_size)
            if size > 0 or not piece:
                h2.send_data(self._stream_id, piece[:size], end_stream=is_last and size == len(piece))
                self._wire.flush()
                piece = piece[size:]
                if not piece:
                    return
            else:
                self._opened.clear()
                await self._opened.wait()
