"""How is a socket of Polymarket kept: opened again and again, spoken to, judged when it falls silent."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

from tidemill.core.backoff import Backoff
from tidemill.core.clock import Clock
from tidemill.core.endpoint import redact_url
from tidemill.core.socket import Socket, SocketLimits
from tidemill.schema.events import HealthState
from tidemill.schema.faults import Fault, Refused, Unreachable
from tidemill.venues.polymarket import KEEPALIVES, PING

Frames = list[tuple[int, bytes]]
"""recv_ns and bytes, in order; keepalives are left out."""


_KEEPALIVE_BYTES_MAX = 16

_DENIED = frozenset({1008, 4001, 4401, 4403})
"""Codes with which a server ends a connection whose credentials it does not accept."""


class LinkLimits(NamedTuple):
    """How long a socket waits."""

    ping_interval_ms: int
    pong_timeout_ms: int
    silence_ms: int
    reconnect_first_ms: int
    reconnect_max_ms: int


class Listener(NamedTuple):
    """Who a socket tells what."""

    opening: Callable[[], Iterable[bytes]]
    """Returns what is said first on a new connection."""
    on_open: Callable[[], Awaitable[None]]
    on_frames: Callable[[Frames], Awaitable[None]] | None
    """None where `on_held` is given."""
    on_silence: Callable[[], Awaitable[bool]]
    """Says whether there was nothing to be told; a socket that kept news back is given up."""
    on_closed: Callable[[Fault], Awaitable[None]]
    on_held: Callable[[], None] | None = None
    """Is told that messages begin to wait, which `take` returns: for who reads many sockets in turns."""


class PolymarketLink:
    """One socket; `run` it until cancelled, or until the server refuses it."""

    def __init__(self, url: str, clock: Clock, limits: LinkLimits, listener: Listener) -> None:
        self.endpoint = redact_url(url)
        self.state = HealthState.CONNECTING
        self.connection_count = 0
        """How often it was opened."""
        self.frame_count = 0
        """Messages that were no keepalives."""
        self.last_message_ns: int | None = None
        self._url = url
        self._clock = clock
        self._limits = limits
        self._listener = listener
        self._socket: Socket | None = None
        self._rest: Frames = []
        """What the last connection left behind."""
        self._heard_s = self._told_s = 0.0
        """When anything came, and any message, by the loop's time."""

    def take(self) -> Frames:
        """Return what waits, also of a connection that ended; where `on_held` is given."""
        frames, self._rest = self._rest, []
        if self._socket is not None:
            frames += self._socket.take()
        return self._noted(frames)

    def send(self, frames: Iterable[bytes]) -> None:
        """Say something now; while there is no connection, the next one's opening says it."""
        try:
            for frame in frames:
                if self._socket is not None:
                    self._socket.send(frame)
        except Unreachable:
            pass  # the reader is told the same, and opens another

    async def run(self) -> None:
        """Keep a connection. Raises: Refused."""
        backoff = Backoff(self._limits.reconnect_first_ms, self._limits.reconnect_max_ms)
        loop = asyncio.get_running_loop()
        while True:
            opened_s = loop.time()
            try:
                await self._converse()
            except Fault as fault:
                is_refused = isinstance(fault, Refused)
                self.state = HealthState.REFUSED if is_refused else HealthState.DOWN
                await self._listener.on_closed(fault)
                if is_refused:
                    raise
            await asyncio.sleep(backoff.wait_s(loop.time() - opened_s))

    async def _converse(self) -> None:
        """Speak until a fault ends it."""
        self.state = HealthState.CONNECTING
        limits = SocketLimits(ping_interval_ms=self._limits.pong_timeout_ms)
        held = self._listener.on_held
        async with await Socket.connect(self._url, self._clock, limits, on_held=held) as socket:
            self.connection_count += 1
            await self._listener.on_open()
            self._socket = socket
            if held is not None:
                held()  # what came before could not be taken
            try:
                for frame in self._listener.opening():
                    socket.send(frame)
                await self._serve(socket)
            except Unreachable as fault:
                if socket.close_code in _DENIED:
                    raise Refused(f"{fault}: the venue does not accept what was said first") from fault
                raise
            finally:
                self._socket = None
                self._rest += socket.take()

    async def _serve(self, socket: Socket) -> None:
        loop, limits = asyncio.get_running_loop(), self._limits
        ping_s = loop.time() + limits.ping_interval_ms / 1_000
        self._heard_s = self._told_s = loop.time()
        while True:
            frames: Frames = []
            try:
                async with asyncio.timeout_at(min(ping_s, self._told_s + limits.silence_ms / 1_000)):
                    frames = await socket.receive() if self._listener.on_frames else await socket.wait_end()
            except TimeoutError:
                pass  # something else is due
            told = self._noted(frames)
            if told and self._listener.on_frames:
                await self._listener.on_frames(told)
            now_s = loop.time()
            if now_s >= ping_s:
                if now_s - self._heard_s > limits.pong_timeout_ms / 1_000:
                    raise Unreachable(f"{self.endpoint}: no answer to PING in {limits.pong_timeout_ms} ms")
                socket.send(PING)
                ping_s = now_s + limits.ping_interval_ms / 1_000
            if now_s >= self._told_s + limits.silence_ms / 1_000:
                await self._judge_silence()
                self._told_s = loop.time()

    def _noted(self, frames: Frames) -> Frames:
        """Return the messages among frames, which are counted."""
        if not frames:
            return frames
        self._heard_s = asyncio.get_running_loop().time()
        told = [
            one for one in frames if len(one[1]) > _KEEPALIVE_BYTES_MAX or one[1].strip() not in KEEPALIVES
        ]
        if told:
            self._told_s = self._heard_s
            self.state = HealthState.LIVE
            self.frame_count += len(told)
            self.last_message_ns = told[-1][0]
        return told

    async def _judge_silence(self) -> None:
        if not await self._listener.on_silence():
            raise Unreachable(
                f"{self.endpoint}: nothing came for {self._limits.silence_ms} ms, though there was news"
            )
