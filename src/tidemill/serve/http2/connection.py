"""Speak HTTP/2 over one connection: each stream is a request to the application, within HTTP/1.1's limits."""

import asyncio
import logging
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    PriorityUpdated,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    UnknownFrameReceived,
    WindowUpdated,
)
from h2.exceptions import ProtocolError, StreamClosedError
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame
from typing_extensions import override
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl, service_unavailable
from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl
from uvicorn.server import ServerState

from tidemill.serve.asgi import Scope
from tidemill.serve.auth.callers import Callers
from tidemill.serve.auth.deadline import Deadline
from tidemill.serve.http2.exchange import Exchange, Wire
from tidemill.serve.http2.head import BadHead, Head, asked_by, head_bytes
from tidemill.serve.http2.patience import COST_MAX, RESET_COST, Patience

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_log = logging.getLogger("tidemill.api")
_STREAMS_MAX = 100
"""RFC 9113, 6.5.2 asks for so many at least."""
_READ_BYTES = 1 << 12
"""Taken in at a time: 240 of the smallest frames, some 10 ms of work, before patience is asked again."""
_SMALL_BYTES = 256
"""A frame of a body that has less, and is not its last, is one that asks for nothing."""
_FRAME_BYTES = 13
"""Of an RST_STREAM or WINDOW_UPDATE, which the library answers with; a PING has 17."""
_SILENT_BYTES_MAX = 80 << 10
"""Of a connection's first window, and one frame more: what may still come of a body that was refused. A
longer run without a whole frame, or of none that says something, is a head that does not end."""


class Uvicorn(NamedTuple):
    """What uvicorn hands to each connection."""

    config: Config
    state: ServerState
    app_state: dict[str, Any]


class _Library(H2Connection):
    MAX_CLOSED_STREAMS = 1_024
    """What it keeps of streams that have ended; its own 65,536 may take some MB of each connection."""


class Http2Connection(asyncio.Protocol):
    """One connection, from when it is known to speak HTTP/2."""

    _transport: asyncio.Transport
    _wire: Wire
    _scope: Scope

    def __init__(self, uvicorn: Uvicorn, callers: Callers, peer: str) -> None:
        """`peer` is counted among the `callers` already, and let go of at the end."""
        self._uvicorn = uvicorn
        self._callers = callers
        self._peer = peer
        limits = self._limits = callers.limits
        self._streams_max = min(_STREAMS_MAX, limits.connections_per_address_max)
        self._h2 = _Library(H2Configuration(client_side=False, header_encoding=None))
        self._h2.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: self._streams_max,
                # what is between our limit and this one is answered with 431, and what is above ends all
                SettingCodes.MAX_HEADER_LIST_SIZE: 2 * limits.head_bytes_max,
            },
        )
        self._exchanges: dict[int, Exchange] = {}
        """Those whose application has not ended, also where the client has taken them back."""
        self._loop = asyncio.get_running_loop()
        self._patience = Patience(self._loop.time())
        self._is_ending = False
        self._silent_bytes = 0

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        flow = FlowControl(transport)
        self._wire = Wire(self._h2, flow, self._flush, self._patience.earn, self._limits.stall_timeout_s)
        self._scope = {
            "type": "http",
            "asgi": {"version": self._uvicorn.config.asgi_version, "spec_version": "2.3"},
            "http_version": "2",
            "server": get_local_addr(transport),
            "client": get_remote_addr(transport),
            "scheme": "https" if is_ssl(transport) else "http",
            "root_path": self._uvicorn.config.root_path,
        }
        self._uvicorn.state.connections.add(self)  # pyright: ignore[reportArgumentType] it asks for `shutdown` alone
        self._stalled = Deadline(self._loop, transport.abort)
        self._idle = Deadline(self._loop, self.shutdown)
        self._idle.set(self._limits.head_timeout_s)
        self._h2.initiate_connection()
        self._flush()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._uvicorn.state.connections.discard(self)  # pyright: ignore[reportArgumentType] (see above)
        self._callers.let_go(self._peer)
        self._idle.clear()
        self._stalled.clear()
        self._disconnect()
        self._wire.flow.resume_writing()

    @override
    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), _READ_BYTES):
            if self._transport.is_closing():
                return
            self._flush()
            part = data[start : start + _READ_BYTES]
            try:
                events = self._h2.receive_data(part)
            except ProtocolError:
                self._end()  # the library has said which error it was
                return
            self._silent_bytes = 0 if events else self._silent_bytes + len(part)
            is_silent = self._silent_bytes > _SILENT_BYTES_MAX + 2 * self._limits.head_bytes_max
            # what it has answered itself: a PING, or a body whose request has ended
            self._spend(COST_MAX + 1 if is_silent else self._flush() // _FRAME_BYTES)
            for event in events:
                if not self._transport.is_closing():
                    self._take(event)
        self._flush()

    @override
    def pause_writing(self) -> None:
        self._wire.flow.pause_writing()
        self._wire.flow.pause_reading()  # what is read may have to be answered, by the library itself
        self._stalled.set(self._limits.stall_timeout_s)

    @override
    def resume_writing(self) -> None:
        self._stalled.clear()
        self._wire.flow.resume_reading()
        self._wire.flow.resume_writing()

    def shutdown(self) -> None:
        """Take no more requests, and end when those that are under way are answered."""
        if self._is_ending or self._transport.is_closing():
            return
        self._is_ending = True
        self._flush()
        self._transport.write(self._goaway(ErrorCodes.NO_ERROR))
        if not self._exchanges:
            self._transport.close()

    def _take(self, event: Event) -> None:
        match event:
            case RequestReceived(stream_id=int(stream_id), headers=list(head)):
                self._begin(stream_id, head)
            case DataReceived(stream_id=int(stream_id), data=data, flow_controlled_length=int(window_bytes)):
                exchange = self._exchanges.get(stream_id)
                if exchange is None:
                    self._h2.acknowledge_received_data(window_bytes, stream_id)
                else:
                    exchange.feed(data or b"", window_bytes)
                if len(data or b"") < _SMALL_BYTES and event.stream_ended is None:
                    self._spend(1)
            case StreamEnded(stream_id=stream_id) if stream_id in self._exchanges:
                self._exchanges[stream_id].feed_end()
            case StreamReset(stream_id=stream_id):
                if exchange := self._exchanges.get(stream_id):
                    exchange.disconnect()
                self._spend(RESET_COST)
            case ConnectionTerminated():
                self._end()
            case WindowUpdated() | RemoteSettingsChanged():
                for exchange in self._exchanges.values():
                    exchange.open_window()
                self._spend(1)
            case PriorityUpdated() | UnknownFrameReceived():
                self._spend(1)
            case _:
                pass

    def _begin(self, stream_id: int, head: Head) -> None:
        is_full = len(self._exchanges) >= self._streams_max
        if self._is_ending or is_full or not self._callers.admit(self._peer):
            with suppress(StreamClosedError):  # the client has reset it already
                self._h2.reset_stream(stream_id, ErrorCodes.REFUSED_STREAM)  # it may ask again
            self._spend(RESET_COST)
            return
        scope: Scope = {**self._scope, "state": self._uvicorn.app_state.copy()}
        app: Any = self._uvicorn.config.loaded_app
        state, limit = self._uvicorn.state, self._uvicorn.config.limit_concurrency
        if head_bytes(head) > self._limits.head_bytes_max:
            app = partial(_refuse, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif limit is not None and max(len(state.connections), len(state.tasks)) >= limit:
            app = service_unavailable
        try:
            scope |= asked_by(head)
        except BadHead:
            scope |= {"method": "GET"}
            app = partial(_refuse, HTTPStatus.BAD_REQUEST)
        exchange = Exchange(self._wire, stream_id, scope, state.default_headers)
        self._exchanges[stream_id] = exchange
        self._idle.clear()
        task = self._loop.create_task(exchange.run(app), name=f"HTTP/2 stream {stream_id}")
        state.tasks.add(task)
        task.add_done_callback(partial(self._answered, stream_id))

    def _answered(self, stream_id: int, task: asyncio.Task[None]) -> None:
        self._uvicorn.state.tasks.discard(task)
        self._uvicorn.state.total_requests += 1
        self._callers.let_go(self._peer)
        exchange = self._exchanges.pop(stream_id)
        if not task.cancelled() and (bug := task.exception()) is not None:
            _log.error("%s: a bug", exchange.scope["path"], exc_info=bug)
        if self._transport.is_closing():
            return
        exchange.close()
        self._flush()
        if not self._exchanges:
            if self._is_ending:
                self._transport.close()
            else:
                self._idle.set(self._limits.head_timeout_s)

    def _spend(self, cost: int) -> None:
        if not self._patience.spend(cost, self._loop.time()):
            self._flush()
            self._transport.write(self._goaway(ErrorCodes.ENHANCE_YOUR_CALM))
            self._end()

    def _end(self) -> None:
        self._disconnect()
        self._flush()
        self._transport.close()

    def _disconnect(self) -> None:
        for exchange in self._exchanges.values():
            exchange.disconnect()

    def _goaway(self, code: ErrorCodes) -> bytes:
        """Return the frame; after the library's own it would let no answer be finished."""
        frame = GoAwayFrame(0, last_stream_id=self._h2.highest_inbound_stream_id, error_code=code)
        return frame.serialize()

    def _flush(self) -> int:
        """Return how many bytes were sent."""
        data = self._h2.data_to_send()
        if data and not self._transport.is_closing():
            self._transport.write(data)
        return len(data)


async def _refuse(status: HTTPStatus, scope: Scope, receive: Any, send: Any) -> None:
    told = status.phrase.encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(told)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": told})
