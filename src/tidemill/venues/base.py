"""What is a venue: where it is written, what it allows, what it says, and how that becomes events."""

import pkgutil
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Protocol

import msgspec
import pyarrow as pa
from msgspec import Struct, field

from tidemill._rust import VenueRead
from tidemill.core.book_rule import BookRule
from tidemill.schema import derive
from tidemill.schema.events import EVENTS
from tidemill.schema.faults import Fault


class Origin(Struct, frozen=True, kw_only=True):
    """Whose words a frame holds."""

    source: str
    """The name in the configuration."""
    chain_id: int
    dex: str
    decimals: dict[bytes, int] = {}
    """Decimals of tokens that are known already, by address."""
    connection: str = ""
    """Names the connection; empty where a frame is the answer to a question."""
    first_sequence: int = 0
    """The number of the frame's first message on the connection."""


class Mapped(Struct, kw_only=True):
    """What a frame means."""

    events: list[Struct] = field(default_factory=list[Struct])
    """In the frame's order."""
    faults: list[Fault] = field(default_factory=list[Fault])
    """Of the rows that became no event: Malformed ones are counted, Unknown ones can be mapped again when the
    registry was refreshed."""
    row_count: int = 0
    last_id: str = ""
    """The venue's own name of the last row; empty where there is none."""
    block_hash: bytes = b""
    """The block that the frame is of; empty where the venue names none."""


class ReadFrames(Protocol):
    """Reads frames in bulk: `map_frame` of a whole socket, a batch a call."""

    def __call__(
        self, frames: Sequence[tuple[int, bytes]], /, *, source: str, connection: str, first_sequence: int
    ) -> VenueRead:
        """Return what frames say, each given with its recv_ns, in order; raise nothing for them."""
        ...


class Feed(Struct, frozen=True, kw_only=True):
    """How a venue is read that has one socket, and nothing else to ask; `[feeds.NAME]` has it read."""

    ws_url: str
    opening: Callable[[Sequence[str]], Iterable[bytes]]
    """Takes instruments; returns what is said first on a new connection."""
    again: Callable[[Sequence[str]], Iterable[bytes]]
    """Takes instruments; returns what has their books told anew."""
    read: ReadFrames


class Venue(Struct, frozen=True, kw_only=True):
    """One venue: this one value registers it."""

    name: str
    docs: tuple[str, ...]
    """Where its protocol is written."""
    limits: str
    """What it allows, in one sentence or two."""
    channels: tuple[str, ...]
    """What can be heard; a frame's channel is known to who asked for it."""
    book_rule: BookRule | None = None
    """How its order books are kept; None where it has none."""
    feed: Feed | None = None
    """How it is read; None where that takes a reader of its own."""
    map_frame: Callable[[str, bytes, Origin, int], Mapped]
    """Takes channel, frame, origin and recv_ns. Raises Malformed where the frame as a whole cannot be read,
    another Fault where the venue says one."""


def events_of(batches: dict[str, pa.RecordBatch]) -> list[Struct]:
    """Return the rows of batches by topic as events, by their numbers; for the few: the bulk is Arrow."""
    events = [
        msgspec.convert(row, EVENTS[topic])
        for topic, batch in batches.items()
        for row in derive.to_rows(topic, batch)
    ]
    return sorted(events, key=lambda event: getattr(event, "sequence", 0))


def discover() -> dict[str, Venue]:
    """Return every venue of this folder, by name."""
    import tidemill.venues as folder

    found: dict[str, Venue] = {}
    for module in sorted(pkgutil.iter_modules(folder.__path__), key=lambda one: one.name):
        venue = getattr(import_module(f"{folder.__name__}.{module.name}"), "VENUE", None)
        if isinstance(venue, Venue):
            found[venue.name] = venue
    return found
