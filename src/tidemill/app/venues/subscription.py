"""Call one callback with each event that it asked for: a bounded queue, and counts of all that goes wrong."""

import asyncio
import inspect
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from typing import Any

import pyarrow as pa
from typing_extensions import override

from tidemill.schema import derive

Callback = Callable[[dict[str, Any]], object]
"""Takes one event; what it returns is awaited where that can be awaited."""

QUEUE_EVENTS_MAX = 65_536
"""Some steps of a backfill, or minutes of a busy chain."""
_CHUNK_EVENTS = 32


class Registered(ABC):
    """One registered callback, and what came of calling it."""

    def __init__(self, key: str, callback: Callback, forget: Callable[[], None]) -> None:
        self.key = key
        self.delivered_events = 0
        """Given to the callback, whether or not it raised."""
        self.dropped_events = 0
        """Not given to it."""
        self.error_count = 0
        self.last_error: str | None = None
        self.task: asyncio.Task[None] | None = None
        self._callback = callback
        self._forget = forget

    def unregister(self) -> None:
        """Call the callback no more; what waits for it is dropped. A second time does nothing."""
        self._forget()
        if self.task is not None:
            self.task.cancel()

    @abstractmethod
    async def run(self) -> None:
        """Call the callback with each event until cancelled."""

    async def _call(self, event: dict[str, Any]) -> None:
        self.delivered_events += 1
        try:
            result = self._callback(event)
            if inspect.isawaitable(result):
                await result
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            self._note(error)  # it was the callback that raised it
        except Exception as error:  # it is the user's code: what it raises must not stop other readers
            self._note(error)

    def _note(self, error: BaseException) -> None:
        self.error_count += 1
        self.last_error = f"{type(error).__name__}: {error}"


class Subscription(Registered):
    """A callback that gets every event, with its queue: where that is full, the oldest go."""

    def __init__(
        self, key: str, callback: Callback, queue_events_max: int, forget: Callable[[], None]
    ) -> None:
        super().__init__(key, callback, forget)
        self.drained = asyncio.Event()
        """Set while nothing waits."""
        self.drained.set()
        self._queue_events_max = queue_events_max
        self._queue: deque[tuple[str, pa.RecordBatch]] = deque()
        self._waiting_events = 0
        self._in_hand_events = 0
        self._filled = asyncio.Event()

    @property
    def queued_events(self) -> int:
        """Events that wait for the callback."""
        return self._waiting_events + self._in_hand_events

    @override
    def unregister(self) -> None:
        self.drained.set()
        super().unregister()

    def offer(self, tag: str, batch: pa.RecordBatch) -> None:
        """Queue rows; never waits."""
        self._queue.append((tag, batch))
        self._waiting_events += batch.num_rows
        while (excess := self._waiting_events - self._queue_events_max) > 0:
            oldest_tag, oldest = self._queue.popleft()
            gone = min(excess, oldest.num_rows)
            if gone < oldest.num_rows:
                self._queue.appendleft((oldest_tag, oldest.slice(gone)))
            self.dropped_events += gone
            self._waiting_events -= gone
        self.drained.clear()
        self._filled.set()

    @override
    async def run(self) -> None:
        while True:
            await self._filled.wait()
            while self._queue:
                for event in self._take_chunk():
                    await self._call(event)
                    self._in_hand_events -= 1
                    await asyncio.sleep(0)  # a reader waits for its turn meanwhile
            self._filled.clear()
            self.drained.set()

    def _take_chunk(self) -> list[dict[str, Any]]:
        tag, batch = self._queue.popleft()
        if batch.num_rows > _CHUNK_EVENTS:
            self._queue.appendleft((tag, batch.slice(_CHUNK_EVENTS)))
            batch = batch.slice(0, _CHUNK_EVENTS)
        self._waiting_events -= batch.num_rows
        self._in_hand_events = batch.num_rows
        return plain_events(tag, batch)


class NewestSubscription(Registered):
    """A callback that gets the newest of each thing that changed: a slow one misses what came between."""

    def __init__(
        self,
        key: str,
        callback: Callback,
        newest: Callable[[Hashable], dict[str, Any] | None],
        forget: Callable[[], None],
    ) -> None:
        """Make one; `newest` says what a thing is now, None where that is not known."""
        super().__init__(key, callback, forget)
        self._newest = newest
        self._changed: dict[Hashable, None] = {}
        self._filled = asyncio.Event()

    def offer(self, changed: Iterable[Hashable]) -> None:
        """Note what changed; never waits."""
        before = len(self._changed)
        names = dict.fromkeys(changed)
        self._changed |= names
        self.dropped_events += before + len(names) - len(self._changed)
        self._filled.set()

    @override
    async def run(self) -> None:
        while True:
            await self._filled.wait()
            while self._changed:
                name = next(iter(self._changed))
                del self._changed[name]
                event = self._newest(name)
                if event is not None:
                    await self._call(event)
                await asyncio.sleep(0)  # a reader waits for its turn meanwhile
            self._filled.clear()


def plain_events(tag: str, batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """Return rows as dicts: fields by name, integers exact, addresses and hashes as 0x text, absent as None.

    `event` is the event's tag.
    """
    texts = [column.name for column in derive.columns(tag) if column.logical.name in {"Address", "Hash"}]
    events: list[dict[str, Any]] = []
    for row in derive.to_rows(tag, batch):
        event = {"event": tag, **row}
        event.update((name, f"0x{row[name].hex()}") for name in texts if row[name] is not None)
        events.append(event)
    return events
