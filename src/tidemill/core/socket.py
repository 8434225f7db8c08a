"""How are a WebSocket's frames received without losing one, or the time at which it came.

The transport's callback stamps and keeps each message; the reader takes all that is there at once. When too
much waits, reading is paused, so that the sender feels TCP's back pressure and memory stays bounded.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import NoReturn, Self

import msgspec
from picows import (
    WSCloseCode,
    WSError,
    WSFrame,
    WSInvalidURL,
    WSListener,
    WSMsgType,
    WSTransport,
    ws_connect,
)

from tidemill.core.clock import Clock
from tidemill.core.endpoint import redact_text, redact_url
from tidemill.schema.faults import Malformed, Refused, Unreachable


class SocketLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a socket waits, and how much it holds."""

    connect_timeout_ms: int = 5_000
    ping_interval_ms: int = 10_000
    """A silent peer is pinged so often, and given up after the same time without a pong."""
    message_bytes_max: int = 64 << 20
    """A larger message ends the connection. A block's logs are below 10 MiB on the chains we know."""
    held_bytes_max: int = 64 << 20
    """Reading is paused while so much waits for the reader."""
    held_frames_max: int = 100_000


class _Listener(WSListener):
    """Keeps what comes in until the reader takes it."""

    def __init__(self, clock: Clock, limits: SocketLimits, on_held: Callable[[], None] | None) -> None:
        self.clock = clock
        self.limits = limits
        self.on_held = on_held
        self.held: list[tuple[int, bytes]] = []
        self.held_bytes = 0
        self.pause_count = 0
        self.frame_count = 0
        self.paused = False
        self.connected = False
        self.closed = False
        self.too_large = False
        self.subprotocol: str | None = None
        self.ready = asyncio.Event()
        self.ended = asyncio.Event()
        self._transport: WSTransport | None = None
        self._is_abandoned = False
        self._begun: bytearray | None = None
        """What came of a message whose last part is still to come."""

    def abandon(self) -> None:
        """Close the connection as soon as there is one: nobody will have it."""
        self._is_abandoned = True
        if self._transport is not None:
            self._transport.disconnect()

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        if self._is_abandoned:
            transport.disconnect()
            return
        self.connected = True
        self.subprotocol = transport.response.headers.get("Sec-WebSocket-Protocol")

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind is WSMsgType.CLOSE:
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()
            return
        if kind is WSMsgType.PING or kind is WSMsgType.PONG:
            return
        if len(self._begun or b"") + frame.payload_size > self.limits.message_bytes_max:
            self.too_large = True
            transport.disconnect()
            return
        data = frame.get_payload_as_bytes()
        if not frame.fin or self._begun is not None:
            self._begun = bytearray() if self._begun is None else self._begun
            self._begun += data
            if not frame.fin:
                return
            data, self._begun = bytes(self._begun), None
        self.held.append((self.clock.now_ns(), data))
        self.held_bytes += len(data)
        self.frame_count += 1
        if not self.paused and self._is_full():
            transport.underlying_transport.pause_reading()
            self.paused = True
            self.pause_count += 1
        if self.on_held is None:
            self.ready.set()
        elif len(self.held) == 1:
            self.on_held()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.closed = True
        self.ready.set()
        self.ended.set()

    def _is_full(self) -> bool:
        return self.held_bytes >= self.limits.held_bytes_max or len(self.held) >= self.limits.held_frames_max


class Socket:
    """One WebSocket connection, as a client; use it as an async context manager."""

    def __init__(self, url: str, transport: WSTransport, listener: _Listener) -> None:
        self.endpoint = redact_url(url)
        self._transport = transport
        self._listener = listener

    @classmethod
    async def connect(
        cls,
        url: str,
        clock: Clock,
        limits: SocketLimits | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        subprotocols: Sequence[str] = (),
        on_held: Callable[[], None] | None = None,
    ) -> Self:
        """Open a connection; `headers` go with the handshake, `subprotocols` are offered, the best first.

        `on_held` is for who reads many sockets in turns: it is told that messages begin to wait, which `take`
        returns; nobody may wait in `receive` then.

        Raises: Unreachable where nobody answers in time or the handshake fails, Refused where `url` is none
        or the server denies access.
        """
        limits = limits or SocketLimits()
        listener = _Listener(clock, limits, on_held)
        endpoint = redact_url(url)
        offered = {"Sec-WebSocket-Protocol": ", ".join(subprotocols)} if subprotocols else {}
        is_open = False
        try:
            async with asyncio.timeout(limits.connect_timeout_ms / 1_000):
                transport, _ = await ws_connect(
                    lambda: listener,
                    url,
                    websocket_handshake_timeout=limits.connect_timeout_ms / 1_000,
                    enable_auto_ping=True,
                    auto_ping_idle_timeout=limits.ping_interval_ms / 1_000,
                    auto_ping_reply_timeout=limits.ping_interval_ms / 1_000,
                    max_frame_size=limits.message_bytes_max,
                    extra_headers={**(headers or {}), **offered},
                )
            is_open = listener.connected
        except (ValueError, WSInvalidURL) as error:
            raise Refused(f"{endpoint}: expected a ws:// or wss:// address") from error
        except TimeoutError as error:
            raise Unreachable(f"{endpoint}: no WebSocket within {limits.connect_timeout_ms} ms") from error
        except WSError as error:
            status = getattr(getattr(error, "response", None), "status", None)
            text = f"{endpoint}: the WebSocket handshake failed: {redact_text(str(error), url)}"
            raise (Refused if status in (401, 403) else Unreachable)(text) from error
        except OSError as error:
            raise Unreachable(
                f"{endpoint}: cannot connect: {error.strerror or redact_text(str(error), url)}"
            ) from error
        finally:
            if not is_open:  # who is cancelled as the handshake ends never sees the library's connection
                listener.abandon()
        if not is_open:
            # the library returns, and reports no end, where the peer hangs up before its answer
            raise Unreachable(f"{endpoint}: the connection was closed before the WebSocket handshake ended")
        return cls(url, transport, listener)

    async def __aenter__(self) -> Self:
        """Return itself, connected already."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        await self.close()

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the server chose; None where it chose none."""
        return self._listener.subprotocol

    @property
    def close_code(self) -> int | None:
        """Why the server closed the connection; None while it is open, or where it did not say."""
        received = self._transport.close_handshake.recv if self._transport.close_handshake else None
        code: object = None if received is None else received.code
        return code if isinstance(code, int) else None  # an IntEnum, which its types do not say

    @property
    def pause_count(self) -> int:
        """How often reading was paused because the reader was slower than the sender."""
        return self._listener.pause_count

    @property
    def frame_count(self) -> int:
        """How many messages came in."""
        return self._listener.frame_count

    async def receive(self) -> list[tuple[int, bytes]]:
        """Return all messages that wait, at least one, as (recv_ns, bytes), in order.

        Raises: Unreachable where the connection is closed and all that came before has been returned;
        Malformed where it was closed over a message larger than allowed.
        """
        listener = self._listener
        while not listener.held:
            if listener.closed:
                raise self._reason()
            listener.ready.clear()
            await listener.ready.wait()
        return self.take()

    async def wait_end(self) -> NoReturn:
        """Wait until the connection is closed; what came before may still be taken.

        Raises: Unreachable; Malformed where it was closed over a message larger than allowed.
        """
        await self._listener.ended.wait()
        raise self._reason()

    def take(self) -> list[tuple[int, bytes]]:
        """Return all messages that wait, if any, as (recv_ns, bytes), in order."""
        listener = self._listener
        held, listener.held, listener.held_bytes = listener.held, [], 0
        if listener.paused:
            listener.paused = False
            if not listener.closed:
                self._transport.underlying_transport.resume_reading()
        return held

    def send(self, message: bytes) -> None:
        """Send one text message. Raises: Unreachable where the connection is closed."""
        if self._listener.closed:
            raise self._reason()
        self._transport.send(WSMsgType.TEXT, message)

    async def close(self) -> None:
        """Close the connection; wait a second at most for the other side."""
        if not self._listener.closed:
            self._transport.send_close(WSCloseCode.OK)
        self._transport.disconnect()
        try:
            async with asyncio.timeout(1):
                await self._transport.wait_disconnected()
        except TimeoutError:
            self._transport.disconnect(graceful=False)
        except WSError:
            pass  # how it ended does not matter to the side that ends it

    def _reason(self) -> Unreachable | Malformed:
        if self._listener.too_large:
            return Malformed(
                f"{self.endpoint}: expected messages of at most"
                f" {self._listener.limits.message_bytes_max} bytes"
            )
        received = self._transport.close_handshake.recv if self._transport.close_handshake else None
        detail = "" if received is None else f" ({received.code} {received.reason})".rstrip()
        return Unreachable(f"{self.endpoint}: the connection was closed{detail}")
