"""May a connection be asked: closed, open after failures in a row, half-open when one question may try it.

No library fits: all read a clock of their own, and here time comes in.
"""

from enum import StrEnum

from msgspec import Struct

from tidemill.core.clock import NS_PER_MS


class BreakerState(StrEnum):
    """Whether a connection is asked."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class BreakerLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a breaker opens, and for how long."""

    failures_max: int = 5
    """So many failures in a row open it."""
    open_first_ms: int = 1_000
    """How long it stays open at first; twice as long after each try that fails."""
    open_max_ms: int = 60_000


class Breaker:
    """The breaker of one connection."""

    def __init__(self, limits: BreakerLimits | None = None) -> None:
        self._limits = limits or BreakerLimits()
        self._failures = 0
        self._open_ms = 0
        self._until_ns = 0

    def state(self, now_ns: int) -> BreakerState:
        """Return its state."""
        if not self._open_ms:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now_ns < self._until_ns else BreakerState.HALF_OPEN

    def succeeded(self) -> None:
        """Close it: a question was answered."""
        self._failures = 0
        self._open_ms = 0

    def failed(self, now_ns: int) -> None:
        """Count a failure; what fails while it is open was asked before, and changes nothing."""
        limits = self._limits
        match self.state(now_ns):
            case BreakerState.CLOSED:
                self._failures += 1
                if self._failures < limits.failures_max:
                    return
                self._open_ms = limits.open_first_ms
            case BreakerState.HALF_OPEN:
                self._open_ms = min(2 * self._open_ms, limits.open_max_ms)
            case BreakerState.OPEN:
                return
        self._until_ns = now_ns + self._open_ms * NS_PER_MS
