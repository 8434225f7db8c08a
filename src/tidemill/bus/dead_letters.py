"""Keep what could not be taken in, with the reason and the bytes as they came, in a topic beside its own."""

from typing import NamedTuple

import pyarrow as pa

from tidemill.bus.base import Batches, Bus

SUFFIX = ".dead-letter"
SCHEMA = pa.schema(
    [
        pa.field("failed_ns", pa.uint64(), nullable=False),
        pa.field("consumer", pa.string(), nullable=False),
        pa.field("topic", pa.string(), nullable=False),
        pa.field("offset", pa.uint64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("stored", pa.binary(), nullable=False),
    ]
)
_BATCHES_A_READ = 256


class DeadLetter(NamedTuple):
    """One message that could not be taken in."""

    failed_ns: int
    """When that was found."""
    consumer: str
    """Who could not."""
    topic: str
    """Which it was on: one partition of it, where it has several."""
    offset: int
    """Its number there."""
    reason: str
    stored: bytes
    """As the bus keeps it."""


class Laid(NamedTuple):
    """A dead letter, and where it lies."""

    topic: str
    offset: int
    letter: DeadLetter


def dead_letter_topic(topic: str) -> str:
    """Return the topic in which dead letters of `topic`, or of the topic that it is a partition of, lie."""
    base, _, number = topic.rpartition(".")
    return f"{base if base and number.isdigit() else topic}{SUFFIX}"


def retry_topic(consumer: str, topic: str) -> str:
    """Return the topic by which `consumer` alone is given dead letters of `topic` again."""
    return f"{dead_letter_topic(topic).removesuffix(SUFFIX)}.retry.{consumer}"


def to_batches(letter: DeadLetter) -> Batches:
    """Return what lays `letter` aside when it is committed."""
    return [(dead_letter_topic(letter.topic), pa.RecordBatch.from_pylist([letter._asdict()], schema=SCHEMA))]


async def laid_aside(bus: Bus, topic: str | None = None) -> list[Laid]:
    """Return all dead letters that the bus still has, of one topic or of all, by topic and age.

    Raises: Malformed, where there is something else among them.
    """
    wanted = [name for name in await bus.topics() if name.endswith(SUFFIX)]
    if topic is not None:
        wanted = [name for name in wanted if name == dead_letter_topic(topic)]
    found: list[Laid] = []
    for name in wanted:
        offset, head = await bus.first(name), await bus.head(name)
        while offset < head:
            entries = await bus.read(name, offset, batches_max=_BATCHES_A_READ)
            if not entries:
                break
            offset = entries[-1].offset + 1
            for entry in entries:
                found += [Laid(name, entry.offset, DeadLetter(**row)) for row in entry.batch.to_pylist()]
    return found
