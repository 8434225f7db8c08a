"""What every bus backend promises: atomic commits of batches and state, ordered reads, durable offsets."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, Self

import pyarrow as pa
from msgspec import Meta, Struct

from tidemill.schema.faults import Malformed

if TYPE_CHECKING:
    from tidemill.bus.intake import Intake

Batches = Sequence[tuple[str, pa.RecordBatch]]
"""What one commit appends: pairs of topic and batch, in order."""
State = Mapping[bytes, bytes | None]
"""What one commit changes in the key-value state; None deletes the key."""

CONSUMER_PREFIX = b"consumer/"
KEY_BYTES_MAX = 511
"""LMDB's limit, held by every backend so that none accepts what another refuses."""

_NAME = re.compile(r"[a-z0-9_.-]{1,200}")

_Positive = Annotated[int, Meta(ge=1)]


class BusSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [bus]."""

    retention_bytes: _Positive = 1 << 30
    """Beyond this the oldest batches of the largest topic go, unless a registered consumer still needs them.
    1 GiB holds about 7 million swaps: an hour of 2,000 events/s, and seconds to replay."""
    size_max_bytes: _Positive = 16 << 30
    """The most that a stalled consumer can make the bus hold before commits fail with Unreachable."""
    sync: Literal["commit", "interval"] = "interval"
    """When a commit is forced to disk. What was accepted survives `kill -9` either way.

    "interval": every `sync_interval_ms`. A power loss may cost the last interval, and, since the disk may
    have written pages in another order, the whole bus: then remove bus and store, and read the chain anew.
    It is the default, for a commit has 5 ms at the 99th percentile, and other programs' writes must not
    count in it.
    "commit": before it returns, so that it survives a power loss too.
    Measured with 20 swaps on a quiet disk: 0.1 ms p50 and 0.2 ms p99 by interval, 0.5 and 0.8 ms by commit.
    Beside a store and compilers on the same disk and two cores: 0.8 and 5 to 8 ms by interval; 2 and 19 to
    86 ms by commit, which waits for their writes."""
    sync_interval_ms: _Positive = 200
    """Below the time between two blocks of most chains; only for sync = "interval"."""
    read_bytes_max: _Positive = 2 << 20
    """A read stops after the batch that passes this size as stored; bounds its memory and time."""
    poll_ms: _Positive = 10
    """How often a reading process looks for what the writing process added."""


class Entry(NamedTuple):
    """One batch of a topic and its number."""

    offset: int
    batch: pa.RecordBatch


class Poison(Malformed):
    """A stored batch that nobody can read; who reads past it keeps its bytes."""

    def __init__(self, message: str, offset: int, stored: bytes) -> None:
        super().__init__(message)
        self.offset = offset
        self.stored = stored


class Bus(ABC):
    """Topics of Arrow batches, numbered from 0, and a key-value state; both change in the same transaction.

    Offsets rise by one, but on Kafka, whose transactions take some for themselves.

    Use it as an async context manager, in one event loop.
    """

    @property
    @abstractmethod
    def identity(self) -> str:
        """Names this bus; a new one at the same place has another, for its offsets mean other batches."""

    @property
    def sent_per_s(self) -> float | None:
        """Messages that were sent to brokers a second, over the last minute; None where there are none."""
        return None

    @abstractmethod
    async def __aenter__(self) -> Self:
        """Open it. Raises: Refused, where another process writes to it; Unreachable, where the disk fails."""

    @abstractmethod
    async def __aexit__(self, *exc: object) -> None:
        """Close it; what is being committed is finished first."""

    @abstractmethod
    async def commit(self, batches: Batches, state: State | None = None) -> list[int]:
        """Append all batches and apply all state changes, or do nothing of it.

        A cancelled caller does not know whether it happened; it did so wholly or not at all.

        Returns: the offset of each batch, in order. It is durable as `BusSettings.sync` says.
        Raises: Unreachable, where there is no room; a later retry succeeds once there is. Refused, where this
            process opened the bus for reading only.
        """

    @abstractmethod
    async def read(self, topic: str, offset: int, *, batches_max: int, wait_ms: int = 0) -> list[Entry]:
        """Return up to `batches_max` batches from `offset` on, oldest first; wait up to `wait_ms` for one.

        Who does not wait gets all that this bus committed before, as far as it fits.

        A topic that nothing was appended to is empty, not an error.

        Raises: Gap, where `offset` was trimmed already; Poison, where the first batch cannot be read: one
        after it ends what is returned. Refused, where the topic is to be read by its partitions.
        """

    async def partitions(self, topic: str) -> list[str]:
        """Return the names by which `topic` is read: its own, or one for each partition, in order."""
        return [topic]

    def intake(self, group: str, topics: Sequence[str], *, batches_max: int = 1_000) -> "Intake":
        """Return a hold on `topics` for processors: on Kafka, processes with the same `group` share them.

        It takes up to `batches_max` batches at a time; on Kafka, `kafka.consumer.max_poll_records`.
        """
        from tidemill.bus.intake import BusIntake

        return BusIntake(self, group, topics, batches_max=batches_max)

    async def waiting(self, group: str, topics: Sequence[str]) -> dict[str, int]:
        """Return by partition how many batches of `topics` a group of processors has not taken.

        As `Intake.lag`, of any process; nothing of what none of the group ever took up. Raises: Unreachable.
        """
        found: dict[str, int] = {}
        for part in [part for topic in topics for part in await self.partitions(topic)]:
            place = await self.get(consumer_key(group, part))
            if place is not None:
                found[part] = max(await self.head(part) - int.from_bytes(place, "big"), 0)
        return found

    @abstractmethod
    async def first(self, topic: str) -> int:
        """Return the lowest offset that can still be read; equals `head` where there is none."""

    @abstractmethod
    async def head(self, topic: str) -> int:
        """Return the offset after that of the last batch of `topic`; of all partitions, added up."""

    async def heads(self, topics: Iterable[str]) -> dict[str, int]:
        """Return the head of each: what was committed together counts together."""
        return {topic: await self.head(topic) for topic in topics}

    @abstractmethod
    async def topics(self) -> list[str]:
        """Return the names of all topics that anything was ever appended to, sorted."""

    @abstractmethod
    async def state(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """Return keys and values of the state whose key starts with `prefix`, by key."""

    @abstractmethod
    async def get(self, key: bytes) -> bytes | None:
        """Return the value of `key` in the state."""


def consumer_key(consumer: str, topic: str) -> bytes:
    """Return the state key under which `consumer` keeps the offset it reads next in `topic`.

    Raises: ValueError, where a name has other characters than a-z 0-9 _ . -
    """
    return CONSUMER_PREFIX + f"{_named(consumer)}/{_named(topic)}".encode()


def consumer_topic(key: bytes) -> str | None:
    """Return the topic of a consumer's key; None for any other key."""
    if not key.startswith(CONSUMER_PREFIX):
        return None
    return key.rpartition(b"/")[2].decode()


def offset_value(offset: int) -> bytes:
    """Return how the state spells an offset: 8 bytes, big-endian."""
    return offset.to_bytes(8, "big")


def check_commit(batches: Batches, state: State) -> None:
    """Check what every backend checks before a commit.

    Raises: ValueError, where a topic's name or a key is not fit.
    """
    for topic, _ in batches:
        _named(topic)
    for key in state:
        if not 0 < len(key) <= KEY_BYTES_MAX:
            raise ValueError(f"state key: expected 1 to {KEY_BYTES_MAX} bytes, found {len(key)}")


@lru_cache(4_096)
def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"expected a name of 1 to 200 of a-z 0-9 _ . -, found {name!r}")
    return name
