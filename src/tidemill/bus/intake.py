"""Take messages of some topics, and commit what comes of them together with the place that was reached."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple, Self

import pyarrow as pa
from typing_extensions import override

from tidemill.bus.base import Batches, Bus, Poison
from tidemill.bus.consumer import Consumer
from tidemill.schema.faults import Malformed


class Message(NamedTuple):
    """One message of a topic."""

    topic: str
    partition: str
    """Where it lies: the topic itself, or one partition of it."""
    offset: int
    content: pa.RecordBatch | Malformed
    """The batch, or why it cannot be read."""
    stored: bytes
    """As the bus keeps it; empty where the batch can be read and is not kept as bytes."""


class Intake(ABC):
    """A group's hold on some topics; use it as an async context manager, and take turns: `take`, `commit`."""

    @abstractmethod
    async def __aenter__(self) -> Self:
        """Join the group. Raises: Unreachable, Refused."""

    @abstractmethod
    async def __aexit__(self, *exc: object) -> None:
        """Leave it; what was taken and not committed goes to another, or comes again."""

    @abstractmethod
    async def take(self, *, wait_ms: int) -> list[Message]:
        """Return the next messages, in order within each partition; none where none came in time.

        Raises: Gap, Unreachable.
        """

    @abstractmethod
    async def commit(self, batches: Batches, taken: Sequence[Message]) -> None:
        """Append `batches` and move beyond `taken`, or do nothing of it.

        Raises: Unreachable, where it may not have happened: leave and join again, and what was not committed
        comes again. Refused, where another process took over.
        """

    @abstractmethod
    async def lag(self) -> dict[str, int]:
        """Return by partition how many batches wait: about so many, where offsets do not rise by one."""


class BusIntake(Intake):
    """The hold of the one process that writes to a bus: its places lie in the bus's state."""

    def __init__(self, bus: Bus, group: str, topics: Sequence[str], *, batches_max: int) -> None:
        self._bus = bus
        self._group = group
        self._topics = tuple(topics)
        self._batches_max = batches_max
        self._consumers: dict[str, tuple[str, Consumer]] = {}
        self._turn = 0

    @override
    async def __aenter__(self) -> Self:
        for topic in self._topics:
            for part in await self._bus.partitions(topic):
                consumer = Consumer(self._bus, self._group, part)
                await consumer.start()
                self._consumers[part] = (topic, consumer)
        return self

    @override
    async def __aexit__(self, *exc: object) -> None:
        self._consumers.clear()

    @override
    async def take(self, *, wait_ms: int) -> list[Message]:
        parts = list(self._consumers)
        for _ in parts:
            # Each in turn, so that none waits behind a busy one; only the last of them is waited for.
            self._turn = (self._turn + 1) % len(parts)
            part = parts[self._turn]
            found = await self._take(part, wait_ms // len(parts))
            if found:
                return found
        return []

    async def _take(self, part: str, wait_ms: int) -> list[Message]:
        topic, consumer = self._consumers[part]
        try:
            entries = await consumer.next(batches_max=self._batches_max, wait_ms=wait_ms)
        except Poison as poison:
            consumer.skip(poison.offset + 1)
            return [Message(topic, part, poison.offset, poison, poison.stored)]
        return [Message(topic, part, entry.offset, entry.batch, b"") for entry in entries]

    @override
    async def commit(self, batches: Batches, taken: Sequence[Message]) -> None:
        state: dict[bytes, bytes | None] = {}
        for message in taken:
            state |= self._consumers[message.partition][1].state_after(message.offset + 1)
        await self._bus.commit(batches, state)

    @override
    async def lag(self) -> dict[str, int]:
        heads = await self._bus.heads(self._consumers)
        return {part: max(heads[part] - one.next_offset, 0) for part, (_, one) in self._consumers.items()}
