"""How fast and how well was it lately: what counters gained over the last minute."""

from collections import deque
from typing import NamedTuple

from tidemill.core.clock import NS_PER_S
from tidemill.serve.program import ProgramState

WINDOW_S = 60


class Rates(NamedTuple):
    """What the last minute gave; None where there was nothing to tell it from."""

    events_per_s: float | None
    latency_ms: float | None
    """From frame to stored, the mean."""
    error_rate: float | None
    """Of what endpoints were asked or told, the share that they did wrong, 0 to 1."""


class _Counts(NamedTuple):
    now_ns: int
    events: int
    stored: int
    latency_s: float
    answers: int
    errors: int


class Recent:
    """Keeps the counts of the last minute."""

    def __init__(self) -> None:
        self._kept: deque[_Counts] = deque()

    def add(self, state: ProgramState) -> None:
        """Take the counts of now, and let go of those that are older than a minute."""
        self._kept.append(_counts(state))
        oldest_ns = state.now_ns - WINDOW_S * NS_PER_S
        while len(self._kept) > 2 and self._kept[1].now_ns <= oldest_ns:
            self._kept.popleft()

    def rates(self, state: ProgramState) -> Rates:
        """Return what came between the oldest counts that are kept and `state`."""
        now = _counts(state)
        then = self._kept[0] if self._kept else now
        seconds = (now.now_ns - then.now_ns) / NS_PER_S
        stored, asked = now.stored - then.stored, now.answers - then.answers + now.errors - then.errors
        return Rates(
            round((now.events - then.events) / seconds, 1) if seconds > 0 else None,
            round((now.latency_s - then.latency_s) / stored * 1_000, 3) if stored else None,
            round(max(now.errors - then.errors, 0) / asked, 6) if asked > 0 else None,
        )


def _counts(state: ProgramState) -> _Counts:
    endpoints = [endpoint for chain in state.chains for endpoint in chain.endpoints.values()]
    return _Counts(
        now_ns=state.now_ns,
        events=sum(topic.events for topic in state.topics.values()),
        stored=state.to_store.count,
        latency_s=state.to_store.sum_s,
        answers=sum(endpoint.answers for endpoint in endpoints),
        errors=sum(sum(endpoint.vices.values()) for endpoint in endpoints),
    )
