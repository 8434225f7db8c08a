"""Read one topic in order, as a named consumer whose place is kept on the bus."""

from tidemill.bus.base import Bus, Entry, consumer_key, offset_value


class Consumer:
    """A named reader of one topic; what it has not finished is neither trimmed nor lost."""

    def __init__(self, bus: Bus, name: str, topic: str) -> None:
        self._bus = bus
        self._topic = topic
        self._key = consumer_key(name, topic)
        self._next = 0

    @property
    def next_offset(self) -> int:
        """The offset that `next` reads from."""
        return self._next

    async def start(self) -> int:
        """Register, or take up the place kept from before; a new consumer starts at the oldest batch.

        Returns: the offset it reads next.
        """
        kept = await self._bus.get(self._key)
        if kept is None:
            self._next = await self._bus.first(self._topic)
            await self._bus.commit([], self.state_after(self._next))
        else:
            self._next = int.from_bytes(kept, "big")
        return self._next

    async def next(self, *, batches_max: int, wait_ms: int) -> list[Entry]:
        """Return the next batches and move on in memory only; `done` keeps the place.

        Raises: Gap, where they were trimmed.
        """
        entries = await self._bus.read(self._topic, self._next, batches_max=batches_max, wait_ms=wait_ms)
        if entries:
            self._next = entries[-1].offset + 1
        return entries

    def skip(self, next_offset: int) -> None:
        """Go on at `next_offset`, in memory only."""
        self._next = next_offset

    def state_after(self, next_offset: int) -> dict[bytes, bytes | None]:
        """Return the state change that keeps the place, to commit together with what came of the batches."""
        return {self._key: offset_value(next_offset)}

    async def done(self, next_offset: int) -> None:
        """Keep the place durably: everything before `next_offset` is finished with."""
        await self._bus.commit([], self.state_after(next_offset))
