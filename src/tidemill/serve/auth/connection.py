"""What may one connection cost: uvicorn's HTTP/1.1 with an end to heads that grow or never come, answers that
nobody reads, and connections that one address holds; and HTTP/2 for who asks for it.
"""

import socket
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import is_ssl

from tidemill.serve.auth.callers import Callers
from tidemill.serve.auth.config import LimitSettings
from tidemill.serve.auth.deadline import Deadline
from tidemill.serve.http2.connection import PREFACE, Http2Connection, Uvicorn

_MS_PER_S = 1_000
_TOO_LARGE = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


class _HeadTooLarge(Exception):
    """The parser makes an error of its own of it, which ends the connection."""


def limited_protocol(limits: LimitSettings, is_counted: Callable[[str], bool]) -> type[HttpToolsProtocol]:
    """Return the protocol for one server's connections; `is_counted` says whose are limited."""
    callers = Callers(limits, is_counted)

    class Limited(_Limited):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._limits = limits
            self._callers = callers

    return Limited


class _Limited(HttpToolsProtocol):
    _limits: LimitSettings
    _callers: Callers
    _peer: str | None = None
    """Who is counted; None: nobody."""
    _deadline: Deadline
    """Ends the connection where a head is begun and not whole, or what was sent is not read."""
    _head_bytes = 0
    _begun: bytes | None = b""
    """Of what may be the preface of HTTP/2; None, where it was none."""

    @override
    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._deadline = Deadline(self.loop, transport.abort)
        peer = "" if self.client is None else self.client[0]
        if not self._callers.admit(peer):
            transport.abort()
            return
        self._peer = peer
        timeout_ms = int(self._limits.stall_timeout_s * _MS_PER_S)
        # of what is left in the buffers of a connection that is closed, and whose other end reads nothing
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, timeout_ms)
        if is_ssl(transport) and transport.get_extra_info("ssl_object").selected_alpn_protocol() == "h2":
            self._speak_http2(peer)
        else:
            self._deadline.set(self._limits.head_timeout_s)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._let_go()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        if self._begun is not None:  # without TLS nothing but the first bytes says which HTTP is spoken
            data = self._begun + data
            if len(data) < len(PREFACE) and PREFACE.startswith(data):
                self._begun = data
                return
            self._begun = None
            if data.startswith(PREFACE) and self._peer is not None:
                self._speak_http2(self._peer).data_received(data)
                return
        super().data_received(data)

    @override
    def handle_websocket_upgrade(self) -> None:
        self._let_go()  # the connection has another protocol from here on
        super().handle_websocket_upgrade()

    @override
    def on_message_begin(self) -> None:
        self._head_bytes = 0
        self._deadline.set(self._limits.head_timeout_s)
        super().on_message_begin()

    @override
    def on_url(self, url: bytes) -> None:
        self._grow(len(url))
        super().on_url(url)

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        self._grow(len(name) + len(value))
        super().on_header(name, value)

    @override
    def on_headers_complete(self) -> None:
        self._deadline.clear()
        super().on_headers_complete()

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._deadline.set(self._limits.stall_timeout_s)

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        self._deadline.clear()

    @override
    def send_400_response(self, msg: str) -> None:
        if self._head_bytes > self._limits.head_bytes_max:
            msg = f"head: expected {self._limits.head_bytes_max} bytes at most"
            line = f"HTTP/1.1 {_TOO_LARGE.value} {_TOO_LARGE.phrase}\r\n".encode()
            head = f"content-type: text/plain\r\ncontent-length: {len(msg)}\r\nconnection: close\r\n\r\n"
            self.transport.write(line + head.encode() + msg.encode())
            self.transport.close()
        else:
            super().send_400_response(msg)

    def _speak_http2(self, peer: str) -> Http2Connection:
        self._deadline.clear()
        self._peer = None  # the other protocol lets go of it
        self.connections.discard(self)
        spoken = Http2Connection(Uvicorn(self.config, self.server_state, self.app_state), self._callers, peer)
        self.transport.set_protocol(spoken)
        spoken.connection_made(self.transport)
        return spoken

    def _let_go(self) -> None:
        self._deadline.clear()
        if self._peer is not None:
            self._callers.let_go(self._peer)
            self._peer = None

    def _grow(self, size_bytes: int) -> None:
        self._head_bytes += size_bytes
        if self._head_bytes > self._limits.head_bytes_max:
            raise _HeadTooLarge
