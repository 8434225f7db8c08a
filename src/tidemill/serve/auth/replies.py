"""What is sent back through the guard: headers and status, and what is told to who is turned away."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from tidemill.serve.auth.denial import Denied, Header

_HEADERS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
"""Of every answer that does not say otherwise."""
_ONLY_TLS: Header = (b"strict-transport-security", b"max-age=31536000")
_SWITCHING = 101
_UNREAD = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_TIMEOUT}
"""Where more of the request would come, which is not worth reading."""


class Replies:
    """The answer to one request, as far as it was sent."""

    def __init__(
        self, scope: Mapping[str, Any], send: Callable[[Any], Awaitable[None]], *, is_tls: bool
    ) -> None:
        self._scope = scope
        self._send = send
        self._always = (*_HEADERS, _ONLY_TLS) if is_tls else _HEADERS
        self.headers: tuple[Header, ...] = ()
        """Further ones, of this answer."""
        self.status = 0
        """As it was sent; 0 where nothing was."""

    async def send(self, message: Any) -> None:
        """Send a message of the application's."""
        kind = message["type"]
        if kind in {"http.response.start", "websocket.http.response.start"}:
            self.status = message["status"]
            message["headers"] = self._with_ours(message.get("headers", ()))
        elif kind == "websocket.accept":
            self.status = _SWITCHING
        elif kind == "websocket.close" and not self.status:
            self.status = int(HTTPStatus.FORBIDDEN)  # what the server makes of it
        await self._send(message)

    async def deny(self, denied: Denied, receive: Callable[[], Awaitable[Any]]) -> None:
        """Turn the request away; one that is half answered is broken off, so that it does not look whole."""
        is_socket = self._scope["type"] == "websocket"
        if self.status:
            if is_socket:
                await self._send(
                    {"type": "websocket.close", "code": denied.close_code, "reason": str(denied)[:120]}
                )
            return
        if is_socket:
            await receive()  # the client's wish to connect
            if "websocket.http.response" not in (self._scope.get("extensions") or {}):
                self.status = int(HTTPStatus.FORBIDDEN)
                await self._send({"type": "websocket.close", "code": denied.close_code})
                return
        kind = "websocket.http.response" if is_socket else "http.response"
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(denied.body)).encode()),
            *denied.headers,
        ]
        if denied.status in _UNREAD:
            headers.append((b"connection", b"close"))
        await self.send({"type": f"{kind}.start", "status": int(denied.status), "headers": headers})
        await self._send({"type": f"{kind}.body", "body": denied.body})

    def _with_ours(self, theirs: Any) -> list[Header]:
        told = list(theirs)
        names = {name.lower() for name, _ in told}
        return [*told, *(one for one in (*self.headers, *self._always) if one[0] not in names)]
