"""Is a recorded session of Kraken kept to the checksum, and is none of other venues' messages lost."""

import ast
import gzip
import io
import json
import re
import tarfile
from pathlib import Path

import pytest
import zstandard

from tidemill._rust import read_kraken
from tidemill.core.recording import Entry, Kind, Recorder, read_recording
from tidemill.process.books import OrderBooks
from tidemill.venues.kraken import VENUE, subscribe

L2_LOAD = Path(__file__).resolve().parents[3] / "shared/data/l2_load/cryptofeed_ws_samples.tar.zst"
recorded = pytest.mark.skipif(not L2_LOAD.exists(), reason=f"needs the recordings in {L2_LOAD}")

_RECEIVED = re.compile(rb"^([0-9.]+): (.*)$", re.DOTALL)


@pytest.fixture(scope="module")
def sessions():
    """Return each recorded session's received messages, with the time at which each came, by file."""
    plain = zstandard.ZstdDecompressor().stream_reader(L2_LOAD.read_bytes()).read()
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        found = {}
        for member in tar.getmembers():
            content = tar.extractfile(member)
            if content is not None:
                found[Path(member.name).name] = list(received(content.read()))
        return found


def received(content):
    for line in content.split(b"\n"):
        message = _RECEIVED.match(line)
        if message:
            frame = message[2]
            is_binary = frame[:2] in (b"b'", b'b"')  # as its recorder spells bytes
            yield int(float(message[1]) * 1e9), ast.literal_eval(frame.decode()) if is_binary else frame


def read(frames):
    return read_kraken(frames, source="kraken", connection="one", first_sequence=0)


@recorded
def test_every_checksum_of_the_recorded_session_matches(sessions):
    read_frames = read(sessions["KRAKEN.ws.50.0"])
    assert read_frames.unread == []
    books = OrderBooks("kraken", VENUE.book_rule)
    whole = read_frames.batches["book_snapshot"]
    books.follow(whole["instrument"].to_pylist())
    taken = books.take(read_frames.batches)
    assert taken.gaps == {}
    assert books.live_count == whole.num_rows == 10
    sequences = {
        row["sequence"]
        for row in read_frames.batches["book_change"].to_pylist()
        if row["checksum"] is not None
    }
    assert len(sequences) == 4_269


@recorded
def test_a_wrong_level_is_found_by_the_checksum(sessions):
    frames = sessions["KRAKEN.ws.50.0"]
    changed = [place for place, (_, frame) in enumerate(frames) if b'"c":' in frame and b'"XMR/USD"' in frame]
    books = OrderBooks("kraken", VENUE.book_rule)
    lost = read([frame for place, frame in enumerate(frames) if place not in changed[100:140]])
    books.follow(lost.batches["book_snapshot"]["instrument"].to_pylist())
    gaps = books.take(lost.batches).gaps
    assert set(gaps) == {"XMR/USD"}
    assert "expected checksum" in str(gaps["XMR/USD"])
    assert books.live_count == 9


@recorded
async def test_every_message_of_every_recorded_venue_passes_the_frame_reader(sessions, tmp_path):
    everything = [
        Entry(Kind.FRAME, recv_ns, name, frame)
        for name, frames in sessions.items()
        for recv_ns, frame in frames
    ]
    async with Recorder(tmp_path / "all.tidemill") as recorder:
        for begin in range(0, len(everything), 5_000):
            await recorder.append(everything[begin : begin + 5_000])
    kept = [entry for chunk in read_recording(recorder.path, pytest.fail) for entry in chunk]
    assert kept == everything
    assert len(sessions) == 52
    assert len(everything) == 71_318
    assert all(is_json(entry.data) for entry in everything)


def is_json(data):
    try:
        json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    except ValueError:
        return False
    return True


def test_a_subscription_names_its_depth():
    said = json.loads(subscribe("book", ["XBT/USD"]))
    assert said == {
        "event": "subscribe",
        "pair": ["XBT/USD"],
        "subscription": {"name": "book", "depth": 1000},
    }
    assert "depth" not in json.loads(subscribe("trade", ["XBT/USD"]))["subscription"]
