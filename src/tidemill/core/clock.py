"""Where does time come from: from here, and from nowhere else."""

import time
from typing import Protocol

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000


class Clock(Protocol):
    """Says what time it is."""

    def now_ns(self) -> int:
        """Return ns since 1970-01-01 UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now_ns(self) -> int:
        """Return ns since 1970-01-01 UTC."""
        return time.time_ns()
