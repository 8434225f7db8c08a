"""What may one connection cost: uvicorn's HTTP protocol with an end to heads that grow or never come, answers
that nobody reads, and connections that one address holds.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tidemill.serve.auth.config import LimitSettings

_MS_PER_S = 1_000
_TOO_LARGE = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


class _HeadTooLarge(Exception):
    """The parser makes an error of its own of it, which ends the connection."""


def limited_protocol(limits: LimitSettings, is_counted: Callable[[str], bool]) -> type[HttpToolsProtocol]:
    """Return the protocol for one server's connections; `is_counted` says whose are limited."""
    held: Counter[str] = Counter()

    class Limited(_Limited):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._limits = limits
            self._is_counted = is_counted
            self._held = held

    return Limited


class _Limited(HttpToolsProtocol):
    _limits: LimitSettings
    _is_counted: Callable[[str], bool]
    _held: Counter[str]
    """Connections by address."""
    _peer: str | None = None
    """Who is counted; None: nobody."""
    _timer: asyncio.TimerHandle | None = None
    """Ends the connection where a head is begun and not whole, or what was sent is not read."""
    _head_bytes = 0

    @override
    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        peer = "" if self.client is None else self.client[0]
        if self._is_counted(peer):
            if self._held[peer] >= self._limits.connections_per_address_max:
                transport.abort()
                return
            self._held[peer] += 1
            self._peer = peer
        timeout_ms = int(self._limits.stall_timeout_s * _MS_PER_S)
        # of what is left in the buffers of a connection that is closed, and whose other end reads nothing
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, timeout_ms)
        self._end_after(self._limits.head_timeout_s)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._let_go()
        super().connection_lost(exc)

    @override
    def handle_websocket_upgrade(self) -> None:
        self._let_go()  # the connection has another protocol from here on
        super().handle_websocket_upgrade()

    @override
    def on_message_begin(self) -> None:
        self._head_bytes = 0
        self._end_after(self._limits.head_timeout_s)
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
        self._go_on()
        super().on_headers_complete()

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._end_after(self._limits.stall_timeout_s)

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        self._go_on()

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

    def _let_go(self) -> None:
        self._go_on()
        if self._peer is not None:
            self._held[self._peer] -= 1
            if not self._held[self._peer]:
                del self._held[self._peer]
            self._peer = None

    def _grow(self, size_bytes: int) -> None:
        self._head_bytes += size_bytes
        if self._head_bytes > self._limits.head_bytes_max:
            raise _HeadTooLarge

    def _end_after(self, timeout_s: float) -> None:
        self._go_on()
        self._timer = self.loop.call_later(timeout_s, self.transport.abort)

    def _go_on(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
