"""What is asked of every venue; a file in `venues/` that has a `VENUE` is found, and cannot escape."""

import ast
import inspect
import json
import sys
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tidemill.schema import derive
from tidemill.schema.events import EVENTS
from tidemill.schema.faults import Fault, Malformed
from tidemill.venues.base import Mapped, Origin, discover

CAPTURES = Path(__file__).resolve().parents[1] / "captures"
VENUES = discover()
CHANNELS = [(venue, channel) for venue in VENUES for channel in VENUES[venue].channels]
FEEDS = [name for name, venue in VENUES.items() if venue.feed is not None]
ORIGIN = Origin(source="captured", chain_id=137, dex="any", decimals={b"\xa1" * 20: 18, b"\xb2" * 20: 6})
RECV_NS = 1_800_000_000_000_000_000


def frames_of(venue, channel):
    """Return the frames that were captured of a channel, in the order in which they came."""
    return [path.read_bytes() for path in sorted((CAPTURES / venue).glob(f"{channel}*.json"))]


def mapped(venue, channel, frame, origin=ORIGIN) -> Mapped:
    return VENUES[venue].map_frame(channel, frame, origin, RECV_NS)


def test_there_are_venues():
    assert {"polymarket", "subgraph", "sei", "kraken"} <= set(VENUES)
    assert "kraken" in FEEDS


@pytest.mark.parametrize("venue", VENUES)
def test_a_venue_says_where_it_is_written_and_what_it_allows(venue):
    told = VENUES[venue]
    assert told.docs
    assert all(link.startswith("https://") for link in told.docs)
    assert told.limits.endswith(".")
    assert len(set(told.channels)) == len(told.channels) > 0


@pytest.mark.parametrize("venue", VENUES)
def test_a_venue_reads_no_clock(venue):
    module = import_module(VENUES[venue].map_frame.__module__)
    names = {
        alias.name.split(".")[0]
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in ([*node.names] if isinstance(node, ast.Import) else [ast.alias(node.module or "")])
    }
    assert names.isdisjoint({"time", "datetime", "random", "asyncio", "socket", "aiohttp"})


@pytest.mark.parametrize(("venue", "channel"), CHANNELS)
def test_every_captured_frame_gives_events_of_the_schema_in_its_order(venue, channel):
    frames = frames_of(venue, channel)
    assert frames, f"expected a capture in {CAPTURES / venue} for {channel}"
    events = []
    for number, frame in enumerate(frames):
        events += mapped(venue, channel, frame, replace(ORIGIN, connection=str(number))).events
    assert events, "a capture that says nothing proves nothing"
    kinds = {}
    for event in events:
        kinds.setdefault(event.__struct_config__.tag, []).append(event)
    assert set(kinds) <= set(EVENTS)
    for tag, kind in kinds.items():
        rows = derive.to_rows(tag, derive.to_batch(kind))
        assert [rows[0]["source"], rows[0]["recv_ns"]] == [ORIGIN.source, RECV_NS]
        identities = [tuple(row[name] for name in derive.identity(tag)) for row in rows]
        assert len(set(identities)) == len(identities)


@pytest.mark.parametrize(("venue", "channel"), CHANNELS)
def test_the_same_frame_gives_the_same_events(venue, channel):
    for frame in frames_of(venue, channel):
        assert mapped(venue, channel, frame) == mapped(venue, channel, frame)


@pytest.mark.parametrize(("venue", "channel"), CHANNELS)
@given(data=st.data())
def test_damaged_frames_give_events_or_faults_and_nothing_else(venue, channel, data):
    frame = data.draw(st.sampled_from(frames_of(venue, channel)))
    at = data.draw(st.integers(0, len(frame) - 1))
    damaged = data.draw(
        st.sampled_from(
            [
                frame[:at],
                frame[:at] + bytes([data.draw(st.integers(0, 255))]) + frame[at + 1 :],
                frame[:at] + frame[at + data.draw(st.integers(1, 40)) :],
            ]
        )
    )
    assert_events_or_faults(venue, channel, damaged)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["0x", "-1", "1e99"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(("venue", "channel"), CHANNELS)
@given(data=st.data())
def test_any_value_in_any_place_gives_events_or_faults_and_nothing_else(venue, channel, data):
    frame = json.loads(data.draw(st.sampled_from(frames_of(venue, channel))))
    at, places = frame, []
    while isinstance(at, dict | list) and at:
        key = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        places.append((at, key))
        at = at[key]
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(JSON)
    assert_events_or_faults(venue, channel, json.dumps(frame).encode())


@pytest.mark.parametrize(("venue", "channel"), CHANNELS)
@given(frame=st.binary(max_size=200))
def test_random_bytes_are_malformed(venue, channel, frame):
    with pytest.raises(Malformed):
        mapped(venue, channel, frame)


@pytest.mark.parametrize(("venue", "channel"), CHANNELS)
def test_a_frame_that_is_nested_beyond_reason_is_malformed(venue, channel):
    depth = 10 * sys.getrecursionlimit()
    for frame in (b"[" * depth, b'{"data": ' * depth, b'{"data":{"a":' + b"[" * depth):
        with pytest.raises(Malformed):
            mapped(venue, channel, frame)


@pytest.mark.parametrize("venue", FEEDS)
def test_a_feed_reads_in_bulk_what_is_mapped_frame_by_frame(venue):
    told = VENUES[venue]
    frames = [(channel, frame) for channel in told.channels for frame in frames_of(venue, channel)]
    origin = replace(ORIGIN, connection="one")
    events, sequence = [], 0
    for channel, frame in frames:
        found = mapped(venue, channel, frame, replace(origin, first_sequence=sequence))
        events += found.events
        sequence += found.row_count
    heard = [(RECV_NS, frame) for _, frame in frames]
    read = told.feed.read(heard, source=origin.source, connection=origin.connection, first_sequence=0)
    assert read.unread == []
    assert read.next_sequence == sequence
    kinds = {}
    for event in events:
        kinds.setdefault(event.__struct_config__.tag, []).append(event)
    assert {tag: derive.to_rows(tag, batch) for tag, batch in read.batches.items()} == {
        tag: derive.to_rows(tag, derive.to_batch(kind)) for tag, kind in kinds.items()
    }


@pytest.mark.parametrize("venue", FEEDS)
def test_a_feed_has_a_socket_a_rule_and_names_its_instruments(venue):
    told = VENUES[venue]
    assert told.book_rule is not None
    assert told.feed.ws_url.startswith("wss://")
    for say in (told.feed.opening, told.feed.again):
        said = b"".join(say(["ONE/USD", "TWO/USD"]))
        assert b"ONE/USD" in said
        assert b"TWO/USD" in said


@pytest.mark.parametrize("venue", FEEDS)
@given(frames=st.lists(st.binary(max_size=100), max_size=4))
def test_a_feed_raises_nothing_for_random_bytes(venue, frames):
    heard = [(RECV_NS, frame) for frame in frames]
    read = VENUES[venue].feed.read(heard, source="any", connection="one", first_sequence=0)
    assert len(read.unread) == len(frames)


def assert_events_or_faults(venue, channel, frame):
    try:
        found = mapped(venue, channel, frame)
    except Fault:
        return
    assert all(isinstance(fault, Fault) for fault in found.faults)
    for event in found.events:
        derive.to_batch([event])  # whatever is told fits its columns
