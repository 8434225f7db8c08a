"""How is what came in kept, so that it can be fed through the same code again to the byte.

A file is an 8-byte header and then chunks. A chunk is a fixed header (compressed size, count of entries,
CRC-32 of the compressed bytes), then one zstd frame of MessagePack. Chunks stand alone: a file cut short by a
crash loses its last chunk only, and the reader says so.
"""

import asyncio
import os
import struct
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, TypeVar

import msgspec
import zstandard

from tidemill._rust import FramesRead, read_recorded
from tidemill.core.clock import NS_PER_MS
from tidemill.core.priority import give_way, leave_a_core
from tidemill.schema.faults import Fault, Malformed, Refused, Unreachable

_MAGIC = b"TDMLREC"
_VERSION = 1
_HEADER = _MAGIC + bytes([_VERSION])
_CHUNK = struct.Struct("<III")
_CHUNK_BYTES_MAX = 1 << 30
"""No chunk is larger, compressed or not; a larger size is damage."""
_CHUNKS_AHEAD = 8
"""A thread reads and decompresses so many while those before are decoded: a fifth of a replay's work. With 2,
those of the next step were not there when a step was done."""

_NICE = 10


class Kind(IntEnum):
    """What an entry tells the machine that it is fed to."""

    START = 0
    OPEN = 1
    CLOSE = 2
    FRAME = 3
    FAILED = 4
    TICK = 5
    DRIFT = 6
    """What was made of the frames contradicts itself; the data says where."""
    TRIAL = 8
    """A token was tried; the data says what was found."""
    STEP = 7
    """What came before it was taken before what comes after; blocks came of it. Tells the machine nothing."""


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One thing that came in, and when."""

    kind: Kind
    recv_ns: int
    """When our side read or noticed it, ns since 1970-01-01 UTC."""
    connection: str = ""
    """Which connection of the recorded source it came from; empty where it came from none."""
    data: bytes = b""


class RecorderLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a recorder writes, and how much it may hold."""

    chunk_bytes: int = 1 << 20
    """A chunk is written when it holds so much; 1 MiB compresses about as well as larger ones do."""
    flush_ms: int = 500
    """A chunk is written at the latest so long after its first entry: what a crash can lose."""
    held_bytes_max: int = 64 << 20
    """Held in memory while the disk does not take it; beyond it the recording stops."""
    compression_level: int = 3


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Entry])


class Recorder:
    """Writes entries to a new file, in order; use it as an async context manager."""

    def __init__(
        self,
        path: Path,
        limits: RecorderLimits | None = None,
        *,
        on_last_fault: Callable[[Fault], None] | None = None,
    ) -> None:
        self.path = path
        self._on_last_fault = on_last_fault
        self.entry_count = 0
        self.written_bytes = 0
        self._limits = limits or RecorderLimits()
        self._file: BinaryIO | None = None
        self._held: list[Entry] = []
        self._held_bytes = 0
        self._held_since_ns = 0
        self._size_bytes = 0
        self._thread = ThreadPoolExecutor(1, "recorder", _stand_back)
        self._writing: tuple[asyncio.Future[None], list[Entry], int] | None = None
        """The chunk that a thread writes now, its entries and their size."""

    async def __aenter__(self) -> Self:
        """Create the file. Raises: Refused where it exists already, Unreachable where it cannot be made."""
        try:
            self._file = await asyncio.to_thread(self.path.open, "xb", buffering=0)
        except FileExistsError as error:
            raise Refused(f"recording {self.path}: expected a new file, one is there already") from error
        except OSError as error:
            raise Unreachable(f"recording {self.path}: cannot be created: {error.strerror}") from error
        try:
            await asyncio.to_thread(self._write, _HEADER)
        except OSError as error:
            self._file.close()
            self._file = None
            raise Unreachable(f"recording {self.path}: cannot be begun: {error.strerror}") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is held, then close the file.

        Raises: as `append`, where no `on_last_fault` is told that the end of the recording is lost.
        """
        try:
            await self.flush()
        except Fault as fault:
            if self._on_last_fault is None:
                raise
            self._on_last_fault(fault)
        finally:
            self._thread.shutdown(wait=False)  # its last work is done
            if self._file is not None:
                self._file.close()
                self._file = None

    async def append(self, entries: Sequence[Entry]) -> None:
        """Take `entries`; have a chunk written where one is due, and wait only where too much is held.

        Raises: Unreachable where the disk took nothing: the entries are held, a later call tries again.
            Refused where too much is held: the recording has ended and what follows cannot be replayed.
        """
        if self._file is None:
            raise Refused(f"recording {self.path}: it is closed")
        if not entries:
            return
        if not self._held:
            self._held_since_ns = entries[0].recv_ns
        self._held.extend(entries)
        self._held_bytes += sum(len(entry.data) + 32 for entry in entries)
        self.entry_count += len(entries)
        age_ns = entries[-1].recv_ns - self._held_since_ns
        is_due = self._held_bytes >= self._limits.chunk_bytes or age_ns >= self._limits.flush_ms * NS_PER_MS
        if not is_due or (self._is_busy and self._held_bytes <= self._limits.held_bytes_max):
            return
        await self._written()
        self._write_held()

    async def flush(self) -> None:
        """Write what is held and wait for it. Raises: as `append`."""
        await self._written()
        self._write_held()
        await self._written()

    @property
    def _is_busy(self) -> bool:
        return self._writing is not None and not self._writing[0].done()

    def _write_held(self) -> None:
        """Have a thread write what is held as one chunk."""
        if not self._held:
            return
        held, held_bytes = self._held, self._held_bytes
        self._held, self._held_bytes = [], 0
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._write_chunk, held)
        self._writing = (work, held, held_bytes)

    async def _written(self) -> None:
        """Wait for the chunk that is being written; a cancelled wait leaves it to the next one."""
        if self._writing is None:
            return
        work, held, held_bytes = self._writing
        await asyncio.wait((work,))
        self._writing = None
        error = work.exception()
        if error is None:
            return
        self._held, self._held_bytes = held + self._held, held_bytes + self._held_bytes
        if not isinstance(error, OSError):
            raise error
        self._refuse_when_too_much(error)
        raise Unreachable(
            f"recording {self.path}: {error.strerror}; {self._held_bytes} bytes are held until it has room"
        ) from error

    def _refuse_when_too_much(self, error: OSError) -> None:
        if self._held_bytes <= self._limits.held_bytes_max:
            return
        held_bytes, self._held, self._held_bytes = self._held_bytes, [], 0
        if self._file is not None:
            self._file.close()
            self._file = None
        raise Refused(
            f"recording {self.path}: {error.strerror}; ended at {self._size_bytes} bytes, because"
            f" {held_bytes} bytes wait and at most {self._limits.held_bytes_max} may be held"
        ) from error

    def _write_chunk(self, held: list[Entry]) -> None:
        packed = _encoder.encode(held)
        body = zstandard.ZstdCompressor(level=self._limits.compression_level).compress(packed)
        self._write(_CHUNK.pack(len(body), len(held), zlib.crc32(body)) + body)

    def _write(self, data: bytes) -> None:
        assert self._file is not None
        view = memoryview(data)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError:
            # half a chunk would hide every later one from the reader
            os.ftruncate(self._file.fileno(), self._size_bytes)
            self._file.seek(self._size_bytes)
            raise
        self._size_bytes += len(data)
        self.written_bytes = self._size_bytes


def _stand_back() -> None:
    """A chunk is due when a block comes, and the block goes first."""
    give_way(_NICE)
    leave_a_core()


def read_recording(path: Path, on_fault: Callable[[Malformed], None]) -> Iterator[list[Entry]]:
    """Yield the entries of a recording, a chunk at a time, in order.

    A last chunk that is cut short or damaged is left out and told to `on_fault`; so is all that follows
    damage in the middle, because entries after a hole cannot be replayed.

    Raises: Malformed where the file is no recording, Unreachable where it cannot be read.
    """
    return _chunks(path, on_fault, _decoder.decode)


def read_recorded_frames(
    path: Path, on_fault: Callable[[Malformed], None]
) -> Iterator[list[Entry | FramesRead]]:
    """Yield the same, with all frames that follow each other as one, and read already: in another thread,
    which does not need the interpreter for it.

    Raises: as `read_recording`.
    """
    return _chunks(path, on_fault, _read_frames)


def entry_count(entries: Sequence[Entry | FramesRead]) -> int:
    """Return how many entries there are, frames that were read counted one by one."""
    return sum(len(one) if isinstance(one, FramesRead) else 1 for one in entries)


def _read_frames(content: bytes) -> list[Entry | FramesRead]:
    found = read_recorded(content, Kind.FRAME)
    if found is None:
        return [*_decoder.decode(content)]
    return [one if isinstance(one, FramesRead) else Entry(Kind(one[0]), *one[1:]) for one in found]


_Part = TypeVar("_Part", Entry, Entry | FramesRead)


def _chunks(
    path: Path, on_fault: Callable[[Malformed], None], decode: Callable[[bytes], list[_Part]]
) -> Iterator[list[_Part]]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise Unreachable(f"recording {path}: cannot be read: {error.strerror}") from error
    with file:
        header = file.read(len(_HEADER))
        if header != _HEADER:
            raise Malformed(f"recording {path}: expected the header {_HEADER!r}, found {header!r}")
        size_bytes = os.fstat(file.fileno()).st_size
        with ThreadPoolExecutor(1, thread_name_prefix="read recording") as thread:
            zstd = zstandard.ZstdDecompressor()

            def read() -> tuple[int, list[_Part] | str]:
                return file.tell(), _read_chunk(file, zstd, decode)

            ahead = deque(thread.submit(read) for _ in range(_CHUNKS_AHEAD))
            while (chunk := ahead.popleft().result())[0] < size_bytes:
                ahead.append(thread.submit(read))
                at, entries = chunk
                if isinstance(entries, str):
                    lost = f"the last {size_bytes - at} bytes are left out"
                    on_fault(Malformed(f"recording {path}: {entries} at byte {at}; {lost}"))
                    return
                yield entries


def _read_chunk(
    file: BinaryIO, zstd: zstandard.ZstdDecompressor, decode: Callable[[bytes], list[_Part]]
) -> list[_Part] | str:
    """Return the entries of the next chunk, or what is wrong with it."""
    head = file.read(_CHUNK.size)
    if len(head) < _CHUNK.size:
        return "a chunk header is cut short"
    size_bytes, count, checksum = _CHUNK.unpack(head)
    body = file.read(min(size_bytes, _CHUNK_BYTES_MAX))
    if len(body) < size_bytes:
        return f"a chunk of {size_bytes} bytes is cut short after {len(body)}"
    if zlib.crc32(body) != checksum:
        return "a chunk's checksum does not match"
    try:
        if zstandard.frame_content_size(body) > _CHUNK_BYTES_MAX:
            return f"a chunk says that it holds more than {_CHUNK_BYTES_MAX} bytes"
        entries = decode(zstd.decompress(body))
    except (zstandard.ZstdError, msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        return f"a chunk cannot be decoded ({error})"
    if (found := entry_count(entries)) != count:
        return f"a chunk has {found} entries and its header says {count}"
    return entries
