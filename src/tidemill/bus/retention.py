"""Decide what a bus may forget: the oldest batch of the largest topic, never past a registered consumer."""

from collections import defaultdict
from collections.abc import Mapping

from msgspec import Struct

from tidemill.bus.base import State, consumer_topic

ENTRIES_A_STEP = 64
"""How many batches one commit trims at the most: keeps commits short while a long backlog goes."""


class TopicSpan(Struct):
    """What is kept of one topic."""

    topic_id: int
    first: int = 0
    head: int = 0
    stored_bytes: int = 0


class Floors:
    """The offset that each registered consumer reads next, by topic."""

    def __init__(self) -> None:
        self._offsets: dict[str, dict[bytes, int]] = defaultdict(dict)

    def apply(self, state: State) -> None:
        """Take over the consumer offsets among the state changes of a commit."""
        for key, value in state.items():
            topic = consumer_topic(key)
            if topic is None:
                continue
            if value is None:
                self._offsets[topic].pop(key, None)
            else:
                self._offsets[topic][key] = int.from_bytes(value, "big")

    def of(self, topic: str) -> int | None:
        """Return the lowest offset that a consumer of `topic` still needs; None where it has none."""
        return min(self._offsets[topic].values(), default=None) if topic in self._offsets else None


def topic_to_trim(spans: Mapping[str, TopicSpan], floors: Floors, retention_bytes: int) -> str | None:
    """Return the topic whose oldest batch should go next; None where all may stay or must."""
    if sum(span.stored_bytes for span in spans.values()) <= retention_bytes:
        return None
    trimmable = {topic: span for topic, span in spans.items() if _can_trim(span, floors.of(topic))}
    return max(trimmable, key=lambda topic: trimmable[topic].stored_bytes, default=None)


def _can_trim(span: TopicSpan, floor: int | None) -> bool:
    # The latest batch stays: a new reader then sees what the topic carries.
    return span.first + 1 < span.head and (floor is None or span.first < floor)
