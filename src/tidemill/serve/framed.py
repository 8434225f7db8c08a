"""Send one WebSocket frame to many clients: its bytes are made once, as what a server sends is not masked."""

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from typing_extensions import override
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

_FRAMED = "tidemill.framed"
_FINAL_TEXT = 0x81
_LENGTH_7_MAX, _LENGTH_16_MAX = 125, (1 << 16) - 1


def text_message(text: str) -> dict[str, Any]:
    """Return the ASGI message that sends `text`, for any number of clients."""
    body = text.encode()
    size = len(body)
    if size <= _LENGTH_7_MAX:
        head = bytes((_FINAL_TEXT, size))
    elif size <= _LENGTH_16_MAX:
        head = bytes((_FINAL_TEXT, 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((_FINAL_TEXT, 127)) + size.to_bytes(8, "big")
    return {"type": "websocket.send", "text": text, _FRAMED: head + body}


def sending_at_once(scope: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], bool] | None:
    """Return what sends a `text_message` without waiting; False, where the client takes nothing now.

    None where another server than ours reads the socket of `scope`.
    """
    found: Callable[[Mapping[str, Any]], bool] | None = scope.get("extensions", {}).get(_FRAMED)
    return found


class FramedProtocol(WebSocketsSansIOProtocol):
    """uvicorn's, but that it writes a frame that is made already; the library took 30 µs to make it again.

    An application may send such a frame without a task of its own.
    """

    @override
    async def run_asgi(self) -> None:
        scope: MutableMapping[str, Any] = self.scope  # pyright: ignore[reportAssignmentType] theirs is one of known keys
        scope["extensions"] = {**scope["extensions"], _FRAMED: self._send_at_once}
        await super().run_asgi()

    def _send_at_once(self, message: Mapping[str, Any]) -> bool:
        if self.close_sent or not self.writable.is_set() or self.transport.is_closing():
            return False
        self.transport.write(message[_FRAMED])
        return True

    @override
    async def send(self, message: MutableMapping[str, Any]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] theirs lists the same messages as classes
        framed: bytes | None = message.get(_FRAMED)
        if framed is None or self.close_sent or not self.handshake_complete:
            await super().send(message)  # pyright: ignore[reportArgumentType] (see above)
            return
        await self.writable.wait()
        if self.transport.is_closing():
            raise ClientDisconnected
        self.transport.write(framed)
