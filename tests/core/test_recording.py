"""Is what was recorded read back whole, and is damage told and never passed on."""

import errno
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.app.until import until

from tidemill._rust import read_frames
from tidemill.core.recording import (
    Entry,
    Kind,
    Recorder,
    RecorderLimits,
    read_recorded_frames,
    read_recording,
)
from tidemill.schema.faults import Malformed, Refused, Unreachable

MS = 1_000_000


def frames(count: int, size_bytes: int = 50) -> list[Entry]:
    return [Entry(Kind.FRAME, index * MS, "ws", bytes([index % 256]) * size_bytes) for index in range(count)]


async def record(path: Path, entries: list[Entry], **limits: int) -> None:
    async with Recorder(path, RecorderLimits(**limits)) as recorder:
        for entry in entries:
            await recorder.append([entry])


def read(path: Path) -> tuple[list[Entry], list[str]]:
    faults: list[Malformed] = []
    entries = [entry for chunk in read_recording(path, faults.append) for entry in chunk]
    return entries, [str(fault) for fault in faults]


def read_with_frames_read(path: Path) -> tuple[list[Entry], list[str]]:
    """Return the same, from the reader that reads frames too; check that it hears what `read_frames` does."""
    faults: list[Malformed] = []
    entries: list[Entry] = []
    for chunk in read_recorded_frames(path, faults.append):
        for one in chunk:
            if isinstance(one, Entry):
                entries.append(one)
                continue
            its_frames = [Entry(Kind.FRAME, *one.origin(at), one.data(at)) for at in range(len(one))]
            assert list(map(told, one.heard)) == list(
                map(told, read_frames([frame.data for frame in its_frames]))
            )
            entries += its_frames
    return entries, [str(fault) for fault in faults]


def told(heard: object) -> tuple[object, ...]:
    names = ("frame", "id", "result", "error", "message", "subscription", "announced", "other")
    return type(heard), *(getattr(heard, name, None) for name in names)


NOTICE = b"""{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"0x1","result":true}}"""


@given(
    st.lists(
        st.builds(
            Entry,
            st.sampled_from((Kind.FRAME, Kind.FRAME, Kind.FRAME, Kind.TICK, Kind.CLOSE)),
            st.integers(-1, 2**63 - 1),
            st.sampled_from(("", "ws", "http", "w" * 40)),
            st.sampled_from((b"", b"?", b'{"id":7,"result":"0x1"}', NOTICE, NOTICE * 300, b'[{"id":1}]')),
        ),
        min_size=1,
        max_size=80,
    )
)
async def test_frames_that_are_read_with_the_file_are_those_that_came(entries: list[Entry]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        await record(path, entries, chunk_bytes=2_000)
        assert read_with_frames_read(path) == (entries, [])


async def test_entries_come_back_in_order_and_equal(tmp_path: Path) -> None:
    path = tmp_path / "a"
    entries = [
        Entry(Kind.START, 1, "", b"{}"),
        Entry(Kind.OPEN, 2, "ws"),
        *frames(500),
        Entry(Kind.FAILED, 3, "http", b"why"),
        Entry(Kind.TICK, 2**63 - 1),
        Entry(Kind.CLOSE, 5, "ws", b"gone"),
    ]
    await record(path, entries, chunk_bytes=2_000)
    assert read(path) == (entries, [])


async def test_a_chunk_is_written_when_its_first_entry_is_old_enough(tmp_path: Path) -> None:
    path = tmp_path / "a"
    async with Recorder(path, RecorderLimits(flush_ms=10)) as recorder:
        await recorder.append([Entry(Kind.TICK, 0)])
        assert read(path)[0] == []
        await recorder.append([Entry(Kind.TICK, 10 * MS)])

        async def is_written() -> bool:
            return len(read(path)[0]) == 2

        await until(is_written)


async def test_a_tail_that_is_cut_short_is_left_out_and_told(tmp_path: Path) -> None:
    path = tmp_path / "a"
    await record(path, frames(100), chunk_bytes=1_000)
    whole, _ = read(path)
    size_bytes = path.stat().st_size
    for cut in (1, 7, 30):
        os.truncate(path, size_bytes - cut)
        entries, faults = read(path)
        assert entries == whole[: len(entries)]
        assert len(entries) < len(whole)
        assert len(faults) == 1
        assert "cut short" in faults[0]
        assert read_with_frames_read(path) == (entries, faults)


async def test_a_flipped_byte_never_gives_a_wrong_entry(tmp_path: Path) -> None:
    path = tmp_path / "a"
    await record(path, frames(60), chunk_bytes=1_000)
    whole, _ = read(path)
    content = path.read_bytes()

    @given(st.integers(8, len(content) - 1), st.integers(1, 255))
    @settings(max_examples=100, deadline=None)
    def flip(at: int, bits: int) -> None:
        damaged = bytearray(content)
        damaged[at] ^= bits
        path.write_bytes(damaged)
        entries, faults = read(path)
        assert entries == whole[: len(entries)]
        assert len(faults) == 1

    flip()


def test_a_file_that_is_no_recording_is_malformed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"something else")
    with pytest.raises(Malformed, match="expected the header"):
        read(path)
    with pytest.raises(Unreachable, match="cannot be read"):
        read(tmp_path / "none")


async def test_a_recording_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"precious")
    with pytest.raises(Refused, match="one is there already"):
        await record(path, [])
    assert path.read_bytes() == b"precious"


class FullDisk(Recorder):
    """A recorder whose disk has so much room."""

    room_bytes = 10**9

    def _write(self, data: bytes) -> None:
        if self._size_bytes + len(data) > self.room_bytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super()._write(data)


async def refusal_of(recorder: Recorder, entry: Entry) -> list[str]:
    try:
        await recorder.append([entry])
        await recorder.flush()
    except Unreachable as fault:
        return [str(fault)]
    return []


async def test_a_full_disk_is_told_and_loses_nothing_once_it_has_room(tmp_path: Path) -> None:
    path = tmp_path / "a"
    entries = frames(200)
    told: list[str] = []
    async with FullDisk(path, RecorderLimits(chunk_bytes=1_000)) as recorder:
        for index, entry in enumerate(entries):
            recorder.room_bytes = 300 if 20 < index < 150 else 10**9
            told += await refusal_of(recorder, entry)
    assert len(told) > 10
    assert all("No space left" in text for text in told)
    assert read(path) == (entries, [])


async def test_a_recorder_that_must_hold_too_much_ends_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a"
    async with FullDisk(path, RecorderLimits(chunk_bytes=500, held_bytes_max=2_000)) as recorder:
        await recorder.append(frames(20))
        await recorder.flush()
        recorder.room_bytes = 0
        ended = None
        while ended is None:
            try:
                await recorder.append(frames(5))
            except Unreachable:
                continue
            except Refused as fault:
                ended = str(fault)
    assert "ended at" in ended
    assert read(path)[0] == frames(20)


async def test_a_million_entries_are_read_in_about_a_second(tmp_path: Path) -> None:
    path = tmp_path / "a"
    async with Recorder(path) as recorder:
        for _ in range(10):
            await recorder.append(frames(20_000, size_bytes=100))
    begun_s = time.perf_counter()
    count = sum(len(chunk) for chunk in read_recording(path, lambda fault: None))
    per_s = count / (time.perf_counter() - begun_s)
    assert count == 200_000
    assert per_s > 200_000  # 1 M/s on an idle core; other tests share this one


async def test_a_disk_that_is_full_at_the_end_is_told_to_who_asked_and_raised_otherwise(
    tmp_path: Path,
) -> None:
    told: list[str] = []
    async with FullDisk(tmp_path / "a", on_last_fault=lambda fault: told.append(str(fault))) as recorder:
        await recorder.append(frames(1))
        recorder.room_bytes = 0
    assert len(told) == 1
    assert "No space left" in told[0]
    recorder = await FullDisk(tmp_path / "b").__aenter__()
    await recorder.append(frames(1))
    recorder.room_bytes = 0
    with pytest.raises(Unreachable, match="No space left"):
        await recorder.__aexit__(None, None, None)


async def test_a_disk_that_is_full_at_the_beginning_is_unreachable(tmp_path: Path) -> None:
    recorder = FullDisk(tmp_path / "a")
    recorder.room_bytes = 0
    with pytest.raises(Unreachable, match="cannot be begun: No space left"):
        async with recorder:
            pass
