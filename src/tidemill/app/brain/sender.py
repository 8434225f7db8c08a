"""How does a signal reach the execution server: again by the same key until it answers, or is too late."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import msgspec

from tidemill.app.brain.journal import Journal, OpenSignal
from tidemill.core.backoff import Backoff
from tidemill.core.clock import Clock
from tidemill.core.http import HttpEndpoint, HttpFailure, HttpLimits
from tidemill.schema.events import Decision, DecisionState, ExecutionMode
from tidemill.schema.faults import Refused, Unreachable

_log = logging.getLogger("tidemill.brain")

NOT_CONNECTED = "Failed to connect to execution server"
_RETRY_FIRST_MS, _RETRY_MAX_MS = 50, 1_000
_REASON_CHARS = 300
_LIMITS = HttpLimits(connect_timeout_ms=1_000, answer_timeout_ms=10_000)


class Sender:
    """Sends to one server, whose mode must be ours; use it as an async context manager."""

    def __init__(
        self,
        server: str,
        mode: ExecutionMode,
        journal: Journal,
        *,
        clock: Clock,
        max_age_ms: int,
        api_key: str | None = None,
    ) -> None:
        headers = None if api_key is None else {"X-API-Key": api_key}
        self._execute = HttpEndpoint(f"{server.rstrip('/')}/execute", clock, _LIMITS, headers=headers)
        self._server = HttpEndpoint(server.rstrip("/"), clock, _LIMITS)
        self._mode, self._journal, self._clock, self._max_age_ms = mode, journal, clock, max_age_ms
        self._is_checked = False
        self._is_reached = True

    async def __aenter__(self) -> "Sender":
        """Make the connections' pools."""
        await self._execute.__aenter__()
        await self._server.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close every connection."""
        await self._execute.__aexit__(None, None, None)
        await self._server.__aexit__(None, None, None)

    async def send(self, signal: OpenSignal, tell: Callable[[Decision], None]) -> None:
        """Send a signal that the journal has, and keep what came of it; `tell` gets that.

        Raises: Refused, where the server is in another mode; Unreachable, where the journal's disk fails.
        """
        state, reason = await self._answered(signal)
        tell(await self._journal.close(signal, state, reason, self._clock.now_ns()))

    async def _answered(self, signal: OpenSignal) -> tuple[DecisionState, str]:
        backoff = Backoff(_RETRY_FIRST_MS, _RETRY_MAX_MS)
        told = NOT_CONNECTED
        while self._clock.now_ns() - signal.found_ns <= self._max_age_ms * 1_000_000:
            answer = await self._check_mode() or await self._execute.post(signal.body)
            if not isinstance(answer, HttpFailure):
                self._is_reached = True
                return _read(answer.body)
            if isinstance(answer.fault, Refused):
                return DecisionState.DECLINED, str(answer.fault)[:_REASON_CHARS]
            if not isinstance(answer.fault, Unreachable):
                return DecisionState.UNANSWERED, str(answer.fault)[:_REASON_CHARS]
            self._is_checked = False  # who answers next may be another
            if self._is_reached:  # once, however many wait
                _log.warning("%s: %s", NOT_CONNECTED, answer.fault)
            self._is_reached = False
            told = f"{NOT_CONNECTED}: {answer.fault}"
            await asyncio.sleep((answer.retry_after_ms or 0) / 1_000 or backoff.wait_s(0))
        return DecisionState.UNANSWERED, told[:_REASON_CHARS]

    async def _check_mode(self) -> HttpFailure | None:
        """Return why the mode is not known. Raises: Refused, where it is not ours."""
        if self._is_checked:
            return None
        answer = await self._server.get("/health")
        if isinstance(answer, HttpFailure):
            return answer
        told = _json(answer.body)
        mode = told.get("mode")
        if mode != self._mode:
            raise Refused(f"brain: expected an execution server in {self._mode} mode, found {mode!r}")
        self._is_checked = True
        return None


def _read(body: bytes) -> tuple[DecisionState, str]:
    told = _json(body)
    text = body.decode(errors="replace")[:_REASON_CHARS]
    return (DecisionState.ANSWERED if told.get("success") is True else DecisionState.DECLINED), text


def _json(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}
