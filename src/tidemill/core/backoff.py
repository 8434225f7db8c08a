"""How long is a lost connection left alone before it is tried again."""

import random

_STEADY_S = 5.0
"""A connection that lasted so long was a good one: the next wait begins anew."""


class Backoff:
    """The waits of one connection: each twice as long as the one before, up to a limit, give or take half."""

    def __init__(self, first_ms: int, max_ms: int) -> None:
        self._first_ms = first_ms
        self._max_ms = max_ms
        self._next_ms = first_ms

    def wait_s(self, lasted_s: float) -> float:
        """Return how long to wait after a connection that lasted so long, or was not had at all."""
        if lasted_s > _STEADY_S:
            self._next_ms = self._first_ms
        # many clients that lost one server must not all come back at once
        wait_s = self._next_ms * random.uniform(0.5, 1.5) / 1_000  # noqa: S311
        self._next_ms = min(2 * self._next_ms, self._max_ms)
        return wait_s
