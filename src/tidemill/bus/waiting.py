"""Let readers of a topic sleep until it grows."""

import asyncio
from collections.abc import Iterable


class Growth:
    """Wakes those who wait for a topic; belongs to one event loop."""

    def __init__(self) -> None:
        self._events: dict[str, asyncio.Event] = {}

    def told(self, topics: Iterable[str]) -> None:
        """Wake all who wait for any of `topics`."""
        for topic in topics:
            event = self._events.pop(topic, None)
            if event is not None:
                event.set()

    def next(self, topic: str) -> asyncio.Event:
        """Return the event that is set when `topic` next grows; take it before looking."""
        return self._events.setdefault(topic, asyncio.Event())


async def wait_until(event: asyncio.Event, deadline_s: float) -> bool:
    """Wait for `event` until the loop's clock shows `deadline_s`; say whether it was set."""
    try:
        async with asyncio.timeout_at(deadline_s):
            await event.wait()
    except TimeoutError:
        return False
    return True
