"""Do something unless it is called off in time."""

import asyncio
from collections.abc import Callable


class Deadline:
    """One timer, that is set anew or cleared."""

    def __init__(self, loop: asyncio.AbstractEventLoop, end: Callable[[], object]) -> None:
        self._loop = loop
        self._end = end
        self._timer: asyncio.TimerHandle | None = None

    def set(self, timeout_s: float) -> None:
        """Have it done after this time, and not when it was to be before."""
        self.clear()
        self._timer = self._loop.call_later(timeout_s, self._end)

    def clear(self) -> None:
        """Call it off."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
