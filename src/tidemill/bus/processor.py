"""What turns messages of some topics into messages of others, and may be written in one file."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import ClassVar

import pyarrow as pa

from tidemill.bus.intake import Message
from tidemill.schema.faults import Malformed

Forward = Callable[[str, pa.RecordBatch], Awaitable[None]]


class StreamProcessor(ABC):
    """One step of a pipeline, which runs it: what it forwards is committed together with what it was given.

    It may be given a message again whose outcome was not committed. What it keeps in memory is its own: a
    process that begins anew has none of it.
    """

    name: ClassVar[str]
    """What it is called: a-z 0-9 _ . - alone."""
    reads: ClassVar[tuple[str, ...]]
    """The topics that it is given."""
    writes: ClassVar[tuple[str, ...]] = ()
    """The topics that it forwards to; the first unless it says otherwise."""

    def __init__(self) -> None:
        self._forward: Forward | None = None

    def bind(self, forward: Forward) -> None:
        """Take what `forward` calls; a pipeline does this."""
        self._forward = forward

    @abstractmethod
    async def process(self, message: Message) -> None:
        """Take one message, whose content `batch_of` gives.

        Raises: anything, where it cannot: what it forwarded of this message is dropped, and the message is
        laid aside as a dead letter.
        """

    async def forward(self, batch: pa.RecordBatch, topic: str | None = None) -> None:
        """Send `batch` to one of `writes`, once all that was taken with the message is processed.

        Raises: ValueError, where `topic` is not among them.
        """
        assert self._forward is not None, "the processor belongs to no pipeline"
        wanted = topic or next(iter(self.writes), "")
        if wanted not in self.writes:
            raise ValueError(f"processor {self.name}: expected one of {self.writes}, found {wanted!r}")
        await self._forward(wanted, batch)


def batch_of(message: Message) -> pa.RecordBatch:
    """Return what a message carries. Raises: Malformed, where it cannot be read."""
    if isinstance(message.content, Malformed):
        raise message.content
    return message.content
