"""Give each request a trace id, the caller's or a new one: for its answer, the log, and who traces."""

from collections.abc import Callable
from typing import Any, NamedTuple

from tidemill.core.clock import Clock, SystemClock
from tidemill.core.trace_id import TRACE_ID, new_trace_id, read_traceparent
from tidemill.serve.asgi import App, Receive, Scope, Send

HEADER = b"x-request-id"


class Request(NamedTuple):
    """One request over HTTP that was answered."""

    method: str
    path: str
    status: int
    began_ns: int
    ended_ns: int
    trace_id: str
    parent_span: str | None
    """The caller's span, 16 hex digits; None where it told none."""


Told = Callable[[Request], None]


class Requested:
    """A plain ASGI middleware, before all others."""

    def __init__(self, app: App, told: Told | None = None, clock: Clock | None = None) -> None:
        """Have `told` know of each request over HTTP once it is answered, within its context."""
        self._app = app
        self._told = told
        self._clock = clock or SystemClock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        parent = next((value for name, value in scope["headers"] if name == b"traceparent"), b"")
        trace_id, span = read_traceparent(parent.decode("latin-1")) or (new_trace_id(), None)
        before = TRACE_ID.set(trace_id)
        try:
            if scope["type"] == "http":
                await self._answer(scope, receive, send, (trace_id, span))
            else:
                await self._app(scope, receive, send)
        finally:
            TRACE_ID.reset(before)

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, caller: tuple[str, str | None]
    ) -> None:
        status, began_ns = 0, self._clock.now_ns()

        async def named(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (HEADER, caller[0].encode())]
            await send(message)

        try:
            await self._app(scope, receive, named)
        finally:
            if self._told is not None:
                ended_ns = self._clock.now_ns()
                self._told(Request(scope["method"], scope["path"], status, began_ns, ended_ns, *caller))
