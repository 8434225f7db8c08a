"""How many a second were there over the last minute: a count for each second, nothing older."""

from tidemill.core.clock import NS_PER_S

WINDOW_S = 60


class Rate:
    """Counts what happens; one thread may add while another asks."""

    def __init__(self) -> None:
        self._seconds = [-1] * WINDOW_S
        self._counts = [0] * WINDOW_S

    def add(self, count: int, now_ns: int) -> None:
        """Count what happened now."""
        second = now_ns // NS_PER_S
        at = second % WINDOW_S
        if self._seconds[at] != second:
            self._counts[at] = 0
            self._seconds[at] = second
        self._counts[at] += count

    def per_s(self, now_ns: int) -> float:
        """Return what the last minute had, by its seconds, those before the first count too."""
        last = now_ns // NS_PER_S
        counted = zip(self._seconds, self._counts, strict=True)
        return sum(count for second, count in counted if last - WINDOW_S < second <= last) / WINDOW_S
