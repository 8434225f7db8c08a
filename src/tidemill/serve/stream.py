"""What does a client of a stream ask for, and what is it sent: by WebSocket and by server-sent events."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
import pyarrow as pa
from msgspec import Meta, Struct

from tidemill.schema.events import EVENTS
from tidemill.schema.faults import Refused
from tidemill.serve.events_asked import fields_of
from tidemill.serve.filters import WHERE_PATTERN, conditions
from tidemill.serve.forms import plain_rows
from tidemill.serve.hub import Frame, Hub, Wish
from tidemill.serve.place import Place

OTHER_NAMES = {"transactions": "arbitrage_transaction", "opportunities": "opportunity", "swaps": "swap"}
"""Topics by the names that the source documents have for them."""
_TOPICS_MAX = 64
_Where = tuple[Annotated[str, Meta(pattern=WHERE_PATTERN)], ...]
FrameKind = Literal["event", "batch"]


class StreamAsked(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a stream of one topic may be asked."""

    topic: str
    """The kind of event, as in `/events`; or `transactions`."""
    where: _Where = ()
    """`column>=value`, as in `/events`; each one must hold."""
    fields: str | None = None
    """Which columns, with commas between them; all by default."""
    frame: FrameKind | None = None
    """A frame for each event, or for all that came at once."""
    cursor: str | None = None
    """That of the last frame, to go on after it; from now on without one."""


class EventStreamAsked(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a stream of several topics may be asked."""

    topic: tuple[str, ...] = ("transactions",)
    """The kinds of events, as in `/events`; or `transactions`."""
    where: _Where = ()
    """`column>=value`, as in `/events`, of columns that all these topics have."""
    fields: str | None = None
    """Which columns, with commas between them; all by default."""
    frame: FrameKind = "event"
    """A frame for each event, or for all that came at once."""
    cursor: str | None = None
    """As the header Last-Event-ID, which wins."""


def tag_of(topic: str) -> str:
    """Return the kind of event that a topic's name stands for. Raises: Refused."""
    tag = OTHER_NAMES.get(topic, topic)
    if tag not in EVENTS:
        raise Refused(f"topic: expected one of {', '.join(EVENTS)}, found {topic[:80]!r}")
    return tag


def wish_of(tag: str, where: Sequence[str], fields: str | None, frame: FrameKind) -> Wish:
    """Return what such a client wants. Raises: Refused, naming what does not fit."""
    named = fields_of(tag, fields)
    is_each = frame == "event"
    encode = _encode_each if is_each else _encode_batch
    return Wish(tag, conditions(tag, where, {}), named, encode, is_each, (tag, tuple(where), named, frame))


def rows_wish(tag: str, where: Sequence[str], fields: str | None) -> Wish:
    """Return what a client in this process wants: rows as JSON has them. Raises: Refused."""
    named = fields_of(tag, fields)
    key = (tag, tuple(where), named, "rows")
    return Wish(tag, conditions(tag, where, {}), named, _plain_batch, False, key)


def wishes_of(topics: Sequence[str], asked: EventStreamAsked) -> list[Wish]:
    """Return what is wanted of each topic. Raises: Refused."""
    if not 0 < len(topics) <= _TOPICS_MAX:
        raise Refused(f"topic: expected 1 to {_TOPICS_MAX}, found {len(topics)}")
    return [
        wish_of(tag, asked.where, asked.fields, asked.frame) for tag in dict.fromkeys(map(tag_of, topics))
    ]


def _encode_each(tag: str, rows: pa.RecordBatch | pa.Table) -> list[bytes]:
    return [msgspec.json.encode(row) for row in plain_rows(tag, rows)]


def _encode_batch(tag: str, rows: pa.RecordBatch | pa.Table) -> list[bytes]:
    return [msgspec.json.encode({"events": plain_rows(tag, rows)})]


def _plain_batch(tag: str, rows: pa.RecordBatch | pa.Table) -> list[list[dict[str, Any]]]:
    return [plain_rows(tag, rows)]


class Told(NamedTuple):
    """A frame of one of several topics, and the places after it; None after a silence."""

    frame: Frame | None
    places: Mapping[str, Place]


async def merged(
    hub: Hub, wishes: Sequence[Wish], places: Mapping[str, Place], silence_s: float
) -> AsyncIterator[Told]:
    """Yield the frames of several topics as they come, and after each silence that nothing came.

    Raises: Gap, Refused, Dropped, as `Hub.follow` does.
    """
    reached: dict[str, Place] = {
        wish.tag: places.get(wish.tag) or Place(hub.head(wish.tag)) for wish in wishes
    }
    sources = {wish.tag: hub.follow(wish, reached[wish.tag]) for wish in wishes}
    waiting: dict[asyncio.Task[Any], str] = {}
    try:
        for tag, source in sources.items():
            waiting[asyncio.create_task(_next(source), name=f"stream {tag}")] = tag
        while waiting:
            done, _ = await asyncio.wait(waiting, timeout=silence_s, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                yield Told(None, reached)
            for task in done:
                tag = waiting.pop(task)
                frame = task.result()
                reached = {**reached, tag: frame.place}
                yield Told(frame, reached)
                waiting[asyncio.create_task(_next(sources[tag]), name=f"stream {tag}")] = tag
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        for source in sources.values():
            await source.aclose()


async def _next(source: AsyncIterator[Frame]) -> Frame:
    return await anext(source)
