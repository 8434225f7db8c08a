"""Where clients come in: a port that can be shut, so that nobody is let in, and opened again."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

_HOST = "127.0.0.1"
_BODY_BYTES_MAX = 64 << 20

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Door:
    """A loopback port, shut at first; whoever makes one closes it."""

    def __init__(self, handler: Handler) -> None:
        self._people = web.Server(
            handler, request_factory=_request, handler_cancellation=True, access_log=None
        )
        self._listening: asyncio.Server | None = None
        # Bound and not listening: the port stays ours while the door is shut, and who knocks is refused.
        self._reserved = _bound(0)
        self.port: int = self._reserved.getsockname()[1]

    @property
    def is_open(self) -> bool:
        """Say whether connections are accepted."""
        return self._listening is not None

    async def open(self) -> None:
        """Accept connections, as before."""
        if self._listening is None:
            self._listening = await asyncio.get_running_loop().create_server(
                self._people, sock=_bound(self.port), backlog=1_024
            )

    def shut(self) -> None:
        """Refuse whoever comes, and cut who is in."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        self.cut_all()

    async def close(self) -> None:
        """Cut who is in and give the port back."""
        self.shut()
        await self._people.shutdown(1)
        self._reserved.close()

    def cut_all(self) -> int:
        """Abort every connection; return how many there were."""
        transports = [one.transport for one in self._people.connections if one.transport is not None]
        for transport in transports:
            _abort(transport)
        return len(transports)


def cut(request: web.BaseRequest) -> None:
    """Abort the connection of one request, whatever waits to be sent."""
    if request.transport is not None:
        _abort(request.transport)


def _abort(transport: asyncio.BaseTransport) -> None:
    assert isinstance(transport, asyncio.Transport)
    transport.abort()


def _bound(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((_HOST, port))
    return bound


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
    return web.BaseRequest(
        message, payload, protocol, writer, task, asyncio.get_running_loop(), client_max_size=_BODY_BYTES_MAX
    )
