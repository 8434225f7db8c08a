"""When is the next message of a stream due: a stream that says nothing for longer is asked whether it lives.

What is usual is learned from the stream itself. Silence alone proves nothing, for a market may be slow: it
only says when to look.
"""

from msgspec import Struct

from tidemill.core.clock import NS_PER_MS

_SHARE = 8
"""The usual interval moves by an eighth of each surprise."""


class ExpectationLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a silence may be."""

    silence_min_ms: int = 2_500
    """A shorter silence is never looked into: with the time that an answer may take, a freeze is found within
    5 s."""
    intervals: float = 1.5
    """So many usual intervals of silence are looked into, where that is longer."""


class Expectation:
    """When the next message of one stream is due."""

    def __init__(self, limits: ExpectationLimits | None = None) -> None:
        self._limits = limits or ExpectationLimits()
        self._last_ns: int | None = None
        self._looked_ns: int | None = None
        self._usual_ns = 0

    def begin(self, now_ns: int) -> None:
        """Start to wait; the first message says nothing of the interval."""
        self._last_ns, self._looked_ns = now_ns, None

    def heard(self, now_ns: int) -> None:
        """Take note of a message."""
        if self._last_ns is not None and now_ns > self._last_ns:
            interval_ns = now_ns - self._last_ns
            if self._usual_ns:
                interval_ns = min(interval_ns, 8 * self._usual_ns)  # one long silence is not the usual
                self._usual_ns += (interval_ns - self._usual_ns) // _SHARE
            else:
                self._usual_ns = interval_ns
        self._last_ns, self._looked_ns = now_ns, None

    @property
    def allowed_ns(self) -> int:
        """How long a silence is not looked into."""
        return max(self._limits.silence_min_ms * NS_PER_MS, int(self._limits.intervals * self._usual_ns))

    def silent_ns(self, now_ns: int) -> int:
        """Return how long nothing has been said."""
        return 0 if self._last_ns is None else now_ns - self._last_ns

    def is_due(self, now_ns: int) -> bool:
        """Whether the silence is to be looked into now; once, and again after as long."""
        since_ns = self._looked_ns if self._looked_ns is not None else self._last_ns
        if since_ns is None or now_ns - since_ns <= self.allowed_ns:
            return False
        self._looked_ns = now_ns
        return True
