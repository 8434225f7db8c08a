"""How many frames that ask for nothing may a connection send before it is ended?"""

COST_MAX = 1_000
"""A hundred requests that are taken back at once, as by a page that is left, are no attack."""
_PER_S = 20.0
RESET_COST = 10
"""A request that was begun and taken back has cost more than a PING."""


class Patience:
    """A bucket that such frames empty, and time and what is sent to the client fill.

    Source: CVE-2019-9512 to 9518 (floods of PING, SETTINGS, empty DATA), CVE-2023-44487 (rapid reset),
    CVE-2025-8671 (having the server reset).
    """

    def __init__(self, now_s: float) -> None:
        self._left: float = COST_MAX
        self._then_s = now_s

    def spend(self, cost: int, now_s: float) -> bool:
        """Return whether there was so much."""
        self._left = min(COST_MAX, self._left + (now_s - self._then_s) * _PER_S) - cost
        self._then_s = now_s
        return self._left >= 0

    def earn(self, frames: int) -> None:
        """Allow for those that come of what was sent, such as windows that are opened again."""
        self._left += frames
