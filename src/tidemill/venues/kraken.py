"""Kraken's spot books and trades. Docs: https://docs.kraken.com/api/docs/guides/spot-ws-intro.

Limits: about 150 connections in 10 minutes; books of 10, 25, 100, 500 or 1,000 levels, of which the ten best
are proven by a checksum with each change.
"""

from collections.abc import Iterable, Iterator

import msgspec

from tidemill._rust import read_kraken
from tidemill.core.book_rule import BookRule
from tidemill.schema.faults import Malformed
from tidemill.venues.base import Feed, Mapped, Origin, Venue, events_of

SOCKET = "wss://ws.kraken.com"
DEPTH = 1_000


def subscribe(channel: str, instruments: Iterable[str], event: str = "subscribe") -> bytes:
    """Return the frame that subscribes to `book` or `trade` of instruments, such as XBT/USD."""
    subscription = {"name": channel} | ({"depth": DEPTH} if channel == "book" else {})
    return msgspec.json.encode({"event": event, "pair": list(instruments), "subscription": subscription})


def _opening(instruments: Iterable[str]) -> Iterator[bytes]:
    for channel in ("book", "trade"):
        yield subscribe(channel, instruments)


def _again(instruments: Iterable[str]) -> Iterator[bytes]:
    for event in ("unsubscribe", "subscribe"):
        yield subscribe("book", instruments, event)


def map_frame(channel: str, frame: bytes, origin: Origin, recv_ns: int) -> Mapped:
    """Map one frame of either channel. Raises: Malformed, where nothing of it can be read."""
    read = read_kraken(
        [(recv_ns, frame)],
        source=origin.source,
        connection=origin.connection,
        first_sequence=origin.first_sequence,
    )
    if read.unread:
        raise Malformed(f"{origin.source} {channel}: {read.unread[0][1]}")
    return Mapped(events=events_of(read.batches), row_count=read.next_sequence - origin.first_sequence)


VENUE = Venue(
    name="kraken",
    docs=(
        "https://docs.kraken.com/api/docs/guides/spot-ws-intro",
        "https://docs.kraken.com/api/docs/guides/spot-ws-book-v1",
    ),
    limits="About 150 connections in 10 minutes; books of at most 1,000 levels.",
    channels=("book", "trade"),
    book_rule=BookRule(ordering="arrival", checksum="crc32_top_ten", depth_max=DEPTH),
    feed=Feed(ws_url=SOCKET, opening=_opening, again=_again, read=read_kraken),
    map_frame=map_frame,
)
