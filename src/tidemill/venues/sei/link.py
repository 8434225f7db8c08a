"""How is one WebSocket of a CometBFT node spoken with: questions, subscriptions, and what they bring."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import msgspec

from tidemill.core.clock import Clock
from tidemill.core.endpoint import redact_url
from tidemill.core.socket import Socket, SocketLimits
from tidemill.schema.faults import Fault, Malformed, Unreachable
from tidemill.venues.sei.config import SeiEndpointConfig, encoding_of
from tidemill.venues.sei.frames import Answer, Head, Listed, Tx, read_frame, request

OnHeard = Callable[[Tx | Head | Listed, int], None]
"""Takes what a subscription brought, and when its frame came."""
_IN_ONE_GO = 200
"""So many frames are read before others have their turn: below 10 ms."""


class CometLink:
    """One connection; use it as an async context manager, and `run` it beside what asks."""

    def __init__(
        self,
        endpoint: SeiEndpointConfig,
        clock: Clock,
        on_heard: OnHeard,
        on_fault: Callable[[Fault], None],
        answer_timeout_ms: int,
    ) -> None:
        self.endpoint = redact_url(endpoint.ws_url)
        self.frame_count = 0
        self._url = endpoint.ws_url
        self._encoding = encoding_of(endpoint)
        self._clock = clock
        self._on_heard = on_heard
        self._on_fault = on_fault
        self._answer_timeout_ms = answer_timeout_ms
        self._number = 0
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._socket: Socket | None = None

    async def __aenter__(self) -> Self:
        """Connect. Raises: Unreachable, Refused."""
        limits = SocketLimits(connect_timeout_ms=self._answer_timeout_ms)
        self._socket = await Socket.connect(self._url, self._clock, limits)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        if self._socket is not None:
            await self._socket.close()

    async def ask(self, method: str, **params: str) -> dict[str, Any]:
        """Return the result of a question; `run` brings it. Raises: Unreachable, Refused."""
        assert self._socket is not None, "use it as an async context manager"
        self._number += 1
        self._waiting[str(self._number)] = answer = asyncio.get_running_loop().create_future()
        self._socket.send(msgspec.json.encode(request(self._number, method, **params)))
        try:
            async with asyncio.timeout(self._answer_timeout_ms / 1_000):
                return await answer
        except TimeoutError:
            raise Unreachable(f"{self.endpoint}: no answer within {self._answer_timeout_ms} ms") from None
        finally:
            self._waiting.pop(str(self._number), None)

    async def run(self, on_batch: Callable[[], Any]) -> None:
        """Hear until the connection ends; `on_batch` is awaited after frames that came together.

        Raises: Unreachable at its end; Refused or Unreachable, where the node says an error.
        """
        assert self._socket is not None, "use it as an async context manager"
        while True:
            for number, (recv_ns, frame) in enumerate(await self._socket.receive(), 1):
                self.frame_count += 1
                self._hear(frame, recv_ns)
                if number % _IN_ONE_GO == 0:
                    await on_batch()
            await on_batch()

    def _hear(self, frame: bytes, recv_ns: int) -> None:
        try:
            heard = read_frame(frame, self._encoding, self.endpoint)
        except Malformed as fault:
            self._on_fault(fault)
            return
        if not isinstance(heard, Answer):
            self._on_heard(heard, recv_ns)
            return
        answer = self._waiting.get(heard.id)
        if answer is not None and not answer.done():
            answer.set_result(heard.result)
